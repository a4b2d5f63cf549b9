/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts as JSON, schema ccaio.platform/1: see ccaio-platform(5). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"
#include "lib/json/json.h"

#define SCHEMA "ccaio.platform/1"
#define MAX_COUNT ((uint64_t)INT64_MAX) /* of any counter; PLATFORM_UNKNOWN lies above */
#define MAX_SECTORS (MAX_COUNT / 512)
#define MAX_IN_FLIGHT (1u << 20)     /* far more requests than any disk has tags */
#define MAX_ADDRESS (UINT64_MAX - 1) /* EVENT_NO_ADDR is no address */

static void check_schema(const struct jval *root)
{
	char *schema = jval_string(root, "schema");

	if (!schema)
		jval_fail_at(root, "schema", "missing, expected \"" SCHEMA "\"");
	else if (strcmp(schema, SCHEMA) != 0)
		jval_fail_at(root, "schema", "expected \"" SCHEMA "\", not '%.64s'", schema);
	free(schema);
}

static void read_realm(struct platform *p, const struct jval *root)
{
	struct jval realm = jval_object(root, "realm");
	uint64_t bit;

	p->realm.is_realm = jval_tri(&realm, "is_realm");
	p->realm.kind = jval_name(&realm, "kind");
	p->realm.rsi_version = jval_name(&realm, "rsi_version");
	p->realm.ipa_bits = (uint32_t)jval_number(&realm, "ipa_bits", 64, 0);
	p->realm.shared_bit = bit = jval_hex(&realm, "shared_bit", UINT64_MAX, 0);
	p->realm.tsm_provider = jval_name(&realm, "tsm_provider");
	if (bit & (bit - 1))
		jval_fail_at(&realm, "shared_bit", "expected a mask of one bit");
	if (bit && p->realm.ipa_bits && bit != UINT64_C(1) << (p->realm.ipa_bits - 1))
		jval_fail_at(&realm, "shared_bit",
			     "contradicts ipa_bits: it is the topmost of them");
}

static void read_ram(struct platform *p, const struct jval *root)
{
	struct jval ram = jval_array(root, "ram");

	p->nram = jval_count(&ram);
	p->ram = xcalloc(p->nram, sizeof(*p->ram));
	for (size_t i = 0; i < p->nram; i++) {
		struct jval item = jval_item_object(&ram, i);

		p->ram[i] = jval_range(&item);
	}
}

static void read_swiotlb(struct platform *p, const struct jval *root)
{
	struct jval swiotlb = jval_object(root, "swiotlb");
	struct jval pools = jval_array(&swiotlb, "pools");

	p->swiotlb.npools = jval_count(&pools);
	p->swiotlb.pools = xcalloc(p->swiotlb.npools, sizeof(*p->swiotlb.pools));
	for (size_t i = 0; i < p->swiotlb.npools; i++) {
		struct jval item = jval_item_object(&pools, i);
		struct platform_pool *pool = &p->swiotlb.pools[i];

		pool->name = jval_name_required(&item, "name");
		pool->range = jval_range(&item);
		pool->inferred = jval_bool(&item, "inferred", false);
	}
	p->swiotlb.slots = jval_number(&swiotlb, "slots", MAX_COUNT, PLATFORM_UNKNOWN);
	p->swiotlb.force = jval_tri(&swiotlb, "force");
	p->swiotlb.dynamic = jval_tri(&swiotlb, "dynamic");
	p->swiotlb.used_before = jval_number(&swiotlb, "used_before", MAX_COUNT, PLATFORM_UNKNOWN);
	p->swiotlb.used_after = jval_number(&swiotlb, "used_after", MAX_COUNT, PLATFORM_UNKNOWN);
	p->swiotlb.used_hiwater =
		jval_number(&swiotlb, "used_hiwater", MAX_COUNT, PLATFORM_UNKNOWN);
}

