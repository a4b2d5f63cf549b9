/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the bounce path tells, written as evidence and read back, is judged as the events
 * themselves are: on every device, transport and ring format, and with every fault.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/selftest/plan.h"
#include "collectors/tracedat/tracedat.h"
#include "collectors/tracedat/write-events.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/bounce/selftest/catalogue.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/policy.h"
#include "lib/evidence/stream.h"
#include "lib/judge/judge.h"
#include "lib/verdict/diff.h"
#include "lib/verdict/verdict.h"
#include "tests/unit/test.h"

static char path[64]; /* in memory where there is such a folder: thousands of files are synced */

static struct verdict *judge_file(const struct platform *p, uint64_t max_stale, struct err *err)
{
	struct policy policy = { .max_out_bytes = POLICY_NO_LIMIT, .max_stale_bytes = max_stale };
	struct judge_options options = { .policy = &policy };
	struct names *names = names_new();
	struct stream *s = tracedat_open(path, names, err);
	struct judge *j = judge_new(p, names, &options);
	struct event events[256];
	struct verdict *v = NULL;
	ssize_t n = s ? 0 : -1;

	while (s && (n = stream_read(s, events, 256, err)) > 0)
		judge_feed(j, events, n);
	if (n == 0)
		v = judge_finish(j, &s->info);
	judge_free(j);
	stream_close(s);
	names_free(names);
	return v;
}

static bool same_example(const struct counterexample *a, const struct counterexample *b)
{
	return a->claim == b->claim && a->seq == b->seq && a->memory == b->memory &&
	       a->event.kind == b->event.kind && a->event.ts_ns == b->event.ts_ns &&
	       a->event.dma == b->event.dma && a->event.size == b->event.size &&
	       a->event.pid == b->event.pid && !a->device == !b->device &&
	       (!a->device || strcmp(a->device, b->device) == 0) &&
	       (!a->comm || (b->comm && strcmp(a->comm, b->comm) == 0)) &&
	       strcmp(a->text, b->text) == 0;
}

static int same_verdict(const struct verdict *live, const struct verdict *again, struct err *err)
{
	int ret = verdict_agrees(live, again, err);

	if (ret == 0 && live->nexamples != again->nexamples)
		ret = err_set(err, EINVAL, "%zu counterexamples became %zu", live->nexamples,
			      again->nexamples);
	for (size_t i = 0; i < live->nexamples && ret == 0; i++) {
		if (!same_example(&live->examples[i], &again->examples[i]))
			ret = err_set(err, EINVAL, "counterexample %zu became another: %s | %s", i,
				      live->examples[i].text, again->examples[i].text);
	}
	return ret;
}

struct comparison {
	struct err err;
	int ret; /* 1: never judged */
};

static void judged(void *ctx, struct machine *m, const struct platform *p, uint64_t max_stale,
		   const struct verdict *live)
{
	struct comparison *c = ctx;
	char *facts = platform_format(p);
	struct platform *again = platform_parse(facts, strlen(facts), "platform.json", &c->err);
	struct verdict *v = NULL;

	c->ret = model_trace_write(AT_FDCWD, path, m->events, m->nevents, m->names, p, &c->err);
	if (c->ret == 0 && again)
		v = judge_file(again, max_stale, &c->err);
	if (c->ret == 0)
		c->ret = v ? same_verdict(live, v, &c->err) : -1;
	verdict_free(v);
	platform_free(again);
	free(facts);
}

static bool compare(struct plan_run *r)
{
	struct comparison c = { .ret = 1 };
	struct selftest_result result;
	char *what;

	r->run.judged = judged;
	r->run.ctx = &c;
	plan_run_execute(r, &result);
	if (c.ret == 0 && result.passed)
		return true;
	what = plan_describe(r);
	printf("# %s: %s\n", what, c.ret == 1 ? "was not judged" : c.ret ? c.err.text : result.why);
	free(what);
	return false;
}

int main(void)
{
	unsigned int bad[5] = { 0 }, runs[5] = { 0 };
	struct plan plan;
	int fd;

	snprintf(path, sizeof(path), "%s/ccaio-evidence-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	fd = mkstemp(path);

	check(fd >= 0 && close(fd) == 0);
	check(!plan_make(&plan, 1, 1, NULL));
	for (size_t i = 0; i < plan.count; i++) {
		struct plan_run *r = &plan.runs[i];
		bool one_of_four = i % 4 == i / 4 % 4;

		/* every fault at every place, in one of its four ring formats */
		if ((r->kind == PLAN_FAULT || r->kind == PLAN_TRICK) && !one_of_four)
			continue;
		runs[r->kind]++;
		bad[r->kind] += !compare(r);
	}
	for (int k = 0; k < 5; k++) {
		printf("# %u runs, %u differ\n", runs[k], bad[k]);
		check(runs[k] && !bad[k]);
	}
	plan_release(&plan);
	unlink(path);
	return done();
}
