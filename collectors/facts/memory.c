/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RAM, and the memory that transfers are bounced through. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/facts/state.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"
#include "lib/judge/types/ledger.h"

/*
 * /proc/iomem: "40000000-7fffffff : System RAM", children indented.  Without the
 * right to see addresses the kernel prints zeros: then nothing is known.
 */
void facts_ram(struct facts *facts, struct platform *p)
{
	char *text = facts_attr(facts, "/proc/iomem"), *save = NULL;
	size_t cap = 0;

	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct range range;
		char name[32] = "";

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " : %31[^\n]", &range.start, &range.end,
			   name) != 3 ||
		    line[0] == ' ' || strcmp(name, "System RAM") != 0 || range.end <= range.start)
			continue;
		XGROW(p->ram, p->nram, cap);
		p->ram[p->nram++] = range;
	}
	free(text);
}

static void add_pool(struct platform *p, const char *name, struct range range)
{
	p->swiotlb.pools =
		xrealloc(p->swiotlb.pools, p->swiotlb.npools + 1, sizeof(*p->swiotlb.pools));
	p->swiotlb.pools[p->swiotlb.npools++] =
		(struct platform_pool){ .name = xstrdup(name), .range = range };
}

/* A device tree's number of one or two big-endian 32-bit cells. */
static uint64_t take_cells(const unsigned char **at, uint64_t cells)
{
	uint64_t value = 0;

	for (uint64_t i = 0; i < 4 * cells; i++)
		value = value << 8 | *(*at)++;
	return value;
}

static uint64_t cells_of(struct facts *facts, const char *which)
{
	char *path = facts_path(facts, "/proc/device-tree/reserved-memory/%s", which);
	const unsigned char *at;
	uint64_t cells = 0;
	size_t len;
	char *data = file_read(path, 4, &len, NULL);

	if (data && len == 4) {
		at = (const unsigned char *)data;
		cells = take_cells(&at, 1);
	}
	free(data);
	free(path);
	return cells;
}

/* reserved-memory/NODE/reg, first range (Linux Documentation/devicetree/…/restricted-dma-pool). */
static bool node_range(struct facts *facts, const char *node, struct range *range)
{
	uint64_t address = cells_of(facts, "#address-cells"), size = cells_of(facts, "#size-cells");
	char *path = facts_path(facts, "/proc/device-tree/reserved-memory/%s/reg", node);
	const unsigned char *at;
	uint64_t bytes = 0;
	size_t len = 0;
	char *reg = file_read(path, 4096, &len, NULL);

	if (reg && address >= 1 && address <= 2 && size >= 1 && size <= 2 &&
	    len >= 4 * (address + size)) {
		at = (const unsigned char *)reg;
		range->start = take_cells(&at, address);
		bytes = take_cells(&at, size);
		range->end = range->start + bytes - 1;
	}
	free(reg);
	free(path);
	return bytes > 0 && range->end >= range->start;
}

static bool is_restricted_node(struct facts *facts, const char *node)
{
	char *text = facts_attr(facts, "/proc/device-tree/reserved-memory/%s/compatible", node);
	bool is = text && strcmp(text, "restricted-dma-pool") == 0;

	free(text);
	return is;
}

/*
 * A restricted pool exists once a device uses it; the kernel then makes a folder
 * named after its node beside the default pool's counters.  Where debugfs cannot
 * be read, the node stands for the pool.
 */
static bool restricted_in_use(struct facts *facts, const char *node)
{
	return !facts_exists(facts, "/sys/kernel/debug/swiotlb") ||
	       facts_exists(facts, "/sys/kernel/debug/swiotlb/%s", node);
}

static bool is_listed(const struct platform *p, const char *name)
{
	for (size_t i = 0; i < p->swiotlb.npools; i++) {
		if (strcmp(p->swiotlb.pools[i].name, name) == 0)
			return true;
	}
	return false;
}

/*
 * The log cuts a pool's size to whole MiB; debugfs has its slots, by the name of its node.  Where
 * several pools may be the one, the size stays as the log has it.
 */
static void restore_size(struct facts *facts, const struct platform *p, struct range *range)
{
	static const char dir[] = "/sys/kernel/debug/swiotlb";
	uint64_t size = 0, mib = (range->end - range->start + 1) >> 20;
	size_t count, fits = 0;
	char **names = facts_list(facts, &count, "%s", dir);

	for (size_t i = 0; i < count; i++) {
		uint64_t slots =
			facts_number(facts, PLATFORM_UNKNOWN, "%s/%s/io_tlb_nslabs", dir, names[i]);

		if (slots == PLATFORM_UNKNOWN || slots > UINT32_MAX || is_listed(p, names[i]) ||
		    (slots * SWIOTLB_SLOT_SIZE) >> 20 != mib)
			continue;
		size = slots * SWIOTLB_SLOT_SIZE;
		fits++;
	}
	if (fits == 1 && size - 1 <= UINT64_MAX - range->start)
		range->end = range->start + size - 1;
	facts_free_list(names, count);
}

