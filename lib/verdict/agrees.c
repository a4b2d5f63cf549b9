/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/printable.h"
#include "lib/evidence/limit.h"
#include "lib/json/table.h"
#include "lib/verdict/breach.h"
#include "lib/verdict/diff.h"
#include "lib/verdict/finding.h"
#include "lib/verdict/table.h"
#include "lib/verdict/verdict.h"

static int differs(struct err *err, const char *what, const char *recorded, const char *now)
{
	return err_set(err, EINVAL, "%s is recorded as %s, but judged again it is %s", what,
		       recorded, now);
}

static int same_number(const struct jrow *row, uint64_t a, uint64_t b, const char *whose,
		       struct err *err)
{
	if (a == b)
		return 0;
	return err_set(err, EINVAL,
		       "%s of %s is recorded as %" PRIu64 ", but judged again it is %" PRIu64,
		       row->key, whose, a, b);
}

/* Every member of a table of counters but how long judging took. */
static int same_counters(const struct jrow *table, const void *a, const void *b, const char *whose,
			 struct err *err)
{
	for (const struct jrow *row = table; row->type; row++) {
		const uint64_t *x = (const void *)((const char *)a + row->offset);
		const uint64_t *y = (const void *)((const char *)b + row->offset);
		int ret = 0;

		if (strcmp(row->key, "read_ns") == 0 || strcmp(row->key, "judge_ns") == 0)
			continue;
		if (row->type != JT_NUMBERS)
			ret = same_number(row, jrow_value(row, a), jrow_value(row, b), whose, err);
		else
			for (size_t i = 0; i < row->size / sizeof(*x) && ret == 0; i++)
				ret = same_number(row, x[i], y[i], whose, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int same_states(const struct verdict *a, const struct verdict *b, struct err *err)
{
	for (int i = 0; i < CLAIMS; i++) {
		const struct claim_verdict *x = &a->claims[i], *y = &b->claims[i];

		if (x->state != y->state)
			return differs(err, claim_name(i), claim_state_name(x->state),
				       claim_state_name(y->state));
		if (x->refutations != y->refutations)
			return err_set(err, EINVAL,
				       "%s is recorded with %" PRIu64
				       " counterexamples, but judged again it has %" PRIu64,
				       claim_name(i), x->refutations, y->refutations);
	}
	for (int i = 0; i < CONDS; i++) {
		if (a->conds[i].state != b->conds[i].state)
			return differs(err, cond_name(i), cond_state_name(a->conds[i].state),
				       cond_state_name(b->conds[i].state));
	}
	return 0;
}

/* A recorded name was made printable; the same bytes judged again may not be. */
static bool same_name(const char *recorded, const char *now)
{
	char *a = printable(recorded), *b = printable(now);
	bool same = strcmp(a, b) == 0;

	free(a);
	free(b);
	return same;
}

static int same_devices(const struct verdict *a, const struct verdict *b, struct err *err)
{
	int ret;

	if (a->ndevices != b->ndevices)
		return err_set(err, EINVAL, "%zu devices are recorded, but judged again it is %zu",
			       a->ndevices, b->ndevices);
	for (size_t i = 0; i < a->ndevices; i++) {
		const struct device_verdict *x = &a->devices[i], *y = &b->devices[i];

		if (!same_name(x->name, y->name))
			return differs(err, "a device's name", x->name, y->name);
		for (int c = 0; c < CLAIMS; c++) {
			if (x->claims[c] != y->claims[c])
				return differs(err, x->name, claim_state_name(x->claims[c]),
					       claim_state_name(y->claims[c]));
		}
		ret = same_counters(verdict_device_totals, &x->totals, &y->totals, x->name, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* Verdicts of before 0.2 have findings that were made of the counterexamples they list. */
static int same_findings(const struct verdict *a, const struct verdict *b, struct err *err)
{
	size_t i = 0;

	for (; i < a->nfindings && i < b->nfindings; i++) {
		const struct verdict_finding *x = &a->findings[i], *y = &b->findings[i];

		if (x->breaches == 1u << BREACH_OTHER)
			return 0;
		if (x->breaches != y->breaches || x->count != y->count || x->kind != y->kind ||
		    x->dir != y->dir || x->first_event != y->first_event ||
		    x->last_event != y->last_event || x->largest != y->largest)
			break;
	}
	if (i == a->nfindings && i == b->nfindings)
		return 0;
	return err_set(err, EINVAL, "finding %zu (%s) is not what judging again finds", i + 1,
		       finding_text(i < a->nfindings ? &a->findings[i] : &b->findings[i]));
}

static int same_limit(const struct verdict *a, const struct verdict *b, struct err *err)
{
	char *x = limit_join(a->limit, a->nlimit), *y = limit_join(b->limit, b->nlimit);
	int ret = same_name(x, y) ? 0
				  : differs(err, "what it is limited to", *x ? x : "nothing",
					    *y ? y : "nothing");

	free(x);
	free(y);
	return ret;
}

int verdict_agrees(const struct verdict *a, const struct verdict *b, struct err *err)
{
	int ret;

	if (a->nforeign != b->nforeign)
		return err_set(err, EINVAL,
			       "it has the state '%s', which ccaio " VERSION " does not know",
			       (a->nforeign ? a : b)->foreign[0].name);
	if (a->outcome != b->outcome)
		return differs(err, "the verdict", outcome_name(a->outcome),
			       outcome_name(b->outcome));
	if (a->scope != b->scope)
		return differs(err, "the scope", scope_name(a->scope), scope_name(b->scope));
	if (a->setting != b->setting)
		return differs(err, "the setting", setting_name(a->setting),
			       setting_name(b->setting));
	ret = same_limit(a, b, err);
	if (ret == 0)
		ret = same_states(a, b, err);
	if (ret == 0)
		ret = same_devices(a, b, err);
	if (ret == 0)
		ret = same_counters(verdict_totals, a, b, "the run", err);
	if (ret == 0)
		ret = same_findings(a, b, err);
	return ret;
}