static void read_virtio(struct platform *p, const struct jval *root)
{
	struct jval list = jval_array(root, "virtio");

	p->virtio_listed = jval_known(&list);
	p->nvirtio = jval_count(&list);
	p->virtio = xcalloc(p->nvirtio, sizeof(*p->virtio));
	for (size_t i = 0; i < p->nvirtio; i++) {
		struct jval item = jval_item_object(&list, i);
		struct platform_virtio *dev = &p->virtio[i];

		dev->name = jval_name_required(&item, "name");
		dev->device_id = (uint32_t)jval_number(&item, "device_id", UINT32_MAX, 0);
		dev->features = jval_string(&item, "features");
		if (dev->features && (strlen(dev->features) > 1024 ||
				      strspn(dev->features, "01") != strlen(dev->features)))
			jval_fail_at(&item, "features", "expected up to 1024 digits 0 and 1");
		dev->status =
			(uint32_t)jval_hex(&item, "status", UINT32_MAX - 1, PLATFORM_NO_STATUS);
		dev->bus = jval_name(&item, "bus");
		dev->parent = jval_name(&item, "parent");
		dev->driver = jval_name(&item, "driver");
		dev->driver_untold = !jval_mentions(&item, "driver");
		dev->activity_before =
			jval_number(&item, "activity_before", MAX_COUNT, PLATFORM_UNKNOWN);
		dev->activity_after =
			jval_number(&item, "activity_after", MAX_COUNT, PLATFORM_UNKNOWN);
		dev->iface = jval_name(&item, "iface");
	}
}

static void read_pci(struct platform *p, const struct jval *root)
{
	struct jval list = jval_array(root, "pci");

	p->pci_listed = jval_known(&list);
	p->npci = jval_count(&list);
	p->pci = xcalloc(p->npci, sizeof(*p->pci));
	for (size_t i = 0; i < p->npci; i++) {
		struct jval item = jval_item_object(&list, i);
		struct platform_pci *dev = &p->pci[i];

		dev->name = jval_name_required(&item, "name");
		dev->vendor = jval_string(&item, "vendor");
		dev->device = jval_string(&item, "device");
		dev->class = jval_string(&item, "class");
		dev->driver = jval_name(&item, "driver");
		dev->driver_untold = !jval_mentions(&item, "driver");
		dev->iommu_group = jval_name(&item, "iommu_group");
		dev->iommu_type = jval_name(&item, "iommu_type");
		dev->tsm = jval_name(&item, "tsm");
		dev->bus_master = jval_tri(&item, "bus_master");
	}
}

static void read_other(struct platform *p, const struct jval *root)
{
	struct jval list = jval_array(root, "other");

	p->nother = jval_count(&list);
	p->other = xcalloc(p->nother, sizeof(*p->other));
	for (size_t i = 0; i < p->nother; i++) {
		struct jval item = jval_item_object(&list, i);

		p->other[i].name = jval_name_required(&item, "name");
		p->other[i].bus = jval_name(&item, "bus");
		p->other[i].driver = jval_name(&item, "driver");
	}
}

static void read_work(struct platform_work *work, const struct jval *disk, const char *key)
{
	struct jval v = jval_object(disk, key);
	const struct {
		const char *key;
		uint64_t *to;
	} members[] = {
		{ "reads", &work->reads },
		{ "read_sectors", &work->read_sectors },
		{ "writes", &work->writes },
		{ "written_sectors", &work->written_sectors },
		{ "discards", &work->discards },
		{ "discarded_sectors", &work->discarded_sectors },
		{ "in_flight", &work->in_flight },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (!jval_has(&v, members[i].key))
			jval_fail_at(&v, members[i].key, "missing");
		*members[i].to = jval_number(
			&v, members[i].key,
			members[i].to == &work->in_flight ? MAX_IN_FLIGHT : MAX_SECTORS, 0);
	}
}

static void read_disks(struct platform *p, const struct jval *root)
{
	struct jval list = jval_array(root, "disks");

	p->ndisks = jval_count(&list);
	p->disks = xcalloc(p->ndisks, sizeof(*p->disks));
	for (size_t i = 0; i < p->ndisks; i++) {
		struct jval item = jval_item_object(&list, i);
		struct platform_disk *disk = &p->disks[i];

		disk->name = jval_name_required(&item, "name");
		disk->number = jval_name_required(&item, "number");
		disk->virtio = jval_name(&item, "virtio");
		disk->partitions = jval_strings(&item, "partitions", &disk->npartitions);
		disk->counted = jval_has(&item, "before") || jval_has(&item, "after");
		if (!disk->counted)
			continue;
		read_work(&disk->before, &item, "before");
		read_work(&disk->after, &item, "after");
	}
}

static void read_frames(struct platform_frames *f, const struct jval *net, const char *key)
{
	struct jval v = jval_object(net, key);
	const struct {
		const char *key;
		uint64_t *to;
	} members[] = {
		{ "rx_packets", &f->rx_packets }, { "rx_bytes", &f->rx_bytes },
		{ "rx_dropped", &f->rx_dropped }, { "rx_errors", &f->rx_errors },
		{ "tx_packets", &f->tx_packets }, { "tx_bytes", &f->tx_bytes },
		{ "tx_dropped", &f->tx_dropped }, { "tx_errors", &f->tx_errors },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (!jval_has(&v, members[i].key))
			jval_fail_at(&v, members[i].key, "missing");
		*members[i].to = jval_number(&v, members[i].key, MAX_COUNT, 0);
	}
	f->interrupts = jval_number(&v, "interrupts", MAX_COUNT, PLATFORM_UNKNOWN);
}

