/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Command lines from tables: parsing and --help. */
#include "cmd/common/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/nearest.h"

#define HELP_COLUMN 26 /* where the sentences of --help begin */
#define HELP_WIDTH 79

static const struct opt help_row = { 'h', "help", NULL, "show this help", OPT_NONE, 0, 0, 0, NULL };

struct walk {
	const struct usage *usage;
	unsigned int group;
	const struct opt *row;
};

/* The next row in the order of --help, NULL after the last. */
static const struct opt *next_row(struct walk *w)
{
	if (w->row)
		w->row++;
	for (; w->group < OPT_GROUPS; w->group++, w->row = NULL) {
		if (!w->row)
			w->row = w->usage->groups[w->group].rows;
		if (w->row && w->row->name)
			return w->row;
	}
	return NULL;
}

bool options_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*value = strtoull(text, &end, hex ? 16 : 10);
	return !errno && !*end && *value >= min && *value <= max;
}

bool options_size(const char *text, uint64_t *bytes)
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

/* The position of word in "net|console", -1 where it does not occur. */
static int find_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (int i = 0;; i++) {
		size_t n = strcspn(words, "|");

		if (n == len && strncmp(words, word, n) == 0)
			return i;
		if (!words[n])
			return -1;
		words += n + 1;
	}
}

/* "--scope takes since-boot or window" for the words "since-boot|window". */
static int refuse_word(const struct opt *row, const char *value, struct err *err)
{
	char words[256] = "";
	size_t len = 0;

	for (const char *at = row->argument; len < sizeof(words);) {
		size_t n = strcspn(at, "|");
		const char *join = at[n] && strchr(at + n + 1, '|') ? ", " : at[n] ? " or " : "";

		len += snprintf(words + len, sizeof(words) - len, "%.*s%s", (int)n, at, join);
		if (!at[n])
			break;
		at += n + 1;
	}
	return err_set(err, EINVAL, "unknown %s '%s': --%s takes %s", row->name, value, row->name,
		       words);
}

static int take(const struct opt *row, void *into, const char *value, struct err *err)
{
	char *member = (char *)into + row->at;
	int word;

	switch (row->kind) {
	case OPT_KIND_SET:
	case OPT_KIND_CLEAR:
		*(bool *)member = row->kind == OPT_KIND_SET;
		return 0;
	case OPT_KIND_TEXT:
		*(const char **)member = value;
		return 0;
	case OPT_KIND_WORD:
	case OPT_KIND_EITHER:
		word = find_word(row->argument, value);
		if (word < 0)
			return refuse_word(row, value, err);
		if (row->kind == OPT_KIND_EITHER)
			*(bool *)member = word > 0;
		else
			*(const char **)member = value;
		return 0;
	case OPT_KIND_NUMBER:
		if (options_number(value, row->min, row->max, (uint64_t *)member))
			return 0;
		return err_set(err, EINVAL, "--%s takes a number from %llu to %llu, not '%s'",
			       row->name, (unsigned long long)row->min,
			       (unsigned long long)row->max, value);
	case OPT_KIND_CALL:
		return row->take(into, value, err);
	default:
		return err_set(err, EINVAL, "--%s does nothing", row->name);
	}
}

/* What getopt_long needs, made from the rows; a long option's value is 256 + its place. */
struct forms {
	struct option longs[OPT_ROWS + 2];
	char shorts[2 * OPT_ROWS + 6];
	const struct opt *rows[OPT_ROWS];
	size_t bases[OPT_ROWS];
};

