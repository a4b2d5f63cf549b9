/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ccaio verify - judge evidence again, without the machine it comes from.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/common/cmd.h"
#include "cmd/common/evidence.h"
#include "cmd/common/judge.h"
#include "lib/base/err.h"
#include "lib/evidence/policy.h"
#include "lib/evidence/stream.h"
#include "lib/verdict/verdict.h"
#include "reports/report.h"

struct verify {
	struct judging judging;
	const char *evidence;
	const char *facts[2]; /* of before and after the recording, or of one moment */
};

/* Is it judged as it was then?  What it was judged by is in the bundle. */
static bool judged_alike(const struct verify *v)
{
	const struct judging *g = &v->judging;

	return !g->scope_given && !g->nonly && !g->policy_path && !g->rmm_path;
}

static int open_evidence(struct verify *v, struct evidence *e, struct err *err)
{
	int ret = evidence_open(e, v->evidence, v->judging.max_size, err);

	if (ret == 0 && e->bundle && v->facts[0])
		ret = err_set(err, EINVAL,
			      "a bundle has its own facts: --platform is for a bare trace.dat");
	if (ret == 0)
		ret = e->bundle ? evidence_load(e, &v->judging, err)
				: evidence_file(e, v->facts, &v->judging, err);
	return ret;
}

static int verify_evidence(struct verify *v)
{
	struct run run = { .tool = "ccaio " VERSION, .evidence = v->evidence, .exit_status = -1 };
	struct report_input in = { .run = &run };
	struct evidence e = EVIDENCE_NONE;
	struct verdict *verdict = NULL;
	int status = CMD_TROUBLE;
	struct err err = { "" };

	if (open_evidence(v, &e, &err) < 0)
		goto out;
	if (e.bundle)
		evidence_run(&e, v->evidence, &run);
	judging_only_reports(&v->judging);
	verdict = judging_run(&v->judging, e.stream, e.names, e.platform, &err);
	if (!verdict || evidence_compare(&e, verdict, judged_alike(v), &err) < 0 ||
	    evidence_unchanged(&e, &err) < 0)
		goto out;
	run.recorder = e.stream->info.recorder;
	run.facts = v->facts[0];
	run.facts_after = v->facts[1];
	run.rmm_log = v->judging.rmm_path;
	run.limit_given = v->judging.nonly > 0;
	run.window_only = v->judging.scope_given && v->judging.window_only;
	run.policy = v->judging.policy ? v->judging.policy->name : NULL;
	in.verdict = verdict;
	in.platform = e.platform;
	in.exchanges = e.exchanging.x;
	status = judging_report(&cmd_verify, &v->judging, &in);
out:
	if (!in.verdict)
		cmd_fail(&cmd_verify, &err);
	verdict_free(verdict);
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
	if (judging_settle(&v.judging, &err) < 0)
		return cmd_usage(&cmd_verify, "%s", err.text);
	v.evidence = argv[first];
	if (judging_spare(&v.judging, v.evidence, &err) < 0 ||
	    judging_spare(&v.judging, v.facts[0], &err) < 0 ||
	    judging_spare(&v.judging, v.facts[1], &err) < 0 ||
	    judging_prepare(&v.judging, &err) < 0)
		cmd_fail(&cmd_verify, &err);
	else
		status = verify_evidence(&v);
	judging_release(&v.judging);
	return status;
}

static int add_facts(void *options, const char *value, struct err *err)
{
	struct verify *v = options;

	if (v->facts[1])
		return err_set(err, EINVAL, "--platform can be given twice, not three times");
	v->facts[v->facts[0] != NULL] = value;
	return 0;
}

static const struct opt options[] = {
	{ 0, "platform", "FILE",
	  "facts about the machine of a TRACE.dat ('ccaio doctor --facts' writes them); twice: of "
	  "before and after the recording",
	  OPT_CALL(add_facts) },
	{ 0 },
};

static const struct usage usage = {
	.synopsis = "[options] BUNDLE\n"
		    "[options] [--platform=FILE [--platform=FILE]] TRACE.dat",
	.about = "Judge a bundle of 'ccaio trace' (a folder, a .tar, a .tar.zst) or a trace-cmd "
		 "file\n"
		 "again; - is standard input.  Needs no root.",
	.more = judging_print_formats,
	.groups = { { options, 0 },
		    { judging_look, offsetof(struct verify, judging) },
		    { judging_place, offsetof(struct verify, judging) },
		    { judging_by, offsetof(struct verify, judging) },
		    { judging_read, offsetof(struct verify, judging) } },
};

const struct cmd cmd_verify = {
	.name = "verify",
	.summary = "judge a bundle or a trace-cmd file again, offline",
	.usage = &usage,
	.run = verify,
};
