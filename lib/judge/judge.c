/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/judge/judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/limit.h"
#include "lib/judge/state.h"

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* All bits at or below the highest one of top. */
static uint64_t mask_of(uint64_t top)
{
	return top ? ~0ull >> __builtin_clzll(top) : 0;
}

/*
 * A bit that RAM addresses use marks nothing as shared, and outside a Realm no
 * bit does.
 */
static void check_shared_bit(struct judge *j)
{
	uint64_t bit = j->shared_bit;

	if (j->rehearsal)
		j->shared_bit = 0;
	else if ((bit & (bit - 1)) || (bit & j->top_mask)) {
		j->bad_bit = bit;
		j->shared_bit = 0;
	}
}

/* What only a Realm has. */
static bool speaks_of_realm(const struct platform *p)
{
	return p->realm.rsi_version || p->realm.ipa_bits || p->realm.shared_bit ||
	       (p->realm.kind && strcmp(p->realm.kind, "arm-cca") == 0);
}

struct judge *judge_new(const struct platform *p, const struct names *names,
			const struct judge_options *options)
{
	struct judge *j = xcalloc(1, sizeof(*j));

	j->platform = p;
	j->names = names;
	if (options)
		j->options = *options;
	j->memory = memmap_new(p);
	j->virt = memmap_new(NULL);
	j->ledger = ledger_new(p);
	if (p) {
		j->realm = p->realm.is_realm == TRI_YES;
		j->rehearsal = p->realm.is_realm == TRI_NO && !speaks_of_realm(p);
		j->from_boot = p->trace.from_boot == TRI_YES;
		j->encrypts_untold =
			p->trace.events_known && !platform_event_on(p, "ccaio:encrypt");
		j->shared_bit = p->realm.shared_bit;
		if (!j->shared_bit && j->realm && p->realm.ipa_bits > 12 && p->realm.ipa_bits <= 64)
			j->shared_bit = 1ull << (p->realm.ipa_bits - 1);
		j->canary_found = xcalloc(p->trace.ncanaries, 1);
	}
	if (j->options.rmm) {
		size_t n;

		rmm_shared_ranges(j->options.rmm, &n);
		j->rmm.published = xcalloc(n, sizeof(*j->rmm.published));
		j->rmm.allocs = xcalloc(n, sizeof(*j->rmm.allocs));
	}
	j->ram_known = p && p->nram;
	j->top_mask = mask_of(memmap_top(j->memory));
	check_shared_bit(j);
	return j;
}

void judge_set_traffic(struct judge *j, const struct judge_traffic *t)
{
	j->options.clear_payload = t->clear_payload;
	free(j->clear_reason);
	j->clear_reason = xstrdup(t->clear_reason);
	free(j->broken);
	j->broken = t->conserved ? NULL : xstrdup(t->broken);
}

void judge_free(struct judge *j)
{
	if (!j)
		return;
	free(j->clear_reason);
	free(j->broken);
	for (size_t i = 0; i < j->ndevices; i++) {
		if (!j->devices[i])
			continue;
		for (int c = 0; c < CLAIMS; c++) {
			free(j->devices[i]->claims[c].why);
			free(j->devices[i]->claims[c].against);
		}
		free(j->devices[i]);
	}
	free(j->devices);
	free(j->cpus);
	for (size_t i = 0; i < j->nkept; i++) {
		free(j->kept[i].ce.text);
		free(j->kept[i].ce.device);
		free(j->kept[i].ce.comm);
	}
	free(j->kept);
	for (int c = 0; c < CLAIMS; c++)
		free(j->claims[c].why);
	for (size_t i = 0; i < j->naside; i++) {
		free(j->aside[i].device);
		free(j->aside[i].text);
	}
	free(j->aside);
	free(j->other);
	free(j->canary_found);
	free(j->rmm.published);
	free(j->rmm.allocs);
	free(j->undecoded_name);
	ledger_free(j->ledger);
	memmap_free(j->memory);
	memmap_free(j->virt);
	free(j);
}

/* An IOMMU that lets addresses through as they are. */
static bool passes(const struct platform_pci *pci)
{
	return pci->iommu_type && strcmp(pci->iommu_type, "identity") == 0;
}

static struct device *new_device(struct judge *j, uint16_t id)
{
	struct device *dev = xcalloc(1, sizeof(*dev));
	const char *name = names_get(j->names, id);

