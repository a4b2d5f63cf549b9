/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ccaio explain - what a claim, a condition or another word of the reports means. */
#include <stdio.h>
#include <string.h>

#include "cmd/common/cmd.h"
#include "lib/base/nearest.h"
#include "reports/rows/glossary.h"
#include "reports/wrap.h"

static const char usage[] =
	"usage: ccaio explain [WORD...]\n"
	"\n"
	"Says what a claim, a condition or another word of the reports means and\n"
	"what to do about it.  Without WORD, lists the words.\n"
	"\n"
	"  -h, --help             show this help\n";

static void list_words(void)
{
	const struct glossary_word *w;

	for (size_t i = 0; (w = glossary_at(i)); i++)
		puts(w->term);
}

static void show(const struct glossary_word *w)
{
	puts(w->term);
	fputs("  ", stdout);
	wrap(stdout, 2, 2, w->meaning);
	if (w->remedy) {
		fputs("  To fix: ", stdout);
		wrap(stdout, 10, 2, w->remedy);
	}
}

static int unknown(const char *word)
{
	const struct glossary_word *w;
	struct nearest n;

	nearest_init(&n, word);
	for (size_t i = 0; (w = glossary_at(i)); i++)
		nearest_try(&n, w->term);
	if (n.best)
		return cmd_usage(&cmd_explain, "no word '%s'; did you mean '%s'?", word, n.best);
	return cmd_usage(&cmd_explain, "no word '%s'; 'ccaio explain' lists them", word);
}

static int run(int argc, char **argv)
{
	const char *words[64];
	int n = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return fputs(usage, stdout), CMD_OK;
		if (argv[i][0] == '-' && strcmp(argv[i], "--") != 0)
			return cmd_usage(&cmd_explain, "unknown option '%s'", argv[i]);
		if (strcmp(argv[i], "--") != 0 && n < 64)
			words[n++] = argv[i];
	}
	if (!n)
		list_words();
	for (int i = 0; i < n; i++) {
		if (!glossary_find(words[i]))
			return unknown(words[i]);
	}
	for (int i = 0; i < n; i++) {
		if (i)
			putchar('\n');
		show(glossary_find(words[i]));
	}
	return CMD_OK;
}

const struct cmd cmd_explain = {
	.name = "explain",
	.summary = "say what a claim, a condition or a word of the reports means",
	.run = run,
};
