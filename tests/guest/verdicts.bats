# SPDX-License-Identifier: LGPL-2.1-or-later
# A real program on real kernels, and the verdict that each setting deserves.

load helper

setup() {
	bundles=$BATS_TEST_TMPDIR bundle=$BATS_TEST_TMPDIR/run.ccaio
	start_broker
}

# trace_key [GUEST OPTION...] [-- TRACE OPTION...]: the key broker's client under ccaio trace; $status is the verdict's.
trace_key() {
	local options=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1") && shift
	done
	[ $# = 0 ] || shift
	run --separate-stderr guest "${options[@]}" --out "/root/run.ccaio:$bundle" -- \
		ccaio trace -o run.ccaio "$@" -- keybroker-app -v --endpoint "$(broker_url)" skywalker
	echo "$output"
	echo "$stderr"
}

# judged EXPRESSION...: each jq expression is true of the verdict.  Its counterexamples are those of claims that count
# for it: that the key broker's HTTP can be read by an onlooker is told, but no reason against PROVEN.
judged() {
	local expression
	for expression; do
		jq -e "def counterexamples: [.counterexamples[] | select(.claim != \"confidential\")]; $expression" "$bundle/verdict.json" >/dev/null || { echo "not so: $expression" && return 1; }
	done
}

# What every PROVEN run shows: the key came back, each range is accounted for, and the host's judge agrees.
proven() {
	[ "$status" = 0 ]
	[[ $stderr == *"The key returned from the keybroker is 'May the force be with you.'"* ]]
	judged '.verdict == "PROVEN"' '.setting == "rehearsal"' \
		'[.claims[] | select(.required) | .state] | unique == ["holds"]' \
		'[.conditions[].state] - ["met", "not-applicable"] == []' 'counterexamples == []' \
		'.totals.maps > 5' '.totals.bounces == .totals.maps' '.devices | length == 3'
	run -0 "$CCAIO" verify "$bundle"
	[[ $output == "PROVEN "* ]]
	# As stock trace-cmd sees it: every address that a device got lies in the pool or was allocated coherently.
	read -r start end < <(jq -r '.swiotlb.pools[0] | "\(.start) \(.end)"' "$bundle/platform.json")
	trace-cmd report -i "$bundle/trace.dat" 2>/dev/null |
		sed -n 's/.* dma_map_[a-z]*: .* dma_addr=\([0-9a-f]*\) size=\([0-9]*\) .*/\1 \2/p' >"$BATS_TEST_TMPDIR/maps"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/maps")" = "$(jq .totals.maps "$bundle/verdict.json")" ]
	while read -r address size; do
		((0x$address >= start && 0x$address + size - 1 <= end))
	done <"$BATS_TEST_TMPDIR/maps"
}

@test "verdict: 7.x arm64, forced, armed at boot is PROVEN since boot" {
	trace_key --boot-armed
	proven
	judged '.scope == "since-boot"'
}

@test "verdict: not armed at boot is PROVEN for the run and the window, not since boot" {
	trace_key
	proven
	judged '.scope == "run"'
	trace_key -- --scope since-boot
	[ "$status" = 2 ]
	judged '.verdict == "INCONCLUSIVE"' '.conditions.baseline.state == "unmet"' \
		'.conditions.baseline.remedy | contains("trace_instance=ccaio")' \
		'[.conditions | to_entries[] | select(.value.state == "unmet") | .key] == ["baseline"]'
	trace_key -- --scope window
	proven
	judged '.scope == "window"'
}

@test "verdict: swiotlb=noforce is VIOLATED dma-in-shared, with time, device and both addresses" {
	trace_key --boot-armed --swiotlb noforce
	[ "$status" = 1 ]
	judged '.verdict == "VIOLATED"' '.claims["dma-in-shared"].state == "refuted"' \
		'counterexamples[0] | .claim == "dma-in-shared"'
	jq '.counterexamples' "$bundle/verdict.json"
	judged 'counterexamples[0].device | test("^0000:00:0[123].0$")' 'counterexamples[0] | .dma_addr == .orig_addr'
	# who did it: the kernel says it itself, with names
	jq '.findings[] | {device, stack}' "$bundle/verdict.json"
	judged '[.findings[].stack // [] | .[] | select(test("^vring_|^virtqueue_add|^virtnet_|^virtblk_"))] | length > 0'
}

@test "verdict: devices without iommu_platform are VIOLATED no-bypass, although no dma event exists" {
	trace_key --boot-armed --no-iommu-platform
	[ "$status" = 1 ]
	judged '.verdict == "VIOLATED"' '.claims["no-bypass"].state == "refuted"' '.claims["no-bypass"].refutations > 3' \
		'.totals.maps == 0' '.totals.bounces == 0'
}

