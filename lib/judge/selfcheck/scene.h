/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_SELFCHECK_SCENE_H
#define CCAIO_LIB_JUDGE_SELFCHECK_SCENE_H

#include "lib/evidence/platform.h"
#include "lib/evidence/snapshot.h"
#include "lib/evidence/stream.h"
#include "lib/verdict/verdict.h"

/*
 * scene - a small clean stream with its facts, and changes that break one thing in it.
 * Only the self-check includes this.
 */

/*
 * The machine of all streams: a Realm with one network device.  Addresses are
 * as in a 33-bit IPA space: RAM below, its shared alias at BIT(32).
 */
#define ALIAS 0x100000000ull
#define RAM_START 0x80000000ull
#define RAM_END 0x9fffffffull
#define POOL_START 0x97400000ull
#define POOL_END 0x974fffffull /* inclusive: 1 MiB, 512 slots */
#define RING 0x8be20000ull
#define RING_VIRT 0xffff00000be20000ull
#define RING_SIZE 8192
#define BUFFER 0x847a2200ull
#define SLOT (POOL_START + 0x4000)
#define NONCE 0x5eed
#define CANARY 1234
#define MAX_EVENTS 32

/* Where the clean stream has what; changes refer to these. */
enum {
	AT_START,
	AT_RING,
	AT_BOUNCE,
	AT_MAP,
	AT_UNMAP,
	AT_CANARY_BOUNCE,
	AT_CANARY,
	AT_CANARY_UNMAP,
	AT_RX_BOUNCE,
	AT_RX,
	AT_RX_SYNC,
	AT_STOP,
	AT_COUNT
};

#define MAX_FORMATS 32

struct scene {
	char *signs[3];
	struct event ev[MAX_EVENTS];
	size_t n;
	struct platform facts;
	struct range ram;
	struct platform_pool pool;
	struct platform_virtio virtio;
	struct platform_pci pci;
	struct platform_canary canary;
	char features[65];
	struct stream_info info;
	struct stream_cpu cpu;
	struct stream_format formats[MAX_FORMATS];
	char *listed[MAX_FORMATS + 2]; /* events that were on, by the facts */
	uint64_t packets_dropped;
	/* the kernel's memory at the start and at the end */
	struct memory {
		struct snapshot all;
		struct snapshot_device device;
		struct snapshot_queue queue;
		struct snapshot_descriptor descriptors[3];
		struct snapshot_pool pool;
		struct snapshot_live live[3];
	} memory[2];
};

/* The clean scene, which is PROVEN.  device: the name of dev, borrowed. */
void scene_clean(struct scene *s, uint16_t dev, char *device);

/* What changes are made of. */
struct event scene_mark(unsigned int which);
void scene_cut(struct scene *s, size_t at);
void scene_insert(struct scene *s, size_t at, struct event ev);

/* Changes that more than one file makes. */
void scene_direct(struct scene *s);
void scene_plain_ring(struct scene *s);
void scene_plain_ring_decrypted(struct scene *s);

#define ANY -1

/* What the judge must say of a scene. */
struct scene_case {
	const char *name;
	void (*change)(struct scene *);
	enum outcome outcome;
	int claim; /* that must not hold (a clean stream: ANY), */
	int cond;  /* … or condition that must be unmet */
};

/* Each ends with a row without a name. */
extern const struct scene_case scene_stream_cases[];
extern const struct scene_case scene_facts_cases[];
extern const struct scene_case scene_guest_cases[];
extern const struct scene_case scene_memory_cases[];

#endif
