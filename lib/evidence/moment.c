/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What two readings of a machine's facts tell of the time between them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"

static bool known(const struct platform *p)
{
	return p->moment.from_ns != PLATFORM_UNKNOWN && p->moment.to_ns == PLATFORM_UNKNOWN;
}

/* Facts of a run, which know their window already. */
static bool has_window(const struct platform *p)
{
	return p->window.devices_changed != TRI_UNKNOWN || p->window.log_known ||
	       p->window.nkernel_log;
}

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* Lists that nobody could read tell nothing. */
static enum tri differs(char *const *a, size_t na, char *const *b, size_t nb, bool may_be_empty)
{
	if (!may_be_empty && (!na || !nb))
		return TRI_UNKNOWN;
	if (na != nb)
		return TRI_YES;
	for (size_t i = 0; i < na; i++)
		if (strcmp(a[i], b[i]) != 0)
			return TRI_YES;
	return TRI_NO;
}

static bool same_memory(const struct platform *a, const struct platform *b)
{
	bool same = a->nram == b->nram && a->swiotlb.slots == b->swiotlb.slots &&
		    a->swiotlb.npools == b->swiotlb.npools &&
		    a->realm.shared_bit == b->realm.shared_bit &&
		    a->realm.protected_bit == b->realm.protected_bit;

	for (size_t i = 0; same && i < a->nram; i++)
		same = a->ram[i].start == b->ram[i].start && a->ram[i].end == b->ram[i].end;
	for (size_t i = 0; same && i < a->swiotlb.npools; i++) {
		const struct range *x = &a->swiotlb.pools[i].range, *y = &b->swiotlb.pools[i].range;

		same = x->start == y->start && x->end == y->end;
	}
	return same;
}

/* The log's lines from the first moment on, where no record between them is missing. */
static void take_log(struct platform *p, const struct platform *after)
{
	const struct platform_moment *m = &after->moment;
	uint64_t from = p->moment.log_next;

	if (from == PLATFORM_UNKNOWN || m->log_next == PLATFORM_UNKNOWN ||
	    m->log_first == PLATFORM_UNKNOWN || m->log_first > from || m->log_next < from)
		return;
	p->window.log_known = true;
	p->window.kernel_log = xcalloc(m->nlog + 1, sizeof(*p->window.kernel_log));
	for (size_t i = 0; i < m->nlog; i++) {
		char *text;
		uint64_t number = strtoull(m->log[i], &text, 10);

		if (number >= from)
			p->window.kernel_log[p->window.nkernel_log++] =
				xstrdup(text + (*text == ' '));
	}
}

int platform_window(struct platform *p, const struct platform *after, struct err *err)
{
	const struct platform_moment *a = &p->moment, *b = &after->moment;

	if (p->trace.nonce || after->trace.nonce || has_window(p) || has_window(after))
		return err_set(err, EINVAL,
			       "facts of before and after are those that 'ccaio doctor --facts' "
			       "writes, not those of a run");
	if (!known(p) || !known(after))
		return err_set(err, EINVAL,
			       "the facts do not say when they were read: write them again with "
			       "'ccaio doctor --facts' of this version, before and after the "
			       "recording");
	if (!same_text(p->kernel.boot_id, after->kernel.boot_id) ||
	    !same_text(p->kernel.release, after->kernel.release))
		return err_set(err, EINVAL,
			       "the facts of before and after are of two boots or machines");
	if (b->from_ns <= a->from_ns)
		return err_set(err, EINVAL,
			       "the facts of before were read after those of after: give them in "
			       "the order of time");
	p->window.devices_changed =
		differs(a->devices, a->ndevices, b->devices, b->ndevices, false);
	p->window.cpus_changed = differs(a->cpus, a->ncpus, b->cpus, b->ncpus, false);
	p->window.tsm_changed = differs(a->tsm, a->ntsm, b->tsm, b->ntsm, true);
	if (!same_memory(p, after)) /* a pool or memory came or went with it */
		p->window.devices_changed = TRI_YES;
	p->swiotlb.used_after = after->swiotlb.used_before;
	take_log(p, after);
	p->moment.to_ns = b->from_ns;
	return 0;
}
