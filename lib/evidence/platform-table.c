/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts as JSON, schema ccaio.platform/1: see ccaio-platform(5). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/meter.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/snapshot.h"
#include "lib/evidence/tables.h"

#define MAX_COUNT ((uint64_t)INT64_MAX) /* of any counter; PLATFORM_UNKNOWN lies above */
#define MAX_SECTORS (MAX_COUNT / 512)
#define MAX_IN_FLIGHT (1u << 20)     /* far more requests than any disk has tags */
#define MAX_ADDRESS (UINT64_MAX - 1) /* EVENT_NO_ADDR is no address */
#define MANY JDOC_MAX_VALUES	     /* entries of a list: the document bounds them */

#define COUNTER(K, S, M) JNUMBER(K, S, M, MAX_COUNT, .unknown = PLATFORM_UNKNOWN)

static const struct jrow kernel_rows[] = {
	JSTRING("release", struct platform, kernel.release),
	JSTRING("machine", struct platform, kernel.machine),
	JSTRING("cmdline", struct platform, kernel.cmdline),
	JSTRING("boot_id", struct platform, kernel.boot_id, .flags = JF_OMIT),
	JEND,
};

static void check_realm(const struct jval *object, void *what)
{
	const struct platform *p = what;
	uint64_t bit = p->realm.shared_bit;

	if (bit & (bit - 1))
		jval_fail_at(object, "shared_bit", "expected a mask of one bit");
	if (p->realm.protected_bit & (p->realm.protected_bit - 1))
		jval_fail_at(object, "protected_bit", "expected a mask of one bit");
	if (bit && p->realm.ipa_bits && bit != UINT64_C(1) << (p->realm.ipa_bits - 1))
		jval_fail_at(object, "shared_bit",
			     "contradicts ipa_bits: it is the topmost of them");
}

static const struct jrow realm_rows[] = {
	JTRI("is_realm", struct platform, realm.is_realm),
	JNAME("kind", struct platform, realm.kind),
	JNAME("rsi_version", struct platform, realm.rsi_version),
	JNUMBER("ipa_bits", struct platform, realm.ipa_bits, 64, .flags = JF_NULL),
	JHEX("shared_bit", struct platform, realm.shared_bit, UINT64_MAX, .flags = JF_NULL),
	JHEX("protected_bit", struct platform, realm.protected_bit, UINT64_MAX, .flags = JF_OMIT),
	JSTRINGS("signs", struct platform, realm.signs, realm.nsigns, MANY, .flags = JF_OMIT),
	JNAME("tsm_provider", struct platform, realm.tsm_provider),
	JWHOLE(.check = check_realm),
};

void range_check(const struct jval *object, void *what)
{
	const struct range *range = what;

	if (range->end < range->start)
		jval_fail(object, "end is below start (bounds are inclusive)");
}

const struct jrow range_table[] = {
	JHEX("start", struct range, start, MAX_ADDRESS, .flags = JF_REQUIRED),
	JHEX("end", struct range, end, MAX_ADDRESS, .flags = JF_REQUIRED),
	JWHOLE(.check = range_check),
};

static const struct jrow pool_rows[] = {
	JNAME("name", struct platform_pool, name, .flags = JF_REQUIRED),
	JINLINE(struct platform_pool, range, range_table),
	JBOOL("inferred", struct platform_pool, inferred, .flags = JF_OMIT),
	JEND,
};

static const struct jrow swiotlb_rows[] = {
	JLIST("pools", struct platform, swiotlb.pools, swiotlb.npools, pool_rows, MANY),
	COUNTER("slots", struct platform, swiotlb.slots),
	JTRI("force", struct platform, swiotlb.force),
	JTRI("dynamic", struct platform, swiotlb.dynamic),
	COUNTER("used_before", struct platform, swiotlb.used_before),
	COUNTER("used_after", struct platform, swiotlb.used_after),
	COUNTER("used_hiwater", struct platform, swiotlb.used_hiwater),
	JEND,
};

static void check_virtio(const struct jval *object, void *what)
{
	const char *features = ((const struct platform_virtio *)what)->features;

	if (features && (strlen(features) > 1024 || strspn(features, "01") != strlen(features)))
		jval_fail_at(object, "features", "expected up to 1024 digits 0 and 1");
}

