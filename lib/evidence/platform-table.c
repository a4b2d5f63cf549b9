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

#define P struct platform
#define VIRTIO struct platform_virtio
#define PCI struct platform_pci
#define DISK struct platform_disk
#define NET struct platform_net
#define LOST struct platform_lost

static const struct jrow kernel_rows[] = {
	JSTRING("release", P, kernel.release),
	JSTRING("machine", P, kernel.machine),
	JSTRING("cmdline", P, kernel.cmdline),
	JSTRING("boot_id", P, kernel.boot_id, .flags = JF_OMIT),
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
	JTRI("is_realm", P, realm.is_realm),
	JNAME("kind", P, realm.kind),
	JNAME("rsi_version", P, realm.rsi_version),
	JNUMBER("ipa_bits", P, realm.ipa_bits, 64, .flags = JF_NULL),
	JHEX("shared_bit", P, realm.shared_bit, UINT64_MAX, .flags = JF_NULL),
	JHEX("protected_bit", P, realm.protected_bit, UINT64_MAX, .flags = JF_OMIT),
	JSTRINGS("signs", P, realm.signs, realm.nsigns, MANY, .flags = JF_OMIT),
	JNAME("tsm_provider", P, realm.tsm_provider),
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
	JLIST("pools", P, swiotlb.pools, swiotlb.npools, pool_rows, MANY),
	COUNTER("slots", P, swiotlb.slots),
	JTRI("force", P, swiotlb.force),
	JTRI("dynamic", P, swiotlb.dynamic),
	COUNTER("used_before", P, swiotlb.used_before),
	COUNTER("used_after", P, swiotlb.used_after),
	COUNTER("used_hiwater", P, swiotlb.used_hiwater),
	JEND,
};

static void check_virtio(const struct jval *object, void *what)
{
	const char *features = ((const struct platform_virtio *)what)->features;

	if (features && (strlen(features) > 1024 || strspn(features, "01") != strlen(features)))
		jval_fail_at(object, "features", "expected up to 1024 digits 0 and 1");
}

static const struct jrow virtio_rows[] = {
	JNAME("name", VIRTIO, name, .flags = JF_REQUIRED | JF_UNIQUE),
	JNUMBER("device_id", VIRTIO, device_id, UINT32_MAX),
	JSTRING("features", VIRTIO, features),
	JHEX("status", VIRTIO, status, UINT32_MAX - 1, .unknown = PLATFORM_NO_STATUS),
	JNAME("bus", VIRTIO, bus),
	JNAME("parent", VIRTIO, parent),
	JNAME("driver", VIRTIO, driver, JWHERE(JF_UNTOLD, VIRTIO, driver_unreported)),
	COUNTER("activity_before", VIRTIO, activity_before),
	COUNTER("activity_after", VIRTIO, activity_after),
	JNAME("iface", VIRTIO, iface),
	JWHOLE(.check = check_virtio),
};

static const struct jrow pci_rows[] = {
	JNAME("name", PCI, name, .flags = JF_REQUIRED | JF_UNIQUE),
	JSTRING("vendor", PCI, vendor),
	JSTRING("device", PCI, device),
	JSTRING("class", PCI, class),
	JNAME("driver", PCI, driver, JWHERE(JF_UNTOLD, PCI, driver_unreported)),
	JNAME("iommu_group", PCI, iommu_group),
	JNAME("iommu_type", PCI, iommu_type),
	JNAME("tsm", PCI, tsm),
	JTRI("bus_master", PCI, bus_master),
	JTRI("memory", PCI, memory),
	JTRI("touched", PCI, touched),
	COUNTER("interrupts_before", PCI, activity_before),
	COUNTER("interrupts_after", PCI, activity_after),
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
	JNAME("name", DISK, name, .flags = JF_REQUIRED),
	JNAME("number", DISK, number, .flags = JF_REQUIRED | JF_UNIQUE),
	JNAME("virtio", DISK, virtio, .flags = JF_OMIT),
	JNAME("device", DISK, device, .flags = JF_OMIT),
	JSTRINGS("partitions", DISK, partitions, npartitions, MANY, .flags = JF_OMIT),
	JOBJECT("before", DISK, before, work_rows, JKNOWN(DISK, counted)),
	JOBJECT("after", DISK, after, work_rows, JKNOWN(DISK, counted)),
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
	JNAME("name", NET, name, .flags = JF_REQUIRED | JF_UNIQUE),
	JNUMBER("index", NET, index, INT32_MAX),
	JNAME("virtio", NET, virtio),
	JBOOL("counted", NET, counted, JKNOWN(NET, looked)),
	JOBJECT("before", NET, before, frames_rows, JWHERE(JF_IF, NET, counted)),
	JOBJECT("after", NET, after, frames_rows, JWHERE(JF_IF, NET, counted)),
	JLIST("counters", NET, counters, ncounters, counter_rows, MANY,
	      JWHERE(JF_IF, NET, counted)),
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
	JTRI("devices_changed", P, window.devices_changed),
	JTRI("cpus_changed", P, window.cpus_changed),
	JTRI("tsm_changed", P, window.tsm_changed),
	JSTRINGS("kernel_log", P, window.kernel_log, window.nkernel_log, MANY),
	JBOOL("log_known", P, window.log_known),
	JWHOLE(.check = check_window),
};

