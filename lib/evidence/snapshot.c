/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel's own memory held at one moment. */
#include "lib/evidence/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/range.h"
#include "lib/base/saturate.h"
#include "lib/base/xalloc.h"

const struct snapshot_device *snapshot_find(const struct snapshot *s, const char *name)
{
	for (size_t i = 0; s && i < s->ndevices; i++) {
		if (strcmp(s->devices[i].name, name) == 0)
			return &s->devices[i];
	}
	return NULL;
}

/* Index of the first range of pages that ends at or after address. */
static size_t first_reaching(const struct snapshot *s, uint64_t address)
{
	return range_reaching(s->pages, s->npages, sizeof(*s->pages), address);
}

int snapshot_mark_of(const struct snapshot *s, uint64_t start, uint64_t size)
{
	uint64_t end = start + (size ? size - 1 : 0), at = start;
	size_t first = s ? first_reaching(s, start) : 0;

	if (!s || end < start)
		return -1;
	for (size_t i = first; i < s->npages; i++) {
		const struct snapshot_pages *p = &s->pages[i];

		if (p->range.start > at || p->mark != s->pages[first].mark)
			return -1;
		if (p->range.end >= end)
			return (int)p->mark;
		at = p->range.end + 1;
	}
	return -1;
}

bool snapshot_has_mark(const struct snapshot *s, uint64_t start, uint64_t size,
		       enum snapshot_mark mark)
{
	uint64_t end = start + (size ? size - 1 : 0);

	if (!s || end < start)
		return false;
	for (size_t i = first_reaching(s, start); i < s->npages && s->pages[i].range.start <= end;
	     i++) {
		if (s->pages[i].mark == mark)
			return true;
	}
	return false;
}

size_t snapshot_queues(const struct snapshot *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->ndevices; i++)
		n += s->devices[i].nqueues;
	return n;
}

size_t snapshot_descriptors(const struct snapshot *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->ndevices; i++) {
		for (size_t q = 0; q < s->devices[i].nqueues; q++)
			n += s->devices[i].queues[q].ndescriptors;
	}
	return n;
}

uint64_t snapshot_slots_used(const struct snapshot *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->npools; i++)
		n = saturate_add(n, s->pools[i].used);
	return n;
}
