/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_TESTS_PROPERTY_MUTATE_H
#define CCAIO_TESTS_PROPERTY_MUTATE_H

#include "tests/property/history.h"

/*
 * What the mutations of mutate-*.c share: finding a place where a change can
 * not, by luck, make another legal history.
 */
#define NOWHERE SIZE_MAX

typedef bool fits_fn(const struct history *h, size_t i);

/* A random step that fits, or NOWHERE. */
size_t find_step(const struct history *h, struct rng *r, fits_fn *fits);

bool from_boot(const struct history *h);
bool in_realm(const struct history *h);
const struct event *event_at(const struct history *h, size_t i);

/* The step of this kind that belongs to the same mapping as step i, or NOWHERE. */
size_t other_step(const struct history *h, size_t i, unsigned int kind);
/* The step that ends the mapping of step i (UNMAP, FREE), or NOWHERE. */
size_t end_step(const struct history *h, size_t i);

/* Does another event of this CPU follow? */
bool cpu_goes_on(const struct history *h, size_t i);
/* Is there another mapping that an unmap like that of step i could mean? */
bool has_twin(const struct history *h, size_t i);
/* While recording began, a map may lack its bounce. */
bool bounce_may_lack(const struct history *h, size_t map);

/* Give a mapping another address, in all its events. */
void move_mapping(struct history *h, uint32_t map, uint64_t from, uint64_t to);

/* Kinds of steps, as fits_fn. */
fits_fn is_bounce, is_bounced_map, is_direct_map, is_map, is_unmap, is_sync, is_alloc_event,
	is_free_event, is_mark;
fits_fn behind_iommu;	   /* its device is */
fits_fn is_untrusted_map;  /* of a device that is not accepted */
fits_fn is_plain_bounced;  /* a map with its bounce, at an address of memory */
fits_fn is_sized_pair;	   /* a map with its bounce, which it may not lack */
fits_fn is_pair_event;	   /* the map or the bounce of such a pair */
fits_fn is_needed_decrypt; /* of a coherent allocation that nothing else shows to be shared */
fits_fn is_lone_end;	   /* UNMAP, FREE of a mapping that only its two events describe */

/* A mutation; see struct mutation. */
typedef bool mutate_fn(struct history *h, struct rng *r);

/* mutate-drop.c */
mutate_fn drop_bounce, drop_bounced_map, drop_begin, drop_unmap, drop_decrypt, drop_mark, duplicate,
	silence;

/* mutate-change.c */
mutate_fn publish_protected, publish_original, publish_unnamed, past_end, end_elsewhere,
	size_of_pair, size_of_end, sync_beyond, direction_of_end, direction_of_sync, device_of_pair,
	device_of_end, wrong_bit, end_without_bit, wrong_nonce, swap_marks;

/* mutate-move.c */
mutate_fn map_before_bounce, sync_after_end, end_before_begin, overlap, alloc_overlap, late_encrypt,
	late_encrypt_virt, trusted_in_pool, not_accepted, lost, sg_cut, undecoded;

/* mutate-other.c */
mutate_fn other_kernel, other_run, other_cpus, other_pools, moved_ram, unforced, half_reported,
	left_out, masked;

/* Each ends with a row without a name. */
extern const struct mutation mutations_facts[];	    /* mutate-facts.c */
extern const struct mutation mutations_recording[]; /* mutate-recording.c */
extern const struct mutation mutations_memory[];    /* mutate-memory.c */
extern const struct mutation mutations_guests[];    /* mutate-guests.c */

#endif
