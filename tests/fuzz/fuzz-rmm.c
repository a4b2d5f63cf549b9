/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a monitor's log: no crash, and no answer from what was never chosen. */
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/evidence/text/rmm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct platform *p = platform_new();
	struct err err = { "" };
	struct rmm_log *log = rmm_parse((const char *)data, size, "fuzz", &err);
	size_t n;

	p->ram = calloc(1, sizeof(*p->ram));
	p->nram = 1;
	*p->ram = (struct range){ 0x80000000, 0x9fffffff };
	if (log && rmm_state(log, 0x80000000, 4096) != RMM_UNKNOWN)
		abort();
	if (log && !rmm_select(log, p, NULL, 0)) {
		const struct rmm_range *r = rmm_shared_ranges(log, &n);

		for (size_t i = 0; i < n; i++) {
			if (r[i].range.start > r[i].range.end ||
			    (i && r[i].range.start <= r[i - 1].range.end))
				abort();
		}
		rmm_state(log, 0x97400000, 1 << 20);
	}
	rmm_free(log);
	platform_free(p);
	return 0;
}
