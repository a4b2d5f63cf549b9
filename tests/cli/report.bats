load helper

setup() {
	good=$BATS_TEST_TMPDIR/good.ccaio
	bad=$BATS_TEST_TMPDIR/bad.ccaio
	judged_bundle "$good" linux-7.2-forced
	judged_bundle "$bad" linux-7.2-noforce
}

@test "report: shows the recorded verdict and exits 0, whatever it is" {
	run -0 --separate-stderr "$CCAIO" report "$good"
	[[ $output == PROVEN* ]]
	[ -z "$stderr" ]
	run -0 --separate-stderr "$CCAIO" report "$bad"
	[[ $output == VIOLATED*VIOLATED ]]
	[[ $output == *"cause      bouncing is switched off"*"fix        boot with swiotlb=65536,force"* ]]
	run -0 --separate-stderr "$CCAIO" report -v "$bad"
	[[ $output == VIOLATED*"ccaio verify --platform"* ]]
}

@test "report: one screen of 80 columns by default; COLUMNS makes it wider or narrower; ASCII without UTF-8" {
	for bundle in "$good" "$bad"; do
		run -0 --separate-stderr "$CCAIO" report "$bundle"
		[ "${#lines[@]}" -le 20 ]
		[ "${lines[-1]}" = "${lines[0]%% *}" ]
		[ "$(wc -L <<<"$(grep -vE "$BATS_TEST_TMPDIR|$DATA" <<<"$output")")" -le 80 ]
		[ "$(COLUMNS=50 "$CCAIO" report "$bundle" | grep -vE "$BATS_TEST_TMPDIR|$DATA" | wc -L)" -le 50 ]
		[ "$(COLUMNS=50 "$CCAIO" report "$bundle" | wc -l)" -le 20 ]
		[ "$(COLUMNS=200 "$CCAIO" report "$bundle" | wc -L)" -gt 96 ]
	done
	run -0 --separate-stderr env LC_ALL=C "$CCAIO" report "$DATA/bundles/0.1/demo.ccaio"
	[[ $output == *"POST /keys/v1/key/skywalker -> 201"* ]]
	[ "$(LC_ALL=C grep -c '[^ -~]' <<<"$output")" = 0 ]
	run -0 --separate-stderr "$CCAIO" report "$DATA/bundles/0.1/demo.ccaio"
	[[ $output == *"POST /keys/v1/key/skywalker → 201"* ]]
}

@test "report: --as-recorded needs no trace, and says that nothing was judged again" {
	: >"$good/trace.dat"
	seal "$good"
	run -3 "$CCAIO" report -q "$good"
	run -0 "$CCAIO" report -q --as-recorded "$good"
	[[ $output == *", as recorded by ccaio "*", not judged again"* ]]
	[[ $output == PROVEN* ]]
}

@test "report: every format that --help lists can be written to a file" {
	formats=$("$CCAIO" report --help | sed -n '/^Formats:/,$ s/^  \([a-z]*\) .*/\1/p')
	[ "$(wc -w <<<"$formats")" -ge 5 ]
	for format in $formats; do
		run -0 --separate-stderr "$CCAIO" report -f "$format" -o "$BATS_TEST_TMPDIR/out" "$bad"
		[ -z "$output" ] && [ -z "$stderr" ]
		[ -s "$BATS_TEST_TMPDIR/out" ]
	done
}

@test "report: json gives back what verdict.json holds" {
	run -0 "$CCAIO" report --as-recorded -f json -o "$BATS_TEST_TMPDIR/out.json" "$bad"
	# only where the evidence lies is another path now
	diff <(grep -v '"evidence"' "$bad/verdict.json") \
		<(grep -v '"evidence"' "$BATS_TEST_TMPDIR/out.json")
}

@test "report: --against the same run finds nothing and exits 0" {
	run -0 --separate-stderr "$CCAIO" report --against "$good" "$good"
	[ "$output" = "0 changed, 0 of them for the worse" ]
	cd "$BATS_TEST_TMPDIR"
	run -0 --separate-stderr "$CCAIO" report --against "$good" -o - "$good"
	[ "$output" = "0 changed, 0 of them for the worse" ] && [ ! -e - ]
}

@test "report: --against a better run exits 1 and says what is worse" {
	run -1 --separate-stderr "$CCAIO" report --against "$good" "$bad"
	[[ $output == *"worse"*"verdict"*"PROVEN → VIOLATED"* ]]
	[[ $output == *"worse"*"claim"*"dma-in-shared: holds → refuted"* ]]
	[ -z "$stderr" ]
	# bouncing copies stale bytes out: better in all but this
	run -1 "$CCAIO" report -q --against "$bad" "$good"
	[[ $output != *verdict* && $output != *claim* && $output == *egress* ]]
}

