/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reports/diagnosis.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/printable.h"
#include "lib/base/xalloc.h"
#include "lib/diagnosis/diagnosis.h"
#include "lib/evidence/guest-kind.h"
#include "lib/json/json.h"
#include "reports/wrap.h"

static const char *how_far(const struct diagnosis *d)
{
	if (diagnosis_can_prove(d, false) && d->armed)
		return d->confidential ? "since boot" : "since boot, as a rehearsal";
	if (diagnosis_can_prove(d, false))
		return d->confidential
			       ? "for the run (--scope run), not since boot"
			       : "for the run (--scope run), not since boot, and as a rehearsal";
	if (diagnosis_can_prove(d, true))
		return d->confidential
			       ? "for its own window (--scope window), not since boot"
			       : "for its own window (--scope window), not since boot, and as a "
				 "rehearsal";
	return "neither since boot nor for its own window";
}

/* As in verdict.json. */
static const char *setting(const struct diagnosis *d)
{
	if (d->confidential)
		return strcmp(d->guest->id, "arm-cca") == 0 ? "realm" : "confidential-guest";
	return d->guest->class == GUEST_UNKNOWN ? "unknown" : "rehearsal";
}

#define TEXT_COLUMN 28 /* where what was found begins */

void diagnosis_write_text(FILE *out, const struct diagnosis *d, bool wrapped)
{
	char *end;

	for (size_t i = 0; i < d->count; i++) {
		const struct diag_check *c = &d->checks[i];

		char *finding = printable(c->finding);
		char *text = xasprintf("%s%s%s", finding, c->remedy ? "; " : "",
				       c->remedy ? c->remedy : "");

		fprintf(out, "%-7s %-19s ", diag_state_name(c->state), c->id);
		if (wrapped)
			wrap(out, TEXT_COLUMN, TEXT_COLUMN, text);
		else
			fprintf(out, "%s\n", text);
		free(text);
		free(finding);
	}
	end = xasprintf("Here a run can be PROVEN %s.", how_far(d));
	fputc('\n', out);
	if (wrapped)
		wrap(out, 0, 0, end);
	else
		fprintf(out, "%s\n", end);
	free(end);
}

void diagnosis_write_json(FILE *out, const struct diagnosis *d)
{
	struct jwriter w;

	jwriter_init(&w, out);
	jwrite_object(&w, NULL);
	jwrite_string(&w, "schema", "ccaio.doctor/1");
	jwrite_string(&w, "setting", setting(d));
	jwrite_bool(&w, "since_boot", diagnosis_can_prove(d, false) && d->armed);
	jwrite_bool(&w, "run", diagnosis_can_prove(d, false));
	jwrite_bool(&w, "window", diagnosis_can_prove(d, true));
	jwrite_array(&w, "checks");
	for (size_t i = 0; i < d->count; i++) {
		jwrite_object(&w, NULL);
		jwrite_string(&w, "id", d->checks[i].id);
		jwrite_string(&w, "state", diag_state_name(d->checks[i].state));
		jwrite_string(&w, "finding", d->checks[i].finding);
		jwrite_string(&w, "remedy", d->checks[i].remedy);
		jwrite_bool(&w, "boot_only", d->checks[i].boot_only);
		jwrite_end_object(&w);
	}
	jwrite_end_array(&w);
	jwrite_end_object(&w);
}
