/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/judge/judge.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/judge/state.h"
#include "lib/judge/witness.h"

#define EXPECTED 6 /* events from an event that is judged to the one whose memory is fetched */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* The bit of the guest kind's rule, by the facts; 0 where they name none. */
static uint64_t given_bit(const struct judge *j)
{
	const struct platform *p = j->platform;

	if (!p)
		return 0;
	if (j->guest->alias == ALIAS_SET_IS_PROTECTED)
		return p->realm.protected_bit;
	if (!p->realm.shared_bit && j->guest->class != GUEST_UNKNOWN && p->realm.ipa_bits > 12 &&
	    p->realm.ipa_bits <= 64)
		return 1ull << (p->realm.ipa_bits - 1);
	return p->realm.shared_bit;
}

struct judge *judge_new(const struct platform *p, const struct names *names,
			const struct judge_options *options)
{
	struct judge *j = xcalloc(1, sizeof(*j));

	j->platform = p;
	j->names = names;
	if (options)
		j->options = *options;
	j->findings.groups = groups_new(j->options.on_breach, j->options.on_breach_ctx);
	j->memory = memmap_new(p);
	j->virt = memmap_new(NULL);
	j->witness = witness_new(p);
	j->ledger = ledger_new(p);
	j->returned = returned_new();
	j->guest = guest_kind_of(p, j->guest_why, sizeof(j->guest_why));
	j->rehearsal = j->guest->class == GUEST_ORDINARY;
	j->changes_unreported = !p || !p->trace.events_known ||
				!platform_event_on(p, "ccaio:decrypt") ||
				!platform_event_on(p, "ccaio:encrypt");
	if (p) {
		j->from_boot = p->trace.from_boot == TRI_YES;
		j->canary_found = xcalloc(p->trace.ncanaries, 1);
	}
	if (j->options.rmm) {
		size_t n;

		rmm_shared_ranges(j->options.rmm, &n);
		j->rmm.published = xcalloc(n, sizeof(*j->rmm.published));
		j->rmm.allocs = xcalloc(n, sizeof(*j->rmm.allocs));
	}
	alias_init(&j->alias, j->guest->alias, given_bit(j), memmap_top(j->memory), p && p->nram);
	j->devices = (struct devices){
		.names = names,
		.platform = p,
		.policy = j->options.policy,
		.limit = j->options.limit,
		.accepts = j->guest->accepts,
		/* facts are of the window: since boot it may have been accepted later */
		.facts_later = j->from_boot && p->trace.nonce,
		.assigned = j->guest->assigned,
	};
	return j;
}

void judge_set_traffic(struct judge *j, const struct judge_traffic *t)
{
	j->options.clear_payload = t->clear_payload;
	free(j->clear_reason);
	j->clear_reason = xstrdup(t->clear_reason);
	free(j->broken);
	j->broken = t->conserved ? NULL : xstrdup(t->broken);
	j->packets_dropped = t->dropped;
}

