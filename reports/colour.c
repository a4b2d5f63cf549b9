/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which colour a terminal shows what in. */
#include "reports/colour.h"

const char *colour_outcome(enum outcome o)
{
	return o == OUTCOME_PROVEN     ? COLOUR_GREEN
	       : o == OUTCOME_VIOLATED ? COLOUR_RED
				       : COLOUR_YELLOW;
}

const char *colour_claim(enum claim_state s)
{
	return s == CLAIM_HOLDS ? COLOUR_GREEN : s == CLAIM_REFUTED ? COLOUR_RED : COLOUR_YELLOW;
}

const char *colour_cond(enum cond_state s)
{
	return s == COND_MET ? COLOUR_GREEN : s == COND_UNMET ? COLOUR_YELLOW : "";
}

void colour_print(FILE *out, bool on, const char *colour, const char *text)
{
	if (on && *colour)
		fprintf(out, "%s%s%s", colour, text, COLOUR_RESET);
	else
		fputs(text, out);
}
