/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/correlate/disk/requests.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/saturate.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/exchange/exchange.h"

#define DISKS 256
#define IDS 65536	/* of names */
#define KNOWN_DISKS IDS /* keys from here on are of disks that the platform knows */

struct bio {
	uint64_t start, end; /* bytes of the disk; the same: none */
	struct bio_owner owner;
	bool issued;
};

struct disk {
	uint32_t key;
	struct bio ring[BIOS_KEPT];
	unsigned int next;
};

struct block_requests {
	const struct names *names;
	const struct platform *platform;
	struct disk *disks[DISKS];
	size_t ndisks;
	uint32_t *keys; /* by names id; 0: not looked for yet */
};

struct block_requests *block_requests_new(const struct names *names,
					  const struct platform *platform)
{
	struct block_requests *b = xcalloc(1, sizeof(*b));

	b->names = names;
	b->platform = platform;
	b->keys = xcalloc(IDS, sizeof(*b->keys));
	return b;
}

void block_requests_free(struct block_requests *b)
{
	for (size_t i = 0; b && i < b->ndisks; i++)
		free(b->disks[i]);
	if (b)
		free(b->keys);
	free(b);
}

/*
 * Events of a partition carry its own number, and sectors of the whole disk: where the
 * platform knows the disk both have one key.
 */
static uint32_t find_key(const struct block_requests *b, uint16_t number)
{
	const char *name = names_get(b->names, number);

	for (size_t i = 0; b->platform && i < b->platform->ndisks; i++) {
		const struct platform_disk *disk = &b->platform->disks[i];
		bool same = strcmp(disk->number, name) == 0;

		for (size_t k = 0; k < disk->npartitions && !same; k++)
			same = strcmp(disk->partitions[k], name) == 0;
		if (same)
			return KNOWN_DISKS + (uint32_t)i;
	}
	return number;
}

static uint32_t key_of(const struct block_requests *b, uint16_t number)
{
	if (!b->keys[number])
		b->keys[number] = find_key(b, number);
	return b->keys[number];
}

static struct disk *find_disk(const struct block_requests *b, uint16_t number)
{
	uint32_t key = key_of(b, number);

	for (size_t i = 0; i < b->ndisks; i++)
		if (b->disks[i]->key == key)
			return b->disks[i];
	return NULL;
}

static struct disk *enter_disk(struct block_requests *b, uint16_t number)
{
	struct disk *disk = find_disk(b, number);

	if (disk || b->ndisks == DISKS)
		return disk;
	disk = xcalloc(1, sizeof(*disk));
	disk->key = key_of(b, number);
	b->disks[b->ndisks++] = disk;
	return disk;
}

/* The i-th newest. */
static struct bio *bio_at(struct disk *disk, unsigned int i)
{
	return &disk->ring[(disk->next - 1 - i) % BIOS_KEPT];
}

void block_requests_queue(struct block_requests *b, const struct event *e, bool program)
{
	struct disk *disk = enter_disk(b, e->dev);
	struct bio *last;
	uint64_t start;

	if (!disk || !e->size || e->sector > UINT64_MAX / 512 ||
	    e->size > UINT64_MAX - e->sector * 512)
		return;
	start = e->sector * 512;
	last = bio_at(disk, 0);
	if (!last->issued && last->end > last->start && last->end == start &&
	    last->owner.pid == e->pid && last->owner.comm == e->comm) {
		last->end = start + e->size;
		return;
	}
	disk->ring[disk->next++ % BIOS_KEPT] = (struct bio){
		.start = start,
		.end = start + e->size,
		.owner = { e->pid, e->comm, program, GRADE_EXACT },
	};
}

bool block_requests_find(const struct block_requests *b, uint16_t number, uint64_t byte,
			 struct bio_owner *owner, uint64_t *end)
{
	struct disk *disk = find_disk(b, number);
	const struct bio *found = NULL;
	bool rival = false;

	*end = UINT64_MAX;
	for (unsigned int i = 0; disk && i < BIOS_KEPT; i++) {
		const struct bio *bio = bio_at(disk, i);

		if (bio->start == bio->end)
			continue;
		if (byte < bio->start || byte >= bio->end) {
			if (bio->start > byte && bio->start < *end)
				*end = bio->start;
			continue;
		}
		/* the newest that waits; after a second try one that was issued before */
		if (!found || (found->issued && !bio->issued)) {
			found = bio;
			rival = false;
		} else if (bio->issued == found->issued && bio->owner.pid != found->owner.pid) {
			rival = true;
		}
		if (bio->end < *end)
			*end = bio->end;
	}
	if (!found)
		return false;
	*owner = found->owner;
	if (rival)
		owner->grade = GRADE_SIZED;
	return true;
}

static bool overlap(const struct bio *bio, uint64_t start, uint64_t end)
{
	return bio->start < bio->end && bio->start < end && start < bio->end;
}

void block_requests_issued(struct block_requests *b, uint16_t number, uint64_t byte, uint64_t size)
{
	struct disk *disk = find_disk(b, number);

	for (unsigned int i = 0; disk && i < BIOS_KEPT; i++)
		if (overlap(bio_at(disk, i), byte, saturate_add(byte, size)))
			bio_at(disk, i)->issued = true;
}

void block_requests_completed(struct block_requests *b, uint16_t number, uint64_t byte,
			      uint64_t size)
{
	struct disk *disk = find_disk(b, number);
	uint64_t end = saturate_add(byte, size);

	for (unsigned int i = 0; disk && i < BIOS_KEPT; i++) {
		struct bio *bio = bio_at(disk, i);

		if (!bio->issued || !overlap(bio, byte, end))
			continue;
		if (byte <= bio->start)
			bio->start = end < bio->end ? end : bio->end;
		else if (end >= bio->end)
			bio->end = byte;
	}
}