static const struct jrow virtio_rows[] = {
	JNAME("name", struct platform_virtio, name, .flags = JF_REQUIRED | JF_UNIQUE),
	JNUMBER("device_id", struct platform_virtio, device_id, UINT32_MAX),
	JSTRING("features", struct platform_virtio, features),
	JHEX("status", struct platform_virtio, status, UINT32_MAX - 1,
	     .unknown = PLATFORM_NO_STATUS),
	JNAME("bus", struct platform_virtio, bus),
	JNAME("parent", struct platform_virtio, parent),
	JNAME("driver", struct platform_virtio, driver,
	      JWHERE(JF_UNTOLD, struct platform_virtio, driver_unreported)),
	COUNTER("activity_before", struct platform_virtio, activity_before),
	COUNTER("activity_after", struct platform_virtio, activity_after),
	JNAME("iface", struct platform_virtio, iface),
	JWHOLE(.check = check_virtio),
};

static const struct jrow pci_rows[] = {
	JNAME("name", struct platform_pci, name, .flags = JF_REQUIRED | JF_UNIQUE),
	JSTRING("vendor", struct platform_pci, vendor),
	JSTRING("device", struct platform_pci, device),
	JSTRING("class", struct platform_pci, class),
	JNAME("driver", struct platform_pci, driver,
	      JWHERE(JF_UNTOLD, struct platform_pci, driver_unreported)),
	JNAME("iommu_group", struct platform_pci, iommu_group),
	JNAME("iommu_type", struct platform_pci, iommu_type),
	JNAME("tsm", struct platform_pci, tsm),
	JTRI("bus_master", struct platform_pci, bus_master),
	JTRI("memory", struct platform_pci, memory),
	JTRI("touched", struct platform_pci, touched),
	COUNTER("interrupts_before", struct platform_pci, activity_before),
	COUNTER("interrupts_after", struct platform_pci, activity_after),
	JEND,
};

static const struct jrow other_rows[] = {
	JNAME("name", struct platform_other, name, .flags = JF_REQUIRED),
	JNAME("bus", struct platform_other, bus),
	JNAME("driver", struct platform_other, driver),
	JEND,
};

#define WORK(M, MAX) JNUMBER(#M, struct platform_work, M, MAX, .flags = JF_REQUIRED)
static const struct jrow work_rows[] = {
	WORK(reads, MAX_SECTORS),	WORK(read_sectors, MAX_SECTORS),
	WORK(writes, MAX_SECTORS),	WORK(written_sectors, MAX_SECTORS),
	WORK(discards, MAX_SECTORS),	WORK(discarded_sectors, MAX_SECTORS),
	WORK(in_flight, MAX_IN_FLIGHT), JEND,
};

static void check_both(const struct jval *object, bool counted)
{
	if (counted && !jval_has(object, "before"))
		jval_fail_at(object, "before", "missing");
	if (counted && !jval_has(object, "after"))
		jval_fail_at(object, "after", "missing");
}

static void check_disk(const struct jval *object, void *what)
{
	check_both(object, ((const struct platform_disk *)what)->counted);
}

static const struct jrow disk_rows[] = {
	JNAME("name", struct platform_disk, name, .flags = JF_REQUIRED),
	JNAME("number", struct platform_disk, number, .flags = JF_REQUIRED | JF_UNIQUE),
	JNAME("virtio", struct platform_disk, virtio, .flags = JF_OMIT),
	JNAME("device", struct platform_disk, device, .flags = JF_OMIT),
	JSTRINGS("partitions", struct platform_disk, partitions, npartitions, MANY,
		 .flags = JF_OMIT),
	JOBJECT("before", struct platform_disk, before, work_rows,
		JKNOWN(struct platform_disk, counted)),
	JOBJECT("after", struct platform_disk, after, work_rows,
		JKNOWN(struct platform_disk, counted)),
	JWHOLE(.check = check_disk),
};

#define FRAMES(M) JNUMBER(#M, struct platform_frames, M, MAX_COUNT, .flags = JF_REQUIRED)
static const struct jrow frames_rows[] = {
	FRAMES(rx_packets),
	FRAMES(rx_bytes),
	FRAMES(rx_dropped),
	FRAMES(rx_errors),
	FRAMES(tx_packets),
	FRAMES(tx_bytes),
	FRAMES(tx_dropped),
	FRAMES(tx_errors),
	COUNTER("interrupts", struct platform_frames, interrupts),
	JEND,
};

static const struct jrow counter_rows[] = {
	JNAME("name", struct platform_counter, name, .flags = JF_REQUIRED),
	JNUMBER("before", struct platform_counter, before, MAX_COUNT, .flags = JF_REQUIRED),
	JNUMBER("after", struct platform_counter, after, MAX_COUNT, .flags = JF_REQUIRED),
	JEND,
};

