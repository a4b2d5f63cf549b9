/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verdict on one screen: what happened, why, what to do, and where the rest is. */
#include "reports/brief.h"

#include <ctype.h>
#include <string.h>

#include "lib/verdict/cause.h"
#include "reports/colour.h"
#include "reports/report.h"
#include "reports/rows/rows.h"
#include "reports/wrap.h"

#define LABEL 13 /* columns before a paragraph's text, two of them blank */
#define PARAGRAPHS 40
#define SHOWN_CAUSES 3
#define SHOWN_CONDS 3
#define SHOWN_EXCHANGES 5
#define SHOWN_DEVICES 6

/* How soon a paragraph gives way; the first one never does. */
enum weight { KEEP = 0, FIRST_CAUSE, EVIDENCE, STATES, MORE, DETAIL };

struct paragraph {
	const char *label; /* "" continues the one before; NULL a sentence by itself */
	const char *text;
	enum weight weight;
	int lines, least; /* that it takes, and may be cut to */
};

struct brief {
	struct rows *scratch; /* owns the strings made here */
	struct paragraph list[PARAGRAPHS];
	size_t n;
};

/* Where a paragraph's text begins: one without a label needs no room for it. */
static int column(const struct paragraph *p)
{
	return p->label ? LABEL : 2;
}

static void add(struct brief *b, const char *label, enum weight weight, const char *text)
{
	struct paragraph *p;

	if (!*text || b->n == PARAGRAPHS)
		return;
	p = &b->list[b->n++];
	*p = (struct paragraph){ label, text, weight, 0, weight < STATES };
	p->lines = wrap_lines(column(p), column(p), text);
}

/* Names of the claims in this state, as far as they decide the verdict: "a, b". */
static const char *claims_in(struct brief *b, const struct rows *r, enum claim_state state)
{
	const char *list = "";

	for (int i = 0; i < CLAIMS; i++) {
		if (r->claims[i].in_verdict && r->claims[i].state_id == state)
			list = rows_str(b->scratch, "%s%s%s", list, *list ? ", " : "",
					r->claims[i].name);
	}
	return list;
}

/* "0000:00:05.0 ahci, 0000:00:01.0 virtio_net and 2 more", those in this state. */
static const char *devices_in(struct brief *b, const struct rows *r, enum claim_state state)
{
	const char *list = "";
	size_t shown = 0, left = 0;

	for (size_t i = 0; i < r->ndevices; i++) {
		const struct row_device *d = &r->devices[i];

		if (d->out_of_scope || d->worst != state)
			continue;
		if (shown++ >= SHOWN_DEVICES) {
			left++;
			continue;
		}
		list = rows_str(b->scratch, "%s%s%s%s%s", list, *list ? ", " : "", d->name,
				*d->driver ? " " : "", d->driver);
	}
	return left ? rows_str(b->scratch, "%s and %zu more", list, left) : list;
}

/* Who did it, or what is like it to the same device: what was done before the run has no stack. */
static void add_callers(struct brief *b, const struct rows *r, const struct row_finding *f)
{
	for (size_t i = 0; i < r->nfindings; i++) {
		const struct row_finding *like = &r->findings[i];

		if (!*like->chain || strcmp(like->device, f->device) != 0)
			continue;
		add(b, "called by", EVIDENCE,
		    like == f ? f->chain
			      : rows_str(b->scratch, "for %s: %s", like->operation, like->chain));
		b->list[b->n - 1].lines = b->list[b->n - 1].lines > 1 ? 2 : 1;
		return;
	}
}

/* The worst finding: what, how often, and its first example. */
static void add_worst(struct brief *b, const struct rows *r, const struct row_finding *f)
{
	const struct row_example *ex = &r->examples[f->example];

	add(b, "worst", FIRST_CAUSE, f->summary);
	if (*ex->time)
		add(b, "first", EVIDENCE,
		    rows_str(b->scratch, "at %s: %s at %s, %s memory, %s", ex->time, ex->what,
			     *ex->dma ? ex->dma : ex->orig, ex->memory, ex->task));
	add_callers(b, r, f);
}

