/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two runs compared, in the formats that pipelines show. */
#include "reports/compare.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/printable.h"
#include "lib/base/xalloc.h"
#include "lib/json/json.h"
#include "lib/verdict/diff.h"
#include "lib/verdict/verdict.h"
#include "reports/escape.h"
#include "reports/wrap.h"

static const enum change order[] = { CHANGE_WORSE, CHANGE_NEUTRAL, CHANGE_BETTER, CHANGE_NOISE };

#define ORDER (sizeof(order) / sizeof(order[0]))

static bool is_shown(const struct comparison *c, enum change change)
{
	if (c->only_worse)
		return change == CHANGE_WORSE;
	return c->all || change != CHANGE_NOISE;
}

static void each(FILE *out, const struct comparison *c,
		 void (*write)(FILE *out, const struct comparison *c, const struct difference *d))
{
	for (size_t o = 0; o < ORDER; o++) {
		for (size_t i = 0; i < c->diff->count; i++) {
			const struct difference *d = &c->diff->list[i];

			if (d->change == order[o] && is_shown(c, d->change))
				write(out, c, d);
		}
	}
}

/* "3 changed, 1 of them for the worse; 7 differ as equal runs do"; the caller frees. */
static char *summary(const struct comparison *c)
{
	const struct verdict_diff *d = c->diff;
	char *noise = d->noise ? xasprintf("; %zu differ%s as equal runs do", d->noise,
					   d->noise == 1 ? "s" : "")
			       : xstrdup("");
	char *text = xasprintf("%zu changed, %zu of them for the worse%s", d->count - d->noise,
			       d->worse, noise);

	free(noise);
	return text;
}

/* "name: text", printable; the caller frees. */
static char *line_of(const struct difference *d)
{
	char *name = printable(d->name), *text = printable(d->text);
	char *line = xasprintf("%s: %s", name, text);

	free(name);
	free(text);
	return line;
}

static void text_line(FILE *out, const struct comparison *c, const struct difference *d)
{
	const char *colour = d->change == CHANGE_WORSE	  ? "\033[31m"
			     : d->change == CHANGE_BETTER ? "\033[32m"
							  : "";
	const char *paint = c->colour ? colour : "";
	char *line = line_of(d);

	fprintf(out, "%s%-7s%s  %-9s  ", paint, change_name(d->change), *paint ? "\033[0m" : "",
		d->kind);
	wrap(out, 20, 20, line);
	free(line);
}

void compare_text(FILE *out, const struct comparison *c)
{
	char *head = summary(c);

	if (!c->only_worse)
		fprintf(out, "%s\n", head);
	each(out, c, text_line);
	free(head);
}

static void json_side(struct jwriter *w, const char *key, const char *path, const struct verdict *v)
{
	jwrite_object(w, key);
	jwrite_string(w, "evidence", path);
	jwrite_string(w, "verdict", outcome_name(v->outcome));
	jwrite_string(w, "scope", scope_name(v->scope));
	jwrite_string(w, "setting", setting_name(v->setting));
	jwrite_end_object(w);
}

static void json_difference(struct jwriter *w, const struct difference *d)
{
	jwrite_object(w, NULL);
	jwrite_string(w, "change", change_name(d->change));
	jwrite_string(w, "kind", d->kind);
	jwrite_string(w, "name", d->name);
	jwrite_string(w, "text", d->text);
	if (d->numbers) {
		jwrite_number(w, "before", d->before);
		jwrite_number(w, "after", d->after);
	}
	jwrite_end_object(w);
}

void compare_json(FILE *out, const struct comparison *c)
{
	struct jwriter w;

	jwriter_init(&w, out);
	jwrite_object(&w, NULL);
	jwrite_string(&w, "schema", COMPARISON_SCHEMA);
	json_side(&w, "before", c->before, c->was);
	json_side(&w, "after", c->after, c->is);
	jwrite_number(&w, "changed", c->diff->count - c->diff->noise);
	jwrite_number(&w, "worse", c->diff->worse);
	jwrite_number(&w, "noise", c->diff->noise);
	jwrite_array(&w, "differences");
	for (size_t o = 0; o < ORDER; o++) {
		for (size_t i = 0; i < c->diff->count; i++) {
			const struct difference *d = &c->diff->list[i];

			if (d->change == order[o] && (!c->only_worse || d->change == CHANGE_WORSE))
				json_difference(&w, d);
		}
	}
	jwrite_end_array(&w);
	jwrite_end_object(&w);
}

