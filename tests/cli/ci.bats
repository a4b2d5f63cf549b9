# SPDX-License-Identifier: LGPL-2.1-or-later
# The snippets of docs/ci.md, run as they are written.  Tracing needs root and a guest: here the
# program's connection crosses the built-in bounce path instead (--model), all else is as it stands there.
load helper
load ../broker

PAGE=$BATS_TEST_DIRNAME/../../docs/ci.md

# pipeline POLICY: a folder with ci.json, ./client, and the snippets' programs; the broker listens.
pipeline() {
	start_broker
	cd "$BATS_TEST_TMPDIR" || return
	mkdir bin
	cat >bin/ccaio <<-END
		#!/bin/bash
		[ "\$1" = trace ] || exec "$CCAIO" "\$@"
		shift
		exec "$CCAIO" trace --model "\${@//http:\\/\\/broker:8088/http://127.0.0.1:$broker_port}"
	END
	printf '#!/bin/bash\nexec "$@"\n' >bin/sudo
	printf '#!/bin/sh\nexec "%s" -v --endpoint "$1" skywalker\n' "$APPS/keybroker-app" >client
	chmod +x bin/* client
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	echo "$1" >ci.json
	export GITHUB_STEP_SUMMARY=$BATS_TEST_TMPDIR/summary.md
}

teardown() {
	stop_broker
}

# step NAME: the commands of a step of the GitHub snippet
step() {
	sed -n "/- name: $1\$/,/^      - /p" "$PAGE" | sed -n '/run: |/,$ s/^          //p'
}

gitlab_script() {
	sed -n "/^  script:/,/^  [a-z]/ s/^    - //p" "$PAGE"
}

@test "ci: the snippets use the one command that the page and the manual give" {
	command='ccaio trace --policy ci.json -f junit -o results.xml -- ./client http://broker:8088'
	[ "$(step Trace)" = "sudo $command" ]
	[ "$(gitlab_script)" = "$command" ]
	[ "$(sed -n "s/^        sh '\(.*\)'$/\1/p" "$PAGE")" = "$command" ]
	grep -qxF $'\t'"$command" "$BATS_TEST_DIRNAME/../../man/ccaio-trace.1.scd"
}

@test "ci: the GitHub snippet stops on VIOLATED, and still leaves all reports" {
	pipeline '{"schema": "ccaio.policy/1", "limits": {"out_bytes": 100}}'
	[ -n "$(step Trace)" ] && [ -n "$(step Results)" ]
	run -1 --separate-stderr bash -e -c "$(step Trace)"
	[[ $output != *testsuite* ]]
	grep -qx 'ccaio trace: the evidence is in client-.*\.ccaio' <<<"$stderr"
	grep -q '<failure type="VIOLATED"' results.xml
	run -0 bash -e -c "$(step Results)"
	[ "$(jq '.runs[0].results | length' results.sarif)" -ge 2 ]
	grep -q '^### ccaio: VIOLATED' summary.md
}

@test "ci: yamllint passes every YAML snippet, and the action" {
	local rules='{extends: default, rules: {document-start: disable, line-length: disable, truthy: disable, comments: {min-spaces-from-content: 1}}}'
	awk -v to="$BATS_TEST_TMPDIR/snippet" '/^```yaml$/ { n++; on = 1; next } /^```$/ { on = 0 } on { print >(to n ".yml") }' "$PAGE"
	[ -e "$BATS_TEST_TMPDIR/snippet2.yml" ] && [ ! -e "$BATS_TEST_TMPDIR/snippet3.yml" ]
	run -0 yamllint -d "$rules" "$BATS_TEST_TMPDIR"/snippet*.yml "$BATS_TEST_DIRNAME/../../.github/actions/ccaio/action.yml"
	# and would find a member twice
	printf 'a: 1\na: 2\n' >"$BATS_TEST_TMPDIR/bad.yml"
	run -1 yamllint -d "$rules" "$BATS_TEST_TMPDIR/bad.yml"
}

@test "ci: in trouble the GitHub snippet shows that, and nothing that hides it" {
	pipeline '{"schema": "ccaio.policy/1", "limit": {}}'
	run -3 --separate-stderr bash -e -c "$(step Trace)"
	[[ $stderr == *ci.json*limit* ]]
	run -0 --separate-stderr bash -e -c "$(step Results)"
	[ ! -e results.sarif ]
}

@test "ci: the GitHub snippet passes on PROVEN, with nothing in its results" {
	pipeline '{"schema": "ccaio.policy/1"}'
	run -0 bash -e -c "$(step Trace)"
	[[ $output == *"May the force be with you"* ]]
	run ! grep -q '<failure' results.xml
	run -0 bash -e -c "$(step Results)"
	[ "$(jq '.runs[0].results | length' results.sarif)" = 0 ]
	# what the upload steps take
	for path in $(sed -n '/path: |/,/^ *```/ s/^            //p' "$PAGE"); do
		compgen -G "$path" >found || { echo "no $path"; false; }
	done
	run -0 "$CCAIO" verify -q client-*.ccaio
}

@test "ci: the GitLab snippet stops on INCONCLUSIVE, as a failure and not as a skip" {
	pipeline "$(sed -n '/^```json/,/^```$/ p' "$PAGE" | sed '/^```/d')"
	run -2 bash -e -c "$(gitlab_script)"
	grep -q '<failure type="INCONCLUSIVE"' results.xml
	grep -q 'the policy requires a Realm' results.xml
}

@test "ci: every condition, claim and check of the doctor is explained, and no other" {
	diff <(sed -n '/^| `/ s/^| \([^|]*\) |.*/\1/p' "$PAGE" | tr -d '`' | sed 's/, /\n/g' | sort) \
		<({
			"$CCAIO" verify -f json --platform="$DATA/trace/linux-7.2-noforce.json" \
				"$DATA/trace/linux-7.2-noforce.dat" | jq -r '.conditions, .claims | keys[]'
			sed -n 's/.*add(d, "\([a-z-]*\)".*/\1/p' "$BATS_TEST_DIRNAME/../../lib/diagnosis/diagnosis.c"
		} | sort -u)
}

@test "ci: --against as it is written" {
	judged_bundle "$BATS_TEST_TMPDIR/accepted.ccaio" linux-7.2-forced
	judged_bundle "$BATS_TEST_TMPDIR/run.ccaio" linux-7.2-noforce
	mkdir -p "$BATS_TEST_TMPDIR/bin" && ln -s "$CCAIO" "$BATS_TEST_TMPDIR/bin/ccaio"
	cd "$BATS_TEST_TMPDIR"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	run -1 bash -e -c "$(grep '^ccaio report --against' "$PAGE")"
	[[ $output == *"PROVEN → VIOLATED"* ]]
}
