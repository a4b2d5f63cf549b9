/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd/common/cmd.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/base/err.h"

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
