/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verdicts recorded by other versions: what they lack, and what only they know. */
#include "lib/verdict/version.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/printable.h"
#include "lib/base/xalloc.h"
#include "lib/json/table.h"
#include "lib/verdict/json.h"
#include "lib/verdict/verdict.h"

static const char *tool_of(const struct run *run)
{
	return run->tool ? run->tool : "an unknown version";
}

bool version_is_ours(const struct run *run)
{
	return !run->tool || strcmp(run->tool, "ccaio " VERSION) == 0;
}

/* Is it a release before this one?  What is unknown is not. */
static bool is_older(const struct run *run)
{
	unsigned int major, minor, ours_major, ours_minor;

	if (!run->tool || sscanf(run->tool, "ccaio %u.%u", &major, &minor) != 2 ||
	    sscanf(VERSION, "%u.%u", &ours_major, &ours_minor) != 2)
		return false;
	return major < ours_major || (major == ours_major && minor < ours_minor);
}

/* Does it keep a verdict from being PROVEN? */
static bool is_against(const struct foreign_state *f)
{
	if (f->condition)
		return strcmp(f->state, "met") != 0 && strcmp(f->state, "not-applicable") != 0;
	return strcmp(f->state, "holds") != 0 && (f->required || strcmp(f->state, "refuted") == 0);
}

char *version_sentence(const struct foreign_state *f)
{
	return xasprintf("the %s '%s', which this version of ccaio does not know, is %s%s%s",
			 f->condition ? "condition" : "claim", f->name, f->state,
			 f->reason ? ": " : "", f->reason ? f->reason : "");
}

/* PROVEN only where nothing foreign speaks against it. */
static void cap(struct verdict *v)
{
	for (size_t i = 0; i < v->nforeign && v->outcome == OUTCOME_PROVEN; i++) {
		if (!is_against(&v->foreign[i]))
			continue;
		v->outcome = OUTCOME_INCONCLUSIVE;
		free(v->reason);
		v->reason = version_sentence(&v->foreign[i]);
	}
}

static char *text_at(const struct jval *object, const char *key)
{
	char *raw = jval_string(object, key), *clean = printable(raw);

	free(raw);
	return clean;
}

/* The members of claims, or of conditions, whose names this version does not know. */
static void take_foreign(const struct jval *root, const char *key, bool condition,
			 const char *(*name)(int), int count, struct verdict *v)
{
	struct jval all = jval_object(root, key);
	const char *is;
	void *iter = NULL;

	while ((is = jval_next_key(&all, &iter))) {
		struct foreign_state *f;
		struct jval state, required;
		int i = 0;

		while (i < count && strcmp(name(i), is) != 0)
			i++;
		if (i < count)
			continue;
		if (v->nforeign == VERDICT_FOREIGN) {
			jval_fail(&all, "more than %d unknown names", VERDICT_FOREIGN);
			return;
		}
		state = jval_object(&all, is);
		v->foreign = xrealloc(v->foreign, v->nforeign + 1, sizeof(*v->foreign));
		f = &v->foreign[v->nforeign++];
		*f = (struct foreign_state){ .condition = condition, .name = printable(is) };
		f->state = text_at(&state, "state");
		f->reason = text_at(&state, "reason");
		required = jval_member(&state, "required");
		f->required = jval_bool(&required, true);
		if (!f->state)
			f->state = xstrdup("not said");
	}
}

JWORDS(claim_word, claim_id, claim_name)
JWORDS(cond_word, cond_id, cond_name)

static char *why_not_judged(const struct run *run)
{
	char *tool = printable(tool_of(run)), *why = xasprintf("%s did not judge it", tool);

	free(tool);
	return why;
}

