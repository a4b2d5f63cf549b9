/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Evidence that was kept, opened to be judged again. */
#include "cmd/common/evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/common/judge.h"
#include "collectors/tracedat/tracedat.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/evidence/manifest.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/policy.h"
#include "lib/evidence/run.h"
#include "lib/evidence/stream.h"
#include "lib/evidence/text/rmm.h"
#include "lib/exchange/exchange.h"
#include "lib/verdict/diff.h"
#include "lib/verdict/json.h"
#include "lib/verdict/verdict.h"
#include "lib/verdict/version.h"

int evidence_open(struct evidence *e, const char *path, uint64_t max, struct err *err)
{
	int ret = members_open(&e->file, path, max, err);

	e->path = path;
	e->names = names_new();
	if (ret < 0 || e->file.kind == MEMBERS_OTHER)
		return ret;
	e->bundle = bundle_open_members(&e->file, path, max, err);
	if (!e->bundle)
		return -EBADMSG;
	manifest_digest(bundle_manifest(e->bundle), BUNDLE_REPORT, e->digest);
	return 0;
}

/* The facts of two moments tell what happened between them. */
static int add_later(struct platform *p, const char *path, struct err *err)
{
	struct platform *later = platform_load(path, err);
	int ret = later ? platform_window(p, later, err) : -EINVAL;

	platform_free(later);
	return ret;
}

int evidence_file(struct evidence *e, const char *const facts[2], struct judging *g,
		  struct err *err)
{
	if (facts[0]) {
		e->platform = platform_load(facts[0], err);
		if (!e->platform || (facts[1] && add_later(e->platform, facts[1], err) < 0))
			return -EINVAL;
	}
	if (judging_limit(g, e->platform, err) < 0)
		return -EINVAL;
	e->stream = tracedat_open_fd(e->file.fd, e->path, e->names, err);
	return e->stream ? 0 : -EINVAL;
}

static bool bundle_has(const struct bundle *b, const char *name)
{
	return manifest_find(bundle_manifest(b), name) != NULL;
}

static int load_facts(struct evidence *e, struct err *err)
{
	size_t len;
	char *text = bundle_read(e->bundle, BUNDLE_PLATFORM, PLATFORM_FILE_MAX, &len, err);

	if (!text)
		return -EINVAL;
	e->platform = platform_parse(text, len, BUNDLE_PLATFORM, err);
	free(text);
	if (!e->platform)
		return -EINVAL;
	text = bundle_read(e->bundle, BUNDLE_VERDICT, VERDICT_FILE_MAX, &len, err);
	if (!text)
		return -EINVAL;
	e->recorded = verdict_json_parse(text, len, BUNDLE_VERDICT, err);
	free(text);
	return e->recorded ? exchanging_load(&e->exchanging, e->bundle, err) : -EINVAL;
}

/* The scope that was asked for then; by itself a verdict has the strongest there is. */
static void recall_scope(struct judging *g, const struct verdict *recorded)
{
	g->window_only = recorded->conds[COND_BASELINE].state == COND_NOT_APPLICABLE;
	if (recorded->scope == SCOPE_RUN)
		g->asked = JUDGE_RUN;
	else if (recorded->scope == SCOPE_SINCE_BOOT)
		g->asked = JUDGE_SINCE_BOOT;
}

/* What it was judged by then. */
static int load_conditions(struct evidence *e, struct judging *g, struct err *err)
{
	size_t len;
	char *text;

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
		recall_scope(g, e->recorded->verdict);
	if (!g->nonly)
		g->limit = limit_recall(e->recorded->verdict->limit, e->recorded->verdict->nlimit);
	return judging_limit(g, e->platform, err);
}

int evidence_load(struct evidence *e, struct judging *g, struct err *err)
{
	if (load_facts(e, err) < 0 || load_conditions(e, g, err) < 0)
		return -EINVAL;
	g->exchanging = &e->exchanging;
	if (bundle_file(e->bundle, BUNDLE_TRACE, &e->trace, err) < 0)
		return -EINVAL;
	e->stream =
		tracedat_open_part(e->trace.fd, e->trace.at, e->trace.size, e->path, e->names, err);
	return e->stream ? 0 : -EINVAL;
}

void evidence_run(const struct evidence *e, const char *path, struct run *run)
{
	*run = e->recorded->run;
	run->evidence = path;
	run->tool = "ccaio " VERSION;
	run->digest = e->digest;
}

static void note_unknown(const struct evidence *e, struct verdict *now)
{
	if (e->platform && e->platform->unknown)
		version_note(now,
			     "the facts have members that ccaio " VERSION
			     " does not know and did not judge: %s",
			     e->platform->unknown);
	if (e->exchanging.x && e->exchanging.x->unknown)
		version_note(now,
			     "exchanges.json has members that ccaio " VERSION
			     " does not know and did not judge: %s",
			     e->exchanging.x->unknown);
}

int evidence_compare(const struct evidence *e, struct verdict *now, bool alike, struct err *err)
{
	struct err what = { "" };

	if (e->recorded && !version_is_ours(&e->recorded->run))
		version_carry_over(now, e->recorded, alike);
	else if (e->recorded && alike && verdict_agrees(e->recorded->verdict, now, &what) < 0)
		return err_set(err, EBADMSG,
			       "%s: judged again, the result differs: %s; its verdict.json claims "
			       "to be of this version of ccaio, so it was forged or changed",
			       e->path, what.text);
	note_unknown(e, now);
	return 0;
}

int evidence_unchanged(const struct evidence *e, struct err *err)
{
	return e->bundle ? bundle_unchanged(e->bundle, err) : 0;
}

void evidence_release(struct evidence *e)
{
	stream_close(e->stream);
	exchanging_release(&e->exchanging);
	names_free(e->names);
	platform_free(e->platform);
	verdict_record_free(e->recorded);
	if (e->trace.fd >= 0)
		close(e->trace.fd);
	bundle_close(e->bundle);
	members_release(&e->file);
}
