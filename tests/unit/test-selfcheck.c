/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The self-check passes with the judge as it is, and notices each way in which
 * this test breaks it.  The Makefile links judge_feed to the wrapper below.
 */
#include "lib/judge/selfcheck/selfcheck.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/evidence/event.h"
#include "lib/judge/judge.h"
#include "lib/verdict/verdict.h"
#include "tests/unit/test.h"

void __real_judge_feed(struct judge *judge, const struct event *events, size_t count);
void __wrap_judge_feed(struct judge *judge, const struct event *events, size_t count);

/* Each turns one event into what a broken judge would take it for; false: not noticed at all. */
static bool (*broken)(struct event *ev);

void __wrap_judge_feed(struct judge *judge, const struct event *events, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct event ev = events[i];

		if (!broken || broken(&ev))
			__real_judge_feed(judge, &ev, 1);
	}
}

static bool blind(struct event *ev)
{
	return ev->kind == EVENT_MARK;
}

static bool deaf_to_loss(struct event *ev)
{
	return ev->kind != EVENT_LOST;
}

static bool deaf_to_cuts(struct event *ev)
{
	return ev->kind != EVENT_SG_TRUNCATED;
}

static bool deaf_to_encrypt(struct event *ev)
{
	return ev->kind != EVENT_ENCRYPT;
}

static bool no_unmaps(struct event *ev)
{
	return ev->kind != EVENT_UNMAP;
}

static bool no_syncs(struct event *ev)
{
	return ev->kind != EVENT_SYNC_CPU && ev->kind != EVENT_SYNC_DEVICE;
}

static bool one_direction(struct event *ev)
{
	ev->dir = EVENT_TO_DEVICE;
	return true;
}

static bool sizeless(struct event *ev)
{
	ev->size = 1;
	return true;
}

static bool any_marker(struct event *ev)
{
	if (ev->kind == EVENT_MARK)
		ev->link = 0x5eed;
	return true;
}

static bool shared_by_default(struct event *ev)
{
	if (ev->kind == EVENT_MAP)
		ev->dma |= 1ull << 32;
	return true;
}

int main(void)
{
	static const struct {
		const char *name;
		bool (*how)(struct event *ev);
	} ways[] = {
		{ "blind", blind },
		{ "deaf_to_loss", deaf_to_loss },
		{ "deaf_to_cuts", deaf_to_cuts },
		{ "deaf_to_encrypt", deaf_to_encrypt },
		{ "no_unmaps", no_unmaps },
		{ "no_syncs", no_syncs },
		{ "one_direction", one_direction },
		{ "sizeless", sizeless },
		{ "any_marker", any_marker },
		{ "shared_by_default", shared_by_default },
	};
	struct timespec a, b;
	struct err err = { "" };
	int n;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	n = selfcheck(&err);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	printf("# %d streams in %.3f ms%s%s\n", n,
	       (b.tv_sec - a.tv_sec) * 1e3 + (b.tv_nsec - a.tv_nsec) / 1e6, *err.text ? ": " : "",
	       err.text);
	check(n >= 30);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		broken = ways[i].how;
		err.text[0] = '\0';
		printf("# %s\n", ways[i].name);
		check(selfcheck(&err) == -EPROTO);
		check(strstr(err.text, "self-check failed on '") != NULL);
	}
	return done();
}
