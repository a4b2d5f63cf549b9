/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/counters/counters.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "lib/counters/diskcount.h"
#include "lib/counters/netcount.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/exchange/exchange.h"

struct counters {
	struct diskcount *disks;
	struct netcount *net;
};

static bool any_counted(const struct platform *p)
{
	for (size_t i = 0; i < p->ndisks; i++)
		if (p->disks[i].counted)
			return true;
	for (size_t i = 0; i < p->nnet; i++)
		if (p->net[i].counted)
			return true;
	return false;
}

struct counters *counters_new(const struct names *names, const struct platform *platform)
{
	struct counters *c;

	if (!platform || !any_counted(platform))
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->disks = diskcount_new(names, platform);
	c->net = netcount_new(names, platform);
	return c;
}

void counters_feed(struct counters *c, const struct event *events, size_t count)
{
	for (size_t i = 0; c && i < count; i++) {
		diskcount_event(c->disks, &events[i]);
		netcount_event(c->net, &events[i]);
	}
}

char *counters_broken(const struct counters *c)
{
	struct exchanges *x;
	char *broken;

	if (!c)
		return NULL;
	x = exchanges_new();
	diskcount_result(c->disks, x);
	netcount_result(c->net, x);
	broken = sums_broken(&x->sums);
	exchanges_free(x);
	return broken;
}

void counters_free(struct counters *c)
{
	if (!c)
		return;
	free(c->disks);
	netcount_free(c->net);
	free(c);
}
