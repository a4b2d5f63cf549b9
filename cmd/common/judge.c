/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every judging command does alike: options, judging a stream, rendering the verdict. */
#include "cmd/common/judge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/traffic.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/names.h"
#include "lib/base/nearest.h"
#include "lib/base/progress.h"
#include "lib/base/xalloc.h"
#include "lib/cost/cost.h"
#include "lib/counters/counters.h"
#include "lib/evidence/consumer.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/policy.h"
#include "lib/evidence/snapshot.h"
#include "lib/evidence/stream.h"
#include "lib/evidence/text/rmm.h"
#include "lib/judge/judge.h"
#include "lib/judge/selfcheck/selfcheck.h"
#include "lib/verdict/timeline.h"
#include "lib/verdict/verdict.h"
#include "reports/ascii.h"
#include "reports/report.h"
#include "reports/wrap.h"

void judging_print_formats(FILE *out)
{
	const struct report *r;

	fputs("\nFormats:\n", out);
	for (unsigned int i = 0; (r = report_at(i)); i++)
		fprintf(out, "  %-10s %s\n", r->name, r->summary);
}

static int take_json(void *options, const char *value, struct err *err)
{
	(void)value;
	return judging_take_format(options, "json", err);
}

static int take_quiet(void *options, const char *value, struct err *err)
{
	struct judging *g = options;

	(void)value, (void)err;
	g->verbosity = -1;
	return 0;
}

static int take_verbose(void *options, const char *value, struct err *err)
{
	struct judging *g = options;

	(void)value, (void)err;
	g->verbosity++;
	return 0;
}

static int take_device(void *options, const char *value, struct err *err)
{
	struct judging *g = options;

	if (g->nonly == LIMIT_DEVICES)
		return err_set(err, EINVAL, "more than %d times --only-device", LIMIT_DEVICES);
	g->only[g->nonly++] = value;
	return 0;
}

static int take_scope(void *options, const char *value, struct err *err)
{
	struct judging *g = options;
	struct nearest n;

	g->scope_given = true;
	g->window_only = strcmp(value, "window") == 0;
	g->asked = strcmp(value, "run") == 0 ? JUDGE_RUN : JUDGE_SINCE_BOOT;
	if (g->window_only || g->asked == JUDGE_RUN || strcmp(value, "since-boot") == 0)
		return 0;
	nearest_init(&n, value);
	nearest_try(&n, "window");
	nearest_try(&n, "run");
	nearest_try(&n, "since-boot");
	if (n.best)
		return err_set(err, EINVAL, "unknown scope '%s'; did you mean '%s'?", value,
			       n.best);
	return err_set(err, EINVAL, "unknown scope '%s': --scope takes since-boot, run or window",
		       value);
}

const struct opt judging_look[] = {
	{ 'f', "format", "FORMAT",
	  "report format (default: by the ending of --output, else text); may be repeated",
	  OPT_CALL(judging_take_format) },
	{ 0, "json", NULL, "short for --format=json", OPT_CALL(take_json) },
	{ 'q', "quiet", NULL, "only the verdict line", OPT_CALL(take_quiet) },
	{ 0, "sarif-location", "FILE[:LINE]",
	  "where SARIF puts its results: a file of the repository (default: verdict.json)",
	  OPT_TEXT(struct judging, sarif_location) },
	{ 0, "width", "COLUMNS",
	  "columns of the text report (default: COLUMNS, else the terminal's, else 80)",
	  OPT_NUMBER(struct judging, width, WRAP_LEAST, WRAP_MOST) },
	{ 'v', "verbose", NULL, "the whole report instead of one screen", OPT_CALL(take_verbose) },
	{ 0 },
};

const struct opt judging_place[] = {
	{ 'o', "output", "FILE",
	  "write the report to FILE instead of standard output; one for each --format",
	  OPT_CALL(judging_take_output) },
	{ 0 },
};

static int take_max_size(void *options, const char *value, struct err *err)
{
	struct judging *g = options;

	if (options_size(value, &g->max_size))
		return 0;
	return err_set(err, EINVAL, "--max-size takes a size such as 500M or 20G, not '%s'", value);
}

const struct opt judging_read[] = {
	{ 0, "max-size", "SIZE", "read evidence up to this size, K, M or G (default: 16G)",
	  OPT_CALL(take_max_size) },
	{ 0 },
};