	dev->id = id;
	dev->aside = !limit_has(j->options.limit, name);
	if (j->platform) {
		dev->virtio = platform_find_virtio(j->platform, name);
		dev->pci = platform_find_pci(j->platform, name);
		dev->iommu = dev->pci && dev->pci->iommu_group && !passes(dev->pci);
		dev->translated = dev->iommu && dev->pci->iommu_type;
		dev->areas =
			dev->virtio && dev->virtio->bus && strcmp(dev->virtio->bus, "msg") == 0;
		j->areas |= dev->areas;
		if (dev->pci && dev->pci->tsm && strcmp(dev->pci->tsm, "accepted") == 0) {
			/* facts are of the window: since boot it may have been accepted later */
			dev->tsm_later =
				j->realm && j->from_boot && j->platform->trace.nonce && !j->opened;
			dev->tsm_known = dev->accepted = j->realm && !dev->tsm_later;
			dev->tsm = EVENT_TSM_RUN;
			dev->tsm_doubt = !j->realm;
		}
	}
	return dev;
}

struct device *judge_new_device(struct judge *j, uint16_t id)
{
	if (id >= j->ndevices) {
		size_t n = (size_t)id + 16;

		j->devices = xrealloc(j->devices, n, sizeof(*j->devices));
		memset(&j->devices[j->ndevices], 0, (n - j->ndevices) * sizeof(*j->devices));
		j->ndevices = n;
	}
	if (!j->devices[id])
		j->devices[id] = new_device(j, id);
	return j->devices[id];
}

static struct cpu_state *cpu(struct judge *j, uint16_t id)
{
	if (id >= j->ncpus) {
		size_t n = (size_t)id + 8;

		j->cpus = xrealloc(j->cpus, n, sizeof(*j->cpus));
		memset(&j->cpus[j->ncpus], 0, (n - j->ncpus) * sizeof(*j->cpus));
		j->ncpus = n;
	}
	return &j->cpus[id];
}

static void keep(struct judge *j, enum claim_id claim, enum finding how, const struct event *ev,
		 enum memory_state memory, const char *device, char *text)
{
	struct kept *k;

	XGROW(j->kept, j->nkept, j->kept_cap);
	k = &j->kept[j->nkept++];
	memset(k, 0, sizeof(*k));
	k->how = how;
	k->ce.claim = claim;
	k->ce.memory = memory;
	k->ce.text = text;
	k->ce.device = xstrdup(device);
	if (ev) {
		k->ce.event = *ev;
		k->ce.seq = j->seq;
		if (ev->comm)
			k->ce.comm = xstrdup(names_get(j->names, ev->comm));
	}
	j->kept_of[claim][how]++;
}

/* Of a device aside: for its own state and the warning only. */
static void find_aside(enum claim_id claim, enum finding how, struct device *dev, const char *fmt,
		       va_list ap)
{
	struct tally *own = &dev->claims[claim];
	char **sentence = how == FIND_UNDECIDED ? &own->why : &own->against, text[256];

	own->count[how]++;
	if (*sentence)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	*sentence = xstrdup(text);
}

static void find(struct judge *j, enum claim_id claim, enum finding how, struct device *dev,
		 const struct event *ev, enum memory_state memory, const char *fmt, va_list ap)
{
	struct tally *all = &j->claims[claim], *own = dev ? &dev->claims[claim] : NULL;
	bool first = how == FIND_UNDECIDED && (!all->why || (own && !own->why));
	bool wanted = how != FIND_UNDECIDED && j->kept_of[claim][how] < VERDICT_EXAMPLES;
	char text[256];

	all->count[how]++;
	if (own)
		own->count[how]++;
	if (!first && !wanted)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	if (how == FIND_UNDECIDED) {
		if (!all->why)
			all->why = xstrdup(text);
		if (own && !own->why)
			own->why = xstrdup(text);
	} else {
		keep(j, claim, how, ev, memory, dev ? names_get(j->names, dev->id) : NULL,
		     xstrdup(text));
	}
}

void judge_find(struct judge *j, enum claim_id claim, enum finding how, struct device *dev,
		const struct event *ev, enum memory_state memory, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (dev && dev->aside)
		find_aside(claim, how, dev, fmt, ap);
	else
		find(j, claim, how, dev, ev, memory, fmt, ap);
	va_end(ap);
}

