/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory of the simulated kernel: slots of the bounce pools, and who has what mapped. */
#include "tests/property/kernel.h"

uint64_t sim_published(const struct sim *s, uint64_t phys)
{
	return phys | s->h->alias;
}

bool sim_take_slots(struct sim *s, struct sim_map *m)
{
	/* the low bits of the buffer's address may have to stay (min_align_mask) */
	uint64_t offset = sim_one_in(s, 3) ? m->orig & (SLOT - 1) : 0;
	unsigned int n = (offset + m->size + SLOT - 1) / SLOT, run = 0;

	for (unsigned int i = 0; i < s->pools[m->pool].n; i++) {
		run = s->pools[m->pool].used[i] ? 0 : run + 1;
		if (run < n)
			continue;
		m->slot = i + 1 - n;
		m->nslots = n;
		for (unsigned int k = m->slot; k <= i; k++)
			s->pools[m->pool].used[k] = true;
		if (m->pool == 0)
			s->used += n;
		if (s->used > s->hiwater)
			s->hiwater = s->used;
		m->dma = sim_published(s, s->pools[m->pool].base + m->slot * SLOT + offset);
		m->held = true;
		return true;
	}
	return false;
}

void sim_release_slots(struct sim *s, struct sim_map *m)
{
	m->held = false;
	for (unsigned int k = m->slot; k < m->slot + m->nslots; k++)
		s->pools[m->pool].used[k] = false;
	if (m->pool == 0)
		s->used -= m->nslots;
}

void sim_slots_told(struct sim *s, const struct sim_map *m)
{
	for (unsigned int k = m->slot; k < m->slot + m->nslots; k++)
		s->pools[m->pool].taken[k] = ++s->clock;
}

bool sim_retaken(const struct sim *s, const struct sim_map *m, uint64_t since)
{
	for (unsigned int k = m->slot; k < m->slot + m->nslots; k++) {
		if (s->pools[m->pool].taken[k] > since)
			return true;
	}
	return false;
}

struct sim_map *sim_new_map(struct sim *s, int *index)
{
	for (int i = 0; i < MAX_MAPS; i++) {
		struct sim_map *m = &s->maps[i];

		if (m->live || m->busy)
			continue;
		*m = (struct sim_map){ .busy = true,
				       .parent = -1,
				       .region = -1,
				       .group = -1,
				       .nents = 1,
				       .id = ++s->h->maps };
		*index = i;
		return m;
	}
	return NULL;
}

struct sim_map *sim_pick(struct sim *s, bool (*fits)(const struct sim_map *), int *index)
{
	int start = sim_below(s, MAX_MAPS);

	for (int k = 0; k < MAX_MAPS; k++) {
		int i = (start + k) % MAX_MAPS;
		struct sim_map *m = &s->maps[i];

		if (m->live && !m->busy && fits(m)) {
			*index = i;
			return m;
		}
	}
	return NULL;
}

uint64_t sim_random_size(struct sim *s)
{
	static const uint64_t usual[] = { 1, 16, 32, 66, 163, 512, 1536, 2048, 2049, 4096, 6000 };

	return sim_one_in(s, 3) ? 1 + sim_below(s, 9000)
				: usual[sim_below(s, sizeof(usual) / sizeof(*usual))];
}
