/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of ccaio trace. */
#include "cmd/trace/options.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include "cmd/common/cmd.h"
#include "collectors/bundle.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "reports/report.h"

/* "10", "0.5": seconds in milliseconds, at least one, at most a year. */
static bool seconds(const char *text, uint64_t *ms)
{
	char *end;
	double s = isdigit((unsigned char)text[0]) || text[0] == '.' ? strtod(text, &end) : -1;

	if (!(s >= 0.001 && s <= 365.0 * 86400) || *end)
		return false;
	*ms = (uint64_t)(s * 1000);
	return true;
}

static int take_output(void *options, const char *value, struct err *err)
{
	return judging_take_output(&((struct trace_options *)options)->judging, value, err);
}

static int take_buffer(void *options, const char *value, struct err *err)
{
	struct trace_options *o = options;

	if (options_size(value, &o->buffer_bytes))
		return 0;
	return err_set(err, EINVAL, "-b takes a size such as 64K or 8M, not '%s'", value);
}

static int take_pid(void *options, const char *value, struct err *err)
{
	struct trace_options *o = options;
	uint64_t pid;

	if (!options_number(value, 1, INT32_MAX, &pid))
		return err_set(err, EINVAL, "--pid takes a process number, not '%s'", value);
	if (o->npids == TRACE_PIDS)
		return err_set(err, EINVAL, "more than %d times --pid", TRACE_PIDS);
	o->pids[o->npids++] = (int32_t)pid;
	return 0;
}

/* By name, or by number. */
static int take_group(void *options, const char *value, struct err *err)
{
	struct trace_options *o = options;
	const struct group *group = getgrnam(value);
	uint64_t number;

	if (group)
		number = group->gr_gid;
	else if (!options_number(value, 0, UINT32_MAX - 1, &number))
		return err_set(err, EINVAL, "--group: there is no group '%s'", value);
	o->group = number + 1;
	return 0;
}

static int take_duration(void *options, const char *value, struct err *err)
{
	struct trace_options *o = options;

	if (seconds(value, &o->duration_ms))
		return 0;
	return err_set(err, EINVAL, "--duration takes seconds, not '%s'", value);
}

static int take_timeout(void *options, const char *value, struct err *err)
{
	struct trace_options *o = options;

	if (seconds(value, &o->timeout_ms))
		return 0;
	return err_set(err, EINVAL, "--timeout takes seconds, not '%s'", value);
}

/* What is recorded, and where it goes. */
static const struct opt output_rows[] = {
	{ 'o', "output", "NAME",
	  "directory for the evidence (default: ./CMD-TIME.ccaio), or, with -f or an ending such "
	  "as .sarif, a report's file; may be repeated",
	  OPT_CALL(take_output) },
	{ 0 },
};