static void check_net(const struct jval *object, void *what)
{
	check_both(object, ((const struct platform_net *)what)->counted);
}

static const struct jrow net_rows[] = {
	JNAME("name", struct platform_net, name, .flags = JF_REQUIRED | JF_UNIQUE),
	JNUMBER("index", struct platform_net, index, INT32_MAX),
	JNAME("virtio", struct platform_net, virtio),
	JBOOL("counted", struct platform_net, counted, JKNOWN(struct platform_net, looked)),
	JOBJECT("before", struct platform_net, before, frames_rows,
		JWHERE(JF_IF, struct platform_net, counted)),
	JOBJECT("after", struct platform_net, after, frames_rows,
		JWHERE(JF_IF, struct platform_net, counted)),
	JLIST("counters", struct platform_net, counters, ncounters, counter_rows, MANY,
	      JWHERE(JF_IF, struct platform_net, counted)),
	JWHOLE(.check = check_net),
};

/* A list is only given by who could read the whole log, or says that it could not. */
static void check_window(const struct jval *object, void *what)
{
	struct platform *p = what;

	if (!jval_has(object, "kernel_log"))
		p->window.log_known = false;
	else if (!jval_has(object, "log_known"))
		p->window.log_known = true;
}

static const struct jrow window_rows[] = {
	JTRI("devices_changed", struct platform, window.devices_changed),
	JTRI("cpus_changed", struct platform, window.cpus_changed),
	JTRI("tsm_changed", struct platform, window.tsm_changed),
	JSTRINGS("kernel_log", struct platform, window.kernel_log, window.nkernel_log, MANY),
	JBOOL("log_known", struct platform, window.log_known),
	JWHOLE(.check = check_window),
};

static const struct jrow moment_rows[] = {
	COUNTER("from_ns", struct platform, moment.from_ns),
	COUNTER("to_ns", struct platform, moment.to_ns),
	JSTRINGS("devices", struct platform, moment.devices, moment.ndevices, MANY),
	JSTRINGS("cpus", struct platform, moment.cpus, moment.ncpus, MANY),
	JSTRINGS("tsm", struct platform, moment.tsm, moment.ntsm, MANY),
	COUNTER("log_first", struct platform, moment.log_first),
	COUNTER("log_next", struct platform, moment.log_next),
	JSTRINGS("log", struct platform, moment.log, moment.nlog, MANY),
	JEND,
};

static const struct jrow lost_rows[] = {
	JNUMBER("cpu", struct platform_lost, cpu, UINT16_MAX, .flags = JF_REQUIRED),
	JNUMBER("overrun", struct platform_lost, overrun, MAX_COUNT, .flags = JF_REQUIRED),
	JNUMBER("commit_overrun", struct platform_lost, commit_overrun, MAX_COUNT,
		.flags = JF_REQUIRED),
	JNUMBER("dropped", struct platform_lost, dropped, MAX_COUNT, .flags = JF_REQUIRED),
	JEND,
};

static const struct jrow change_rows[] = {
	JNAME("file", struct platform_change, file, .flags = JF_REQUIRED),
	JNUMBER("from_ns", struct platform_change, from_ns, MAX_COUNT, .flags = JF_REQUIRED),
	JNUMBER("to_ns", struct platform_change, to_ns, MAX_COUNT, .flags = JF_REQUIRED),
	JNUMBER("times", struct platform_change, times, MAX_COUNT),
	JEND,
};

static const struct jrow canary_rows[] = {
	JNAME("device", struct platform_canary, device, .flags = JF_REQUIRED),
	JNAME("kind", struct platform_canary, kind, .flags = JF_REQUIRED),
	JNUMBER("size", struct platform_canary, size, MAX_COUNT),
	JSTRING("reason", struct platform_canary, reason),
	JEND,
};

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
static void altered_by_sentence(struct platform *p)
{
	static const char end[] = ": was switched off or filtered in the window";

	p->trace.altered = xcalloc(p->trace.nfailed, sizeof(*p->trace.altered));
	for (size_t i = 0; i < p->trace.nfailed; i++) {
		const char *text = p->trace.failed[i];
		size_t len = strlen(text), name = len > strlen(end) ? len - strlen(end) : 0;

		if (strcmp(text + name, end) == 0 && is_event_name(text, name))
			p->trace.altered[p->trace.naltered++] = xasprintf("%.*s", (int)name, text);
	}
}

