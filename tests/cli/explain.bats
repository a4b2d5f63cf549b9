# SPDX-License-Identifier: LGPL-2.1-or-later
load helper

@test "explain: every claim and condition of a verdict, and every word of the list" {
	run -0 --separate-stderr "$CCAIO" explain
	[ "${#lines[@]}" -ge 35 ]
	words=("${lines[@]}")
	# as this version judges, not as a kept bundle was judged
	"$CCAIO" verify -f json --platform="$DATA/trace/realm-7.2.json" "$DATA/trace/realm-7.2.dat" >"$BATS_TEST_TMPDIR/verdict"
	for word in $(jq -r '.claims, .conditions | keys[]' "$BATS_TEST_TMPDIR/verdict"); do
		run -0 --separate-stderr "$CCAIO" explain "$word"
		[[ ${lines[0]} == "$word" && ${lines[1]} =~ ^"  "(Claim|Condition)": " ]]
		[ "$(wc -L <<<"$output")" -le 80 ]
	done
	for word in "${words[@]}"; do
		run -0 --separate-stderr "$CCAIO" explain "${word##*, }"
		[ "${lines[0]}" = "$word" ]
	done
	run -0 --separate-stderr "$CCAIO" explain BASELINE swiotlb
	[[ $output == baseline*"To fix: "*$'\n'"swiotlb, "* ]]
}

@test "explain: an unknown word is trouble, and a similar one is named" {
	run -3 --separate-stderr "$CCAIO" explain baselin
	[ -z "$output" ]
	[[ $stderr == "ccaio explain: no word 'baselin'; did you mean 'baseline'?"* ]]
	run -3 --separate-stderr "$CCAIO" explain xyzzy
	[[ $stderr == "ccaio explain: no word 'xyzzy'; 'ccaio explain' lists them"* ]]
	run -3 --separate-stderr "$CCAIO" explain --frobnicate
	[[ $stderr == *"Try 'ccaio explain --help'."* ]]
}

# The examples of ccaio-explain.1 are run here.
@test "explain: the manual's example" {
	run -0 --separate-stderr "$CCAIO" explain baseline
	grep -qx "	ccaio explain baseline" "$BATS_TEST_DIRNAME/../../man/ccaio-explain.1.scd"
	[[ $output == *"/proc/kcore"* ]]
}

@test "explain: a mistyped command is named, too" {
	run -3 --separate-stderr "$CCAIO" verfy
	[[ $stderr == "ccaio: no command 'verfy'; did you mean 'verify'?"* ]]
}
