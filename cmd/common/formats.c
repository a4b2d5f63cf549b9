/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which format goes where: --format and --output, in the order of the command line. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/common/judge.h"
#include "lib/base/err.h"
#include "lib/base/nearest.h"
#include "lib/evidence/policy.h"
#include "reports/report.h"

/* Longer endings first. */
static const struct {
	const char *ending, *format;
} endings[] = {
	{ ".perfetto.json", "perfetto" },
	{ ".sarif.json", "sarif" },
	{ ".sarif", "sarif" },
	{ ".jsonl", "jsonl" },
	{ ".json", "json" },
	{ ".html", "html" },
	{ ".xml", "junit" },
	{ ".tap", "tap" },
	{ ".md", "markdown" },
	{ ".txt", "text" },
};

/* The format that a file's name asks for, NULL none. */
static const struct report *by_ending(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t n = strlen(endings[i].ending);

		if (len > n && strcmp(path + len - n, endings[i].ending) == 0)
			return report_find(endings[i].format);
	}
	return NULL;
}

static int unknown_format(const char *value, struct err *err)
{
	const struct report *r;
	char names[256] = "";
	size_t len = 0;
	struct nearest n;

	nearest_init(&n, value);
	for (unsigned int i = 0; (r = report_at(i)); i++)
		nearest_try(&n, r->name);
	if (n.best)
		return err_set(err, EINVAL, "unknown format '%s'; did you mean '%s'?", value,
			       n.best);
	for (unsigned int i = 0; (r = report_at(i)) && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "",
					r->name);
	return err_set(err, EINVAL, "unknown format '%s': --format takes %s", value, names);
}

static int add_word(struct judging *g, const struct report *format, const char *path,
		    struct err *err)
{
	if (g->nwords == JUDGING_WORDS)
		return err_set(err, EINVAL, "more than %d times --format and --output",
			       JUDGING_WORDS);
	g->words[g->nwords++] = (struct judging_word){ format, path };
	return 0;
}

int judging_take_format(void *judging, const char *value, struct err *err)
{
	const struct report *r = report_find(value);

	return r ? add_word(judging, r, NULL, err) : unknown_format(value, err);
}

int judging_take_output(void *judging, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, EINVAL, "-o needs a name, not an empty word");
	return add_word(judging, NULL, value, err);
}

/* A format that no --output followed: of one before it whose name asks for none, else of any. */
static struct judging_output *find_place(struct judging *g)
{
	for (int any = 0; any < 2; any++) {
		for (size_t i = g->noutputs; i-- > 0;) {
			struct judging_output *o = &g->outputs[i];

			if (o->path && !o->report && (any || !by_ending(o->path)))
				return o;
		}
	}
	return NULL;
}

static int place_loose(struct judging *g, const struct report *format, struct err *err)
{
	struct judging_output *o = find_place(g);

	if (!o) {
		for (size_t i = 0; i < g->noutputs; i++) {
			if (cmd_to_stdout(g->outputs[i].path))
				return err_set(err, EINVAL,
					       "two formats for standard output, %s and %s: "
					       "give each an --output of its own",
					       g->outputs[i].report ? g->outputs[i].report->name
								    : "text",
					       format->name);
		}
		o = &g->outputs[g->noutputs++];
		*o = (struct judging_output){ .path = NULL };
	}
	o->report = format;
	return 0;
}

int judging_settle(struct judging *g, struct err *err)
{
	const struct report *loose[JUDGING_WORDS];
	const struct report *waiting = NULL;
	size_t nloose = 0;

	g->noutputs = 0;
	for (size_t i = 0; i < g->nwords; i++) {
		const struct judging_word *word = &g->words[i];

		if (word->format && waiting)
			loose[nloose++] = waiting;
		if (word->format) {
			waiting = word->format;
			continue;
		}
		g->outputs[g->noutputs++] =
			(struct judging_output){ .path = word->path, .report = waiting };
		waiting = NULL;
	}
	if (waiting)
		loose[nloose++] = waiting;
	for (size_t i = 0; i < nloose; i++) {
		if (place_loose(g, loose[i], err) < 0)
			return -EINVAL;
	}
	for (size_t i = 0; i < g->noutputs; i++) {
		struct judging_output *o = &g->outputs[i];

		if (!o->report && o->path)
			o->report = by_ending(o->path);
		for (size_t k = 0; k < i; k++) {
			if (o->path && g->outputs[k].path &&
			    strcmp(o->path, g->outputs[k].path) == 0)
				return err_set(err, EINVAL, "two reports for %s", o->path);
		}
	}
	return 0;
}

void judging_only_reports(struct judging *g)
{
	const struct policy *p = g->policy;

	g->undrawn = true;
	g->uncosted = !p || (!p->copied_per_useful && !p->pool_peak);
	for (size_t i = 0; i < g->noutputs; i++) {
		const struct report *r = g->outputs[i].report;

		g->undrawn &= !r->draws;
		/* of text, --quiet leaves the verdict's line */
		g->uncosted &= r->console && g->verbosity < 0;
	}
}

int judging_spare(const struct judging *g, const char *input, struct err *err)
{
	for (size_t i = 0; i < g->noutputs; i++) {
		if (cmd_spare(input, g->outputs[i].path, err) < 0)
			return -EINVAL;
	}
	return 0;
}
