/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between boot and the window: counters that count more than was recorded. */
#include "lib/judge/before.h"

#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/judge/witness.h"

#define SECTOR 512

static uint64_t mapped(const struct device *dev, unsigned int dir)
{
	return dev ? dev->totals.map_bytes[dir] + dev->totals.map_bytes[EVENT_BIDIRECTIONAL] : 0;
}

static const struct device *find(const struct judge *j, const char *name)
{
	uint16_t id = name ? names_find(j->names, name) : 0;

	return id ? devices_find(&j->devices, id) : NULL;
}

static void compare(struct before *b, const char *name, const char *did, uint64_t counted,
		    uint64_t recorded)
{
	if (counted > recorded && !b->why)
		b->why = xasprintf("%s %s %llu bytes since boot, but only %llu were mapped for it",
				   name, did, (unsigned long long)counted,
				   (unsigned long long)recorded);
}

/*
 * A packet comes in a buffer at least, which is synced for the CPU or unmapped before it is
 * counted.  A device of which nothing is bounced may be synced without an event (dma_need_sync(),
 * Linux include/linux/dma-mapping.h).
 */
static void compare_packets(struct before *b, const struct platform_net *n,
			    const struct device *dev)
{
	if (!dev || !dev->totals.bounced || n->before.rx_packets <= dev->arrived || b->why)
		return;
	b->why = xasprintf("%s received %llu packets since boot, but only %llu of its buffers were "
			   "given back",
			   n->name, (unsigned long long)n->before.rx_packets,
			   (unsigned long long)dev->arrived);
}

static void compare_net(struct judge *j, const struct platform_net *n)
{
	const struct platform *p = j->platform;

	for (size_t k = 0; n->counted && n->virtio && k < p->nvirtio; k++) {
		const struct device *dev = find(j, p->virtio[k].parent);

		if (strcmp(p->virtio[k].name, n->virtio) != 0 || !p->virtio[k].parent)
			continue;
		compare(&j->before, n->name, "sent", n->before.tx_bytes,
			mapped(dev, EVENT_TO_DEVICE));
		compare_packets(&j->before, n, dev);
	}
}

/* Only devices whose driver maps what it transfers: virtio_blk, virtio_net. */
static void compare_all(struct judge *j)
{
	const struct platform *p = j->platform;

	for (size_t i = 0; i < p->ndisks; i++) {
		const struct platform_disk *d = &p->disks[i];
		const struct device *dev = find(j, d->device);

		if (!d->virtio || !d->counted || !d->device ||
		    d->before.read_sectors > UINT64_MAX / SECTOR ||
		    d->before.written_sectors > UINT64_MAX / SECTOR)
			continue;
		compare(&j->before, d->name, "read", d->before.read_sectors * SECTOR,
			mapped(dev, EVENT_FROM_DEVICE));
		compare(&j->before, d->name, "wrote", d->before.written_sectors * SECTOR,
			mapped(dev, EVENT_TO_DEVICE));
	}
	for (size_t i = 0; i < p->nnet; i++)
		compare_net(j, &p->net[i]);
}

void before_event(struct judge *j, const struct event *ev)
{
	struct before *b = &j->before;

	if (!j->from_boot || j->guest->class == GUEST_MODEL)
		return;
	if (!b->begun_ns)
		b->begun_ns = b->at_ns = ev->ts_ns;
	if (!j->opened && b->last_ns && ev->ts_ns > b->last_ns &&
	    ev->ts_ns - b->last_ns > b->silence_ns) {
		b->silence_ns = ev->ts_ns - b->last_ns;
		b->at_ns = b->last_ns;
	}
	b->last_ns = ev->ts_ns;
	if (b->counts < 2 && (ev->kind == EVENT_SYNC_CPU || ev->kind == EVENT_UNMAP) &&
	    ev->dir != EVENT_TO_DEVICE)
		judge_device(j, ev->dev)->arrived++;
	if (ev->kind == EVENT_MARK && ev->aux == EVENT_MARK_COUNT &&
	    ev->link == j->platform->trace.nonce && ++b->counts == 2)
		compare_all(j);
}

const char *before_gap(const struct judge *j)
{
	return j->before.why ? j->before.why : j->witness ? j->witness->gap_why : NULL;
}
