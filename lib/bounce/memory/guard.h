/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_MEMORY_GUARD_H
#define CCAIO_LIB_BOUNCE_MEMORY_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct realm;

/*
 * guard - the only way in which the host and its devices reach a Realm's memory.
 *
 * Stands for the granule protection check, the Realm's stage 2 tables and the
 * SMMU: it sees addresses and bytes, and knows nothing of DMA mappings.  An access
 * to a granule that is not shared is a fault: a read gives the host's view of
 * protected memory instead of its content, a write changes nothing.
 */
struct guard_access {
	uint64_t addr; /* as the device put it on the bus */
	uint64_t size;
	uint16_t dev;	/* instigator: names id */
	bool write;	/* direction: the device wrote */
	bool denied;	/* some of it was not to be reached */
	uint64_t fault; /* first address that was denied; REALM_NO_ADDR if none */
};

struct guard {
	struct realm *realm;
	uint16_t dev; /* instigator: names id of the device */
	bool trusted; /* accepted by the Realm (TDISP RUN): protected memory is allowed */
	bool raw;     /* takes guest-physical addresses, no alias (no ACCESS_PLATFORM) */
	/*
	 * Bus addresses that are not guest-physical (FF-A areas): gives the address of
	 * the longest run from bus on, at most *size, and its length in *size;
	 * REALM_NO_ADDR when nothing is there.  NULL: bus addresses are guest-physical.
	 */
	uint64_t (*translate)(void *ctx, uint64_t bus, uint64_t *size);
	void *translate_ctx;
	/* Sees each access after the decision; may be NULL. */
	void (*observe)(void *ctx, const struct guard_access *access);
	void *observe_ctx;
	uint64_t accesses, faults; /* counters */
	uint64_t bytes_read, bytes_written;
};

/* Read or write size bytes at a bus address.  -EFAULT: some of it was denied. */
int guard_read(struct guard *guard, uint64_t bus, void *buf, size_t size);
int guard_write(struct guard *guard, uint64_t bus, const void *buf, size_t size);

/* Little-endian values; -EFAULT as above (the value is then what the host would see). */
int guard_read16(struct guard *guard, uint64_t bus, uint16_t *value);
int guard_write16(struct guard *guard, uint64_t bus, uint16_t value);

#endif