/* What the record does not have was not judged; a record of this version has everything. */
static void mark_lacking(const struct jval *root, struct verdict *v, const struct run *run)
{
	bool ours = version_is_ours(run);
	struct jval claims = jval_object(root, "claims"), conds = jval_object(root, "conditions");

	for (int c = 0; c < CLAIMS; c++) {
		if (!jval_has(&claims, claim_name(c))) {
			v->claims[c].state = CLAIM_NOT_JUDGED;
			free(v->claims[c].reason);
			v->claims[c].reason = why_not_judged(run);
		}
		if (ours && v->claims[c].state == CLAIM_NOT_JUDGED)
			jval_fail_at(&claims, claim_name(c), "missing");
	}
	for (int c = 0; c < CONDS; c++) {
		if (!jval_has(&conds, cond_name(c))) {
			v->conds[c].state = COND_NOT_JUDGED;
			free(v->conds[c].reason);
			v->conds[c].reason = why_not_judged(run);
		}
		if (ours && v->conds[c].state == COND_NOT_JUDGED)
			jval_fail_at(&conds, cond_name(c), "missing");
	}
	for (size_t i = 0; ours && i < v->ndevices; i++)
		for (int c = 0; c < CLAIMS; c++)
			if (v->devices[i].claims[c] == CLAIM_NOT_JUDGED)
				jval_fail_at(root, "devices", "'%.64s' has no state of %s",
					     v->devices[i].name, claim_name(c));
}

/* A file's verdict must be the one that its own claims and conditions make. */
static void check_outcome(const struct jval *root, const struct verdict *v)
{
	static const char proven[] = "although the verdict says PROVEN";
	const char *refuted = NULL;

	for (int i = 0; i < CLAIMS; i++) {
		enum claim_state state = v->claims[i].state;
		bool required = v->claims[i].required || claim_decides(i);

		if (!required || state == CLAIM_NOT_JUDGED)
			continue;
		if (state == CLAIM_REFUTED && !refuted)
			refuted = claim_name(i);
		if (state != CLAIM_HOLDS && v->outcome == OUTCOME_PROVEN)
			jval_fail_at(root, "claims", "%s does not hold, %s", claim_name(i), proven);
	}
	for (int i = 0; i < CONDS; i++) {
		if (v->conds[i].state == COND_UNMET && v->outcome == OUTCOME_PROVEN)
			jval_fail_at(root, "conditions", "%s is unmet, %s", cond_name(i), proven);
	}
	if (refuted && v->outcome == OUTCOME_INCONCLUSIVE)
		jval_fail_at(root, "claims",
			     "%s is refuted, although the verdict says INCONCLUSIVE", refuted);
	for (size_t i = 0; i < v->nforeign; i++)
		if (!v->foreign[i].condition && strcmp(v->foreign[i].state, "refuted") == 0)
			refuted = refuted ? refuted : v->foreign[i].name;
	if (!refuted && v->outcome == OUTCOME_VIOLATED)
		jval_fail_at(root, "verdict", "says VIOLATED, although no claim is refuted");
	if (v->setting == SETTING_UNKNOWN && v->outcome == OUTCOME_PROVEN)
		jval_fail_at(root, "setting", "is unknown, %s", proven);
}

void version_check(const struct jval *root, void *what)
{
	struct verdict_record *record = what;
	struct verdict *v = record->verdict;

	mark_lacking(root, v, &record->run);
	for (size_t i = 0; i < v->nforeign; i++)
		if (!v->foreign[i].name || !v->foreign[i].state)
			jval_fail_at(root, "not_known", "an entry without name or state");
	if (jdoc_status(root->doc) < 0)
		return;
	take_foreign(root, "claims", false, claim_word, CLAIMS, v);
	take_foreign(root, "conditions", true, cond_word, CONDS, v);
	check_outcome(root, v);
	/* one that is refused is freed by its table */
	if (jdoc_status(root->doc) < 0)
		return;
	record->said = v->outcome;
	cap(v);
	record->unknown = jdoc_unknown(root->doc) ? xstrdup(jdoc_unknown(root->doc)) : NULL;
}

