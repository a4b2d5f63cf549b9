/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_TYPES_DEVICES_H
#define CCAIO_LIB_JUDGE_TYPES_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/judge/types/findings.h"

struct limit;
struct names;
struct policy;
struct platform;
struct platform_pci;
struct platform_virtio;

/*
 * devices - what is known of each device of the stream: by the facts, and by its events.
 *
 * A device is known by the names id of its DMA name.  It comes into being with the
 * first event that names it; pointers stay valid until devices_free.  Network
 * interfaces have an entry, too (net_events).
 */
struct device {
	uint16_t id;	   /* names id */
	bool seen;	   /* has DMA events */
	bool out_of_scope; /* the verdict does not cover it (struct limit) */
	bool iommu; /* DMA addresses are IOVAs, or may be: no number means a physical address */
	uint64_t offset; /* of its bus: DMA address minus physical one; 0 none, or not learnt yet */
	bool areas;	 /* virtio-msg: addresses outside RAM name shared areas, not memory */
	bool tsm_known;
	bool tsm_doubt;	   /* facts call it accepted, on a machine that cannot accept devices */
	bool tsm_later;	   /* facts call it accepted in the window, which has not opened yet */
	bool tsm_of_facts; /* what tsm says stands in the facts only, no event showed it */
	uint8_t tsm;	   /* enum event_tsm */
	bool accepted;	   /* was in RUN at some time */
	bool assigned;	/* the platform may let it reach protected memory, and nothing shows it */
	bool entrusted; /* and the policy says that it may */
	uint64_t entrusted_ranges; /* of protected memory that it was given then */
	bool vring_seen;
	const struct platform_virtio *virtio; /* in the facts; NULL: not there */
	const struct platform_pci *pci;
	/* bits above RAM that its addresses carried, not yet known as shared */
	uint64_t alias_bits;
	uint64_t newly_shared; /* bytes made shared in its name, not yet given to it */
	uint64_t arrived;      /* buffers that it may have written, given back until now */
	uint64_t net_events;   /* as an interface name: packets seen */
	struct tally claims[CLAIMS];
	struct device_totals totals;
};

/* Can this device reach protected memory with the guest's consent (TDISP state RUN)? */
bool device_is_accepted(const struct device *dev);

struct devices {
	/* what a new device is looked up in; borrowed */
	const struct names *names;
	const struct platform *platform; /* NULL: no facts */
	const struct policy *policy;	 /* NULL: none */
	const struct limit *limit;	 /* NULL: the verdict covers every device */
	bool accepts;			 /* the guest is of a kind that accepts devices (TDISP) */
	bool assigned;	  /* of a kind whose devices may be given protected memory unseen */
	bool facts_later; /* accepted by the facts means: in the window, not before */
	bool areas;	  /* some device's addresses name shared areas (virtio-msg) */

	struct device **at; /* by names id; NULL where no event named it */
	size_t count;
};

struct device *devices_add(struct devices *d, uint16_t id);

/* The device of this id; a new one if no event has named it yet. */
static inline struct device *devices_get(struct devices *d, uint16_t id)
{
	return id < d->count && d->at[id] ? d->at[id] : devices_add(d, id);
}

/* The device of this id; NULL if no event has named it. */
static inline struct device *devices_find(const struct devices *d, uint16_t id)
{
	return id < d->count ? d->at[id] : NULL;
}

void devices_free(struct devices *d); /* its contents; not the struct itself */

#endif