static const struct opt record_rows[] = {
	{ 'b', "buffer", "SIZE", "ring buffer per CPU, K, M or G (default: 4M)",
	  OPT_CALL(take_buffer) },
	{ 'C', "clock", "CLOCK", "trace clock (default: mono)",
	  OPT_TEXT(struct trace_options, clock) },
	{ 'u', "user", "USER", "run CMD as USER", OPT_TEXT(struct trace_options, user) },
	{ 'F', "follow", NULL, "count the I/O of CMD's children as CMD's (default)",
	  OPT_SET(struct trace_options, follow) },
	{ 0, "no-follow", NULL, "count only CMD's own I/O",
	  OPT_CLEAR(struct trace_options, follow) },
	{ 0, "exit-code", "verdict|command",
	  "exit with the verdict's status (default) or with CMD's",
	  OPT_EITHER(struct trace_options, command_status) },
	{ 0, "timeout", "SECONDS", "stop recording after this time, judge, and leave CMD running",
	  OPT_CALL(take_timeout) },
	{ 0, "canary", "URL", "HTTP request to URL as proof that network events are seen",
	  OPT_TEXT(struct trace_options, canary_url) },
	{ 0, "pid", "PID", "trace a running process; may be repeated", OPT_CALL(take_pid) },
	{ 0, "comm", "NAME", "trace all processes with this name",
	  OPT_TEXT(struct trace_options, comm) },
	{ 0, "duration", "SECONDS",
	  "stop after this time (default: when the processes end, or at an interrupt)",
	  OPT_CALL(take_duration) },
	{ 0, "cost", NULL, "let the kernel sum up what bouncing copies, and how long it takes",
	  OPT_SET(struct trace_options, cost) },
	{ 0, "live", NULL, "print a line per exchange as it completes (JSON with -f jsonl)",
	  OPT_SET(struct trace_options, live) },
	{ 0, "capture-filter", "EXPR", "capture only packets that match, see pcap-filter(7)",
	  OPT_TEXT(struct trace_options, capture_filter) },
	{ 0, "snaplen", "BYTES", "capture at most this much of each packet (default: all)",
	  OPT_NUMBER(struct trace_options, snaplen, 64, 262144) },
	{ 0, "no-payload", NULL, "look at headers only, not at payload",
	  OPT_SET(struct trace_options, no_payload) },
	{ 0, "payload", NULL, "keep payload in the bundle; it may be secret",
	  OPT_SET(struct trace_options, keep_payload) },
	{ 0, "group", "GROUP", "let this group read the bundle (default: only the user)",
	  OPT_CALL(take_group) },
	{ 0, "keep-arguments", NULL,
	  "keep what looks like a credential in CMD's arguments and in URLs",
	  OPT_SET(struct trace_options, keep_arguments) },
	{ 0, "no-capture", NULL, "no packets, no exchanges",
	  OPT_SET(struct trace_options, no_capture) },
	{ 0, "model", NULL, "no kernel: CMD's connection crosses the built-in bounce path",
	  OPT_SET(struct trace_options, model) },
	{ 0, "device", "net|console", "the model's device (default: net)",
	  OPT_WORD(struct trace_options, device) },
	{ 0, "transport", "pci|mmio|msg1-static|msg2-static|msg1-dynamic|msg2-dynamic",
	  "the model's transport (default: pci)", OPT_WORD(struct trace_options, transport) },
	{ 0 },
};

const struct usage trace_usage = {
	.synopsis = "[options] [--] CMD [ARG...]\n"
		    "[options] [--pid=PID]... [--comm=NAME] [--duration=SECONDS]",
	.about = "Run CMD, record what the kernel says about DMA meanwhile, judge it, report.",
	.more = judging_print_formats,
	.command_follows = true,
	.groups = { { output_rows, 0 },
		    { judging_look, offsetof(struct trace_options, judging) },
		    { judging_by, offsetof(struct trace_options, judging) },
		    { record_rows, 0 } },
};

/* What options cannot stand together. */
static int check_together(const struct trace_options *o, bool command, struct err *err)
{
	bool attached = o->npids || o->comm || o->duration_ms;
	const char *why = NULL;

	if (!command && !attached)
		why = "no command to trace";
	else if (command && attached)
		why = "either a command, or --pid, --comm, --duration";
	else if (attached && o->user)
		why = "-u is for a command";
	else if (attached && o->timeout_ms)
		why = "--timeout is for a command; --duration for what runs already";
	else if (o->model && o->timeout_ms)
		why = "--model has no --timeout";
	else if (attached && o->command_status)
		why = "--exit-code command is for a command";
	else if (o->no_payload && o->keep_payload)
		why = "either --payload or --no-payload";
	else if (o->model && !command)
		why = "--model is for a command";
	else if ((o->device || o->transport) && !o->model)
		why = "--device and --transport choose the model's: give --model, too";
	else if (o->model && o->cost)
		why = "--cost asks the kernel: --model has none";
	else if (o->model && (o->live || o->no_capture || o->capture_filter || o->canary_url ||
			      o->judging.rmm_path))
		why = "--model has no --live, --no-capture, --capture-filter, --canary or "
		      "--rmm-log";
	else if (o->model && o->judging.nonly)
		why = "--only-device chooses among a machine's devices: --model has one";
	else if (o->canary_url && strncasecmp(o->canary_url, "http://", 7) != 0)
		why = "--canary takes an http:// URL";
	else if (o->no_capture && (o->live || o->keep_payload || o->no_payload))
		why = "--no-capture leaves nothing to show or to keep";
	return why ? err_set(err, EINVAL, "%s", why) : 0;
}

