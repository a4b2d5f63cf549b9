/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd/trace/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/base/xalloc.h"

const char trace_usage[] =
	"usage: ccaio trace [options] [--] CMD [ARG...]\n"
	"       ccaio trace [options] [--pid PID]... [--comm NAME] [--duration SECONDS]\n"
	"\n"
	"Run CMD, collect what the kernel says about DMA meanwhile, judge it, report.\n"
	"\n"
	"  -o, --output NAME        directory for the evidence (default: ./CMD-TIME.ccaio); with\n"
	"                           -f, a NAME without .ccaio is the report's file: give both\n"
	"  -f, --format NAME        of the report (default: text)\n"
	"  -b, --buffer SIZE        ring buffer per CPU, K, M or G (default: 4M)\n"
	"  -C, --clock CLOCK        trace clock (default: mono)\n"
	"  -d, --only-device NAME   a verdict about this device only (all are recorded); may be\n"
	"                           given several times\n"
	"  -u, --user USER          run CMD as USER\n"
	"  -F, --follow             count the I/O of CMD's children as CMD's (default)\n"
	"      --no-follow          only CMD's own\n"
	"      --scope SCOPE        since-boot (default), or window: claim nothing about before\n"
	"      --exit-code WHOSE    verdict (default), or command: exit with CMD's status\n"
	"      --policy FILE        what this site requires\n"
	"      --canary URL         HTTP request to URL as proof that network events are seen\n"
	"      --rmm-log FILE       the monitor's own log as a second witness\n"
	"      --pid PID            trace a process that runs already; may be given several times\n"
	"      --comm NAME          trace all processes with this name\n"
	"      --duration SECONDS   stop then (default: when they end, or at an interrupt)\n"
	"      --live               one line per exchange as it completes (JSON with -f jsonl)\n"
	"      --capture-filter EXPR  capture only these packets (see pcap-filter(7))\n"
	"      --snaplen BYTES      capture so much of each packet (default: all)\n"
	"      --no-payload         do not look at payload, only at headers\n"
	"      --payload            keep payload in the bundle; may be secret\n"
	"      --no-capture         no packets, no exchanges\n"
	"      --model              no kernel: CMD's connection crosses the built-in bounce path\n"
	"      --device DEVICE      of the model: net (default) or console\n"
	"      --transport NAME     of the model: pci (default), mmio, msg1-static, msg2-static,\n"
	"                           msg1-dynamic, msg2-dynamic\n"
	"  -q, --quiet              only the verdict line\n"
	"  -v, --verbose            say what is armed, and what could not be\n"
	"  -h, --help               show this help\n";

bool trace_parse_size(const char *text, uint64_t *bytes)
{
	unsigned int shift = 0;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*bytes = strtoull(text, &end, 10);
	if (errno)
		return false;
	switch (*end) {
	case 'k':
	case 'K':
		shift = 10;
		break;
	case 'm':
	case 'M':
		shift = 20;
		break;
	case 'g':
	case 'G':
		shift = 30;
		break;
	}
	if (shift)
		end++;
	if (*end || *bytes == 0 || *bytes > UINT64_MAX >> 16 >> shift)
		return false;
	*bytes <<= shift;
	return true;
}

/* One of two words.  Returns false for any other. */
static bool choose(const char *word, const char *no, const char *yes, bool *value)
{
	*value = strcmp(word, yes) == 0;
	return *value || strcmp(word, no) == 0;
}

enum {
	OPT_NO_FOLLOW = 256,
	OPT_SCOPE,
	OPT_EXIT_CODE,
	OPT_POLICY,
	OPT_CANARY,
	OPT_RMM_LOG,
	OPT_PID,
	OPT_COMM,
	OPT_DURATION,
	OPT_LIVE,
	OPT_FILTER,
	OPT_SNAPLEN,
	OPT_NO_PAYLOAD,
	OPT_PAYLOAD,
	OPT_NO_CAPTURE,
	OPT_MODEL,
	OPT_DEVICE,
	OPT_TRANSPORT
};