static const struct jrow moment_rows[] = {
	COUNTER("from_ns", P, moment.from_ns),
	COUNTER("to_ns", P, moment.to_ns),
	JSTRINGS("devices", P, moment.devices, moment.ndevices, MANY),
	JSTRINGS("cpus", P, moment.cpus, moment.ncpus, MANY),
	JSTRINGS("tsm", P, moment.tsm, moment.ntsm, MANY),
	COUNTER("log_first", P, moment.log_first),
	COUNTER("log_next", P, moment.log_next),
	JSTRINGS("log", P, moment.log, moment.nlog, MANY),
	JEND,
};

static const struct jrow lost_rows[] = {
	JNUMBER("cpu", LOST, cpu, UINT16_MAX, .flags = JF_REQUIRED),
	JNUMBER("overrun", LOST, overrun, MAX_COUNT, .flags = JF_REQUIRED),
	JNUMBER("commit_overrun", LOST, commit_overrun, MAX_COUNT, .flags = JF_REQUIRED),
	JNUMBER("dropped", LOST, dropped, MAX_COUNT, .flags = JF_REQUIRED),
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
	JLIST("lost", P, trace.lost, trace.nlost, lost_rows, MANY, JKNOWN(P, trace.lost_known)),
	JTRI("from_boot", P, trace.from_boot),
	JSTRINGS("events", P, trace.events, trace.nevents, MANY, JKNOWN(P, trace.events_known)),
	JSTRINGS("failed", P, trace.failed, trace.nfailed, MANY),
	JSTRINGS("spoilt", P, trace.altered, trace.naltered, MANY, .flags = JF_OMIT),
	JTRI("watched", P, trace.watched),
	JLIST("changes", P, trace.changes, trace.nchanges, change_rows, MANY, .flags = JF_OMIT),
	JNAME("recorder", P, trace.recorder),
	JHEX("nonce", P, trace.nonce, UINT64_MAX, .flags = JF_OMIT),
	JLIST("canaries", P, trace.canaries, trace.ncanaries, canary_rows, MANY),
	JWHOLE(.check = check_trace),
};

static const struct jrow memory_rows[] = {
	JPOINTER("start", P, start, snapshot_table),
	JPOINTER("end", P, end, snapshot_table),
	JEND,
};

static const struct jrow memcpy_rows[] = {
	JNUMBER("bytes", P, memcpy.bytes, UINT32_MAX),
	JNUMBER("ns", P, memcpy.ns, UINT32_MAX),
	JEND,
};

static void check_platform(const struct jval *object, void *what)
{
	const char *unknown = jdoc_unknown(object->doc);

	((struct platform *)what)->unknown = xstrdup(unknown);
}

const struct jrow platform_table[] = {
	JGROUP("kernel", kernel_rows),
	JSTRING("root", P, root, .flags = JF_OMIT),
	JGROUP("realm", realm_rows),
	JLIST("ram", P, ram, nram, range_table, MANY),
	JGROUP("swiotlb", swiotlb_rows),
	JLIST("virtio", P, virtio, nvirtio, virtio_rows, MANY, JKNOWN(P, virtio_listed)),
	JLIST("pci", P, pci, npci, pci_rows, MANY, JKNOWN(P, pci_listed)),
	JLIST("other", P, other, nother, other_rows, MANY),
	JLIST("disks", P, disks, ndisks, disk_rows, MANY),
	JLIST("net", P, net, nnet, net_rows, MANY),
	JGROUP("window", window_rows),
	JGROUP("trace", trace_rows),
	JGROUP("memory", memory_rows, .flags = JF_OMIT),
	JGROUP("moment", moment_rows, .flags = JF_OMIT),
	JGROUP("memcpy", memcpy_rows, .flags = JF_OMIT),
	JPOINTER("meter", P, meter, meter_table, .flags = JF_OMIT),
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
