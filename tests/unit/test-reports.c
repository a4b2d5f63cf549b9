/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/brief.h"
#include "reports/checks.h"
#include "reports/report.h"
#include "reports/rows/glossary.h"
#include "reports/rows/rows.h"
#include "reports/wrap.h"
#include "tests/unit/golden.h"
#include "tests/unit/test.h"
#include "tests/unit/verdict-fixture.h"

/* A report as a string; the caller frees. */
static char *render(const char *format, const struct report_input *in)
{
	const struct report *report = report_find(format);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	report->write(out, in);
	fclose(out);
	return text;
}

static bool has_control(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 && *text != '\n')
			return true;
	}
	return false;
}

static int longest_line(const char *text)
{
	char *copy = strdup(text);
	int longest = 0;

	for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n"))
		longest = wrap_width(line) > longest ? wrap_width(line) : longest;
	free(copy);
	return longest;
}

static void test_text(struct verdict *proven, struct verdict *violated, struct exchanges *exchanges)
{
	struct run run = fixture_run();
	struct report_input in = { .verdict = proven, .run = &run, .verbosity = 1 };
	char *text = render("text", &in);

	check(golden_same("tests/data/reports/proven.txt", text));
	check(strncmp(text, "PROVEN since boot, rehearsal\n", 29) == 0);
	check(longest_line(text) <= WRAP_COLUMNS);
	free(text);

	in.verdict = violated;
	in.exchanges = exchanges;
	in.verbosity = 1;
	text = render("text", &in);
	check(golden_same("tests/data/reports/violated.txt", text));
	check(!has_control(text));
	check(longest_line(text) <= WRAP_COLUMNS);
	free(text);

	in.verbosity = -1;
	text = render("text", &in);
	check(strcmp(text, "VIOLATED for the window, rehearsal: dma-in-shared is refuted: "
			   "0000:00:01.0 was given protected memory\n") == 0);
	free(text);

	in.colour = true;
	text = render("text", &in);
	check(strncmp(text, "\033[31mVIOLATED\033[0m for", 20) == 0);
	free(text);
}

static int count_lines(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* Is the first word of the text its last line, too? */
static bool framed(const char *text)
{
	size_t word = strcspn(text, " \n"), len = strlen(text);

	return len > 2 * word && strncmp(text + len - word - 2, "\n", 1) == 0 &&
	       strncmp(text + len - word - 1, text, word) == 0;
}

/* One screen, whatever the verdict holds. */
static void test_brief(struct verdict *proven, struct verdict *violated,
		       struct exchanges *exchanges)
{
	struct run run = fixture_run();
	struct report_input in = { .verdict = proven, .run = &run, .exchanges = exchanges };
	struct verdict *largest;
	char *text = render("text", &in);

	check(golden_same("tests/data/reports/proven.brief.txt", text));
	free(text);
	in.verdict = violated;
	text = render("text", &in);
	check(golden_same("tests/data/reports/violated.brief.txt", text));
	free(text);
	for (const char *c = "x\033 "; *c; c++) {
		in.verdict = largest = fixture_largest(*c);
		text = render("text", &in);
		check(count_lines(text) <= BRIEF_LINES && count_lines(text) >= 8);
		check(longest_line(text) <= WRAP_COLUMNS);
		check(framed(text));
		check(!has_control(text));
		free(text);
		verdict_free(largest);
	}
}

/* Each format's whole output on the violated run, whose names try to break out of it. */
static void test_golden(struct verdict *proven, struct verdict *violated,
			struct exchanges *exchanges)
{
	static const struct {
		const char *format, *suffix;
	} formats[] = {
		{ "junit", "junit.xml" }, { "tap", "tap" },	{ "markdown", "md" },
		{ "sarif", "sarif" },	  { "jsonl", "jsonl" }, { "perfetto", "perfetto.json" },
	};
	struct run run = fixture_run();
	struct report_input in = { .verdict = violated, .run = &run };
	char path[128];
	char *text;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		in.verdict = violated;
		in.exchanges = exchanges;
		text = render(formats[i].format, &in);
		snprintf(path, sizeof(path), "tests/data/reports/violated.%s", formats[i].suffix);
		check(golden_same(path, text));
		check(!has_control(text));
		free(text);
		in.verdict = proven;
		in.exchanges = NULL;
		text = render(formats[i].format, &in);
		snprintf(path, sizeof(path), "tests/data/reports/proven.%s", formats[i].suffix);
		check(golden_same(path, text));
		free(text);
	}
}