static void read_counters(struct platform_net *net, const struct jval *item)
{
	struct jval list = jval_array(item, "counters");

	net->ncounters = jval_count(&list);
	net->counters = xcalloc(net->ncounters, sizeof(*net->counters));
	for (size_t i = 0; i < net->ncounters; i++) {
		struct jval v = jval_item_object(&list, i);
		struct platform_counter *c = &net->counters[i];

		c->name = jval_name_required(&v, "name");
		if (!jval_has(&v, "before") || !jval_has(&v, "after"))
			jval_fail_at(&v, jval_has(&v, "before") ? "after" : "before", "missing");
		c->before = jval_number(&v, "before", MAX_COUNT, 0);
		c->after = jval_number(&v, "after", MAX_COUNT, 0);
	}
}

static void read_net(struct platform *p, const struct jval *root)
{
	struct jval list = jval_array(root, "net");

	p->nnet = jval_count(&list);
	p->net = xcalloc(p->nnet, sizeof(*p->net));
	for (size_t i = 0; i < p->nnet; i++) {
		struct jval item = jval_item_object(&list, i);
		struct platform_net *net = &p->net[i];

		net->name = jval_name_required(&item, "name");
		net->index = (uint32_t)jval_number(&item, "index", INT32_MAX, 0);
		net->virtio = jval_name(&item, "virtio");
		net->looked = jval_has(&item, "counted");
		net->counted = jval_bool(&item, "counted", false);
		if (!net->counted)
			continue;
		read_frames(&net->before, &item, "before");
		read_frames(&net->after, &item, "after");
		read_counters(net, &item);
	}
}

static void read_window(struct platform *p, const struct jval *root)
{
	struct jval window = jval_object(root, "window");

	p->window.devices_changed = jval_tri(&window, "devices_changed");
	p->window.cpus_changed = jval_tri(&window, "cpus_changed");
	p->window.tsm_changed = jval_tri(&window, "tsm_changed");
	p->window.kernel_log = jval_strings(&window, "kernel_log", &p->window.nkernel_log);
	/* A list is only given by who could read the whole log, or says that it could not. */
	p->window.log_known =
		jval_has(&window, "kernel_log") && jval_bool(&window, "log_known", true);
}

static void read_canaries(struct platform *p, const struct jval *trace)
{
	struct jval list = jval_array(trace, "canaries");

	p->trace.ncanaries = jval_count(&list);
	p->trace.canaries = xcalloc(p->trace.ncanaries, sizeof(*p->trace.canaries));
	for (size_t i = 0; i < p->trace.ncanaries; i++) {
		struct jval item = jval_item_object(&list, i);
		struct platform_canary *canary = &p->trace.canaries[i];

		canary->device = jval_name_required(&item, "device");
		canary->kind = jval_name_required(&item, "kind");
		canary->size = jval_number(&item, "size", MAX_COUNT, 0);
		canary->reason = jval_string(&item, "reason");
	}
}

/* "dma:dma_map_phys": the first len bytes of text */
static bool is_event_name(const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("_.-:", text[i]))
			return false;
	return colon && colon != text && colon != text + len - 1 && len < 256;
}

/*
 * Earlier recorders had no such list, but put a sentence among what could not be armed.  Their
 * bundles must not be believed more than they were: what the sentence names was not on.
 */
static void spoilt_by_sentence(struct platform *p)
{
	static const char end[] = ": was switched off or filtered in the window";

	p->trace.spoilt = xcalloc(p->trace.nfailed, sizeof(*p->trace.spoilt));
	for (size_t i = 0; i < p->trace.nfailed; i++) {
		const char *text = p->trace.failed[i];
		size_t len = strlen(text), name = len > strlen(end) ? len - strlen(end) : 0;

		if (strcmp(text + name, end) == 0 && is_event_name(text, name))
			p->trace.spoilt[p->trace.nspoilt++] = xasprintf("%.*s", (int)name, text);
	}
}

