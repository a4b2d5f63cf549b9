/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bounce events that wait for the event of their map. */
#include "lib/judge/types/bounces.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

static void remove_number(struct bounces *b, size_t number)
{
	/* mostly it is the newest */
	if (number < b->count)
		memmove(&b->waiting[number - 1], &b->waiting[number],
			(b->count - number) * sizeof(b->waiting[0]));
	b->count--;
}

void bounces_add(struct bounces *b, const struct bounce *new)
{
	if (b->count == MAX_BOUNCES) {
		b->dropped++;
		remove_number(b, 1);
	}
	XGROW(b->waiting, b->count, b->cap);
	b->waiting[b->count++] = *new;
}

void bounces_free(struct bounces *b)
{
	free(b->waiting);
}

/* Is this one of a call by the task that emits the event, on whatever CPU? */
static bool same_task(const struct bounce *b, const struct event *ev)
{
	return b->dev == ev->dev && b->pid == ev->pid && (b->cpu == ev->cpu || ev->pid);
}

/*
 * Number (from 1) of the newest bounce that waits and has this map's device, buffer address
 * and task, one of its size if there is; 0 none.  The idle task (which softirqs run in) is
 * another one on each CPU.
 */
static size_t find_exact(const struct bounces *b, const struct event *ev, bool any_size)
{
	size_t found = 0;

	for (size_t i = b->count; i > 0; i--) {
		const struct bounce *p = &b->waiting[i - 1];

		if (!same_task(p, ev) || p->orig != ev->orig || (!any_size && p->size != ev->size))
			continue;
		found = i;
		if (p->size == ev->size)
			break;
	}
	return found;
}

enum pair bounces_take(struct bounces *b, const struct event *map, bool own_only,
		       struct bounce *out)
{
	size_t found = find_exact(b, map, !own_only);
	enum pair how = found ? PAIR_EXACT : PAIR_NONE;

	if (!found && b->count && !own_only) {
		const struct bounce *p = &b->waiting[b->count - 1];

		if (p->dev == map->dev && p->cpu == map->cpu && p->size == map->size &&
		    p->pid == map->pid) {
			found = b->count;
			how = PAIR_BY_ORDER;
		}
	}
	if (!found)
		return PAIR_NONE;
	*out = b->waiting[found - 1];
	remove_number(b, found);
	return how;
}

/*
 * Not all that fails was bounced (the entries of a scatter-gather list behind the one that
 * failed, say), so that the bounce of another must not be taken for its own.
 */
bool bounces_take_failed(struct bounces *b, const struct event *failed)
{
	size_t found = find_exact(b, failed, failed->size == 0);

	if (found)
		remove_number(b, found);
	return found != 0;
}

void bounces_pass(struct bounces *b, const struct event *map)
{
	for (size_t i = 0; i < b->count; i++)
		b->waiting[i].passed |= same_task(&b->waiting[i], map);
}

/*
 * The kernel bounces the list's entries one after the other, up to the one that failed, releases
 * them and returns.  So they are what the task bounced last for this device, in this context: what
 * an interrupt maps meanwhile is its own.  What it bounced before a mapping that was reported is
 * not of this list.
 */
size_t bounces_take_failed_list(struct bounces *b, const struct event *failed)
{
	size_t taken = 0;

	if (failed->context == EVENT_CONTEXT_UNKNOWN)
		return 0;
	for (size_t i = b->count; i > 0 && taken < failed->aux; i--) {
		const struct bounce *p = &b->waiting[i - 1];

		if (!same_task(p, failed) || p->context != failed->context)
			continue;
		if (p->passed)
			break;
		remove_number(b, i);
		taken++;
	}
	return taken;
}
