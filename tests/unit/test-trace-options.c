/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cmd/common/options.h"
#include "cmd/trace/options.h"
#include "lib/base/err.h"
#include "reports/report.h"
#include "tests/unit/test.h"

static struct trace_options options;
static struct err err;
#define message err.text

/* Parse a NULL-terminated command line. */
static int parse(const char *const words[])
{
	static char *argv[16]; /* options point into it */
	int argc = 0;

	for (; words[argc]; argc++)
		argv[argc] = (char *)words[argc];
	argv[argc] = NULL;
	message[0] = '\0';
	return trace_options_parse(&options, argc, argv, &err);
}

#define PARSE(...) parse((const char *const[]){ "trace", __VA_ARGS__, NULL })

static void test_sizes(void)
{
	uint64_t bytes;

	check(options_size("4096", &bytes) && bytes == 4096);
	check(options_size("64K", &bytes) && bytes == 64 << 10);
	check(options_size("8m", &bytes) && bytes == 8 << 20);
	check(options_size("1G", &bytes) && bytes == 1 << 30);
	check(!options_size("", &bytes));
	check(!options_size("0", &bytes));
	check(!options_size("-1", &bytes));
	check(!options_size("8MB", &bytes));
	check(!options_size("M", &bytes));
	check(!options_size("99999999999999999999", &bytes));
	check(!options_size("999999999999G", &bytes));
}

static void test_options(void)
{
	check(PARSE("true") == 0 && options.follow && !options.judging.window_only);
	check(!options.command_status && options.judging.noutputs == 0);
	check(PARSE("-b", "1M", "-C", "local", "-u", "nobody", "ls", "-l") == 0);
	check(options.buffer_bytes == 1 << 20 && strcmp(options.clock, "local") == 0);
	check(strcmp(options.user, "nobody") == 0);
	check(strcmp(options.argv[0], "ls") == 0 && strcmp(options.argv[1], "-l") == 0);
	check(PARSE("--scope=window", "--exit-code=command", "--no-follow", "--", "-odd") == 0);
	check(options.judging.window_only && options.command_status && !options.follow);
	check(strcmp(options.argv[0], "-odd") == 0);
	check(PARSE("--timeout", "2.5", "true") == 0 && options.timeout_ms == 2500);
	check(PARSE("--help") == 1);
}

static void test_mistakes(void)
{
	check(PARSE("-q") < 0 && strstr(message, "no command"));
	check(PARSE("--frobnicate", "ls") < 0 && strstr(message, "'--frobnicate'"));
	check(PARSE("-b", "huge", "ls") < 0 && strstr(message, "'huge'"));
	check(PARSE("--scope=all", "ls") < 0 && strstr(message, "'all'"));
	check(PARSE("--exit-code=maybe", "ls") < 0 && strstr(message, "'maybe'"));
	check(PARSE("-o") < 0 && strstr(message, "'-o' needs an argument"));
}

static void test_attached(void)
{
	check(PARSE("--pid", "12", "--pid", "34") == 0 && !options.argv);
	check(options.npids == 2 && options.pids[1] == 34);
	check(PARSE("--comm", "nginx", "--duration", "1.5") == 0 && options.duration_ms == 1500);
	check(PARSE("--duration", "10") == 0 && !options.argv && options.npids == 0);
	check(PARSE("--pid", "0") < 0 && strstr(message, "--pid takes a process number"));
	check(PARSE("--pid", "12x") < 0 && PARSE("--duration", "-1") < 0);
	check(PARSE("--duration", "1e99") < 0 && PARSE("--duration", "ten") < 0);
	check(PARSE("--duration", "0") < 0);
	check(PARSE("--pid", "1", "true") < 0 && strstr(message, "either a command"));
	check(PARSE("--pid", "1", "-u", "nobody") < 0 && strstr(message, "-u"));
	check(PARSE("--pid", "1", "--exit-code", "command") < 0);
}

static void test_capture(void)
{
	check(PARSE("true") == 0 && !options.live && !options.no_payload && !options.keep_payload);
	check(PARSE("--live", "--capture-filter", "tcp port 80", "--snaplen", "128", "true") == 0);
	check(options.live && options.snaplen == 128);
	check(strcmp(options.capture_filter, "tcp port 80") == 0);
	check(PARSE("--no-payload", "true") == 0 && options.no_payload);
	check(PARSE("--payload", "true") == 0 && options.keep_payload);
	check(PARSE("--payload", "--no-payload", "true") < 0);
	check(PARSE("--no-capture", "--live", "true") < 0);
	check(PARSE("--snaplen", "10", "true") < 0 && PARSE("--snaplen", "9999999", "true") < 0);
	check(PARSE("-f", "jsonl", "--live", "true") == 0);
}

static bool named(const char *bundle, const char *report)
{
	const char *b = options.bundle ? options.bundle : "",
		   *r = options.judging.noutputs ? options.judging.outputs[0].path : NULL;

	r = r ? r : "";

	return strcmp(b, bundle) == 0 && strcmp(r, report) == 0;
}

/* Whose file -o names. */
static void test_outputs(void)
{
	check(PARSE("-o", "out", "true") == 0 && named("out", ""));
	check(PARSE("-o", "results.xml", "-f", "junit", "true") == 0 && named("", "results.xml"));
	check(PARSE("-f", "junit", "-o", "results.xml", "true") == 0 && named("", "results.xml"));
	check(PARSE("-f", "text", "-o", "run.ccaio", "true") == 0 && named("run.ccaio", ""));
	check(PARSE("-f", "text", "-o", "run.ccaio/", "true") == 0 && named("run.ccaio/", ""));
	check(PARSE("-f", "text", "-o", "/tmp", "true") == 0 && named("/tmp", ""));
	check(PARSE("-f", "junit", "-o", "/dev/full", "true") == 0 && named("", "/dev/full"));
	check(PARSE("-f", "text", "-o", "-", "true") == 0 && named("", "-"));
	check(PARSE("-o", "a.xml", "-f", "junit", "-o", "b.ccaio", "true") == 0 &&
	      named("b.ccaio", "a.xml"));
	check(PARSE("-o", "b.ccaio", "-f", "junit", "-o", "a.xml", "true") == 0 &&
	      named("b.ccaio", "a.xml"));
	check(PARSE("-o", "a.xml", "-o", "b.xml", "-f", "tap", "true") == 0 &&
	      options.judging.noutputs == 2 && !options.bundle);
	check(options.judging.outputs[0].report == &report_junit &&
	      options.judging.outputs[1].report == &report_tap);
	check(PARSE("-f", "junit", "true") < 0 && strstr(message, "would be mixed"));
	check(PARSE("-f", "junit", "-o", "run.ccaio", "true") < 0);
	check(PARSE("-f", "junit", "--pid", "1") == 0);
	check(PARSE("-o", "a.ccaio", "-o", "b", "true") < 0 && strstr(message, "two bundles"));
	check(PARSE("-o", "a", "-o", "b", "-o", "c", "-f", "tap", "true") < 0);
}

int main(void)
{
	test_outputs();
	test_sizes();
	test_options();
	test_mistakes();
	test_attached();
	test_capture();
	return done();
}
