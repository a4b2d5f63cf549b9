/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Row tables: every type of row is written, read again as the same, and freed. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/json/table.h"
#include "tests/unit/test.h"

struct inner {
	uint64_t n;
};

struct item {
	char *name;
	bool driver_unreported;
	char *driver;
};

struct all {
	char *text, *people, *name;
	char buffer[8];
	uint64_t number, counter, numbers[2], parts[2];
	uint32_t small;
	uint32_t least;
	uint64_t address;
	bool flag, has_list, shown;
	enum tri tri;
	unsigned int word;
	char **strings;
	size_t nstrings;
	char *few[2];
	size_t nfew;
	struct inner inner, object, *pointer;
	struct item *list;
	size_t nlist, cap;
	uint64_t derived;
};

static const char *colour(int i)
{
	static const char *const names[] = { "red", "green", "blue" };

	return names[i];
}

static const struct jrow inner_rows[] = { JNUMBER("n", struct inner, n, 9), JEND };

static const struct jrow item_rows[] = {
	JNAME("name", struct item, name, .flags = JF_REQUIRED | JF_UNIQUE),
	JNAME("driver", struct item, driver, .flags = JF_UNTOLD,
	      .known = offsetof(struct item, driver_unreported)),
	JEND,
};

static const struct jrow part_row = { .type = JT_NUMBER, .size = 8, .max = 99 };

static const struct jrow all_rows[] = {
	JSTRING("text", struct all, text),
	JSTRING("people", struct all, people, .flags = JF_TEXT),
	JNAME("name", struct all, name, .flags = JF_OMIT),
	{ .key = "buffer", .type = JT_BUFFER, JMEMBER(struct all, buffer) },
	JNUMBER("number", struct all, number, 1000, .flags = JF_OMIT),
	JNUMBER("counter", struct all, counter, INT64_MAX, .unknown = UINT64_MAX),
	{ .key = "numbers", .type = JT_NUMBERS, JMEMBER(struct all, numbers), .max = 5 },
	JNAMED("parts", struct all, parts, colour, 2, &part_row),
	JNUMBER("small", struct all, small, UINT32_MAX - 1, .unknown = UINT32_MAX),
	JNUMBER("least", struct all, least, UINT32_MAX, .least = 2),
	JHEX("address", struct all, address, UINT64_MAX, .flags = JF_NULL),
	JBOOL("flag", struct all, flag),
	JTRI("tri", struct all, tri),
	JWORD("word", struct all, word, colour, 3),
	JSTRINGS("strings", struct all, strings, nstrings, 3),
	JSTRINGS("few", struct all, few, nfew, 2, .flags = JF_FIXED),
	JINLINE(struct all, inner, inner_rows),
	JOBJECT("object", struct all, object, inner_rows, .flags = JF_IF,
		.known = offsetof(struct all, shown)),
	JPOINTER("pointer", struct all, pointer, inner_rows),
	JLIST("list", struct all, list, nlist, item_rows, 3, .flags = JF_KNOWN,
	      .known = offsetof(struct all, has_list), .cap = offsetof(struct all, cap)),
	JNUMBER("derived", struct all, derived, 5, .flags = JF_DERIVED),
	JEND,
};

#define DOCUMENT                                                                                 \
	"{\n \"schema\": \"t/1\",\n \"text\": \"a\",\n \"people\": \"b\",\n \"name\": \"c\",\n"  \
	" \"buffer\": \"1234567\",\n \"number\": 7,\n \"counter\": 0,\n \"numbers\": [\n  1,\n"  \
	"  2\n ],\n \"parts\": {\n  \"red\": 3,\n  \"green\": 4\n },\n \"small\": 0,\n"          \
	" \"least\": 5,\n \"address\": \"0x10\",\n \"flag\": true,\n \"tri\": false,\n"          \
	" \"word\": \"blue\",\n \"strings\": [\n  \"x\",\n  \"y\"\n ],\n \"few\": [\n  \"z\"\n " \
	"],\n"                                                                                   \
	" \"n\": 9,\n \"object\": {\n  \"n\": 8\n },\n \"pointer\": {\n  \"n\": 7\n },\n"        \
	" \"list\": [\n  {\n   \"name\": \"i\",\n   \"driver\": null\n  },\n"                    \
	"  {\n   \"name\": \"j\"\n  }\n ],\n \"derived\": 5\n}\n"