void version_note(struct verdict *now, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	verdict_note(now, "%s", text);
	now->nversion_notes++;
}

/* "baseline met, not unmet; …": what both judged, and not alike.  NULL: nothing. */
static char *differences(const struct verdict *then, const struct verdict *now)
{
	char *list = NULL;

#define DIFFER(name, was, is)                                                                      \
	do {                                                                                       \
		char *before = list;                                                               \
		list = xasprintf("%s%s%s was %s, is %s", before ? before : "", before ? "; " : "", \
				 name, was, is);                                                   \
		free(before);                                                                      \
	} while (0)
	for (int c = 0; c < CLAIMS; c++) {
		enum claim_state was = then->claims[c].state, is = now->claims[c].state;

		if (was != CLAIM_NOT_JUDGED && was != is)
			DIFFER(claim_name(c), claim_state_name(was), claim_state_name(is));
	}
	for (int c = 0; c < CONDS; c++) {
		enum cond_state was = then->conds[c].state, is = now->conds[c].state;

		if (was != COND_NOT_JUDGED && was != is)
			DIFFER(cond_name(c), cond_state_name(was), cond_state_name(is));
	}
#undef DIFFER
	return list;
}

static void note_not_judged(struct verdict *now, const struct verdict_record *recorded)
{
	const struct verdict *then = recorded->verdict;
	char *list = NULL, *before;

#define ADD(name)       \
	(before = list, \
	 list = xasprintf("%s%s%s", before ? before : "", before ? ", " : "", name), free(before))
	for (int c = 0; c < CLAIMS; c++)
		if (then->claims[c].state == CLAIM_NOT_JUDGED)
			ADD(claim_name(c));
	for (int c = 0; c < CONDS; c++)
		if (then->conds[c].state == COND_NOT_JUDGED)
			ADD(cond_name(c));
#undef ADD
	if (list)
		version_note(now, "%s, which recorded this evidence, did not judge %s",
			     tool_of(&recorded->run), list);
	free(list);
}

static void take_over_foreign(struct verdict *now, const struct verdict *then)
{
	now->foreign =
		xrealloc(now->foreign, now->nforeign + then->nforeign, sizeof(*now->foreign));
	for (size_t i = 0; i < then->nforeign; i++) {
		const struct foreign_state *f = &then->foreign[i];

		now->foreign[now->nforeign++] = (struct foreign_state){
			.condition = f->condition,
			.name = xstrdup(f->name),
			.state = xstrdup(f->state),
			.reason = xstrdup(f->reason),
			.required = f->required,
		};
	}
	cap(now);
}

void version_carry_over(struct verdict *now, const struct verdict_record *recorded, bool alike)
{
	const struct verdict *then = recorded->verdict;
	enum outcome judged = now->outcome;
	char *list;

	take_over_foreign(now, then);
	if (!alike)
		return;
	list = differences(then, now);
	if (now->outcome == OUTCOME_PROVEN && recorded->said != OUTCOME_PROVEN &&
	    !is_older(&recorded->run)) {
		now->outcome = OUTCOME_INCONCLUSIVE;
		free(now->reason);
		now->reason = xasprintf("%s, which is not older than ccaio " VERSION
					", found this evidence %s",
					tool_of(&recorded->run), outcome_name(recorded->said));
	}
	if (recorded->said != judged || list)
		version_note(now,
			     "%s had judged this evidence %s, ccaio " VERSION " judges it %s%s%s",
			     tool_of(&recorded->run), outcome_name(recorded->said),
			     outcome_name(now->outcome), list ? ": " : "", list ? list : "");
	note_not_judged(now, recorded);
	if (recorded->unknown)
		version_note(now,
			     "verdict.json of %s has members that ccaio " VERSION
			     " does not know: %s",
			     tool_of(&recorded->run), recorded->unknown);
	free(list);
}
