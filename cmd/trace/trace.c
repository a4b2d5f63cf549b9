/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ccaio trace - run a program, record what the kernel says about DMA, judge it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd/common/cmd.h"
#include "cmd/common/judge.h"
#include "cmd/common/seal.h"
#include "cmd/common/traffic.h"
#include "cmd/trace/attach.h"
#include "cmd/trace/model.h"
#include "cmd/trace/options.h"
#include "cmd/trace/watch.h"
#include "collectors/bundle.h"
#include "collectors/canary/canary.h"
#include "collectors/facts/facts.h"
#include "collectors/process/command.h"
#include "collectors/process/files.h"
#include "collectors/tracedat/tracedat.h"
#include "collectors/tracedat/write.h"
#include "collectors/tracefs/boot-probes.h"
#include "collectors/tracefs/meta.h"
#include "collectors/tracefs/record.h"
#include "collectors/tracefs/state.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/policy.h"
#include "lib/evidence/stream.h"
#include "lib/evidence/text/redact.h"
#include "lib/verdict/verdict.h"
#include "reports/exchanges.h"
#include "reports/report.h"
#include "reports/rows/rows.h"

#define KILLED_MS 500 /* a killed program has so long to end before it is left */

struct trace {
	struct trace_options options;
	struct judging judging;
	struct exchanging exchanging;
	struct command *command; /* NULL: attached to what runs already */
	struct attach attach;
	struct watch watch; /* while it runs */
	struct recording rec;
	struct bundle *bundle;
	struct bundle_file trace_dat; /* its trace.dat while it is judged */
	struct tracedat_writer *writer;
	struct facts *facts;
	struct platform *platform;
	struct canaries canaries;
	struct names *names;
	struct stream *stream;
	struct verdict *verdict;
	char started[32], ended[32]; /* ISO 8601, UTC */
	char **shown; /* the command as reports show it, without credentials; NULL: as it is */
	bool begun;   /* the program ran while it was recorded */
	bool running; /* the command has been started and has not ended */
	bool sealed;  /* the bundle is whole */
};

static int open_bundle(struct trace *t, struct err *err)
{
	const char *what = t->options.argv   ? t->options.argv[0]
			   : t->options.comm ? t->options.comm
					     : "attached";

	t->bundle = trace_new_bundle(&t->options, what, err);
	return t->bundle ? 0 : -EIO;
}

static int open_writer(struct trace *t, struct err *err)
{
	t->writer = tracedat_writer_open(bundle_folder(t->bundle), BUNDLE_TRACE,
					 t->rec.instance.cpus, sysconf(_SC_PAGESIZE), err);
	if (!t->writer)
		return -EIO;
	return t->rec.boot_probes ? tracedat_writer_second(t->writer, BOOT_PROBES_BUFFER, err) : 0;
}

/* What a person should know about the recording before it begins. */
static void tell_armed(const struct trace *t)
{
	unsigned int barred = instance_barred_cpus();

	if (barred && t->judging.verbosity >= 0)
		cmd_say(&cmd_trace,
			"%u of the CPUs that are online may not be used here (a cpuset): where "
			"devices "
			"work there, the run cannot be PROVEN; run ccaio outside of the cpuset",
			barred);
	if (t->rec.boot_reason && t->judging.verbosity >= 0)
		cmd_say(&cmd_trace, "%s", t->rec.boot_reason);
	if (t->rec.probes_reason && t->judging.verbosity >= 0)
		cmd_say(&cmd_trace, "%s", t->rec.probes_reason);
	if (t->rec.metering.trouble && t->judging.verbosity >= 0)
		cmd_say(&cmd_trace, "--cost counts nothing: %s", t->rec.metering.trouble);
	if (t->judging.verbosity <= 0)
		return;
	for (size_t i = 0; i < t->rec.arming.nevents; i++)
		cmd_say(&cmd_trace, "armed %s", t->rec.arming.events[i]);
	for (size_t i = 0; i < t->rec.arming.nfailed; i++)
		cmd_say(&cmd_trace, "not armed %s", t->rec.arming.failed[i]);
}