static const struct option long_options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "format", required_argument, NULL, 'f' },
	{ "buffer", required_argument, NULL, 'b' },
	{ "clock", required_argument, NULL, 'C' },
	{ "only-device", required_argument, NULL, 'd' },
	{ "user", required_argument, NULL, 'u' },
	{ "follow", no_argument, NULL, 'F' },
	{ "no-follow", no_argument, NULL, OPT_NO_FOLLOW },
	{ "scope", required_argument, NULL, OPT_SCOPE },
	{ "exit-code", required_argument, NULL, OPT_EXIT_CODE },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "canary", required_argument, NULL, OPT_CANARY },
	{ "rmm-log", required_argument, NULL, OPT_RMM_LOG },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "comm", required_argument, NULL, OPT_COMM },
	{ "duration", required_argument, NULL, OPT_DURATION },
	{ "live", no_argument, NULL, OPT_LIVE },
	{ "capture-filter", required_argument, NULL, OPT_FILTER },
	{ "snaplen", required_argument, NULL, OPT_SNAPLEN },
	{ "no-payload", no_argument, NULL, OPT_NO_PAYLOAD },
	{ "payload", no_argument, NULL, OPT_PAYLOAD },
	{ "no-capture", no_argument, NULL, OPT_NO_CAPTURE },
	{ "model", no_argument, NULL, OPT_MODEL },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "transport", required_argument, NULL, OPT_TRANSPORT },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* A whole number from 1 to max.  Returns false for anything else. */
static bool number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return !errno && !*end && *value >= 1 && *value <= max;
}

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

/* Options about whom to trace instead of a command. */
static int take_whom(struct trace_options *options, int opt, char *message, size_t size)
{
	uint64_t value;

	switch (opt) {
	case OPT_PID:
		if (!number(optarg, INT32_MAX, &value)) {
			snprintf(message, size, "--pid takes a process number, not '%s'", optarg);
			return -1;
		}
		if (options->npids == TRACE_PIDS) {
			snprintf(message, size, "more than %d times --pid", TRACE_PIDS);
			return -1;
		}
		options->pids[options->npids++] = (int32_t)value;
		return 0;
	case OPT_COMM:
		options->comm = optarg;
		return 0;
	default:
		if (seconds(optarg, &options->duration_ms))
			return 0;
		snprintf(message, size, "--duration takes seconds, not '%s'", optarg);
		return -1;
	}
}

/* Options about the application's traffic. */
static int take_capture(struct trace_options *options, int opt, char *message, size_t size)
{
	uint64_t value;

	switch (opt) {
	case OPT_LIVE:
		options->live = true;
		return 0;
	case OPT_FILTER:
		options->capture_filter = optarg;
		return 0;
	case OPT_SNAPLEN:
		if (!number(optarg, 262144, &value) || value < 64) {
			snprintf(message, size, "--snaplen is 64 to 262144, not '%s'", optarg);
			return -1;
		}
		options->snaplen = (uint32_t)value;
		return 0;
	case OPT_NO_PAYLOAD:
		options->no_payload = true;
		return 0;
	case OPT_PAYLOAD:
		options->keep_payload = true;
		return 0;
	default:
		options->no_capture = true;
		return 0;
	}
}

/* Options about what is written, and where. */
static int take_output(struct trace_options *options, int opt, char *message, size_t size)
{
	switch (opt) {
	case 'o':
		if (!*optarg) {
			snprintf(message, size, "-o needs a name, not an empty word");
			return -1;
		}
		if (options->bundle && options->report) {
			snprintf(message, size, "more than two times --output");
			return -1;
		}
		/* which of them is whose is sorted out when --format is known */
		*(options->bundle ? &options->report : &options->bundle) = optarg;
		return 0;
	case 'f':
		options->format = optarg;
		options->format_given = true;
		return 0;
	case 'q':
		options->quiet = true;
		return 0;
	default:
		options->verbose = true;
		return 0;
	}
}

/* Options about what the verdict speaks of, what it demands, and its witnesses. */
static int take_verdict(struct trace_options *options, int opt, char *message, size_t size)
{
	switch (opt) {
	case 'd':
		if (options->nonly < LIMIT_DEVICES) {
			options->only[options->nonly++] = optarg;
			return 0;
		}
		snprintf(message, size, "more than %d times --only-device", LIMIT_DEVICES);
		return -1;
	case OPT_SCOPE:
		if (choose(optarg, "since-boot", "window", &options->window_only))
			return 0;
		snprintf(message, size, "--scope is since-boot or window, not '%s'", optarg);
		return -1;
	case OPT_EXIT_CODE:
		if (choose(optarg, "verdict", "command", &options->command_status))
			return 0;
		snprintf(message, size, "--exit-code is verdict or command, not '%s'", optarg);
		return -1;
	case OPT_POLICY:
		options->policy = optarg;
		return 0;
	case OPT_CANARY:
		options->canary_url = optarg;
		return 0;
	default:
		options->rmm_log = optarg;
		return 0;
	}
}