void judge_find_overlap(struct judge *j, enum finding how, struct device *dev,
			const struct event *ev, const struct mapping *m, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (!dev->aside || (m->flags & MAPPING_CLASHES)) {
		find(j, CLAIM_SLOTS_DISJOINT, how, dev, ev, MEMORY_UNKNOWN, fmt, ap);
	} else {
		find_aside(CLAIM_SLOTS_DISJOINT, how, dev, fmt, ap);
		/* the ledger knows one owner of a slot: who else took it is not told any more */
		judge_find(j, CLAIM_SLOTS_DISJOINT, FIND_UNDECIDED, NULL, NULL, MEMORY_UNKNOWN,
			   "memory of %s, which the verdict is not asked for, was given to another "
			   "mapping while it was live",
			   names_get(j->names, dev->id));
	}
	va_end(ap);
}

static void judge_mark(struct judge *j, const struct event *ev)
{
	struct cpu_state *c = &j->cpus[ev->cpu];

	if (!j->platform || ev->link != j->platform->trace.nonce || !ev->link) {
		c->wrong_nonce = true;
		return;
	}
	if (ev->aux == EVENT_MARK_START && !c->start_seq) {
		c->start_seq = j->seq;
		if (!j->opened)
			judge_window_opens(j, ev);
	} else if (ev->aux == EVENT_MARK_STOP) {
		c->stop_seq = j->seq;
	}
}

static void judge_undecoded(struct judge *j, const struct event *ev)
{
	j->n.undecoded++;
	if (!j->undecoded_name)
		j->undecoded_name = xstrdup(names_get(j->names, ev->aux));
}

static void judge_one(struct judge *j, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_BOUNCE:
		judge_bounce(j, ev);
		break;
	case EVENT_MAP:
		judge_map(j, ev);
		break;
	case EVENT_MAP_FAILED:
		judge_map_failed(j, ev);
		break;
	case EVENT_UNMAP:
		judge_unmap(j, ev);
		break;
	case EVENT_SYNC_CPU:
	case EVENT_SYNC_DEVICE:
		judge_sync(j, ev);
		break;
	case EVENT_ALLOC:
		judge_alloc(j, ev);
		break;
	case EVENT_FREE:
		judge_free_event(j, ev);
		break;
	case EVENT_SG_TRUNCATED:
		judge_device(j, ev->dev)->seen = true;
		j->n.truncated++;
		judge_find(j, CLAIM_DMA_IN_SHARED, FIND_UNDECIDED, judge_device(j, ev->dev), ev,
			   MEMORY_UNKNOWN,
			   "a scatter-gather event was cut: some of its addresses "
			   "are not in the evidence");
		break;
	case EVENT_DECRYPT:
		judge_decrypt(j, ev);
		break;
	case EVENT_ENCRYPT:
		judge_encrypt(j, ev);
		break;
	case EVENT_TSM:
		judge_trust(j, ev);
		break;
	case EVENT_LOST:
		j->n.lost = j->n.lost + ev->size < ev->size ? UINT64_MAX : j->n.lost + ev->size;
		j->n.lost_unknown |= ev->size == 0;
		break;
	case EVENT_MARK:
		judge_mark(j, ev);
		break;
	case EVENT_UNDECODED:
		judge_undecoded(j, ev);
		break;
	case EVENT_NET_XMIT_START:
	case EVENT_NET_XMIT:
	case EVENT_NET_RX:
		judge_device(j, ev->dev)->net_events++;
		break;
	default:
		break;
	}
}

/*
 * What an event costs (gen-trace's mix, instructions counted by callgrind): a fifth is
 * decoding its record by the offsets of its format, a tenth reading pages and merging CPUs, a sixth
 * the ledger, and the rest is spread over the judge, no function of it beyond a twentieth.
 * make bench tells the speed.
 */
void judge_feed(struct judge *j, const struct event *events, size_t count)
{
	uint64_t start = now_ns();

	if (count && !j->seq)
		j->first_ns = events[0].ts_ns;
	for (size_t i = 0; i < count; i++) {
		struct cpu_state *c = cpu(j, events[i].cpu);

		j->seq++;
		if (!(events[i].flags & EVENT_F_SG) || c->last_ts != events[i].ts_ns ||
		    c->last_kind != events[i].kind)
			c->prev_seq = c->last_seq, c->prev_other = c->last_other;
		c->last_seq = j->seq;
		if (events[i].kind != EVENT_BOUNCE)
			c->last_other = j->seq;
		c->last_ts = events[i].ts_ns;
		c->last_kind = events[i].kind;
		judge_one(j, &events[i]);
	}
	if (count)
		j->last_ns = events[count - 1].ts_ns;
	j->judge_ns += now_ns() - start;
}
