# SPDX-License-Identifier: LGPL-2.1-or-later
# The forecast of the bounce pool against the kernel: its own high-water mark, and pools of the sizes that it names.
bats_require_minimum_version 1.5.0
APPS=${APPS:?run the tests with make check-cost}

# A guest each: its load, CPUs, options of scripts/guest.
guests='
idle         1
read-4k      4
read-64k     1  --transport mmio
read-256k    4  --kernel 6.12
read-1m      1
readers-2    4
readers-4    1  --kernel 6.12 --transport mmio
readers-8    4
cached       1
write        4
writers-4    1
random       4
scsi         1  --device scsi
ahci         4  --device ahci
nvme         4  --device nvme
broker       1  --net tap
down         4  --net tap
down-8       1
up           4  --net tap,packed=on
capture      4  --net tap,queues=4
'

# loads [OPTION...] -- [LOAD...]: what tests/guest/cost/in-guest prints
loads() {
	local address=127.0.0.1
	[[ $* != *tap* ]] || address=10.0.2.2
	"$BATS_TEST_DIRNAME/../../../scripts/guest" --no-build --timeout 600 --in "$BATS_TEST_DIRNAME/in-guest" \
		--peer "exec '$APPS/keybroker-server' -q -a $address -p 8089" "$@"
}

# Of the lines on standard input: never below the kernel's mark, and within 5 %.
compare() {
	awk '{ if ($2 < $3 || $2 * 100 > $3 * 105) { print "off: " $0; bad = 1 } } END { exit bad }'
}

@test "cost: the peak is the kernel's own mark, twenty guests" {
	while read -r load cpus options; do
		[ -n "$load" ] || continue
		run -0 --separate-stderr loads --cpus "$cpus" $options -- /root/in-guest "$load" </dev/null
		echo "$output ($cpus CPUs $options)" | tee -a "$BATS_TEST_TMPDIR/lines"
	done <<<"$guests"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/lines")" = 20 ]
	run -0 compare <"$BATS_TEST_TMPDIR/lines"
}

# One after the other, so that what an earlier load left in the pool is there.
@test "cost: the peak is the kernel's own mark, eleven loads in one guest" {
	run -0 --separate-stderr loads --cpus 4 -- /root/in-guest
	echo "$output"
	[ "$(wc -l <<<"$output")" = 11 ]
	run -0 compare <<<"$output"
}

# holds_and_fills LOAD [OPTION...]: recorded with a pool that is large enough; then in guests with pools of both sizes.
holds_and_fills() {
	local load=$1 full holds failed
	shift
	run -0 --separate-stderr loads "$@" -- /root/in-guest "$load"
	echo "$output"
	read -r _ _ _ full holds failed <<<"$output"
	[ "$failed" = 0 ]
	run -0 --separate-stderr loads "$@" --swiotlb "$holds,force" -- /root/in-guest "$load"
	echo "$output"
	[ "${output##* }" = 0 ]
	run -0 --separate-stderr loads "$@" --swiotlb "$full,force" -- /root/in-guest "$load"
	echo "$output"
	[ "${output##* }" -gt 0 ]
}

# One reader has the same most in use in each run; how many of several meet differs from run to run.
@test "cost: the pool that is said to hold holds, the one that is said to be full is" {
	holds_and_fills read-1m
}

# Downloads, an upload, reads and writes, all at once.
@test "cost: so they are of a load of disk and network together" {
	holds_and_fills capture --net tap
}

# The forecast of a recording in which maps failed counts what they would have taken.
@test "cost: a pool that was full says which one would hold" {
	run -0 --separate-stderr loads --swiotlb 512,force -- /root/in-guest read-1m
	echo "$output"
	read -r _ _ _ full holds failed <<<"$output"
	[ "$failed" -gt 0 ] && [ "$full" -ge 512 ]
	run -0 --separate-stderr loads --swiotlb "$holds,force" -- /root/in-guest read-1m
	echo "$output"
	[ "${output##* }" = 0 ]
}
