/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cost as JSON: member "cost" of verdict.json. */
#include <stdlib.h>

#include "lib/cost/cost.h"
#include "lib/json/table.h"

#define MAX_DEVICES 65536
#define TEXT(K, S, M)                                                        \
	{                                                                    \
		.key = K, .type = JT_STRING, JMEMBER(S, M), .flags = JF_TEXT \
	}
#define COUNT(S, M) JNUMBER(#M, S, M, UINT64_MAX)
#define NUMBERS(S, M)                                                           \
	{                                                                       \
		.key = #M, .type = JT_NUMBERS, JMEMBER(S, M), .max = UINT64_MAX \
	}

static const struct jrow copies_rows[] = {
	COUNT(struct cost_copies, copies),
	COUNT(struct cost_copies, bytes),
	NUMBERS(struct cost_copies, sizes),
	JEND,
};

static const struct jrow device_rows[] = {
	{ .key = "name",
	  .type = JT_STRING,
	  JMEMBER(struct cost_device, name),
	  .flags = JF_TEXT | JF_REQUIRED },
	COUNT(struct cost_device, maps),
	JOBJECT("out", struct cost_device, out, copies_rows, .flags = JF_REQUIRED),
	JOBJECT("in", struct cost_device, in, copies_rows, .flags = JF_REQUIRED),
	COUNT(struct cost_device, stale),
	NUMBERS(struct cost_device, slots_most),
	NUMBERS(struct cost_device, slots_at_peak),
	JEND,
};

static const struct jrow pool_rows[] = {
	COUNT(struct cost_pool, slots),
	COUNT(struct cost_pool, areas),
	COUNT(struct cost_pool, before),
	COUNT(struct cost_pool, peak),
	COUNT(struct cost_pool, peak_ns),
	COUNT(struct cost_pool, largest),
	TEXT("largest_device", struct cost_pool, largest_device),
	COUNT(struct cost_pool, beyond),
	COUNT(struct cost_pool, failed),
	COUNT(struct cost_pool, full_at),
	COUNT(struct cost_pool, full_ns),
	COUNT(struct cost_pool, full_size),
	TEXT("full_device", struct cost_pool, full_device),
	COUNT(struct cost_pool, holds),
	JBOOL("partial", struct cost_pool, partial),
	JEND,
};

const struct jrow cost_table[] = {
	JOBJECT("pool", struct cost, pool, pool_rows, .flags = JF_REQUIRED),
	JLIST("devices", struct cost, devices, ndevices, device_rows, MAX_DEVICES,
	      .flags = JF_REQUIRED),
	JBOOL("lost", struct cost, lost),
	JEND,
};

void cost_free(struct cost *c)
{
	if (!c)
		return;
	jtable_free(cost_table, c);
	free(c);
}
