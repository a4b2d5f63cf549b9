/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ccaio - trace and verify the I/O of confidential VMs.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common/cmd.h"
#include "collectors/canary/libcurl.h"
#include "lib/base/nearest.h"
#include "lib/base/printable.h"
#include "lib/base/version.h"

/* One line per subcommand, in the order of --help. */
static const struct cmd *const cmds[] = {
	&cmd_doctor,  &cmd_trace,    &cmd_verify, &cmd_report,
	&cmd_explain, &cmd_selftest, &cmd_bench,  NULL,
};

static void print_help(FILE *out)
{
	fputs("usage: ccaio <command> [options]\n"
	      "\n"
	      "Trace and verify the I/O of confidential VMs.\n"
	      "\n",
	      out);
	for (const struct cmd *const *c = cmds; *c; c++)
		fprintf(out, "  %-10s %s\n", (*c)->name, (*c)->summary);
	fputs("\n"
	      "  --version  show the version and the libraries' versions\n"
	      "  --help     show this help\n"
	      "\n"
	      "Exit status: 0 PROVEN (or done), 1 VIOLATED, 2 INCONCLUSIVE, 3 trouble.\n",
	      out);
}

static void print_version(void)
{
	const char *name, *version;

	printf("ccaio %s (commit %s)\n", VERSION, version_commit());
	for (unsigned int i = 0; (name = version_library(i, &version)); i++)
		printf("%s %s\n", name, version);
	version = libcurl_version();
	printf("libcurl %s\n", version ? version : "absent: --canary cannot be used");
}

/* Output that did not reach the reader is trouble, whatever the command found. */
static int flushed(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "ccaio: cannot write to standard output: %s\n", strerror(errno));
	return CMD_TROUBLE;
}

/*
 * A standard descriptor that is closed would go to the next file that is opened, a trace or a
 * report, and what is said would be written into it.  Now writing to it fails, as it should.
 */
static void hold_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", (fd == 1 ? O_RDONLY : O_RDWR) | O_CLOEXEC) < 0)
			return;
	}
}

static int unknown_command(const char *word)
{
	struct nearest n;
	char *clean = printable(word);

	nearest_init(&n, word);
	for (const struct cmd *const *c = cmds; *c; c++)
		nearest_try(&n, (*c)->name);
	fprintf(stderr, "ccaio: no command '%s'", clean);
	if (n.best)
		fprintf(stderr, "; did you mean '%s'?", n.best);
	fputs("\nTry 'ccaio --help'.\n", stderr);
	free(clean);
	return CMD_TROUBLE;
}

int main(int argc, char **argv)
{
	hold_standard_descriptors();
	/* a file that may not grow is an error like any other: what was armed is restored */
	signal(SIGXFSZ, SIG_IGN);
	if (argc < 2) {
		print_help(stderr);
		return CMD_TROUBLE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0)
		return print_help(stdout), flushed(CMD_OK);
	if (strcmp(argv[1], "--version") == 0)
		return print_version(), flushed(CMD_OK);
	if (strcmp(argv[1], "--list-cmds") == 0) {
		for (const struct cmd *const *c = cmds; *c; c++)
			puts((*c)->name);
		return flushed(CMD_OK);
	}
	for (const struct cmd *const *c = cmds; *c; c++) {
		if (strcmp(argv[1], (*c)->name) == 0)
			return flushed((*c)->run(argc - 1, argv + 1));
	}
	return unknown_command(argv[1]);
}
