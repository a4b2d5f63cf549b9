/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ccaio bench - cost of the bounce path, as ratios on this machine.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bench/bounce.h"
#include "cmd/bench/compare.h"
#include "cmd/bench/results.h"
#include "cmd/bench/workload.h"
#include "cmd/common/cmd.h"
#include "cmd/common/options.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"
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
	struct workload_options workload;
	const char *machine, *format;
	uint64_t instruction_ns;
	bool check;
};

static const struct opt options[] = {
	{ 0, "rounds", "N", "bounce: medians over this many rounds (default: 15)",
	  OPT_NUMBER(struct options, rounds, 1, 1000) },
	{ 0, "check", NULL, "bounce: exit 1 when a ratio is not what it must be",
	  OPT_SET(struct options, check) },
	{ 0, "runs", "N", "workload: measured runs of each (default: 5)",
	  OPT_NUMBER(struct options, workload.runs, 1, 1000) },
	{ 0, "client", "COMMAND",
	  "workload: runs the client that follows it on another machine: 'ssh MACHINE'",
	  OPT_TEXT(struct options, workload.client) },
	{ 0, "address", "ADDRESS",
	  "workload: this machine's, as the client reaches it (default: the first)",
	  OPT_TEXT(struct options, workload.address) },
	{ 0, "url", "URL", "workload: a file on another machine, for http-download",
	  OPT_TEXT(struct options, workload.url) },
	{ 0, "directory", "FOLDER",
	  "workload: where servers and fio keep files; a disk, for fio (default: /var/tmp)",
	  OPT_TEXT(struct options, workload.directory) },
	{ 0, "cost", NULL,
	  "workload: as many runs more, with the meter of ccaio trace --cost (needs root)",
	  OPT_SET(struct options, workload.cost) },
	{ 0, "machine", "TEXT", "workload: what the results call this machine",
	  OPT_TEXT(struct options, machine) },
	{ 0, "instruction-ns", "N",
	  "workload: this machine's clock goes on by N ns with each instruction",
	  OPT_NUMBER(struct options, instruction_ns, 1, 1000000) },
	{ 'f', "format", "text|json", "of the figures (default: text)",
	  OPT_WORD(struct options, format) },
	{ 0 },
};

static const struct usage usage = {
	.synopsis = "[options] bounce\n[options] workload NAME...|all\ncompare RESULTS...",
	.about =
		"Measure the bounce path against what it is made of, or well-known servers on this "
		"machine;\nor compare such results of machines with and without bouncing.",
	.more = workload_list,
	.groups = { { options, 0 } },
};

static int run_bounce(const struct options *o, bool json)
{
	struct bench_bounce b;
	struct err err = { "" };
	bool met = true;

	if (bench_bounce_run(&b, o->rounds, &err) < 0)
		return cmd_fail(&cmd_bench, &err);
	if (json)
		print_json(&b, o->rounds);
	else
		print_text(&b);
	for (size_t i = 0; i < BENCH_BOUNCE_RATIOS; i++)
		met &= bench_ratio_met(&b.ratios[i]);
	return o->check && !met ? CMD_VIOLATED : CMD_OK;
}

/* Times per operation, or all runs as a document. */
static void print_results(const struct bench_results *r, bool json)
{
	char *text;

	if (json) {
		text = jtable_format(bench_results_table, BENCH_WORKLOAD_SCHEMA, r);
		fputs(text, stdout);
		free(text);
		return;
	}
	printf("Devices: %s\n%-19s %14s %16s %5s\n", bench_way_name(r->way), "workload",
	       "us/operation", "busy us/operation", "runs");
	for (size_t i = 0; i < r->nloads; i++) {
		const struct bench_load *l = &r->loads[i];
		struct bench_spread time = bench_spread_of(l, false);
		struct bench_spread busy = bench_spread_of(l, true);

		printf("%-19s %14.1f %16.1f %5zu\n", l->name, time.median / 1000,
		       busy.median / 1000, l->nruns);
	}
}

static int run_workloads(const struct options *o, bool json, char **words)
{
	struct bench_results *results;
	struct err err = { "" };
	size_t cap = 0;
	int status = CMD_OK;

	for (size_t i = 0; words[i]; i++) {
		const struct workload *w = workloads;

		while (w->name && !workload_is(w, words[i]))
			w++;
		if (!w->name)
			return cmd_usage(&cmd_bench, "no workload is called '%s'", words[i]);
	}
	results = bench_results_new(&err);
	if (!results)
		return cmd_fail(&cmd_bench, &err);
	results->machine = xstrdup(o->machine);
	results->instruction_ns = o->instruction_ns;
	for (const struct workload *w = workloads; w->name; w++) {
		bool wanted = false;

		for (size_t i = 0; words[i]; i++)
			wanted |= workload_is(w, words[i]);
		if (!wanted)
			continue;
		XGROW(results->loads, results->nloads, cap);
		results->loads[results->nloads] = (struct bench_load){ 0 };
		if (workload_run(w, &o->workload, &results->loads[results->nloads], &err) < 0)
			status = cmd_fail(&cmd_bench, &err);
		results->nloads++;
		if (results->loads[results->nloads - 1].nruns < o->workload.runs) {
			bench_load_free(&results->loads[--results->nloads]);
			continue;
		}
		cmd_say(&cmd_bench, "%s: done", w->name);
	}
	if (results->nloads)
		print_results(results, json);
	bench_results_free(results);
	return status;
}

/* Written when all of it is there: a file that is malformed leaves no half of a page. */
static int compare(char **paths)
{
	struct err err = { "" };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int ret;

	if (!out)
		abort();
	ret = bench_compare(out, paths, &err);
	fclose(out);
	if (ret == 0)
		fputs(text, stdout);
	free(text);
	return ret < 0 ? cmd_fail(&cmd_bench, &err) : CMD_OK;
}

static int run(int argc, char **argv)
{
	struct options o = { .rounds = 15, .workload.runs = 5 };
	int first = cmd_options(&cmd_bench, &o, argc, argv);
	bool json = o.format && strcmp(o.format, "json") == 0;
	const char *what = first > 0 && first < argc ? argv[first] : "";

	if (first <= 0)
		return first ? CMD_TROUBLE : CMD_OK;
	if (strcmp(what, "bounce") == 0 && argc - first == 1)
		return run_bounce(&o, json);
	if (strcmp(what, "workload") == 0 && argc - first > 1)
		return run_workloads(&o, json, argv + first + 1);
	if (strcmp(what, "compare") == 0 && argc - first > 1)
		return compare(argv + first + 1);
	return cmd_usage(&cmd_bench,
			 "name what to measure: bounce, workload NAME, or compare RESULTS");
}

const struct cmd cmd_bench = {
	.name = "bench",
	.summary = "cost of the bounce path, as ratios on this machine",
	.usage = &usage,
	.run = run,
};