/* "0000:00:05.0 ahci 1,580 times, 0000:00:01.0 virtio_net 16 times and 2 more" */
static const char *worst_devices(struct brief *b, const struct rows *r, size_t *n)
{
	const char *list = "";

	*n = 0;
	for (size_t i = 0; i < r->ndevices; i++) {
		const struct row_device *d = &r->devices[i];

		if (d->out_of_scope || d->worst != CLAIM_REFUTED || (*n)++ >= SHOWN_DEVICES)
			continue;
		list = rows_str(b->scratch, "%s%s%s%s%s%s%s", list, *list ? ", " : "", d->name,
				*d->driver ? " " : "", d->driver, d->violations ? " " : "",
				d->violations ? rows_count(b->scratch, d->violations) : "");
	}
	return *n > SHOWN_DEVICES
		       ? rows_str(b->scratch, "%s and %zu more", list, *n - SHOWN_DEVICES)
		       : list;
}

static void add_violation(struct brief *b, const struct rows *r)
{
	size_t n;
	const char *list = worst_devices(b, r, &n);

	add(b, "refuted", KEEP,
	    rows_str(b->scratch, "%s; %s%s%s", claims_in(b, r, CLAIM_REFUTED),
		     rows_counted(b->scratch, r->refutations, "counterexample"),
		     n ? rows_str(b->scratch, " on %s: ", rows_counted(b->scratch, n, "device"))
		       : "",
		     list));
	if (r->nfindings)
		add_worst(b, r, &r->findings[0]);
}

static void add_causes(struct brief *b, const struct report_input *in)
{
	struct causes causes;

	causes_find(&causes, in->verdict, in->platform);
	for (size_t i = 0; i < causes.n && i < SHOWN_CAUSES; i++) {
		add(b, "cause", i ? STATES : FIRST_CAUSE,
		    rows_str(b->scratch, "%s", causes.list[i].text));
		add(b, "fix", i ? STATES : FIRST_CAUSE,
		    rows_str(b->scratch, "%s", causes.list[i].fix));
	}
	causes_free(&causes);
}

static void add_undecided(struct brief *b, const struct rows *r)
{
	const char *list = claims_in(b, r, CLAIM_UNDECIDED);
	size_t left = 0;

	for (int i = 0, shown = 0; i < CLAIMS; i++) {
		const struct row_claim *c = &r->claims[i];

		if (!c->in_verdict || c->state_id != CLAIM_UNDECIDED || shown++)
			continue;
		add(b, "undecided", STATES,
		    rows_str(b->scratch, "%s; %s: %s", list, c->name, c->why));
	}
	for (int i = 0, shown = 0; i < CONDS; i++) {
		const struct row_cond *c = &r->conds[i];

		if (c->state_id != COND_UNMET)
			continue;
		if (shown++ >= SHOWN_CONDS) {
			left++;
			continue;
		}
		add(b, "unmet", shown == 1 ? FIRST_CAUSE : STATES,
		    rows_str(b->scratch, "%s: %s", c->name, c->why));
		add(b, "fix", shown == 1 ? FIRST_CAUSE : STATES, c->remedy);
	}
	if (left)
		add(b, "", MORE,
		    rows_str(b->scratch, "%s more unmet",
			     rows_counted(b->scratch, left, "condition")));
}

static void add_held(struct brief *b, const struct rows *r)
{
	const char *held = claims_in(b, r, CLAIM_HOLDS);

	add(b, "holds", STATES,
	    rows_str(b->scratch, "%s%s%zu of %zu conditions met", held, *held ? "; " : "no claim; ",
		     r->met, r->applicable));
	for (int i = 0; i < CLAIMS; i++) {
		if (!r->claims[i].in_verdict && r->claims[i].state_id != CLAIM_HOLDS)
			add(b, "not judged", MORE,
			    rows_str(b->scratch, "%s: %s", r->claims[i].name, r->claims[i].why));
	}
}

static void add_exchanges(struct brief *b, const struct rows *r)
{
	size_t shown = 0, left = 0;

	for (size_t i = 0; i < r->nexchanges; i++) {
		const struct row_exchange *e = &r->exchanges[i];

		if (!e->program)
			continue;
		if (shown++ >= SHOWN_EXCHANGES) {
			left++;
			continue;
		}
		add(b, shown == 1 ? "exchanges" : "", DETAIL,
		    rows_str(b->scratch, "%s: %s, %s, %s%s%s", e->what, e->end, e->secrecy,
			     e->grade, *e->lasted ? ", " : "", e->lasted));
	}
	if (left)
		add(b, "", DETAIL, rows_str(b->scratch, "and %zu more", left));
}

