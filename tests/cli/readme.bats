# SPDX-License-Identifier: LGPL-2.1-or-later
# The README shows what the program prints now.
load helper

readme() {
	sed -n '/^<!-- demo:/,/^<!-- end of demo/p' "$BATS_TEST_DIRNAME/../../README.md"
}

# kept: the folder of the newest demo's evidence.
kept() {
	dirname "$(printf '%s\n' "$DATA"/bundles/*/demo.ccaio | sort -V | tail -n 1)"
}

@test "readme: the demo's output is what today's report says of the demo's evidence, docs/demo.txt the whole of it" {
	cd "$(kept)"
	readme | sed -e '1,2d' -e '/^```$/,$d' >"$BATS_TEST_TMPDIR/shown"
	run -0 --separate-stderr "$CCAIO" report -v demo.ccaio
	"$CCAIO" report demo.ccaio | diff "$BATS_TEST_TMPDIR/shown" - &&
		diff "$BATS_TEST_DIRNAME/../../docs/demo.txt" <(echo "$output") || {
		echo "run scripts/readme --again"
		false
	}
	[ "$(wc -l <"$BATS_TEST_TMPDIR/shown")" -le 20 ]
}

@test "readme: every command that it names exists" {
	for cmd in $(grep -oE '^    (build/)?ccaio [a-z]+' "$BATS_TEST_DIRNAME/../../README.md" | awk '{print $2}' | sort -u); do
		"$CCAIO" --list-cmds | grep -qx "$cmd" || { echo "no command $cmd"; return 1; }
	done
}

@test "readme: its picture was drawn from what the HTML report of the demo's evidence is today" {
	docs=$BATS_TEST_DIRNAME/../../docs
	grep -qF '](docs/report.png)' "$docs/../README.md"
	[ "$(head -c 4 "$docs/report.png" | tail -c 3)" = PNG ]
	cp "$docs/report.png" "$BATS_TEST_TMPDIR/"
	cd "$(kept)"
	"$CCAIO" report -f html -o "$BATS_TEST_TMPDIR/report.html" demo.ccaio
	cd "$BATS_TEST_TMPDIR"
	sha256sum --check --strict "$docs/report.sha256" || {
		echo "the report looks otherwise now: run scripts/readme --again, and look at docs/report.png"
		false
	}
	[ "$(wc -l <"$docs/report.sha256")" = 2 ]
}
