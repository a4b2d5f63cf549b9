/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/verdict/breach.h"
#include "lib/verdict/diff.h"
#include "lib/verdict/json.h"
#include "lib/verdict/version.h"
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
	char *again;

	check(golden_same(golden, text));
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

/* Findings and counterexamples have each other; without findings they are made. */
static void test_findings(const struct verdict *violated)
{
	char *text = verdict_json_format(violated, NULL), *older;
	struct verdict_record *r;

	check(refused(text, "\"example\": 1", "\"example\": 7", "do not fit"));
	check(refused(text, "\"example\": 1", "\"example\": 0", "do not fit"));
	check(refused(text, "\"finding\": 1", "\"finding\": 2", "do not fit"));
	older = edited(text, "\"findings\": [", "\"once\": [");
	r = verdict_json_parse(older, strlen(older), "v.json", NULL);
	check(r && r->verdict->nfindings == 2 && r->verdict->findings[1].example == 1);
	check(r && r->verdict->findings[0].breaches == 1u << BREACH_OTHER &&
	      r->verdict->findings[0].claims == 1u << CLAIM_DMA_IN_SHARED &&
	      r->verdict->findings[0].largest == 163 && r->verdict->examples[1].finding == 1);
	verdict_record_free(r);
	free(older);
	older = edited(text, "\"protected-memory\"", "\"not-known-yet\"");
	r = verdict_json_parse(older, strlen(older), "v.json", NULL);
	check(r &&
	      r->verdict->findings[0].breaches == (1u << BREACH_OTHER | 1u << BREACH_NOT_BOUNCED));
	verdict_record_free(r);
	free(older);
	free(text);
}

static void test_refusals(const struct verdict *v)
{
	struct run run = fixture_run();
	char *text;

	run.tool = "ccaio " VERSION;
	text = verdict_json_format(v, &run);
	check(refused(text, "ccaio.verdict/1", "ccaio.verdict/2", "another version"));
	check(refused(text, "\"verdict\": \"PROVEN\"", "\"verdict\": \"GREAT\"",
		      "verdict: unknown word 'GREAT'"));
	check(refused(text, "\"verdict\": \"PROVEN\"", "\"verdict\": 1", "expected a string"));
	check(refused(text, "\"verdict\": \"PROVEN\"",
		      "\"verdict\": \"VIOLATED\", \"verdict\": \"PROVEN\"",
		      "two members of one name"));
	check(refused(text, "\"lifecycle\": {", "\"lifetime\": {", "claims.lifecycle: missing"));
	check(refused(text, "\"baseline\": {", "\"base\": {", "conditions.baseline: missing"));
	check(refused(text, "\"state\": \"holds\"", "\"state\": \"undecided\"", "says PROVEN"));
	check(refused(text, "\"state\": \"holds\"", "\"state\": \"not-judged\"",
		      "claims.dma-in-shared: missing"));
	check(refused(text, "\"state\": \"met\"", "\"state\": \"unmet\"", "says PROVEN"));
	check(refused(text, "\"refutations\": 0", "\"refutations\": -1", "not negative"));
	check(refused(text, "\"refutations\": 0", "\"refutations\": \"0\"", "a whole number"));
	check(refused(text, "\"refutations\": 0", "\"refutations\": 1e0", "a whole number"));
	check(refused(text, "\"start\": \"0x7", "\"start\": \"7", "ranges[0].start: expected"));
	check(refused(text, "\"end\": \"0x7a8fffff\"", "\"end\": \"0x10\"", "end is below start"));
	check(refused(text, "\"exit_status\": 0", "\"exit_status\": 4096", "number up to 255"));
	check(refused(text, "\"it's here\"", "\"it\\u0000s\"", "NUL"));
	check(refused(text, "\"it's here\"", "7", "run.command[4]: expected a string"));
	check(refused(text, "\"bucket_ns\": 268435456", "\"bucket_ns\": 0", "bucket_ns"));
	check(refused(text, "\"maps\": \"0 3", "\"maps\": \"3", "as long as the others"));
	check(refused(text, "\"maps\": \"0 3", "\"maps\": \"0 -3", "list of numbers"));
	check(refused(text, "\"schema\"", "\"scheme\"", "schema: missing"));
	check(refused(text, "{", "[", "not JSON at byte"));
	check(refused(text, "\"PROVEN\"", "\"\xff\"", "not UTF-8"));
	check(refused(text, "\"PROVEN\"", "[[[[[[[[[[[[[[[[[[[[[[[[[[0]", "nested deeper than"));
	check(refused("", "", "", "empty"));
	free(text);
}

/* The edited text as a verdict; NULL where it is refused. */
static struct verdict_record *reread(const char *text, const char *from, const char *to)
{
	struct err err = { "" };
	char *other = edited(text, from, to);
	struct verdict_record *r = verdict_json_parse(other, strlen(other), "v.json", &err);

	if (!r)
		printf("# '%s' -> '%s': %s\n", from, to, err.text);
	free(other);
	return r;
}