void judge_free(struct judge *j)
{
	if (!j)
		return;
	free(j->clear_reason);
	free(j->broken);
	witness_free(j->witness);
	devices_free(&j->devices);
	findings_free(&j->findings);
	bounces_free(&j->bounces);
	returned_free(j->returned);
	published_free(&j->published);
	free(j->mappings);
	free(j->cpus);
	free(j->canary_found);
	free(j->rmm.published);
	free(j->rmm.allocs);
	free(j->undecoded_name);
	free(j->contradiction);
	free(j->before.why);
	ledger_free(j->ledger);
	memmap_free(j->memory);
	memmap_free(j->virt);
	free(j);
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

static void find(struct judge *j, struct finding_of *what, const struct device *dev,
		 const char *fmt, va_list ap) __attribute__((format(printf, 4, 0)));

static void find(struct judge *j, struct finding_of *what, const struct device *dev,
		 const char *fmt, va_list ap)
{
	what->name = dev ? names_get(j->names, dev->id) : NULL;
	what->seq = j->seq;
	if (what->event && what->event->comm)
		what->comm = names_get(j->names, what->event->comm);
	findings_add(&j->findings, what, fmt, ap);
}

void judge_doubt(struct judge *j, enum claim_id claim, struct device *dev, const struct event *ev,
		 enum memory_state memory, const char *fmt, ...)
{
	struct finding_of what = { .claim = claim,
				   .how = FIND_UNDECIDED,
				   .device = dev ? dev->claims : NULL,
				   .covered = !dev || !dev->out_of_scope,
				   .event = ev,
				   .memory = memory };
	va_list ap;

	va_start(ap, fmt);
	find(j, &what, dev, fmt, ap);
	va_end(ap);
}

void judge_refute(struct judge *j, enum breach breach, enum finding how, struct device *dev,
		  const struct event *ev, enum memory_state memory, const char *fmt, ...)
{
	struct finding_of what = { .claim = breach_claim(breach),
				   .how = how,
				   .breach = breach,
				   .device = dev ? dev->claims : NULL,
				   .covered = !dev || !dev->out_of_scope,
				   .event = ev,
				   .memory = memory };
	va_list ap;

	va_start(ap, fmt);
	find(j, &what, dev, fmt, ap);
	va_end(ap);
}

void judge_refute_named(struct judge *j, enum breach breach, const char *name, uint16_t id,
			const char *fmt, ...)
{
	const struct finding_of what = { .claim = breach_claim(breach),
					 .how = FIND_FACT,
					 .breach = breach,
					 .device = id ? judge_device(j, id)->claims : NULL,
					 .covered = true,
					 .name = name };
	va_list ap;

	va_start(ap, fmt);
	findings_add(&j->findings, &what, fmt, ap);
	va_end(ap);
}

void judge_find_overlap(struct judge *j, enum finding how, struct device *dev,
			const struct event *ev, bool clashes, const char *fmt, ...)
{
	struct finding_of what = { .claim = CLAIM_SLOTS_DISJOINT,
				   .how = how,
				   .breach = BREACH_OVERLAP,
				   .device = dev->claims,
				   .covered = !dev->out_of_scope || clashes,
				   .event = ev };
	va_list ap;

	va_start(ap, fmt);
	find(j, &what, dev, fmt, ap);
	va_end(ap);
	if (what.covered)
		return;
	/* the ledger knows one owner of a slot: who else took it is not known any more */
	judge_doubt(j, CLAIM_SLOTS_DISJOINT, NULL, NULL, MEMORY_UNKNOWN,
		    "memory of %s, which the verdict is not asked for, was given to another "
		    "mapping while it was live",
		    names_get(j->names, dev->id));
}

static void judge_mark(struct judge *j, const struct event *ev)
{
	struct cpu_state *c = &j->cpus[ev->cpu];

	judge_observe_mark(j, ev);
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
	if (j->from_boot)
		before_event(j, ev);
	if (j->witness)
		witness_event(j, ev);
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
		judge_doubt(j, CLAIM_DMA_IN_SHARED, judge_device(j, ev->dev), ev, MEMORY_UNKNOWN,
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
 * Says more about the event before it, and is none of its own.  The second of two in a row is of
 * an event that an interrupt cut off from it.
 */
static void judge_stack(struct judge *j, struct cpu_state *c, const struct event *ev)
{
	if (c->unexplained && c->last_pid == ev->pid)
		groups_stack(j->findings.groups, c->last_seq, names_get(j->names, ev->aux));
	c->unexplained = false;
}

/*
 * The tables of addresses are larger than the cache next to the processor, and one event after the
 * other is of another address: fetch what the next ones need.
 */
static void judge_expect(const struct judge *j, const struct event *ev)
{
	uint64_t plain = ev->dma & ~j->alias.bit;

	if (ev->kind != EVENT_MAP && ev->kind != EVENT_UNMAP)
		return;
	returned_expect(j->returned, ev->dev, plain);
	ledger_expect(j->ledger, ev->dev, plain);
}

/*
 * What an event costs (gen-trace's mix, instructions counted by callgrind): of all that ccaio
 * verify does, a seventh is decoding its record by the offsets of its format, an eighth reading
 * pages and merging CPUs, an eighth the ledger, a quarter counting the cost of bouncing, where a
 * report shows that, and the rest is spread over the judge.
 * make bench tells the speed.
 */
void judge_feed(struct judge *j, const struct event *events, size_t count)
{
	uint64_t start = now_ns();

	if (count && !j->seq)
		j->first_ns = events[0].ts_ns;
	for (const struct event *ev = events, *end = events + count; ev < end; ev++) {
		struct cpu_state *c = cpu(j, ev->cpu);

		if (end - ev > EXPECTED)
			judge_expect(j, ev + EXPECTED);
		if (ev->kind == EVENT_STACK) {
			judge_stack(j, c, ev);
			continue;
		}
		j->seq++;
		if (!(ev->flags & EVENT_F_SG) || c->last_ts != ev->ts_ns ||
		    c->last_kind != ev->kind)
			c->prev_seq = c->last_seq, c->prev_other = c->last_other;
		c->last_seq = j->seq;
		if (ev->kind != EVENT_BOUNCE)
			c->last_other = j->seq;
		c->last_ts = ev->ts_ns;
		c->last_kind = ev->kind;
		c->last_pid = ev->pid;
		c->unexplained = true;
		judge_one(j, ev);
	}
	if (count)
		j->last_ns = events[count - 1].ts_ns;
	j->judge_ns += now_ns() - start;
}
