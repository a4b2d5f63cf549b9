# SPDX-License-Identifier: LGPL-2.1-or-later
# JSON that ccaio writes is valid by the schemas that it installs; the validator is python3-jsonschema.
load helper

CHECK=$BATS_TEST_DIRNAME/../../scripts/check-json

@test "schemas: every file of every kept bundle, and every kept fact and policy" {
	run -0 "$CHECK" "$DATA"/bundles/*/*.ccaio/*.json "$DATA"/*.ccaio/*.json "$DATA"/trace/*.json \
		"$DATA"/policy/*.json "$DATA"/root.facts.json "$DATA"/reports/{proven,violated}.json
	[ -z "$output" ]
}

@test "schemas: the verdict of every kept recording, in words and alone" {
	for facts in "$DATA"/trace/*.json; do
		"$CCAIO" verify -f json --platform="$facts" "${facts%.json}.dat" >"$BATS_TEST_TMPDIR/v.json" || [ $? -le 2 ]
		run -0 "$CHECK" "$BATS_TEST_TMPDIR/v.json"
		"$CCAIO" verify -f json --scope=window "${facts%.json}.dat" >"$BATS_TEST_TMPDIR/v.json" || [ $? -le 2 ]
		run -0 "$CHECK" "$BATS_TEST_TMPDIR/v.json"
	done
}

@test "schemas: verify and report of bundles, with their exchanges" {
	for bundle in "$DATA"/bundles/*/*.ccaio "$DATA"/*.ccaio; do
		for command in verify report; do
			"$CCAIO" $command -f json -o "$BATS_TEST_TMPDIR/r.json" "$bundle"
			run -0 "$CHECK" "$BATS_TEST_TMPDIR/r.json"
		done
	done
}

@test "schemas: every line of the format jsonl" {
	for facts in "$DATA"/trace/*.json; do
		"$CCAIO" verify -f jsonl --platform="$facts" "${facts%.json}.dat" >"$BATS_TEST_TMPDIR/l.jsonl" || [ $? -le 2 ]
		run -0 "$CHECK" --lines "$BATS_TEST_TMPDIR/l.jsonl"
	done
	for bundle in "$DATA"/bundles/*/*.ccaio "$DATA"/*.ccaio; do
		"$CCAIO" report -f jsonl -o "$BATS_TEST_TMPDIR/l.jsonl" "$bundle"
		run -0 "$CHECK" --lines "$BATS_TEST_TMPDIR/l.jsonl"
		jq -se 'map(select(.type == "device") | .out_bytes) | add > 0' "$BATS_TEST_TMPDIR/l.jsonl"
	done
	run -0 "$CHECK" --lines "$DATA"/reports/{proven,violated}.jsonl
}

@test "schemas: doctor, selftest, bench" {
	"$CCAIO" doctor --facts -o "$BATS_TEST_TMPDIR/facts.json"
	run -0 "$CHECK" "$BATS_TEST_TMPDIR/facts.json"
	"$CCAIO" doctor -f json >"$BATS_TEST_TMPDIR/doctor.json" || [ $? -le 2 ]
	run -0 "$CHECK" "$BATS_TEST_TMPDIR/doctor.json"
	"$CCAIO" selftest -f json --iterations 20 >"$BATS_TEST_TMPDIR/selftest.json" || [ $? -le 2 ]
	run -0 "$CHECK" "$BATS_TEST_TMPDIR/selftest.json"
	"$CCAIO" bench bounce -f json --rounds 1 >"$BATS_TEST_TMPDIR/bench.json" || [ $? -le 2 ]
	run -0 "$CHECK" "$BATS_TEST_TMPDIR/bench.json"
}

@test "schemas: the validator sees a wrong type, a member that is missing, and one that is not described" {
	verdict=$DATA/reports/proven.json
	jq '.totals.maps = "7"' "$verdict" >"$BATS_TEST_TMPDIR/v.json"
	run -1 "$CHECK" "$BATS_TEST_TMPDIR/v.json"
	jq 'del(.verdict)' "$verdict" >"$BATS_TEST_TMPDIR/v.json"
	run -1 "$CHECK" "$BATS_TEST_TMPDIR/v.json"
	jq '.devices[0].colour = 1' "$verdict" >"$BATS_TEST_TMPDIR/v.json"
	run -1 "$CHECK" "$BATS_TEST_TMPDIR/v.json"
	[[ $output == *"devices.0"*colour* ]]
}
