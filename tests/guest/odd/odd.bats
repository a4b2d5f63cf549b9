#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Machines that are not as they usually are, and that change while a program is traced: each is judged, or one
# sentence says before the command runs what cannot be shown.  One guest for all of these, one for what a kill leaves.
bats_require_minimum_version 1.5.0
APPS=${APPS:?run the tests with make check-odd}

@test "odd: CPUs offline, cpusets, clock steps, MAC changes, interfaces down, suspend (7.2)" {
	run -0 --separate-stderr "$BATS_TEST_DIRNAME/../../../scripts/guest" --no-build --cpus 2 --timeout 500 -- sh -c '
		cd /root
		DD="dd if=/dev/vda of=/dev/null bs=64k count=8 iflag=direct"
		# said NAME CMD...: its exit status; what it says before the command begins; what is unmet
		said() {
			name=$1
			shift
			"$@" >out 2>err
			echo "$name $?"
			grep -E "^ccaio|^cannot  window-marked" err out | sed "s/^[a-z]*:/  /"
			sed -n "s/^  unmet      \([a-z-]*\).*/  unmet \1/p" out
		}
		traced() { name=$1; shift; said $name ccaio trace --no-capture -o $name.ccaio -- "$@"; }
		cpu=/sys/devices/system/cpu/cpu1/online
		echo 0 >$cpu
		traced offline $DD
		echo 1 >$cpu
		traced comes-and-goes sh -c "$DD; echo 0 >$cpu; echo 1 >$cpu"
		mkdir /cg && mount -t cgroup2 none /cg && echo +cpuset >/cg/cgroup.subtree_control
		mkdir /cg/one && echo 0 >/cg/one/cpuset.cpus
		said cpuset sh -c "echo \$\$ >/cg/one/cgroup.procs; exec ccaio trace --no-capture -o c.ccaio -- $DD"
		said doctor-in-cpuset sh -c "echo \$\$ >/cg/one/cgroup.procs; exec ccaio doctor"
		said affinity taskset 1 ccaio trace --no-capture -o affinity.ccaio -- $DD
		traced clock-back sh -c "$DD; date -s \"2020-01-01 00:00:00\"; $DD"
		traced clock-forth sh -c "$DD; date -s \"2030-01-01 00:00:00\"; $DD"
		said mac-changes ccaio trace -o mac.ccaio -- sh -c "ping -c 1 10.0.2.2; ip link set eth0 down
			ip link set eth0 address 52:54:00:12:34:99; ip link set eth0 up; ping -c 1 -w 5 10.0.2.2; true"
		said down-and-up ccaio trace -o du.ccaio -- sh -c "ping -c 1 10.0.2.2; ip link set eth0 down
			ip link set eth0 up; ping -c 1 -w 5 10.0.2.2; true"
		ip link set eth0 down
		said interface-down ccaio trace -o down.ccaio -- $DD
		echo freezer >/sys/power/pm_test
		traced freezer sh -c "$DD; echo freeze >/sys/power/state; $DD"
		for bundle in *.ccaio; do ccaio verify -q $bundle >/dev/null; echo "$bundle again $?"; done'
	diff <(sed 's/ *$//' <<<"$output") - <<-END
		offline 0
		comes-and-goes 2
		  unmet environment-stable
		cpuset 0
		  ccaio trace: 1 of the CPUs that are online may not be used here (a cpuset): where devices work there, the run cannot be PROVEN; run ccaio outside of the cpuset
		doctor-in-cpuset 2
		  cannot  window-marked       ccaio may not run on 1 of the CPUs that are online (a cpuset): where devices work there, their events have no markers; run ccaio outside of the cpuset
		affinity 0
		clock-back 0
		clock-forth 0
		mac-changes 0
		down-and-up 0
		interface-down 0
		freezer 0
		affinity.ccaio again 0
		c.ccaio again 0
		clock-back.ccaio again 0
		clock-forth.ccaio again 0
		comes-and-goes.ccaio again 2
		down.ccaio again 0
		du.ccaio again 0
		freezer.ccaio again 0
		mac.ccaio again 0
		offline.ccaio again 0
	END
}

@test "odd: an interface in a bridge, the addresses are the bridge's (7.2)" {
	local port=$((20000 + RANDOM % 20000))
	run -0 --separate-stderr "$BATS_TEST_DIRNAME/../../../scripts/guest" --no-build --timeout 500 --module bridge \
		--net user --peer "$APPS/keybroker-server -q -a 127.0.0.1 -p $port" -- sh -c "
		ip link add br0 type bridge && ip addr flush dev eth0 && ip link set eth0 master br0 && ip link set br0 up
		ip addr add 10.0.2.15/24 dev br0 && ip route add default via 10.0.2.2 dev br0
		cd /root && ccaio trace -q -o b.ccaio -- curl -s -o /dev/null http://10.0.2.2:$port/
		echo bridge \$?
		ccaio verify b.ccaio"
	[[ $output == *'bridge 0'$'\n'PROVEN* && $output == *'exchanges  GET / → 404: complete, clear, '* &&
		$output == *'11 of 11 conditions met'* ]]
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED:-}" ] || printf '%s\n' "${output:-}" "${stderr:-}"
}

@test "odd: after a killed run whose note in /run is gone and that is a zombie, the next start cleans up (7.2)" {
	run -0 --separate-stderr "$BATS_TEST_DIRNAME/../../../scripts/guest" --no-build --timeout 300 -- sh -c '
		cd /root
		tracing() { ls /sys/kernel/tracing/instances; cat /sys/kernel/tracing/dynamic_events; }
		tracing >before
		sh -c "ccaio trace -q --scope window -o z.ccaio -- sleep 1000 >/dev/null 2>&1 & echo \$! >z; exec sleep 1000" &
		until [ -s z ] && [ -d /sys/kernel/tracing/instances/ccaio-$(cat z) ]; do usleep 10000; done
		kill -KILL $(cat z) && rm -f /run/ccaio/$(cat z)
		tracing | diff -q before - >/dev/null || echo left
		ccaio trace -q -o ok.ccaio --scope window -- true >/dev/null
		echo "status $?"
		tracing | diff before - && echo restored'
	[ "$output" = $'left\nstatus 0\nrestored' ]
}
