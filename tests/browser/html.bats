# SPDX-License-Identifier: LGPL-2.1-or-later
# The HTML report in headless Chromium: what is there, what moves, and that nothing leaves the page.
load helper
load ../broker

setup_file() {
	export PAGE=$BATS_FILE_TMPDIR/report.html
	"$CCAIO" verify --platform="$BATS_TEST_DIRNAME/../data/trace/linux-7.2-noforce.json" -f html \
		-o "$PAGE" "$BATS_TEST_DIRNAME/../data/trace/linux-7.2-noforce.dat" || [ $? = 1 ]
	in_browser "$PAGE" "$BATS_TEST_DIRNAME/html.js"
	export RESULT=$output CONSOLE=$console
}

# is FILTER: the jq filter holds for the result
is() {
	jq -e "$1" <<<"$RESULT" >/dev/null || {
		echo "not so: $1"
		jq . <<<"$RESULT"
		return 1
	}
}

@test "html: all sections are there, and every link leads to one" {
	is '.sections | contains(["claims", "coverage", "examples", "timeline", "devices", "mappings", "totals", "trust", "recheck-section", "glossary"])'
	is '.links'
	is '.duplicateIds == 0'
}

@test "html: tables sort both ways, and say so" {
	is '.ascending and .descending'
	is '.ariaUp == "ascending" and .ariaDown == "descending" and .oneSorted == 1'
}

@test "html: tables filter, and say how many rows are left" {
	is '.filtered'
	is '.told | test("^[0-9]+ of [0-9]+ rows$")'
}

@test "html: the timeline zooms by button and by key, and marks violations" {
	is '.zoomed == 500 and .zoomedByKey == 250 and .whole == 1000'
	is '.violations > 0 and .axis'
}

@test "html: dark and light change places" {
	is '.themes and .themeBack'
}

@test "html: controls and tables have names for screen readers" {
	is '.unnamed == 0 and .headersWithoutScope == 0 and .language == "en"'
}

@test "html: nothing is wider than the window, nothing is loaded, the console is silent" {
	is '.wide | not'
	is '.requests == 0'
	[ -z "$CONSOLE" ] || { echo "$CONSOLE"; false; }
}

# accessible PAGE: axe-core (https://github.com/dequelabs/axe-core, MPL-2.0; kept here as npm has it) finds nothing.
accessible() {
	local script=$BATS_TEST_TMPDIR/axe.js
	{ xz -dc "$BATS_TEST_DIRNAME"/axe-core-*.min.js.xz && echo && cat "$BATS_TEST_DIRNAME/axe.js"; } >"$script"
	in_browser "$1" "$script"
	jq -e '.findings == [] and .version' <<<"$output" || { echo "$output"; return 1; }
}

@test "html: axe-core finds nothing in light and dark, PROVEN and VIOLATED" {
	accessible "$PAGE"
	# and would find a button without a name
	echo '<!DOCTYPE html><html lang="en"><head><title>x</title></head><body><main><h1>x</h1><button></button></main></body></html>' \
		>"$BATS_TEST_TMPDIR/bad.html"
	run -1 accessible "$BATS_TEST_TMPDIR/bad.html"
	[[ $output == *button-name* ]]
	"$CCAIO" report -f html -o "$BATS_TEST_TMPDIR/proven.html" "$BATS_TEST_DIRNAME/../data/bundles/0.1/demo.ccaio"
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/proven.html")" -lt 200000 ] && [ "$(stat -c %s "$PAGE")" -lt 200000 ]
	accessible "$BATS_TEST_TMPDIR/proven.html"
}

@test "html: the run is what is shown first, shaded; columns say their numbers; links unfold" {
	"$CCAIO" report -f html -o "$BATS_TEST_TMPDIR/run.html" "$BATS_TEST_DIRNAME/../data/bundles/0.1/demo.ccaio"
	in_browser "$BATS_TEST_TMPDIR/run.html" "$BATS_TEST_DIRNAME/run.js"
	RESULT=$output
	is '.first < 1000 and .whole == 1000 and .run == .first'
	is '.shaded > 0 and .limit == 1'
	is '(.column | test("^[0-9.]+ s, [0-9,]+ events")) and .tip'
	is '.folded and .unfolded'
}

@test "html: exchanges are drawn, sorted by bytes; the view goes to them and is dragged" {
	start_broker
	run -0 timeout 60 "$CCAIO" trace --model -q -o "$BATS_TEST_TMPDIR/run.ccaio" -- \
		"$APPS/keybroker-app" --endpoint "http://127.0.0.1:$broker_port" skywalker
	stop_broker
	in_browser "$BATS_TEST_TMPDIR/run.ccaio/report.html" "$BATS_TEST_DIRNAME/exchanges.js"
	RESULT=$output
	is '.bars == 2 and .zoomed'
	is '.dragged == 50'
	is '.out == (.reversed | reverse) and (.out[0] | length) < (.out[1] | length)'
	is '.what | contains("POST /keys/v1/key/skywalker → 201") and contains("asked: JSON members pubkey")'
	[ -z "$console" ] || { echo "$console"; false; }
}

@test "html: of three million events the page is below 2 MiB, and opens" {
	"$APPS/../tools/gen-trace" --events=3000000 --platform="$BATS_TEST_TMPDIR/3m.json" "$BATS_TEST_TMPDIR/3m.dat"
	"$CCAIO" verify --platform="$BATS_TEST_TMPDIR/3m.json" -f html -o "$BATS_TEST_TMPDIR/3m.html" \
		"$BATS_TEST_TMPDIR/3m.dat" || [ $? = 2 ]
	rm "$BATS_TEST_TMPDIR/3m.dat"
	grep -q '<dt>Events</dt><dd>[23],[0-9]*,[0-9]*</dd>' "$BATS_TEST_TMPDIR/3m.html"
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/3m.html")" -lt $((2 << 20)) ]
	in_browser "$BATS_TEST_TMPDIR/3m.html" "$BATS_TEST_DIRNAME/load.js" real
	RESULT=$output
	is '.rows > 100 and .interactive > 0'
}