/* A comment on the common forges may have 65,536 characters. */
static void test_markdown_fits(void)
{
	static const char each[] = "x@|<:";
	struct run run = fixture_run();

	for (const char *c = each; *c; c++) {
		struct verdict *v = fixture_largest(*c);
		struct report_input in = { .verdict = v, .run = &run };
		char *text;

		run.policy = v->reason;
		text = render("markdown", &in);
		printf("# '%c': %zu bytes\n", *c, strlen(text));
		check(strlen(text) < 65536);
		check(strstr(text, "\n</details>\n") && strstr(text, "ccaio verify"));
		free(text);
		verdict_free(v);
	}
}

/* No check fails if and only if the verdict is PROVEN. */
static void test_checks(struct verdict *v)
{
	struct report_input in = { .verdict = v };
	struct rows *rows = rows_new(&in);
	struct checks checks;

	checks_init(&checks, rows);
	check(checks.count == 1 + CLAIMS + CONDS && checks.failed == 0 && checks.skipped == 2);
	check(strcmp(checks.list[0].name, "verdict") == 0);
	rows_free(rows);

	/* all parts fine, and yet not PROVEN: the verdict itself must fail */
	v->outcome = OUTCOME_INCONCLUSIVE;
	rows = rows_new(&in);
	checks_init(&checks, rows);
	check(checks.failed == 1 && checks.list[0].result == CHECK_INCONCLUSIVE);
	rows_free(rows);
	v->outcome = OUTCOME_PROVEN;

	for (int i = 0; i < CONDS; i++) {
		v->conds[i].state = COND_UNMET;
		rows = rows_new(&in);
		checks_init(&checks, rows);
		check(checks.failed == 1 &&
		      checks.list[1 + CLAIMS + i].result == CHECK_INCONCLUSIVE);
		rows_free(rows);
		v->conds[i].state = COND_MET;
	}
	for (int i = 0; i < CLAIM_EGRESS; i++) {
		v->claims[i].state = CLAIM_REFUTED;
		rows = rows_new(&in);
		checks_init(&checks, rows);
		check(checks.failed == 1 && checks.list[1 + i].result == CHECK_VIOLATED);
		rows_free(rows);
		v->claims[i].state = CLAIM_UNDECIDED;
		rows = rows_new(&in);
		checks_init(&checks, rows);
		check(checks.failed == 1 && checks.list[1 + i].result == CHECK_INCONCLUSIVE);
		rows_free(rows);
		v->claims[i].state = CLAIM_HOLDS;
	}
}

static void test_formats(void)
{
	check(report_find("text") != NULL);
	check(report_find("json") != NULL);
	check(report_find("nonsense") == NULL);
	check(strcmp(report_at(0)->name, "text") == 0);
	check(report_at(1000) == NULL);
	for (unsigned int i = 0; report_at(i); i++)
		check(report_find(report_at(i)->name) == report_at(i) && report_at(i)->summary[0]);
}

static void test_rows(struct verdict *violated)
{
	struct report_input in = { .verdict = violated };
	struct rows *rows = rows_new(&in);

	check(strcmp(rows_count(rows, 0), "0") == 0);
	check(strcmp(rows_count(rows, 999), "999") == 0);
	check(strcmp(rows_count(rows, 1000), "1,000") == 0);
	check(strcmp(rows_count(rows, UINT64_MAX), "18,446,744,073,709,551,615") == 0);
	check(strcmp(rows_counted(rows, 1, "byte"), "1 byte") == 0);
	check(strcmp(rows_time(rows, 1000000001), "1.000000001 s") == 0);
	check(strcmp(rows_addr(rows, EVENT_NO_ADDR), "") == 0);
	check(rows->decided_by == 5 && rows->held == 2);
	check(rows->applicable == 10 && rows->met == 9);
	check(strcmp(rows->devices[0].findings, "dma-in-shared refuted, lifecycle undecided") == 0);
	check(rows->devices[0].worst == CLAIM_REFUTED && rows->devices[1].worst == CLAIM_HOLDS);
	check(strcmp(rows->examples[0].task,
		     "evil\\x1b[2J<script>alert(1)</script>&\"'|`\\xff\\u{202e}-123 on CPU 1") ==
	      0);
	check(rows->examples[1].time[0] == '\0' && rows->examples[1].event[0] == '\0');
	check(strcmp(rows_fact(rows, "kernel"), "") == 0);
	rows_free(rows);
}

