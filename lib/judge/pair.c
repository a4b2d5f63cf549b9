/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bounces and the maps that they belong to.
 */
#include "lib/judge/state.h"

void judge_bounce(struct judge *j, const struct event *ev)
{
	struct device *dev = judge_device(j, ev->dev);

	dev->seen = true;
	dev->totals.events++;
	j->n.bounces++;
	if (!j->n.first_bounce)
		j->n.first_bounce = j->seq;
	bounces_add(&j->bounces, &(struct bounce){
					 .orig = alias_bounced(&j->alias, ev->orig),
					 .size = ev->size,
					 .seq = j->seq,
					 .prev_seq = j->cpus[ev->cpu].prev_seq,
					 .pid = ev->pid,
					 .cpu = ev->cpu,
					 .dev = ev->dev,
					 .context = ev->context,
				 });
}

/*
 * While events were being switched on, a map's bounce may have come too early to
 * be told: before the first bounce of all, or on a CPU that has reported nothing since
 * (but the bounces of the map's other entries).
 */
bool judge_bounce_unreported(const struct judge *j, const struct event *ev)
{
	const struct cpu_state *c = &j->cpus[ev->cpu];

	return !j->from_boot && !c->start_seq &&
	       (!j->n.first_bounce || c->prev_other < j->n.first_bounce);
}

/* Behind an IOMMU there are mappings that no event reports (dma_iova_link()). */
size_t judge_take_bounces_failed(struct judge *j, const struct event *ev)
{
	return judge_device(j, ev->dev)->iommu ? 0 : bounces_take_failed_list(&j->bounces, ev);
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
		judge_doubt(j, CLAIM_BOUNCE_PAIRED, dev, ev, MEMORY_ALIAS,
			    "the shared alias of a buffer was published without a bounce, and "
			    "nothing shows that the buffer is shared");
}

/*
 * Probes name the buffer of a bounce only (collectors/decode/call.h): without one the device was
 * given the buffer itself.
 */
static void buffer_not_named(struct judge *j, struct device *dev, const struct event *ev,
			     enum memory_state memory)
{
	if (memory == MEMORY_DECRYPTED)
		return;
	if ((memory == MEMORY_PROTECTED || memory == MEMORY_MIXED) &&
	    (j->rehearsal || !(ev->attrs & EVENT_ATTR_CC_SHARED)))
		judge_refute(j, BREACH_NOT_BOUNCED, FIND_ABSENCE, dev, ev, memory,
			     "a protected buffer was mapped without a bounce");
	else
		judge_doubt(j, CLAIM_BOUNCE_PAIRED, dev, ev, memory,
			    "a buffer was mapped without a bounce and nothing shows whether it is "
			    "protected");
}

void judge_pair(struct judge *j, struct device *dev, const struct event *ev, uint64_t plain,
		enum memory_state memory, enum pair how, const struct bounce *bounce)
{
	enum memory_state orig;

	if (how != PAIR_NONE) {
		if (how == PAIR_BY_ORDER) {
			j->n.by_order++;
			judge_doubt(j, CLAIM_BOUNCE_PAIRED, dev, ev, memory,
				    "a bounce and its map agree in order and size, but not in the "
				    "buffer's address");
		}
		if (bounce->size != ev->size)
			judge_refute(j, BREACH_BOUNCE_SIZE, FIND_FACT, dev, ev, memory,
				     "%llu bytes were bounced but %llu were mapped",
				     (unsigned long long)bounce->size,
				     (unsigned long long)ev->size);
		if (!dev->iommu && overlaps(plain, ev->orig, ev->size ? ev->size : 1))
			judge_refute(
				j, BREACH_ORIGINAL_GIVEN, FIND_FACT, dev, ev, memory,
				"the buffer was bounced but the device was given the original");
		return;
	}
	orig = judge_orig_state(j, ev);
	if (device_is_accepted(dev) || dev->entrusted || orig == MEMORY_POOL ||
	    orig == MEMORY_DECRYPTED || orig == MEMORY_ALIAS || judge_is_mmio(j, ev))
		return;
	if (ev->orig != EVENT_NO_ADDR && plain == ev->orig) {
		if (memory == MEMORY_DECRYPTED)
			return; /* a shared buffer, mapped as it is */
		if (memory == MEMORY_ALIAS) {
			alias_of_buffer(j, dev, ev, plain);
			return;
		}
		if ((ev->attrs & EVENT_ATTR_CC_SHARED) && !j->rehearsal)
			judge_doubt(j, CLAIM_BOUNCE_PAIRED, dev, ev, memory,
				    "the kernel calls the buffer shared (CC_SHARED) but nothing "
				    "shows it");
		else if ((orig == MEMORY_PROTECTED || orig == MEMORY_MIXED) &&
			 memory != MEMORY_UNKNOWN) /* a second witness, or an allocation */
			judge_refute(j, BREACH_NOT_BOUNCED, FIND_FACT, dev, ev, memory,
				     "a protected buffer was mapped without a bounce");
		else
			judge_doubt(
				j, CLAIM_BOUNCE_PAIRED, dev, ev, memory,
				"a buffer was mapped without a bounce and nothing shows whether "
				"it is protected");
		return;
	}
	/* the kernel may name a shared buffer by its alias */
	if ((ev->attrs & EVENT_ATTR_CC_SHARED) && memory == MEMORY_ALIAS &&
	    (ev->orig & j->alias.top_mask) == plain)
		return;
	if (judge_bounce_unreported(j, ev)) {
		j->n.early++;
		return;
	}
	if (!dev->pci && !dev->virtio && memory != MEMORY_POOL) {
		judge_doubt(j, CLAIM_BOUNCE_PAIRED, dev, ev, memory,
			    "the device was given another address than the buffer's, and whether "
			    "it is behind an IOMMU is not known");
		return;
	}
	if (ev->orig == EVENT_NO_ADDR && memory != MEMORY_POOL) {
		buffer_not_named(j, dev, ev, memory);
		return;
	}
	judge_refute(
		j, BREACH_NO_BOUNCE_SEEN, FIND_ABSENCE, dev, ev, memory,
		"the device was given another address than the buffer's, but no bounce was seen");
}
