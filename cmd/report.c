/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ccaio report - judge a bundle again and render it in another format, or compare two.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/common/cmd.h"
#include "cmd/common/evidence.h"
#include "cmd/common/judge.h"
#include "cmd/common/traffic.h"
#include "collectors/bundle.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/manifest.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/stream.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/json.h"
#include "lib/verdict/diff.h"
#include "lib/verdict/json.h"
#include "lib/verdict/verdict.h"
#include "reports/compare.h"
#include "reports/report.h"

/* A bundle's recorded results. */
struct judged {
	struct verdict_record *record;
	struct platform *platform;
	struct exchanges *exchanges; /* NULL: the bundle has none */
};

static void judged_release(struct judged *j)
{
	verdict_record_free(j->record);
	platform_free(j->platform);
	exchanges_free(j->exchanges);
}

static int judged_load(struct judged *j, const char *path, uint64_t max, struct err *err)
{
	struct bundle *bundle = bundle_open(path, max, err);
	char *text = NULL;
	int ret = -EINVAL;
	size_t len;

	if (!bundle)
		return ret;
	text = bundle_read(bundle, BUNDLE_VERDICT, VERDICT_FILE_MAX, &len, err);
	if (!text)
		goto out;
	j->record = verdict_json_parse(text, len, BUNDLE_VERDICT, err);
	if (!j->record)
		goto out;
	free(text);
	text = bundle_read(bundle, BUNDLE_PLATFORM, 16u << 20, &len, err);
	if (!text)
		goto out;
	j->platform = platform_parse(text, len, BUNDLE_PLATFORM, err);
	if (!j->platform)
		goto out;
	free(text);
	text = NULL;
	ret = bundle_exchanges(bundle, true, &j->exchanges, err);
	if (ret == 0)
		ret = bundle_unchanged(bundle, err);
out:
	free(text);
	bundle_close(bundle);
	return ret;
}

/*
 * Rendering is not judging: what was recorded may be VIOLATED and this still succeeds.  But a
 * PROVEN that is not shown as one must not pass for one.
 */
static int show(const struct judging *g, const struct report_input *in, enum outcome said)
{
	if (judging_report(&cmd_report, g, in) == CMD_TROUBLE)
		return CMD_TROUBLE;
	return said == OUTCOME_PROVEN && in->verdict->outcome != said ? CMD_INCONCLUSIVE : CMD_OK;
}

static int render_recorded(const struct judging *g, const char *path)
{
	struct judged judged = { 0 };
	struct err err = { "" };
	struct report_input in;
	int status = CMD_TROUBLE;

	if (judged_load(&judged, path, g->max_size, &err) < 0) {
		cmd_fail(&cmd_report, &err);
		goto out;
	}
	/* where it lies now, not where it was written */
	free((char *)judged.record->run.evidence);
	judged.record->run.evidence = xstrdup(path);
	judged.record->run.as_recorded = true;
	in = (struct report_input){
		.verdict = judged.record->verdict,
		.platform = judged.platform,
		.run = &judged.record->run,
		.exchanges = judged.exchanges,
	};
	status = show(g, &in, judged.record->said);
out:
	judged_release(&judged);
	return status;
}

/* As ccaio verify does, in another format. */
static int render(struct judging *g, const char *path)
{
	struct evidence e = EVIDENCE_NONE;
	struct verdict *verdict = NULL;
	int status = CMD_TROUBLE;
	struct err err = { "" };
	struct run run;

	if (evidence_open(&e, path, g->max_size, &err) == 0 && !e.bundle)
		err_set(&err, EINVAL, "%s is no bundle: a bare trace.dat is for ccaio verify",
			path);
	else if (e.bundle && evidence_load(&e, g, &err) == 0) {
		judging_only_reports(g);
		verdict = judging_run(g, e.stream, e.names, e.platform, &err);
	}
	if (!verdict || evidence_compare(&e, verdict, true, &err) < 0 ||
	    evidence_unchanged(&e, &err) < 0) {
		cmd_fail(&cmd_report, &err);
	} else {
		evidence_run(&e, path, &run);
		run.recorder = e.stream->info.recorder;
		status = show(g,
			      &(struct report_input){ .verdict = verdict,
						      .platform = e.platform,
						      .run = &run,
						      .exchanges = e.exchanging.x },
			      e.recorded->said);
	}
	verdict_free(verdict);
	evidence_release(&e);
	return status;
}

