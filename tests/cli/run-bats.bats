# SPDX-License-Identifier: LGPL-2.1-or-later
# Many bats at once, and one report of them all.
load helper

setup() {
	mkdir "$BATS_TEST_TMPDIR/suite"
	cd "$BATS_TEST_TMPDIR"
	printf '@test "a: good" {\n\ttrue\n}\n\n@test "a: [bad] (1+1)" {\n\techo "this is the reason"\n\tfalse\n}\n' >suite/a.bats
	printf '@test "b: good" {\n\ttrue\n}\n' >suite/b.bats
}

# run_bats STATUS [ARG...]: without what this bats told its children
run_bats() {
	run "-$1" env -i PATH="$(tr : '\n' <<<"$PATH" | grep -v bats-core | paste -sd:)" HOME="$BATS_TEST_TMPDIR" \
		"$BATS_TEST_DIRNAME/../../scripts/run-bats" "${@:2}"
}

# report LINE...: the report has these results, in this order, and as many are planned
report() {
	diff <(printf '%s\n' "$@") <(grep -E '^(not )?ok ' out/report.tap)
	[ "$(grep '^1\.\.' out/report.tap)" = "1..$#" ]
}

@test "run-bats: each file is run, and one report has all results, whichever ends first" {
	for each in '' --each; do
		run_bats 1 $each out suite/b.bats suite
		report 'ok 1 b: good' 'ok 2 a: good' 'not ok 3 a: [bad] (1+1)'
		grep -q '^# this is the reason' out/report.tap
		[[ $output == *"not ok a: [bad] (1+1)"*"# this is the reason"* && $output == *"ok b: good"* ]]
		[ "$(ls out)" = report.tap ]
	done
	run_bats 0 out suite/b.bats
	report 'ok 1 b: good'
}

@test "run-bats: a file that does not begin, one without a test, and none at all have failed" {
	printf 'setup_file() {\n\tfalse\n}\n@test "c: one" {\n\ttrue\n}\n' >suite/c.bats
	run_bats 1 out suite/c.bats
	grep -q '^not ok 1 ' out/report.tap
	printf '@test "c: one" {\n' >suite/c.bats
	for each in '' --each; do
		run_bats 1 $each out suite/c.bats suite/b.bats
		grep -q '^not ok 1 ' out/report.tap
		grep -q '^ok 2 b: good' out/report.tap
	done
	: >suite/c.bats
	run_bats 1 out suite/c.bats suite/b.bats
	report 'not ok 1 suite/c.bats did not run' 'ok 2 b: good'
	run_bats 1 --each out suite/c.bats
	[[ $output == "run-bats: no test in: suite/c.bats" ]]
}