/* By its name alone: .ccaio, or a directory that is there. */
static bool is_bundle(const char *name)
{
	size_t len = strlen(name);
	struct stat st;

	while (len > 1 && name[len - 1] == '/')
		len--;
	return (len > 6 && strncmp(name + len - 6, ".ccaio", 6) == 0) ||
	       (len > 10 && strncmp(name + len - 10, ".ccaio.tar", 10) == 0) ||
	       (!cmd_to_stdout(name) && stat(name, &st) == 0 && S_ISDIR(st.st_mode));
}

static int take_bundle(struct trace_options *o, const char *name, struct err *err)
{
	if (o->bundle)
		return err_set(err, EINVAL,
			       "--output names two bundles; the bundle's name ends in .ccaio, the "
			       "report's needs --format or an ending such as .sarif");
	o->bundle = name;
	return 0;
}

/* -o names the bundle and the reports; which is which depends on endings and on --format. */
static int sort_outputs(struct trace_options *o, struct err *err)
{
	struct judging *g = &o->judging;
	size_t n = 0;

	for (size_t i = 0; i < g->nwords; i++) {
		const char *path = g->words[i].path;

		if (!path || !is_bundle(path))
			g->words[n++] = g->words[i];
		else if (take_bundle(o, path, err) < 0)
			return -EINVAL;
	}
	g->nwords = n;
	if (judging_settle(g, err) < 0)
		return -EINVAL;
	n = 0;
	for (size_t i = 0; i < g->noutputs; i++) {
		const struct judging_output *out = &g->outputs[i];

		if (!out->path || out->report || cmd_to_stdout(out->path))
			g->outputs[n++] = *out;
		else if (take_bundle(o, out->path, err) < 0)
			return -EINVAL;
	}
	g->noutputs = n;
	return 0;
}

/* A format for machines would be mixed with what CMD writes, unless a path asks for just that. */
static int check_shared(const struct trace_options *o, struct err *err)
{
	for (size_t i = 0; o->argv && !o->live && i < o->judging.noutputs; i++) {
		const struct judging_output *out = &o->judging.outputs[i];

		if (!out->path && out->report && !out->report->console)
			return err_set(
				err, EINVAL,
				"the %s report would be mixed with the output of %s: give it "
				"a file with -o",
				out->report->name, o->argv[0]);
	}
	return 0;
}

int trace_options_parse(struct trace_options *options, int argc, char **argv, struct err *err)
{
	int first;

	*options = (struct trace_options){ .follow = true };
	first = options_parse(&trace_usage, options, argc, argv, err);
	if (first <= 0)
		return first ? first : 1;
	options->argv = first == argc ? NULL : argv + first;
	if (sort_outputs(options, err) < 0)
		return -EINVAL;
	if (check_together(options, options->argv, err) < 0)
		return -EINVAL;
	return check_shared(options, err);
}

/* A new bundle's name: "keybroker-app-20261120-184000.ccaio".  The caller frees. */
static char *default_bundle(const char *command)
{
	const char *slash = strrchr(command, '/');
	time_t now = time(NULL);
	char stamp[32];
	struct tm tm;

	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", localtime_r(&now, &tm));
	return xasprintf("%s-%s.ccaio", slash && slash[1] ? slash + 1 : command, stamp);
}

void trace_tell_bundle(const struct trace_options *options, const char *path)
{
	const struct judging *g = &options->judging;
	bool said = options->bundle;

	/* the text report names it */
	for (size_t i = 0; i < g->noutputs && g->verbosity >= 0; i++)
		said |= cmd_to_stdout(g->outputs[i].path) &&
			(!g->outputs[i].report || g->outputs[i].report->console);
	if (!said && g->noutputs + (g->verbosity < 0))
		cmd_say(&cmd_trace, "the evidence is in %s", path);
}

struct bundle *trace_new_bundle(const struct trace_options *o, const char *what, struct err *err)
{
	char *made = o->bundle ? NULL : default_bundle(what);
	struct bundle *b = bundle_create(made ? made : o->bundle, err);

	free(made);
	if (b && o->group && bundle_share(b, (gid_t)(o->group - 1), err) < 0) {
		bundle_discard(b);
		bundle_close(b);
		return NULL;
	}
	return b;
}
