# SPDX-License-Identifier: LGPL-2.1-or-later
# The EXAMPLES of the manual pages, run as they are written.  Those that trace need root and a guest: see
# tests/guest/exchanges.bats.
load helper

# examples PAGE: its commands, one per line.
examples() {
	sed -n '/^# EXAMPLES$/,/^# SEE ALSO$/p' "$BATS_TEST_DIRNAME/../../man/$1.scd" |
		sed -n -e 's/\\\*/*/g' -e 's/++$//' -e 's/^\t//' -e '/^\(ccaio\|jq\) /p'
}

setup() {
	mkdir "$BATS_TEST_TMPDIR/bin"
	ln -s "$CCAIO" "$BATS_TEST_TMPDIR/bin/ccaio"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	cd "$BATS_TEST_TMPDIR"
	# what the pages speak of
	judged_bundle accepted.ccaio linux-7.2-forced
	judged_bundle run.ccaio linux-7.2-forced
	judged_bundle keybroker-app.ccaio linux-7.2-forced
	cp "$DATA/trace/linux-7.2-forced.dat" trace.dat
	cp "$DATA/trace/linux-7.2-forced.json" facts.json
	cp run.ccaio/verdict.json .
	export CCAIO_ROOT=$DATA/root
}

# run_examples PAGE STATUS...: one status for each command of the page
run_examples() {
	local page=$1 command
	shift
	while read -r command; do
		[ $# -ge 1 ] || { echo "no status is given for: $command"; return 1; }
		echo "$command" >last
		run "-$1" --separate-stderr bash -c "$command" </dev/null
		[ "$1" = 0 ] || [ -n "$output$stderr" ]
		shift
	done < <(examples "$page")
	[ $# = 0 ] || { echo "$page has fewer examples"; return 1; }
}

@test "examples: of report and verify" {
	run_examples ccaio-report.1 0 0
	grep -q '^<testsuites .*failures="0"' results.xml
	moment 4000000000 >before.json
	moment 9000000000 >after.json
	run_examples ccaio-verify.1 0 0 0
}

@test "examples: of doctor; the facts it writes are taken" {
	# facts of a folder (CCAIO_ROOT) are of no moment, and verify says so
	run_examples ccaio-doctor.1 0 0 3
	jq -e .schema before.json
}

@test "examples: of selftest" {
	run_examples ccaio-selftest.1 0 0 1 0
	[[ $output == *PASSED* ]]
}

@test "examples: of bench; each ratio with what it must be, and the table of sharing" {
	cp "$DATA"/bench/made/{dma-api,bounced}.json .
	run_examples ccaio-bench.1 0 0
	[[ $output == *"| hackbench | round |"* ]]
	run -0 --separate-stderr bash -c "$(examples ccaio-bench.1 | head -n 1)"
	[ -z "$stderr" ]
	[ "$(grep -c 'must be' <<<"$output")" = 4 ]
	[[ $output == *"1048576"* ]]
}

# block PAGE [N]: the first, or the Nth, file that a page of a format shows.
block() {
	sed -n '/^# EXAMPLE$/,/^# SEE ALSO$/p' "$BATS_TEST_DIRNAME/../../man/$1.scd" |
		awk -v want="${2:-1}" '/^```$/ { inside = !inside; n += inside; next } inside && n == want'
}

@test "examples: the policy and the facts that their pages show are taken as they are" {
	block ccaio-policy.5 >policy.json
	# limits of single devices
	block ccaio-policy.5 2 >devices.json
	realm=(--platform="$DATA/trace/realm-7.2.json" "$DATA/trace/realm-7.2.dat")
	run -0 ccaio verify -q --policy devices.json "${realm[@]}"
	sed 's/65536/1000/' devices.json >tight.json
	run -1 ccaio verify --policy tight.json "${realm[@]}"
	[[ $(tr -s ' \n' '  ' <<<"$output") == *"0000:00:00.0"*"bytes sent out, the policy allows 1000"* ]]
	sed 's/0000:00:00.0/0000:00:00.1/' devices.json >nobody.json
	run -2 ccaio verify --policy nobody.json "${realm[@]}"
	[[ $(tr -s ' \n' '  ' <<<"$output") == *"the policy limits 0000:00:00.1, and no device is called that"* ]]
	# every healthy Realm passes, and no rehearsal
	for realm in realm-7.2 realm-6.12; do
		run -0 ccaio verify -q --policy policy.json --platform="$DATA/trace/$realm.json" \
			--rmm-log "$DATA/trace/$realm.rmm.log" "$DATA/trace/$realm.dat"
	done
	run -0 ccaio verify -q --policy policy.json "$DATA/realm-offloads.ccaio"
	run -2 ccaio verify -q --policy policy.json run.ccaio
	# what the limit of an earlier manual did
	sed 's/8388608/65536/' policy.json >tight.json
	run -1 ccaio verify --policy tight.json run.ccaio
	[[ $(tr -s ' \n' '  ' <<<"$output") == *"the policy allows 65536"* ]]
	sed -i 's/"require"/"requires"/' policy.json
	run -3 --separate-stderr ccaio verify --policy policy.json run.ccaio
	[[ $stderr == *requires* ]]
	block ccaio-platform.5 >facts.json
	run -2 --separate-stderr ccaio verify -f json --platform=facts.json trace.dat
	[ -z "$stderr" ]
	jq -e '.conditions."devices-known".state != "met" and .claims."dma-in-shared".state != "refuted"' <<<"$output"
	sed -i 's/"0x72900000"/"72900000"/' facts.json
	run -3 ccaio verify --platform=facts.json trace.dat
}

@test "examples: every page of a command has some, and every other's are run somewhere" {
	for page in $("$CCAIO" --list-cmds); do
		[ -n "$(examples "ccaio-$page.1")" ] || { echo "ccaio-$page.1 has none"; false; }
		grep -rq "examples.* ccaio-$page.1" "$BATS_TEST_DIRNAME" "$BATS_TEST_DIRNAME/../guest" ||
			{ echo "those of ccaio-$page.1 are not run"; false; }
	done
}
