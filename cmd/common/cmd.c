/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every command does alike: its options, and how it reports a mistake. */
#include "cmd/common/cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/common/options.h"
#include "lib/base/err.h"
#include "lib/base/printable.h"

/* Nothing that came from outside steers the terminal. */
static void put(const struct cmd *cmd, const char *text, bool help)
{
	char *safe = printable(text);

	fprintf(stderr, "ccaio %s: %s\n", cmd->name, safe);
	if (help)
		fprintf(stderr, "Try 'ccaio %s --help'.\n", cmd->name);
	free(safe);
}

int cmd_fail(const struct cmd *cmd, const struct err *err)
{
	put(cmd, err->text[0] ? err->text : "failed", false);
	return CMD_TROUBLE;
}

int cmd_usage(const struct cmd *cmd, const char *fmt, ...)
{
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err.text, sizeof(err.text), fmt, ap);
	va_end(ap);
	put(cmd, err.text, true);
	return CMD_TROUBLE;
}

void cmd_say(const struct cmd *cmd, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	put(cmd, text, false);
	free(text);
}

int cmd_options(const struct cmd *cmd, void *options, int argc, char **argv)
{
	struct err err = { "" };
	int first = options_parse(cmd->usage, options, argc, argv, &err);

	if (first < 0)
		return cmd_usage(cmd, "%s", err.text), -1;
	if (first == 0)
		options_help(stdout, cmd->name, cmd->usage);
	return first;
}
