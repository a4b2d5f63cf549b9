/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/exchange/exchange.h"
#include "lib/verdict/diff.h"
#include "lib/verdict/json.h"
#include "tests/unit/test.h"
#include "tests/unit/verdict-fixture.h"

static struct verdict_diff *diff_of(const struct verdict *a, const struct verdict *b)
{
	return verdict_diff_new(&(struct verdict_side){ .verdict = a },
				&(struct verdict_side){ .verdict = b });
}

/* The one difference of its kind and name, or NULL. */
static const struct difference *find(const struct verdict_diff *d, const char *kind,
				     const char *name)
{
	for (size_t i = 0; i < d->count; i++) {
		if (strcmp(d->list[i].kind, kind) == 0 && strcmp(d->list[i].name, name) == 0)
			return &d->list[i];
	}
	return NULL;
}

static void test_same(void)
{
	struct verdict *a = fixture_proven(), *b = fixture_proven();
	struct verdict_diff *d = diff_of(a, b);

	check(d->count == 0 && d->worse == 0);
	verdict_diff_free(d);
	verdict_free(a);
	verdict_free(b);
}

static void test_worse_and_back(void)
{
	struct verdict *a = fixture_proven(), *b = fixture_violated();
	struct verdict_diff *d = diff_of(a, b);
	const struct difference *x;

	x = find(d, "verdict", "verdict");
	check(x && x->change == CHANGE_WORSE &&
	      strncmp(x->text, "PROVEN → VIOLATED", strlen("PROVEN → VIOLATED")) == 0);
	x = find(d, "verdict", "scope");
	check(x && x->change == CHANGE_WORSE);
	x = find(d, "claim", "dma-in-shared");
	check(x && x->change == CHANGE_WORSE && strstr(x->text, "holds → refuted"));
	x = find(d, "condition", "baseline");
	check(x && x->change == CHANGE_WORSE);
	x = find(d, "condition", "canary-seen");
	check(x && x->change == CHANGE_NEUTRAL);
	x = find(d, "device", "0000:00:01.0");
	check(x && x->change == CHANGE_WORSE);
	check(d->worse >= 6);
	verdict_diff_free(d);

	d = diff_of(b, a);
	check(d->worse == 0 && d->count >= 6);
	x = find(d, "claim", "dma-in-shared");
	check(x && x->change == CHANGE_BETTER);
	verdict_diff_free(d);
	verdict_free(a);
	verdict_free(b);
}

static void test_devices_and_egress(void)
{
	struct verdict *a = fixture_proven(), *b = fixture_proven();
	struct verdict_diff *d;
	const struct difference *x;

	b->devices[0].totals.out_bytes += 12033;  /* no more than a tenth */
	b->devices[0].totals.stale_bytes += 4096; /* noise, although more than a tenth */
	b->devices[0].totals.excess_bytes += 4097;
	free(b->devices[1].name);
	b->devices[1].name = xstrdup("0000:00:09.0");
	d = diff_of(a, b);
	x = find(d, "egress", "0000:00:01.0, bytes sent out");
	check(x && x->change == CHANGE_NOISE && strstr(x->text, "up by 12033") && x->numbers &&
	      x->after - x->before == 12033);
	x = find(d, "egress", "0000:00:01.0, bytes exposed needlessly");
	check(x && x->change == CHANGE_NOISE);
	x = find(d, "egress", "0000:00:01.0, bytes beside shared buffers");
	check(x && x->change == CHANGE_WORSE);
	x = find(d, "device", "0000:00:09.0");
	check(x && x->change == CHANGE_WORSE && strstr(x->text, "is new"));
	x = find(d, "device", "0000:00:02.0");
	check(x && x->change == CHANGE_NEUTRAL && strcmp(x->text, "is gone") == 0);
	check(d->worse == 2);
	verdict_diff_free(d);
	verdict_free(a);
	verdict_free(b);
}

static void test_traffic(void)
{
	struct verdict *v = fixture_proven();
	struct exchanges *a = exchanges_new(), *b = exchanges_new();
	struct verdict_side before = { .verdict = v, .exchanges = a };
	struct verdict_side after = { .verdict = v, .exchanges = b };
	struct verdict_diff *d;

	exchanges_unattributed(a, exchanges_device(a, "0000:00:01.0"), FLOW_OUT, "no TCP", 1, 10);
	exchanges_unattributed(b, exchanges_device(b, "0000:00:01.0"), FLOW_OUT, "no TCP", 5, 900);
	d = verdict_diff_new(&before, &after);
	check(d->count == 1 && d->noise == 1 && d->worse == 0);
	verdict_diff_free(d);
	exchanges_unattributed(b, exchanges_device(b, "0000:00:01.0"), FLOW_IN, "no TCP", 5, 900);
	exchanges_unattributed(b, exchanges_device(b, "0000:00:02.0"), FLOW_OUT, "no TCP", 5, 900);
	b->result.clear_bytes = 1;
	d = verdict_diff_new(&before, &after);
	check(d->count - d->noise == 3 && d->worse == 3);
	check(find(d, "traffic", "0000:00:02.0") && find(d, "traffic", "clear text"));
	verdict_diff_free(d);
	/* a number in a path that has a digit more is no news */
	for (int more = 0; more < 2; more++) {
		a->result.clear_bytes = 3307;
		b->result.clear_bytes = more ? 3700 : 3309;
		d = verdict_diff_new(&before, &after);
		check(d->worse == (more ? 3 : 2) && find(d, "traffic", "clear text"));
		verdict_diff_free(d);
	}
	exchanges_free(a);
	exchanges_free(b);
	verdict_free(v);
}

