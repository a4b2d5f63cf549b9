/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is wrong: findings, the worst first, and their counterexamples.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/judge/finish.h"
#include "lib/verdict/finding.h"

/* A finding, and the groups that it is made of. */
struct found {
	struct verdict_finding f;
	const struct group **groups;
	size_t ngroups;
};

static void count_group(struct verdict_finding *f, const struct group *g)
{
	bool first = !f->count;

	f->count += g->count;
	if (first || g->first_event < f->first_event) {
		f->first_event = g->first_event;
		f->first_ns = g->first_ns;
	}
	if (first || g->last_event > f->last_event) {
		f->last_event = g->last_event;
		f->last_ns = g->last_ns;
	}
	if (g->largest > f->largest)
		f->largest = g->largest;
}

static bool belongs(const struct verdict_finding *f, const struct group *g, uint32_t breaches)
{
	return f->breaches == breaches && f->kind == g->kind && f->dir == g->dir &&
	       strcmp(f->device ? f->device : "", g->device ? g->device : "") == 0;
}

/* Groups differ in what an incomplete stream leaves open, findings do not. */
static size_t find_all(const struct judge *j, const struct verdict *v, struct found *list)
{
	size_t n = 0, total = groups_count(j->findings.groups);

	for (size_t i = 0; i < total; i++) {
		const struct group *g = groups_at(j->findings.groups, i);
		uint32_t breaches = (g->facts & v->by_fact) | (g->absences & v->by_absence);
		size_t at = 0;

		if (!breaches)
			continue;
		while (at < n && !belongs(&list[at].f, g, breaches))
			at++;
		if (at == n)
			list[n++].f = (struct verdict_finding){ .claims = breaches_claims(breaches),
								.breaches = breaches,
								.device = g->device,
								.kind = g->kind,
								.dir = g->dir };
		count_group(&list[at].f, g);
		list[at].groups =
			xrealloc(list[at].groups, list[at].ngroups + 1, sizeof(*list[at].groups));
		list[at].groups[list[at].ngroups++] = g;
	}
	return n;
}

static int worst_first(const void *a, const void *b)
{
	return finding_order(&((const struct found *)a)->f, &((const struct found *)b)->f);
}

static enum claim_id first_claim(uint32_t claims)
{
	return (enum claim_id)__builtin_ctz(claims);
}

static void add_example(struct verdict *v, const struct counterexample *from, size_t finding)
{
	struct counterexample *ex = &v->examples[v->nexamples++];

	*ex = *from;
	ex->finding = finding;
	ex->claims = v->findings[finding].claims;
	ex->claim = first_claim(ex->claims);
	ex->device = xstrdup(from->device);
	ex->comm = xstrdup(from->comm);
	ex->text = xstrdup(from->text);
}

static int by_event(const void *a, const void *b)
{
	const struct counterexample *x = *(const struct counterexample *const *)a;
	const struct counterexample *y = *(const struct counterexample *const *)b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* The first examples of a finding, at most room of them. */
static void add_examples(struct verdict *v, const struct found *found, size_t finding, size_t room)
{
	const struct counterexample **list;
	size_t n = 0;

	for (size_t i = 0; i < found->ngroups; i++)
		n += found->groups[i]->nexamples;
	list = xcalloc(n, sizeof(*list));
	n = 0;
	for (size_t i = 0; i < found->ngroups; i++) {
		for (size_t k = 0; k < found->groups[i]->nexamples; k++)
			list[n++] = &found->groups[i]->examples[k];
	}
	qsort(list, n, sizeof(*list), by_event);
	v->findings[finding].example = v->nexamples;
	for (size_t i = 0; i < n && i < room && i < VERDICT_EXAMPLES; i++)
		add_example(v, list[i], finding);
	free(list);
}

/* Lines of a stack as a list. */
static void add_stack(struct verdict_finding *f, const struct found *found)
{
	const char *line = NULL;

	for (size_t i = 0; i < found->ngroups && !line; i++) {
		line = found->groups[i]->stack;
		f->stack_event = line ? found->groups[i]->stack_event : 0;
	}
	for (; line && *line && f->nstack < VERDICT_FRAMES; line += *line == '\n') {
		size_t len = strcspn(line, "\n");

		f->stack = xrealloc(f->stack, f->nstack + 1, sizeof(*f->stack));
		f->stack[f->nstack++] = xstrndup(line, len);
		line += len;
	}
}

static void list_them(struct verdict *v, const struct found *list, size_t n)
{
	size_t most = n < VERDICT_FINDINGS ? n : VERDICT_FINDINGS;

	v->findings = xcalloc(most, sizeof(*v->findings));
	v->examples = xcalloc(CLAIMS * VERDICT_EXAMPLES, sizeof(*v->examples));
	for (size_t i = most; i < n; i++)
		v->unlisted_findings += list[i].f.count;
	for (size_t i = 0; i < most; i++) {
		v->findings[i] = list[i].f;
		v->findings[i].device = xstrdup(list[i].f.device);
		add_stack(&v->findings[i], &list[i]);
		v->nfindings++;
		/* each has one, whatever number of them the others have */
		add_examples(v, &list[i], i,
			     CLAIMS * VERDICT_EXAMPLES - v->nexamples - (most - i - 1));
	}
}

/* Which breaches refute: of refuted claims only, by absence only where nothing is missing. */
static void refuting(struct verdict *v, bool complete)
{
	for (int b = BREACH_OTHER + 1; b < BREACHES; b++) {
		if (v->claims[breach_claim(b)].state == CLAIM_REFUTED)
			v->by_fact |= 1u << b;
	}
	v->by_absence = complete ? v->by_fact : 0;
}

void judge_list_findings(struct judge *j, struct verdict *v, bool complete)
{
	struct found *list;
	size_t n;

	groups_close(j->findings.groups);
	refuting(v, complete);
	list = xcalloc(groups_count(j->findings.groups), sizeof(*list));
	n = find_all(j, v, list);
	if (n)
		qsort(list, n, sizeof(*list), worst_first);
	if (n)
		list_them(v, list, n);
	if (n) /* what was left out may not refute, but nobody can tell any more */
		v->unlisted_findings += groups_left_out(j->findings.groups);
	for (size_t i = 0; i < n; i++)
		free(list[i].groups);
	free(list);
}
