# SPDX-License-Identifier: LGPL-2.1-or-later
# A spread of the everyday workloads (make check-everyday runs all of them): each is PROVEN.

load helper

# everyday PATTERN NET [OPTION...]
everyday() {
	run -0 --separate-stderr "$BATS_TEST_DIRNAME/everyday/run" "$BATS_TEST_TMPDIR/out" "$@"
	[ -n "$output" ]
	echo "$output"
}

@test "everyday: the network up and down, over the user network (7.x arm64, 1 CPU)" {
	everyday '^(get-keep-alive|get-cut-off|get-killed|post-large|https-get|tcp-early-close|udp-echo|dns|ping|down-and-up|idle)$' user
}

@test "everyday: many at once and the disk, over tap with offloads (6.12 arm64, 4 CPUs, 4 queues)" {
	everyday '^(get-parallel|get-large|post-chunked|tcp-upload|tcp-reset|tcp-ipv6|udp-many|disk-read|disk-write|net-to-disk)$' \
		tap,queues=4 --kernel 6.12 --cpus 4
}

@test "everyday: a bit of all, over tap with offloads (7.x amd64, 1 CPU)" {
	everyday '^(key-broker|get-new-each|tcp-upload|ping-large|ping-ipv6|disk-direct|disk-random|pipeline|processes)$' tap --arch amd64
}
