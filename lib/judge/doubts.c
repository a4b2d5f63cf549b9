/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What keeps claims open that no single event shows: facts and a stream that do not bear
 * each other out, and events that should be there and are not.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/judge/finish.h"

const char *judge_why_active(const struct judge *j, const struct platform_virtio *d)
{
	const struct platform *p = j->platform;

	if (d->activity_before != PLATFORM_UNKNOWN && d->activity_after != PLATFORM_UNKNOWN &&
	    d->activity_after != d->activity_before)
		return "its traffic counters moved";
	if (d->iface) {
		const struct device *iface = judge_device_named(j, d->iface);

		if (iface && iface->net_events)
			return "packets of its interface are in the stream";
	}
	for (size_t i = 0; i < p->trace.ncanaries; i++) {
		const struct platform_canary *c = &p->trace.canaries[i];

		if (strcmp(c->kind, "none") != 0 && d->parent && strcmp(c->device, d->parent) == 0)
			return "ccaio itself used it";
	}
	return NULL;
}

static void undecide_device(struct judge *j, const struct platform_virtio *d, const char *text)
{
	for (int c = 0; claim_needs_events(c); c++)
		judge_undecided_virtio(j, c, d, text);
}

/* A driver's PCI function that interrupted and did no DMA: its DMA has no events. */
static void check_silent_pci(struct judge *j, const struct platform_pci *d)
{
	const struct device *dev = judge_device_named(j, d->name);
	struct platform_virtio as = { .name = d->name, .parent = d->name };
	char *text;

	if (!platform_pci_is_driven(d) || platform_pci_is_virtio(d) || (dev && dev->seen) ||
	    (d->class && strncmp(d->class, "0x06", 4) == 0) ||
	    d->activity_before == PLATFORM_UNKNOWN || d->activity_after == PLATFORM_UNKNOWN ||
	    d->activity_before == d->activity_after)
		return;
	text = xasprintf("%s (%s) has no DMA event although it interrupted %llu times", d->name,
			 d->driver, (unsigned long long)(d->activity_after - d->activity_before));
	undecide_device(j, &as, text);
	free(text);
}

static uint64_t moved_sectors(const struct platform_disk *d)
{
	uint64_t before = d->before.read_sectors + d->before.written_sectors;
	uint64_t after = d->after.read_sectors + d->after.written_sectors;

	return after > before ? after - before : 0;
}

/* Bytes of streaming maps of the DMA device; NULL: of all that are no virtio devices. */
static uint64_t mapped_bytes(const struct judge *j, const char *name)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < j->devices.count; i++) {
		const struct device *dev = j->devices.at[i];
		bool its = dev &&
			   (name ? strcmp(names_get(j->names, dev->id), name) == 0 : !dev->virtio);

		for (int dir = 0; its && dir < 4; dir++)
			bytes += dev->totals.map_bytes[dir];
	}
	return bytes;
}

#define REQUEST_MAX (1u << 20) /* bytes of one that was mapped before the window */

/* A disk that moved more bytes than were mapped for it: its DMA has no events, or not all. */
static void check_silent_disk(struct judge *j, const struct platform_disk *d)
{
	struct platform_virtio as = { .name = d->name, .parent = d->device };
	uint64_t moved, mapped;
	char *text;

	if (d->virtio || !d->counted || d->before.in_flight > UINT32_MAX)
		return;
	moved = moved_sectors(d) * 512;
	mapped = mapped_bytes(j, d->device);
	if (moved <= mapped + d->before.in_flight * REQUEST_MAX)
		return;
	text = xasprintf(
		"%s (%s) moved %llu bytes by its counters, but only %llu bytes were mapped",
		d->name, d->device ? d->device : "behind no virtio device",
		(unsigned long long)moved, (unsigned long long)mapped);
	undecide_device(j, &as, text);
	free(text);
}

