/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ccaio selftest - break the bounce path in every known way and require the judge to notice.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/common/cmd.h"
#include "cmd/common/options.h"
#include "cmd/selftest/plan.h"
#include "cmd/selftest/record.h"
#include "lib/base/err.h"
#include "lib/bounce/selftest/catalogue.h"
#include "lib/json/json.h"

#define SHOWN_FAILURES 20

struct selftest {
	uint64_t seed, iterations;
	const char *only, *record;
	bool list, json;
};

/* Runs of one kind that passed, and all of them. */
struct score {
	size_t passed, runs;
};

static bool is_of(const struct plan_run *r, enum plan_kind kind, const struct fault_case *fault)
{
	if (fault)
		return r->run.fault == fault;
	return r->kind == kind && !r->run.fault;
}

/* device: -1 for all. */
static struct score score_of(const struct plan *plan, enum plan_kind kind,
			     const struct fault_case *fault, int device)
{
	struct score s = { 0, 0 };

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_run *r = &plan->runs[i];

		if (!is_of(r, kind, fault) || (device >= 0 && (int)r->run.config.device != device))
			continue;
		s.runs++;
		s.passed += r->passed;
	}
	return s;
}

/* Catalogue entries that were tried, and those of them that were always found. */
static struct score faults_found(const struct plan *plan)
{
	struct score s = { 0, 0 };

	for (size_t i = 0; i < nfault_cases; i++) {
		struct score one = score_of(plan, PLAN_FAULT, &fault_cases[i], -1);

		s.runs += one.runs > 0;
		s.passed += one.runs > 0 && one.passed == one.runs;
	}
	return s;
}

static struct score all_runs(const struct plan *plan)
{
	struct score s = { 0, plan->count };

	for (size_t i = 0; i < plan->count; i++)
		s.passed += plan->runs[i].passed;
	return s;
}

static const char *must(const struct fault_case *f)
{
	return f->claim == CLAIMS ? cond_name(f->cond) : claim_name(f->claim);
}

/* ---- text ---- */

static void print_row(const struct plan *plan, const char *name, enum plan_kind kind,
		      const struct fault_case *fault, bool by_device, const char *what)
{
	struct score all = score_of(plan, kind, fault, -1);

	if (!all.runs)
		return;
	printf("%-21s", name);
	for (int d = 0; d < MACHINE_DEVICES; d++) {
		struct score s = score_of(plan, kind, fault, d);
		char cell[32] = "·";

		if (by_device && s.runs)
			snprintf(cell, sizeof(cell), "%zu/%zu", s.passed, s.runs);
		/* the dot is one column and two bytes */
		printf(" %*s", by_device && s.runs ? 8 : 9, cell);
	}
	printf("  %s %s", all.passed == all.runs ? "ok  " : "FAIL", what);
	if (!by_device)
		printf(" (%zu of %zu runs)", all.passed, all.runs);
	printf("\n");
}

static void print_failures(const struct plan *plan)
{
	size_t shown = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_run *r = &plan->runs[i];
		char *what;

		if (r->passed)
			continue;
		if (shown++ == SHOWN_FAILURES) {
			printf("… and more\n");
			return;
		}
		what = plan_describe(r);
		printf("%s%s: %s\n", shown == 1 ? "\n" : "", what, r->why);
		free(what);
	}
}