/* Process numbers are others in each run; what a kind has grown by counts, and a lost record. */
static void test_traffic_kinds(void)
{
	struct verdict *v = fixture_proven();
	struct exchanges *a = exchanges_new(), *b = exchanges_new();
	struct verdict_side before = { .verdict = v, .exchanges = a };
	struct verdict_side after = { .verdict = v, .exchanges = b };
	uint16_t x = exchanges_device(a, "0000:00:01.0"), y = exchanges_device(b, "0000:00:01.0");
	struct verdict_diff *d;

	exchanges_unattributed(a, x, FLOW_OUT, "connection of curl[123]", 1, 4000);
	exchanges_unattributed(a, x, FLOW_OUT, "connection of curl[124]", 1, 6000);
	exchanges_unattributed(b, y, FLOW_OUT, "connection of curl[7]", 1, 10000);
	d = verdict_diff_new(&before, &after);
	check(d->count == 0);
	verdict_diff_free(d);
	exchanges_unattributed(b, y, FLOW_OUT, "connection of curl[8]", 1, 4097);
	d = verdict_diff_new(&before, &after);
	check(d->count == 1 && d->worse == 1);
	check(strcmp(d->list[0].text, "unattributed traffic out: connection of curl, "
				      "10000 → 14097 bytes") == 0);
	verdict_diff_free(d);
	d = verdict_diff_new(&after, &before);
	check(d->count == 1 && d->list[0].change == CHANGE_BETTER);
	verdict_diff_free(d);
	exchanges_unattributed(b, y, FLOW_OUT, "connection of curl[x]", 1, 1);
	d = verdict_diff_new(&before, &after);
	check(d->count == 2 && d->worse == 2 &&
	      strstr(d->list[1].text, "new unattributed traffic out: "
				      "connection of curl[x], 1 bytes"));
	verdict_diff_free(d);
	after.exchanges = NULL;
	d = verdict_diff_new(&before, &after);
	check(d->count == 1 && d->worse == 1 && find(d, "traffic", "exchanges"));
	verdict_diff_free(d);
	d = verdict_diff_new(&after, &before);
	check(d->count == 1 && d->worse == 0);
	verdict_diff_free(d);
	exchanges_free(a);
	exchanges_free(b);
	verdict_free(v);
}

/* What comes and goes between equal runs, by what it is and how much. */
static void test_noise(void)
{
	static const struct {
		const char *reason;
		uint64_t before, after;
		enum change change;
	} rows[] = {
		{ "ARP", 0, 4096, CHANGE_NOISE },
		{ "ARP", 0, 4097, CHANGE_WORSE },
		{ "ICMPv6 multicast listener reports", 0, 90, CHANGE_NOISE },
		{ "ICMPv6", 0, 1, CHANGE_WORSE },
		{ "block requests of ccaio[12]", 0, 65536, CHANGE_NOISE },
		{ "block requests of ccaio[12]", 1, 65537, CHANGE_WORSE },
		{ "block requests of ccaios[12]", 0, 1, CHANGE_WORSE },
		{ "random numbers that others asked for", 0, 64, CHANGE_NOISE },
		{ "block requests of kworker/u4:3[7]", 0, 1, CHANGE_WORSE },
	};
	struct verdict *v = fixture_proven();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct exchanges *a = exchanges_new(), *b = exchanges_new();
		struct verdict_diff *d;

		if (rows[i].before)
			exchanges_unattributed(a, exchanges_device(a, "x"), FLOW_OUT,
					       rows[i].reason, 1, rows[i].before);
		exchanges_unattributed(b, exchanges_device(b, "x"), FLOW_OUT, rows[i].reason, 1,
				       rows[i].after);
		d = verdict_diff_new(&(struct verdict_side){ .verdict = v, .exchanges = a },
				     &(struct verdict_side){ .verdict = v, .exchanges = b });
		check(d->count == 1 && d->list[0].change == rows[i].change);
		verdict_diff_free(d);
		exchanges_free(a);
		exchanges_free(b);
	}
	verdict_free(v);
}