/* The command, waiting to be let go; or the processes that run already. */
static int prepare_program(struct trace *t, struct err *err)
{
	const struct trace_options *o = &t->options;

	int ret;

	t->watch.quiet = o->judging.verbosity < 0;
	if (!o->argv) {
		ret = attach_open(&t->attach, o->pids, o->npids, o->comm, o->duration_ms, err);
		return ret < 0 ? ret : watch_open(&t->watch, t->attach.fd, err);
	}
	t->command = command_new(o->argv, o->user, err);
	return t->command ? watch_open(&t->watch, command_fd(t->command), err) : -EIO;
}

static int prepare(struct trace *t, struct err *err)
{
	struct recording_options options = {
		.buffer_bytes = t->options.buffer_bytes,
		.clock = t->options.clock,
		.cost = t->options.cost,
		.no_boot = t->options.judging.window_only || t->options.judging.asked == JUDGE_RUN,
	};
	int ret = judging_prepare(&t->judging, err);

	if (ret < 0)
		return ret;
	if (t->options.canary_url && !canary_can_http(err))
		return -EINVAL;
	ret = prepare_program(t, err);
	if (ret < 0)
		return ret;
	t->facts = facts_new(NULL);
	t->platform = facts_collect(t->facts);
	if (getenv("CCAIO_ROOT"))
		t->platform->root = xstrdup(getenv("CCAIO_ROOT"));
	facts_measure_copy(t->platform);
	facts_kernel_prepare(t->facts);
	options.types = facts_types(t->facts);
	ret = judging_limit(&t->judging, t->platform, err);
	if (ret == 0)
		ret = open_bundle(t, err);
	if (ret == 0)
		ret = recording_open(&t->rec, &options, err);
	if (ret == 0)
		ret = open_writer(t, err);
	if (ret < 0)
		return ret;
	tell_armed(t);
	/*
	 * Events from boot on are compared with the mark from boot on; so where this fails.  The
	 * mark of another run that is under way is left alone: a higher one does no harm here.
	 */
	if (!t->rec.from_boot && state_alone(&t->rec.state))
		facts_reset_hiwater(t->facts, NULL);
	return 0;
}

static int start_recording(struct trace *t, struct err *err)
{
	unsigned int cpus = t->rec.instance.cpus * (t->rec.boot_probes ? 2 : 1);
	int *out = xcalloc(cpus, sizeof(*out)), ret;

	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		out[cpu] = tracedat_writer_fd(t->writer, cpu);
	recording_watch_maps(&t->rec, t->platform);
	ret = recording_start(&t->rec, out, err);
	free(out);
	return ret;
}

/* Nothing more can be written there. */
static bool is_full(int ret)
{
	return ret == -ENOSPC || ret == -EDQUOT || ret == -EFBIG;
}

/*
 * The program has run: whatever failed then, what was recorded of it is kept and judged.  What it
 * lacks (markers, counters) the judge sees.
 */
static int go_on(struct trace *t, int ret, struct err *err)
{
	if (ret >= 0 || !t->begun || is_full(ret))
		return ret;
	cmd_say(&cmd_trace, "%s; what was recorded is kept without it", err->text);
	err->text[0] = '\0';
	return 0;
}

/* A command that has been started is let go on, whatever happened to the recording of it. */
static void let_end(struct trace *t)
{
	struct pollfd fd = { command_fd(t->command), POLLIN, 0 };

	while (!command_handle(t->command))
		poll(&fd, 1, -1);
}

/* The program did not end in the time that it had.  What there is is judged all the same. */
static void leave(struct trace *t)
{
	bool killed = command_killed(t->command);

	command_leave(t->command);
	t->running = false;
	cmd_say(&cmd_trace, "%s (process %d) %s; the recording ends here, and it is left as it is",
		t->options.argv[0], (int)command_pid(t->command),
		killed ? "was killed and has not ended" : "has not ended before --timeout");
}

