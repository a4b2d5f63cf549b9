/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ccaio verify - judge evidence again, without the machine it comes from.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/common/cmd.h"
#include "cmd/common/judge.h"
#include "cmd/common/traffic.h"
#include "collectors/bundle.h"
#include "collectors/tracedat/tracedat.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/manifest.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/policy.h"
#include "lib/evidence/rmm.h"
#include "lib/evidence/stream.h"
#include "lib/exchange/exchange.h"
#include "lib/verdict/diff.h"
#include "lib/verdict/json.h"
#include "lib/verdict/verdict.h"
#include "lib/verdict/version.h"
#include "reports/report.h"

struct verify {
	struct judging judging;
	struct exchanging exchanging; /* of a bundle */
	const char *evidence;
	const char *platform_path;
};

/* What is open while one piece of evidence is judged. */
struct evidence {
	struct bundle *bundle;		 /* NULL: a bare trace.dat */
	struct verdict_record *recorded; /* the bundle's own verdict; NULL without a bundle */
	struct platform *platform;
	struct names *names;
	struct stream *stream;
	int fd;
};

static void evidence_release(struct evidence *e)
{
	stream_close(e->stream);
	names_free(e->names);
	platform_free(e->platform);
	verdict_record_free(e->recorded);
	bundle_close(e->bundle);
	if (e->fd >= 0)
		close(e->fd);
}

static bool bundle_has(const struct bundle *b, const char *name)
{
	return manifest_find(bundle_manifest(b), name) != NULL;
}

static int open_file(struct evidence *e, struct verify *v, struct err *err)
{
	if (v->platform_path) {
		e->platform = platform_load(v->platform_path, err);
		if (!e->platform)
			return -EINVAL;
	}
	if (judging_limit(&v->judging, e->platform, err) < 0)
		return -EINVAL;
	e->stream = tracedat_open(v->evidence, e->names, err);
	return e->stream ? 0 : -EINVAL;
}

static int open_bundle(struct evidence *e, struct verify *v, struct err *err)
{
	struct judging *g = &v->judging;
	char *text = NULL;
	size_t len;

	e->bundle = bundle_open(v->evidence, err);
	if (!e->bundle)
		return -EINVAL;
	text = bundle_read(e->bundle, "platform.json", PLATFORM_FILE_MAX, &len, err);
	if (!text)
		return -EINVAL;
	e->platform = platform_parse(text, len, "platform.json", err);
	free(text);
	if (!e->platform)
		return -EINVAL;
	text = bundle_read(e->bundle, "verdict.json", VERDICT_FILE_MAX, &len, err);
	if (!text)
		return -EINVAL;
	e->recorded = verdict_json_parse(text, len, "verdict.json", err);
	free(text);
	if (!e->recorded)
		return -EINVAL;
	if (exchanging_load(&v->exchanging, e->bundle, err) < 0)
		return -EINVAL;
	g->exchanging = &v->exchanging;
	/* As it was judged then, unless this call asks for something else. */
	if (!g->policy && bundle_has(e->bundle, BUNDLE_POLICY)) {
		text = bundle_read(e->bundle, BUNDLE_POLICY, POLICY_FILE_MAX, &len, err);
		if (!text || judging_take_policy(g, text, len, BUNDLE_POLICY, err) < 0)
			return -EINVAL;
	}
	if (!g->rmm && bundle_has(e->bundle, BUNDLE_RMM)) {
		text = bundle_read(e->bundle, BUNDLE_RMM, RMM_FILE_MAX, &len, err);
		if (!text || judging_take_rmm(g, text, len, BUNDLE_RMM, err) < 0)
			return -EINVAL;
	}
	if (!g->scope_given)
		g->window_only =
			e->recorded->verdict->conds[COND_BASELINE].state == COND_NOT_APPLICABLE;
	if (!g->nonly)
		g->limit = limit_recall(e->recorded->verdict->limit, e->recorded->verdict->nlimit);
	if (judging_limit(g, e->platform, err) < 0)
		return -EINVAL;
	e->fd = bundle_open_file(e->bundle, "trace.dat", err);
	if (e->fd < 0)
		return e->fd;
	e->stream = tracedat_open_fd(e->fd, v->evidence, e->names, err);
	return e->stream ? 0 : -EINVAL;
}

/*
 * Is it judged as it was then?  Otherwise there is nothing to compare.  What it was judged by
 * then is in the bundle.
 */
static bool judged_alike(const struct verify *v)
{
	const struct judging *g = &v->judging;

	return !g->scope_given && !g->nonly && !g->policy_path && !g->rmm_path;
}

/*
 * Against the recorded verdict.  One of this version that does not come out again is no honest
 * record; of another version today's judgement counts, and what that version said is noted.
 */