/* What options cannot stand together. */
static int check_together(const struct trace_options *o, bool command, char *message, size_t size)
{
	bool attached = o->npids || o->comm || o->duration_ms;
	const char *why = NULL;

	if (!command && !attached)
		why = "no command to trace";
	else if (command && attached)
		why = "either a command, or --pid, --comm, --duration";
	else if (attached && o->user)
		why = "-u is for a command";
	else if (attached && o->command_status)
		why = "--exit-code command is for a command";
	else if (o->no_payload && o->keep_payload)
		why = "either --payload or --no-payload";
	else if (o->model && !command)
		why = "--model is for a command";
	else if ((o->device || o->transport) && !o->model)
		why = "--device and --transport choose the model's: give --model, too";
	else if (o->model &&
		 (o->live || o->no_capture || o->capture_filter || o->canary_url || o->rmm_log))
		why = "--model has no --live, --no-capture, --capture-filter, --canary or "
		      "--rmm-log";
	else if (o->model && o->nonly)
		why = "--only-device chooses among a machine's devices: --model has one";
	else if (o->no_capture && (o->live || o->keep_payload || o->no_payload))
		why = "--no-capture leaves nothing to show or to keep";
	if (!why)
		return 0;
	snprintf(message, size, "%s", why);
	return -1;
}

/* Take one option.  Returns 0, 1 for help, -1 with message. */
static int take(struct trace_options *options, int opt, const char *word, char *message,
		size_t size)
{
	switch (opt) {
	case 'b':
		if (trace_parse_size(optarg, &options->buffer_bytes))
			return 0;
		snprintf(message, size, "-b takes a size such as 64K or 8M, not '%s'", optarg);
		return -1;
	case 'C':
		options->clock = optarg;
		return 0;
	case 'u':
		options->user = optarg;
		return 0;
	case 'F':
	case OPT_NO_FOLLOW:
		options->follow = opt == 'F';
		return 0;
	case OPT_MODEL:
		options->model = true;
		return 0;
	case OPT_DEVICE:
		options->device = optarg;
		return 0;
	case OPT_TRANSPORT:
		options->transport = optarg;
		return 0;
	case 'o':
	case 'f':
	case 'q':
	case 'v':
		return take_output(options, opt, message, size);
	case 'd':
	case OPT_SCOPE:
	case OPT_EXIT_CODE:
	case OPT_POLICY:
	case OPT_CANARY:
	case OPT_RMM_LOG:
		return take_verdict(options, opt, message, size);
	case OPT_PID:
	case OPT_COMM:
	case OPT_DURATION:
		return take_whom(options, opt, message, size);
	case OPT_LIVE:
	case OPT_FILTER:
	case OPT_SNAPLEN:
	case OPT_NO_PAYLOAD:
	case OPT_PAYLOAD:
	case OPT_NO_CAPTURE:
		return take_capture(options, opt, message, size);
	case 'h':
		return 1;
	case ':':
		snprintf(message, size, "option '%s' needs an argument", word);
		return -1;
	default:
		snprintf(message, size, "unknown option '%s'", word);
		return -1;
	}
}

bool trace_output_is_report(const char *name, bool format_given)
{
	size_t len = strlen(name);
	struct stat st;

	while (len > 1 && name[len - 1] == '/')
		len--;
	if (!format_given || (len > 6 && strncmp(name + len - 6, ".ccaio", 6) == 0))
		return false;
	return strcmp(name, "-") == 0 || stat(name, &st) < 0 || !S_ISDIR(st.st_mode);
}

static int sort_outputs(struct trace_options *o, char *message, size_t size)
{
	const char *given[] = { o->bundle, o->report };

	o->bundle = o->report = NULL;
	for (int i = 0; i < 2 && given[i]; i++) {
		bool report = trace_output_is_report(given[i], o->format_given);
		const char **place = report ? &o->report : &o->bundle;

		if (*place) {
			snprintf(message, size,
				 "two times --output names two %s; the bundle's name ends in "
				 ".ccaio, the report's needs --format",
				 report ? "reports" : "bundles");
			return -1;
		}
		*place = given[i];
	}
	return 0;
}

int trace_options_parse(struct trace_options *options, int argc, char **argv, char *message,
			size_t size)
{
	int opt;

	*options = (struct trace_options){ .follow = true, .format = "text" };
	optind = 0; /* glibc: start anew, also when a test calls this twice */
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "+:o:f:b:C:d:u:Fqvh", long_options, NULL)) != -1) {
		int ret = take(options, opt, argv[optind - 1], message, size);

		if (ret)
			return ret;
	}
	options->argv = optind == argc ? NULL : argv + optind;
	if (sort_outputs(options, message, size) < 0)
		return -1;
	return check_together(options, options->argv, message, size);
}

char *trace_default_bundle(const char *command)
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
	if (options->report && !options->bundle)
		fprintf(stderr, "ccaio trace: the evidence is in %s\n", path);
}
