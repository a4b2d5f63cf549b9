/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd/selftest-record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/judging.h"
#include "cmd/model-trace.h"
#include "collectors/bundle.h"
#include "collectors/tracedat.h"
#include "lib/bounce/machine.h"
#include "lib/bounce/task.h"
#include "lib/err.h"
#include "lib/names.h"
#include "lib/platform.h"
#include "lib/run.h"
#include "lib/stream.h"
#include "lib/verdict-json.h"
#include "lib/verdict.h"
#include "lib/xalloc.h"

#define ROUNDS 50u

/* Judge what was written, as anybody will who reads it. */
static int write_verdict(struct bundle *b, const char *trace, const struct platform *p,
			 struct err *err)
{
	struct judging judging = { 0 };
	struct names *names = names_new();
	struct stream *stream = NULL;
	struct verdict *v = NULL;
	struct run run = { .tool = "ccaio " VERSION, .exit_status = -1 };
	char *text = NULL;
	int ret = judging_prepare(&judging, err);

	if (ret == 0) {
		stream = tracedat_open(trace, names, err);
		v = stream ? judging_run(&judging, stream, names, p, err) : NULL;
		ret = v ? 0 : -EINVAL;
	}
	if (ret == 0) {
		text = verdict_json_format(v, &run);
		ret = bundle_write(b, BUNDLE_VERDICT, text, strlen(text), err);
	}
	free(text);
	verdict_free(v);
	stream_close(stream);
	names_free(names);
	judging_release(&judging);
	return ret;
}

static int write_bundle(const char *path, struct machine *m, uint64_t seed, struct err *err)
{
	struct platform *p = machine_platform(m);
	struct bundle *b = bundle_create(path, err);
	char *trace = xasprintf("%s/" BUNDLE_TRACE, path), *facts = platform_format(p);
	int ret = -EIO;

	if (!b)
		goto out;
	ret = model_trace_write(trace, m->events, m->nevents, m->names, p, err);
	if (ret == 0)
		ret = bundle_write(b, BUNDLE_PLATFORM, facts, strlen(facts), err);
	if (ret == 0)
		ret = write_verdict(b, trace, p, err);
	if (ret == 0)
		ret = bundle_finish(b, seed, err);
	if (ret < 0)
		bundle_discard(b);
out:
	bundle_close(b);
	free(facts);
	free(trace);
	platform_free(p);
	return ret;
}

int selftest_record(const char *path, uint64_t seed, struct err *err)
{
	struct machine_config config = { .device = MACHINE_NET,
					 .transport = MACHINE_PCI,
					 .indirect = true,
					 .event_idx = true,
					 .alias = true,
					 .seed = seed };
	struct exercise x = { 0 };
	struct machine m;
	int ret = machine_open(&m, &config, err);

	if (ret < 0)
		return ret;
	task_current()->pid = 1;
	task_current()->comm = bounce_trace_name(m.trace, "model");
	ret = machine_start(&m, err);
	if (ret == 0) {
		machine_exercise(&m, ROUNDS, &x);
		machine_stop(&m);
		ret = x.failed ? err_set(err, EIO, "the model's own run failed: %s", x.why)
			       : write_bundle(path, &m, seed, err);
	}
	machine_close(&m);
	return ret;
}
