# SPDX-License-Identifier: LGPL-2.1-or-later
# Recording that was off for a moment, as tests/guest/gaps.bats has it, on an older kernel.
load ../helper
load ../gap-kinds

@test "gaps: each kind in the window is noticed on 6.12, too" {
	run -0 --separate-stderr guest --kernel 6.12 --cpus 2 --timeout 600 -- sh -c "$prelude${kinds//dma_map_phys/dma_map_page}"
	diff - <(echo "$output") <<<"$expected"
}
