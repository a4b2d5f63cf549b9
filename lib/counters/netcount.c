/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/counters/netcount.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/saturate.h"
#include "lib/base/xalloc.h"
#include "lib/counters/netcount-state.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/net/flow.h"

#define ETHERNET 14
#define LIVE_MAPS (1u << 20) /* far more than all rings of a machine */

struct netcount *netcount_new(const struct names *names, const struct platform *platform)
{
	struct netcount *n = xcalloc(1, sizeof(*n));

	n->names = names;
	n->platform = platform;
	hash_init(&n->maps, sizeof(struct netcount_map));
	/* a real-time kernel may run tasks while a poll of that CPU is not over */
	n->tasks_tell =
		platform && platform->kernel.release && !strstr(platform->kernel.release, "-rt");
	for (size_t i = 0; platform && i < platform->nnet && n->nifaces < NETCOUNT_IFACES; i++)
		if (platform->net[i].counted)
			n->ifaces[n->nifaces++].net = &platform->net[i];
	return n;
}

void netcount_free(struct netcount *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < NETCOUNT_CPUS; i++) {
		for (size_t k = 0; n->cpus[i] && k < NETCOUNT_IFACES; k++)
			free(n->cpus[i]->polls[k]);
		free(n->cpus[i]);
	}
	hash_free(&n->maps);
	free(n);
}

/* ---- names ---- */

/* The DMA device of the interface, as DMA events call it; NULL unknown. */
static const char *device_of(const struct platform *p, const struct platform_net *net)
{
	for (size_t i = 0; i < p->nvirtio; i++)
		if (net->virtio && strcmp(p->virtio[i].name, net->virtio) == 0)
			return p->virtio[i].parent;
	return NULL;
}

/* Which interface has this name, or this DMA device?  NULL: none that is counted. */
static struct netcount_iface *find(struct netcount *n, uint16_t id, bool by_device)
{
	uint8_t *known = &n->known[by_device][id];

	if (!n->nifaces || !id)
		return NULL;
	for (size_t i = 0; *known == 0 && i < n->nifaces; i++) {
		const struct platform_net *net = n->ifaces[i].net;
		const char *name = by_device ? device_of(n->platform, net) : net->name;

		if (name && strcmp(name, names_get(n->names, id)) == 0)
			*known = (uint8_t)(i + 1);
	}
	if (*known == 0)
		*known = NETCOUNT_NONE;
	return *known == NETCOUNT_NONE ? NULL : &n->ifaces[*known - 1];
}

static struct netcount_cpu *cpu_of(struct netcount *n, unsigned int cpu)
{
	if (cpu >= NETCOUNT_CPUS)
		return NULL;
	if (!n->cpus[cpu])
		n->cpus[cpu] = xcalloc(1, sizeof(*n->cpus[cpu]));
	return n->cpus[cpu];
}

/* ---- sums ---- */

static void count(struct netcount_sums *s, uint64_t packets, uint64_t bytes)
{
	s->packets = saturate_add(s->packets, packets);
	s->bytes = saturate_add(s->bytes, bytes);
}

static void uncount(struct netcount_sums *s, const struct netcount_sums *less)
{
	s->packets -= less->packets < s->packets ? less->packets : s->packets;
	s->bytes -= less->bytes < s->bytes ? less->bytes : s->bytes;
}

static struct netcount_poll *poll_of(struct netcount *n, struct netcount_cpu *cpu,
				     const struct netcount_iface *iface)
{
	struct netcount_poll **poll = &cpu->polls[iface - n->ifaces];

	if (!*poll)
		*poll = xcalloc(1, sizeof(**poll));
	cpu->used = true;
	return *poll;
}

/*
 * A frame was taken back or handed on: it is about to be counted.  sure: it is one, and of so
 * many bytes; otherwise there may be one, of so many bytes at most.
 */
static void reported(struct netcount *n, struct netcount_cpu *cpu, struct netcount_iface *iface,
		     enum flow_dir dir, uint64_t bytes, bool sure)
{
	struct netcount_poll *poll = poll_of(n, cpu, iface);

