# SPDX-License-Identifier: LGPL-2.1-or-later
# How many tests run at once, on machines that a folder and a stand-in for nproc play.
load helper

# at_once N PROCESSORS FREE_MIB [FILE LINE]...: with these files under /sys/fs/cgroup
at_once() {
	local want=$1 root=$BATS_TEST_TMPDIR/root
	rm -rf "$root" && mkdir -p "$root/proc" "$root/bin" "$root/sys/fs/cgroup/cpu"
	printf '#!/bin/sh\necho %s\n' "$2" >"$root/bin/nproc" && chmod +x "$root/bin/nproc"
	printf 'MemTotal: 99999999 kB\nMemAvailable: %s kB\n' $(($3 * 1024)) >"$root/proc/meminfo"
	shift 3
	while [ $# -gt 0 ]; do
		echo "$2" >"$root/sys/fs/cgroup/$1"
		shift 2
	done
	PATH=$root/bin:$PATH run -0 --separate-stderr "$BATS_TEST_DIRNAME/../../scripts/jobs" "$root"
	[ "$output" = "$want" ] && [ -z "$stderr" ]
}

@test "jobs: as many as there are processors, memory, and a container's share of both" {
	at_once 2 2 3300
	at_once 1 2 1900
	at_once 1 4 500
	at_once 4 64 32000 cpu.max '350000 100000'
	at_once 64 64 99000 cpu.max 'max 100000' memory.max max
	at_once 3 64 99000 memory.max 3500000000
	at_once 2 64 99000 cpu/cpu.cfs_quota_us 200000 cpu/cpu.cfs_period_us 100000
	at_once 8 8 99000 cpu/cpu.cfs_quota_us -1
}
