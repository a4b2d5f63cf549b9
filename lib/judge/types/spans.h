/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_TYPES_SPANS_H
#define CCAIO_LIB_JUDGE_TYPES_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/range.h"

/*
 * spans - address ranges, added in any order and then asked.  Zero-initialised is empty.
 *
 * spans_join sorts and joins them; questions are allowed after it, and until the next spans_add.
 */
struct spans {
	struct range *list;
	size_t count, cap;
};

void spans_add(struct spans *s, uint64_t start, uint64_t size); /* a size of 0 adds nothing */
void spans_join(struct spans *s);
void spans_free(struct spans *s); /* its contents */

/* Is the whole range in it; is any byte of it? */
bool spans_cover(const struct spans *s, uint64_t start, uint64_t size);
bool spans_touch(const struct spans *s, uint64_t start, uint64_t size);

#endif
