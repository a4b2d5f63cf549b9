/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory that is shared as it is: what drivers decrypt, and mappings that need no bounce. */
#include "tests/property/kernel.h"

static bool is_alloc(const struct sim_map *m)
{
	return m->alloc;
}

/* Memory that is shared already is mapped as it is. */
void sim_direct(struct sim *s, int cpu, int dev)
{
	int i, parent = -1, region = -1;
	struct sim_map *a = NULL, *m;

	if (s->devs[dev].tdisp) { /* accepted: any memory */
		m = sim_new_map(s, &i);
		if (!m)
			return;
		m->orig = BUFFER_BASE + sim_below(s, 4096) * 0x400;
		m->size = sim_random_size(s);
		m->dma = m->orig;
		goto tell;
	}
	if (sim_one_in(s, 2) && !s->devs[dev].iommu) {
		a = sim_pick(s, is_alloc, &parent);
		if (!a || a->dev != dev || (!a->told && !s->h->alias))
			return;
	} else {
		region = sim_below(s, REGIONS);
		if (!s->region_shared[region] || s->h->sharing == SHARING_REHEARSAL)
			return;
		if (s->devs[dev].iommu && !s->region_told[region])
			return;
	}
	m = sim_new_map(s, &i);
	if (!m)
		return;
	if (a) {
		uint64_t from = sim_below(s, a->size);

		m->within = true;
		m->size = 1 + sim_below(s, a->size - from);
		m->orig = (a->dma & ~s->h->alias) + from;
		a->users++;
	} else {
		uint64_t from = sim_below(s, 2 * PAGE - 1);

		m->size = 1 + sim_below(s, 2 * PAGE - from);
		m->orig = REGION_BASE + region * 0x10000 + from;
		s->region_users[region]++;
		if (s->telling && !s->h->alias && !s->region_told[region])
			sim_not_provable(s, "a decrypt that nobody told");
	}
	m->dma = sim_published(s, m->orig);
	if (s->h->sharing != SHARING_REHEARSAL)
		m->attrs = EVENT_ATTR_CC_SHARED;
	if (s->devs[dev].iommu)
		m->dma = s->devs[dev].iova -= 0x4000;
tell:
	m->dev = dev;
	m->dir = sim_one_in(s, 2) ? EVENT_TO_DEVICE : EVENT_FROM_DEVICE;
	m->direct = true;
	m->parent = parent;
	m->region = region;
	m->sg = sim_one_in(s, 6);
	m->told = s->telling;
	sim_tell(s, cpu, sim_random_pid(s), sim_event(s, EVENT_MAP, m), m, MADE_DIRECT);
	m->live = true;
	m->busy = false;
}

void sim_region(struct sim *s, int cpu)
{
	int k = sim_below(s, REGIONS);
	struct event ev = { .kind = s->region_shared[k] ? EVENT_ENCRYPT : EVENT_DECRYPT,
			    .orig = REGION_BASE + k * 0x10000,
			    .size = 2 * PAGE,
			    .dma = EVENT_NO_ADDR,
			    .dir = EVENT_DIR_NONE,
			    .flags = EVENT_F_PROBE };

	if (s->region_users[k] || s->h->sharing == SHARING_REHEARSAL)
		return;
	s->region_shared[k] = !s->region_shared[k];
	s->region_told[k] = s->region_shared[k] && s->probes && s->telling;
	if (s->probes)
		sim_tell(s, cpu, sim_random_pid(s), ev, NULL, MADE_NONE);
}
