# SPDX-License-Identifier: LGPL-2.1-or-later
# What others run: the container image's recipe and the action for pipelines.
load helper

setup() {
	TOP=$BATS_TEST_DIRNAME/../..
	ACTION=$TOP/.github/actions/ccaio/action.yml
}

# step NAME: the script of that step of the action
step() {
	awk -v name="$1" '
		/^    - name: / { on = $0 == "    - name: " name; text = 0 }
		on && sub(/^      run: /, "") { if ($0 != "|") print; text = $0 == "|"; next }
		on && text && /^        / { print substr($0, 9) }' "$ACTION"
}

# its variables are of the step's environment (SC2153)
@test "recipes: the action's scripts pass shellcheck" {
	for name in Trace Verdict; do
		step "$name" >"$BATS_TEST_TMPDIR/$name"
		[ -s "$BATS_TEST_TMPDIR/$name" ]
		run -0 shellcheck -s bash -e SC2153 "$BATS_TEST_TMPDIR/$name"
	done
}

@test "recipes: the action hands on its inputs, keeps the status and adds the summary" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\nexec "$@"\n' >"$BATS_TEST_TMPDIR/bin/sudo"
	cat >"$BATS_TEST_TMPDIR/bin/ccaio" <<-'END'
	#!/bin/bash
	printf '<%s>' "$@" >>calls && echo >>calls
	[ "$1" = report ] && echo '# verdict' || { mkdir -p run.ccaio && exit 2; }
	END
	chmod +x "$BATS_TEST_TMPDIR"/bin/*
	cd "$BATS_TEST_TMPDIR"
	export GITHUB_OUTPUT=$PWD/output GITHUB_STEP_SUMMARY=$PWD/summary
	# as GitHub runs a step of bash
	RUN='./client "a b"' POLICY=ci.json OPTIONS='--scope=window -v' NAME=run PATH=$BATS_TEST_TMPDIR/bin:$PATH \
		run -0 bash --noprofile --norc -eo pipefail -c "$(step Trace)"
	[ "$(head -1 calls)" = '<trace><--scope=window><-v><--policy><ci.json><-o><run.ccaio><-f><junit><-o><run.xml><--><bash><-c><./client "a b">' ]
	[ "$(cat output)" = status=2 ]
	[ "$(cat summary)" = '# verdict' ]
	STATUS=2 run -2 bash -eo pipefail -c "$(step Verdict)"
}

@test "recipes: the image is of what make static builds, for each architecture, and of nothing else" {
	mapfile -t lines < <(grep -vE '^(#|$)' "$TOP/Containerfile")
	[ "${lines[*]}" = 'FROM scratch ARG TARGETARCH COPY build-static-${TARGETARCH}/ccaio.static /usr/bin/ccaio WORKDIR /tmp WORKDIR /work ENTRYPOINT ["/usr/bin/ccaio"]' ]
	# as make CROSS=... static names it
	grep -qF 'BUILD   ?= build-$(if $(STATIC),static-)$(CROSS)' "$TOP/Makefile"
	grep -qF '$(BUILD)/ccaio.static' "$TOP/Makefile"
}
