/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/verdict/diff.h"
#include "lib/verdict/json.h"
#include "tests/unit/golden.h"
#include "tests/unit/test.h"
#include "tests/unit/verdict-fixture.h"

/* The text with the first `from` replaced by `to`; the caller frees. */
static char *edited(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	return at ? xasprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from))
		  : xstrdup("");
}

/* Reading the edited text fails and the message holds `why`. */
static bool refused(const char *text, const char *from, const char *to, const char *why)
{
	char *bad = edited(text, from, to);
	struct err err = { "" };
	struct verdict_record *r = verdict_json_parse(bad, strlen(bad), "v.json", &err);
	bool ok = !r && strstr(err.text, why) && strstr(err.text, "v.json");

	if (!ok)
		printf("# '%s' -> '%s': got '%s', want '%s'\n", from, to, err.text, why);
	verdict_record_free(r);
	free(bad);
	return ok;
}

/* json-c 0.18 writes an empty list as "[]", others break the line in it. */
static char *close_empty_lists(const char *text)
{
	char *out = xcalloc(strlen(text) + 1, 1);
	size_t n = 0;

	while (*text) {
		size_t gap = *text == '[' ? strspn(text + 1, " \n") : 0;

		out[n++] = *text;
		text += text[1 + gap] == ']' && gap ? 1 + gap : 1;
	}
	return out;
}

/* The corpus of tests/fuzz/fuzz-verdict.c: verdicts of recordings, with less of what repeats. */
static void test_corpus(void)
{
	static const char *const files[] = { "linux-6.1-forced", "linux-7.2-noforce", "realm-7.2" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *file = xasprintf("tests/data/fuzz/verdict/%s.json", files[i]);
		struct verdict_record *r, *again = NULL;
		struct err err = { "" };
		size_t len;
		char *text = file_read(file, VERDICT_FILE_MAX, &len, &err), *twice;

		r = text ? verdict_json_parse(text, len, file, &err) : NULL;
		twice = r ? verdict_json_format(r->verdict, &r->run) : xstrdup("");
		if (r)
			again = verdict_json_parse(twice, strlen(twice), "again", &err);
		check(r && again && verdict_agrees(r->verdict, again->verdict, &err) == 0);
		verdict_record_free(r);
		verdict_record_free(again);
		free(text);
		free(twice);
		free(file);
	}
}

static void test_round_trip(const struct verdict *v, const char *golden)
{
	struct run run = fixture_run();
	struct err err = { "" };
	struct verdict_record *r;
	char *text = verdict_json_format(v, &run);
	char *again = close_empty_lists(text);

	check(golden_same(golden, again));
	free(again);
	r = verdict_json_parse(text, strlen(text), "v.json", &err);
	check(r != NULL);
	if (!r) {
		printf("# %s\n", err.text);
		return;
	}
	again = verdict_json_format(r->verdict, &r->run);
	check(strcmp(text, again) == 0);
	check(r->verdict->outcome == v->outcome && r->verdict->scope == v->scope);
	check(strcmp(r->run.argv[4], "it's here") == 0 && !r->run.argv[5]);
	verdict_record_free(r);
	free(again);
	free(text);
}

static void test_read_back(const struct verdict *v)
{
	struct verdict_record *r;
	char *text = verdict_json_format(v, NULL);
	const struct counterexample *ex;

	r = verdict_json_parse(text, strlen(text), "v.json", NULL);
	check(r != NULL);
	ex = &r->verdict->examples[0];
	check(ex->claim == CLAIM_DMA_IN_SHARED && ex->seq == 4711 && ex->event.pid == 123);
	check(ex->event.orig == 0x455794fe && ex->event.size == 163 && ex->event.cpu == 1);
	check(ex->event.kind == EVENT_MAP && ex->memory == MEMORY_PROTECTED);
	check(r->verdict->examples[1].event.dma == EVENT_NO_ADDR);
	check(r->verdict->claims[CLAIM_DMA_IN_SHARED].refutations == 40);
	check(r->verdict->devices[0].totals.maps[2] == 634);
	check(r->verdict->devices[1].trusted);
	check(r->verdict->totals.last_ns == 12345678901);
	check(r->run.exit_status == -1 && !r->run.argv);
	verdict_record_free(r);
	free(text);
}

static void test_refusals(const struct verdict *v)
{
	struct run run = fixture_run();
	char *text = verdict_json_format(v, &run);

	check(refused(text, "ccaio.verdict/1", "ccaio.verdict/2", "another version"));
	check(refused(text, "\"verdict\":\"PROVEN\"", "\"verdict\":\"GREAT\"", "unknown value"));
	check(refused(text, "\"verdict\":\"PROVEN\"", "\"verdict\":1", "wrong type"));
	check(refused(text, "\"lifecycle\":{", "\"lifetime\":{", "'lifecycle' is missing"));
	check(refused(text, "\"state\":\"holds\"", "\"state\":\"undecided\"", "says PROVEN"));
	check(refused(text, "\"state\":\"met\"", "\"state\":\"unmet\"", "says PROVEN"));
	check(refused(text, "\"refutations\":0", "\"refutations\":-1", "negative"));
	check(refused(text, "\"refutations\":0", "\"refutations\":\"0\"", "wrong type"));
	check(refused(text, "\"start\":\"0x7", "\"start\":\"7", "address"));
	check(refused(text, "\"end\":\"0x7a8fffff\"", "\"end\":\"0x10\"", "end before"));
	check(refused(text, "\"exit_status\":0", "\"exit_status\":4096", "out of range"));
	check(refused(text, "\"it's here\"", "\"it\\u0000s\"", "NUL"));
	check(refused(text, "\"it's here\"", "7", "wrong type"));
	check(refused(text, "\"bucket_ns\":268435456", "\"bucket_ns\":0", "bucket_ns"));
	check(refused(text, "\"maps\":\"0 3", "\"maps\":\"3", "as long as the others"));
	check(refused(text, "\"maps\":\"0 3", "\"maps\":\"0 -3", "list of numbers"));
	check(refused(text, "\"schema\"", "\"scheme\"", "'schema' is missing"));
	check(refused(text, "{", "[", "not a JSON object"));
	check(refused(text, "\"PROVEN\"", "\"\xff\"", "not a JSON object"));
	check(refused("", "", "", "not a JSON object"));
	free(text);
}

/* A file that ends too early is refused at every length. */
static void test_truncation(const struct verdict *v)
{
	char *text = verdict_json_format(v, NULL);
	size_t accepted = 0;

	for (size_t len = 0; len + 2 < strlen(text); len += 7) {
		struct verdict_record *r = verdict_json_parse(text, len, "v.json", NULL);

		accepted += r != NULL;
		verdict_record_free(r);
	}
	check(accepted == 0);
	free(text);
}

int main(void)
{
	struct verdict *proven = fixture_proven();
	struct verdict *violated = fixture_violated();

	test_round_trip(proven, "tests/data/reports/proven.json");
	test_round_trip(violated, "tests/data/reports/violated.json");
	test_read_back(violated);
	test_refusals(proven);
	test_truncation(violated);
	test_corpus();
	verdict_free(proven);
	verdict_free(violated);
	return done();
}
