/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counting what speaks against the claims, and keeping the first examples. */
#include "lib/judge/types/findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

#define MAX_SENTENCE 256 /* characters of a finding's sentence; more are cut */

void tally_free(struct tally *t)
{
	free(t->why);
	free(t->against);
}

void findings_free(struct findings *f)
{
	groups_free(f->groups);
	for (int c = 0; c < CLAIMS; c++)
		tally_free(&f->claims[c]);
	for (size_t i = 0; i < f->noutside; i++) {
		free(f->outside[i].device);
		free(f->outside[i].text);
	}
	free(f->outside);
}

/* Of a device that the verdict does not cover: for its own state and the warning only. */
static void add_outside(const struct finding_of *what, const char *fmt, va_list ap)
{
	struct tally *own = &what->device[what->claim];
	char **sentence = what->how == FIND_UNDECIDED ? &own->why : &own->against;
	char text[MAX_SENTENCE];

	own->count[what->how]++;
	if (*sentence)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	*sentence = xstrdup(text);
}

void findings_add(struct findings *f, const struct finding_of *what, const char *fmt, va_list ap)
{
	struct tally *all = &f->claims[what->claim];
	struct tally *own = what->device ? &what->device[what->claim] : NULL;
	bool undecided = what->how == FIND_UNDECIDED;
	char text[MAX_SENTENCE];

	if (!what->covered) {
		add_outside(what, fmt, ap);
		return;
	}
	all->count[what->how]++;
	if (own)
		own->count[what->how]++;
	if (!undecided) {
		const struct group_part part = { .breach = what->breach,
						 .absence = what->how == FIND_ABSENCE,
						 .device = what->name,
						 .comm = what->comm,
						 .event = what->event,
						 .seq = what->seq,
						 .memory = what->memory };

		groups_add(f->groups, &part, fmt, ap);
		return;
	}
	if (all->why && (!own || own->why))
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	if (!all->why)
		all->why = xstrdup(text);
	if (own && !own->why)
		own->why = xstrdup(text);
}

void findings_outside(struct findings *f, const char *device, const char *text, bool bypass)
{
	for (size_t i = 0; i < f->noutside; i++) {
		if (strcmp(f->outside[i].device, device) == 0 &&
		    strcmp(f->outside[i].text, text) == 0)
			return;
	}
	f->outside = xrealloc(f->outside, f->noutside + 1, sizeof(*f->outside));
	f->outside[f->noutside++] = (struct out_of_scope){ xstrdup(device), xstrdup(text), bypass };
}
