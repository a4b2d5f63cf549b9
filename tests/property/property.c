/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * property - random legal histories and their mutations, before two judges.
 *
 * A legal history must never be VIOLATED, and where stream and facts show
 * everything it must be PROVEN; one mutation of it must never be PROVEN; and the slow judge must
 * agree with the fast one on each of them.  A failing stream is made as small as it gets and
 * printed; --seed with the number it prints makes it again.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/evidence/policy.h"
#include "tests/property/mutate.h"
#include "tests/property/recorded.h"
#include "tests/property/slow-judge.h"

/* What a stream must be. */
enum demand { DEMAND_NOT_VIOLATED, DEMAND_PROVEN, DEMAND_NOT_PROVEN, DEMAND_AGREED };

static bool meets(enum outcome o, enum demand demand)
{
	switch (demand) {
	case DEMAND_PROVEN:
		return o == OUTCOME_PROVEN;
	case DEMAND_NOT_PROVEN:
		return o != OUTCOME_PROVEN;
	default:
		return o != OUTCOME_VIOLATED;
	}
}

/* Do both judges say the same?  With out, say where they do not. */
static bool agreed(const struct history *h, const struct verdict *v, FILE *out)
{
	struct event *events = xcalloc(h->count, sizeof(*events));
	struct slow_verdict slow;
	bool same;

	for (size_t i = 0; i < h->count; i++)
		events[i] = h->steps[i].ev;
	slow_judge(events, h->count, h->platform, h->names, &h->info, &h->options, &slow);
	free(events);
	same = slow.outcome == v->outcome;
	for (int c = CLAIM_DMA_IN_SHARED; c <= CLAIM_NO_BYPASS; c++) {
		if (slow.claims[c] == v->claims[c].state)
			continue;
		same = false;
		if (out)
			fprintf(out, "the slow judge: %s %s\n", claim_name(c),
				claim_state_name(slow.claims[c]));
	}
	for (int c = 0; c < CONDS; c++) {
		if (slow.conds[c] == v->conds[c].state)
			continue;
		same = false;
		if (out)
			fprintf(out, "the slow judge: %s %s\n", cond_name(c),
				cond_state_name(slow.conds[c]));
	}
	return same;
}

static bool verdict_meets(const struct history *h, enum demand demand)
{
	struct verdict *v = history_judge(h);
	bool ok = demand == DEMAND_AGREED ? agreed(h, v, NULL) : meets(v->outcome, demand);

	verdict_free(v);
	return ok;
}

/* What a verdict says, in a number: while shrinking it must stay the same. */
static uint64_t signature(const struct history *h)
{
	struct verdict *v = history_judge(h);
	uint64_t n = v->outcome;

	for (int c = 0; c <= CLAIM_NO_BYPASS; c++)
		n = 3 * n + v->claims[c].state;
	for (int c = 0; c < CONDS; c++)
		n = 3 * n + v->conds[c].state;
	verdict_free(v);
	return n;
}

/* Take away whole mappings, then single events, as long as it fails in the same way. */
static bool without(struct history **h, enum demand demand, uint32_t map, size_t at)
{
	struct history *less = history_copy(*h);
	size_t before = less->count;

	for (size_t k = less->count; k > 0; k--) {
		if (map ? less->steps[k - 1].map == map : k - 1 == at)
			history_remove(less, k - 1);
	}
	history_settle(less);
	if (less->count < before && !verdict_meets(less, demand) &&
	    signature(less) == signature(*h)) {
		history_free(*h);
		*h = less;
		return true;
	}
	history_free(less);
	return false;
}

/*
 * A mutated history stays a failure only if it still holds the mutation, which
 * nobody can tell once other mappings are gone: there the whole is printed.  So is one whose
 * kernel's memory was read: it still shows what would be gone.
 */
static void shrink(struct history **h, enum demand demand)
{
	bool smaller = demand != DEMAND_NOT_PROVEN && !(*h)->platform->start;

	while (smaller) {
		smaller = false;
		for (uint32_t map = (*h)->maps; map > 0; map--)
			smaller |= without(h, demand, map, 0);
		for (size_t at = (*h)->count; demand != DEMAND_PROVEN && at > 0; at--) {
			if ((*h)->steps[at - 1].map == 0)
				smaller |= without(h, demand, 0, at - 1);
		}
	}
}

static void explain(const struct history *h)
{
	struct verdict *v = history_judge(h);

	printf("verdict %s: %s\n", outcome_name(v->outcome), v->reason);
	for (int c = 0; c < CLAIMS; c++)
		printf("  %-14s %-9s %s\n", claim_name(c), claim_state_name(v->claims[c].state),
		       v->claims[c].reason);
	for (size_t i = 0; i < v->nexamples; i++)
		printf("  event %" PRIu64 ": %s\n", v->examples[i].seq, v->examples[i].text);
	for (int c = 0; c < CONDS; c++) {
		if (v->conds[c].state == COND_UNMET)
			printf("  %s unmet: %s\n", cond_name(c), v->conds[c].reason);
	}
	agreed(h, v, stdout);
	verdict_free(v);
}

struct run {
	uint64_t seed;
	size_t size, mutations;
	bool verbose;
	uint64_t streams, legal, provable, mutated, assigned, failures;
	uint64_t applied[128];
};

static size_t count_mutations(void)
{
	size_t n = 0;

	while (mutation_at(n))
		n++;
	return n;
}