@test "verdict: one device without iommu_platform is VIOLATED, naming that one" {
	local good=$BATS_TEST_TMPDIR/good.ccaio bad=$BATS_TEST_TMPDIR/bad.ccaio
	run --separate-stderr guest --boot-armed --no-iommu-platform=blk --out "/root/run.ccaio:$bundle" \
		--out "/root/good.ccaio:$good" --out "/root/bad.ccaio:$bad" -- sh -c '
		key="keybroker-app -v --endpoint '"$(broker_url)"' skywalker"
		ccaio trace -q -o run.ccaio -- $key; echo "whole $?"
		ccaio trace -q --scope window -d eth0 -o good.ccaio -- $key; echo "good $?"
		ccaio trace -q --scope window -d 0000:00:02.0 -o bad.ccaio -- $key; echo "bad $?"
		ccaio trace --scope window -d eth7 -o no.ccaio -- touch ran 2>&1; echo "none $?"; ls ran no.ccaio 2>/dev/null'
	echo "$output"
	[ "${lines[1]}" = "whole 1" ]
	[[ ${lines[2]} == "PROVEN for the window, rehearsal, LIMITED to 0000:00:01.0: "* ]]
	[ "${lines[3]}" = "good 0" ]
	[[ ${lines[4]} == "VIOLATED for the window, rehearsal, LIMITED to 0000:00:02.0: refuted: no-bypass" ]]
	[ "${lines[5]}" = "bad 1" ]
	[[ ${lines[6]} == "ccaio trace: no device is called '"'eth7'"'; there are: 0000:00:01.0 (virtio0, eth0), "* ]]
	[ "${lines[7]}" = "none 3" ]
	[ ${#lines[@]} = 8 ]
	# the bundle remembers what it was limited to, and of whom it warns
	run -0 "$CCAIO" verify -q "$good"
	run -1 "$CCAIO" verify -q -d all "$good"
	run -1 "$CCAIO" verify -q "$bad"
	jq -e 'any(.notes[]; test("0000:00:02.0.* would be VIOLATED for no-bypass"))' "$good/verdict.json"
	judged '.verdict == "VIOLATED"' '[counterexamples[] | .device] | unique == ["0000:00:02.0"]' \
		'[counterexamples[] | .claim] | unique == ["no-bypass"]' '.totals.bounces > 20'
}

@test "verdict: 6.12 arm64 is PROVEN, and all bytes of the exchanges are found" {
	trace_key --boot-armed --kernel 6.12
	proven
	same_as_the_log run
	carried_at run '["exact","nested"]'
}

@test "verdict: 7.x amd64 is PROVEN" {
	trace_key --boot-armed --arch amd64
	proven
}

@test "verdict: four CPUs are PROVEN" {
	trace_key --boot-armed --cpus 4
	proven
}

@test "verdict: the MMIO transport is PROVEN" {
	trace_key --boot-armed --transport mmio
	proven
	judged '.devices[0].name | test("virtio_mmio$")'
}

@test "verdict: 6.1 is INCONCLUSIVE for want of dma events, with the bounces it did see" {
	trace_key --kernel 6.1
	[ "$status" = 2 ]
	judged '.verdict == "INCONCLUSIVE"' '.conditions["events-armed"].state == "unmet"' '.totals.bounces > 5'
	[[ $(tr -s " \n" "  " <<<"$output") == *" $(jq .totals.bounces "$bundle/verdict.json") bounces were seen"* ]]
}

@test "verdict: 6.1 is PROVEN for the window, from ccaio's own probes; exchanges are listed, and links are honest" {
	trace_key --kernel 6.1 -- --scope window
	[ "$status" = 0 ]
	judged '.verdict == "PROVEN"' '.scope == "window"' '.totals.maps > 5' '.totals.bounces == .totals.maps' \
		'.conditions["events-armed"].reason | test("own probes")'
	run -0 "$CCAIO" verify --scope window "$bundle"
	same_as_the_log run
	[ "$(ask run '[.exchanges[] | .grade == "exact"] | any')" = 'false ' ]
	# this kernel's driver counts queue by queue, too
	[ "$(ask run '[.conservation[] | select(.left_name | contains("queues'"'"' own counts")) | .what, .left > 0, .holds] | unique')" = \
		'[true,"eth0 in","eth0 out"] ' ]
}

@test "verdict: 6.1 without bouncing is VIOLATED, from ccaio's own probes" {
	trace_key --kernel 6.1 --swiotlb noforce -- --scope window
	[ "$status" = 1 ]
	judged '.verdict == "VIOLATED"' '[.counterexamples[].claim] | index("dma-in-shared")' '.totals.bounces == 0'
}

@test "verdict: a ring buffer that loses events is INCONCLUSIVE, with how many, per CPU" {
	start_blob="$(broker_url)/blob/40000000"
	run --separate-stderr guest --boot-armed --cpus 2 --out "/root/run.ccaio:$bundle" -- \
		ccaio trace -o run.ccaio -b 8K -- curl -s -o /dev/null "$start_blob"
	echo "$output$stderr"
	[ "$status" = 2 ]
	judged '.verdict == "INCONCLUSIVE"' '.conditions["nothing-lost"].state == "unmet"' \
		'.conditions["nothing-lost"].reason | test("[1-9][0-9,]* .*CPU [01]")'
}

@test "verdict: the command's own status is reported, and given with --exit-code=command" {
	run -7 --separate-stderr guest --boot-armed -- sh -c '
		ccaio trace -o /tmp/a.ccaio -- sh -c "exit 5"
		[ $? = 0 ] || exit 1
		echo "{\"schema\": \"ccaio.policy/1\"}" >ci.json
		ccaio trace --scope window --policy ci.json -f junit -o results.xml -- true || exit 1
		grep -q "name=.policy. value=.ci.json." results.xml && ! grep "<failure" results.xml || exit 1
		rm -r true-*.ccaio || exit 1
		ccaio trace --scope window --exit-code=command -o /tmp/b.ccaio -- sh -c "exit 7"'
	[[ $output == **"5"*"7"* ]]
}
