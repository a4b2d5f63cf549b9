# SPDX-License-Identifier: LGPL-2.1-or-later
# A key broker's exchanges over a network with all offloads, on each kernel, with 1 and 4 CPUs and 1 and 4 queues: each
# is PROVEN at grades exact or nested, with every sum.

load ../helper
load ../tap

@test "everyday: key broker over tap (7.x arm64, 1 CPU, 1 queue)" {
	over tap
}

@test "everyday: key broker over tap (7.x arm64, 1 CPU, 4 queues)" {
	over tap,queues=4
}

@test "everyday: key broker over tap (7.x arm64, 4 CPUs, 1 queue)" {
	over tap --cpus 4
}

@test "everyday: key broker over tap (7.x arm64, 4 CPUs, 4 queues)" {
	over tap,queues=4 --cpus 4
}

@test "everyday: key broker over tap (6.12 arm64, 1 CPU, 1 queue)" {
	over tap --kernel 6.12
}

@test "everyday: key broker over tap (6.12 arm64, 1 CPU, 4 queues)" {
	over tap,queues=4 --kernel 6.12
}

@test "everyday: key broker over tap (6.12 arm64, 4 CPUs, 1 queue)" {
	over tap --kernel 6.12 --cpus 4
}

@test "everyday: key broker over tap (6.12 arm64, 4 CPUs, 4 queues)" {
	over tap,queues=4 --kernel 6.12 --cpus 4
}

@test "everyday: key broker over tap (7.x amd64, 1 CPU, 1 queue)" {
	over tap --arch amd64
}

@test "everyday: key broker over tap (7.x amd64, 1 CPU, 4 queues)" {
	over tap,queues=4 --arch amd64
}

@test "everyday: key broker over tap (7.x amd64, 4 CPUs, 1 queue)" {
	over tap --arch amd64 --cpus 4
}

@test "everyday: key broker over tap (7.x amd64, 4 CPUs, 4 queues)" {
	over tap,queues=4 --arch amd64 --cpus 4
}