const struct opt judging_by[] = {
	{ 0, "policy", "FILE", "what this site requires, see ccaio-policy(5)",
	  OPT_TEXT(struct judging, policy_path) },
	{ 0, "rmm-log", "FILE", "the monitor's log of this run, as a second witness",
	  OPT_TEXT(struct judging, rmm_path) },
	{ 0, "scope", "since-boot|run|window",
	  "what the verdict is about (default: the strongest of the first two that is known)",
	  OPT_CALL(take_scope) },
	{ 'd', "only-device", "NAME",
	  "judge this device only (all are recorded); may be repeated; 'all' is the whole machine",
	  OPT_CALL(take_device) },
	{ 0 },
};

int judging_limit(struct judging *g, const struct platform *facts, struct err *err)
{
	if (!g->nonly)
		return 0;
	limit_free(g->limit);
	g->limit = NULL;
	if (g->nonly == 1 && strcmp(g->only[0], LIMIT_WHOLE) == 0)
		return 0;
	if (!facts)
		return err_set(
			err, EINVAL,
			"cannot resolve device '%s' without platform facts; pass --platform=FILE",
			g->only[0]);
	g->limit = limit_new(facts, g->only, g->nonly, err);
	return g->limit ? 0 : -EINVAL;
}

bool judging_colour(const char *path)
{
	const char *term = getenv("TERM");

	return cmd_on_terminal(path) && !getenv("NO_COLOR") && !(term && strcmp(term, "dumb") == 0);
}

int judging_take_policy(struct judging *g, char *text, size_t len, const char *name,
			struct err *err)
{
	free(g->policy_text);
	policy_free(g->policy);
	g->policy_text = text;
	g->policy_len = len;
	g->policy = policy_parse(text, len, name, err);
	return g->policy ? 0 : -EINVAL;
}

int judging_take_rmm(struct judging *g, char *text, size_t len, const char *name, struct err *err)
{
	free(g->rmm_text);
	rmm_free(g->rmm);
	g->rmm_text = text;
	g->rmm_len = len;
	g->rmm = rmm_parse(text, len, name, err);
	return g->rmm ? 0 : -EINVAL;
}

int judging_prepare(struct judging *g, struct err *err)
{
	int ret = selfcheck(err);
	size_t len;
	char *text;

	if (ret < 0)
		return ret;
	if (isatty(STDERR_FILENO))
		progress_enable();
	if (!g->noutputs)
		g->outputs[g->noutputs++] = (struct judging_output){ .path = NULL };
	if (g->policy_path) {
		text = file_read(g->policy_path, POLICY_FILE_MAX, &len, err);
		if (!text || judging_take_policy(g, text, len, g->policy_path, err) < 0)
			return -EINVAL;
	}
	for (size_t i = 0; i < g->noutputs; i++) {
		struct judging_output *o = &g->outputs[i];

		if (!o->report)
			o->report = report_find("text");
		if (cmd_output_open(&o->out, o->path, "the report", err) < 0)
			return -EINVAL;
		o->open = true;
	}
	if (g->rmm_path) {
		text = file_read(g->rmm_path, RMM_FILE_MAX, &len, err);
		if (!text || judging_take_rmm(g, text, len, g->rmm_path, err) < 0)
			return -EINVAL;
	}
	return 0;
}

void judging_release(struct judging *g)
{
	for (size_t i = 0; i < g->noutputs; i++) {
		if (g->outputs[i].open)
			cmd_output_close(&g->outputs[i].out);
		g->outputs[i].open = false;
	}
	limit_free(g->limit);
	g->limit = NULL;
	rmm_free(g->rmm);
	policy_free(g->policy);
	free(g->policy_text);
	free(g->rmm_text);
	g->rmm = NULL;
	g->policy = NULL;
	g->policy_text = g->rmm_text = NULL;
}

/* What one stream is read for. */
struct reading {
	struct judge *judge;
	struct counters *counters; /* NULL where exchanges ask the devices' own counters */
	struct exchanging *exchanging;
	struct timeline_builder *builder; /* NULL: nobody will see the timeline */
	struct cost_builder *bouncing;	  /* NULL: nobody will see the cost */
	struct cost *cost;
	struct verdict *verdict;
	const struct stream_info *info;
	uint64_t done; /* events, for the progress line */
};

