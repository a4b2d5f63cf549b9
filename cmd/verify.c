/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ccaio verify - judge evidence again, without the machine it comes from.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cmd/cmd.h"
#include "cmd/judging.h"
#include "collectors/tracedat.h"
#include "lib/err.h"
#include "lib/names.h"
#include "lib/platform.h"
#include "lib/policy.h"
#include "lib/stream.h"
#include "lib/verdict.h"
#include "reports/report.h"

static const char usage[] =
	"usage: ccaio verify [options] BUNDLE\n"
	"       ccaio verify [options] [--platform=<facts.json>] TRACE.dat\n"
	"\n"
	"Judge a bundle of 'ccaio trace' or a trace-cmd file again.  Needs no root.\n"
	"\n"
	"      --platform=<file>  facts about the machine (ccaio doctor --facts writes "
	"them)\n" JUDGING_HELP "  -h, --help             show this help\n";

struct verify {
	struct judging judging;
	const char *evidence;
	const char *platform_path;
};

static int verify_file(const struct verify *v, const char *path)
{
	struct names *names = names_new();
	struct platform *platform = NULL;
	struct verdict *verdict = NULL;
	struct stream *stream = NULL;
	int status = CMD_TROUBLE;
	struct err err = { "" };
	struct run run = { .tool = "ccaio " VERSION, .evidence = v->evidence, .exit_status = -1 };
	struct report_input in = { .run = &run };

	if (v->platform_path) {
		platform = platform_load(v->platform_path, &err);
		if (!platform)
			goto out;
	}
	stream = tracedat_open(path, names, &err);
	if (!stream)
		goto out;
	verdict = judging_run(&v->judging, stream, names, platform, &err);
	if (!verdict)
		goto out;
	run.recorder = stream->info.recorder;
	run.policy = v->judging.policy ? v->judging.policy->name : NULL;
	in.verdict = verdict;
	in.platform = platform;
	status = judging_report(&cmd_verify, &v->judging, &in);
out:
	if (!verdict)
		cmd_fail(&cmd_verify, &err);
	verdict_free(verdict);
	stream_close(stream);
	platform_free(platform);
	names_free(names);
	return status;
}

static int verify(int argc, char **argv)
{
	enum { OPT_PLATFORM = 256, OPT_POLICY, OPT_RMM, OPT_SCOPE };
	static const struct option options[] = {
		{ "platform", required_argument, NULL, OPT_PLATFORM },
		{ "policy", required_argument, NULL, OPT_POLICY },
		{ "rmm-log", required_argument, NULL, OPT_RMM },
		{ "scope", required_argument, NULL, OPT_SCOPE },
		{ "format", required_argument, NULL, 'f' },
		{ "output", required_argument, NULL, 'o' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct verify v = { 0 };
	struct err err = { "" };
	int opt, status;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":f:o:qvh", options, NULL)) != -1) {
		switch (opt) {
		case OPT_PLATFORM:
			v.platform_path = optarg;
			break;
		case OPT_POLICY:
			v.judging.policy_path = optarg;
			break;
		case OPT_RMM:
			v.judging.rmm_path = optarg;
			break;
		case OPT_SCOPE:
			if (!judging_set_scope(&v.judging, optarg))
				return cmd_usage(&cmd_verify, "unknown scope '%s'", optarg);
			break;
		case 'f':
			if (!judging_set_format(&v.judging, optarg))
				return cmd_usage(&cmd_verify, "unknown format '%s'", optarg);
			break;
		case 'o':
			v.judging.output = optarg;
			break;
		case 'q':
			v.judging.verbosity = -1;
			break;
		case 'v':
			v.judging.verbosity++;
			break;
		case 'h':
			fputs(usage, stdout);
			judging_print_formats();
			return CMD_OK;
		case ':':
			return cmd_usage(&cmd_verify, "option '%s' needs an argument",
					 argv[optind - 1]);
		default:
			return cmd_usage(&cmd_verify, "unknown option '%s'", argv[optind - 1]);
		}
	}
	if (argc - optind != 1)
		return cmd_usage(&cmd_verify, "expected one bundle or trace.dat");
	v.evidence = argv[optind];
	status = CMD_TROUBLE;
	if (judging_prepare(&v.judging, &err) < 0)
		cmd_fail(&cmd_verify, &err);
	else
		status = verify_file(&v, v.evidence);
	judging_release(&v.judging);
	return status;
}

const struct cmd cmd_verify = {
	.name = "verify",
	.summary = "judge a bundle or a trace-cmd file again, offline",
	.run = verify,
};
