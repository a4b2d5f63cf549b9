/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bounces and the maps that they belong to.
 */
#include <string.h>

#include "lib/judge/state.h"

void judge_bounce(struct judge *j, const struct event *ev)
{
	struct device *dev = judge_device(j, ev->dev);

	dev->seen = true;
	dev->totals.events++;
	j->n.bounces++;
	if (!j->n.first_bounce)
		j->n.first_bounce = j->seq;
	if (j->npending == MAX_PENDING) {
		j->n.dropped++;
		memmove(&j->pending[0], &j->pending[1], (MAX_PENDING - 1) * sizeof(j->pending[0]));
		j->npending--;
	}
	j->pending[j->npending++] = (struct pending){
		.orig = ev->orig,
		.size = ev->size,
		.seq = j->seq,
		.prev_seq = j->cpus[ev->cpu].prev_seq,
		.pid = ev->pid,
		.cpu = ev->cpu,
		.dev = ev->dev,
		.context = ev->context,
	};
}

/*
 * While events were being switched on, a map's bounce may have come too early to
 * be told: before the first bounce of all, or on a CPU that has told nothing since
 * (but the bounces of the map's other entries).
 */
bool judge_bounce_untold(const struct judge *j, const struct event *ev)
{
	const struct cpu_state *c = &j->cpus[ev->cpu];

	return !j->from_boot && !c->start_seq &&
	       (!j->n.first_bounce || c->prev_other < j->n.first_bounce);
}

/* Is this one of a call by the task that tells the event, on whatever CPU? */
static bool same_task(const struct pending *p, const struct event *ev)
{
	return p->dev == ev->dev && p->pid == ev->pid && (p->cpu == ev->cpu || ev->pid);
}

/*
 * Number (from 1) of the newest bounce that waits and has this map's device, buffer address
 * and task, one of its size if there is; 0 none.  The idle task (which softirqs run in) is
 * another one on each CPU.
 */
static size_t find_exact(const struct judge *j, const struct event *ev, bool any_size)
{
	size_t found = 0;

	for (size_t i = j->npending; i > 0; i--) {
		const struct pending *p = &j->pending[i - 1];

		if (!same_task(p, ev) || p->orig != ev->orig || (!any_size && p->size != ev->size))
			continue;
		found = i;
		if (p->size == ev->size)
			break;
	}
	return found;
}

static void remove_pending(struct judge *j, size_t number)
{
	memmove(&j->pending[number - 1], &j->pending[number],
		(j->npending - number) * sizeof(j->pending[0]));
	j->npending--;
}

/*
 * The bounce of a map: the exact one.  Where addresses do not agree but the newest
 * bounce of this CPU is of this device and size (a bus that offsets DMA
 * addresses), it is its pair by order only.
 */
enum pair judge_take_bounce(struct judge *j, const struct event *ev, struct pending *out)
{
	bool untold = judge_bounce_untold(j, ev); /* then nothing but its own will do */
	size_t found = find_exact(j, ev, !untold);
	enum pair how = found ? PAIR_EXACT : PAIR_NONE;

	if (!found && j->npending && !untold) {
		const struct pending *p = &j->pending[j->npending - 1];

		if (p->dev == ev->dev && p->cpu == ev->cpu && p->size == ev->size &&
		    p->pid == ev->pid) {
			found = j->npending;
			how = PAIR_BY_ORDER;
		}
	}
	if (!found)
		return PAIR_NONE;
	*out = j->pending[found - 1];
	remove_pending(j, found);
	return how;
}

/*
 * Not all that fails was bounced (the entries of a scatter-gather list behind the one that
 * failed, say), so that the bounce of another must not be taken for its own.
 */
bool judge_take_bounce_failed(struct judge *j, const struct event *ev)
{
	size_t found = find_exact(j, ev, ev->size == 0);

	if (found)
		remove_pending(j, found);
	return found != 0;
}

void judge_pass_bounces(struct judge *j, const struct event *ev)
{
	for (size_t i = 0; i < j->npending; i++)
		j->pending[i].passed |= same_task(&j->pending[i], ev);
}

/*
 * The kernel bounces the list's entries one after the other, up to the one that failed, releases
 * them and returns.  So they are what the task bounced last for this device, in this context: what
 * an interrupt maps meanwhile is its own.  What it bounced before a mapping that was told is not of
 * this list.  Behind an IOMMU there are mappings that no event tells (dma_iova_link()).
 */