static int feed_judge(void *ctx, const struct event *events, size_t count, struct err *err)
{
	struct reading *r = ctx;

	(void)err;
	judge_feed(r->judge, events, count);
	r->done += count;
	progress_step("judging events", r->done, 0);
	return 0;
}

static void draw_breach(void *builder, uint64_t ts_ns, uint32_t facts, uint32_t absences)
{
	timeline_builder_violation(builder, ts_ns, facts, absences);
}

static int feed_timeline(void *ctx, const struct event *events, size_t count, struct err *err)
{
	(void)err;
	timeline_builder_feed(((struct reading *)ctx)->builder, events, count);
	return 0;
}

static int feed_cost(void *ctx, const struct event *events, size_t count, struct err *err)
{
	(void)err;
	cost_builder_feed(((struct reading *)ctx)->bouncing, events, count);
	return 0;
}

static int feed_counters(void *ctx, const struct event *events, size_t count, struct err *err)
{
	(void)err;
	counters_feed(((struct reading *)ctx)->counters, events, count);
	return 0;
}

static int feed_exchanges(void *ctx, const struct event *events, size_t count, struct err *err)
{
	return exchanging_feed(((struct reading *)ctx)->exchanging, events, count, err) < 0
		       ? -EINVAL
		       : 0;
}

static int finish_exchanges(void *ctx, struct err *err)
{
	struct reading *r = ctx;

	return exchanging_finish(r->exchanging, r->judge, err);
}

static int finish_counters(void *ctx, struct err *err)
{
	struct reading *r = ctx;
	char *broken = counters_broken(r->counters);
	const struct judge_traffic traffic = { .conserved = !broken, .broken = broken };

	(void)err;
	judge_set_traffic(r->judge, &traffic);
	free(broken);
	return 0;
}

static int finish_cost(void *ctx, struct err *err)
{
	struct reading *r = ctx;

	(void)err;
	r->cost = cost_builder_finish(r->bouncing);
	r->bouncing = NULL;
	return 0;
}

/* The last one: others tell the judge what they found. */
static int finish_judge(void *ctx, struct err *err)
{
	struct reading *r = ctx;

	(void)err;
	judge_set_cost(r->judge, r->cost);
	r->verdict = judge_finish(r->judge, r->info);
	r->verdict->cost = r->cost;
	r->cost = NULL;
	if (!r->builder)
		return 0;
	timeline_builder_refuted(r->builder, r->verdict->by_fact, r->verdict->by_absence);
	r->verdict->timeline = timeline_builder_finish(r->builder);
	r->builder = NULL;
	return 0;
}

/* A device that has no event is known by its rings all the same. */
static void name_devices(struct names *names, const struct platform *p)
{
	const struct snapshot *both[] = { p ? p->start : NULL, p ? p->end : NULL };

	for (int k = 0; k < 2; k++) {
		for (size_t i = 0; both[k] && i < both[k]->ndevices; i++) {
			const char *name = both[k]->devices[i].parent;

			if (name)
				names_intern(names, name, strlen(name));
		}
	}
}

#define MAX_RINGS 4096

/* Coherent allocations of the stream, by their addresses without a bit above all RAM. */
static uint64_t *find_rings(struct stream *stream, const struct platform *platform, size_t *count,
			    struct err *err)
{
	uint64_t *rings = xcalloc(MAX_RINGS, sizeof(*rings)), top = 0;
	struct names *names = names_new();
	struct event *batch = xcalloc(1024, sizeof(*batch));
	struct stream *again = stream_again(stream, names, err);
	ssize_t n = 0;

	for (size_t i = 0; platform && i < platform->nram; i++)
		top |= platform->ram[i].end;
	top = top ? UINT64_MAX >> __builtin_clzll(top) : UINT64_MAX;
	*count = 0;
	while (again && *count < MAX_RINGS && (n = stream_read(again, batch, 1024, err)) > 0) {
		for (ssize_t i = 0; i < n && *count < MAX_RINGS; i++) {
			if (batch[i].kind == EVENT_ALLOC && batch[i].dma != EVENT_NO_ADDR)
				rings[(*count)++] = batch[i].dma & top;
		}
	}
	stream_close(again);
	names_free(names);
	free(batch);
	if (again && n >= 0)
		return rings;
	free(rings);
	return NULL;
}