static void print_text(const struct plan *plan, double seconds)
{
	struct score faults = faults_found(plan), all = all_runs(plan);

	printf("%-21s", "");
	for (int d = 0; d < MACHINE_DEVICES; d++)
		printf(" %8s", machine_device_name(d));
	printf("       must be refuted or unmet\n");
	print_row(plan, "no fault", PLAN_CLEAN, NULL, true, "nothing");
	print_row(plan, "hostile host", PLAN_TRICK, NULL, true, "nothing");
	print_row(plan, "trusted device", PLAN_TDISP, NULL, false, "nothing");
	print_row(plan, "export and import", PLAN_EXPORT, NULL, false, "nothing");
	for (size_t i = 0; i < nfault_cases; i++) {
		const struct fault_case *f = &fault_cases[i];

		print_row(plan, f->name, PLAN_FAULT, f, strncmp(f->name, "tdisp", 5) != 0, must(f));
	}
	print_failures(plan);
	printf("\n%zu runs, %llu transfers, %llu events; the guard looked at %llu accesses and "
	       "denied %llu (%.1f s)\n",
	       all.runs, (unsigned long long)plan->transfers, (unsigned long long)plan->events,
	       (unsigned long long)plan->accesses, (unsigned long long)plan->denied, seconds);
	if (faults.runs)
		printf("faults found: %zu of %zu\n", faults.passed, faults.runs);
	printf("%s: %zu of %zu runs as they must be\n",
	       all.passed == all.runs ? "PASSED" : "FAILED", all.passed, all.runs);
}

static void print_list(void)
{
	for (size_t i = 0; i < nfault_cases; i++) {
		const struct fault_case *f = &fault_cases[i];

		printf("%-20s %s\n%-20s   %s: %s\n", f->name, f->summary, "", must(f), f->sign);
	}
}

/* ---- json ---- */

static void write_score(struct jwriter *w, const char *key, struct score s)
{
	jwrite_object(w, key);
	jwrite_number(w, "passed", s.passed);
	jwrite_number(w, "runs", s.runs);
	jwrite_end_object(w);
}

static void write_faults(struct jwriter *w, const struct plan *plan)
{
	jwrite_array(w, "faults");
	for (size_t i = 0; i < nfault_cases; i++) {
		const struct fault_case *f = &fault_cases[i];
		struct score s = score_of(plan, PLAN_FAULT, f, -1);

		if (!s.runs)
			continue;
		jwrite_object(w, NULL);
		jwrite_string(w, "id", f->name);
		jwrite_string(w, "summary", f->summary);
		jwrite_string(w, f->claim == CLAIMS ? "condition" : "claim", must(f));
		jwrite_string(w, "sign", f->sign);
		jwrite_number(w, "found", s.passed);
		jwrite_number(w, "runs", s.runs);
		jwrite_end_object(w);
	}
	jwrite_end_array(w);
}

static void print_json(const struct selftest *t, const struct plan *plan, double seconds)
{
	struct score faults = faults_found(plan);
	struct jwriter w;

	jwriter_init(&w, stdout);
	jwrite_object(&w, NULL);
	jwrite_string(&w, "schema", "ccaio.selftest/1");
	jwrite_number(&w, "seed", t->seed);
	jwrite_number(&w, "iterations", t->iterations);
	jwrite_number(&w, "milliseconds", seconds * 1000);
	write_score(&w, "all", all_runs(plan));
	write_score(&w, "no_fault", score_of(plan, PLAN_CLEAN, NULL, -1));
	write_score(&w, "hostile_host", score_of(plan, PLAN_TRICK, NULL, -1));
	write_score(&w, "trusted_device", score_of(plan, PLAN_TDISP, NULL, -1));
	write_score(&w, "export_import", score_of(plan, PLAN_EXPORT, NULL, -1));
	jwrite_object(&w, "score");
	jwrite_number(&w, "found", faults.passed);
	jwrite_number(&w, "faults", faults.runs);
	jwrite_end_object(&w);
	write_faults(&w, plan);
	jwrite_number(&w, "transfers", plan->transfers);
	jwrite_number(&w, "events", plan->events);
	jwrite_number(&w, "accesses", plan->accesses);
	jwrite_number(&w, "denied", plan->denied);
	jwrite_array(&w, "failures");
	for (size_t i = 0; i < plan->count; i++) {
		char *what;

		if (plan->runs[i].passed)
			continue;
		what = plan_describe(&plan->runs[i]);
		jwrite_object(&w, NULL);
		jwrite_string(&w, "run", what);
		jwrite_string(&w, "why", plan->runs[i].why);
		jwrite_end_object(&w);
		free(what);
	}
	jwrite_end_array(&w);
	jwrite_end_object(&w);
}

