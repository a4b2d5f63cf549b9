/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EVIDENCE_EVENT_H
#define CCAIO_LIB_EVIDENCE_EVENT_H

#include <stdint.h>

/*
 * event - one thing that happened, whoever tells it.
 *
 * Kernel trace events, the evidence of a bundle and the bounce path of
 * lib/bounce all become this one stream, in time order.  64 bytes, no pointers.
 * Which fields mean something depends on the kind; the others are 0
 * (addresses: EVENT_NO_ADDR).
 */
enum event_kind {
#define EVENT_KIND(name, text, group) EVENT_##name,
#include "lib/evidence/event-kinds.def"
#undef EVENT_KIND
	EVENT_KINDS
};

/* What a kind tells of.  DMA and MEMORY are what the claims are decided from. */
enum event_group {
	EVENT_GROUP_OTHER,  /* the stream itself, sockets, packets, queues, disks, processes */
	EVENT_GROUP_DMA,    /* the DMA API */
	EVENT_GROUP_MEMORY, /* memory that became shared or protected */
};

/* DMA direction, numbered as enum dma_data_direction (Linux include/linux/dma-direction.h). */
enum event_dir {
	EVENT_BIDIRECTIONAL = 0,
	EVENT_TO_DEVICE = 1,
	EVENT_FROM_DEVICE = 2,
	EVENT_DIR_NONE = 3, /* also: the event does not say */
};

/* PCIe TDISP device interface states (PCIe 6.x, 11.2.4 "TDISP state machine"). */
enum event_tsm {
	EVENT_TSM_UNLOCKED = 0,
	EVENT_TSM_LOCKED = 1,
	EVENT_TSM_RUN = 2, /* accepted by the Realm: protected memory is allowed, the pool is not */
	EVENT_TSM_ERROR = 3,
};

enum event_mark {
	EVENT_MARK_START = 1, /* the window opens */
	EVENT_MARK_STOP = 2,  /* the window closes */
	/* the devices' counters: before and after they were read first, then the same for the end
	 */
	EVENT_MARK_COUNT = 3,
	EVENT_MARK_SNAPSHOT = 5, /* before and after a snapshot of the kernel's memory */
	EVENT_MARK_REST = 4, /* on every CPU, before the last look: no softirq is under way here */
};

/* What a block request does, as its event's rwbs says (Linux kernel/trace/blktrace.c). */
enum event_blk {
	EVENT_BLK_OTHER = 0, /* also zeroes without data, and a driver's own commands */
	EVENT_BLK_READ,
	EVENT_BLK_WRITE,
	EVENT_BLK_DISCARD,
	EVENT_BLK_FLUSH,
};

/*
 * struct event.context: which of the contexts that a CPU nests reported a BOUNCE, or a list's
 * MAP_FAILED (bits of common_flags, Linux include/linux/trace_events.h).  0 is the task; other
 * kinds have 0.
 */
#define EVENT_CONTEXT_HARDIRQ 0x08
#define EVENT_CONTEXT_SOFTIRQ 0x10
#define EVENT_CONTEXT_NMI 0x40
#define EVENT_CONTEXT_UNKNOWN 0xff

/* struct event.flags */
#define EVENT_F_SG 0x0001      /* one entry of a scatter-gather operation */
#define EVENT_F_BY_ORIG 0x0002 /* names the mapping by orig, dma is unknown */
#define EVENT_F_FORCED 0x0004  /* swiotlb_bounced said FORCE; tells nothing about sharing */
#define EVENT_F_PROBE 0x0008   /* from one of ccaio's own dynamic events, not a tracepoint */
#define EVENT_F_NO_DIR 0x0010  /* the source does not tell the direction */
#define EVENT_F_PRIVATE 0x0020 /* the emitter calls the device trusted; only EVENT_TSM decides */
#define EVENT_F_VIRT                                                                 \
	0x0040 /* DECRYPT, ENCRYPT: link is the kernel virtual address, orig unknown \
		*/

/* struct event.attrs: DMA_ATTR_* (Linux include/linux/dma-mapping.h) as the event gives them */
#define EVENT_ATTR_SKIP_CPU_SYNC (1u << 5)
#define EVENT_ATTR_MMIO (1u << 10)
#define EVENT_ATTR_CC_SHARED (1u << 13)
#define EVENT_ATTR_ALLOC_CC_SHARED (1u << 14) /* of an allocation: its pages were decrypted */

#define EVENT_NO_ADDR UINT64_MAX /* also DMA_MAPPING_ERROR: a map that failed */

struct event {
	uint64_t ts_ns; /* trace clock, nanoseconds */
	union {
		uint64_t orig;	  /* physical address of the original buffer */
		uint64_t vq;	  /* VQ_*: the queue */
		uint64_t sock_of; /* TCP_*: the packet's socket */
		uint64_t into;	  /* NET_MERGE: the packet that it was merged into */
	};
	union {
		uint64_t dma;	 /* address that the device was given */
		uint64_t sector; /* BLK_*: of 512 bytes */
		uint64_t sock;	 /* VQ_ADD: the token's socket */
	};
	uint64_t size;	/* bytes */
	uint64_t link;	/* what joins events: skb, sock, token, nonce … */
	uint32_t attrs; /* DMA_ATTR_* */
	uint32_t aux;	/* by kind */
	int32_t pid;	/* task that ran, 0 in the idle task */
	uint16_t cpu;
	uint16_t dev;  /* names id of the DMA device ("0000:00:01.0"), or of the net interface */
	uint16_t comm; /* names id of the task's name, 0 unknown */
	uint16_t flags;
	uint8_t kind; /* enum event_kind */
	uint8_t dir;  /* enum event_dir */
	uint8_t context;
	uint8_t spare;
};

_Static_assert(sizeof(struct event) == 64, "struct event is one cache line");

/* EVENT_GROUP_OTHER for an unknown kind. */
static inline enum event_group event_group(unsigned int kind)
{
	switch (kind) {
#define EVENT_KIND(name, text, group) \
	case EVENT_##name:            \
		return EVENT_GROUP_##group;
#include "lib/evidence/event-kinds.def"
#undef EVENT_KIND
	default:
		return EVENT_GROUP_OTHER;
	}
}

/* "map", "bounce" …; "?" for an unknown kind. */
const char *event_kind_name(unsigned int kind);

/* "TO_DEVICE" …; "?" for an unknown direction. */
const char *event_dir_name(unsigned int dir);

#endif