/* Long work speaks, to a person at a terminal. */
static void tell_running(const struct trace *t)
{
	if (t->judging.verbosity < 0 || !isatty(STDERR_FILENO))
		return;
	if (t->command)
		cmd_say(&cmd_trace, "tracing %s (process %d), Ctrl-C stops", t->options.argv[0],
			(int)command_pid(t->command));
	else if (t->options.npids)
		cmd_say(&cmd_trace, "tracing pid %d%s, Ctrl-C stops", (int)t->options.pids[0],
			t->options.npids > 1 ? " and others" : "");
	else
		cmd_say(&cmd_trace, "tracing %s, Ctrl-C stops",
			t->options.comm ? t->options.comm : "all processes");
}

static int run_command(struct trace *t, struct err *err)
{
	int ret = command_go(t->command, err);

	t->running = t->begun = ret == 0;
	if (ret == 0)
		tell_running(t);
	if (ret == 0 && t->options.timeout_ms)
		ret = watch_within(&t->watch, t->options.timeout_ms, err);
	while (ret >= 0 && t->running) {
		ret = recording_wait(&t->rec, t->watch.fd, -1, err);
		t->running = !command_handle(t->command);
		watch_look(&t->watch);
		if (ret >= 0 && t->running && command_killed(t->command))
			ret = watch_within(&t->watch, KILLED_MS, err);
		if (ret >= 0 && t->running && t->watch.expired)
			leave(t);
	}
	return ret;
}

static int stay_attached(struct trace *t, struct err *err)
{
	int ret = attach_start(&t->attach, err);
	bool over = false;

	t->begun = ret >= 0;
	if (ret >= 0)
		tell_running(t);
	while (ret >= 0 && !over) {
		ret = recording_wait(&t->rec, t->watch.fd, -1, err);
		over = attach_handle(&t->attach);
		watch_look(&t->watch);
	}
	return ret;
}

/* Read the devices' counters, and say in the stream when that was. */
static int count(struct trace *t, void (*read)(struct facts *, struct platform *), struct err *err)
{
	int ret = recording_note(&t->rec, "count", err);

	if (ret < 0)
		return ret;
	read(t->facts, t->platform);
	return recording_note(&t->rec, "count", err);
}

/* Read the kernel's own memory, and say in the stream between which events that was. */
static int take_snapshot(struct trace *t, struct snapshot **to, struct err *err)
{
	int ret = recording_note(&t->rec, "memory", err);

	if (ret < 0)
		return ret;
	*to = facts_snapshot(t->facts);
	return recording_note(&t->rec, "memory", err);
}

/* After the program's end: last looks, stop markers, what is still in the buffers. */
static int close_window(struct trace *t, struct err *err)
{
	/* as the start markers before the first look: each CPU tells that it is in no softirq */
	int ret = recording_note_all(&t->rec, "rest", err);

	if (ret >= 0)
		ret = count(t, facts_count_after, err);
	if (ret >= 0)
		ret = take_snapshot(t, &t->platform->end, err);
	ret = go_on(t, ret, err);
	exchanging_window(&t->exchanging, false);
	return ret < 0 ? ret : go_on(t, recording_stop(&t->rec, err), err);
}

static void write_now(char text[32])
{
	time_t now = time(NULL);
	struct tm tm;

	strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}