@test "report: --against what is unfinished, unjudged or of a newer schema is trouble, on either side" {
	cp -r "$good" "$BATS_TEST_TMPDIR/unfinished"
	touch "$BATS_TEST_TMPDIR/unfinished/UNFINISHED"
	cp -r "$good" "$BATS_TEST_TMPDIR/unjudged"
	rm "$BATS_TEST_TMPDIR/unjudged/verdict.json"
	seal "$BATS_TEST_TMPDIR/unjudged"
	cp -r "$good" "$BATS_TEST_TMPDIR/newer"
	sed -i 's|ccaio.manifest/1|ccaio.manifest/2|' "$BATS_TEST_TMPDIR/newer/MANIFEST.json"
	for pair in "unfinished:is unfinished" "unjudged:holds no verdict.json" "newer:another version of ccaio"; do
		other=$BATS_TEST_TMPDIR/${pair%%:*}
		run -3 --separate-stderr "$CCAIO" report --against "$other" "$good"
		[ -z "$output" ] && [[ $stderr == *"${pair#*:}"* ]]
		run -3 --separate-stderr "$CCAIO" report --against "$good" "$other"
		[ -z "$output" ] && [[ $stderr == *"${pair#*:}"* ]]
	done
}

@test "report: --against says in plain text what a hostile bundle calls its devices" {
	sed -i 's/"name": "0000:00:01.0"/"name": "\\u001b[2Jevil\\u202e"/' "$bad/verdict.json"
	seal "$bad"
	run -1 --separate-stderr "$CCAIO" report --against "$good" "$bad"
	[[ $output == *'\x1b[2Jevil\u{202e}: is new'* ]]
	[[ $output != *$'\e'* ]]
}

@test "report: a changed file is trouble and is named" {
	sed -i 's/VIOLATED/PROVEN/' "$bad/verdict.json"
	run -3 --separate-stderr "$CCAIO" report "$bad"
	[ -z "$output" ]
	[[ $stderr == "ccaio report: "*"verdict.json was changed"*"it has"* ]]
	# as long as it was
	sed -i 's/scope": "window/scope": "widdow/' "$good/verdict.json"
	run -3 --separate-stderr "$CCAIO" report "$good"
	[ -z "$output" ]
	[[ $stderr == *"verdict.json was changed"*"SHA-256"* ]]
}

@test "report: a verdict that contradicts itself is trouble, even with a fresh manifest" {
	sed -i 's/"verdict": "VIOLATED"/"verdict": "PROVEN"/' "$bad/verdict.json"
	seal "$bad"
	run -3 --separate-stderr "$CCAIO" report "$bad"
	[[ $stderr == *"although the verdict says PROVEN"* ]]
}

@test "report: a verdict of a newer schema is trouble and says so" {
	sed -i 's|ccaio.verdict/1|ccaio.verdict/2|' "$good/verdict.json"
	seal "$good"
	run -3 --separate-stderr "$CCAIO" report "$good"
	[[ $stderr == *"another version of ccaio"* ]]
}

@test "report: lost output is trouble" {
	run -3 bash -c '"$0" report "$1" >/dev/full' "$CCAIO" "$good"
	run -3 --separate-stderr "$CCAIO" report -o /dev/full "$good"
	[[ $stderr == *"/dev/full"* ]]
	run -3 --separate-stderr "$CCAIO" report -o /dev/full --against "$good" "$bad"
	[[ $stderr == *"/dev/full"* ]]
	[ -c /dev/full ]
	# half a report does not stay
	run -3 --separate-stderr bash -c 'trap "" XFSZ; ulimit -f 1; exec "$@"' - \
		"$CCAIO" report -f html -o "$BATS_TEST_TMPDIR/half.html" "$good"
	[[ $stderr == *"cannot write the report to "*/half.html:* ]]
	[ ! -e "$BATS_TEST_TMPDIR/half.html" ]
}

@test "report: usage mistakes are trouble and point at --help" {
	run -3 --separate-stderr "$CCAIO" report
	[[ $stderr == *"expected one bundle"*"--help"* ]]
	run -3 --separate-stderr "$CCAIO" report "$good" "$bad"
	[[ $stderr == *"expected one bundle"* ]]
	run -3 --separate-stderr "$CCAIO" report "$good" -f
	[[ $stderr == *"option '-f' needs an argument"* ]]
	run -3 --separate-stderr "$CCAIO" report --frobnicate "$good"
	[[ $stderr == *"unknown option '--frobnicate'"* ]]
	run -3 --separate-stderr "$CCAIO" report -f nonsense "$good"
	[[ $stderr == *"unknown format 'nonsense'"* ]]
	run -3 --separate-stderr "$CCAIO" report -f html --against "$good" "$bad"
	[[ $stderr == *"--against does not go with the format html"* ]]
	run -3 --separate-stderr "$CCAIO" report "$BATS_TEST_TMPDIR/none.ccaio"
	[[ $stderr == *"none.ccaio"* ]]
}

@test "report, verify: output that would overwrite the evidence is refused, and the evidence stays" {
	cp -r "$good" "$BATS_TEST_TMPDIR/kept"
	cd "$BATS_TEST_TMPDIR"
	for line in "report -o good.ccaio/report.html -f html good.ccaio" "verify -o good.ccaio/verdict.json good.ccaio" \
		"report --against bad.ccaio -o bad.ccaio/new good.ccaio" "verify -o good.ccaio/trace.dat good.ccaio/trace.dat" \
		"verify --platform good.ccaio/platform.json -o good.ccaio/platform.json good.ccaio/trace.dat"; do
		# shellcheck disable=SC2086
		run -3 --separate-stderr "$CCAIO" $line
		[[ $stderr == "ccaio "*" is evidence or belongs to it: write the output to another place" ]]
	done
	diff -r "$good" kept
	[ ! -e bad.ccaio/new ]
}
