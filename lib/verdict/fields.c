/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/verdict/fields.h"

#include "lib/verdict/verdict.h"

#define TOTAL(name)                                             \
	{                                                       \
#name, offsetof(struct verdict, totals.name), 1 \
	}
#define DEVICE(name)                                           \
	{                                                      \
#name, offsetof(struct device_totals, name), 1 \
	}
#define DEVICE_BY_DIR(name)                                    \
	{                                                      \
#name, offsetof(struct device_totals, name), 4 \
	}

const struct verdict_field verdict_total_fields[] = {
	TOTAL(events),	     TOTAL(bounces),  TOTAL(maps),    TOTAL(failed_maps),
	TOTAL(unmaps),	     TOTAL(syncs),    TOTAL(allocs),  TOTAL(frees),
	TOTAL(pool_hiwater), TOTAL(first_ns), TOTAL(last_ns), TOTAL(shared_bit_pairs),
	TOTAL(read_ns),	     TOTAL(judge_ns), { NULL, 0, 0 },
};

const struct verdict_field verdict_device_fields[] = {
	DEVICE_BY_DIR(maps),	DEVICE_BY_DIR(map_bytes), DEVICE(bounced),	DEVICE(direct),
	DEVICE(failed),		DEVICE(unmaps),		  DEVICE(syncs),	DEVICE(allocs),
	DEVICE(alloc_bytes),	DEVICE(inherited),	  DEVICE(out_bytes),	DEVICE(stale_bytes),
	DEVICE(sync_out_bytes), DEVICE(sync_in_bytes),	  DEVICE(excess_bytes), DEVICE(events),
	DEVICE(live),		{ NULL, 0, 0 },
};