/* The window: from the start markers through the command's life to the stop markers. */
static int record(struct trace *t, struct err *err)
{
	int ret;

	write_now(t->started);
	facts_before(t->facts, t->platform);
	ret = exchanging_start(&t->exchanging, t->bundle, err);
	if (ret == 0)
		ret = start_recording(t, err);
	if (ret < 0)
		return ret;
	exchanging_window(&t->exchanging, true);
	ret = take_snapshot(t, &t->platform->start, err);
	if (ret < 0)
		return ret;
	ret = count(t, facts_count_before, err);
	if (ret < 0)
		return ret;
	canary_run(&t->canaries, t->platform, t->rec.nonce, t->options.canary_url);
	ret = go_on(t, t->command ? run_command(t, err) : stay_attached(t, err), err);
	if (ret >= 0 && t->running) {
		let_end(t);
		t->running = false;
	}
	ret = ret < 0 ? ret : close_window(t, err);
	write_now(t->ended);
	if (ret >= 0)
		ret = exchanging_stop(&t->exchanging, t->command ? command_pid(t->command) : 0,
				      t->options.follow, err);
	if (ret >= 0 && !t->command) {
		processes_describe(&t->attach.processes, t->exchanging.x);
		files_of_tasks(t->exchanging.x, t->attach.processes.tasks,
			       t->attach.processes.ntasks);
	}
	if (ret >= 0 && t->command)
		files_of_command(t->exchanging.x, t->options.argv);
	if (ret >= 0)
		facts_after(t->facts, t->platform);
	facts_kernel_keep(t->facts);
	return ret;
}

/* Put what was recorded into the bundle. */
static int keep(struct trace *t, struct err *err)
{
	char *text;
	int ret = meta_write(&t->rec, t->writer, err);

	if (ret == 0)
		ret = tracedat_writer_finish(t->writer, err);
	tracedat_writer_close(t->writer);
	t->writer = NULL;
	if (ret < 0)
		return ret;
	recording_describe(&t->rec, t->platform);
	canary_describe(&t->canaries, t->platform);
	text = platform_format(t->platform);
	ret = bundle_write(t->bundle, BUNDLE_PLATFORM, text, strlen(text), err);
	free(text);
	return ret;
}

static int judge(struct trace *t, struct err *err)
{
	if (bundle_file(t->bundle, BUNDLE_TRACE, &t->trace_dat, err) < 0)
		return -EIO;
	t->names = names_new();
	t->stream = tracedat_open_fd(t->trace_dat.fd, BUNDLE_TRACE, t->names, err);
	if (!t->stream)
		return -EIO;
	t->judging.exchanging = &t->exchanging;
	t->verdict = judging_run(&t->judging, t->stream, t->names, t->platform, err);
	return t->verdict ? 0 : -EIO;
}

/* The last line: which swiotlb= the run needs. */
static void tell_pool(const struct trace *t, const struct report_input *in)
{
	struct rows *rows;

	if (t->judging.verbosity < 0)
		return;
	rows = rows_new(in);
	if (*rows->cost_pool)
		cmd_say(&cmd_trace, "bounce pool: %s", rows->cost_pool);
	rows_free(rows);
}

/* Judge, seal and report.  Returns the exit status. */
static int conclude(struct trace *t, struct err *err)
{
	int wait_status = t->command ? command_wait_status(t->command) : 0, status;
	struct run run = {
		.tool = "ccaio " VERSION,
		.evidence = bundle_path(t->bundle),
		.argv = t->options.argv,
		.exit_status = -1,
		.started = t->started,
		.ended = t->ended,
	};
	struct report_input in = { .run = &run, .platform = t->platform };

	if (!t->options.keep_arguments) {
		t->shown = redact_argv(t->options.argv, t->platform->trace.nonce);
		run.argv = t->shown;
		traffic_redact(t->exchanging.x, t->platform->trace.nonce);
	}
	if (t->command && !command_left(t->command)) {
		run.exit_status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
		run.term_signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
	}
	if (judge(t, err) < 0)
		return cmd_fail(&cmd_trace, err);
	in.verdict = t->verdict;
	in.exchanges = t->exchanging.x;
	in.exchanges_shown = t->options.live;
	run.recorder = t->stream->info.recorder;
	run.policy = t->judging.policy ? t->judging.policy->name : NULL;
	if (seal_bundle(t->bundle, &t->judging, &t->exchanging, &in, t->platform->trace.nonce,
			err) < 0)
		return cmd_fail(&cmd_trace, err);
	t->sealed = true;
	trace_tell_bundle(&t->options, bundle_path(t->bundle));
	status = judging_report(&cmd_trace, &t->judging, &in);
	fflush(stdout);
	tell_pool(t, &in);
	if (t->options.command_status && status != CMD_TROUBLE)
		status = command_exit_status(t->command);
	return status;
}

