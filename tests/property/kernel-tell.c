/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the simulated kernel reports: its events, and what of them is missing. */
#include "tests/property/kernel.h"

void sim_not_provable(struct sim *s, const char *why)
{
	s->h->provable = false;
	s->h->why = why;
}

void sim_tell(struct sim *s, int cpu, int32_t pid, struct event ev, const struct sim_map *m,
	      enum made made)
{
	struct step step = { .ev = ev, .map = m ? m->id : 0, .made = made };

	if (!s->telling || (ev.kind == EVENT_BOUNCE && !s->tell_bounce))
		return;
	if (!s->same_record && !sim_one_in(s, 10)) /* equal times happen */
		s->ts += 1 + sim_below(s, 2000);
	step.ev.ts_ns = s->ts;
	step.ev.cpu = cpu;
	step.ev.pid = pid;
	if (m) {
		struct sim_dev *d = &s->devs[m->dev];

		step.trusted = d->tdisp;
		step.within = m->within;
		d->reported |= ev.kind != EVENT_NET_XMIT_START;
	}
	s->any_bounce |= ev.kind == EVENT_BOUNCE;
	history_insert(s->h, s->h->count, &step);
}

struct event sim_event(const struct sim *s, unsigned int kind, const struct sim_map *m)
{
	struct event ev = {
		.kind = kind,
		.dev = s->devs[m->dev].id,
		.dir = m->dir,
		.orig = EVENT_NO_ADDR,
		.dma = m->dma,
		.size = m->size,
		.attrs = m->attrs,
		.flags = m->sg ? EVENT_F_SG : 0,
	};

	if (kind == EVENT_MAP || kind == EVENT_MAP_FAILED || kind == EVENT_BOUNCE)
		ev.orig = m->orig;
	if (kind == EVENT_BOUNCE) {
		ev.dir = EVENT_DIR_NONE;
		ev.dma = EVENT_NO_ADDR;
		ev.attrs = ev.flags = 0;
	}
	if (kind == EVENT_SYNC_CPU || kind == EVENT_SYNC_DEVICE)
		ev.attrs = 0;
	if (kind == EVENT_ALLOC || kind == EVENT_FREE)
		ev.link = m->link;
	return ev;
}

enum made sim_made(const struct sim_map *m)
{
	return m->alloc ? MADE_ALLOC : m->direct ? MADE_DIRECT : MADE_BOUNCED;
}

void sim_noise(struct sim *s, int cpu)
{
	static const uint8_t kinds[] = { EVENT_FORK, EVENT_EXIT, EVENT_SOCK_SEND, EVENT_BLK_ISSUE };

	sim_tell(s, cpu, sim_random_pid(s),
		 (struct event){
			 .kind = kinds[sim_below(s, 4)], .size = sim_below(s, 100), .link = 7 },
		 NULL, MADE_NONE);
}

void sim_mark(struct sim *s, int cpu, unsigned int which)
{
	sim_tell(s, cpu, 77,
		 (struct event){ .kind = EVENT_MARK,
				 .aux = which,
				 .link = NONCE,
				 .orig = EVENT_NO_ADDR,
				 .dma = EVENT_NO_ADDR,
				 .dir = EVENT_DIR_NONE },
		 NULL, MADE_NONE);
}
