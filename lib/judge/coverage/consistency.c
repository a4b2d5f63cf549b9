/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The condition facts-consistent: facts compared with whatever can contradict them, which is the
 * stream, what the recording says of itself, the kernel log, and other facts.
 *
 * Each comparison is a row of one table, with its sentence and with the claims that rest on what it
 * compares.  Where a row finds a contradiction the condition is unmet, and those claims are
 * undecided: a fact that the evidence contradicts shows nothing, for or against.
 * It is a condition of its own since it speaks of all facts, while devices-known and pool-known
 * say that facts are there.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/stream.h"
#include "lib/evidence/text/klog.h"
#include "lib/judge/coverage/coverage.h"

#define BIT(claim) (1u << (claim))
/* what a wrong pool, RAM or shared bit makes of an address */
#define ADDRESSES (BIT(CLAIM_DMA_IN_SHARED) | BIT(CLAIM_BOUNCE_PAIRED) | BIT(CLAIM_SLOTS_DISJOINT))
#define ALL (ADDRESSES | BIT(CLAIM_LIFECYCLE) | BIT(CLAIM_NO_BYPASS))

static unsigned long long ull(uint64_t n)
{
	return n;
}

/* Of ccaio's own bounce path, be it read from a file. */
static bool of_model(const struct judge *j, const struct stream_info *info)
{
	const char *kind = j->platform ? j->platform->realm.kind : NULL;

	return info->is_model || (kind && strcmp(kind, "model") == 0);
}

/* ---- whose facts ---- */

/* Are these the facts of this very recording: do both carry the number of one run? */
static bool same_run(const struct judge *j, const struct stream_info *info)
{
	return of_model(j, info) ||
	       (info->by_ccaio && j->platform && j->platform->trace.nonce && j->observed.marks &&
		j->observed.own_marks == j->observed.marks);
}

static char *another_run(const struct judge *j, const struct stream_info *info)
{
	const struct observed *o = &j->observed;

	if (!info->by_ccaio && !of_model(j, info) && j->platform->trace.nonce)
		return xasprintf("the facts are those of a run of ccaio, but this was recorded by "
				 "%s",
				 info->recorder ? info->recorder : "another tool");
	if (info->by_ccaio && !of_model(j, info) && !j->platform->trace.nonce && o->marks)
		return xstrdup("the recording has the markers of a run of ccaio, but the facts are "
			       "of no run");
	if (info->by_ccaio && j->platform->trace.nonce && o->marks && !o->own_marks)
		return xstrdup("the facts are of another run: no marker of theirs is in the "
			       "recording, but those of another one");
	return NULL;
}

static char *relabelled(const struct judge *j, const struct stream_info *info)
{
	if (info->by_ccaio || of_model(j, info) || !j->observed.marks)
		return NULL;
	return xasprintf(
		"the recording says that %s made it, but it holds markers of 'ccaio trace'",
		info->recorder ? info->recorder : "another tool");
}

static char *kernel(const struct judge *j, const struct stream_info *info)
{
	const char *a = j->platform->kernel.release, *b = info->release;

	if (!a || !b || strcmp(a, b) == 0)
		return NULL;
	return xasprintf("the facts are of kernel %.80s, the recording of %.80s", a, b);
}

static char *machine(const struct judge *j, const struct stream_info *info)
{
	const char *a = j->platform->kernel.machine, *b = info->arch;

	if (!a || !b || strcmp(a, b) == 0)
		return NULL;
	return xasprintf("the facts are of a machine of type %.40s, the recording of %.40s", a, b);
}

static char *boot(const struct judge *j, const struct stream_info *info)
{
	const char *a = j->platform->kernel.boot_id, *b = info->boot_id;

	if (!a || !b || strcmp(a, b) == 0)
		return NULL;
	return xasprintf("the facts are of the boot %.40s, the recording of %.40s", a, b);
}

static char *folder(const struct judge *j, const struct stream_info *info)
{
	(void)info;
	if (!j->platform->root || !j->platform->trace.nonce)
		return NULL;
	return xasprintf("the facts of this run were read from the folder %.80s ($CCAIO_ROOT), not "
			 "from the machine",
			 j->platform->root);
}