static void test_facts(struct verdict *proven)
{
	struct run run = fixture_run();
	struct platform p = { .kernel = { "7.2.13+deb14-arm64", "aarch64", NULL } };
	struct platform_pool pool = { "default", { 0x72900000, 0x7a8fffff }, false };
	struct report_input in = { .verdict = proven, .run = &run, .platform = &p };
	struct rows *rows;

	p.realm.is_realm = TRI_YES;
	p.realm.kind = "arm-cca";
	p.realm.rsi_version = "1.0";
	p.realm.ipa_bits = 33;
	p.swiotlb.pools = &pool;
	p.swiotlb.npools = 1;
	p.swiotlb.slots = 65536;
	p.swiotlb.used_hiwater = PLATFORM_UNKNOWN;
	run.policy = "ci.json";
	run.facts = "facts.json";
	run.window_only = true;
	run.exit_status = -1;
	run.term_signal = 9;
	rows = rows_new(&in);
	check(strcmp(rows_fact(rows, "command"), "keybroker-app -v --endpoint http://10.0.2.2:8088 "
						 "'it'\\''s here'") == 0);
	check(strcmp(rows_fact(rows, "command-end"), "ended by signal 9 (KILL)") == 0);
	check(strcmp(rows_fact(rows, "kernel"), "7.2.13+deb14-arm64 aarch64") == 0);
	check(strcmp(rows_fact(rows, "realm"), "yes, arm-cca, RSI 1.0, 33-bit IPA space") == 0);
	check(strcmp(rows_fact(rows, "pools"), "default 0x72900000-0x7a8fffff; 65,536 slots") == 0);
	check(strcmp(rows->recheck, "ccaio verify --platform facts.json --policy ci.json "
				    "--scope=window '/tmp/run one.ccaio'") == 0);
	rows_free(rows);
}

static void is_explained(const char *name)
{
	static const char *const pages[] = { "man/ccaio.1.scd", "man/ccaio-verdict.5.scd" };

	if (!glossary_find(name))
		printf("# %s: no entry in reports/rows/glossary.c\n", name);
	check(glossary_find(name));
	for (int i = 0; i < 2; i++) {
		char *man = golden_read(pages[i]);

		if (!strstr(man, name))
			printf("# %s: not in %s\n", name, pages[i]);
		check(strstr(man, name));
		free(man);
	}
}

/* Each claim and condition is explained: the glossary serves `ccaio explain` and the page. */
static void test_explained(void)
{
	for (int i = 0; i < CLAIMS; i++)
		is_explained(claim_name(i));
	for (int i = 0; i < CONDS; i++)
		is_explained(cond_name(i));
}

/* A format in the table has golden files and an entry in the manual. */
static void test_every_format(void)
{
	static const struct {
		const char *format, *suffix; /* of golden files; NULL: its own test */
	} formats[] = {
		{ "text", "txt" },	  { "json", "json" },	{ "html", NULL },
		{ "junit", "junit.xml" }, { "tap", "tap" },	{ "markdown", "md" },
		{ "sarif", "sarif" },	  { "jsonl", "jsonl" }, { "perfetto", "perfetto.json" },
	};
	char *man = golden_read("man/ccaio-report.1.scd");
	const struct report *report;

	for (unsigned int i = 0; (report = report_at(i)); i++) {
		char *entry = xasprintf("*%s*", report->name), path[128];
		bool listed = false;

		for (size_t k = 0; k < sizeof(formats) / sizeof(formats[0]); k++) {
			char *golden;

			if (strcmp(formats[k].format, report->name) != 0)
				continue;
			listed = true;
			if (!formats[k].suffix)
				continue;
			snprintf(path, sizeof(path), "tests/data/reports/violated.%s",
				 formats[k].suffix);
			golden = golden_read(path);
			if (!*golden)
				printf("# format %s: no golden file %s\n", report->name, path);
			check(*golden);
			free(golden);
		}
		if (!listed)
			printf("# format %s: compare it with golden files here\n", report->name);
		check(listed);
		if (!strstr(man, entry))
			printf("# format %s: no entry in man/ccaio-report.1.scd\n", report->name);
		check(strstr(man, entry));
		free(entry);
	}
	free(man);
}

int main(void)
{
	struct verdict *proven = fixture_proven();
	struct verdict *violated = fixture_violated();
	struct exchanges *exchanges = fixture_exchanges();

	test_formats();
	test_rows(violated);
	test_facts(proven);
	test_text(proven, violated, exchanges);
	test_brief(proven, violated, exchanges);
	test_golden(proven, violated, exchanges);
	test_checks(proven);
	test_markdown_fits();
	verdict_free(proven);
	verdict_free(violated);
	exchanges_free(exchanges);
	test_every_format();
	test_explained();
	return done();
}
