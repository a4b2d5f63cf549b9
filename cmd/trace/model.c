/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd/trace/model.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
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
#include "cmd/trace/options.h"
#include "collectors/bundle.h"
#include "collectors/model/model.h"
#include "collectors/packets/packet-file.h"
#include "collectors/process/command.h"
#include "collectors/tracedat/tracedat.h"
#include "collectors/tracedat/write-events.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/policy.h"
#include "lib/evidence/stream.h"
#include "lib/evidence/text/redact.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/traffic.h"
#include "lib/net/flow.h"
#include "lib/verdict/verdict.h"
#include "reports/report.h"

#define IFACE_INDEX 1 /* of the model's one interface, in packets.pcap */

struct model_run {
	const struct trace_options *options;
	struct judging judging;
	struct exchanging exchanging;
	struct model_options model_options;
	struct names *names; /* of the model */
	struct model *model;
	char *server; /* "host:port" of the URL in the command's arguments */
	char **shown; /* the command as reports show it; NULL: as it is */
	char **argv;  /* the command, with the model in that URL's place */
	char *url;    /* that argument */
	struct command *command;
	struct bundle *bundle;
	struct bundle_file trace_dat; /* its trace.dat */
	FILE *pcap;
	struct packet_writer writer;
	struct traffic *traffic;
	struct platform *platform;
	struct event *events;
	size_t nevents, cap_events;
	struct names *judged_names;
	struct stream *stream;
	struct verdict *verdict;
	char started[32];
	bool sealed;
};

/* ---- what the command is told ---- */

/* Behind "user:password@": that is the command's, and no part of any message. */
static const char *authority(const char *url)
{
	const char *at = memrchr(url, '@', strcspn(url, "/?# "));

	return at ? at + 1 : url;
}

/*
 * The first http:// URL among the arguments names the server; in its place the
 * command gets the model's port.
 */
static int find_server(struct model_run *r, struct err *err)
{
	static const char scheme[] = "http://";

	for (char *const *arg = r->options->argv; *arg; arg++) {
		const char *url = strstr(*arg, scheme);
		size_t len;

		if (!url)
			continue;
		url += strlen(scheme);
		url = authority(url);
		len = strcspn(url, "/?# ");
		if (!len)
			continue;
		r->server = xasprintf("%.*s%s", (int)len, url, memchr(url, ':', len) ? "" : ":80");
		return 0;
	}
	return err_set(err, EINVAL,
		       "--model needs an http:// URL among the command's arguments: its connection "
		       "goes through the bounce path");
}

static void rewrite_argv(struct model_run *r)
{
	size_t n = 0;

	while (r->options->argv[n])
		n++;
	r->argv = xcalloc(n + 1, sizeof(*r->argv));
	for (size_t i = 0; i < n; i++) {
		char *arg = r->options->argv[i], *at = strstr(arg, "http://");

		r->argv[i] = arg;
		if (!at || r->url)
			continue;
		at = arg + (authority(at + strlen("http://")) - arg);
		r->url = xasprintf("%.*s127.0.0.1:%u%s", (int)(at - arg), arg, model_port(r->model),
				   at + strcspn(at, "/?# "));
		r->argv[i] = r->url;
	}
}

/* ---- the packets, in the model's thread ---- */

static void take_packet(void *ctx, const struct packet *packet)
{
	struct model_run *r = ctx;

	traffic_packet(r->traffic, packet);
	if (r->pcap)
		packet_writer_add(&r->writer, packet, IFACE_INDEX);
}

static int64_t clock_offset(void)
{
	struct timespec mono, real;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	return (real.tv_sec - mono.tv_sec) * 1000000000ll + (real.tv_nsec - mono.tv_nsec);
}

static int start_capture(struct model_run *r, struct err *err)
{
	const struct trace_options *o = r->options;
	struct traffic_options traffic = { .headers_only = o->no_payload };
	int fd = bundle_new_file(r->bundle, BUNDLE_PACKETS, err);

	if (fd < 0)
		return fd;
	r->pcap = fdopen(fd, "w");
	if (!r->pcap) {
		close(fd);
		return err_sys(err, "cannot write " BUNDLE_PACKETS);
	}
	r->writer = (struct packet_writer){ r->pcap, o->keep_payload, clock_offset() };
	packet_writer_begin(&r->writer);
	r->traffic = traffic_new(r->names, &traffic);
	return 0;
}