/* The facts count the lost events of each CPU, so that a CPU is not of their machine. */
static char *cpus(const struct judge *j, const struct stream_info *info)
{
	const struct platform *p = j->platform;
	char *text = NULL;
	bool *counted;

	if (!p->trace.nlost || of_model(j, info))
		return NULL;
	counted = xcalloc(UINT16_MAX + 1, sizeof(*counted));
	for (size_t i = 0; i < p->trace.nlost; i++)
		counted[p->trace.lost[i].cpu & UINT16_MAX] = true;
	for (size_t i = 0; i < info->ncpus && !text; i++) {
		const struct stream_cpu *c = &info->cpus[i];

		if (c->events && !counted[c->cpu & UINT16_MAX])
			text = xasprintf("the recording has events of CPU %u, which is none of the "
					 "CPUs of the facts",
					 c->cpu);
	}
	free(counted);
	return text;
}

/* What a recording that began later does not show was never there, for a judge that believes it. */
static char *from_boot(const struct judge *j, const struct stream_info *info)
{
	const struct platform_virtio *d;

	if (!j->from_boot || of_model(j, info))
		return NULL;
	if (j->n.inherited || j->observed.older)
		return xasprintf(
			"the facts say armed at boot, but %llu mappings are older than the "
			"recording",
			ull(j->n.inherited + j->observed.older));
	d = coverage_ring_never_seen(j);
	return d ? xasprintf("the facts say armed at boot, but the rings of %s were never seen "
			     "allocated",
			     d->name)
		 : NULL;
}

/* ---- memory ---- */

static char *pool_in_use(const struct judge *j, const struct stream_info *info)
{
	uint64_t n = j->observed.from_pool;

	/* ccaio's own bounce path allocates from its pools, a kernel maps no such memory */
	n += of_model(j, info) ? 0 : j->observed.direct_in_pool;
	if (!n)
		return NULL;
	return xasprintf("%llu buffers were mapped although they lie inside what the facts call a "
			 "pool",
			 ull(n));
}

static char *pool_elsewhere(const struct judge *j, const struct stream_info *info)
{
	const struct observed *o = &j->observed;

	/* where the facts are of this very run it is the kernel that is wrong */
	if (!o->bounced_out || !j->platform->swiotlb.npools ||
	    j->platform->swiotlb.dynamic != TRI_NO || (same_run(j, info) && o->bounced_in))
		return NULL;
	return xasprintf("%llu buffers were bounced to memory outside of the pools of the facts, "
			 "the first to 0x%llx",
			 ull(o->bounced_out), ull(o->out));
}

static char *pool_missing(const struct judge *j, const struct stream_info *info)
{
	const struct platform *p = j->platform;

	(void)info;
	if (!j->n.bounces || (p->swiotlb.slots != 0 && p->swiotlb.slots != PLATFORM_UNKNOWN))
		return NULL;
	if (p->swiotlb.slots == 0 && (!p->swiotlb.npools || !j->n.paired))
		return xasprintf("the facts say that the bounce pool has no slot, but %llu buffers "
				 "were bounced",
				 ull(j->n.bounces));
	return NULL;
}

/* Slots of the default pool by its bounds; its memory is RAM. */
static char *pool_size(const struct judge *j, const struct stream_info *info)
{
	const struct platform *p = j->platform;
	uint64_t slots = 0;

	(void)info;
	for (size_t i = 0; i < p->swiotlb.npools; i++) {
		const struct platform_pool *pool = &p->swiotlb.pools[i];

		if (platform_pool_is_default(pool))
			slots += (pool->range.end - pool->range.start) / SWIOTLB_SLOT_SIZE + 1;
	}
	if (!slots || p->swiotlb.slots == PLATFORM_UNKNOWN || p->swiotlb.slots == slots)
		return NULL;
	return xasprintf("the pool's bounds hold %llu slots, but the kernel counts %llu",
			 ull(slots), ull(p->swiotlb.slots));
}

static bool in_ram(const struct platform *p, const struct range *r)
{
	for (size_t i = 0; i < p->nram; i++) {
		if (r->start >= p->ram[i].start && r->end <= p->ram[i].end)
			return true;
	}
	return false;
}

static char *pool_in_ram(const struct judge *j, const struct stream_info *info)
{
	const struct platform *p = j->platform;

	(void)info;
	for (size_t i = 0; p->nram && i < p->swiotlb.npools; i++) {
		const struct platform_pool *pool = &p->swiotlb.pools[i];

		if (platform_pool_is_default(pool) && !in_ram(p, &pool->range))
			return xasprintf("the bounce pool at 0x%llx lies outside of the RAM of the "
					 "facts",
					 ull(pool->range.start));
	}
	return NULL;
}

