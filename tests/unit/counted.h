/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A recording that is compared with counters that were read before and after it. */
#ifndef CCAIO_TESTS_UNIT_COUNTED_H
#define CCAIO_TESTS_UNIT_COUNTED_H

#include <stdbool.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/exchange/exchange.h"

#define NONCE 0x1234

/* These events were recorded, by the run of that nonce. */
static inline void recorded(struct platform *p, const char *const *events, size_t n)
{
	p->trace.nonce = NONCE;
	p->trace.events = xcalloc(n, sizeof(char *));
	p->trace.nevents = n;
	for (size_t i = 0; i < n; i++)
		p->trace.events[i] = xstrdup(events[i]);
}

/* The machine has one virtio device. */
static inline struct platform_virtio *only_virtio(struct platform *p, const char *name,
						  const char *parent)
{
	p->virtio = xcalloc(1, sizeof(*p->virtio));
	p->nvirtio = 1;
	p->virtio[0].name = xstrdup(name);
	p->virtio[0].parent = xstrdup(parent);
	return &p->virtio[0];
}

/* Was anything compared, and does all of it agree? */
static inline bool all_hold(const struct exchanges *x)
{
	for (size_t i = 0; i < x->sums.n; i++)
		if (!x->sums.list[i].ok)
			return false;
	return x->sums.n > 0;
}

/* The same, and frees x. */
static inline bool agreed(struct exchanges *x)
{
	bool ok = all_hold(x);

	exchanges_free(x);
	return ok;
}

#endif
