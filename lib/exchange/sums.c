/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Equations that have to hold, and the first that does not. */
#include "lib/exchange/sums.h"

#include "lib/base/xalloc.h"

void sums_check(struct exchange_sums *sums, const char *what, const char *left_name, uint64_t left,
		const char *right_name, uint64_t right, bool ok)
{
	struct conservation *c;

	*(ok ? &sums->held : &sums->failed) += 1;
	if (sums->n >= EXCHANGES_CHECKS && (ok || sums->n >= 2 * EXCHANGES_CHECKS))
		return;
	XGROW(sums->list, sums->n, sums->cap);
	c = &sums->list[sums->n++];
	*c = (struct conservation){ .left = left, .right = right, .ok = ok };
	c->what = xstrdup(what);
	c->left_name = xstrdup(left_name);
	c->right_name = xstrdup(right_name);
}

void sums_close(struct exchange_sums *sums)
{
	sums->conserved = sums->held > 0 && sums->failed == 0;
}

char *sums_broken(const struct exchange_sums *sums)
{
	for (size_t i = 0; i < sums->n; i++) {
		const struct conservation *c = &sums->list[i];

		if (!c->ok)
			return xasprintf("%s: %s %llu, %s %llu", c->what, c->left_name,
					 (unsigned long long)c->left, c->right_name,
					 (unsigned long long)c->right);
	}
	return NULL;
}