static int compare(const struct verify *v, const struct evidence *e, struct verdict *now,
		   struct err *err)
{
	struct err what = { "" };

	if (!e->recorded)
		return 0;
	if (!version_is_ours(&e->recorded->run)) {
		version_carry_over(now, e->recorded, judged_alike(v));
		return 0;
	}
	if (!judged_alike(v) || verdict_agrees(e->recorded->verdict, now, &what) == 0)
		return 0;
	return err_set(
		err, EBADMSG,
		"%s: judged again it comes out differently: %s; its verdict.json, which says "
		"that this version of ccaio wrote it, was made up or changed",
		v->evidence, what.text);
}

static int verify_evidence(struct verify *v)
{
	struct evidence e = { .fd = -1, .names = names_new() };
	struct run run = { .tool = "ccaio " VERSION, .evidence = v->evidence, .exit_status = -1 };
	struct report_input in = { .run = &run };
	struct verdict *verdict = NULL;
	int status = CMD_TROUBLE;
	struct err err = { "" };
	struct stat st;

	if (stat(v->evidence, &st) == 0 && S_ISDIR(st.st_mode)) {
		if (v->platform_path) {
			evidence_release(&e);
			return cmd_usage(&cmd_verify, "a bundle has its own facts: --platform is "
						      "for a bare trace.dat");
		}
		if (open_bundle(&e, v, &err) < 0)
			goto out;
		run = e.recorded->run;
		run.evidence = v->evidence;
		run.tool = "ccaio " VERSION;
	} else if (open_file(&e, v, &err) < 0) {
		goto out;
	}
	v->judging.undrawn = !v->judging.report->draws;
	verdict = judging_run(&v->judging, e.stream, e.names, e.platform, &err);
	if (!verdict || compare(v, &e, verdict, &err) < 0)
		goto out;
	if (e.platform && e.platform->unknown)
		verdict_note(verdict,
			     "the facts have members that ccaio " VERSION
			     " does not know and did not judge: %s",
			     e.platform->unknown);
	if (v->exchanging.x && v->exchanging.x->unknown)
		verdict_note(verdict,
			     "exchanges.json has members that ccaio " VERSION
			     " does not know and did not judge: %s",
			     v->exchanging.x->unknown);
	run.recorder = e.stream->info.recorder;
	run.facts = v->platform_path;
	run.rmm_log = v->judging.rmm_path;
	run.limit_given = v->judging.nonly > 0;
	run.window_only = v->judging.scope_given && v->judging.window_only;
	run.policy = v->judging.policy ? v->judging.policy->name : NULL;
	in.verdict = verdict;
	in.platform = e.platform;
	in.exchanges = v->exchanging.x;
	status = judging_report(&cmd_verify, &v->judging, &in);
out:
	if (!in.verdict)
		cmd_fail(&cmd_verify, &err);
	verdict_free(verdict);
	exchanging_release(&v->exchanging);
	evidence_release(&e);
	return status;
}

static int verify(int argc, char **argv)
{
	struct verify v = { 0 };
	struct err err = { "" };
	int first = cmd_options(&cmd_verify, &v, argc, argv), status = CMD_TROUBLE;

	if (first <= 0)
		return first ? CMD_TROUBLE : CMD_OK;
	if (argc - first != 1)
		return cmd_usage(&cmd_verify, "expected one bundle or trace.dat");
	v.evidence = argv[first];
	if (cmd_spare(v.evidence, v.judging.output, &err) < 0 ||
	    cmd_spare(v.platform_path, v.judging.output, &err) < 0 ||
	    judging_prepare(&v.judging, &err) < 0)
		cmd_fail(&cmd_verify, &err);
	else
		status = verify_evidence(&v);
	judging_release(&v.judging);
	return status;
}

static const struct opt options[] = {
	{ 0, "platform", "FILE",
	  "facts about the machine of a TRACE.dat ('ccaio doctor --facts' writes them)",
	  OPT_TEXT(struct verify, platform_path) },
	{ 0 },
};

static const struct usage usage = {
	.synopsis = "[options] BUNDLE\n"
		    "[options] [--platform=FILE] TRACE.dat",
	.about = "Judge a bundle of 'ccaio trace' or a trace-cmd file again.  Needs no root.",
	.more = judging_print_formats,
	.groups = { { options, 0 },
		    { judging_look, offsetof(struct verify, judging) },
		    { judging_place, offsetof(struct verify, judging) },
		    { judging_by, offsetof(struct verify, judging) } },
};

const struct cmd cmd_verify = {
	.name = "verify",
	.summary = "judge a bundle or a trace-cmd file again, offline",
	.usage = &usage,
	.run = verify,
};