/* ---- the command ---- */

static void tick(void *ctx, size_t done, size_t of)
{
	size_t *last = ctx, percent = 100 * done / of;

	if (percent == *last)
		return;
	*last = percent;
	fprintf(stderr, percent < 100 ? "\r%3zu %% of %zu runs" : "\r\033[K", percent, of);
	fflush(stderr);
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int record(const struct selftest *t, struct plan_run *run)
{
	char *what = plan_describe(run);
	struct err err = { "" };
	int status = CMD_OK;

	if (selftest_record(t->record, run, &err) < 0)
		status = cmd_fail(&cmd_selftest, &err);
	else
		printf("%s: %s\n", t->record, what);
	free(what);
	return status;
}

static int selftest(const struct selftest *t)
{
	size_t percent = SIZE_MAX;
	struct plan plan;
	const char *bad = plan_make(&plan, t->seed, t->iterations, t->only);
	double start = now_s();
	struct score all;
	int status = CMD_TROUBLE;

	if (bad) {
		cmd_usage(&cmd_selftest, "--only: '%.*s' is no fault, device or transport",
			  (int)strcspn(bad, ","), bad);
		goto out;
	}
	if (!plan.count) {
		cmd_usage(&cmd_selftest, "--only: nothing of that can happen there");
		goto out;
	}
	if (t->record) {
		status = record(t, &plan.runs[0]);
		goto out;
	}
	plan_execute(&plan, isatty(STDERR_FILENO) ? tick : NULL, &percent);
	if (t->json)
		print_json(t, &plan, now_s() - start);
	else
		print_text(&plan, now_s() - start);
	all = all_runs(&plan);
	status = all.passed == all.runs ? CMD_OK : CMD_VIOLATED;
out:
	plan_release(&plan);
	return status;
}

static const struct opt options[] = {
	{ 0, "seed", "N", "start the random choices here (default: 1)",
	  OPT_NUMBER(struct selftest, seed, 0, UINT64_MAX) },
	{ 0, "only", "NAMES",
	  "faults, devices, transports, clean, hostile, tdisp, export; separated by commas",
	  OPT_TEXT(struct selftest, only) },
	{ 0, "iterations", "N", "repeat with other seeds (default: 1)",
	  OPT_NUMBER(struct selftest, iterations, 1, 10000) },
	{ 0, "record", "BUNDLE", "write the first of these runs as a bundle, and do nothing else",
	  OPT_TEXT(struct selftest, record) },
	{ 0, "list", NULL, "list the faults and how each must be noticed",
	  OPT_SET(struct selftest, list) },
	{ 'f', "format", "text|json", "of the result (default: text)",
	  OPT_EITHER(struct selftest, json) },
	{ 0 },
};

static const struct usage usage = {
	.synopsis = "[options]",
	.about = "Run the bounce path, break it in every way it knows, and require the judge to "
		 "notice.",
	.groups = { { options, 0 } },
};

static int run(int argc, char **argv)
{
	struct selftest t = { .seed = 1, .iterations = 1 };
	int first = cmd_options(&cmd_selftest, &t, argc, argv);

	if (first <= 0)
		return first ? CMD_TROUBLE : CMD_OK;
	if (first != argc)
		return cmd_usage(&cmd_selftest, "unexpected argument '%s'", argv[first]);
	if (!t.list)
		return selftest(&t);
	print_list();
	return CMD_OK;
}

const struct cmd cmd_selftest = {
	.name = "selftest",
	.summary = "break the bounce path in every known way, require the judge to notice",
	.usage = &usage,
	.run = run,
};