/* Which Realm of the monitor's log is this one? */
static int select_realm(const struct judging *g, struct stream *stream,
			const struct platform *platform, struct judge_options *options,
			struct err *err)
{
	uint64_t *rings;
	size_t count;

	if (!g->rmm)
		return 0;
	rings = find_rings(stream, platform, &count, err);
	if (!rings)
		return -EINVAL;
	options->rmm_unusable = rmm_select(g->rmm, platform, rings, count);
	options->rmm = options->rmm_unusable ? NULL : g->rmm;
	free(rings);
	return 0;
}

struct verdict *judging_run(const struct judging *g, struct stream *stream, struct names *names,
			    const struct platform *platform, struct err *err)
{
	struct timeline_builder *builder = g->undrawn ? NULL : timeline_builder_new(platform);
	struct judge_options options = { .window_only = g->window_only,
					 .asked = g->asked,
					 .policy = g->policy,
					 .limit = g->limit,
					 .on_breach = builder ? draw_breach : NULL,
					 .on_breach_ctx = builder };
	struct exchanging *e = g->exchanging;
	int chosen = select_realm(g, stream, platform, &options, err);
	struct reading r = {
		.judge = judge_new(platform, names, &options),
		.counters = e && e->x ? NULL : counters_new(names, platform),
		.exchanging = e,
		.builder = builder,
		.bouncing = g->uncosted ? NULL
					: cost_builder_new(platform, names,
							   (unsigned int)stream->info.ncpus),
		.info = &stream->info,
	};
	const struct consumer consumers[] = {
		{ builder ? feed_timeline : NULL, NULL, &r }, /* begins before the judge objects */
		{ feed_judge, NULL, &r },
		{ r.bouncing ? feed_cost : NULL, r.bouncing ? finish_cost : NULL, &r },
		{ e ? feed_exchanges : NULL, e ? finish_exchanges : NULL, &r },
		{ r.counters ? feed_counters : NULL, r.counters ? finish_counters : NULL, &r },
		{ NULL, finish_judge, &r },
	};

	name_devices(names, platform);
	if (chosen == 0 && (!e || exchanging_begin(e, names, platform, err) >= 0))
		consumers_run(consumers, sizeof(consumers) / sizeof(consumers[0]), stream, err);
	progress_end();
	if (r.builder)
		free(timeline_builder_finish(r.builder));
	if (r.bouncing)
		cost_free(cost_builder_finish(r.bouncing));
	cost_free(r.cost);
	counters_free(r.counters);
	judge_free(r.judge);
	return r.verdict;
}

/* 0 PROVEN, 1 VIOLATED, 2 INCONCLUSIVE. */
static int status_of(const struct verdict *v)
{
	switch (v->outcome) {
	case OUTCOME_PROVEN:
		return CMD_OK;
	case OUTCOME_VIOLATED:
		return CMD_VIOLATED;
	default:
		return CMD_INCONCLUSIVE;
	}
}

struct rendering {
	const struct report *report;
	const struct report_input *in;
};

static void render(FILE *out, const void *ctx)
{
	const struct rendering *r = ctx;
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	if (!r->report->console || ascii_locale_is_utf8()) {
		r->report->write(out, r->in);
		return;
	}
	f = open_memstream(&text, &len);
	if (!f)
		abort(); /* no memory for a buffer: as fatal as in lib/base/xalloc.c */
	r->report->write(f, r->in);
	fclose(f);
	ascii_write(out, text);
	free(text);
}

int judging_report(const struct cmd *cmd, const struct judging *g, const struct report_input *given)
{
	struct report_input in = *given;
	struct err err = { "" };

	in.verbosity = g->verbosity;
	in.location = g->sarif_location;
	for (size_t i = 0; i < g->noutputs; i++) {
		const struct judging_output *o = &g->outputs[i];
		struct rendering r = { o->report, &in };

		in.colour = judging_colour(o->path);
		in.exchanges_shown = given->exchanges_shown && cmd_to_stdout(o->path);
		cmd_fit_terminal(g->width, o->path);
		if (cmd_output_write(&o->out, render, &r, &err) < 0)
			return cmd_fail(cmd, &err);
	}
	return status_of(in.verdict);
}
