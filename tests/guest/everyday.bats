# SPDX-License-Identifier: LGPL-2.1-or-later
# A spread of the everyday workloads: each is PROVEN.  make check-everyday runs all of them; those that the tests of
# exchanges do as well are not here.

load helper

# everyday PATTERN NET [OPTION...]
everyday() {
	run -0 --separate-stderr "$BATS_TEST_DIRNAME/everyday/run" "$BATS_TEST_TMPDIR/out" "$@"
	[ -n "$output" ]
	echo "$output"
}

@test "everyday: the network up and down, over the user network (7.x arm64, 1 CPU)" {
	everyday '^(get-cut-off|get-killed|post-large|tcp-early-close|udp-echo|dns|ping|down-and-up|idle)$' user
}

@test "everyday: uploads, resets, many datagrams, network and disk, over tap with offloads (6.12 arm64, 4 CPUs, 4 queues)" {
	everyday '^(post-chunked|tcp-upload|tcp-reset|tcp-ipv6|udp-many|net-to-disk)$' \
		tap,queues=4 --kernel 6.12 --cpus 4
}

@test "everyday: a bit of all, over tap with offloads (7.x amd64, 1 CPU)" {
	everyday '^(get-new-each|ping-large|ping-ipv6|disk-direct|disk-random|pipeline|processes)$' tap --arch amd64
}
