/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Option tables: parsing into each kind of member, --help, and the tables of all commands. */
#include "cmd/common/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common/cmd.h"
#include "lib/base/err.h"
#include "tests/unit/test.h"

struct inner {
	const char *text;
};

struct outer {
	bool set, clear, either;
	const char *word;
	uint64_t number;
	struct inner inner;
};

static struct outer o;
static struct err err;

static int take_text(void *options, const char *value, struct err *e)
{
	struct inner *inner = options;

	if (strcmp(value, "bad") == 0)
		return err_set(e, EINVAL, "no '%s' here", value);
	inner->text = value;
	return 0;
}

static const struct opt outer_rows[] = {
	{ 's', "set", NULL, "set it", OPT_SET(struct outer, set) },
	{ 0, "no-clear", NULL, "clear it", OPT_CLEAR(struct outer, clear) },
	{ 0, "either", "no|yes", "one of two", OPT_EITHER(struct outer, either) },
	{ 'w', "word", "red|green|blue", "one of three", OPT_WORD(struct outer, word) },
	{ 'n', "number", "N", "a number", OPT_NUMBER(struct outer, number, 3, 300) },
	{ 0 },
};

static const struct opt inner_rows[] = {
	{ 't', "text", "TEXT",
	  "a help text that is so long that it has to be continued on a line of its own",
	  OPT_CALL(take_text) },
	{ 0 },
};

static struct usage usage = {
	.synopsis = "[options] ONE\n[options] TWO",
	.about = "About it.",
	.after = "After it.",
	.groups = { { outer_rows, 0 }, { inner_rows, offsetof(struct outer, inner) } },
};

static int parse(const char *const words[])
{
	static char *argv[16]; /* options point into it */
	int argc = 0;

	for (; words[argc]; argc++)
		argv[argc] = (char *)words[argc];
	argv[argc] = NULL;
	o = (struct outer){ .clear = true };
	err.text[0] = '\0';
	return options_parse(&usage, &o, argc, argv, &err);
}

#define PARSE(...) parse((const char *const[]){ "it", __VA_ARGS__, NULL })

static void test_kinds(void)
{
	check(PARSE("--set", "--no-clear", "--either=yes") == 4 && o.set && !o.clear && o.either);
	check(PARSE("--either", "no", "-w", "green") == 5 && !o.either && o.clear);
	check(strcmp(o.word, "green") == 0);
	check(PARSE("-n0x10", "-t", "x") == 4 && o.number == 16 && strcmp(o.inner.text, "x") == 0);
	check(PARSE("one", "-s") == 2 && o.set); /* operands move to the end */
	check(PARSE("-s", "--help") == 0 && PARSE("-h") == 0);
	usage.command_follows = true;
	check(PARSE("one", "-s") == 1 && !o.set);
	usage.command_follows = false;
}

static bool refused(int ret, const char *text)
{
	return ret < 0 && strcmp(err.text, text) == 0;
}

static void test_mistakes(void)
{
	check(refused(PARSE("--nothing"), "unknown option '--nothing'"));
	check(refused(PARSE("-x"), "unknown option '-x'"));
	check(refused(PARSE("-n"), "option '-n' needs an argument"));
	check(refused(PARSE("-n", "2"), "--number takes a number from 3 to 300, not '2'"));
	check(PARSE("-n", "301") < 0 && PARSE("-n", "-5") < 0 && PARSE("-n", "5x") < 0);
	check(PARSE("-n", "99999999999999999999") < 0 && PARSE("-n", "") < 0);
	check(refused(PARSE("-w", "gree"), "unknown word 'gree': --word takes red, green or blue"));
	check(refused(PARSE("--either", ""), "unknown either '': --either takes no or yes"));
	check(refused(PARSE("-t", "bad"), "no 'bad' here"));
}

static void test_help(void)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	options_help(out, "it", &usage);
	fclose(out);
	check(strcmp(text,
		     "usage: ccaio it [options] ONE\n"
		     "       ccaio it [options] TWO\n"
		     "\n"
		     "About it.\n"
		     "\n"
		     "  -s, --set               set it\n"
		     "      --no-clear          clear it\n"
		     "      --either=no|yes     one of two\n"
		     "  -w, --word=red|green|blue\n"
		     "                          one of three\n"
		     "  -n, --number=N          a number\n"
		     "  -t, --text=TEXT         a help text that is so long that it has to be\n"
		     "                          continued on a line of its own\n"
		     "  -h, --help              show this help\n"
		     "\n"
		     "After it.\n") == 0);
	free(text);
}

/* No letter and no name twice, and every row does something. */
static bool sound(const struct usage *u)
{
	const struct opt *rows[OPT_ROWS];
	size_t n = 0;

	for (unsigned int g = 0; g < OPT_GROUPS; g++) {
		for (const struct opt *r = u->groups[g].rows; r && r->name; r++) {
			if (n == OPT_ROWS || r->kind == OPT_NONE || !r->help || r->letter == 'h')
				return false;
			for (size_t i = 0; i < n; i++) {
				if (strcmp(rows[i]->name, r->name) == 0 ||
				    (r->letter && rows[i]->letter == r->letter))
					return false;
			}
			rows[n++] = r;
		}
	}
	return n > 0;
}

static void test_tables(void)
{
	static const struct cmd *const cmds[] = { &cmd_doctor, &cmd_trace,    &cmd_verify,
						  &cmd_report, &cmd_selftest, &cmd_bench };
	static const struct opt twice[] = { outer_rows[0], outer_rows[0], { 0 } };

	for (size_t i = 0; i < sizeof(cmds) / sizeof(*cmds); i++)
		check(sound(cmds[i]->usage));
	check(!sound(&(struct usage){ .groups = { { twice, 0 } } }));
}

int main(void)
{
	test_kinds();
	test_mistakes();
	test_help();
	test_tables();
	return done();
}