static char *ram(const struct judge *j, const struct stream_info *info)
{
	(void)info;
	if (!j->observed.from_nowhere)
		return NULL;
	return xasprintf(
		"%llu buffers lie outside all RAM that the facts list, the first at 0x%llx",
		ull(j->observed.from_nowhere), ull(j->observed.nowhere));
}

static char *shared_bit(const struct judge *j, const struct stream_info *info)
{
	(void)info;
	if (j->alias.bad_bit)
		return xasprintf("the facts call 0x%llx the %s address bit, but it is not one "
				 "bit above all RAM",
				 ull(j->alias.bad_bit),
				 j->alias.rule == ALIAS_SET_IS_PROTECTED ? "protected" : "shared");
	if (j->observed.from_alias)
		return xasprintf("the addresses of %llu buffers before the bounce carry what the "
				 "facts call the shared address bit",
				 ull(j->observed.from_alias));
	return NULL;
}

/* ---- how the machine shares ---- */

/* The last swiotlb= of a command line, up to its end; NULL none. */
static const char *swiotlb_option(const struct platform *p)
{
	const char *at = p->kernel.cmdline, *last = NULL;

	while (at && (at = strstr(at, "swiotlb="))) {
		if (at == p->kernel.cmdline || at[-1] == ' ')
			last = at + strlen("swiotlb=");
		at++;
	}
	return last;
}

static bool option_says(const char *option, const char *word)
{
	size_t len = option ? strcspn(option, " ") : 0, n = strlen(word);

	for (size_t i = 0; i + n <= len; i++) {
		if (strncmp(option + i, word, n) == 0 && (i + n == len || option[i + n] == ',') &&
		    (i == 0 || option[i - 1] == ','))
			return true;
	}
	return false;
}

static char *forced(const struct judge *j, const struct stream_info *info)
{
	const struct platform *p = j->platform;
	const char *option = swiotlb_option(p);

	if (option_says(option, "noforce") && (p->swiotlb.force == TRI_YES || j->n.bounces))
		return xasprintf("the command line of the facts says swiotlb=noforce, but %s",
				 j->n.bounces ? "buffers were bounced"
					      : "by the facts bouncing is forced");
	if (p->swiotlb.force == TRI_YES && !j->n.bounces && j->observed.direct &&
	    stream_info_format(info, "swiotlb:swiotlb_bounced"))
		return xasprintf("the facts say that every buffer is bounced, but none was, and "
				 "%llu were mapped as they are",
				 ull(j->observed.direct));
	return NULL;
}

/*
 * Without protected memory the kernel bounces for a device only what it cannot reach, and virtio
 * devices reach all of it: Linux include/linux/dma-direct.h, dma_direct_map_phys().
 */
static char *no_realm(const struct judge *j, const struct stream_info *info)
{
	const struct platform *p = j->platform;

	(void)info;
	if (p->realm.is_realm != TRI_NO || p->swiotlb.force == TRI_YES ||
	    option_says(swiotlb_option(p), "force") || !j->observed.virtio_bounced)
		return NULL;
	for (size_t i = 0; i < p->swiotlb.npools; i++) {
		if (!platform_pool_is_default(&p->swiotlb.pools[i]))
			return NULL;
	}
	return xasprintf("the facts say that this is no Realm and bouncing not forced, but %llu "
			 "buffers of virtio devices were bounced",
			 ull(j->observed.virtio_bounced));
}

static char *realm_signs(const struct judge *j, const struct stream_info *info)
{
	const struct platform *p = j->platform;
	const struct guest_kind *kind = guest_kind_find(p->realm.kind);

	(void)info;
	if (p->realm.is_realm == TRI_NO && !j->rehearsal)
		return xstrdup(
			"the facts say that this is no Realm, but list what only a Realm has");
	if (kind->machine && p->kernel.machine && strcmp(p->kernel.machine, kind->machine) != 0)
		return xasprintf("the facts call a machine of type %.40s %s", p->kernel.machine,
				 kind->one);
	return NULL;
}

/* ---- the kernel log ---- */

