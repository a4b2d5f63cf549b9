/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * junit - test cases for pipelines: the verdict, each claim and each condition.
 *
 * What is undecided or unmet is a failure of type INCONCLUSIVE, never a skip: a pipeline that
 * counts failures must stop on anything but PROVEN.  Skipped is only what does not apply.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/verdict/verdict.h"
#include "reports/checks.h"
#include "reports/compare.h"
#include "reports/escape.h"
#include "reports/report.h"
#include "reports/rows/rows.h"

static void attribute(FILE *out, const char *name, const char *value)
{
	fprintf(out, " %s=\"", name);
	escape_xml(out, value);
	fputc('"', out);
}

static void property(FILE *out, const char *name, const char *value)
{
	fputs("      <property", out);
	attribute(out, "name", name);
	attribute(out, "value", value);
	fputs("/>\n", out);
}

/* The recording's time is what the run took: the verdict's case has it, and so the sums do. */
static void duration(FILE *out, uint64_t ns)
{
	fprintf(out, " time=\"%" PRIu64 ".%03" PRIu64 "\"", ns / 1000000000, ns / 1000000 % 1000);
}

/* This format's times have no time zone; ours are in UTC, and the property has it. */
static void timestamp(FILE *out, const char *started)
{
	fprintf(out, " timestamp=\"");
	for (; *started && *started != 'Z'; started++)
		escape_xml(out, (const char[]){ *started, 0 });
	fputc('"', out);
}

static void write_case(FILE *out, const struct check *c, uint64_t ns)
{
	const char *tag = c->result == CHECK_SKIPPED ? "skipped" : "failure";

	fprintf(out, "    <testcase classname=\"ccaio.%s\"", c->group);
	attribute(out, "name", c->name);
	duration(out, ns);
	fputs(">\n", out);
	if (c->result == CHECK_PASSED) {
		fputs("      <system-out>", out);
		escape_xml(out, c->message);
		fputs("</system-out>\n", out);
	} else {
		fprintf(out, "      <%s", tag);
		if (c->result != CHECK_SKIPPED)
			attribute(out, "type", check_result_name(c->result));
		attribute(out, "message", c->message);
		fputs(">", out);
		escape_xml(out, c->detail);
		fprintf(out, "</%s>\n", tag);
	}
	fputs("    </testcase>\n", out);
}

/* The schema that Jenkins' xUnit plugin checks by gives only a suite a number of skipped tests. */
static void counts(FILE *out, const char *element, const struct checks *checks, bool suite,
		   uint64_t ns)
{
	fprintf(out, "<%s name=\"ccaio\" tests=\"%zu\" failures=\"%zu\" errors=\"0\"", element,
		checks->count, checks->failed);
	if (suite)
		fprintf(out, " skipped=\"%zu\"", checks->skipped);
	duration(out, ns);
}

static void write_junit(FILE *out, const struct report_input *in)
{
	uint64_t from = in->verdict->totals.first_ns, to = in->verdict->totals.last_ns;
	uint64_t ns = to > from ? to - from : 0;
	struct rows *rows = rows_new(in);
	struct checks checks;

	checks_init(&checks, rows);
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
	counts(out, "testsuites", &checks, false, ns);
	fputs(">\n  ", out);
	counts(out, "testsuite", &checks, true, ns);
	if (*rows_fact(rows, "started"))
		timestamp(out, rows_fact(rows, "started"));
	fputs(">\n    <properties>\n", out);
	property(out, "verdict", rows->verdict);
	property(out, "scope", rows->scope);
	property(out, "setting", rows->setting);
	if (*rows->limit)
		property(out, "headline", rows->headline);
	for (size_t i = 0; i < rows->nfacts; i++)
		property(out, rows->facts[i].key, rows->facts[i].value);
	fputs("    </properties>\n", out);
	for (size_t i = 0; i < checks.count; i++)
		write_case(out, &checks.list[i], i == 0 ? ns : 0);
	fputs("  </testsuite>\n</testsuites>\n", out);
	rows_free(rows);
}

const struct report report_junit = {
	.name = "junit",
	.summary = "JUnit XML for CI: a test case per claim and condition",
	.write = write_junit,
	.compare = compare_junit,
};
