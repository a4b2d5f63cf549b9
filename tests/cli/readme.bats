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

@test "readme: every command that it names exists" {
	for cmd in $(grep -oE '^    (build/)?ccaio [a-z]+' "$BATS_TEST_DIRNAME/../../README.md" | awk '{print $2}' | sort -u); do
		"$CCAIO" --list-cmds | grep -qx "$cmd" || { echo "no command $cmd"; return 1; }
	done
}

@test "readme: its picture is there" {
	root=$BATS_TEST_DIRNAME/../..
	for picture in $(grep -oE '\]\([^)]*\.png\)' "$root/README.md" | tr -d '()]'); do
		[ "$(head -c 4 "$root/$picture" | tail -c 3)" = PNG ]
		found=1
	done
	[ "$found" = 1 ]
}
