# SPDX-License-Identifier: LGPL-2.1-or-later
# ccaio trace --model: a real client and a real server, and the bounce path between them.
load helper
load ../broker

setup() {
	bundle=$BATS_TEST_TMPDIR/run.ccaio
	start_broker
}

teardown() {
	stop_broker
}

# model STATUS [OPTION...]: the key broker's client through the model.
model() {
	local want=$1
	shift
	run "-$want" --separate-stderr timeout 60 "$CCAIO" trace -v --model "$@" -o "$bundle" -- \
		"$APPS/keybroker-app" --endpoint "http://127.0.0.1:$broker_port" skywalker
}

@test "model: the key comes back through the bounce path over each transport, PROVEN, and verify agrees" {
	for transport in pci mmio msg1-static msg1-dynamic msg2-static msg2-dynamic; do
		rm -rf "$bundle"
		model 0 --transport "$transport"
		[[ $output == "PROVEN since boot, rehearsal"* ]]
		[[ $output == *"bounce path: it says nothing about any kernel, Realm"* ]]
		[[ $output != *"The guest's kernel"* ]]
		run -0 --separate-stderr "$CCAIO" verify -q "$bundle"
		[[ $output == *"that ccaio's own bounce path published lie in its shared memory, which says nothing about any machine" ]]
		jq -e '.run.exit_status == 0 and (.run.recorder | startswith("the model of ccaio "))' "$bundle/verdict.json"
		jq -e --arg t "$transport" '.totals.maps > 20 and
			((.totals.bounces < 3) == ($t | endswith("-dynamic")))' "$bundle/verdict.json"
	done
	[ "$(jq -c '[.body_in, .status]' "$broker_log" | sort -u | tr '\n' ' ')" = '[228,201] [2766,200] ' ]
}

