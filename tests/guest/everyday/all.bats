# SPDX-License-Identifier: LGPL-2.1-or-later
# All everyday workloads, on each kernel and network, with 1 and 4 CPUs over the set: each is PROVEN.

bats_require_minimum_version 1.5.0
APPS=${APPS:?run the tests with make check-everyday}

# everyday NET [OPTION...]
everyday() {
	run -0 --separate-stderr "$BATS_TEST_DIRNAME/run" "$BATS_TEST_TMPDIR/out" . "$@"
	[ "$(wc -l <<<"$output")" -ge 40 ]
}

teardown() {
	local file
	[ -n "${BATS_TEST_COMPLETED:-}" ] || {
		printf '%s\n' "${output:-}" "${stderr:-}"
		for file in "$BATS_TEST_TMPDIR"/out/*.txt; do
			[ ! -e "$file" ] || { echo "--- $file" && head -n 60 "$file"; }
		done
	}
}

@test "everyday: all, user network (7.x arm64, 1 CPU)" {
	everyday user
}

@test "everyday: all, user network (6.12 arm64, 4 CPUs)" {
	everyday user --kernel 6.12 --cpus 4
}

@test "everyday: all, user network (7.x amd64, 1 CPU)" {
	everyday user --arch amd64
}

@test "everyday: all, tap with offloads (7.x arm64, 4 CPUs, 4 queues)" {
	everyday tap,queues=4 --cpus 4
}

@test "everyday: all, tap with offloads (6.12 arm64, 1 CPU)" {
	everyday tap --kernel 6.12
}

@test "everyday: all, tap with offloads (7.x amd64, 4 CPUs)" {
	everyday tap --arch amd64 --cpus 4
}
