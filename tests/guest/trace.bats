# SPDX-License-Identifier: LGPL-2.1-or-later
# ccaio trace in real guests: each setting must come to its own verdict.

load helper

setup() {
	bundle=$BATS_TEST_TMPDIR/run.ccaio
}

teardown() {
	stop_broker
}

# trace STATUS [GUEST OPTION...] -- [TRACE OPTION...] -- CMD...: the exit status of ccaio trace is
# STATUS, the report is in $output, the bundle in $bundle, and verify on this machine agrees.
trace() {
	local want=$1 guest_options=()
	shift
	while [ "$1" != -- ]; do
		guest_options+=("$1")
		shift
	done
	shift
	run "-$want" --separate-stderr guest "${guest_options[@]}" --out "/root/run.ccaio:$bundle" -- \
		ccaio trace -v -o /root/run.ccaio "$@"
	report=$output
	run "-$want" --separate-stderr "$CCAIO" verify -q "$bundle"
	[ -z "$stderr" ]
	output=$report
}

# The key broker's client as the traced program.
trace_broker() {
	local want=$1
	shift
	start_broker
	trace "$want" "$@" keybroker-app --endpoint "$(broker_url)" skywalker
	[ "$(jq -c .status "$broker_log" | tr '\n' ' ')" = '201 200 ' ]
}

has() {
	[[ $output == *"$1"* ]] || { echo "no '$1' in: $output"; return 1; }
}

matches() {
	[[ $output =~ $1 ]] || { echo "no '$1' in: $output"; return 1; }
}

# Every published range lies in the pool or is a coherent allocation.
only_shared_ranges() {
	jq -e '.ranges | length > 0 and all(.memory == "pool" or .memory == "decrypted")' \
		"$bundle/verdict.json"
	jq -e '.ranges_complete' "$bundle/verdict.json"
}

proven_since_boot() {
	has "PROVEN since boot, rehearsal"
	only_shared_ranges
}

@test "trace: newest arm64, forced, armed at boot: PROVEN since boot; the key comes back" {
	trace_broker 0 --boot-armed -- --
	proven_since_boot
	jq -e '.run.exit_status == 0' "$bundle/verdict.json"
	# both exchanges crossed the bounce pool of the network device
	jq -e '[.devices[] | select(.name == "0000:00:01.0")][0].totals.out_bytes > 228 + 2766' "$bundle/verdict.json"
	trace-cmd report "$bundle/trace.dat" >"$BATS_TEST_TMPDIR/report" 2>"$BATS_TEST_TMPDIR/errors"
	grep -q 'swiotlb_bounced:.*0000:00:01.0' "$BATS_TEST_TMPDIR/report"
	grep -q 'keybroker-app' "$BATS_TEST_TMPDIR/report"
}

@test "trace: not armed at boot: INCONCLUSIVE for the baseline; the window alone is PROVEN" {
	trace 2 -- -- cat /proc/version
	has "not shown: baseline"
	rm -r "$bundle"
	trace 0 -- --scope window -- cat /proc/version
	has "PROVEN for the window, rehearsal"
}

@test "trace: swiotlb=noforce: VIOLATED, counterexample with time, device and both addresses" {
	trace 1 --swiotlb noforce --boot-armed -- -- cat /proc/version
	has "refuted: dma-in-shared"
	matches 'dma-in-shared  event [0-9,]+ at [0-9.]+ s'
	matches 'device +0000:00:0[1-3]\.0'
	matches 'buffer +0x[0-9a-f]+'
	matches 'device got +0x[0-9a-f]+'
}

@test "trace: devices without ACCESS_PLATFORM: VIOLATED no-bypass without one DMA event" {
	trace_broker 1 --no-iommu-platform --boot-armed -- --
	has "refuted: no-bypass"
	jq -e '.totals.maps == 0 and .totals.bounces == 0' "$bundle/verdict.json"
}

@test "trace: one device with, one without ACCESS_PLATFORM: the right one is named" {
	trace_broker 1 --no-iommu-platform=rng --boot-armed -- --
	has "refuted: no-bypass"
	[ "$(jq -r '[.counterexamples[] | select(.claim == "no-bypass") | .device] | join(" ")' "$bundle/verdict.json")" = 0000:00:03.0 ]
	[ "$(jq -r '[.claims | to_entries[] | select(.value.state == "refuted") | .key] | join(" ")' "$bundle/verdict.json")" = no-bypass ]
}

@test "trace: Linux 6.12: PROVEN since boot" {
	trace_broker 0 --kernel 6.12 --boot-armed -- --
	proven_since_boot
}

@test "trace: amd64: PROVEN since boot" {
	trace_broker 0 --arch amd64 --boot-armed -- --
	proven_since_boot
}

@test "trace: four CPUs: PROVEN since boot" {
	trace_broker 0 --cpus 4 --boot-armed -- --
	proven_since_boot
	# every CPU that has events has its markers
	jq -e '.conditions["window-marked"].state == "met"' "$bundle/verdict.json"
}

@test "trace: MMIO transport: PROVEN since boot" {
	trace_broker 0 --transport mmio --boot-armed -- --
	proven_since_boot
}

@test "trace: a ring buffer too small: INCONCLUSIVE, how many events were lost and where" {
	# two pages for each CPU cannot hold what one read of 4 MiB causes
	trace 2 --cpus 2 -- -b 8k -- dd if=/dev/vda of=/dev/null bs=1M count=4 iflag=direct
	has "not shown:"
	matches 'unmet +nothing-lost +[0-9]+ events were lost'
	matches '[0-9]+ on CPU [01]'
}

@test "trace: the command's own status is reported, and given with --exit-code=command" {
	run -0 --separate-stderr guest --boot-armed -- ccaio trace -o /tmp/a.ccaio -- sh -c 'exit 7'
	[[ $output == *"exited with status 7"* ]]
	run -7 --separate-stderr guest --boot-armed -- ccaio trace --exit-code=command -o /tmp/a.ccaio -- sh -c 'exit 7'
	[[ $output == *PROVEN* ]]
}
