/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_MEMORY_REALM_H
#define CCAIO_LIB_BOUNCE_MEMORY_REALM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * realm - the memory of a Realm: granules of 4 KiB, each protected, shared or device.
 *
 * Follows the Realm Management Monitor specification (Arm DEN0137: RIPAS, granule
 * states) and Linux arch/arm64 (lower half of the IPA space protected, upper half
 * the shared alias).  The Realm works on its memory through realm_ptr(); the host
 * and its devices have no pointer and go through lib/bounce/memory/guard.h.
 *
 * All RAM starts protected.  A granule's content does not survive a change of its
 * state: it reads as zeros afterwards.  State may be read while another thread
 * changes it; two threads must not change the same granule.
 */
#define REALM_GRANULE 4096u
#define REALM_NO_ADDR UINT64_MAX

enum realm_state { REALM_PROTECTED = 0, REALM_SHARED, REALM_DEVICE };

struct realm;

/*
 * RAM at [base, base + size), both multiples of the granule.  shared_bit: the bit
 * that marks shared addresses where devices are given the alias, above all of RAM;
 * 0 where they are given plain addresses.  seed: of the pattern that stands for
 * what a host would see in protected memory (see realm_host_view).
 */
struct realm *realm_new(uint64_t base, uint64_t size, uint64_t shared_bit, uint64_t seed);
void realm_free(struct realm *realm); /* accepts NULL */

uint64_t realm_base(const struct realm *realm);
uint64_t realm_size(const struct realm *realm);
uint64_t realm_shared_bit(const struct realm *realm);

/* The Realm's own view of [ipa, ipa + size); NULL when any of it is outside RAM. */
uint8_t *realm_ptr(struct realm *realm, uint64_t ipa, uint64_t size);

/* State of one granule; REALM_DEVICE outside RAM. */
enum realm_state realm_state(const struct realm *realm, uint64_t ipa);

/* Is every granule of [ipa, ipa + size) in this state?  size > 0. */
bool realm_all(const struct realm *realm, uint64_t ipa, uint64_t size, enum realm_state state);

/*
 * Change the state of all granules that [ipa, ipa + size) touches and scrub those
 * that change.  -EINVAL: outside RAM, or device memory.
 */
int realm_set_state(struct realm *realm, uint64_t ipa, uint64_t size, enum realm_state state);

/*
 * The same with the content kept: FF-A memory sharing (Arm DEN0140) gives another
 * endpoint access to pages as they are, where a Realm's change of RIPAS destroys them.
 */
int realm_set_state_keep(struct realm *realm, uint64_t ipa, uint64_t size, enum realm_state state);

/* The address to give to a device for shared memory, and back. */
static inline uint64_t realm_to_device(uint64_t shared_bit, uint64_t ipa)
{
	return ipa | shared_bit;
}
static inline uint64_t realm_from_device(uint64_t shared_bit, uint64_t addr)
{
	return addr & ~shared_bit;
}

/*
 * What the host would see at a protected address if it could look: the content
 * under a pattern that depends on the address.  Never the content itself.
 */
void realm_host_view(struct realm *realm, uint64_t ipa, uint8_t *buf, size_t len);

/*
 * Allocate size bytes of protected RAM, aligned to align (a power of two, >= 64).
 * Behind each allocation lies a red zone of at least 64 bytes that nobody may
 * write.  Returns REALM_NO_ADDR when RAM is exhausted.  Content is unspecified.
 * Safe in several threads.
 */
uint64_t realm_alloc(struct realm *realm, uint64_t size, uint64_t align);

/* Give back what realm_alloc returned, with the same size. */
void realm_release(struct realm *realm, uint64_t ipa, uint64_t size);

/* Take [ipa, ipa + size) out of what realm_alloc hands out (pools, device areas). */
void realm_reserve(struct realm *realm, uint64_t ipa, uint64_t size);

/* Is [ipa, ipa + size) RAM that nobody has allocated or reserved? */
bool realm_is_free(struct realm *realm, uint64_t ipa, uint64_t size);

/* Red zones found damaged by realm_release and by a scan of the live allocations. */
uint64_t realm_damage(struct realm *realm);

#endif
