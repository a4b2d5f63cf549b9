/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_TESTS_PROPERTY_KERNEL_H
#define CCAIO_TESTS_PROPERTY_KERNEL_H

#include "tests/property/history.h"

struct snapshot;

/*
 * kernel - a simulated kernel whose CPUs do DMA API calls and tell events.
 *
 * Each call is a chain of atomic phases; other CPUs run between them, tasks are
 * preempted and migrate.  What is reported when follows Linux kernel/dma/mapping.c:
 * bounce before the slot is taken, map after it, unmap AFTER the slot was
 * released, unmap_sg and free BEFORE.
 */
#define RAM_BASE 0x80000000ull
#define RAM_SIZE 0x8000000ull
#define POOL_BASE 0x82000000ull
#define POOL2_BASE 0x83000000ull
#define PAGES_BASE 0x84000000ull /* coherent memory */
#define BUFFER_BASE 0x85000000ull
#define REGION_BASE 0x86000000ull /* memory that drivers decrypt */
#define FREE_BASE 0x87000000ull
#define VIRT_BASE 0xffff000000000000ull
#define ALIAS_BIT (1ull << 32)
#define SLOT 2048ull
#define PAGE 4096ull
#define NONCE 0xc0ffee

#define MAX_CPUS 4
#define MAX_DEVS 5
#define MAX_MAPS 512
#define MAX_SG 4
#define MAX_SLOTS 256
#define PAGES 64
#define REGIONS 4

struct sim_dev {
	uint16_t id, iface;
	bool virtio, iommu, tdisp, reported, net_reported;
	int pool;
	uint64_t iova;
	uint32_t virtio_id;
	char name[16];
};

struct sim_map {
	bool live, busy, reported, alloc, direct, sg, within;
	bool held;  /* has slots of its pool */
	bool named; /* a ring named all of it when the window opened */
	bool ring;  /* its device's, as long as that is bound */
	uint8_t dev, dir;
	int8_t region;
	int parent; /* allocation that a direct mapping is a part of, or -1 */
	int users;  /* an allocation's direct mappings */
	int group;  /* entries of one sg map: index of the first, or -1 */
	int nents;
	int pool;
	unsigned int slot, nslots, page, npages;
	uint32_t id, attrs;
	uint64_t orig, dma, size, link;
};

enum op_kind { OP_NONE, OP_MAP, OP_UNMAP, OP_ALLOC, OP_FREE };

struct op {
	enum op_kind kind;
	unsigned int phase;
	int32_t pid;
	int map; /* first (or only) mapping */
	int n;	 /* entries */
	bool sg, failed, moved;
	bool canary;
	uint64_t taken; /* clock when the slots were released */
};

struct sim {
	struct history *h;
	struct rng r;
	struct sim_dev devs[MAX_DEVS];
	int ndevs;
	struct sim_map maps[MAX_MAPS];
	struct op cpu[MAX_CPUS], suspended[4];
	int ncpus;
	struct {
		uint64_t base;
		unsigned int n;
		bool used[MAX_SLOTS];
		uint64_t taken[MAX_SLOTS]; /* clock when last reported of a mapping that has it */
	} pools[2];
	int npools;
	unsigned int used, hiwater;
	uint64_t clock;
	bool pages[PAGES];
	bool region_shared[REGIONS], region_told[REGIONS];
	int region_users[REGIONS];
	bool telling, tell_bounce, any_bounce, early;
	bool probes;	  /* decrypts are reported */
	bool listed;	  /* the facts say which events were on */
	bool same_record; /* further events of one scatter-gather record */
	bool by_ccaio, from_boot;
	bool run;	/* judged for the run, by these: */
	bool snapshots; /* the kernel's memory is read at the start and at the end */
	struct snapshot *start, *end;
	bool canary_done;
	int canary_dev;
	uint64_t canary_size;
	uint64_t ts;
};

static inline uint64_t sim_below(struct sim *s, uint64_t n)
{
	return rng_below(&s->r, n);
}

static inline bool sim_one_in(struct sim *s, uint64_t n)
{
	return rng_one_in(&s->r, n);
}

/* kernel.c */

/* A task nobody else is, or the idle task (softirq). */
int32_t sim_random_pid(struct sim *s);

/* kernel-facts.c */
void sim_machine(struct sim *s);
void sim_facts(struct sim *s);

/* kernel-tell.c */
void sim_not_provable(struct sim *s, const char *why);
/* Tell ev, of mapping m (NULL: of none), unless it is not recorded. */
void sim_tell(struct sim *s, int cpu, int32_t pid, struct event ev, const struct sim_map *m,
	      enum made made);
/* What an event of this kind says of mapping m. */
struct event sim_event(const struct sim *s, unsigned int kind, const struct sim_map *m);
enum made sim_made(const struct sim_map *m);
/* Tell something that is no DMA. */
void sim_noise(struct sim *s, int cpu);
void sim_mark(struct sim *s, int cpu, unsigned int which);

/* kernel-memory.c */

/* The DMA address that shared memory has. */
uint64_t sim_published(const struct sim *s, uint64_t phys);
/* Give m slots of its pool; false: the pool is full. */
bool sim_take_slots(struct sim *s, struct sim_map *m);
void sim_release_slots(struct sim *s, struct sim_map *m);
/* It was reported that m has its slots. */
void sim_slots_told(struct sim *s, const struct sim_map *m);
/* Was it reported since that a slot of m has another mapping? */
bool sim_retaken(const struct sim *s, const struct sim_map *m, uint64_t since);
/* A mapping that is not live yet, and busy; NULL: there are too many. */
struct sim_map *sim_new_map(struct sim *s, int *index);
/* A random live mapping that nobody works on and that fits, or NULL. */
struct sim_map *sim_pick(struct sim *s, bool (*fits)(const struct sim_map *), int *index);
uint64_t sim_random_size(struct sim *s);

/* kernel-map.c: calls that take several steps are started on a CPU that does nothing. */
void sim_start_map(struct sim *s, int cpu, int dev, bool canary);
void sim_step_map(struct sim *s, int cpu, struct op *op);
void sim_start_unmap(struct sim *s, int cpu);
void sim_step_unmap(struct sim *s, int cpu, struct op *op);
void sim_sync(struct sim *s, int cpu);

/* kernel-coherent.c */
void sim_start_alloc(struct sim *s, int cpu, int dev);
void sim_step_alloc(struct sim *s, int cpu, struct op *op);
void sim_start_free(struct sim *s, int cpu);
void sim_step_free(struct sim *s, int cpu, struct op *op);

/* kernel-snapshot.c: read the kernel's memory, between two marks; others go on meanwhile. */
struct snapshot *sim_snapshot(struct sim *s);
/* The facts have both; with what a kernel like this says of its pages. */
void sim_snapshot_facts(struct sim *s);

/* kernel.c: a CPU ends its call; one random CPU goes on. */
void sim_finish_cpu(struct sim *s, int cpu);
void sim_tick(struct sim *s);

/* kernel-direct.c: both take one step. */

/* Memory that is shared already is mapped as it is. */
void sim_direct(struct sim *s, int cpu, int dev);
/* A driver decrypts memory of its own, or encrypts it again. */
void sim_region(struct sim *s, int cpu);

#endif
