/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracefs/boot.h"
#include "tests/unit/test.h"

int main(void)
{
	check(boot_is_armed("quiet trace_instance=ccaio,dma:*,swiotlb:* root=/dev/vda1\n"));
	check(boot_is_armed("trace_instance=ccaio,swiotlb:*,sched:*,dma:*"));
	check(boot_is_armed("trace_instance=ccaio,dma,swiotlb"));
	check(boot_is_armed("trace_instance=foo,sched:* trace_instance=ccaio,dma:*,swiotlb:*"));
	check(boot_is_armed("swiotlb=force -x trace_instance=ccaio,dma:*,swiotlb:* -- single"));

	check(!boot_is_armed(""));
	check(!boot_is_armed("trace_instance=ccaio"));
	check(!boot_is_armed("trace_instance=ccaio,dma:*"));
	check(!boot_is_armed("trace_instance=ccaio,dma:dma_map_phys,swiotlb:*"));
	check(!boot_is_armed("trace_instance=ccaio,dma_fence:*,swiotlb:*"));
	check(!boot_is_armed("trace_instance=ccaio2,dma:*,swiotlb:*"));
	check(!boot_is_armed("trace_instance=ccaio^traceoff,dma:*,swiotlb:*"));
	check(!boot_is_armed("xtrace_instance=ccaio,dma:*,swiotlb:*"));
	check(!boot_is_armed("quiet -- trace_instance=ccaio,dma:*,swiotlb:*"));
	return done();
}
