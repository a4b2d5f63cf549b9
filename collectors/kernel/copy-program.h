/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_KERNEL_COPY_PROGRAM_H
#define CCAIO_COLLECTORS_KERNEL_COPY_PROGRAM_H

#include <stdint.h>

/*
 * copy-program - a BPF program that adds up calls and bytes of swiotlb_bounce(dev, tlb_addr, size,
 * dir, …) by device and direction, in the one value of an array map.
 *
 * The map is reached by its address and searched by the program itself: no helper runs but for
 * the first copy of a device and direction, whose name is noted.  A copy takes the first of
 * COPY_TRIES places from where its hash points that is its own or free; one that finds none is
 * counted in full.
 */
#define COPY_PLACES 256
#define COPY_TRIES 4

#define COPY_DIRS 3 /* the bits of a key that are enum dma_data_direction */

struct copy_place {
	uint64_t key; /* 0: free; else of one device and direction */
	uint64_t copies, bytes;
	char name[104]; /* is noted after its first copy is counted */
};

/* The map's value. */
struct copy_table {
	struct copy_place places[COPY_PLACES + COPY_TRIES - 1];
	uint64_t full; /* copies that found no place */
};

/*
 * Load it; returns a descriptor, or -1 with errno.  map: of type BPF_MAP_TYPE_ARRAY, with one
 * value; function: of swiotlb_bounce, by btf_function(); name_at: offset of the pointer to the
 * name in struct device, or COPY_NO_DEVICE: the first argument is a number.
 */
#define COPY_NO_DEVICE (-1)
int copy_program_load(int map, uint32_t function, long name_at);

#endif