static void check_trace(const struct jval *object, void *what)
{
	struct platform *p = what;

	if (!jval_has(object, "spoilt"))
		altered_by_sentence(p);
	for (size_t i = 0; i < p->trace.naltered; i++)
		if (!is_event_name(p->trace.altered[i], strlen(p->trace.altered[i])))
			jval_fail_at(object, "spoilt", "'%.64s' is no event such as dma:dma_alloc",
				     p->trace.altered[i]);
}

static const struct jrow trace_rows[] = {
	JLIST("lost", struct platform, trace.lost, trace.nlost, lost_rows, MANY,
	      JKNOWN(struct platform, trace.lost_known)),
	JTRI("from_boot", struct platform, trace.from_boot),
	JSTRINGS("events", struct platform, trace.events, trace.nevents, MANY,
		 JKNOWN(struct platform, trace.events_known)),
	JSTRINGS("failed", struct platform, trace.failed, trace.nfailed, MANY),
	JSTRINGS("spoilt", struct platform, trace.altered, trace.naltered, MANY, .flags = JF_OMIT),
	JTRI("watched", struct platform, trace.watched),
	JLIST("changes", struct platform, trace.changes, trace.nchanges, change_rows, MANY,
	      .flags = JF_OMIT),
	JNAME("recorder", struct platform, trace.recorder),
	JHEX("nonce", struct platform, trace.nonce, UINT64_MAX, .flags = JF_OMIT),
	JLIST("canaries", struct platform, trace.canaries, trace.ncanaries, canary_rows, MANY),
	JWHOLE(.check = check_trace),
};

static const struct jrow memory_rows[] = {
	JPOINTER("start", struct platform, start, snapshot_table),
	JPOINTER("end", struct platform, end, snapshot_table),
	JEND,
};

static const struct jrow memcpy_rows[] = {
	JNUMBER("bytes", struct platform, memcpy.bytes, UINT32_MAX),
	JNUMBER("ns", struct platform, memcpy.ns, UINT32_MAX),
	JEND,
};

static void check_platform(const struct jval *object, void *what)
{
	const char *unknown = jdoc_unknown(object->doc);

	((struct platform *)what)->unknown = xstrdup(unknown);
}

const struct jrow platform_table[] = {
	JGROUP("kernel", kernel_rows),
	JSTRING("root", struct platform, root, .flags = JF_OMIT),
	JGROUP("realm", realm_rows),
	JLIST("ram", struct platform, ram, nram, range_table, MANY),
	JGROUP("swiotlb", swiotlb_rows),
	JLIST("virtio", struct platform, virtio, nvirtio, virtio_rows, MANY,
	      JKNOWN(struct platform, virtio_listed)),
	JLIST("pci", struct platform, pci, npci, pci_rows, MANY,
	      JKNOWN(struct platform, pci_listed)),
	JLIST("other", struct platform, other, nother, other_rows, MANY),
	JLIST("disks", struct platform, disks, ndisks, disk_rows, MANY),
	JLIST("net", struct platform, net, nnet, net_rows, MANY),
	JGROUP("window", window_rows),
	JGROUP("trace", trace_rows),
	JGROUP("memory", memory_rows, .flags = JF_OMIT),
	JGROUP("moment", moment_rows, .flags = JF_OMIT),
	JGROUP("memcpy", memcpy_rows, .flags = JF_OMIT),
	JPOINTER("meter", struct platform, meter, meter_table, .flags = JF_OMIT),
	JWHOLE(.check = check_platform),
};

struct platform *platform_new(void)
{
	struct platform *p = xcalloc(1, sizeof(*p));

	jtable_init(platform_table, p);
	return p;
}

void platform_free(struct platform *p)
{
	if (p)
		free(p->unknown);
	jtable_delete(platform_table, p);
}

struct platform *platform_parse(const char *text, size_t len, const char *name, struct err *err)
{
	return jtable_load(platform_table, sizeof(struct platform),
			   jdoc_parse(text, len, name, err), PLATFORM_SCHEMA);
}

struct platform *platform_load(const char *path, struct err *err)
{
	return jtable_load(platform_table, sizeof(struct platform), jdoc_load(path, err),
			   PLATFORM_SCHEMA);
}

char *platform_format(const struct platform *p)
{
	return jtable_format(platform_table, PLATFORM_SCHEMA, p);
}
