/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scatter-gather records: lists of addresses and lengths. */
#include "collectors/decode/bind.h"

#include "lib/evidence/event.h"

/* The lists of a scatter-gather record; a list that the event does not have is empty. */
struct lists {
	const uint8_t *phys, *dma, *lens;
	uint32_t nphys, ndma, nlens;
};

static bool list_find(const struct decode_binding *b, unsigned int member,
		      const struct decode_record *record, const uint8_t **p, uint32_t *count,
		      uint32_t entry_size)
{
	uint32_t len = 0;

	*p = NULL;
	*count = 0;
	if (!b->wheres[member - DECODE_NUMBERS].bound)
		return true;
	*p = decode_bytes(b, member, record, &len);
	*count = len / entry_size;
	return *p && len % entry_size == 0;
}

static bool lists_find(const struct decode_binding *b, const struct decode_record *record,
		       struct lists *lists)
{
	return list_find(b, DECODE_PHYS_LIST, record, &lists->phys, &lists->nphys, 8) &&
	       list_find(b, DECODE_DMA_LIST, record, &lists->dma, &lists->ndma, 8) &&
	       list_find(b, DECODE_LEN_LIST, record, &lists->lens, &lists->nlens, 4);
}

/* Is something of the transfer not in the lists?  *missing: how many entries, 0 unknown. */
static bool sg_is_cut(const struct decode_binding *b, const struct decode_record *record,
		      const struct lists *lists, uint32_t *missing)
{
	uint32_t nents = (uint32_t)decode_number(b, record->data, DECODE_FULL_NENTS);
	uint32_t ents = (uint32_t)decode_number(b, record->data, DECODE_FULL_ENTS);
	bool cut = decode_number(b, record->data, DECODE_TRUNCATED) != 0;

	*missing = 0;
	if (b->slots[DECODE_FULL_ENTS].mask && ents != lists->ndma) {
		cut = true;
		*missing = ents > lists->ndma ? ents - lists->ndma : 0;
	}
	if (b->slots[DECODE_FULL_NENTS].mask && nents != lists->nphys)
		cut = true;
	/*
	 * Behind an IOMMU entries may be merged: then which memory is behind
	 * which address is not reported.
	 */
	if (lists->phys && lists->dma && lists->nphys != lists->ndma)
		cut = true;
	return cut || (lists->dma && lists->ndma != lists->nlens);
}

static void sg_entry(const struct lists *lists, uint32_t i, struct event *event)
{
	uint32_t len = 0;

	event->orig = event->dma = EVENT_NO_ADDR;
	if (i < lists->nphys && (!lists->dma || lists->nphys == lists->ndma))
		memcpy(&event->orig, lists->phys + 8 * (size_t)i, 8);
	if (i < lists->ndma)
		memcpy(&event->dma, lists->dma + 8 * (size_t)i, 8);
	if (i < lists->nlens)
		memcpy(&len, lists->lens + 4 * (size_t)i, 4);
	event->size = len;
}

size_t decode_scatter_gather(const struct decode_binding *b, struct decode_record *record,
			     const struct event *proto, struct event *out, size_t max, bool *bad)
{
	struct lists lists;
	uint32_t missing, total, at = record->resume;
	bool cut;
	size_t n = 0;

	record->resume = 0;
	*bad = !lists_find(b, record, &lists);
	if (*bad)
		return 0;
	cut = sg_is_cut(b, record, &lists, &missing);
	total = (lists.dma ? lists.ndma : lists.nphys) + cut;
	for (; at < total && n < max; at++, n++) {
		out[n] = *proto;
		if (cut && at == 0) {
			out[n].kind = EVENT_SG_TRUNCATED;
			out[n].aux = missing;
			out[n].orig = out[n].dma = EVENT_NO_ADDR;
			out[n].size = 0;
		} else {
			sg_entry(&lists, at - cut, &out[n]);
		}
	}
	if (at < total)
		record->resume = at;
	return n;
}