/* What an older version did not know was not judged then. */
static void test_older(const struct verdict *v)
{
	struct run run = fixture_run();
	struct verdict *now = fixture_proven();
	struct verdict_record *r;
	char *text;

	run.tool = "ccaio 0.1";
	text = verdict_json_format(v, &run);
	r = reread(text, "\"conserved\": {", "\"conserve\": {");
	check(r && r->verdict->conds[COND_CONSERVED].state == COND_NOT_JUDGED);
	/* the same under another name: this version does not know it, and it is met */
	check(r && r->verdict->outcome == OUTCOME_PROVEN && r->verdict->nforeign == 1);
	now->conds[COND_BASELINE].state = COND_UNMET;
	now->outcome = OUTCOME_INCONCLUSIVE;
	version_carry_over(now, r, true);
	check(now->outcome == OUTCOME_INCONCLUSIVE && now->nforeign == 1);
	check(now->nnotes >= 2);
	check(strcmp(now->notes[now->nnotes - 2],
		     "ccaio 0.1 had judged this evidence PROVEN, ccaio " VERSION
		     " judges it INCONCLUSIVE: baseline was met, is unmet") == 0);
	check(strcmp(now->notes[now->nnotes - 1],
		     "ccaio 0.1, which recorded this evidence, did not judge conserved") == 0);
	verdict_record_free(r);
	/* an unmet condition beside PROVEN contradicts the file, whoever wrote it */
	check(refused(text, "\"state\": \"met\"", "\"state\": \"unmet\"", "says PROVEN"));
	verdict_free(now);
	free(text);
}

/* What only a newer version knows is kept; where it is not fulfilled nothing is PROVEN. */
static void test_newer(const struct verdict *v)
{
	static const struct {
		const char *before, *more;
		enum outcome then;
	} cases[] = {
		{ "\"conditions\": {", "\"sealed\": {\"state\": \"met\"},", OUTCOME_PROVEN },
		{ "\"conditions\": {", "\"sealed\": {\"state\": \"not-applicable\"},",
		  OUTCOME_PROVEN },
		{ "\"conditions\": {", "\"sealed\": {\"state\": \"unmet\"},",
		  OUTCOME_INCONCLUSIVE },
		{ "\"conditions\": {", "\"sealed\": {\"state\": \"odd\"},", OUTCOME_INCONCLUSIVE },
		{ "\"conditions\": {", "\"sealed\": {},", OUTCOME_INCONCLUSIVE },
		{ "\"conditions\": {", "\"sealed\": null,", OUTCOME_INCONCLUSIVE },
		{ "\"claims\": {", "\"kept\": {\"state\": \"holds\"},", OUTCOME_PROVEN },
		{ "\"claims\": {", "\"kept\": {\"state\": \"undecided\"},", OUTCOME_INCONCLUSIVE },
		{ "\"claims\": {", "\"kept\": {\"state\": \"undecided\",\"required\":false},",
		  OUTCOME_PROVEN },
		{ "\"claims\": {", "\"kept\": {\"state\": \"refuted\",\"required\":false},",
		  OUTCOME_INCONCLUSIVE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const char *const tools[] = { "ccaio 9.0", "ccaio " VERSION, "ccaio 0.1" };
		struct run run = fixture_run();
		struct verdict *now = fixture_proven();
		struct verdict_record *r, *again;
		char *text, *with, *twice;

		run.tool = tools[i % 3];
		text = verdict_json_format(v, &run);
		with = xasprintf("%s%s", cases[i].before, cases[i].more);
		r = reread(text, cases[i].before, with);
		check(r && r->verdict->outcome == cases[i].then && r->verdict->nforeign == 1);
		check(r && r->said == OUTCOME_PROVEN);
		check(verdict_agrees(r->verdict, now, NULL) < 0);
		version_carry_over(now, r, false);
		check(now->outcome == cases[i].then && now->nforeign == 1);
		free(text);
		/* written again it is still there */
		text = verdict_json_format(r->verdict, &r->run);
		again = verdict_json_parse(text, strlen(text), "again", NULL);
		check(again && again->verdict->nforeign == 1);
		twice = verdict_json_format(again->verdict, &again->run);
		check(strcmp(text, twice) == 0);
		verdict_record_free(again);
		verdict_record_free(r);
		verdict_free(now);
		free(text);
		free(twice);
		free(with);
	}
}

/* A newer version that was not convinced may know why. */
static void test_newer_doubts(const struct verdict *v)
{
	struct run run = fixture_run();
	struct verdict *now = fixture_proven();
	struct verdict_record *r;
	char *text;

	run.tool = "ccaio 9.0";
	text = verdict_json_format(v, &run);
	r = reread(text, "\"verdict\": \"PROVEN\"", "\"verdict\": \"INCONCLUSIVE\", \"hint\": 1");
	check(r && r->unknown && strcmp(r->unknown, "hint") == 0);
	version_carry_over(now, r, true);
	check(now->outcome == OUTCOME_INCONCLUSIVE && strstr(now->reason, "ccaio 9.0"));
	check(strstr(now->notes[now->nnotes - 1], "does not know: hint"));
	verdict_record_free(r);
	verdict_free(now);
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
	test_findings(violated);
	test_older(proven);
	test_newer(proven);
	test_newer_doubts(proven);
	test_truncation(violated);
	test_corpus();
	verdict_free(proven);
	verdict_free(violated);
	return done();
}
