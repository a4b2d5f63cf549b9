/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_COST_COST_H
#define CCAIO_LIB_COST_COST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/evidence/meter.h"
#include "lib/json/table.h"

struct event;
struct names;
struct platform;

/*
 * cost - what bouncing costs in a recording, and whether the bounce pool will hold.
 *
 * Member "cost" of verdict.json (see ccaio-verdict(5)).  It takes no part in the verdict.  Counts
 * are of what the events tell; where events were lost they are a lower bound (lost).
 *
 * Copies (Linux kernel/dma/swiotlb.c, swiotlb_tbl_map_single): each bounced map copies the whole
 * buffer into the pool, whatever its direction, so that what the device does not write stays as
 * it was; an unmap of what the device writes copies it back, unless the driver says not to; so do
 * syncs, each in its direction.  What a map copies out of a buffer that the device only writes is
 * stale: nobody needs it there.
 */
#define COST_SIZES 20 /* copies of 2^(i-1) + 1 to 2^i bytes (the first: of one); the last: more */
#define COST_DIRS 3   /* of mappings, by enum event_dir: bidirectional, to, from the device */

struct cost_copies {
	uint64_t copies, bytes;
	uint64_t sizes[COST_SIZES]; /* copies */
};

/*
 * One way of a device, as the kernel summed it up in the window (struct meter), beside what the
 * events of the window tell.
 */
struct cost_metered {
	uint64_t copies, bytes;
	uint64_t event_copies, event_bytes;
};

struct cost_meter {
	struct cost_metered out, in;
};

struct cost_device {
	char *name;
	uint64_t maps;			   /* bounced */
	struct cost_copies out;		   /* into the pool, where the device reads */
	struct cost_copies in;		   /* back from it */
	uint64_t stale;			   /* bytes of out that were not for the device */
	uint64_t slots_most[COST_DIRS];	   /* in use at once */
	uint64_t slots_at_peak[COST_DIRS]; /* in use when the pool's were most */
	struct cost_meter *meter;	   /* NULL: there was none */
};

/* All devices together, as the kernel summed them up. */
struct cost_metering {
	char *trouble;	  /* what was not measured, and why; NULL all was */
	uint64_t missed;  /* copies that were not counted */
	uint64_t call_ns; /* that the kernel took to count one; 0 unknown */
	uint64_t busy_ns; /* CPU time that the machine did not idle; 0 unknown */
};

/*
 * How long bounced maps took, by the times of their own events (see times.h): nothing is armed for
 * it.  A map takes map_ns, and kib_ns for each KiB: the first is finding slots and recording an
 * event, the second copying.
 */
struct cost_times {
	uint64_t maps, bytes, ns; /* those that were timed, together */
	uint64_t map_ns, kib_ns;  /* 0: too few, or of one size */
};

/*
 * The default pool.  In use is counted from before the kernel takes slots until after it has
 * given them back, so it is never below what the kernel counts.
 */
struct cost_pool {
	uint64_t slots;	  /* of the recorded machine's; 0 unknown */
	uint64_t areas;	  /* that were assumed for other sizes */
	uint64_t before;  /* in use when the recording began, of mappings that no event tells */
	uint64_t peak;	  /* slots in use at once, at most, … */
	uint64_t peak_ns; /* … at this time of the trace clock */
	uint64_t largest; /* bytes of the largest request … */
	char *largest_device;
	uint64_t beyond;    /* requests of more than 256 KiB, which no pool takes */
	uint64_t failed;    /* maps that failed, of others */
	uint64_t full_at;   /* slots: pools of up to so many would have been full; 0 none */
	uint64_t full_ns;   /* when this one would have been for the first time, … */
	uint64_t full_size; /* … for how many bytes, … */
	char *full_device;  /* … of which device */
	uint64_t holds;	    /* slots of the smallest pool that would have held; 0 none does */
	bool partial;	    /* more mappings at once than are followed: more is in use than said */
};

struct cost {
	struct cost_pool pool;
	struct cost_device *devices; /* those with a bounced map or copy */
	size_t ndevices;
	bool lost;			  /* events were lost: all counts are a lower bound */
	struct cost_metering *metering;	  /* NULL: nobody asked for it */
	struct cost_times *times;	  /* NULL: no map was timed */
	uint64_t memcpy_bytes, memcpy_ns; /* the facts': so many bytes take at least so long */
};

extern const struct jrow cost_table[];
void cost_free(struct cost *c); /* accepts NULL */

/* Bytes copied, and of them those that were not stale. */
uint64_t cost_copied(const struct cost_device *d);
uint64_t cost_useful(const struct cost_device *d);

/* Nanoseconds that copying so many bytes takes on this machine at least; 0 unknown. */
uint64_t cost_least_ns(const struct cost *c, uint64_t bytes);

/* … that it took in this recording, by the times of its events; 0 unknown. */
uint64_t cost_copy_ns(const struct cost *c, uint64_t bytes);

/* Which of COST_SIZES these bytes, which are more than none, are. */
unsigned int cost_size(uint64_t bytes);

/* Is it more than the events show that is needed, since maps failed or events were lost? */
bool cost_is_least(const struct cost *c);

/*
 * Which limit of a policy is not kept, as a sentence that the caller frees; NULL: both are.  Bytes
 * copied for one useful one, and slots at once; 0: no limit.
 */
char *cost_above(const struct cost *c, uint64_t copied_per_useful, uint64_t pool_peak);

/*
 * Building one from events in time order, as a consumer (lib/evidence/consumer.h).  platform
 * gives the pools and what was in use, NULL: none known; cpus are those of the machine, 0
 * unknown.  names gets
 * the devices that only the facts' meter knows.  Both must live until the end.
 */
struct cost_builder;

struct cost_builder *cost_builder_new(const struct platform *platform, struct names *names,
				      unsigned int cpus);
void cost_builder_feed(struct cost_builder *b, const struct event *events, size_t count);
/* The result, which the caller frees; the builder is freed. */
struct cost *cost_builder_finish(struct cost_builder *b);

#endif