static void fail(struct run *run, struct history *h, uint64_t seed, const char *what,
		 enum demand demand)
{
	struct history *small;

	if (run->failures++ >= 3 && !run->verbose)
		return;
	small = history_copy(h);
	if (!verdict_meets(small, demand))
		shrink(&small, demand);
	printf("FAILED --seed %" PRIu64 " --streams 1: %s%s%s\n", seed, what,
	       h->why ? "; not provable because of " : "", h->why ? h->why : "");
	history_print(small, stdout);
	explain(small);
	history_free(small);
}

/* As a guest whose assigned devices may be given protected memory: by the site's policy or not. */
static void assigned(struct run *run, const struct history *of, uint64_t seed, struct rng *r)
{
	static const char *const signs[] = { "virtcca-device", "virtcca-log", "virtcca-cmdline" };
	struct history *h = history_copy(of);
	struct platform *p = h->platform;
	char *text = xasprintf("{\"schema\":\"" POLICY_SCHEMA "\",\"assigned_devices\":"
			       "[{\"device\":\"%s\",\"reason\":\"attested by hand\"}]}",
			       p->pci[p->npci - 1].name);
	struct err err = { "" };
	struct policy *policy = policy_parse(text, strlen(text), "policy", &err);

	p->realm.is_realm = TRI_YES;
	free(p->realm.kind);
	p->realm.kind = xstrdup("virtcca");
	while (p->realm.nsigns)
		free(p->realm.signs[--p->realm.nsigns]);
	free(p->realm.signs);
	p->realm.signs = xcalloc(3, sizeof(*p->realm.signs));
	for (; p->realm.nsigns < 3; p->realm.nsigns++)
		p->realm.signs[p->realm.nsigns] = xstrdup(signs[p->realm.nsigns]);
	h->options.policy = rng_one_in(r, 3) ? NULL : policy;
	run->streams++;
	run->assigned++;
	if (!verdict_meets(h, DEMAND_AGREED))
		fail(run, h, seed, "the slow judge disagrees on assigned devices", DEMAND_AGREED);
	history_free(h);
	policy_free(policy);
	free(text);
}

static void one(struct run *run, uint64_t seed)
{
	struct rng r = { seed ^ 0x5bd1e995 };
	struct history *h = history_new(seed, 8 + rng_below(&r, run->size));
	size_t m = rng_below(&r, run->mutations);
	enum demand demand = h->provable ? DEMAND_PROVEN : DEMAND_NOT_VIOLATED;
	struct history *bad;

	run->streams++;
	run->legal++;
	run->provable += h->provable;
	if (!verdict_meets(h, demand))
		fail(run, h, seed,
		     demand == DEMAND_PROVEN ? "a complete legal history is not PROVEN"
					     : "a legal history is VIOLATED",
		     demand);
	if (!verdict_meets(h, DEMAND_AGREED))
		fail(run, h, seed, "the slow judge disagrees on a legal history", DEMAND_AGREED);
	if (seed % 8 == 0)
		assigned(run, h, seed, &r);
	bad = history_copy(h);
	if (mutation_at(m)->apply(bad, &r)) {
		history_settle(bad);
		run->streams++;
		run->mutated++;
		run->applied[m]++;
		if (!verdict_meets(bad, DEMAND_NOT_PROVEN)) {
			printf("mutation %s\n", mutation_at(m)->name);
			fail(run, bad, seed, "a mutated history is PROVEN", DEMAND_NOT_PROVEN);
		}
		if (!verdict_meets(bad, DEMAND_AGREED))
			fail(run, bad, seed, "the slow judge disagrees on a mutated history",
			     DEMAND_AGREED);
	}
	history_free(bad);
	history_free(h);
}

/* The slow judge on recorded streams: files, or folders of them. */
static int compare_recorded(char **paths)
{
	unsigned int judged = 0;
	int differ = recorded_compare(paths, &judged);

	printf("%u recorded streams: %d differences\n", judged, differ);
	return differ != 0 || judged == 0;
}

static int usage(void)
{
	fputs("usage: property [--streams N] [--seed N] [--size EVENTS] [--verbose]\n"
	      "       property RECORDING...\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "streams", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 's' },
		{ "size", required_argument, NULL, 'z' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	struct run run = { .seed = 1, .size = 150 };
	uint64_t streams = 10000;
	size_t unused = 0;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'n')
			streams = strtoull(optarg, NULL, 0);
		else if (opt == 's')
			run.seed = strtoull(optarg, NULL, 0);
		else if (opt == 'z')
			run.size = strtoull(optarg, NULL, 0);
		else if (opt == 'v')
			run.verbose = true;
		else
			return usage();
	}
	if (optind < argc)
		return compare_recorded(argv + optind);
	run.mutations = count_mutations();
	for (uint64_t i = 0; run.streams < streams; i++)
		one(&run, run.seed + i);
	for (size_t m = 0; m < run.mutations; m++) {
		if (run.verbose)
			printf("  %-18s %" PRIu64 "\n", mutation_at(m)->name, run.applied[m]);
		unused += run.applied[m] == 0;
	}
	printf("seed %" PRIu64 ": %" PRIu64 " streams: %" PRIu64 " legal (%" PRIu64
	       " must be PROVEN), %" PRIu64 " mutated; %zu of %zu mutations never applied; %" PRIu64
	       " failures\n",
	       run.seed, run.streams, run.legal, run.provable, run.mutated, unused, run.mutations,
	       run.failures);
	return run.failures != 0;
}