#define MOST_ROWS 100 /* a comment of GitHub holds 65,536 characters */
#define MOST_CELL 200

static void markdown_cell(FILE *out, const char *raw)
{
	char *text = printable(raw);
	size_t n = strlen(text);
	bool cut = n > MOST_CELL;

	if (cut) {
		n = MOST_CELL;
		while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
		text[n] = '\0';
	}
	fputc(' ', out);
	escape_markdown(out, text);
	fputs(cut ? "… |" : " |", out);
	free(text);
}

void compare_markdown(FILE *out, const struct comparison *c)
{
	char *head = summary(c);
	size_t rows = 0, left = 0;

	fprintf(out, "### ccaio: %s\n\n%s → %s\n", head, outcome_name(c->was->outcome),
		outcome_name(c->is->outcome));
	free(head);
	for (size_t o = 0; o < ORDER; o++) {
		for (size_t i = 0; i < c->diff->count; i++) {
			const struct difference *d = &c->diff->list[i];

			if (d->change != order[o] || !is_shown(c, d->change))
				continue;
			if (rows == MOST_ROWS) {
				left++;
				continue;
			}
			if (!rows++)
				fputs("\n| Change | What | Which | How |\n|---|---|---|---|\n",
				      out);
			fprintf(out, d->change == CHANGE_WORSE ? "| **%s** | %s |" : "| %s | %s |",
				change_name(d->change), d->kind);
			markdown_cell(out, d->name);
			markdown_cell(out, d->text);
			fputc('\n', out);
		}
	}
	if (left)
		fprintf(out, "\n%zu more: `ccaio report --against` lists them.\n", left);
}

/* One test case per kind, so that cases keep their names from run to run. */
static const char *const kinds[] = { "verdict", "claim",   "condition", "device",
				     "egress",	"traffic", "exchange",	"run" };

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static size_t worse_of(const struct verdict_diff *d, const char *kind)
{
	size_t n = 0;

	for (size_t i = 0; i < d->count; i++)
		n += d->list[i].change == CHANGE_WORSE && strcmp(d->list[i].kind, kind) == 0;
	return n;
}

static void junit_lines(FILE *out, const struct comparison *c, const char *kind, bool worse)
{
	for (size_t i = 0; i < c->diff->count; i++) {
		const struct difference *d = &c->diff->list[i];
		char *line;

		if ((d->change == CHANGE_WORSE) != worse || strcmp(d->kind, kind) != 0 ||
		    !is_shown(c, d->change))
			continue;
		line = line_of(d);
		fprintf(out, "%s: ", change_name(d->change));
		escape_xml(out, line);
		fputc('\n', out);
		free(line);
	}
}

static void junit_property(FILE *out, const char *name, const char *raw)
{
	char *value = printable(raw);

	fprintf(out, "      <property name=\"%s\" value=\"", name);
	escape_xml(out, value);
	fputs("\"/>\n", out);
	free(value);
}

void compare_junit(FILE *out, const struct comparison *c)
{
	size_t failed = 0;

	for (size_t i = 0; i < KINDS; i++)
		failed += worse_of(c->diff, kinds[i]) != 0;
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuites name=\"ccaio\" tests=\"%zu\" failures=\"%zu\" errors=\"0\">\n"
		"  <testsuite name=\"ccaio.comparison\" tests=\"%zu\" failures=\"%zu\" "
		"errors=\"0\" skipped=\"0\">\n    <properties>\n",
		KINDS, failed, KINDS, failed);
	junit_property(out, "before", c->before);
	junit_property(out, "after", c->after);
	fputs("    </properties>\n", out);
	for (size_t i = 0; i < KINDS; i++) {
		size_t worse = worse_of(c->diff, kinds[i]);

		fprintf(out, "    <testcase classname=\"ccaio.comparison\" name=\"%s\">\n",
			kinds[i]);
		if (worse) {
			fprintf(out, "      <failure type=\"worse\" message=\"%zu for the worse\">",
				worse);
			junit_lines(out, c, kinds[i], true);
			fputs("</failure>\n", out);
		}
		fputs("      <system-out>", out);
		junit_lines(out, c, kinds[i], false);
		fputs("</system-out>\n    </testcase>\n", out);
	}
	fputs("  </testsuite>\n</testsuites>\n", out);
}