static int stop_capture(struct model_run *r, struct err *err)
{
	struct exchanges *x = traffic_finish(r->traffic);
	struct exchange_iface *iface = exchanges_iface(x, "eth0");
	int ret = 0;

	r->traffic = NULL;
	x->capture.realtime_offset_ns = r->writer.offset_ns;
	x->capture.on = true;
	if (iface)
		iface->index = IFACE_INDEX;
	x->program.roots[x->program.nroots++] = command_pid(r->command);
	x->program.no_follow = !r->options->follow;
	if (fclose(r->pcap) != 0)
		ret = err_sys(err, "cannot write " BUNDLE_PACKETS);
	r->pcap = NULL;
	r->exchanging.x = x;
	r->exchanging.bundle = r->bundle;
	return ret;
}

/* ---- the run ---- */

static int choose(const char *given, int count, const char *(*name)(int), int *out)
{
	if (!given)
		return 0;
	for (int i = 0; i < count; i++) {
		if (strcmp(given, name(i)) == 0) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

static const char *device_name(int i)
{
	return machine_device_name(i);
}

static const char *transport_name(int i)
{
	return machine_transport_name(i);
}

static int set_model(struct model_run *r, struct err *err)
{
	const struct trace_options *o = r->options;
	int device = MACHINE_NET, transport = MACHINE_PCI;
	const char *slash = strrchr(o->argv[0], '/');

	if (choose(o->device, MACHINE_DEVICES, device_name, &device) < 0 ||
	    (device != MACHINE_NET && device != MACHINE_CONSOLE))
		return err_set(err, EINVAL, "the model's device is net or console, not '%s'",
			       o->device);
	if (choose(o->transport, MACHINE_TRANSPORTS, transport_name, &transport) < 0)
		return err_set(err, EINVAL, "the model has no transport '%s'; see --help",
			       o->transport);
	r->model_options = (struct model_options){ .device = device,
						   .transport = transport,
						   .event_idx = true,
						   .seed = (uint64_t)time(NULL),
						   .server = r->server,
						   .comm = slash ? slash + 1 : o->argv[0],
						   .packet = take_packet,
						   .ctx = r };
	return 0;
}

static int prepare(struct model_run *r, struct err *err)
{
	const struct trace_options *o = r->options;
	int ret = judging_prepare(&r->judging, err);
	sigset_t all, old;

	if (ret == 0)
		ret = find_server(r, err);
	if (ret == 0)
		ret = set_model(r, err);
	if (ret == 0) {
		r->bundle = trace_new_bundle(o, o->argv[0], err);
		ret = r->bundle ? start_capture(r, err) : -EIO;
	}
	if (ret < 0)
		return ret;
	/* signals are the main thread's: the command's end is reported by one */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	r->model = model_start(&r->model_options, r->names, err);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!r->model)
		return -EIO;
	rewrite_argv(r);
	r->command = command_new(r->argv, o->user, err);
	return r->command ? 0 : -EIO;
}

static int read_events(struct model_run *r, struct stream *stream, struct err *err)
{
	ssize_t n;

	do {
		while (r->cap_events - r->nevents < 256) {
			r->cap_events = r->cap_events ? 2 * r->cap_events : 4096;
			r->events = xrealloc(r->events, r->cap_events, sizeof(*r->events));
		}
		n = stream_read(stream, r->events + r->nevents, 256, err);
		if (n > 0)
			r->nevents += n;
	} while (n > 0);
	return n;
}

static int record(struct model_run *r, struct err *err)
{
	struct pollfd fd = { command_fd(r->command), POLLIN, 0 };
	struct err why = { "" };
	struct stream *stream;
	time_t now = time(NULL);
	struct tm tm;
	int ret;

	strftime(r->started, sizeof(r->started), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	model_set_pid(r->model, command_pid(r->command));
	ret = command_go(r->command, err);
	while (ret == 0 && !command_handle(r->command))
		poll(&fd, 1, -1);
	if (ret < 0)
		return ret;
	/* A connection that was refused is the command's business, and in the exchanges. */
	model_stop(r->model, &why);
	stream = model_stream(r->model);
	ret = read_events(r, stream, err);
	stream_close(stream);
	if (ret == 0)
		ret = stop_capture(r, err);
	r->platform = model_platform(r->model);
	return ret;
}

static int keep(struct model_run *r, struct err *err)
{
	char *facts = platform_format(r->platform);
	int ret = model_trace_write(bundle_folder(r->bundle), BUNDLE_TRACE, r->events, r->nevents,
				    r->names, r->platform, err);

	if (ret == 0)
		ret = bundle_write(r->bundle, BUNDLE_PLATFORM, facts, strlen(facts), err);
	if (ret == 0) {
		r->judged_names = names_new();
		if (bundle_file(r->bundle, BUNDLE_TRACE, &r->trace_dat, err) == 0)
			r->stream = tracedat_open_fd(r->trace_dat.fd, BUNDLE_TRACE, r->judged_names,
						     err);
		ret = r->stream ? 0 : -EIO;
	}
	free(facts);
	if (ret < 0)
		return ret;
	r->judging.exchanging = &r->exchanging;
	r->verdict = judging_run(&r->judging, r->stream, r->judged_names, r->platform, err);
	return r->verdict ? 0 : -EIO;
}

static int conclude(struct model_run *r, struct err *err)
{
	int wait_status = command_wait_status(r->command), status;
	struct run run = {
		.tool = "ccaio " VERSION,
		.evidence = bundle_path(r->bundle),
		.argv = r->options->argv,
		.exit_status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1,
		.term_signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0,
		.started = r->started,
		.recorder = r->stream->info.recorder,
		.policy = r->judging.policy ? r->judging.policy->name : NULL,
	};
	struct report_input in = { .verdict = r->verdict,
				   .platform = r->platform,
				   .run = &run,
				   .exchanges = r->exchanging.x };

	if (!r->options->keep_arguments) {
		r->shown = redact_argv(r->options->argv, r->platform->trace.nonce);
		run.argv = r->shown;
		traffic_redact(r->exchanging.x, r->platform->trace.nonce);
	}
	if (seal_bundle(r->bundle, &r->judging, &r->exchanging, &in, r->platform->trace.nonce,
			err) < 0)
		return cmd_fail(&cmd_trace, err);
	r->sealed = true;
	trace_tell_bundle(r->options, bundle_path(r->bundle));
	status = judging_report(&cmd_trace, &r->judging, &in);
	if (r->options->command_status && status != CMD_TROUBLE)
		status = command_exit_status(r->command);
	return status;
}

static void release(struct model_run *r)
{
	redact_free(r->shown);
	command_free(r->command);
	model_free(r->model);
	if (r->traffic)
		exchanges_free(traffic_finish(r->traffic));
	if (r->pcap)
		fclose(r->pcap);
	verdict_free(r->verdict);
	exchanging_release(&r->exchanging);
	stream_close(r->stream);
	if (r->trace_dat.fd >= 0)
		close(r->trace_dat.fd);
	names_free(r->judged_names);
	names_free(r->names);
	platform_free(r->platform);
	free(r->events);
	free(r->argv);
	free(r->url);
	free(r->server);
	if (r->bundle && !r->sealed)
		bundle_discard(r->bundle);
	bundle_close(r->bundle);
	judging_release(&r->judging);
}

int trace_model(const struct trace_options *options)
{
	struct model_run r = { .options = options, .names = names_new(), .trace_dat.fd = -1 };
	int status = CMD_TROUBLE, ret;
	struct err err = { "" };

	r.judging = options->judging;
	ret = prepare(&r, &err);
	if (ret == 0)
		ret = record(&r, &err);
	if (ret == 0)
		ret = keep(&r, &err);
	if (ret < 0)
		cmd_fail(&cmd_trace, &err);
	else
		status = conclude(&r, &err);
	release(&r);
	return status;
}
