#!/usr/bin/env bats
# What ccaio trace costs in time, beside trace-cmd in the same guest.
load helper

@test "cost: ccaio trace -- true takes no longer from start to end than trace-cmd record" {
	# Each three times, in turn; the shortest of each, so that a busy host does not decide.
	run -0 guest --timeout 300 -- sh -c '
		cd /root
		ms() { read -r up rest </proc/uptime; echo "${up%.*}${up#*.}0"; }
		for i in 1 2 3; do
			start=$(ms); ccaio trace -q --scope window -o $i.ccaio -- true >/dev/null; status=$?; end=$(ms)
			echo "ccaio $((end - start)) $status"
			start=$(ms); trace-cmd record -q -o $i.dat -e swiotlb -e dma -- true >/dev/null; status=$?; end=$(ms)
			echo "trace-cmd $((end - start)) $status"
		done'
	echo "$output"
	[ "$(awk '{print $3}' <<<"$output" | sort -u)" = 0 ]
	ours=$(awk '$1 == "ccaio" {print $2}' <<<"$output" | sort -n | head -1)
	theirs=$(awk '$1 == "trace-cmd" {print $2}' <<<"$output" | sort -n | head -1)
	[ "$ours" -le "$theirs" ]
}
