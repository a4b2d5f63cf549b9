/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of kernel events that the claims are decided from. */
#include "lib/evidence/kernel-events.h"

#include <string.h>

#include "lib/evidence/event.h"

#define SWIOTLB(kind, had, name, ...)                \
	{                                            \
		kind, had, "swiotlb",                \
		{                                    \
			"swiotlb:" name, __VA_ARGS__ \
		}                                    \
	}
#define DMA(kind, had, ...)         \
	{                           \
		kind, had, "dma",   \
		{                   \
			__VA_ARGS__ \
		}                   \
	}
/* a call that no event of ours describes: it leaves claims undecided */
#define BLIND(name)                                   \
	{                                             \
		EVENT_UNDECODED, HAD_PROBED, "ccaio", \
		{                                     \
			"ccaio:" name                 \
		}                                     \
	}

static const struct kernel_event events[] = {
	SWIOTLB(EVENT_BOUNCE, HAD_ALL, "swiotlb_bounced", NULL),
	DMA(EVENT_MAP, HAD_ALL, "dma:dma_map_phys", "dma:dma_map_page", "ccaio:dma_map"),
	DMA(EVENT_UNMAP, HAD_ALL, "dma:dma_unmap_phys", "dma:dma_unmap_page", "ccaio:dma_unmap"),
	DMA(EVENT_MAP, HAD_OLD_NAMES, "dma:dma_map_resource"),
	DMA(EVENT_UNMAP, HAD_OLD_NAMES, "dma:dma_unmap_resource"),
	DMA(EVENT_MAP, HAD_ALL, "dma:dma_map_sg", "ccaio:dma_map_sg"),
	DMA(EVENT_UNMAP, HAD_ALL, "dma:dma_unmap_sg", "ccaio:dma_unmap_sg"),
	DMA(EVENT_ALLOC, HAD_ALL, "dma:dma_alloc", "ccaio:dma_alloc"),
	DMA(EVENT_FREE, HAD_ALL, "dma:dma_free", "ccaio:dma_free"),
	DMA(EVENT_ALLOC, HAD_DIRECTED, "dma:dma_alloc_pages"),
	DMA(EVENT_FREE, HAD_DIRECTED, "dma:dma_free_pages"),
	DMA(EVENT_ALLOC, HAD_DIRECTED, "dma:dma_alloc_sgt"),
	DMA(EVENT_FREE, HAD_DIRECTED, "dma:dma_free_sgt"),
	DMA(EVENT_SYNC_CPU, HAD_ALL, "dma:dma_sync_single_for_cpu", "ccaio:dma_sync_cpu"),
	DMA(EVENT_SYNC_DEVICE, HAD_ALL, "dma:dma_sync_single_for_device", "ccaio:dma_sync_device"),
	DMA(EVENT_SYNC_CPU, HAD_ALL, "dma:dma_sync_sg_for_cpu", "ccaio:dma_blind__sync_sg"),
	DMA(EVENT_SYNC_DEVICE, HAD_ALL, "dma:dma_sync_sg_for_device",
	    "ccaio:dma_blind__sync_sg_device"),
	BLIND("dma_blind__pages"),
	BLIND("dma_blind__noncontiguous"),
	BLIND("dma_blind__resource"),
};

const struct kernel_event *kernel_events(size_t *count)
{
	*count = sizeof(events) / sizeof(events[0]);
	return events;
}

const char *kernel_event_short(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon ? colon + 1 : name;
}
