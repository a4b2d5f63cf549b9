/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ccaio bench - cost of the bounce path, as ratios on this machine.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bench/bounce.h"
#include "cmd/common/cmd.h"
#include "cmd/common/options.h"
#include "lib/base/err.h"
#include "lib/json/json.h"

static void print_text(const struct bench_bounce *b)
{
	for (size_t i = 0; i < BENCH_BOUNCE_RATIOS; i++) {
		const struct bench_ratio *r = &b->ratios[i];

		printf("%-62s %7.3f  must be %s %g  %s\n", r->name, r->value,
		       r->at_least ? ">=" : "<=", r->limit, bench_ratio_met(r) ? "met" : "MISSED");
		if (r->ours_ns > 0)
			printf("    %.0f ns against %.0f ns; over rounds %.3f to %.3f\n",
			       r->ours_ns, r->theirs_ns, r->low, r->high);
	}
	printf("    by the clock two threads did %.3f times the work of one (less where other work "
	       "runs)\n\n",
	       b->two_by_clock);
	printf("One transfer over virtio-msg, static sharing (bounced) and dynamic (an area "
	       "each):\n\n"
	       "%10s %12s %12s %8s %8s %8s %8s %8s %8s\n",
	       "bytes", "static ns", "dynamic ns", "msgs", "msgs", "pages", "pages", "beyond",
	       "beyond");
	for (size_t i = 0; i < BENCH_SHARING_SIZES; i++) {
		const struct bench_sharing *s = &b->sharing[i];

		printf("%10zu %12.0f %12.0f %8.1f %8.1f %8llu %8llu %8llu %8llu\n", s->size,
		       s->ns[0], s->ns[1], s->messages[0], s->messages[1],
		       (unsigned long long)s->pages[0], (unsigned long long)s->pages[1],
		       (unsigned long long)s->beyond[0], (unsigned long long)s->beyond[1]);
	}
	printf("\nThe first of each pair is static, the second dynamic.  Pages are what a device "
	       "can read at\nonce: static sharing exposes its pool, for good; \"beyond\" are bytes "
	       "of the Realm in them\nthat are not of the transfer.\n");
}

static void print_json(const struct bench_bounce *b, unsigned int rounds)
{
	struct jwriter w;
	char text[32];

	jwriter_init(&w, stdout);
	jwrite_object(&w, NULL);
	jwrite_string(&w, "schema", "ccaio.bench-bounce/1");
	jwrite_number(&w, "rounds", rounds);
	jwrite_array(&w, "ratios");
	for (size_t i = 0; i < BENCH_BOUNCE_RATIOS; i++) {
		const struct bench_ratio *r = &b->ratios[i];

		jwrite_object(&w, NULL);
		jwrite_string(&w, "name", r->name);
		/* the writer knows whole numbers: thousandths */
		jwrite_number(&w, "value_thousandths", r->value * 1000 + 0.5);
		jwrite_number(&w, "low_thousandths", r->low * 1000 + 0.5);
		jwrite_number(&w, "high_thousandths", r->high * 1000 + 0.5);
		jwrite_number(&w, "limit_thousandths", r->limit * 1000 + 0.5);
		jwrite_string(&w, "must_be", r->at_least ? "at least" : "at most");
		jwrite_bool(&w, "met", bench_ratio_met(r));
		jwrite_number(&w, "ours_ns", r->ours_ns);
		jwrite_number(&w, "theirs_ns", r->theirs_ns);
		jwrite_end_object(&w);
	}
	jwrite_end_array(&w);
	jwrite_array(&w, "sharing");
	for (size_t i = 0; i < BENCH_SHARING_SIZES; i++) {
		const struct bench_sharing *s = &b->sharing[i];

		jwrite_object(&w, NULL);
		jwrite_number(&w, "bytes", s->size);
		for (int d = 0; d < 2; d++) {
			jwrite_object(&w, d ? "dynamic" : "static");
			jwrite_number(&w, "ns", s->ns[d]);
			snprintf(text, sizeof(text), "%.2f", s->messages[d]);
			jwrite_string(&w, "messages", text);
			jwrite_number(&w, "pages_exposed", s->pages[d]);
			jwrite_number(&w, "bytes_beyond", s->beyond[d]);
			jwrite_end_object(&w);
		}
		jwrite_end_object(&w);
	}
	jwrite_end_array(&w);
	jwrite_end_object(&w);
}

struct options {
	uint64_t rounds;
	bool check, json;
};

static const struct opt options[] = {
	{ 0, "rounds", "N", "medians over this many rounds (default: 15)",
	  OPT_NUMBER(struct options, rounds, 1, 1000) },
	{ 0, "check", NULL, "exit 1 when a ratio is not what it must be",
	  OPT_SET(struct options, check) },
	{ 'f', "format", "text|json", "of the figures (default: text)",
	  OPT_EITHER(struct options, json) },
	{ 0 },
};

static const struct usage usage = {
	.synopsis = "[options] bounce",
	.about = "Measure the bounce path against what it is made of, side by side in one run.",
	.groups = { { options, 0 } },
};

static int run(int argc, char **argv)
{
	struct options o = { .rounds = 15 };
	int first = cmd_options(&cmd_bench, &o, argc, argv);
	struct bench_bounce b;
	struct err err = { "" };
	bool met = true;

	if (first <= 0)
		return first ? CMD_TROUBLE : CMD_OK;
	if (argc - first != 1 || strcmp(argv[first], "bounce") != 0)
		return cmd_usage(&cmd_bench, "name what to measure: bounce");
	if (bench_bounce_run(&b, o.rounds, &err) < 0)
		return cmd_fail(&cmd_bench, &err);
	if (o.json)
		print_json(&b, o.rounds);
	else
		print_text(&b);
	for (size_t i = 0; i < BENCH_BOUNCE_RATIOS; i++)
		met &= bench_ratio_met(&b.ratios[i]);
	return o.check && !met ? CMD_VIOLATED : CMD_OK;
}

const struct cmd cmd_bench = {
	.name = "bench",
	.summary = "cost of the bounce path, as ratios on this machine",
	.usage = &usage,
	.run = run,
};