static void check_silence(struct judge *j)
{
	const struct platform *p = j->platform;

	for (size_t i = 0; p && i < p->nvirtio; i++) {
		const struct platform_virtio *d = &p->virtio[i];
		const struct device *dev = judge_device_named(j, d->parent);
		const char *why;
		char *text;

		if (platform_virtio_active(d) != TRI_YES ||
		    platform_virtio_feature(d, VIRTIO_F_ACCESS_PLATFORM) != TRI_YES)
			continue;
		if (dev && dev->seen)
			continue;
		why = judge_why_active(j, d);
		if (!why)
			continue;
		text = xasprintf("%s (%s) has no DMA event although %s", d->name,
				 d->parent ? d->parent : "?", why);
		undecide_device(j, d, text);
		free(text);
	}
	for (size_t i = 0; p && i < p->npci; i++)
		check_silent_pci(j, &p->pci[i]);
	for (size_t i = 0; p && i < p->ndisks; i++)
		check_silent_disk(j, &p->disks[i]);
}

/* Aliased addresses whose bit turned out to be no known shared bit. */
static void settle_alias(struct judge *j, struct verdict *v)
{
	uint64_t pairs, bit = alias_inferred(&j->alias, &pairs);
	uint64_t given = j->alias.rule == ALIAS_SET_IS_SHARED ? j->alias.bit : 0;

	v->totals.shared_bit = given ? given : bit;
	v->totals.shared_bit_inferred = !given && bit;
	v->totals.shared_bit_pairs = given ? 0 : pairs;
	if (v->totals.shared_bit_inferred)
		verdict_note(v,
			     "the shared address bit 0x%llx is inferred: %llu bounced maps carry "
			     "it above "
			     "a "
			     "pool address, none contradicts",
			     (unsigned long long)bit, (unsigned long long)pairs);
	for (size_t i = 0; i < j->devices.count; i++) {
		struct device *dev = j->devices.at[i];

		if (!dev || !(dev->alias_bits & ~v->totals.shared_bit))
			continue;
		judge_doubt(j, CLAIM_DMA_IN_SHARED, dev, NULL, MEMORY_UNKNOWN,
			    "addresses carry bits 0x%llx above RAM and nothing shows that this "
			    "means shared",
			    (unsigned long long)dev->alias_bits);
	}
}

/* What the stream as a whole does not bear out. */
static void settle_pairs(struct judge *j)
{
	if (j->n.early && !j->n.first_bounce)
		judge_doubt(j, CLAIM_BOUNCE_PAIRED, NULL, NULL, MEMORY_UNKNOWN,
			    "%llu maps were bounced but no bounce event was ever seen",
			    (unsigned long long)j->n.early);
}

static void undecide_stream(struct judge *j, const char *why)
{
	for (int c = 0; claim_needs_events(c); c++)
		judge_doubt(j, c, NULL, NULL, MEMORY_UNKNOWN, "%s", why);
}

void judge_doubts(struct judge *j, const struct stream_info *info, struct verdict *v, bool whole)
{
	char *hidden;

	settle_alias(j, v);
	settle_pairs(j);
	judge_check_facts(j, info);
	check_silence(j);
	hidden = judge_hidden_events(j, info);
	if (judge_not_armed(j) || hidden)
		undecide_stream(j, "not all needed events were recorded");
	free(hidden);
	if (judge_is_disturbed(j))
		undecide_stream(j, "recording may have been off for a moment");
	if (!whole)
		undecide_stream(j, "events are missing from the stream");
	if (j->options.limit)
		judge_limit_silence(j);
	else if (!judge_publications(j))
		undecide_stream(j, "there is nothing to judge: no device has a DMA mapping in the "
				   "stream");
	if (j->options.rmm_unusable) {
		v->monitor.unusable = xstrdup(j->options.rmm_unusable);
		judge_doubt(j, CLAIM_DMA_IN_SHARED, NULL, NULL, MEMORY_UNKNOWN,
			    "the monitor's log cannot be used: %s", j->options.rmm_unusable);
	}
}