struct put {
	void (*write)(FILE *out, const struct comparison *comparison);
	struct comparison comparison;
};

static void put_comparison(FILE *out, const void *ctx)
{
	const struct put *p = ctx;

	p->write(out, &p->comparison);
}

/* Exit 1 when something got worse: for a pipeline that guards a state it has reached. */
static int compare(const struct judging *g, const char *old, const char *new)
{
	struct judged before = { 0 }, after = { 0 };
	struct verdict_diff *diff = NULL;
	struct err err = { "" };
	int status = CMD_TROUBLE;
	const struct judging_output *to = &g->outputs[0];
	struct put put;

	if (judged_load(&before, old, g->max_size, &err) < 0 ||
	    judged_load(&after, new, g->max_size, &err) < 0) {
		cmd_fail(&cmd_report, &err);
		goto out;
	}
	diff = verdict_diff_new(&(struct verdict_side){ before.record->verdict, before.exchanges,
							before.platform, &before.record->run },
				&(struct verdict_side){ after.record->verdict, after.exchanges,
							after.platform, &after.record->run });
	put = (struct put){
		.write = to->report->compare,
		.comparison = { .diff = diff,
				.before = old,
				.after = new,
				.was = before.record->verdict,
				.is = after.record->verdict,
				.colour = judging_colour(to->path),
				.only_worse = g->verbosity<0, .all = g->verbosity> 0 },
	};
	if (cmd_write(to->path, "the comparison", put_comparison, &put, &err) < 0)
		cmd_fail(&cmd_report, &err);
	else
		status = diff->worse ? CMD_VIOLATED : CMD_OK;
out:
	verdict_diff_free(diff);
	judged_release(&before);
	judged_release(&after);
	return status;
}

struct options {
	struct judging judging;
	const char *against;
	bool as_recorded;
};

static const struct opt options[] = {
	{ 0, "against", "BUNDLE",
	  "show what changed since that bundle (with -q only what is worse); exit 1 if anything "
	  "is worse",
	  OPT_TEXT(struct options, against) },
	{ 0, "as-recorded", NULL, "show the verdict that was recorded, without judging again",
	  OPT_SET(struct options, as_recorded) },
	{ 0 },
};

static const struct usage usage = {
	.synopsis = "[options] BUNDLE\n"
		    "[options] --against=OLD BUNDLE",
	.about = "Judge a bundle again and show it in another format, or compare the recorded "
		 "verdicts\nof two.",
	.more = judging_print_formats,
	.groups = { { options, 0 },
		    { judging_look, offsetof(struct options, judging) },
		    { judging_place, offsetof(struct options, judging) },
		    { judging_read, offsetof(struct options, judging) } },
};

static int report(int argc, char **argv)
{
	struct options o = { 0 };
	struct judging *g = &o.judging;
	int first = cmd_options(&cmd_report, &o, argc, argv);
	int status = CMD_TROUBLE;
	struct err err = { "" };

	if (first <= 0)
		return first ? CMD_TROUBLE : CMD_OK;
	if (argc - first != 1)
		return cmd_usage(&cmd_report, "expected one bundle");
	if (judging_settle(g, &err) < 0)
		return cmd_usage(&cmd_report, "%s", err.text);
	if (o.against && g->noutputs > 1)
		return cmd_usage(&cmd_report, "--against writes one report");
	if (o.against && g->noutputs && g->outputs[0].report && !g->outputs[0].report->compare)
		return cmd_usage(&cmd_report,
				 "--against does not go with the format %s: take text, json, "
				 "markdown or junit",
				 g->outputs[0].report->name);
	if (judging_spare(g, argv[first], &err) < 0 || judging_spare(g, o.against, &err) < 0 ||
	    judging_prepare(g, &err) < 0)
		cmd_fail(&cmd_report, &err);
	else if (o.against)
		status = compare(g, o.against, argv[first]);
	else
		status = o.as_recorded ? render_recorded(g, argv[first]) : render(g, argv[first]);
	judging_release(g);
	return status;
}

const struct cmd cmd_report = {
	.name = "report",
	.summary = "show a judged bundle in another format, or compare two",
	.usage = &usage,
	.run = report,
};