static void add_restricted(struct facts *facts, struct platform *p)
{
	size_t count, first = p->swiotlb.npools;
	char **nodes = facts_list(facts, &count, "/proc/device-tree/reserved-memory");
	struct range range;

	for (size_t i = 0; i < count; i++) {
		if (is_restricted_node(facts, nodes[i]) && restricted_in_use(facts, nodes[i]) &&
		    node_range(facts, nodes[i], &range))
			add_pool(p, nodes[i], range);
	}
	/* Pools without fixed addresses are reported by the log only, by address and MiB. */
	for (size_t i = 0; i < facts->log.nrestricted; i++) {
		bool known = false;

		for (size_t k = first; k < p->swiotlb.npools; k++)
			known |= p->swiotlb.pools[k].range.start == facts->log.restricted[i].start;
		range = facts->log.restricted[i];
		if (known)
			continue;
		restore_size(facts, p, &range);
		add_pool(p, "restricted", range);
	}
	facts_free_list(nodes, count);
}

uint64_t facts_swiotlb_sum(struct facts *facts, const char *file)
{
	static const char dir[] = "/sys/kernel/debug/swiotlb";
	uint64_t sum = facts_number(facts, PLATFORM_UNKNOWN, "%s/%s", dir, file), one;
	size_t count;
	char **names = facts_list(facts, &count, "%s", dir);

	for (size_t i = 0; i < count && sum != PLATFORM_UNKNOWN; i++) {
		if (!facts_exists(facts, "%s/%s/io_tlb_nslabs", dir, names[i]))
			continue; /* a counter of the default pool */
		one = facts_number(facts, PLATFORM_UNKNOWN, "%s/%s/%s", dir, names[i], file);
		sum = one == PLATFORM_UNKNOWN ? one : sum + one;
	}
	facts_free_list(names, count);
	return sum;
}

/* swiotlb=[slots][,areas][,force|noforce] (Linux Documentation/admin-guide/kernel-parameters) */
static enum tri force_of(const struct platform *p)
{
	char *text = xstrdup(p->kernel.cmdline ? p->kernel.cmdline : ""), *save = NULL;
	/* a Realm's kernel may force without being reported to, and does not say so */
	enum tri force = p->kernel.cmdline && p->realm.is_realm == TRI_NO ? TRI_NO : TRI_UNKNOWN;

	for (char *word = strtok_r(text, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
		if (strncmp(word, "swiotlb=", 8) != 0)
			continue;
		if (strstr(word, "noforce"))
			force = TRI_NO;
		else if (strstr(word, "force"))
			force = TRI_YES;
	}
	free(text);
	return force;
}

/*
 * Pools that grow (CONFIG_SWIOTLB_DYNAMIC) have bounds that nobody tells.  Such a
 * kernel has a counter for them, a member in its pools' type, and a work function,
 * which is never inlined.
 */
static enum tri dynamic_of(struct facts *facts)
{
	enum tri grows;

	if (facts_exists(facts, "/sys/kernel/debug/swiotlb/io_tlb_transient_nslabs"))
		return TRI_YES;
	grows = facts_kernel_grows(facts);
	if (grows != TRI_UNKNOWN)
		return grows;
	if (facts_find_symbol(facts, FACTS_SYM_DYNAMIC)->seen)
		return TRI_YES;
	return facts_find_symbol(facts, FACTS_SYM_MAP)->seen ? TRI_NO : TRI_UNKNOWN;
}

void facts_swiotlb(struct facts *facts, struct platform *p)
{
	struct range range;

	for (size_t i = 0; i < facts->log.npools; i++)
		add_pool(p, "default", facts->log.pools[i]);
	if (facts->log.npools == 0 && facts_kernel_pool(facts, &range))
		add_pool(p, "default", range);
	add_restricted(facts, p);
	/* of the default pool: restricted ones do not grow */
	p->swiotlb.slots =
		facts_number(facts, PLATFORM_UNKNOWN, "/sys/kernel/debug/swiotlb/io_tlb_nslabs");
	p->swiotlb.force = force_of(p);
	p->swiotlb.dynamic = dynamic_of(facts);
}