static char *log_line(const struct platform *p, const char *line)
{
	struct klog_fact fact = klog_read(line, strlen(line));
	const char *total = strstr(line, "), total ");
	bool found = false;

	if (fact.kind == KLOG_RSI && p->realm.is_realm == TRI_NO)
		return xstrdup("the facts say that this is no Realm, but the kernel log speaks of "
			       "the Realm Services Interface");
	if (total && strstr(line, "swiotlb buffer is full") && p->swiotlb.npools == 1 &&
	    p->swiotlb.slots != PLATFORM_UNKNOWN && p->swiotlb.slots &&
	    strtoull(total + strlen("), total "), NULL, 10) != p->swiotlb.slots)
		return xasprintf(
			"the kernel log reports a pool of another size than the facts: %.100s",
			line);
	if (fact.kind != KLOG_POOL)
		return NULL;
	for (size_t i = 0; i < p->swiotlb.npools; i++)
		found |= p->swiotlb.pools[i].range.start == fact.range.start &&
			 p->swiotlb.pools[i].range.end == fact.range.end;
	return found ? NULL : xasprintf("the kernel log reports another pool: %.100s", line);
}

static char *kernel_log(const struct judge *j, const struct stream_info *info)
{
	const struct platform *p = j->platform;
	char *text = NULL;

	(void)info;
	for (size_t i = 0; i < p->window.nkernel_log && !text; i++)
		text = log_line(p, p->window.kernel_log[i]);
	return text;
}

/* ---- devices ---- */

static char *features(const struct judge *j, const struct stream_info *info)
{
	(void)info;
	for (size_t i = 0; i < j->devices.count; i++) {
		const struct device *d = j->devices.at[i];

		if (d && judge_denies_dma(d))
			return xasprintf("%s did not negotiate ACCESS_PLATFORM by the facts, but "
					 "its DMA is in the recording",
					 d->virtio->name);
	}
	return NULL;
}

static char *unlisted(const struct judge *j, const struct stream_info *info)
{
	const struct platform *p = j->platform;

	if (!p->virtio_listed || !p->pci_listed || p->window.devices_changed == TRI_YES ||
	    same_run(j, info))
		return NULL;
	for (size_t i = 0; i < j->devices.count; i++) {
		const struct device *d = j->devices.at[i];

		if (d && d->seen && !coverage_is_listed(j, names_get(j->names, d->id)))
			return xasprintf("device %s does DMA, but the facts do not list it",
					 names_get(j->names, d->id));
	}
	return NULL;
}

/* ---- all of them ---- */

static const struct {
	char *(*differs)(const struct judge *j, const struct stream_info *info);
	unsigned int claims; /* that rest on it */
} comparisons[] = {
	{ another_run, ALL },
	{ relabelled, 0 },
	{ kernel, ALL },
	{ machine, ALL },
	{ boot, ALL },
	{ folder, ALL },
	{ cpus, ALL },
	{ unlisted, ALL },
	{ from_boot, BIT(CLAIM_BOUNCE_PAIRED) | BIT(CLAIM_SLOTS_DISJOINT) | BIT(CLAIM_LIFECYCLE) },
	{ pool_in_use, ADDRESSES },
	{ pool_elsewhere, ADDRESSES },
	{ pool_missing, ADDRESSES },
	{ pool_size, ADDRESSES },
	{ pool_in_ram, ADDRESSES },
	{ ram, ADDRESSES },
	{ shared_bit, ADDRESSES },
	{ forced, ADDRESSES },
	{ no_realm, ADDRESSES },
	{ realm_signs, ADDRESSES },
	{ kernel_log, ADDRESSES },
	{ features, BIT(CLAIM_NO_BYPASS) },
};

void judge_check_facts(struct judge *j, const struct stream_info *info)
{
	size_t n = sizeof(comparisons) / sizeof(comparisons[0]);

	for (size_t i = 0; j->platform && i < n; i++) {
		char *text = comparisons[i].differs(j, info);

		if (!text)
			continue;
		for (int c = 0; c < CLAIMS; c++) {
			if (!(comparisons[i].claims & BIT(c)))
				continue;
			judge_doubt(j, c, NULL, NULL, MEMORY_UNKNOWN, "%s", text);
			j->contradicted |= BIT(c);
		}
		if (j->contradiction)
			free(text);
		else
			j->contradiction = text;
	}
}

void coverage_facts_consistent(const struct judge *j, const struct stream_info *info,
			       struct cond_verdict *cond)
{
	(void)info;
	if (!j->platform)
		cond_unmet(cond, "give the machine's facts (--platform)", "there are no facts");
	else if (j->contradiction)
		cond_unmet(cond,
			   "give the facts of the machine and the boot that were recorded, or "
			   "record with 'ccaio trace'",
			   "%s", j->contradiction);
	else
		cond_met(cond, "nothing in the recording contradicts the facts");
}
