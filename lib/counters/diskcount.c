/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/counters/diskcount.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/saturate.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/exchange/exchange.h"

#define DISKS 256

/* The groups in which the kernel counts (Linux include/linux/blk_types.h, op_stat_group). */
enum { READ, WRITTEN, DISCARDED, GROUPS };

/* Bytes and completions of one group. */
struct sums {
	uint64_t between, at_most; /* between the looks; with what completed during them */
	uint64_t completions;	   /* of at_most */
	uint64_t largest;	   /* in the whole stream */
	uint64_t dataless;	   /* of at_most: counted maybe, and nothing mapped for it */
	uint64_t mapped;	   /* for the device, from the first look on until the last */
};

struct counted {
	uint16_t number; /* names id of "254:0"; 0 until an event has it */
	const struct platform_disk *disk;
	struct sums sums[GROUPS];
	bool maps; /* its device has mapped something */
};

#define NO_DISK 1 /* in disk_of; 0: not looked up yet, else the disk's index and 2 */

struct diskcount {
	const struct names *names;
	const struct platform *platform;
	unsigned int marks;
	struct counted disks[DISKS];
	size_t ndisks;
	uint16_t disk_of[NAMES_MAX + 1]; /* by names id of the device that maps */
};

struct diskcount *diskcount_new(const struct names *names, const struct platform *platform)
{
	struct diskcount *d = xcalloc(1, sizeof(*d));

	d->names = names;
	d->platform = platform;
	return d;
}

/* NULL where its counters are not known, or there are too many. */
static struct counted *of_disk(struct diskcount *d, const struct platform_disk *disk)
{
	for (size_t i = 0; i < d->ndisks; i++)
		if (d->disks[i].disk == disk)
			return &d->disks[i];
	if (!disk->counted || d->ndisks == DISKS)
		return NULL;
	d->disks[d->ndisks] = (struct counted){ .disk = disk };
	return &d->disks[d->ndisks++];
}

static struct counted *find(struct diskcount *d, uint16_t number)
{
	const char *name = names_get(d->names, number);

	for (size_t i = 0; i < d->ndisks; i++)
		if (number && d->disks[i].number == number)
			return &d->disks[i];
	for (size_t i = 0; d->platform && i < d->platform->ndisks; i++) {
		struct counted *c;

		if (strcmp(d->platform->disks[i].number, name) != 0)
			continue;
		c = of_disk(d, &d->platform->disks[i]);
		if (c)
			c->number = number;
		return c;
	}
	return NULL;
}

static struct counted *look_up(struct diskcount *d, uint16_t dev)
{
	const struct platform_virtio *v =
		d->platform ? platform_find_virtio(d->platform, names_get(d->names, dev)) : NULL;

	for (size_t i = 0; v && i < d->platform->ndisks; i++) {
		const struct platform_disk *disk = &d->platform->disks[i];

		if (disk->virtio && strcmp(disk->virtio, v->name) == 0)
			return of_disk(d, disk);
	}
	return NULL;
}

/* The disk for whose device this one maps, or NULL. */
static struct counted *mapped_by(struct diskcount *d, uint16_t dev)
{
	if (dev > NAMES_MAX)
		return NULL;
	if (!d->disk_of[dev]) {
		struct counted *c = look_up(d, dev);

		d->disk_of[dev] = c ? (uint16_t)(c - d->disks + NO_DISK + 1) : NO_DISK;
	}
	return d->disk_of[dev] == NO_DISK ? NULL : &d->disks[d->disk_of[dev] - NO_DISK - 1];
}

static void complete(const struct diskcount *d, struct sums *s, uint64_t bytes, bool surely)
{
	if (bytes > s->largest)
		s->largest = bytes;
	if (d->marks == 2 && surely)
		s->between = saturate_add(s->between, bytes);
	if (d->marks == 0 || d->marks > 3)
		return;
	s->at_most = saturate_add(s->at_most, bytes);
	s->completions++;
	if (!surely)
		s->dataless = saturate_add(s->dataless, bytes);
}

/* A map that failed is of a request that may fail, and is counted then. */
static void map(struct diskcount *d, const struct event *e)
{
	struct counted *c = mapped_by(d, e->dev);

	if (!c)
		return;
	c->maps = true;
	if (d->marks == 0 || d->marks > 3)
		return;
	if (e->dir != EVENT_TO_DEVICE)
		c->sums[READ].mapped = saturate_add(c->sums[READ].mapped, e->size);
	if (e->dir != EVENT_FROM_DEVICE)
		c->sums[WRITTEN].mapped = saturate_add(c->sums[WRITTEN].mapped, e->size);
}

void diskcount_event(struct diskcount *d, const struct event *e)
{
	struct counted *c;

	if (e->kind == EVENT_MARK && e->aux == EVENT_MARK_COUNT && d->platform &&
	    e->link == d->platform->trace.nonce)
		d->marks++;
	if (e->kind == EVENT_MAP || e->kind == EVENT_MAP_FAILED)
		map(d, e);
	if (e->kind != EVENT_BLK_COMPLETE)
		return;
	c = find(d, e->dev);
	if (!c)
		return;
	switch (e->aux) {
	case EVENT_BLK_READ:
		complete(d, &c->sums[READ], e->size, true);
		break;
	case EVENT_BLK_WRITE:
		complete(d, &c->sums[WRITTEN], e->size, true);
		break;
	case EVENT_BLK_DISCARD:
		complete(d, &c->sums[DISCARDED], e->size, true);
		break;
	case EVENT_BLK_OTHER:
		/* zeroes are counted as written, a driver's own commands are not counted */
		complete(d, &c->sums[WRITTEN], e->size, false);
		break;
	}
}

