/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reports/checks.h"

#include <stdio.h>
#include <stdlib.h>

#include "reports/rows/rows.h"

const char *check_result_name(enum check_result result)
{
	static const char *const names[] = { "INCONCLUSIVE", "VIOLATED", "PASSED", "SKIPPED" };

	return names[result];
}

const char *checks_finding(struct rows *rows, size_t i)
{
	const struct row_finding *f = &rows->findings[i];
	const struct row_example *ex = &rows->examples[f->example];

	if (!*ex->time)
		return f->summary;
	return rows_str(
		rows, "%s; first: event %s at %s, %s, buffer %s, device got %s, %s memory, %s%s%s",
		f->summary, *ex->event ? ex->event : "?", ex->time, ex->what,
		*ex->orig ? ex->orig : "unknown", *ex->dma ? ex->dma : "unknown", ex->memory,
		ex->task, *f->chain ? "; called by " : "", f->chain);
}

/* The findings that refute a claim, one per line, the worst first. */
static const char *claim_detail(struct rows *rows, const struct row_claim *claim)
{
	const char *detail = "";

	for (size_t i = 0; i < rows->nfindings; i++) {
		if (rows->findings[i].claim_bits & 1u << claim->id)
			detail = rows_lines(rows, detail, checks_finding(rows, i));
	}
	return detail;
}

static void add(struct checks *checks, struct check check)
{
	checks->list[checks->count++] = check;
	checks->failed += check.result == CHECK_INCONCLUSIVE || check.result == CHECK_VIOLATED;
	checks->skipped += check.result == CHECK_SKIPPED;
}

static void add_claim(struct checks *checks, struct rows *rows, const struct row_claim *c)
{
	enum check_result result = CHECK_INCONCLUSIVE;
	const char *why = c->state;

	if (!c->in_verdict) {
		result = CHECK_SKIPPED;
		why = rows_str(rows, "%s, but no policy asks for it", c->state);
	} else if (c->state_id == CLAIM_NOT_JUDGED) {
		result = CHECK_SKIPPED;
	} else if (c->state_id == CLAIM_HOLDS) {
		result = CHECK_PASSED;
	} else if (c->state_id == CLAIM_REFUTED) {
		result = CHECK_VIOLATED;
	}
	add(checks, (struct check){
			    .result = result,
			    .group = "claim",
			    .name = c->name,
			    .summary = c->summary,
			    .message = rows_str(rows, "%s: %s", why, c->why),
			    .detail = claim_detail(rows, c),
		    });
}

static void add_cond(struct checks *checks, struct rows *rows, const struct row_cond *c)
{
	static const enum check_result results[COND_STATES] = {
		[COND_UNMET] = CHECK_INCONCLUSIVE,
		[COND_MET] = CHECK_PASSED,
		[COND_NOT_APPLICABLE] = CHECK_SKIPPED,
		[COND_NOT_JUDGED] = CHECK_SKIPPED,
	};
	enum check_result result = results[c->state_id];

	add(checks, (struct check){
			    .result = result,
			    .group = "condition",
			    .name = c->name,
			    .summary = c->summary,
			    .message = rows_str(rows, "%s: %s", c->state, c->why),
			    .detail = *c->remedy ? rows_str(rows, "To fix: %s", c->remedy) : "",
		    });
}

void checks_init(struct checks *checks, struct rows *rows)
{
	*checks = (struct checks){ .count = 0 };
	/* a verdict can be less than PROVEN although all parts are fine (a waiver, no events) */
	add(checks,
	    (struct check){
		    .result = rows->outcome == OUTCOME_PROVEN	  ? CHECK_PASSED
			      : rows->outcome == OUTCOME_VIOLATED ? CHECK_VIOLATED
								  : CHECK_INCONCLUSIVE,
		    .group = "verdict",
		    .name = "verdict",
		    .summary = "the run is PROVEN",
		    .message = rows_str(rows, "%s: %s", rows->headline, rows->reason),
		    .detail = *rows->recheck ? rows_str(rows, "To check again: %s", rows->recheck)
					     : "",
	    });
	for (int i = 0; i < CLAIMS; i++)
		add_claim(checks, rows, &rows->claims[i]);
	for (int i = 0; i < CONDS; i++)
		add_cond(checks, rows, &rows->conds[i]);
}
