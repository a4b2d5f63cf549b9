# SPDX-License-Identifier: LGPL-2.1-or-later
# README, "Into a Realm": its commands in a guest whose root is busybox and the static ccaio alone.
load helper
load ../broker

setup() {
	start_broker
}

teardown() {
	stop_broker
}

# in_the_realm: what the section has people type there, for this broker; the console is a file here
in_the_realm() {
	sed -n '/In the Realm, as root:$/,/^Outside again/p' "$TOP/README.md" | sed -n 's/^    //p' |
		sed "s,http://172.17.0.2:8088,http://10.0.2.2:$broker_port,; s,^base64 [^ ]*,& >run.b64,"
}

# outside_again: what it has them type afterwards
outside_again() {
	sed -n '/^Outside again/,/^The same can be tried/p' "$TOP/README.md" | sed -n 's/^    //p'
}

# lab ARCH
lab() {
	cd "$BATS_TEST_TMPDIR"
	in_the_realm >inside.sh
	outside_again >outside.sh
	[ "$(grep -cE '^(ccaio doctor|ccaio trace .* skywalker|base64 run.ccaio.tar)' inside.sh)" = 3 ]
	[ "$(grep -cE '^(base64 -di run.b64|ccaio verify run.ccaio.tar)' outside.sh)" = 2 ]
	run --separate-stderr "$TOP/scripts/guest" --bare --no-build --arch "$1" --timeout 900 \
		--in "$BATS_TEST_DIRNAME/keybroker-app:/usr/bin/keybroker-app" --in inside.sh:/root/inside.sh \
		--out /root/run.b64:run.b64 -- sh -ec 'cd /root && sh -e inside.sh
			find / -xdev -name "*.so" -o -xdev -name "*.so.*" | grep . || echo no library'
	echo "$output$stderr"
	[ "$status" = 0 ]
	[[ $output == *"PROVEN for the run, rehearsal"* ]]
	[[ $output == *"skywalker → 201: complete"* ]]
	[[ $output == *"no library"* ]]
	[ "$(jq -r .target "$broker_log" | grep -c skywalker)" = 1 ]
	PATH=${CCAIO%/*}:$PATH run -0 sh -e outside.sh
	[[ $output == *"PROVEN for the run, rehearsal"* ]]
	run -0 --separate-stderr sh -c '"$1" verify -f json - <run.ccaio.tar' sh "$CCAIO"
	[ "$(jq -r '.verdict + " " + .scope' <<<"$output")" = "PROVEN run" ]
}

@test "lab: on arm64 it ends PROVEN for the run" {
	lab arm64
}

@test "lab: on amd64 it ends PROVEN for the run" {
	lab amd64
}
