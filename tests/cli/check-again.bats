# SPDX-License-Identifier: LGPL-2.1-or-later
# The second run of tests in guests that failed, with tests that fail at their first run only.
load helper

setup() {
	folder=$BATS_TEST_TMPDIR/suite
	mkdir "$folder"
	cd "$BATS_TEST_TMPDIR"
}

# bats without what this bats told its children
clean() {
	env -i PATH="$(tr : '\n' <<<"$PATH" | grep -v bats-core | paste -sd:)" HOME="$BATS_TEST_TMPDIR" "$@"
}

# again STATUS: the tests in the folder, twice
again() {
	clean bats --report-formatter tap -o . suite >first 2>&1 || :
	run "-$1" clean "$BATS_TEST_DIRNAME/../../scripts/check-again" report.tap suite
}

# flaky FILE NAME [TIMES]: appends a test that passes from its second (TIMESth) run on
flaky() {
	local mark=$BATS_TEST_TMPDIR/mark.$RANDOM$RANDOM
	printf '@test "%s" {\n\techo x >>%s\n\techo "this is the reason"\n\t[ "$(wc -l <%s)" -ge %s ]\n}\n' \
		"$2" "$mark" "$mark" "${3:-2}" >>"$folder/$1.bats"
}

good() {
	printf '@test "%s" {\n\ttrue\n}\n' "$2" >>"$folder/$1.bats"
}

@test "check-again: a test that passes the second time is named and counted once; the reason stays" {
	good a "a: one that passes"
	flaky a "a: (7.x arm64, [1] CPU) costs 10% + 5 of a|b? it's {so}^*"
	again 0
	[[ $output == "passed only at the second run: a: (7.x arm64, [1] CPU) costs"* ]]
	[ "$(grep -c '^ok ' report.tap)" = 2 ]
	run ! grep '^not ok' report.tap
	grep -q '^# this is the reason' report.tap
}

@test "check-again: what fails twice has failed, and both reasons are told" {
	flaky a "a: never" 9
	flaky a "a: at the second run"
	again 1
	[[ $output == *"failed twice: a: never"*"# this is the reason"* ]]
	[[ $output == *"passed only at the second run: a: at the second run"* ]]
	[ "$(grep '^not ok' report.tap)" = "not ok 1 a: never" ]
}

@test "check-again: a name that another one ends with, and one that two files have" {
	flaky a "the whole" 9
	flaky a "whole"
	flaky b "whole"
	again 1
	[ "$(grep -c '^ok ' report.tap)" = 2 ]
	[ "$(grep '^not ok' report.tap)" = "not ok 1 the whole" ]
}

@test "check-again: four failures, a test missing, a file that does not begin, are no accidents" {
	for i in 1 2 3 4; do flaky a "a: $i"; done
	again 1
	[[ $output == *"4 tests failed"* ]]
	# of two, one did not run
	printf '1..2\nnot ok 1 a: 1\n' >report.tap
	run -1 clean "$BATS_TEST_DIRNAME/../../scripts/check-again" report.tap suite
	[[ $output == *"2 tests planned, 1 ran"* ]]
	rm suite/*
	printf 'setup_file() {\n\tfalse\n}\n' >suite/a.bats
	good a "a: one"
	again 1
	rm suite/*
	printf '@test "b: skipped" {\n\tskip\n}\n' >suite/b.bats
	printf '1..1\nnot ok 1 b: skipped\n' >report.tap
	run -1 clean "$BATS_TEST_DIRNAME/../../scripts/check-again" report.tap suite
	[[ $output == *"failed twice: b: skipped"* ]]
}
