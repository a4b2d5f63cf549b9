# What scripts/setup does with apt-get, played by a stand-in.

load helper

setup() {
	TOP=$BATS_TEST_DIRNAME/../..
	mkdir "$BATS_TEST_TMPDIR/bin"
	export CALLS=$BATS_TEST_TMPDIR/calls
	printf '#!/bin/sh\necho "${0##*/} $*" >>"$CALLS"\n' >"$BATS_TEST_TMPDIR/bin/apt-get"
	printf '#!/bin/sh\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/sudo"
	# A machine with everything but jq and zstd.
	cat >"$BATS_TEST_TMPDIR/bin/dpkg-query" <<-'END'
	#!/bin/bash
	[ -z "$NOTHING_MISSING" ] || also='jq zstd'
	for package in $(sed -n '/=(/,/)/p' "$TOP/scripts/setup" | tr -cs 'a-z0-9.+-' ' ') $also; do
		[[ $also == *$package* || $package != @(jq|zstd) ]] && echo "$package ii "
	done
	END
	sed -i '2i shopt -s extglob' "$BATS_TEST_TMPDIR/bin/dpkg-query"
	chmod +x "$BATS_TEST_TMPDIR"/bin/*
	export TOP PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

fake_id() {
	printf '#!/bin/sh\necho %s\n' "$1" >"$BATS_TEST_TMPDIR/bin/id"
	chmod +x "$BATS_TEST_TMPDIR/bin/id"
}

@test "setup: nothing missing, nothing done, nothing said" {
	export NOTHING_MISSING=1
	run -0 "$TOP/scripts/setup"
	[ -z "$output" ]
	[ ! -e "$CALLS" ]
}

@test "setup: root installs what is missing, and only that" {
	fake_id 0
	run -0 "$TOP/scripts/setup"
	options='-o Acquire::Retries=3 -o DPkg::Lock::Timeout=120'
	[ "$(cat "$CALLS")" = "apt-get $options -q update
apt-get $options -qy install --no-install-recommends jq zstd" ]
}

@test "setup: a mirror that fails once is asked again; one that fails on and on is trouble, exit 3" {
	fake_id 0
	printf '#!/bin/sh\n' >"$BATS_TEST_TMPDIR/bin/sleep" && chmod +x "$BATS_TEST_TMPDIR/bin/sleep"
	printf '#!/bin/sh\necho "$*" >>"$CALLS"\n[ "$(wc -l <"$CALLS")" -gt "$FAILURES" ]\n' >"$BATS_TEST_TMPDIR/bin/apt-get"
	FAILURES=3 run -0 --separate-stderr "$TOP/scripts/setup"
	[ "$(wc -l <"$CALLS")" = 4 ]
	rm "$CALLS"
	FAILURES=99 run -3 --separate-stderr "$TOP/scripts/setup"
	[ "$(grep -c install "$CALLS")" = 3 ]
	[[ $stderr == *"the packages could not be installed"* ]]
}

@test "setup: a group leaves out what it does not need" {
	fake_id 0
	run -0 "$TOP/scripts/setup" demo
	[[ $(tail -1 "$CALLS") == *"--no-install-recommends zstd" ]]
	rm "$CALLS"
	printf '#!/bin/sh\n' >"$BATS_TEST_TMPDIR/bin/dpkg-query" # a machine with nothing
	run -0 "$TOP/scripts/setup" model
	[[ $(tail -1 "$CALLS") == *libmicrohttpd-dev* && $(tail -1 "$CALLS") != *qemu* ]]
}

@test "setup: neither root nor sudo gets the exact command, exit 3" {
	fake_id 1000
	run -3 --separate-stderr "$TOP/scripts/setup"
	[[ $stderr == *"apt-get update && apt-get install --no-install-recommends jq zstd" ]]
	[ ! -e "$CALLS" ]
}

@test "setup: an unknown group is named" {
	run -3 --separate-stderr "$TOP/scripts/setup" frobnicate
	[[ $stderr == *"no such group: frobnicate"* ]]
}