@test "model: both exchanges are found, and every byte of them is attributed" {
	model 0
	"$BATS_TEST_DIRNAME/../../scripts/check-json" "$bundle"/*.json
	jq -e '[.exchanges[] | .method] == ["POST", "POST"]' "$bundle/exchanges.json" ||
		{ jq 'keys' "$bundle/exchanges.json"; return 1; }
	[[ $output == *"POST /keys/v1/key/skywalker → 201: complete, clear, grade nested"* ]]
	[[ $output == *"bytes (2,766 body)"* ]]
	[[ $(tr -s ' \n' ' ' <<<"$output") == *"nothing else of the program touched a device UNATTRIBUTED 0000:"* ]]
	[ "$(grep -A99 UNATTRIBUTED <<<"$output" | grep -c ' bytes in .* transfer')" = 1 ] # ccaio's own random numbers
	run -0 --separate-stderr "$CCAIO" report -f json "$bundle"
	[ "$(jq -c '[.exchanges.exchanges[] | .status]' <<<"$output")" = '[201,200]' ]
	jq -e 'has("exchanges") | not' "$bundle/verdict.json"
}

@test "model: over the console, too, every byte is counted, PROVEN" {
	for transport in mmio msg1-dynamic; do
		rm -rf "$bundle"
		model 0 --device console --transport "$transport"
		[[ $output == "PROVEN since boot, rehearsal"* ]]
		[[ $output == *"keybroker-app["*"9 of 9 byte and packet cross-checks agree"* ]]
		run -0 --separate-stderr "$CCAIO" verify -q "$bundle"
	done
}

@test "model: its trace.dat opens in trace-cmd" {
	model 0
	run -0 --separate-stderr trace-cmd report -i "$bundle/trace.dat"
	[[ $output == *swiotlb_bounced*dma_map_phys* ]]
}

@test "model: a policy that requires a Realm is not met by it" {
	echo '{"schema": "ccaio.policy/1", "require": {"realm": true}}' >"$BATS_TEST_TMPDIR/p.json"
	model 2 --policy "$BATS_TEST_TMPDIR/p.json"
	[[ $output == *"the policy requires a Realm"* ]]
}

@test "model: what it cannot do is one sentence, exit 3, nothing left" {
	run -3 --separate-stderr "$CCAIO" trace --model -o "$bundle" -- true
	[[ $stderr == *"needs an http:// URL"* ]]
	[ ! -e "$bundle" ]
	run -3 --separate-stderr "$CCAIO" trace --model --device blk -o "$bundle" -- curl http://127.0.0.1:1/
	[[ $stderr == *"unknown device 'blk': --device takes net or console"* ]]
	run -3 --separate-stderr "$CCAIO" trace --transport pci -- true
	[[ $stderr == *"give --model, too"* ]]
	run -3 --separate-stderr "$CCAIO" trace --model -o "$bundle" -- /nonexistent http://127.0.0.1:1/
	[ ! -e "$bundle" ]
}

# reported STATUS OPTION...: the same with a report in a file, and the bundle where it is by default.
reported() {
	local want=$1
	shift
	cd "$BATS_TEST_TMPDIR" || return
	run "-$want" --separate-stderr timeout 60 "$CCAIO" trace -v --model "$@" -- \
		"$APPS/keybroker-app" --endpoint "http://127.0.0.1:$broker_port" skywalker
}

@test "output: a report in a file, whole, beside the bundle; both can be named" {
	reported 0 -f junit -o results.xml
	[[ $stderr == *"ccaio trace: the evidence is in keybroker-app-"*.ccaio ]]
	[[ $output != *testsuite* ]]
	[ "$(tail -1 results.xml)" = '</testsuites>' ]
	compgen -G "keybroker-app-*.ccaio/verdict.json"
	echo old >results.xml && chmod 600 results.xml
	reported 0 -o mine.ccaio -f tap -o results.xml
	[[ $stderr != *"evidence is in"* ]]
	head -1 results.xml | grep -qx 'TAP version 13'
	[ "$(stat -c %a results.xml)" = 600 ]
	[ -f mine.ccaio/verdict.json ]
	[ -z "$(find . -name 'results.xml.*')" ]
}

@test "output: to standard output, a FIFO, a link" {
	reported 0 -f tap -o /dev/stdout >/dev/null
	[[ $output == *"TAP version 13"* ]]
	mkfifo fifo && cat fifo >copy &
	until [ -p "$BATS_TEST_TMPDIR/fifo" ]; do :; done
	reported 0 -f tap -o fifo -o f.ccaio
	wait $!
	[ -p fifo ] && grep -qx 'TAP version 13' copy
	ln -s target link
	reported 0 -f tap -o link -o l.ccaio
	[ -L link ] && grep -qx 'TAP version 13' target
}

@test "output: what cannot be written is told before the command is run; a full disk leaves the old file" {
	for name in /nonexistent/results.xml "$BATS_TEST_TMPDIR/broker.err/results.xml"; do
		reported 3 -f junit -o "$name"
		[[ $stderr == "ccaio trace: cannot write the report to $name: "* ]]
		[ ! -s "$broker_log" ] && [ -z "$(find . -name '*.ccaio')" ]
	done
	reported 3 -f junit -o /dev/full -o full.ccaio
	[[ $stderr == *"ccaio trace: cannot write the report to /dev/full: No space left on device" ]]
	"$CCAIO" verify -q full.ccaio
	# a size limit stands for the disk
	echo old >results.xml
	run -3 --separate-stderr bash -c 'ulimit -f 1; trap "" XFSZ; "$0" report -f html -o results.xml full.ccaio' "$CCAIO"
	[ "$stderr" = "ccaio report: cannot write the report to results.xml: File too large" ]
	[ "$(cat results.xml)" = old ]
	[ -z "$(find . -name 'results.xml.*')" ]
}

@test "output: the bundle as one file, judged from everywhere; half of it is refused" {
	cd "$BATS_TEST_TMPDIR" || return
	reported 0 -o run.ccaio.tar
	[ "$(stat -c %a run.ccaio.tar)" = 600 ]
	[ -z "$(find . -name '*unfinished*')" ]
	reported 0 -f tap -o other.ccaio.tar -o out.tap
	grep -qx 'TAP version 13' out.tap
	zstd -q run.ccaio.tar
	tar xf run.ccaio.tar
	"$CCAIO" verify run.ccaio | sed 's/run\.ccaio$/X/' >folder
	for evidence in run.ccaio.tar run.ccaio.tar.zst; do
		"$CCAIO" verify "$evidence" >out
		diff folder <(sed "s/$evidence$/X/" out)
		"$CCAIO" verify - <"$evidence" >out
		diff folder <(sed 's/ -$/ X/' out)
		run -0 bash -c 'cat "$1" | "$0" report -q -' "$CCAIO" "$evidence"
		[[ $output == "PROVEN since boot"* ]]
	done
	run -2 "$CCAIO" verify -q --scope=window - <run.ccaio/trace.dat
	run -3 --separate-stderr bash -c 'head -c 50000 "$1" | "$0" verify -' "$CCAIO" run.ccaio.tar
	[[ $stderr == "ccaio verify: "*"is no archive of a bundle: it is cut short at offset "* ]]
	run -3 --separate-stderr "$CCAIO" verify --max-size 10K run.ccaio.tar.zst
	[[ $stderr == *"unpacks to more than 10240 bytes: give a larger --max-size if that is right" ]]
	run -3 --separate-stderr "$CCAIO" verify --max-size 10K run.ccaio
	[[ $stderr == *"give a larger --max-size if that is right" ]]
	run -3 --separate-stderr "$CCAIO" verify --max-size much run.ccaio
	[[ $stderr == "ccaio verify: --max-size takes a size such as 500M or 20G, not 'much'"* ]]
}

@test "model: without its children the headline says so, and the bundle too" {
	model 0 --no-follow
	[[ $output == "PROVEN since boot, rehearsal, WITHOUT child processes"* ]]
	[[ $(tr -s ' \n' ' ' <<<"$output") == *"what its child processes sent is not counted as its own (--no-follow)"* ]]
	jq -e '.no_follow' "$bundle/exchanges.json"
	for format in text markdown junit json; do
		run -0 --separate-stderr "$CCAIO" report -f $format "$bundle"
		[[ $output == *"WITHOUT child processes"* || $format == json && $output == *'"no_follow"'* ]]
	done
}
