/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bios.h"

#include <stdlib.h>
#include <string.h>

#include "lib/event.h"
#include "lib/exchange.h"
#include "lib/names.h"
#include "lib/platform.h"
#include "lib/xalloc.h"

#define DISKS 256

struct bio {
	uint64_t start, end; /* bytes of the disk; the same: none */
	uint16_t number;     /* names id of what it was queued for: the disk or a partition */
	struct bio_owner owner;
	bool issued;
};

struct disk {
	uint16_t number;
	struct bio ring[BIOS_KEPT];
	unsigned int next;
};

struct bios {
	const struct names *names;
	const struct platform *platform;
	struct disk *disks[DISKS];
	size_t ndisks;
};

struct bios *bios_new(const struct names *names, const struct platform *platform)
{
	struct bios *b = xcalloc(1, sizeof(*b));

	b->names = names;
	b->platform = platform;
	return b;
}

void bios_free(struct bios *b)
{
	for (size_t i = 0; b && i < b->ndisks; i++)
		free(b->disks[i]);
	free(b);
}

/* Events of a partition carry its own number, and sectors of the whole disk. */
static uint16_t whole(const struct bios *b, uint16_t number)
{
	const char *name = names_get(b->names, number);

	for (size_t i = 0; b->platform && i < b->platform->ndisks; i++) {
		const struct platform_disk *disk = &b->platform->disks[i];

		for (size_t k = 0; k < disk->npartitions; k++) {
			uint16_t id;

			if (strcmp(disk->partitions[k], name) != 0)
				continue;
			id = names_find(b->names, disk->number);
			return id ? id : number;
		}
	}
	return number;
}

static struct disk *find_disk(const struct bios *b, uint16_t number)
{
	for (size_t i = 0; i < b->ndisks; i++)
		if (b->disks[i]->number == number)
			return b->disks[i];
	return NULL;
}

static struct disk *enter_disk(struct bios *b, uint16_t number)
{
	struct disk *disk = find_disk(b, number);

	if (disk || b->ndisks == DISKS)
		return disk;
	disk = xcalloc(1, sizeof(*disk));
	disk->number = number;
	b->disks[b->ndisks++] = disk;
	return disk;
}

/* The i-th newest. */
static struct bio *bio_at(struct disk *disk, unsigned int i)
{
	return &disk->ring[(disk->next - 1 - i) % BIOS_KEPT];
}

void bios_queue(struct bios *b, const struct event *e, bool program)
{
	struct disk *disk = enter_disk(b, whole(b, e->dev));
	struct bio *last;
	uint64_t start;

	if (!disk || !e->size || e->dma > UINT64_MAX / 512 || e->size > UINT64_MAX - e->dma * 512)
		return;
	start = e->dma * 512;
	last = bio_at(disk, 0);
	if (!last->issued && last->end > last->start && last->end == start &&
	    last->owner.pid == e->pid && last->owner.comm == e->comm) {
		last->end = start + e->size;
		return;
	}
	disk->ring[disk->next++ % BIOS_KEPT] = (struct bio){
		.start = start,
		.end = start + e->size,
		.number = e->dev,
		.owner = { e->pid, e->comm, program, GRADE_EXACT },
	};
}

bool bios_find(const struct bios *b, uint16_t number, uint64_t byte, struct bio_owner *owner,
	       uint64_t *end)
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
		if (!found || (found->issued && !bio->issued))
			found = bio;
		else if (bio->issued == found->issued && bio->owner.pid != found->owner.pid)
			rival = true;
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

static uint64_t end_of(uint64_t byte, uint64_t size)
{
	return byte > UINT64_MAX - size ? UINT64_MAX : byte + size;
}

void bios_issued(struct bios *b, uint16_t number, uint64_t byte, uint64_t size)
{
	struct disk *disk = find_disk(b, number);

	for (unsigned int i = 0; disk && i < BIOS_KEPT; i++)
		if (overlap(bio_at(disk, i), byte, end_of(byte, size)))
			bio_at(disk, i)->issued = true;
}

void bios_completed(struct bios *b, uint16_t number, uint64_t byte, uint64_t size)
{
	struct disk *disk = find_disk(b, number);
	uint64_t end = end_of(byte, size);

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
