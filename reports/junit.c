/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * junit - test cases for pipelines: the verdict, each claim and each condition.
 *
 * What is undecided or unmet is a failure of type INCONCLUSIVE, never a skip: a pipeline that
 * counts failures must stop on anything but PROVEN.  Skipped is only what does not apply.
 */
#include <stdio.h>

#include "reports/checks.h"
#include "reports/escape.h"
#include "reports/report.h"
#include "reports/rows.h"

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

static void write_case(FILE *out, const struct check *c)
{
	const char *tag = c->result == CHECK_SKIPPED ? "skipped" : "failure";

	fprintf(out, "    <testcase classname=\"ccaio.%s\"", c->group);
	attribute(out, "name", c->name);
	fputs(" time=\"0\">\n", out);
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

static void write_junit(FILE *out, const struct report_input *in)
{
	struct rows *rows = rows_new(in);
	struct checks checks;

	checks_init(&checks, rows);
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuites name=\"ccaio\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
		"skipped=\"%zu\" time=\"0\">\n"
		"  <testsuite name=\"ccaio\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
		"skipped=\"%zu\" time=\"0\"",
		checks.count, checks.failed, checks.skipped, checks.count, checks.failed,
		checks.skipped);
	if (*rows_fact(rows, "started"))
		attribute(out, "timestamp", rows_fact(rows, "started"));
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
		write_case(out, &checks.list[i]);
	fputs("  </testsuite>\n</testsuites>\n", out);
	rows_free(rows);
}

const struct report report_junit = {
	.name = "junit",
	.summary = "JUnit XML for CI: a test case per claim and condition",
	.write = write_junit,
};