/* Nothing half-written stays. */
static void discard(struct trace *t)
{
	tracedat_writer_close(t->writer);
	t->writer = NULL;
	if (t->bundle)
		bundle_discard(t->bundle);
	bundle_close(t->bundle);
	t->bundle = NULL;
}

static void release(struct trace *t)
{
	redact_free(t->shown);
	verdict_free(t->verdict);
	exchanging_release(&t->exchanging);
	stream_close(t->stream);
	if (t->trace_dat.fd >= 0)
		close(t->trace_dat.fd);
	names_free(t->names);
	canary_release(&t->canaries);
	platform_free(t->platform);
	facts_free(t->facts);
	tracedat_writer_close(t->writer);
	bundle_close(t->bundle);
	watch_close(&t->watch);
	command_free(t->command);
	attach_release(&t->attach);
	judging_release(&t->judging);
}

static int run(struct trace *t)
{
	struct err err = { "" }, close_err = { "" };
	int ret, status = CMD_TROUBLE;

	ret = prepare(t, &err);
	if (ret == 0)
		ret = record(t, &err);
	if (ret >= 0)
		ret = keep(t, &err);
	if (ret < 0)
		cmd_fail(&cmd_trace, &err);
	/* from here on nothing in the kernel is ours any more */
	if (recording_close(&t->rec, &close_err) < 0) {
		cmd_fail(&cmd_trace, &close_err);
		ret = -EIO;
	}
	if (ret >= 0)
		status = conclude(t, &err);
	if (!t->sealed)
		discard(t);
	if (t->running)
		let_end(t);
	release(t);
	return status;
}

/* In the capture's thread: the main one says nothing before the window is closed. */
static void show_live(void *ctx, const struct exchanges *x, const struct exchange *row)
{
	const struct trace *t = ctx;
	bool json = false;

	for (size_t i = 0; i < t->judging.noutputs; i++) {
		const struct judging_output *out = &t->judging.outputs[i];

		json |= cmd_to_stdout(out->path) && out->report && out->report == &report_jsonl;
	}
	if (json)
		exchanges_json_line(stdout, x, row);
	else
		exchanges_line(stdout, x, row);
	fflush(stdout);
}

static void set_capture(struct trace *t)
{
	const struct trace_options *o = &t->options;

	t->exchanging.payload = o->no_payload	  ? PACKETS_IGNORE
				: o->keep_payload ? PACKETS_KEEP
						  : PACKETS_LOOK;
	t->exchanging.snaplen = o->snaplen;
	t->exchanging.filter = o->capture_filter;
	t->exchanging.off = o->no_capture;
	t->exchanging.over = o->live ? show_live : NULL;
	t->exchanging.ctx = t;
}

static int trace(int argc, char **argv)
{
	struct trace t = { .attach = ATTACH_INIT,
			   .trace_dat.fd = -1,
			   .watch = WATCH_NONE,
			   .rec = RECORDING_INIT };
	struct err err = { "" };
	int ret = trace_options_parse(&t.options, argc, argv, &err);

	if (ret < 0)
		return cmd_usage(&cmd_trace, "%s", err.text);
	if (ret > 0)
		return options_help(stdout, cmd_trace.name, cmd_trace.usage), CMD_OK;
	set_capture(&t);
	if (t.options.model)
		return trace_model(&t.options);
	t.judging = t.options.judging;
	return run(&t);
}

const struct cmd cmd_trace = {
	.name = "trace",
	.summary = "run a program, record its I/O, judge it and report",
	.usage = &trace_usage,
	.run = trace,
};