static int make_forms(struct forms *f, const struct usage *usage, struct err *err)
{
	struct walk walk = { usage, 0, NULL };
	char *s = f->shorts;
	int n = 0;

	*f = (struct forms){ 0 };
	if (usage->command_follows)
		*s++ = '+';
	*s++ = ':';
	*s++ = help_row.letter;
	for (const struct opt *row; (row = next_row(&walk)); n++) {
		if (n == OPT_ROWS)
			return err_set(err, EINVAL, "more than %d options in a table", OPT_ROWS);
		f->rows[n] = row;
		f->bases[n] = usage->groups[walk.group].base;
		f->longs[n] =
			(struct option){ row->name, row->argument ? required_argument : no_argument,
					 NULL, 256 + n };
		if (!row->letter)
			continue;
		*s++ = row->letter;
		if (row->argument)
			*s++ = ':';
	}
	f->longs[n] = (struct option){ help_row.name, no_argument, NULL, help_row.letter };
	return 0;
}

static int find_row(const struct forms *f, int opt)
{
	if (opt >= 256)
		return opt - 256;
	for (int i = 0; i < OPT_ROWS && f->rows[i]; i++) {
		if (f->rows[i]->letter == opt)
			return i;
	}
	return -1;
}

static int unknown_option(const struct forms *f, const char *word, struct err *err)
{
	size_t len = strcspn(word, "=");
	char name[NEAREST_MAX + 1] = "";
	struct nearest n;

	if (strncmp(word, "--", 2) == 0 && len - 2 < sizeof(name))
		memcpy(name, word + 2, len - 2);
	nearest_init(&n, name);
	for (int i = 0; f->longs[i].name; i++)
		nearest_try(&n, f->longs[i].name);
	if (n.best)
		return err_set(err, EINVAL, "unknown option '%s'; did you mean '--%s'?", word,
			       n.best);
	return err_set(err, EINVAL, "unknown option '%s'", word);
}

int options_parse(const struct usage *usage, void *options, int argc, char **argv, struct err *err)
{
	struct forms f;
	int ret = make_forms(&f, usage, err), opt, i;

	if (ret < 0)
		return ret;
	optind = 0; /* glibc: start anew, also when a test calls this twice */
	opterr = 0;
	while ((opt = getopt_long(argc, argv, f.shorts, f.longs, NULL)) != -1) {
		if (opt == help_row.letter)
			return 0;
		if (opt == ':')
			return err_set(err, EINVAL, "option '%s' needs an argument",
				       argv[optind - 1]);
		i = opt == '?' ? -1 : find_row(&f, opt);
		if (i < 0)
			return unknown_option(&f, argv[optind - 1], err);
		ret = take(f.rows[i], (char *)options + f.bases[i], optarg, err);
		if (ret < 0)
			return ret;
	}
	return optind;
}

static void help_of(FILE *out, const struct opt *row)
{
	int column = fprintf(out, row->letter ? "  -%c, " : "      ", row->letter);
	const char *word = row->help;

	column += fprintf(out, "--%s%s%s", row->name, row->argument ? "=" : "",
			  row->argument ? row->argument : "");
	if (column > HELP_COLUMN - 2) {
		fputc('\n', out);
		column = 0;
	}
	column += fprintf(out, "%*s", HELP_COLUMN - column, "");
	while (*word) {
		int n = (int)strcspn(word, " ");

		if (column > HELP_COLUMN && column + 1 + n > HELP_WIDTH)
			column = fprintf(out, "\n%*s", HELP_COLUMN, "") - 1;
		else if (column > HELP_COLUMN)
			column += fprintf(out, " ");
		column += fprintf(out, "%.*s", n, word);
		word += n + strspn(word + n, " ");
	}
	fputc('\n', out);
}

void options_help(FILE *out, const char *name, const struct usage *usage)
{
	struct walk walk = { usage, 0, NULL };
	const char *lead = "usage:", *line = usage->synopsis;

	while (*line) {
		size_t n = strcspn(line, "\n");

		fprintf(out, "%s ccaio %s %.*s\n", lead, name, (int)n, line);
		line += n + (line[n] == '\n');
		lead = "      ";
	}
	fprintf(out, "\n%s\n\n", usage->about);
	for (const struct opt *row; (row = next_row(&walk));)
		help_of(out, row);
	help_of(out, &help_row);
	if (usage->after)
		fprintf(out, "\n%s\n", usage->after);
	if (usage->more)
		usage->more(out);
}