	if (n->marks >= 1 && n->marks <= 3)
		count(&iface->at_most[dir], 1, bytes);
	if (n->marks == 2 && sure)
		count(&iface->surely[dir], 1, bytes);
	if (dir == FLOW_OUT) {
		count(&poll->out, 1, bytes);
		if (n->marks == 2 && sure)
			count(&poll->out_fresh, 1, bytes);
		return;
	}
	poll->in[poll->next_in] = bytes;
	poll->fresh_in[poll->next_in] = n->marks == 2 && sure;
	poll->next_in = (poll->next_in + 1) % NETCOUNT_BUDGET;
	poll->count_in += poll->count_in < NETCOUNT_BUDGET;
}

/* What this CPU took back has been counted. */
static void taken_back(const struct netcount *n, struct netcount_cpu *cpu)
{
	for (size_t i = 0; cpu->used && i < n->nifaces; i++)
		if (cpu->polls[i])
			cpu->polls[i]->out = cpu->polls[i]->out_fresh =
				(struct netcount_sums){ 0, 0 };
}

/* No poll is under way on this CPU. */
static void at_rest(const struct netcount *n, struct netcount_cpu *cpu)
{
	if (!n->tasks_tell)
		return;
	taken_back(n, cpu);
	for (size_t i = 0; cpu->used && i < n->nifaces; i++)
		if (cpu->polls[i])
			cpu->polls[i]->count_in = 0;
	cpu->used = false;
}

/* Of the polls that may be under way: all of it, or what was reported between the looks. */
static struct netcount_sums pending(const struct netcount *n, size_t iface, enum flow_dir dir,
				    bool fresh)
{
	struct netcount_sums sums = { 0, 0 };

	for (size_t i = 0; i < NETCOUNT_CPUS; i++) {
		const struct netcount_poll *poll = n->cpus[i] ? n->cpus[i]->polls[iface] : NULL;

		if (!poll)
			continue;
		if (dir == FLOW_OUT) {
			const struct netcount_sums *out = fresh ? &poll->out_fresh : &poll->out;

			count(&sums, out->packets, out->bytes);
			continue;
		}
		for (unsigned int k = 0; k < poll->count_in; k++) {
			unsigned int at =
				(poll->next_in + NETCOUNT_BUDGET - 1 - k) % NETCOUNT_BUDGET;

			if (!fresh || poll->fresh_in[at])
				count(&sums, 1, poll->in[at]);
		}
	}
	return sums;
}

static void mark(struct netcount *n)
{
	n->marks++;
	for (size_t i = 0; i < n->nifaces; i++) {
		for (int dir = 0; dir < 2; dir++) {
			struct netcount_sums sums = pending(n, i, dir, n->marks == 3);

			if (n->marks == 1)
				count(&n->ifaces[i].at_most[dir], sums.packets, sums.bytes);
			if (n->marks == 3)
				uncount(&n->ifaces[i].surely[dir], &sums);
		}
	}
}

/* ---- what was mapped for sending ---- */

static struct netcount_map *look_up(struct netcount *n, uint16_t device, uint64_t dma)
{
	return device ? hash_find(&n->maps, dma, device) : NULL;
}

/* A new entry, or the one there is, with nothing known; NULL: there are too many. */
static struct netcount_map *enter(struct netcount *n, uint16_t device, uint64_t dma)
{
	struct netcount_map *map = look_up(n, device, dma);

	if (!map && n->maps.count >= LIVE_MAPS) {
		n->too_many = true;
		return NULL;
	}
	if (!map)
		map = hash_add(&n->maps, dma, device);
	map->frame = 0;
	map->state = NETCOUNT_UNKNOWN;
	return map;
}

/* ---- sending ---- */

static void xmit_start(struct netcount *n, struct netcount_cpu *cpu, const struct event *e)
{
	taken_back(n, cpu);
	cpu->sending = find(n, e->dev, false);
	cpu->skb = e->link;
	cpu->frame = e->size;
	cpu->mapped = false;
}