size_t judge_take_bounces_failed(struct judge *j, const struct event *ev)
{
	size_t taken = 0;

	if (judge_device(j, ev->dev)->iommu || ev->context == EVENT_CONTEXT_UNKNOWN)
		return 0;
	for (size_t i = j->npending; i > 0 && taken < ev->aux; i--) {
		const struct pending *p = &j->pending[i - 1];

		if (!same_task(p, ev) || p->context != ev->context)
			continue;
		if (p->passed)
			break;
		remove_pending(j, i);
		taken++;
	}
	return taken;
}

static bool overlaps(uint64_t a, uint64_t b, uint64_t size)
{
	return a < b ? b - a < size : a - b < size;
}

/*
 * The device was given the shared alias of the buffer itself.  Of a protected one that would
 * be another page, and what lies in it has not crossed as it should.
 */
static void alias_of_buffer(struct judge *j, struct device *dev, const struct event *ev,
			    uint64_t plain)
{
	if (!(ev->attrs & EVENT_ATTR_CC_SHARED) && !judge_alloc_around(j, dev, ev, plain))
		judge_find(j, CLAIM_BOUNCE_PAIRED, FIND_UNDECIDED, dev, ev, MEMORY_ALIAS,
			   "the shared alias of a buffer was published without a bounce, and "
			   "nothing shows that the buffer is shared");
}

void judge_pair(struct judge *j, struct device *dev, const struct event *ev, uint64_t plain,
		enum memory_state memory, enum pair how, const struct pending *bounce)
{
	enum memory_state orig = judge_orig_state(j, ev);

	if (how != PAIR_NONE) {
		j->n.from_pool += orig == MEMORY_POOL;
		j->n.from_nowhere += orig == MEMORY_OUTSIDE;
		if (how == PAIR_BY_ORDER) {
			j->n.by_order++;
			judge_find(j, CLAIM_BOUNCE_PAIRED, FIND_UNDECIDED, dev, ev, memory,
				   "a bounce and its map agree in order and size, but not in the "
				   "buffer's address");
		}
		if (bounce->size != ev->size)
			judge_find(j, CLAIM_BOUNCE_PAIRED, FIND_FACT, dev, ev, memory,
				   "%llu bytes were bounced but %llu were mapped",
				   (unsigned long long)bounce->size, (unsigned long long)ev->size);
		if (!dev->iommu && overlaps(plain, ev->orig, ev->size ? ev->size : 1))
			judge_find(j, CLAIM_BOUNCE_PAIRED, FIND_FACT, dev, ev, memory,
				   "the buffer was bounced but the device was given the original");
		return;
	}
	if (judge_is_trusted(dev) || orig == MEMORY_POOL || orig == MEMORY_DECRYPTED ||
	    orig == MEMORY_ALIAS || judge_is_mmio(j, ev))
		return;
	if (ev->orig != EVENT_NO_ADDR && plain == ev->orig) {
		if (memory == MEMORY_DECRYPTED)
			return; /* a shared buffer, mapped as it is */
		if (memory == MEMORY_ALIAS) {
			alias_of_buffer(j, dev, ev, plain);
			return;
		}
		if ((ev->attrs & EVENT_ATTR_CC_SHARED) && !j->rehearsal)
			judge_find(j, CLAIM_BOUNCE_PAIRED, FIND_UNDECIDED, dev, ev, memory,
				   "the kernel calls the buffer shared (CC_SHARED) but nothing "
				   "shows it");
		else if ((orig == MEMORY_PROTECTED || orig == MEMORY_MIXED) &&
			 memory != MEMORY_UNKNOWN) /* a second witness, or an allocation */
			judge_find(j, CLAIM_BOUNCE_PAIRED, FIND_FACT, dev, ev, memory,
				   "a protected buffer was mapped without a bounce");
		else
			judge_find(j, CLAIM_BOUNCE_PAIRED, FIND_UNDECIDED, dev, ev, memory,
				   "a buffer was mapped without a bounce and nothing shows whether "
				   "it is protected");
		return;
	}
	/* the kernel may name a shared buffer by its alias */
	if ((ev->attrs & EVENT_ATTR_CC_SHARED) && memory == MEMORY_ALIAS &&
	    (ev->orig & j->top_mask) == plain)
		return;
	if (judge_bounce_untold(j, ev)) {
		j->n.early++;
		return;
	}
	judge_find(
		j, CLAIM_BOUNCE_PAIRED, FIND_ABSENCE, dev, ev, memory,
		"the device was given another address than the buffer's, but no bounce was seen");
}
