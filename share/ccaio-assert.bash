# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Assertions for bats tests (or any bash script) that must stop on anything but the verdict
# they expect.  In a test:
#
#	load /usr/share/ccaio/ccaio-assert.bash
#
#	@test "the broker's client keeps to shared memory" {
#		ccaio_assert_proven trace -o "$BATS_TEST_TMPDIR/run.ccaio" -- keybroker-app skywalker
#	}
#
# CCAIO names the program, ccaio by default.

# ccaio_assert_verdict VERDICT ARGUMENT...: run ccaio with the arguments; succeeds if and only if
# it ends with that verdict (PROVEN, VIOLATED or INCONCLUSIVE).  Otherwise says which it was, and why.
ccaio_assert_verdict() {
	local want=$1 status=0 got output
	shift
	output=$("${CCAIO:-ccaio}" "$@" 2>&1) || status=$?
	case $status in
	0) got=PROVEN ;;
	1) got=VIOLATED ;;
	2) got=INCONCLUSIVE ;;
	3) got=trouble ;;
	*) got="exit status $status" ;;
	esac
	[ "$got" != "$want" ] || return 0
	printf 'ccaio %s\nwanted %s, got %s:\n%s\n' "$*" "$want" "$got" "$output" >&2
	return 1
}

# ccaio_assert_proven ARGUMENT...: the same for PROVEN.
ccaio_assert_proven() {
	ccaio_assert_verdict PROVEN "$@"
}
