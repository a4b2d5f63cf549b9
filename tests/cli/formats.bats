# SPDX-License-Identifier: LGPL-2.1-or-later
# Reports for pipelines, read by the programs that pipelines have.
load helper

# each COMMAND: with every kept recording, its report in format $1 in $report.
each() {
	local format=$1 facts
	shift
	for facts in "$DATA"/trace/*.json; do
		report=$BATS_TEST_TMPDIR/report
		"$CCAIO" verify -f "$format" --platform="$facts" -o "$report" "${facts%.json}.dat" || [ $? -le 2 ]
		"$@" "$report" || { echo "$facts"; return 1; }
	done
}

# prove_reads REPORT: TAP::Parser finds every test that the plan announces, and no error.
prove_reads() {
	run prove -v -e cat "$1"
	[[ $output != *"Bad plan"* && $output != *"Parse errors"* && $output != *Dubious* ]] &&
		[ "$(sed -n 's/^1\.\.//p' "$1")" = "$(sed -n 's/.*Tests=\([0-9]*\),.*/\1/p' <<<"$output")" ]
}

@test "formats: prove reads the TAP of every recording, violated ones, too" {
	each tap prove_reads
	prove_reads "$DATA/reports/violated.tap"
	# and sees what is wrong with another plan
	sed 's/^1\.\.[0-9]*/1..99/' "$DATA/reports/violated.tap" >"$BATS_TEST_TMPDIR/bad"
	run ! prove_reads "$BATS_TEST_TMPDIR/bad"
}

# junit_valid REPORT: the elements and attributes that Jenkins' xUnit plugin takes (junit-10.xsd).
junit_valid() {
	/usr/bin/python3 - "$1" <<-'END'
		import re, sys
		import xml.etree.ElementTree as tree
		TAKES = {
		    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
		    "testsuite": ({"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname",
		                   "id", "package", "file", "log", "url", "version"},
		                  {"testsuite", "properties", "testcase", "system-out", "system-err"}),
		    "properties": (set(), {"property"}),
		    "property": ({"name", "value"}, set()),
		    "testcase": ({"name", "time", "classname", "group"}, {"skipped", "error", "failure", "system-out", "system-err"}),
		    "failure": ({"type", "message"}, set()),
		    "error": ({"type", "message"}, set()),
		    "skipped": ({"type", "message"}, set()),
		    "system-out": (set(), set()),
		    "system-err": (set(), set()),
		}
		NEEDS = {"testsuite": {"name", "tests", "failures", "errors"}, "testcase": {"name"}, "property": {"name", "value"}}
		bad = []
		for element in tree.parse(sys.argv[1]).iter():
		    attributes, children = TAKES[element.tag]
		    bad += [f"{element.tag} has {name}" for name in element.attrib if name not in attributes]
		    bad += [f"{element.tag} lacks {name}" for name in NEEDS.get(element.tag, ()) if name not in element.attrib]
		    bad += [f"{element.tag} holds {child.tag}" for child in element if child.tag not in children]
		    if not re.fullmatch(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]{0,3})?", element.get("time", "0")):
		        bad.append("time " + element.get("time"))
		print("\n".join(bad))
		sys.exit(1 if bad else 0)
	END
}

@test "formats: JUnit has only what Jenkins' xUnit plugin takes" {
	each junit junit_valid
	junit_valid "$DATA/reports/violated.junit.xml"
	sed 's/<testsuites /&skipped="0" /' "$DATA/reports/violated.junit.xml" >"$BATS_TEST_TMPDIR/bad"
	run ! junit_valid "$BATS_TEST_TMPDIR/bad"
}

@test "formats: SARIF has the same place and fingerprints in each run" {
	dat=$DATA/trace/linux-7.2-noforce
	for time in 20261129-182737 20261130-010203; do
		bundle=$BATS_TEST_TMPDIR/client-$time.ccaio
		judged_bundle "$bundle" linux-7.2-noforce
		(cd "$BATS_TEST_TMPDIR" && run -0 "$CCAIO" report -f sarif -o "$time.sarif" "${bundle##*/}")
		jq -S '[.runs[].results[] | {locations, partialFingerprints, ruleId}]' "$BATS_TEST_TMPDIR/$time.sarif" >"$BATS_TEST_TMPDIR/$time"
		jq -e '[.runs[].results[].partialFingerprints.primaryLocationLineHash] | length > 1 and length == (unique | length)' \
			"$BATS_TEST_TMPDIR/$time.sarif"
		jq -e 'all(.runs[].results[].locations[].physicalLocation.artifactLocation.uri; . == "client.ccaio/verdict.json")' \
			"$BATS_TEST_TMPDIR/$time.sarif"
	done
	cmp "$BATS_TEST_TMPDIR/20261129-182737" "$BATS_TEST_TMPDIR/20261130-010203"
	run -1 "$CCAIO" verify -f sarif --platform="$dat.json" "$dat.dat"
	jq -e 'all(.runs[].results[].locations[].physicalLocation.artifactLocation.uri; startswith("file:///"))' <<<"$output"
	run -1 "$CCAIO" verify -f sarif --sarif-location 'src/my client.c:42' --platform="$dat.json" "$dat.dat"
	jq -e 'all(.runs[].results[].locations[].physicalLocation; .artifactLocation.uri == "src/my%20client.c" and .region.startLine == 42)' <<<"$output"
	jq -e 'all(.runs[].tool.driver.rules[]; .helpUri and (.name | ascii_downcase) != .id)' <<<"$output"
}

@test "formats: in Perfetto packets are visible, and as far from their transfers as they were" {
	# armed at boot: the trace clock is not the packets'
	"$CCAIO" report -f perfetto -o "$BATS_TEST_TMPDIR/p.json" "$DATA/bundles/0.1/demo.ccaio"
	jq -e '[.traceEvents[] | select(.pid == 4 and .ph == "X")] | length > 1 and all(.dur > 0)' "$BATS_TEST_TMPDIR/p.json"
	jq -e '[.traceEvents[] | select(.pid == 1 and .ph == "X")] as $exchanges |
		[.traceEvents[] | select(.pid == 4 and .ph == "X")] |
		all(. as $p | any($exchanges[]; $p.args.of == .name and ($p.ts - .ts | fabs) < 50000))' "$BATS_TEST_TMPDIR/p.json"
	# what bouncing cost them: bytes copied so far, and each exchange's own
	jq -e '[.traceEvents[] | select(.ph == "C" and .name == "copied for exchanges") | .args.bytes] |
		length > 1 and . == sort and .[0] > 0' "$BATS_TEST_TMPDIR/p.json"
	jq -e '[.traceEvents[] | select(.pid == 1 and .ph == "X")] |
		all(.args | .copied_out | test("^(once|twice|[0-9]+ times), through [0-9]+ slots?, [0-9,]+ bytes"))' \
		"$BATS_TEST_TMPDIR/p.json"
}
