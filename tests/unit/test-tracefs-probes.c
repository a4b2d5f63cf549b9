/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracefs/probes.h"
#include "tests/unit/test.h"

int main(void)
{
	check(probes_parse_missed(NULL) == 0);
	check(probes_parse_missed("") == 0);
	check(probes_parse_missed("  dma_map                 17               0\n") == 0);
	check(probes_parse_missed("  dma_map                 17               3\n"
				  "  swm_in                  17               4\n"
				  "  dma_unmap                0               1\n") == 8);
	/* only correlates: its misses take nothing from the verdict */
	check(probes_parse_missed("  vq_get                  17               3\n") == 0);
	check(probes_parse_missed("  dma_map\n  nonsense\n  dma_map 1 2") == 2);
	return done();
}
