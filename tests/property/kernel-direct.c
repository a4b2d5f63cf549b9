/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory that is shared as it is: what drivers decrypt, and mappings that need no bounce. */
#include "tests/property/kernel.h"

static bool is_alloc(const struct sim_map *m)
{
	return m->alloc;
}

/* For an accepted device: any memory. */
static struct sim_map *of_buffer(struct sim *s)
{
	int i;
	struct sim_map *m = sim_new_map(s, &i);

	if (!m)
		return NULL;
	m->orig = BUFFER_BASE + sim_below(s, 4096) * 0x400;
	m->size = sim_random_size(s);
	m->dma = m->orig;
	return m;
}

/* A part of an allocation. */
static struct sim_map *of_alloc(struct sim *s, int dev)
{
	int i, parent;
	struct sim_map *a = sim_pick(s, is_alloc, &parent), *m;
	uint64_t from;

	if (!a || a->dev != dev || (!a->reported && !s->h->alias))
		return NULL;
	m = sim_new_map(s, &i);
	if (!m)
		return NULL;
	from = sim_below(s, a->size);
	m->parent = parent;
	m->within = true;
	m->size = 1 + sim_below(s, a->size - from);
	m->orig = (a->dma & ~s->h->alias) + from;
	a->users++;
	return m;
}

/* A part of what a driver decrypted. */
static struct sim_map *of_region(struct sim *s, int dev)
{
	int i, region = sim_below(s, REGIONS);
	struct sim_map *m;
	uint64_t from;

	if (!s->region_shared[region] || s->h->sharing == SHARING_REHEARSAL)
		return NULL;
	if (s->devs[dev].iommu && !s->region_told[region])
		return NULL;
	m = sim_new_map(s, &i);
	if (!m)
		return NULL;
	from = sim_below(s, 2 * PAGE - 1);
	m->region = region;
	m->size = 1 + sim_below(s, 2 * PAGE - from);
	m->orig = REGION_BASE + region * 0x10000 + from;
	s->region_users[region]++;
	if (s->telling && !s->h->alias && !s->region_told[region])
		sim_not_provable(s, "a decrypt that nothing reported");
	return m;
}

static void publish(const struct sim *s, struct sim_dev *d, struct sim_map *m)
{
	m->dma = sim_published(s, m->orig);
	if (s->h->sharing != SHARING_REHEARSAL)
		m->attrs = EVENT_ATTR_CC_SHARED;
	if (d->iommu)
		m->dma = d->iova -= 0x4000;
}

void sim_direct(struct sim *s, int cpu, int dev)
{
	struct sim_dev *d = &s->devs[dev];
	struct sim_map *m;

	if (d->tdisp)
		m = of_buffer(s);
	else if (sim_one_in(s, 2) && !d->iommu)
		m = of_alloc(s, dev);
	else
		m = of_region(s, dev);
	if (!m)
		return;
	if (!d->tdisp)
		publish(s, d, m);
	m->dev = dev;
	m->dir = sim_one_in(s, 2) ? EVENT_TO_DEVICE : EVENT_FROM_DEVICE;
	m->direct = true;
	m->sg = sim_one_in(s, 6);
	m->reported = s->telling;
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
	s->region_told[k] = s->region_shared[k] && s->probes && s->listed && s->telling;
	if (s->probes)
		sim_tell(s, cpu, sim_random_pid(s), ev, NULL, MADE_NONE);
}
