/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/err.h"

int cmd_fail(const struct cmd *cmd, const struct err *err)
{
	fprintf(stderr, "ccaio %s: %s\n", cmd->name, err->text[0] ? err->text : "failed");
	return CMD_TROUBLE;
}

int cmd_usage(const struct cmd *cmd, const char *fmt, ...)
{
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err.text, sizeof(err.text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "ccaio %s: %s\nTry 'ccaio %s --help'.\n", cmd->name, err.text, cmd->name);
	return CMD_TROUBLE;
}

int cmd_bad_option(const struct cmd *cmd, int opt, char *const *argv)
{
	return cmd_usage(cmd, opt == ':' ? "option '%s' needs an argument" : "unknown option '%s'",
			 argv[optind - 1]);
}

bool cmd_to_stdout(const char *output)
{
	return !output || strcmp(output, "-") == 0;
}

int cmd_write(const char *output, const char *what, void (*fn)(FILE *out, const void *ctx),
	      const void *ctx, struct err *err)
{
	struct stat st;
	int ret = 0;
	bool file;
	FILE *out;

	if (cmd_to_stdout(output)) {
		fn(stdout, ctx);
		return 0;
	}
	out = fopen(output, "we");
	if (!out)
		return err_sys(err, "cannot write %s to %s", what, output);
	file = fstat(fileno(out), &st) == 0 && S_ISREG(st.st_mode);
	fn(out, ctx);
	errno = 0;
	if (fflush(out) != 0 || ferror(out))
		ret = err_sys(err, "cannot write %s to %s", what, output);
	if (fclose(out) != 0 && ret == 0)
		ret = err_sys(err, "cannot write %s to %s", what, output);
	if (ret < 0 && file)
		unlink(output);
	return ret;
}
