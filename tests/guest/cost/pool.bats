# SPDX-License-Identifier: LGPL-2.1-or-later
# The forecast of the bounce pool against the kernel: its own high-water mark, and pools of the sizes that it names.
bats_require_minimum_version 1.5.0
APPS=${APPS:?run the tests with make check-cost}

# loads OUT [OPTION...] -- [LOAD...]: what tests/guest/cost/in-guest prints
loads() {
	"$BATS_TEST_DIRNAME/../../../scripts/guest" --no-build --timeout 600 --in "$BATS_TEST_DIRNAME/in-guest" "$@"
}

# Never below the kernel's mark, and within 5 %.
compare() {
	echo "$output"
	[ "$(wc -l <<<"$output")" -ge 10 ]
	awk '{ if ($2 < $3 || $2 * 100 > $3 * 105) { print "off: " $0; bad = 1 } } END { exit bad }' <<<"$output"
}

@test "cost: the peak is the kernel's own mark (7.x arm64, 1 CPU)" {
	run -0 --separate-stderr loads -- /root/in-guest
	compare
}

@test "cost: the peak is the kernel's own mark (7.x arm64, 4 CPUs)" {
	run -0 --separate-stderr loads --cpus 4 -- /root/in-guest
	compare
}

# One reader has the same most in use in each run; how many of several meet differs from run to run.
@test "cost: the pool that is said to hold holds, the one that is said to be full is" {
	run -0 --separate-stderr loads -- /root/in-guest read-1m
	read -r _ _ _ full holds failed <<<"$output"
	echo "$output"
	[ "$failed" = 0 ]
	run -0 --separate-stderr loads --swiotlb "$holds,force" -- /root/in-guest read-1m
	echo "$output"
	[ "${output##* }" = 0 ]
	run -0 --separate-stderr loads --swiotlb "$full,force" -- /root/in-guest read-1m
	echo "$output"
	[ "${output##* }" -gt 0 ]
}
