# SPDX-License-Identifier: LGPL-2.1-or-later
# The README shows what the program prints now.
load helper

readme() {
	sed -n '/^<!-- demo:/,/^<!-- end of demo/p' "$BATS_TEST_DIRNAME/../../README.md"
}

# Headings, claims and conditions with their states; not the figures of one run.
shape() {
	sed -nE -e 's/^([A-Z][A-Za-z ()]+)$/\1/p' \
		-e 's/^  (holds|refuted|undecided|met|unmet|not-applicable) +([a-z-]+) .*/\1 \2/p'
}

# kept: the folder of the newest demo's evidence.
kept() {
	printf '%s\n' "$DATA"/bundles/*/ | sort -V | tail -n 1
}

@test "readme: the demo's output has the sections, claims and conditions of today's report" {
	run -0 "$CCAIO" verify --platform="$DATA/trace/linux-7.2-forced-since-boot.json" \
		"$DATA/trace/linux-7.2-forced-since-boot.dat"
	# names only: that recording is trace-cmd's, where two conditions do not apply
	today=$(shape <<<"$output" | sed -nE 's/^(holds|refuted|undecided|met|unmet|not-applicable) //p' | sort)
	shown=$(readme | shape | sed -nE 's/^(holds|refuted|undecided|met|unmet|not-applicable) //p' | sort)
	[ -n "$shown" ]
	diff <(echo "$today") <(echo "$shown")
	for heading in Claims Coverage Devices Totals Trusted; do
		readme | grep -qx "$heading"
	done
	readme | grep -q '^PROVEN since boot, rehearsal'
}

@test "readme: the demo's output is what today's report says of the demo's evidence" {
	cd "$(kept)"
	run -0 --separate-stderr "$CCAIO" report demo.ccaio
	readme | sed -e '1,2d' -e '/^```$/,$d' >"$BATS_TEST_TMPDIR/shown"
	diff "$BATS_TEST_TMPDIR/shown" <(echo "$output") || {
		echo "run scripts/readme --again"
		false
	}
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
