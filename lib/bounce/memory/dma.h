/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_MEMORY_DMA_H
#define CCAIO_LIB_BOUNCE_MEMORY_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bounce/memory/swiotlb.h"
#include "lib/evidence/event.h"

struct bounce_trace;
struct fault_plan;
struct realm;

/*
 * dma - the DMA API: how a driver gets an address that its device may use.
 *
 * Follows Linux Documentation/core-api/dma-api.rst and kernel/dma/{mapping,direct}.c.
 * A buffer is bounced when it is protected (the Realm's reason), above the device's
 * mask, not aligned as the device needs, or in pieces although the device takes only
 * one; otherwise it is mapped as it is.  Each operation emits the events of a 6.12+
 * kernel (include/trace/events/{swiotlb,dma}.h): a bounce before its map, on one CPU.
 *
 * Addresses given to devices carry the Realm's shared bit where it has one.
 * Directions are enum event_dir, attributes EVENT_ATTR_*.
 */

/* A bus that maps by itself (FF-A areas).  dma_* functions of a device with ops use these. */
struct dma_ops {
	/* Give [ipa, ipa + size) to the device: bus address, or EVENT_NO_ADDR. */
	uint64_t (*map)(void *ctx, uint64_t ipa, size_t size);
	/* Take it back; called after the event. */
	void (*unmap)(void *ctx, uint64_t bus, size_t size);
	/* The guest-physical address behind a bus address; EVENT_NO_ADDR. */
	uint64_t (*to_ipa)(void *ctx, uint64_t bus);
};

struct dma_device {
	struct realm *realm;
	struct bounce_trace *trace;  /* NULL: tell nothing */
	struct fault_plan *fault;    /* NULL: break nothing */
	uint16_t name;		     /* names id, as events carry it */
	uint64_t mask;		     /* highest address that the device can reach */
	struct swiotlb_pool **pools; /* tried in order; borrowed */
	size_t npools;
	bool restricted;	  /* restricted-dma-pool: coherent memory is taken from the pools */
	bool forced;		  /* swiotlb=force, or a Realm before 7.3: events say FORCE */
	bool trusted;		  /* accepted TDISP device: protected memory, never the pools */
	bool bypass;		  /* no ACCESS_PLATFORM: physical addresses, no events */
	struct swiotlb_need need; /* alignment and boundary */
	unsigned int buffer_align; /* buffers not aligned to this are bounced; 0 any will do */
	unsigned int max_segments; /* entries of one sg map; 0 any number */
	const struct dma_ops *ops; /* NULL: direct mapping and swiotlb */
	void *ops_ctx;
	uint64_t foreign; /* a live mapping of another device, for FAULT_SYNC_FOREIGN */
};

/* One entry of a scatter-gather list; dma is filled in by dma_map_sg. */
struct dma_sg {
	uint64_t ipa;
	size_t size;
	uint64_t dma;
};

/* Address for the device, or EVENT_NO_ADDR when the mapping failed. */
uint64_t dma_map(struct dma_device *dev, uint64_t ipa, size_t size, enum event_dir dir,
		 uint32_t attrs);
void dma_unmap(struct dma_device *dev, uint64_t dma, size_t size, enum event_dir dir,
	       uint32_t attrs);

/* Publish a buffer as it is, whatever it is.  Only for the faults that do so. */
uint64_t dma_map_unbounced(struct dma_device *dev, uint64_t ipa, size_t size, enum event_dir dir);
/* The same for a given address of shared memory (a pool's, that the caller took by itself). */
uint64_t dma_map_at(struct dma_device *dev, uint64_t ipa, uint64_t at, size_t size,
		    enum event_dir dir);

/*
 * Map n entries as one operation.  0, or -ENOMEM with nothing mapped.  Entries are
 * unmapped together; unmap names them by original address, as the kernel's event does.
 */
int dma_map_sg(struct dma_device *dev, struct dma_sg *sg, size_t n, enum event_dir dir,
	       uint32_t attrs);
void dma_unmap_sg(struct dma_device *dev, struct dma_sg *sg, size_t n, enum event_dir dir,
		  uint32_t attrs);

/*
 * Map a buffer in n pieces for a device that takes one piece: the pieces are
 * gathered in one Realm buffer (*linear, of their total size), which is mapped.
 * Unmapping scatters what came back and frees it.
 */
uint64_t dma_map_gather(struct dma_device *dev, const struct dma_sg *sg, size_t n,
			enum event_dir dir, uint64_t *linear);
void dma_unmap_gather(struct dma_device *dev, uint64_t dma, const struct dma_sg *sg, size_t n,
		      enum event_dir dir, uint64_t linear);

/* Hand [dma, dma + size), a part of a mapping, to the CPU or back to the device. */
void dma_sync_for_cpu(struct dma_device *dev, uint64_t dma, size_t size, enum event_dir dir);
void dma_sync_for_device(struct dma_device *dev, uint64_t dma, size_t size, enum event_dir dir);

/* Memory that the driver and the device use at once; zeroed; page-aligned. */
struct dma_coherent {
	uint64_t ipa, dma;
	size_t size;
};
int dma_alloc(struct dma_device *dev, size_t size, struct dma_coherent *mem);
void dma_free(struct dma_device *dev, struct dma_coherent *mem); /* accepts never allocated */

/*
 * [ipa, ipa + size) is, or is no longer, readable by the outside although no device
 * was given it: changes the state and emits the event.  Both return -errno.
 */
int dma_decrypt(struct dma_device *dev, uint64_t ipa, size_t size);
int dma_encrypt(struct dma_device *dev, uint64_t ipa, size_t size);

#endif
