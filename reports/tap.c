/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tap - Test Anything Protocol, version 13: the same checks as junit.
 */
#include <stdio.h>
#include <string.h>

#include "reports/checks.h"
#include "reports/escape.h"
#include "reports/report.h"
#include "reports/rows/rows.h"

/* '#' would start a directive. */
static void description(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '#' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void yaml(FILE *out, const char *key, const char *value)
{
	fprintf(out, "  %s: \"", key);
	escape_quoted(out, value);
	fputs("\"\n", out);
}

static void write_check(FILE *out, size_t n, const struct check *c)
{
	bool ok = c->result == CHECK_PASSED || c->result == CHECK_SKIPPED;
	const char *detail = c->detail;

	fprintf(out, "%sok %zu - %s", ok ? "" : "not ", n, c->group);
	if (strcmp(c->group, c->name) != 0) /* the verdict is the only one of its group */
		fprintf(out, " %s", c->name);
	if (c->result == CHECK_SKIPPED) {
		fputs(" # SKIP ", out);
		description(out, c->message);
	}
	fputs("\n  ---\n", out);
	yaml(out, "result", check_result_name(c->result));
	yaml(out, "message", c->message);
	/* a block: in a list, TAP::Parser takes a text that holds ": " for another mapping */
	if (*detail)
		fputs("  detail: |\n", out);
	while (*detail) {
		size_t len = strcspn(detail, "\n");

		fprintf(out, "    %.*s\n", (int)len, detail);
		detail += len + (detail[len] == '\n');
	}
	fputs("  ...\n", out);
}

static void write_tap(FILE *out, const struct report_input *in)
{
	struct rows *rows = rows_new(in);
	struct checks checks;

	checks_init(&checks, rows);
	fprintf(out, "TAP version 13\n1..%zu\n", checks.count);
	for (size_t i = 0; i < rows->nfacts; i++)
		fprintf(out, "# %s: %s\n", rows->facts[i].label, rows->facts[i].value);
	for (size_t i = 0; i < checks.count; i++)
		write_check(out, i + 1, &checks.list[i]);
	rows_free(rows);
}

const struct report report_tap = {
	.name = "tap",
	.summary = "Test Anything Protocol: the same tests as junit",
	.write = write_tap,
};