/* Another worker of the kernel is the same kind; a port that the system chose says nothing. */
static void test_names(void)
{
	struct verdict *v = fixture_proven();
	struct exchanges *a = exchanges_new(), *b = exchanges_new();
	struct run one = fixture_run(), two = fixture_run();
	char *was[] = { "client", "http://10.0.2.2:45999/x", NULL };
	char *is[] = { "client", "http://10.0.2.2:33000/x", NULL };
	struct verdict_diff *d;

	one.argv = was;
	two.argv = is;
	exchanges_unattributed(a, exchanges_device(a, "x"), FLOW_OUT,
			       "block requests of kworker/u4:3-flush[7]", 1, 100);
	exchanges_unattributed(b, exchanges_device(b, "x"), FLOW_OUT,
			       "block requests of kworker/0:1[90]", 1, 100);
	for (int more = 0; more < 2; more++) {
		d = verdict_diff_new(
			&(struct verdict_side){ .verdict = v, .exchanges = a, .run = &one },
			&(struct verdict_side){ .verdict = v, .exchanges = b, .run = &two });
		check(d->count == 1 && d->noise == !more && d->worse == 0 &&
		      find(d, "run", "command"));
		verdict_diff_free(d);
		is[1] = "http://10.0.2.2:8088/x";
	}
	exchanges_free(a);
	exchanges_free(b);
	verdict_free(v);
}

/* Two different things are compared: told, but by itself not worse. */
static void test_runs(void)
{
	struct verdict *v = fixture_proven(), *w = fixture_proven();
	struct run one = fixture_run(), two = fixture_run();
	struct platform p = { .kernel = { "6.12.1", NULL, NULL } };
	struct platform q = { .kernel = { "7.2.13", NULL, NULL } };
	char *argv[] = { "curl", NULL }, model[] = "model";
	struct verdict_diff *d;

	two.argv = argv;
	two.policy = "ci.json";
	d = verdict_diff_new(&(struct verdict_side){ v, NULL, &p, &one },
			     &(struct verdict_side){ v, NULL, &q, &two });
	check(d->count == 3 && d->worse == 0);
	check(find(d, "run", "kernel") &&
	      strcmp(find(d, "run", "kernel")->text, "6.12.1 → 7.2.13") == 0);
	check(find(d, "run", "command") && strstr(find(d, "run", "command")->text, " → curl"));
	check(find(d, "run", "policy") && strstr(find(d, "run", "policy")->text, "none → ci.json"));
	verdict_diff_free(d);
	q.realm.kind = model;
	for (int back = 0; back < 2; back++) {
		d = verdict_diff_new(
			&(struct verdict_side){ v, NULL, back ? &q : &p, back ? &two : &one },
			&(struct verdict_side){ v, NULL, back ? &p : &q, back ? &one : &two });
		check(d->worse == (back ? 0 : 1) && (find(d, "run", "machine") != NULL) == !back);
		verdict_diff_free(d);
	}
	v->claims[CLAIM_CONFIDENTIAL].required = true;
	d = diff_of(v, w);
	check(d->worse == 1 && find(d, "claim", "confidential"));
	verdict_diff_free(d);
	d = diff_of(w, v);
	check(d->count == 1 && d->worse == 0);
	verdict_diff_free(d);
	verdict_free(v);
	verdict_free(w);
}

static bool disagrees(const struct verdict *a, const struct verdict *b, const char *why)
{
	struct err err = { "" };

	if (verdict_agrees(a, b, &err) < 0 && strstr(err.text, why))
		return true;
	printf("# '%s' lacks '%s'\n", err.text, why);
	return false;
}

static bool agrees(const struct verdict *a, const struct verdict *b)
{
	struct err err = { "" };

	if (verdict_agrees(a, b, &err) == 0)
		return true;
	printf("# %s\n", err.text);
	return false;
}

static void test_agrees(void)
{
	struct verdict *a = fixture_violated(), *b;
	struct verdict_record *r;
	char *text;

	free(a->devices[0].name);
	a->devices[0].name = xstrdup(FIXTURE_HOSTILE);
	text = verdict_json_format(a, NULL);
	r = verdict_json_parse(text, strlen(text), "v", NULL);
	b = r->verdict;
	a->totals.judge_ns = 1; /* takes another time each time */
	check(agrees(b, a));
	a->outcome = OUTCOME_PROVEN;
	check(disagrees(b, a, "recorded as VIOLATED, but judged again it is PROVEN"));
	a->outcome = b->outcome;
	a->scope = SCOPE_SINCE_BOOT;
	check(disagrees(b, a, "scope"));
	a->scope = b->scope;
	a->claims[CLAIM_EGRESS].state = CLAIM_UNDECIDED;
	check(disagrees(b, a, "egress"));
	a->claims[CLAIM_EGRESS].state = CLAIM_HOLDS;
	a->conds[COND_CONSERVED].state = COND_UNMET;
	check(disagrees(b, a, "conserved"));
	a->conds[COND_CONSERVED].state = COND_MET;
	a->claims[CLAIM_DMA_IN_SHARED].refutations++;
	check(disagrees(b, a, "41"));
	a->claims[CLAIM_DMA_IN_SHARED].refutations--;
	a->devices[0].totals.map_bytes[2]++;
	check(disagrees(b, a, "map_bytes"));
	a->devices[0].totals.map_bytes[2]--;
	a->totals.maps++;
	check(disagrees(b, a, "maps of the run"));
	verdict_record_free(r);
	verdict_free(a);
	free(text);
}

int main(void)
{
	test_same();
	test_worse_and_back();
	test_devices_and_egress();
	test_traffic();
	test_traffic_kinds();
	test_noise();
	test_names();
	test_runs();
	test_agrees();
	return done();
}
