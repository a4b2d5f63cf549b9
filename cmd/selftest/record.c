/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd/selftest/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/judge.h"
#include "cmd/common/seal.h"
#include "cmd/selftest/plan.h"
#include "collectors/bundle.h"
#include "collectors/tracedat/tracedat.h"
#include "collectors/tracedat/write-events.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/bounce/memory/task.h"
#include "lib/bounce/selftest/machine.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/policy.h"
#include "lib/evidence/run.h"
#include "lib/evidence/stream.h"
#include "lib/verdict/verdict.h"
#include "reports/report.h"

struct recording {
	const char *path;
	uint64_t seed;
	struct err *err;
	int ret; /* 1: the run did not come so far */
};

static int take_limit(struct judging *judging, uint64_t max_stale, struct err *err)
{
	char *text;

	if (max_stale == POLICY_NO_LIMIT)
		return 0;
	text = xasprintf("{\"schema\": \"ccaio.policy/1\", \"limits\": {\"stale_bytes\": %" PRIu64
			 "}}\n",
			 max_stale);
	return judging_take_policy(judging, text, strlen(text), BUNDLE_POLICY, err);
}

/* Judge what was written, as anybody will who reads it. */
static int judge_and_seal(const struct recording *r, struct bundle *b, const struct platform *p,
			  uint64_t max_stale)
{
	struct run run = { .tool = "ccaio " VERSION, .evidence = r->path, .exit_status = -1 };
	struct report_input in = { .platform = p, .run = &run };
	struct names *names = names_new();
	struct bundle_file file = { .fd = -1 };
	struct judging judging = { 0 };
	struct stream *stream = NULL;
	struct verdict *v = NULL;
	int ret = judging_prepare(&judging, r->err);

	if (ret == 0)
		ret = take_limit(&judging, max_stale, r->err);
	if (ret == 0) {
		if (bundle_file(b, BUNDLE_TRACE, &file, r->err) == 0)
			stream = tracedat_open_fd(file.fd, BUNDLE_TRACE, names, r->err);
		v = stream ? judging_run(&judging, stream, names, p, r->err) : NULL;
		ret = v ? 0 : -EINVAL;
	}
	if (ret == 0) {
		run.recorder = stream->info.recorder;
		run.policy = judging.policy ? judging.policy->name : NULL;
		in.verdict = v;
		ret = seal_bundle(b, &judging, NULL, &in, r->seed, r->err);
	}
	verdict_free(v);
	stream_close(stream);
	if (file.fd >= 0)
		close(file.fd);
	names_free(names);
	judging_release(&judging);
	return ret;
}

static void write_bundle(void *ctx, struct machine *m, const struct platform *p, uint64_t max_stale,
			 const struct verdict *v)
{
	struct recording *r = ctx;
	struct bundle *b = bundle_create(r->path, r->err);
	char *facts = platform_format(p);

	(void)v; /* the judge's own: what counts is what the files say */
	r->ret = -EIO;
	if (!b)
		goto out;
	r->ret = model_trace_write(bundle_folder(b), BUNDLE_TRACE, m->events, m->nevents, m->names,
				   p, r->err);
	if (r->ret == 0)
		r->ret = bundle_write(b, BUNDLE_PLATFORM, facts, strlen(facts), r->err);
	if (r->ret == 0)
		r->ret = judge_and_seal(r, b, p, max_stale);
	if (r->ret < 0)
		bundle_discard(b);
out:
	bundle_close(b);
	free(facts);
}

int selftest_record(const char *path, struct plan_run *run, struct err *err)
{
	struct recording r = { path, run->run.config.seed, err, 1 };
	struct names *names = names_new();
	struct selftest_result result;

	task_current()->pid = 1;
	task_current()->comm = names_intern(names, "model", 5);
	run->run.config.names = names;
	run->run.judged = write_bundle;
	run->run.ctx = &r;
	plan_run_execute(run, &result);
	run->run.config.names = NULL;
	names_free(names);
	if (r.ret == 0 && !result.passed)
		return err_set(err, EIO, "%s is not as it must be: %s", path, result.why);
	return r.ret == 1 ? err_set(err, EIO, "the run failed: %s", result.why) : r.ret;
}
