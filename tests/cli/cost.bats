#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What bouncing cost and which pool would have held, of kept recordings.
load helper

# verify NAME [OPTION...]
verify() {
	local name=$1
	shift
	"$CCAIO" verify --platform="$DATA/trace/$name.json" "$@" "$DATA/trace/$name.dat"
}

@test "cost: a read of 1 MiB copies twice as many bytes, and which swiotlb= holds is said" {
	run -0 --separate-stderr verify linux-7.2-forced --scope=window -f json
	[ "$(jq -c '.cost.pool | [.before, .peak, .full_at, .holds, .failed, .beyond]' <<<"$output")" = '[256,291,256,512,0,0]' ]
	jq -e '.cost.devices[] | select(.name == "0000:00:02.0") | .in.bytes == 1048592 and .stale == 1048592 and .out.bytes >= 2 * 1048592 - .in.bytes' <<<"$output"
	run -0 --separate-stderr verify linux-7.2-forced --scope=window -v
	[[ $output == *$'\nCost\n'* ]]
	[[ $(tr -s ' \n' ' ' <<<"$output") == *"256 slots or fewer would have been full at "*"swiotlb=512,force is the smallest that would have held, with 43% to spare"* ]]
	run -0 --separate-stderr verify linux-7.2-forced --scope=window
	[[ $(tr -s ' \n' ' ' <<<"$output") == *"at most 291 slots in use at once; swiotlb=512,force is the smallest that would have held"* ]]
}

@test "cost: a policy limits slots and bytes: above them nothing is PROVEN, and nothing refuted" {
	cd "$BATS_TEST_TMPDIR"
	echo '{"schema": "ccaio.policy/1", "limits": {"pool_peak": 291, "copied_per_useful": 2}}' >p.json
	run -0 verify linux-7.2-forced --scope=window -q --policy=p.json
	echo '{"schema": "ccaio.policy/1", "limits": {"pool_peak": 290}}' >p.json
	run -2 verify linux-7.2-forced --scope=window -q --policy=p.json
	[[ $output == "INCONCLUSIVE"*"the policy allows 290 slots of the bounce pool at once; 291 were in use" ]]
	echo '{"schema": "ccaio.policy/1", "limits": {"copied_per_useful": 1}}' >p.json
	run -2 verify linux-7.2-forced --scope=window -q --policy=p.json
	[[ $output == *"the policy allows 1 bytes copied by bouncing for each useful one"* ]]
}
