/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EVIDENCE_SNAPSHOT_H
#define CCAIO_LIB_EVIDENCE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/range.h"

/*
 * snapshot - what the kernel's own memory held at one moment: the rings of the virtio devices, the
 * slots of the bounce pools, and how the linear map marks the pages of both.
 *
 * A witness that does not depend on trace events.  Members "start" and "end" of "memory" in
 * platform.json (see ccaio-platform(5)).  Addresses are as the kernel holds them: those in rings
 * as the device was given them, those of pools and pages are physical.  Nothing of it is trusted
 * to be consistent: it was read while the kernel worked on, and evidence may be hostile.
 */
#define SNAPSHOT_DEVICES 256
#define SNAPSHOT_QUEUES 1024	    /* per device */
#define SNAPSHOT_QUEUE_SIZE 32768   /* virtio 1.3, 2.7 and 2.8: the largest queue */
#define SNAPSHOT_DESCRIPTORS 32000u /* of all queues together */
#define SNAPSHOT_POOLS 64
#define SNAPSHOT_LIVE 32000u /* mappings in all pools together */
#define SNAPSHOT_PAGES 8192u /* ranges of pages */
#define SNAPSHOT_RINGS 3     /* areas of one queue */

enum snapshot_use {
	SNAPSHOT_OUT,	/* the device reads it */
	SNAPSHOT_IN,	/* the device writes it */
	SNAPSHOT_TABLE, /* an indirect table, which the device reads; its entries follow */
};

/* Memory that the device may use until it gives the chain with this head back. */
struct snapshot_descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t head;
	uint8_t use; /* enum snapshot_use */
};

/* Memory of the ring itself. */
struct snapshot_ring {
	uint64_t address, size;
};

struct snapshot_queue {
	char *name; /* "input.0"; NULL: the kernel gave it none */
	uint32_t index, size;
	enum tri dma_api; /* are its addresses made by the DMA API? */
	bool packed;
	struct snapshot_ring rings[SNAPSHOT_RINGS];
	size_t nrings;
	/* chains that were live the whole time and yet could not be read as a whole */
	uint32_t unread;
	struct snapshot_descriptor *descriptors;
	size_t ndescriptors, cap;
};

struct snapshot_device {
	char *name;	   /* "virtio0" */
	char *parent;	   /* as DMA events call it; NULL unknown */
	uint64_t features; /* bits 0 to 63, as negotiated */
	struct snapshot_queue *queues;
	size_t nqueues, cap;
};

/* One mapping that has slots of a pool. */
struct snapshot_live {
	uint64_t start; /* of the first slot; a few may come before the data to align it */
	uint64_t orig;	/* the buffer that is bounced; UINT64_MAX unknown */
	uint64_t size;	/* from start on */
};

struct snapshot_pool {
	struct range range;
	uint64_t slots, areas, used; /* used: as its areas count */
	struct snapshot_live *live;
	size_t nlive, cap;
};

/* How the kernel's linear map marks pages. */
enum snapshot_mark {
	SNAPSHOT_CLEAR,	 /* the bits of page_mask are 0 */
	SNAPSHOT_SET,	 /* they are 1 */
	SNAPSHOT_ABSENT, /* not mapped, or the walk did not lead to the page */
};

struct snapshot_pages {
	struct range range;
	uint64_t entry; /* of the first page, or of the block that it lies in */
	enum snapshot_mark mark;
};

struct snapshot {
	char *trouble; /* why it is not whole; NULL: it is */
	struct snapshot_device *devices;
	size_t ndevices, devices_cap;
	struct snapshot_pool *pools;
	size_t npools, pools_cap;
	/*
	 * What tells shared from protected memory in an entry: prot_ns_shared of an arm64 kernel,
	 * the C-bit or the shared bit of an x86 one; 0: this kernel reports them not apart.
	 */
	uint64_t page_mask;
	struct snapshot_pages *pages; /* ascending, disjoint */
	size_t npages, pages_cap;
	uint64_t cpu_ns; /* what reading it cost; 0 unknown */
};

struct snapshot *snapshot_new(void);

/* The device with this name ("virtio0"), or NULL. */
const struct snapshot_device *snapshot_find(const struct snapshot *s, const char *name);

/* How the linear map marks the whole range: one of the marks, or -1: several, or not known. */
int snapshot_mark_of(const struct snapshot *s, uint64_t start, uint64_t size);

/* Does any page of the range have this mark? */
bool snapshot_has_mark(const struct snapshot *s, uint64_t start, uint64_t size,
		       enum snapshot_mark mark);

/* Counts over all of it, for reports. */
size_t snapshot_queues(const struct snapshot *s);
size_t snapshot_descriptors(const struct snapshot *s);
uint64_t snapshot_slots_used(const struct snapshot *s);

#endif
