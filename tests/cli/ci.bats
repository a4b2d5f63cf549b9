# SPDX-License-Identifier: LGPL-2.1-or-later
# The snippets of docs/ci.md, run as they are written.  Tracing needs root and a guest: here a
# wrapper stands for it, which leaves a judged recording as the bundle and ends as the verdict says.
load helper

PAGE=$BATS_TEST_DIRNAME/../../docs/ci.md

# wrapper NAME: ccaio and sudo for the snippets; `ccaio trace` yields the recording NAME
wrapper() {
	judged_bundle "$BATS_TEST_TMPDIR/recorded" "$1"
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/ccaio" <<END
#!/bin/bash
[ "\$1" = trace ] || exec "$CCAIO" "\$@"
while [ "\$1" != -o ]; do shift; done
cp -r "$BATS_TEST_TMPDIR/recorded" "\$2"
exec "$CCAIO" verify -q --scope=window "\$2"
END
	printf '#!/bin/bash\nexec "$@"\n' >"$BATS_TEST_TMPDIR/bin/sudo"
	chmod +x "$BATS_TEST_TMPDIR"/bin/*
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	cd "$BATS_TEST_TMPDIR" || return
	export GITHUB_STEP_SUMMARY=$BATS_TEST_TMPDIR/summary.md
}

# step NAME: the commands of a step of the GitHub snippet
step() {
	sed -n "/- name: $1\$/,/^      - /p" "$PAGE" | sed -n '/run: |/,$ s/^          //p'
}

@test "ci: the GitHub snippet stops on VIOLATED, and still leaves all reports" {
	wrapper linux-7.2-noforce
	[ -n "$(step Trace)" ] && [ -n "$(step Results)" ]
	run -1 bash -e -c "$(step Trace)"
	[[ $output == VIOLATED* ]]
	run -0 bash -e -c "$(step Results)"
	grep -q '<failure type="VIOLATED"' results.xml
	[ "$(jq '.runs[0].results | length' results.sarif)" -ge 2 ]
	grep -q '^### ccaio: VIOLATED' summary.md
}

@test "ci: the GitHub snippet passes on PROVEN, with nothing in its results" {
	wrapper linux-7.2-forced
	run -0 bash -e -c "$(step Trace)"
	run -0 bash -e -c "$(step Results)"
	run ! grep -q '<failure' results.xml
	[ "$(jq '.runs[0].results | length' results.sarif)" = 0 ]
}

@test "ci: the GitLab snippet stops on INCONCLUSIVE, as a failure and not as a skip" {
	wrapper linux-7.2-lost
	gitlab() {
		sed -n "/^  $1:/,/^  [a-z]/ s/^    - //p" "$PAGE"
	}
	run -2 bash -e -c "$(gitlab script)"
	run -0 bash -e -c "$(gitlab after_script)"
	grep -q '<failure type="INCONCLUSIVE"' results.xml
}

@test "ci: every condition is explained, and no other" {
	diff <(sed -n 's/^| `\([a-z-]*\)` |.*/\1/p' "$PAGE" | sort) \
		<("$CCAIO" verify -f json --platform="$DATA/trace/linux-7.2-noforce.json" \
			"$DATA/trace/linux-7.2-noforce.dat" | jq -r '.conditions | keys[]' | sort)
}

@test "ci: --against as it is written" {
	judged_bundle "$BATS_TEST_TMPDIR/accepted.ccaio" linux-7.2-forced
	wrapper linux-7.2-noforce
	cp -r recorded run.ccaio
	run -1 bash -e -c "$(grep '^ccaio report --against' "$PAGE")"
	[[ $output == *"PROVEN → VIOLATED"* ]]
}