static struct all *parse(const char *text, struct err *err, bool derived)
{
	struct jdoc *doc = jdoc_parse(text, strlen(text), "x", err);

	if (doc)
		jdoc_set_context(doc, NULL, derived);
	return jtable_load(all_rows, sizeof(struct all), doc, "t/1");
}

static void release(struct all *all)
{
	jtable_delete(all_rows, all);
}

static void test_whole(void)
{
	struct err err = { "" };
	struct all *all = parse(DOCUMENT, &err, true);
	char *text;

	check(all);
	if (!all) {
		printf("# %s\n", err.text);
		return;
	}
	check(all->nlist == 2 && all->cap == 2 && all->has_list);
	check(!all->list[0].driver_unreported && all->list[1].driver_unreported);
	check(all->least == 5 && all->derived == 5 && all->inner.n == 9);
	all->shown = true;
	text = jtable_format(all_rows, "t/1", all);
	check(strcmp(text, DOCUMENT) == 0);
	free(text);
	release(all);
	all = parse(DOCUMENT, &err, false);
	check(all && all->derived == 0);
	release(all);
}

static void test_nothing(void)
{
	struct err err = { "" };
	struct all *all = parse("{\"schema\":\"t/1\"}", &err, true);
	char *text;

	check(all && all->counter == UINT64_MAX && all->small == UINT32_MAX && !all->has_list);
	text = jtable_format(all_rows, "t/1", all);
	check(strstr(text, "\"text\": null,\n \"people\": null,\n \"buffer\": \"\",\n"));
	check(strstr(text, "\"counter\": null,"));
	check(strstr(text, "\"address\": null,") && strstr(text, "\"small\": null,"));
	check(!strstr(text, "\"list\"") && !strstr(text, "\"object\""));
	free(text);
	release(all);
}

static void refused(const char *members, const char *says)
{
	struct err err = { "" };
	char *text = xasprintf("{\"schema\":\"t/1\",%s}", members);
	struct all *all = parse(text, &err, true);

	if (all || !strstr(err.text, says))
		printf("# %s\n# says: %s\n", members, err.text);
	check(!all && strstr(err.text, says));
	release(all);
	free(text);
}

static void test_refused(void)
{
	refused("\"text\":\"a\",\"text\":\"b\"", "two members of one name");
	refused("\"text\":1", "x: text: expected a string");
	refused("\"buffer\":\"12345678\"", "x: buffer: expected up to 7 bytes");
	refused("\"number\":1001", "number: expected a number up to 1000");
	refused("\"number\":1.0", "number: expected a whole number");
	refused("\"least\":1", "least: expected a number above 1");
	refused("\"numbers\":[1]", "numbers: expected 2 numbers");
	refused("\"numbers\":[1,6]", "numbers[1]: expected a number up to 5");
	refused("\"parts\":{\"red\":100}", "parts.red: expected a number up to 99");
	refused("\"word\":\"pink\\u001b[2J\"", "word: unknown word 'pink\\x1b[2J'");
	refused("\"strings\":[\"a\",\"b\",\"c\",\"d\"]", "strings: more than 3 entries");
	refused("\"few\":[\"a\",\"b\",\"c\"]", "few: more than 2 entries");
	refused("\"list\":[{},{},{},{}]", "list: more than 3 entries");
	refused("\"list\":[{}]", "list[0].name: missing");
	refused("\"list\":[{\"name\":\"a\"},{\"name\":\"a\"}]", "list: 'a' is listed twice");
	refused("\"pointer\":[]", "pointer: expected an object");
}

/* Members of a newer version are named. */
static void test_unknown(void)
{
	static const char text[] = "{\"schema\":\"t/1\",\"later\":1,\"object\":{\"n\":1,\"m\":2},"
				   "\"list\":[{\"name\":\"a\"},{\"name\":\"b\",\"c\\u001b\":0}]}";
	struct err err = { "" };
	struct jdoc *doc = jdoc_parse(text, strlen(text), "x", &err);
	struct jval root = jdoc_root(doc);
	struct all all = { 0 };

	jtable_read(all_rows, &root, &all);
	check(jdoc_status(doc) == 0 && jdoc_unknown(doc));
	check(jdoc_unknown(doc) &&
	      strcmp(jdoc_unknown(doc), "object.m, list[1].c\\x1b, later") == 0);
	jtable_free(all_rows, &all);
	jdoc_free(doc);
}

int main(void)
{
	test_whole();
	test_nothing();
	test_refused();
	test_unknown();
	return done();
}