static void add_cost(struct brief *b, const struct rows *r)
{
	uint64_t bounced = 0, out = 0, stale = 0;

	for (size_t i = 0; i < r->ndevices; i++) {
		bounced += r->devices[i].bounced;
		out += r->devices[i].out_bytes;
		stale += r->devices[i].stale_bytes;
	}
	if (bounced)
		add(b, "cost", MORE,
		    rows_str(b->scratch, "%s; %s sent out, %s exposed needlessly",
			     rows_counted(b->scratch, bounced, "bounced map"),
			     rows_counted(b->scratch, out, "byte"),
			     rows_counted(b->scratch, stale, "stale byte")));
}

/* The same judgement with everything that it says. */
static const char *more(struct brief *b, const struct rows *r)
{
	static const char start[] = "ccaio verify ";

	if (strncmp(r->recheck, start, sizeof(start) - 1) != 0)
		return "";
	return rows_str(b->scratch, "%s-v %s", start, r->recheck + sizeof(start) - 1);
}

/* How the program ended: "exit status 0", or what says more. */
static const char *ended(struct brief *b, const struct rows *r)
{
	const char *end = rows_fact(r, "command-end");

	return isdigit((unsigned char)*end) ? rows_str(b->scratch, "exit status %s", end) : end;
}

static void collect(struct brief *b, const struct rows *r, const struct report_input *in)
{
	if (r->outcome == OUTCOME_VIOLATED)
		add_violation(b, r);
	else
		add(b, NULL, KEEP, r->reason);
	if (r->outcome != OUTCOME_PROVEN)
		add_causes(b, in);
	if (r->outcome != OUTCOME_PROVEN)
		add_undecided(b, r);
	add(b, "warning", EVIDENCE, rows_fact(r, "warning"));
	add(b, "versions", KEEP, r->versions ? r->versions : "");
	add_held(b, r);
	if (r->outcome == OUTCOME_PROVEN)
		add(b, "devices", MORE, devices_in(b, r, CLAIM_HOLDS));
	add_exchanges(b, r);
	add_cost(b, r);
	add(b, "pool", DETAIL, r->cost_pool); /* gives way to exchanges */
	add(b, "program", EVIDENCE, ended(b, r));
	add(b, "evidence", EVIDENCE, rows_fact(r, "evidence"));
	add(b, "more", EVIDENCE, more(b, r));
}

/* Cut until all fits: the least important first, of those the last first. */
static void fit(struct brief *b, int room)
{
	int total = 0;

	for (size_t i = 0; i < b->n; i++)
		total += b->list[i].lines;
	for (int weight = DETAIL; weight > KEEP && total > room; weight--) {
		for (size_t i = b->n; i-- > 0 && total > room;) {
			struct paragraph *p = &b->list[i];

			while ((int)p->weight == weight && p->lines > p->least && total > room) {
				p->lines--;
				total--;
			}
		}
	}
	if (total > room) /* what must be kept, in a line each */
		for (size_t i = 0; i < b->n; i++)
			b->list[i].lines = b->list[i].lines > 1 ? 1 : b->list[i].lines;
}

void brief_write(FILE *out, const struct rows *rows, const struct report_input *in)
{
	struct brief b = { .scratch = rows_empty() };
	const char *colour = colour_outcome(rows->outcome);
	int headline = wrap_lines(0, 2, rows->headline);

	collect(&b, rows, in);
	if (headline > 2)
		headline = 2;
	fit(&b, BRIEF_LINES - headline - 1);
	colour_print(out, in->colour, colour, rows->verdict);
	wrap_most(out, wrap_width(rows->verdict), 2, rows->headline + strlen(rows->verdict),
		  headline);
	for (size_t i = 0; i < b.n; i++) {
		const struct paragraph *p = &b.list[i];

		if (!p->lines)
			continue;
		fprintf(out, "  %-*s", column(p) - 2, p->label ? p->label : "");
		wrap_most(out, column(p), column(p), p->text, p->lines);
	}
	colour_print(out, in->colour, colour, rows->verdict);
	fputc('\n', out);
	rows_free(b.scratch);
}
