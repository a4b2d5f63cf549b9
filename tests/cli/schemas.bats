# SPDX-License-Identifier: LGPL-2.1-or-later
# JSON that ccaio writes is valid by the schemas that it installs; the validator is python3-jsonschema.
load helper

CHECK=$BATS_TEST_DIRNAME/../../scripts/check-json

@test "schemas: every file of every kept bundle, and every kept fact and policy" {
	run -0 "$CHECK" "$DATA"/bundles/*/*.ccaio/*.json "$DATA"/*.ccaio/*.json "$DATA"/trace/*.json \
		"$DATA"/policy/*.json "$DATA"/root.facts.json "$DATA"/reports/{proven,violated}.json
	[ -z "$output" ]
}

# The validator takes a second to begin: each test has it read all that it made in one go.
@test "schemas: the verdict of every kept recording, in words and alone" {
	local facts name
	cd "$BATS_TEST_TMPDIR"
	for facts in "$DATA"/trace/*.json; do
		name=$(basename "$facts")
		"$CCAIO" verify -f json --platform="$facts" "${facts%.json}.dat" >"words-$name" || [ $? -le 2 ]
		"$CCAIO" verify -f json --scope=window "${facts%.json}.dat" >"alone-$name" || [ $? -le 2 ]
	done
	run -0 "$CHECK" ./*.json
	[ -z "$output" ]
}

@test "schemas: verify and report of bundles, with their exchanges" {
	local bundle command n=0
	cd "$BATS_TEST_TMPDIR"
	for bundle in "$DATA"/bundles/*/*.ccaio "$DATA"/*.ccaio; do
		for command in verify report; do
			"$CCAIO" $command -f json -o "$((n += 1)).json" "$bundle"
		done
	done
	run -0 "$CHECK" ./*.json
	[ -z "$output" ]
}

@test "schemas: every line of the format jsonl" {
	local facts bundle n=0
	cd "$BATS_TEST_TMPDIR"
	for facts in "$DATA"/trace/*.json; do
		"$CCAIO" verify -f jsonl --platform="$facts" "${facts%.json}.dat" >"$(basename "$facts")l" || [ $? -le 2 ]
	done
	for bundle in "$DATA"/bundles/*/*.ccaio "$DATA"/*.ccaio; do
		"$CCAIO" report -f jsonl -o "$((n += 1)).jsonl" "$bundle"
		jq -se 'map(select(.type == "device") | .out_bytes) | add > 0' "$n.jsonl"
	done
	run -0 "$CHECK" --lines ./*.jsonl "$DATA"/reports/{proven,violated}.jsonl
	[ -z "$output" ]
}

@test "schemas: doctor, selftest, bench" {
	cd "$BATS_TEST_TMPDIR"
	"$CCAIO" doctor --facts -o facts.json
	"$CCAIO" doctor -f json >doctor.json || [ $? -le 2 ]
	"$CCAIO" selftest -f json --iterations 2 --only=net,pci >selftest.json || [ $? -le 2 ]
	"$CCAIO" bench bounce -f json --rounds 1 >bench.json || [ $? -le 2 ]
	run -0 "$CHECK" {facts,doctor,selftest,bench}.json
	[ -z "$output" ]
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
