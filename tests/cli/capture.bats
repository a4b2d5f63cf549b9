# SPDX-License-Identifier: LGPL-2.1-or-later
# The packet capture while nobody reads it, in a network namespace of the test's own.
load helper

# stall COUNT RATE SIZE
stall() {
	run -0 unshare --net sh -c '
		ip link add near type veth peer name far
		for i in near far; do echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; ip link set $i up; done
		exec "$0" near far "$@"' "$(dirname "$CCAIO")/tests/tools/stall-capture" "$@"
}

@test "capture: stopped for 10 s under 1,000 packets a second, it misses none" {
	stall 10000 1000 1500
	[ "$output" = 'captured 10000 dropped 0' ]
}

@test "capture: what finds no room is counted, packet by packet" {
	stall 120000 0 1500
	[[ $output =~ ^captured\ ([0-9]+)\ dropped\ ([0-9]+)$ ]]
	[ "${BASH_REMATCH[1]}" -gt 5000 ]
	[ "${BASH_REMATCH[2]}" -gt 0 ]
	[ $((BASH_REMATCH[1] + BASH_REMATCH[2])) = 120000 ]
}