static void read_spoilt(struct platform *p, const struct jval *trace)
{
	if (!jval_has(trace, "spoilt")) {
		spoilt_by_sentence(p);
		return;
	}
	p->trace.spoilt = jval_strings(trace, "spoilt", &p->trace.nspoilt);
	for (size_t i = 0; i < p->trace.nspoilt; i++)
		if (!is_event_name(p->trace.spoilt[i], strlen(p->trace.spoilt[i])))
			jval_fail_at(trace, "spoilt", "'%.64s' is no event such as dma:dma_alloc",
				     p->trace.spoilt[i]);
}

static void read_trace(struct platform *p, const struct jval *root)
{
	struct jval trace = jval_object(root, "trace");
	struct jval lost = jval_array(&trace, "lost");

	p->trace.lost_known = jval_known(&lost);
	p->trace.nlost = jval_count(&lost);
	p->trace.lost = xcalloc(p->trace.nlost, sizeof(*p->trace.lost));
	for (size_t i = 0; i < p->trace.nlost; i++) {
		struct jval item = jval_item_object(&lost, i);
		struct platform_lost *cpu = &p->trace.lost[i];
		static const char *const needed[] = { "cpu", "overrun", "commit_overrun",
						      "dropped" };

		for (size_t k = 0; k < sizeof(needed) / sizeof(needed[0]); k++) {
			if (!jval_has(&item, needed[k]))
				jval_fail_at(&item, needed[k], "missing");
		}
		cpu->cpu = (uint32_t)jval_number(&item, "cpu", UINT16_MAX, 0);
		cpu->overrun = jval_number(&item, "overrun", MAX_COUNT, 0);
		cpu->commit_overrun = jval_number(&item, "commit_overrun", MAX_COUNT, 0);
		cpu->dropped = jval_number(&item, "dropped", MAX_COUNT, 0);
	}
	p->trace.from_boot = jval_tri(&trace, "from_boot");
	p->trace.events_known = jval_has(&trace, "events");
	p->trace.events = jval_strings(&trace, "events", &p->trace.nevents);
	p->trace.failed = jval_strings(&trace, "failed", &p->trace.nfailed);
	read_spoilt(p, &trace);
	p->trace.recorder = jval_name(&trace, "recorder");
	p->trace.nonce = jval_hex(&trace, "nonce", UINT64_MAX, 0);
	read_canaries(p, &trace);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One device listed twice, once harmless and once not, would be believed as it suits. */
static void check_unique(const struct jval *root, const char *key, const char **names, size_t n)
{
	qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(names[i - 1], names[i]) == 0) {
			jval_fail_at(root, key, "'%.64s' is listed twice", names[i]);
			return;
		}
	}
}

static void check_devices(const struct platform *p, const struct jval *root)
{
	const char **names = xcalloc(p->nvirtio + p->npci + p->ndisks + p->nnet, sizeof(*names));

	for (size_t i = 0; i < p->nvirtio; i++)
		names[i] = p->virtio[i].name;
	check_unique(root, "virtio", names, p->nvirtio);
	for (size_t i = 0; i < p->npci; i++)
		names[i] = p->pci[i].name;
	check_unique(root, "pci", names, p->npci);
	for (size_t i = 0; i < p->ndisks; i++)
		names[i] = p->disks[i].number;
	check_unique(root, "disks", names, p->ndisks);
	for (size_t i = 0; i < p->nnet; i++)
		names[i] = p->net[i].name;
	check_unique(root, "net", names, p->nnet);
	free(names);
}

static struct platform *read_doc(struct jdoc *doc)
{
	struct platform *p;
	struct jval root, kernel;

	if (!doc)
		return NULL;
	p = platform_new();
	root = jdoc_root(doc);
	check_schema(&root);
	kernel = jval_object(&root, "kernel");
	p->kernel.release = jval_string(&kernel, "release");
	p->kernel.machine = jval_string(&kernel, "machine");
	p->kernel.cmdline = jval_string(&kernel, "cmdline");
	read_realm(p, &root);
	read_ram(p, &root);
	read_swiotlb(p, &root);
	read_virtio(p, &root);
	read_pci(p, &root);
	read_other(p, &root);
	read_disks(p, &root);
	read_net(p, &root);
	read_window(p, &root);
	read_trace(p, &root);
	if (jdoc_status(doc) == 0)
		check_devices(p, &root);
	if (jdoc_status(doc) < 0) {
		platform_free(p);
		p = NULL;
	}
	jdoc_free(doc);
	return p;
}

struct platform *platform_parse(const char *text, size_t len, const char *name, struct err *err)
{
	return read_doc(jdoc_parse(text, len, name, err));
}

struct platform *platform_load(const char *path, struct err *err)
{
	return read_doc(jdoc_load(path, err));
}
