/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_VERDICT_CAUSE_H
#define CCAIO_LIB_VERDICT_CAUSE_H

#include <stddef.h>

#include "lib/diagnosis/remedy.h"
#include "lib/verdict/verdict.h"

/*
 * cause - why claims were refuted or stay undecided, and what to change.
 *
 * A table of rows, most specific first: each looks at the verdict and at the
 * facts, and says in one sentence what it recognises.  What no row recognises
 * has no cause here: none is guessed.
 */
struct cause {
	const char *id; /* stable: "noforce", "no-access-platform" … */
	enum claim_id claim;
	char *text;	 /* one sentence without full stop */
	const char *fix; /* remedy_text() */
};

#define CAUSES_MAX 16

struct causes {
	struct cause list[CAUSES_MAX];
	size_t n;
};

/* The causes of what v does not prove; platform may be NULL.  causes_free() releases the texts. */
void causes_find(struct causes *c, const struct verdict *v, const struct platform *platform);
void causes_free(struct causes *c);

#endif