/* How much of a group the kernel counted. */
struct counter {
	const char *what;
	uint64_t before, after;		/* sectors */
	uint64_t before_ops, after_ops; /* requests */
};

static void check_group(struct exchanges *x, const struct platform_disk *disk,
			const struct counter *k, const struct sums *s)
{
	bool back = k->after < k->before || k->after_ops < k->before_ops;
	uint64_t counted = back ? 0 : (k->after - k->before) * 512;
	uint64_t ops = back ? 0 : k->after_ops - k->before_ops;
	uint64_t early = saturate_mul(s->largest, disk->before.in_flight);
	uint64_t late = saturate_mul(s->largest, disk->after.in_flight);
	char what[128], name[96];

	snprintf(what, sizeof(what), "%.64s %s", disk->name, k->what);
	if (back) {
		sums_check(&x->sums, what, "the disk's own count before", k->before * 512, "after",
			   k->after * 512, false);
		return;
	}
	if (!counted && !s->at_most && !ops)
		return;
	if (s->between == s->at_most && !early && !late) {
		sums_check(&x->sums, what, "bytes by the disk's own count", counted,
			   "bytes completed in events", s->between, counted == s->between);
	} else {
		snprintf(name, sizeof(name), "by the disk's own count (%" PRIu64 " on their way)",
			 disk->after.in_flight);
		sums_check(&x->sums, what, "bytes surely completed between its looks", s->between,
			   name, counted, s->between <= saturate_add(counted, late));
		snprintf(name, sizeof(name),
			 "completed until the last look (%" PRIu64 " on their way before)",
			 disk->before.in_flight);
		sums_check(&x->sums, what, "bytes by the disk's own count", counted, name,
			   s->at_most, counted <= saturate_add(s->at_most, early));
	}
	/* one request may be completed in several steps */
	sums_check(&x->sums, what, "requests by the disk's own count", ops, "completions in events",
		   s->completions, ops <= saturate_add(s->completions, disk->before.in_flight));
}

/* Was every byte mapped that the disk read or wrote? */
static void check_maps(struct exchanges *x, const struct platform_disk *disk,
		       const struct counter *k, const struct sums *s)
{
	uint64_t counted = (k->after - k->before) * 512, most;
	char what[128], name[96];

	if (k->after < k->before || !counted)
		return;
	most = saturate_mul(s->largest, disk->before.in_flight);
	most = saturate_add(s->mapped, saturate_add(most, s->dataless));
	snprintf(what, sizeof(what), "%.64s %s", disk->name, k->what);
	if (disk->before.in_flight)
		snprintf(name, sizeof(name), "mapped for %.32s (%" PRIu64 " on their way before)",
			 disk->virtio, disk->before.in_flight);
	else
		snprintf(name, sizeof(name), "mapped for %.32s", disk->virtio);
	sums_check(&x->sums, what, "bytes by the disk's own count", counted, name, s->mapped,
		   counted <= most);
}

/* Does the recording show what is mapped for the disk's device, if all is well? */
static bool shows_maps(const struct diskcount *d, const struct platform_disk *disk, bool seen)
{
	const struct platform *p = d->platform;

	for (size_t i = 0; disk->virtio && i < p->nvirtio; i++) {
		const struct platform_virtio *v = &p->virtio[i];

		/* without this feature it maps nothing, and is a bypass */
		if (strcmp(v->name, disk->virtio) == 0)
			return platform_virtio_feature(v, VIRTIO_F_ACCESS_PLATFORM) == TRI_YES &&
			       (seen || platform_event_on(p, "dma:dma_map_phys") ||
				platform_event_on(p, "dma:dma_map_page"));
	}
	return false;
}

static void check_disk(const struct diskcount *d, struct exchanges *x,
		       const struct platform_disk *disk, const struct counted *c)
{
	static const struct sums nothing[GROUPS];
	const struct sums *sums = c ? c->sums : nothing;
	bool maps = shows_maps(d, disk, c && c->maps);
	const struct platform_work *a = &disk->before, *b = &disk->after;
	const struct counter counters[GROUPS] = {
		[READ] = { "read", a->read_sectors, b->read_sectors, a->reads, b->reads },
		[WRITTEN] = { "written", a->written_sectors, b->written_sectors, a->writes,
			      b->writes },
		[DISCARDED] = { "discarded", a->discarded_sectors, b->discarded_sectors,
				a->discards, b->discards },
	};

	for (int g = 0; g < GROUPS; g++)
		check_group(x, disk, &counters[g], &sums[g]);
	for (int g = READ; maps && g <= WRITTEN; g++)
		check_maps(x, disk, &counters[g], &sums[g]);
}

void diskcount_result(const struct diskcount *d, struct exchanges *x)
{
	const struct platform *p = d->platform;
	bool comparable = d->marks == 4 && p && platform_event_on(p, "block:block_rq_complete");

	for (size_t i = 0; p && i < p->ndisks; i++) {
		const struct platform_disk *disk = &p->disks[i];
		const struct counted *c = NULL;

		if (!disk->counted)
			continue;
		if (!comparable) {
			exchanges_note(x, "the disks' own counters cannot be compared: %s",
				       d->marks == 4
					       ? "completions were not recorded"
					       : "the trace does not say when they were read");
			break;
		}
		for (size_t k = 0; k < d->ndisks; k++)
			if (d->disks[k].disk == disk)
				c = &d->disks[k];
		check_disk(d, x, disk, c);
	}
}