static void xmit(struct netcount *n, struct netcount_cpu *cpu, const struct event *e)
{
	struct netcount_iface *iface = cpu->sending;
	struct netcount_map *map;

	taken_back(n, cpu);
	cpu->sending = NULL;
	if (!iface || e->link != cpu->skb || find(n, e->dev, false) != iface)
		return;
	if (!cpu->mapped) {
		iface->unmapped_sends |= e->aux == 0;
		return;
	}
	map = look_up(n, cpu->first_device, cpu->first);
	if (map && e->aux == 0)
		map->state = NETCOUNT_SENT;
	else if (map)
		map->state = NETCOUNT_PART; /* refused: unmapped without being counted */
}

static void map(struct netcount *n, struct netcount_cpu *cpu, const struct event *e)
{
	struct netcount_iface *iface = find(n, e->dev, true);
	struct netcount_map *entry;

	if (!iface)
		return;
	iface->seen = true;
	entry = enter(n, e->dev, e->dma);
	if (!entry)
		return;
	if (cpu->sending != iface) {
		/* too small for header and frame: of the control queue */
		entry->state = e->size < 12 + ETHERNET ? NETCOUNT_PART : NETCOUNT_UNKNOWN;
		return;
	}
	entry->state = NETCOUNT_PART;
	if (cpu->mapped)
		return;
	entry->state = NETCOUNT_SENDING;
	entry->frame = cpu->frame;
	cpu->mapped = true;
	cpu->first = e->dma;
	cpu->first_device = e->dev;
}

static void unmap(struct netcount *n, struct netcount_cpu *cpu, const struct event *e)
{
	struct netcount_iface *iface = find(n, e->dev, true);
	struct netcount_map *entry;
	enum netcount_state state = NETCOUNT_UNKNOWN;
	uint64_t bytes = e->size;

	if (!iface || (e->flags & EVENT_F_BY_ORIG) || e->dma == EVENT_NO_ADDR)
		return;
	entry = look_up(n, e->dev, e->dma);
	if (!entry && e->dir == EVENT_FROM_DEVICE)
		return;
	iface->seen = true;
	if (entry) {
		state = entry->state;
		bytes = state == NETCOUNT_UNKNOWN ? bytes : entry->frame;
		hash_remove(&n->maps, entry);
	}
	/* while it is still being sent it may have failed: taken back without being counted */
	if (state != NETCOUNT_PART)
		reported(n, cpu, iface, FLOW_OUT, bytes, state == NETCOUNT_SENT);
}

/* ---- receiving ---- */

/* The driver polls its queues one after another, takes back first what it sent, then receives. */
static void enter_gro(struct netcount *n, struct netcount_cpu *cpu, const struct event *e)
{
	struct netcount_iface *iface = find(n, e->dev, false);

	taken_back(n, cpu);
	if (iface)
		reported(n, cpu, iface, FLOW_IN, saturate_add(e->size, ETHERNET), true);
}

/* ---- the interface ---- */

void netcount_event(struct netcount *n, const struct event *e)
{
	struct netcount_cpu *cpu = n->nifaces ? cpu_of(n, e->cpu) : NULL;

	if (!cpu)
		return;
	switch (e->kind) {
	case EVENT_NET_XMIT_START:
		xmit_start(n, cpu, e);
		break;
	case EVENT_NET_XMIT:
		xmit(n, cpu, e);
		break;
	case EVENT_MAP:
		if (e->dir != EVENT_FROM_DEVICE && e->dma != EVENT_NO_ADDR)
			map(n, cpu, e);
		break;
	case EVENT_UNMAP:
		unmap(n, cpu, e);
		break;
	case EVENT_NET_ENTER:
		enter_gro(n, cpu, e);
		break;
	case EVENT_NET_RX:
		taken_back(n, cpu);
		break;
	case EVENT_MARK:
		at_rest(n, cpu);
		if (e->aux == EVENT_MARK_COUNT && e->link == n->platform->trace.nonce)
			mark(n);
		break;
	/* what only tasks do, with softirqs on */
	case EVENT_SOCK_SEND:
	case EVENT_SOCK_RECV:
	case EVENT_PAGE_IN:
	case EVENT_FORK:
	case EVENT_EXEC:
	case EVENT_EXIT:
		at_rest(n, cpu);
		break;
	default:
		break;
	}
}
