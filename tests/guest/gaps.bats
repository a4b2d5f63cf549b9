#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Recording that was off for a moment, or of which another reader took a part, in a real guest.
load helper
load gap-kinds

@test "gaps: each kind in the window is noticed, with when and how long; another reader with how many" {
	run -0 --separate-stderr guest --cpus 2 --timeout 400 --out "/root/words:$BATS_TEST_TMPDIR/words" -- sh -c "$prelude$kinds"
	cat "$BATS_TEST_TMPDIR/words"
	diff - <(echo "$output") <<<"$expected"
	grep -qE 'another program wrote to tracing_on [0-9.]+ s into the window, and for [0-9.]+ ms' "$BATS_TEST_TMPDIR/words"
	grep -qE '[0-9]+ events were lost: [0-9]+ on CPU' "$BATS_TEST_TMPDIR/words"
}

# Nobody watches an instance between boot and the window, nor the top-level buffer, which has the probes of the
# kernel command line.  No guest but a Realm decrypts memory, so the probe is on what this one can call.
@test "gaps: recording off before the window of an instance armed at boot, and of probes" {
	# shellcheck disable=SC2016 # these are the probes' own
	run -2 --separate-stderr guest --boot-armed --cpus 2 --timeout 400 --append \
		'kprobe_event=p:ccaio/decrypt,__arm64_sys_sethostname,addr=$arg1,numpages=$arg2:s32;p:ccaio/encrypt,set_memory_encrypted,addr=$arg1,numpages=$arg2:s32' -- sh -c '
		hostname a
		ccaio doctor | grep -c "which memory is decrypted has been probed since boot"
		cd /sys/kernel/tracing && echo 0 >tracing_on && hostname b && echo 1 >tracing_on
		cd instances/ccaio && echo 0 >tracing_on &&
		dd if=/dev/vda of=/dev/null bs=64k count=16 iflag=direct 2>/dev/null; echo 1 >tracing_on
		cd /root && COLUMNS=400 ccaio trace -o x.ccaio -- true'
	[ "${lines[0]}" = 1 ]
	[[ $stderr == *"they were hit 2 times, but the buffer holds 1 events: recording was off for a time"* ]]
	text=$(tr -s ' \n' ' ' <<<"$output")
	[[ $text == *"unmet nothing-lost: events of before the window are missing: vda read "*" bytes since boot, but only "* ]]
	[[ $text =~ "the longest silence in it was "[0-9]+\.[0-9]+" s, from "[0-9]{1,3}\.[0-9]+" s after" ]]
	[[ $text != *"silence in it was 0.000 s"* ]]
}
