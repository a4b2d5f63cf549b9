# SPDX-License-Identifier: LGPL-2.1-or-later
# ccaio verify on recordings of real kernels (tests/data/trace/README.md) and on bad input.
load helper

# Sentences are looked for whole: lines that are long enough for them.
export COLUMNS=96

# judge STATUS NAME [OPTION...]: verify a recording with its facts.
judge() {
	local status=$1 name=$2
	shift 2
	run "-$status" --separate-stderr "$CCAIO" verify -v "$@" \
		--platform="$DATA/trace/$name.json" "$DATA/trace/$name.dat"
	[ -z "$stderr" ]
}

has() {
	[[ $output == *"$1"* ]] || { echo "no '$1' in: $output"; return 1; }
}

lacks() {
	[[ $output != *"$1"* ]] || { echo "'$1' in: $output"; return 1; }
}

@test "verify: armed at boot, everything bounced: PROVEN since boot" {
	judge 0 linux-7.2-forced-since-boot
	has "PROVEN since boot, rehearsal"
	lacks "unmet"
}

@test "verify: begun late: INCONCLUSIVE for the baseline alone, PROVEN for the window" {
	for name in linux-7.2-forced linux-6.12-forced linux-7.2-sg; do
		judge 2 "$name" -q
		has "not proven: baseline"
		judge 0 "$name" -q --scope=window
		has "PROVEN for the window, rehearsal"
	done
}

@test "verify: no bounce buffers: VIOLATED, with time, device and both addresses" {
	judge 1 linux-7.2-noforce
	has "refuted: dma-in-shared"
	has "device        0000:00:0"
	has "device got    0x"
	has "memory        protected"
}

@test "verify: no ACCESS_PLATFORM: VIOLATED no-bypass; without facts INCONCLUSIVE" {
	judge 1 linux-7.2-no-access-platform
	has "refuted: no-bypass"
	has "bit 33"
	run -2 "$CCAIO" verify -q "$DATA/trace/linux-7.2-no-access-platform.dat"
	has "no-bypass"
}

@test "verify: a kernel without dma events: INCONCLUSIVE, says how many bounces it saw" {
	judge 2 linux-6.1-forced
	has "384 bounces were seen"
	[[ $output =~ unmet\ +events-armed ]]
}

@test "verify: lost events: INCONCLUSIVE, how many, per CPU" {
	judge 2 linux-7.2-lost
	has "29818 events were lost"
	has "29110 on CPU 0, 708 on CPU 1"
}

@test "verify: a Realm that publishes the shared alias: PROVEN, the bit's inference is told" {
	judge 0 realm-7.2
	has "PROVEN since boot, in a Realm"
	has "0x100000000 is inferred: 721 bounced maps"
}

@test "verify: a Realm with plain addresses needs evidence of decryption; the monitor's log is one" {
	judge 2 realm-6.12
	has "no event shows that this coherent allocation was decrypted"
	judge 0 realm-6.12 --rmm-log="$DATA/trace/realm-6.12.rmm.log"
	has "1,420 ranges in memory that the monitor held as shared"
	judge 0 realm-7.2 --rmm-log="$DATA/trace/realm-7.2.rmm.log"
}

@test "verify: a monitor that never shared a coherent allocation refutes the kernel's word" {
	grep -v ' 82bd0000 ' "$DATA/trace/realm-6.12.rmm.log" >"$BATS_TEST_TMPDIR/log"
	judge 1 realm-6.12 --rmm-log="$BATS_TEST_TMPDIR/log"
	has "the monitor holds 0x82bd0000 as protected"
}

@test "verify: a monitor's log without times does not make shared what the kernel's events show as protected" {
	jq '.realm = {is_realm: true}' "$DATA/trace/linux-7.2-noforce.json" >"$BATS_TEST_TMPDIR/f.json"
	printf 'SMC_RSI_IPA_STATE_SET 40000000 80000000 %s 0 > RSI_SUCCESS 80000000 0\n' 1 0 >"$BATS_TEST_TMPDIR/log"
	run -2 "$CCAIO" verify -q --scope=window --rmm-log="$BATS_TEST_TMPDIR/log" \
		--platform="$BATS_TEST_TMPDIR/f.json" "$DATA/trace/linux-7.2-noforce.dat"
	has "not proven: dma-in-shared, bounce-paired"
	run -1 "$CCAIO" verify -q --scope=window \
		--platform="$BATS_TEST_TMPDIR/f.json" "$DATA/trace/linux-7.2-noforce.dat"
}

@test "verify: the log of another run cannot be used, and nothing is PROVEN beside it" {
	judge 2 realm-7.2 --rmm-log="$DATA/trace/realm-6.12.rmm.log"
	has "none of the log's Realms shared this machine's pool"
}

@test "verify: a policy that requires a Realm is not met by a rehearsal" {
	echo '{"schema": "ccaio.policy/1", "require": {"realm": true}}' >"$BATS_TEST_TMPDIR/p.json"
	judge 2 linux-7.2-forced-since-boot --policy="$BATS_TEST_TMPDIR/p.json"
	has "the policy requires a Realm"
	judge 0 realm-7.2 --policy="$BATS_TEST_TMPDIR/p.json"
}

@test "verify: a limit on egress is refuted when it is passed" {
	echo '{"schema": "ccaio.policy/1", "limits": {"out_bytes": 100}}' >"$BATS_TEST_TMPDIR/p.json"
	judge 1 linux-7.2-forced-since-boot --policy="$BATS_TEST_TMPDIR/p.json"
	has "refuted: egress"
}

@test "verify: a waived bypass is never PROVEN and never silent" {
	cat >"$BATS_TEST_TMPDIR/p.json" <<-'JSON'
		{"schema": "ccaio.policy/1", "waivers": [
		 {"device": "0000:00:01.0", "claim": "no-bypass", "reason": "a test"},
		 {"device": "0000:00:02.0", "claim": "no-bypass", "reason": "a test"},
		 {"device": "0000:00:03.0", "claim": "no-bypass", "reason": "a test"},
		 {"device": "0000:00:04.0", "claim": "no-bypass", "reason": "a test"}]}
	JSON
	judge 2 linux-7.2-no-access-platform --policy="$BATS_TEST_TMPDIR/p.json"
	has "waived by policy"
}

@test "verify: wrong facts do not turn into a verdict" {
	# a pool that is larger than the kernel's slot count
	sed 's/"slots": 65536/"slots": 1024/' "$DATA/trace/linux-7.2-forced-since-boot.json" \
		>"$BATS_TEST_TMPDIR/f.json"
	run -2 "$CCAIO" verify -v --platform="$BATS_TEST_TMPDIR/f.json" \
		"$DATA/trace/linux-7.2-forced-since-boot.dat"
	[[ $output =~ unmet\ +pool-known ]]
	# "armed at boot", but the rings were never seen allocated
	sed 's/"from_boot": false/"from_boot": true/' "$DATA/trace/linux-7.2-forced.json" \
		>"$BATS_TEST_TMPDIR/f.json"
	run "$CCAIO" verify -v --platform="$BATS_TEST_TMPDIR/f.json" "$DATA/trace/linux-7.2-forced.dat"
	[ "$status" -ne 0 ]
	lacks PROVEN
	[[ $output =~ unmet\ +baseline ]]
}

@test "verify: bad input is one sentence on stderr, exit 3" {
	local cut
	run -3 --separate-stderr "$CCAIO" verify /nonexistent
	[ -z "$output" ]
	[[ $stderr == "ccaio verify: "*"/nonexistent: No such file or directory" ]]
	run -3 --separate-stderr "$CCAIO" verify /etc/passwd
	[ -z "$output" ]
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
	for cut in 0 1 9 10 100 1000 10000 18000; do
		head -c "$cut" "$DATA/trace/linux-7.2-forced.dat" >"$BATS_TEST_TMPDIR/cut.dat"
		run -3 --separate-stderr "$CCAIO" verify "$BATS_TEST_TMPDIR/cut.dat"
		[ -z "$output" ]
		[ "$(wc -l <<<"$stderr")" -eq 1 ]
	done
}

@test "verify: facts with wrong types, a wrong policy, a wrong log are trouble" {
	echo '{"schema": "ccaio.platform/1", "ram": 5}' >"$BATS_TEST_TMPDIR/f.json"
	run -3 --separate-stderr "$CCAIO" verify --platform="$BATS_TEST_TMPDIR/f.json" \
		"$DATA/trace/linux-7.2-forced.dat"
	[[ $stderr == *f.json*ram* ]]
	echo '{"schema": "ccaio.policy/1", "allow_everything": true}' >"$BATS_TEST_TMPDIR/p.json"
	run -3 --separate-stderr "$CCAIO" verify --policy="$BATS_TEST_TMPDIR/p.json" \
		"$DATA/trace/linux-7.2-forced.dat"
	[[ $stderr == *allow_everything* ]]
	run -3 --separate-stderr "$CCAIO" verify --rmm-log=/dev/null "$DATA/trace/realm-7.2.dat"
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
}

@test "verify: usage mistakes point at --help" {
	run -3 --separate-stderr "$CCAIO" verify --frobnicate x
	[[ $stderr == "ccaio verify: unknown option '--frobnicate'"$'\n'"Try 'ccaio verify --help'." ]]
	run -3 --separate-stderr "$CCAIO" verify
	[[ $stderr == *"expected one bundle or trace.dat"* ]]
	run -3 --separate-stderr "$CCAIO" verify --scope=forever x
	[[ $stderr == *"unknown scope 'forever'"* ]]
	run -3 --separate-stderr "$CCAIO" verify -f nothing x
	[[ $stderr == *"unknown format 'nothing'"* ]]
}

@test "verify: output that cannot be written is trouble, not a verdict" {
	run -3 --separate-stderr bash -c '"$0" verify --platform="$1.json" "$1.dat" >/dev/full' \
		"$CCAIO" "$DATA/trace/linux-7.2-forced-since-boot"
	[[ $stderr == *"cannot write"* ]]
	run -3 --separate-stderr "$CCAIO" verify -o /dev/full \
		--platform="$DATA/trace/linux-7.2-forced-since-boot.json" \
		"$DATA/trace/linux-7.2-forced-since-boot.dat"
	[[ $stderr == *"/dev/full"* ]]
}

@test "verify: a recorded verdict that does not come out again is trouble, down to its counts" {
	bundle=$BATS_TEST_TMPDIR/run.ccaio
	judged_bundle "$bundle" linux-7.2-noforce
	run -1 "$CCAIO" verify -q "$bundle"
	cp "$bundle/verdict.json" "$BATS_TEST_TMPDIR/honest"
	sed -i 's/"verdict": "VIOLATED"/"verdict": "INCONCLUSIVE"/' "$bundle/verdict.json"
	seal "$bundle"
	run -3 --separate-stderr "$CCAIO" verify "$bundle"
	[[ $stderr == *"dma-in-shared is refuted, although the verdict says INCONCLUSIVE"* ]]
	sed 's/"refutations": 384/"refutations": 3/' "$BATS_TEST_TMPDIR/honest" >"$bundle/verdict.json"
	seal "$bundle"
	run -3 --separate-stderr "$CCAIO" verify "$bundle"
	[[ $stderr == *"recorded with 3 counterexamples, but judged again it has 384"* ]]
	[ -z "$output" ]
}

@test "verify: a recorded verdict is compared, too, where a policy or the monitor's log was judged by" {
	bundle=$BATS_TEST_TMPDIR/run.ccaio
	judged_bundle "$bundle" linux-7.2-noforce
	echo '{"schema": "ccaio.policy/1"}' >"$bundle/policy.json"
	"$CCAIO" verify --scope=window --policy="$bundle/policy.json" -f json -o "$bundle/verdict.json" \
		--platform="$bundle/platform.json" "$bundle/trace.dat" || [ $? -eq 1 ]
	seal "$bundle"
	run -1 "$CCAIO" verify -q "$bundle"
	sed -i 's/"refutations": 384/"refutations": 3/' "$bundle/verdict.json"
	seal "$bundle"
	run -3 --separate-stderr "$CCAIO" verify "$bundle"
	[[ $stderr == *"recorded with 3 counterexamples, but judged again it has 384"* ]]

	judged_bundle "$bundle" realm-6.12
	cp "$DATA/trace/realm-6.12.rmm.log" "$bundle/rmm.log"
	"$CCAIO" verify --rmm-log="$bundle/rmm.log" -f json -o "$bundle/verdict.json" \
		--platform="$bundle/platform.json" "$bundle/trace.dat"
	seal "$bundle"
	run -0 "$CCAIO" verify -q "$bundle"
	sed -i 's/"agreed": 1420/"agreed": 1421/' "$bundle/verdict.json"
	rm "$bundle/rmm.log"
	seal "$bundle"
	run -3 --separate-stderr "$CCAIO" verify "$bundle"
	[[ $stderr == *"the verdict is recorded as PROVEN, but judged again it is INCONCLUSIVE"* ]]
}

# facts_without_bit33 FILE: facts of the recording, and of one more disk that does without
# ACCESS_PLATFORM.
facts_without_bit33() {
	jq '.virtio += [.virtio[1] | .name = "virtio9" | .parent = "0000:00:09.0" |
			.features |= .[0:33] + "0" + .[34:]] |
		.pci += [.pci[2] | .name = "0000:00:09.0"]' \
		"$DATA/trace/linux-7.2-forced-since-boot.json" >"$1"
}

@test "verify: a verdict about one device says so in every format, and warns of the others" {
	facts_without_bit33 "$BATS_TEST_TMPDIR/f.json"
	limited=("$CCAIO" verify --platform="$BATS_TEST_TMPDIR/f.json" -d virtio0
		"$DATA/trace/linux-7.2-forced-since-boot.dat")
	run -0 "${limited[@]}" -q
	has "PROVEN since boot, rehearsal, LIMITED to 0000:00:01.0: all 189 "
	# perfetto draws a timeline: it has the headline, but no list of devices
	for format in $("$CCAIO" verify --help | sed -n '/^Formats:/,$ s/^  \([a-z]*\) .*/\1/p'); do
		run -0 "${limited[@]}" -f "$format"
		case $format in
		json)
			jq -e '.limit == ["0000:00:01.0"] and any(.devices[]; .name == "0000:00:09.0" and .aside)' <<<"$output"
			jq -e 'any(.notes[]; test("would be VIOLATED for no-bypass"))' <<<"$output"
			;;
		perfetto) jq -e '.otherData.verdict | test("LIMITED to 0000:00:01.0")' <<<"$output" ;;
		markdown)
			has "LIMITED to 0000:00:01.0"
			has "0000:00:09.0, not in the verdict: dma-in-shared undecided"
			;;
		*)
			has "LIMITED to"
			has "0000:00:09.0, not in the verdict: dma-in-shared undecided"
			;;
		esac
	done
}

@test "verify: asked for the device that bypasses, for all, for none there is" {
	facts_without_bit33 "$BATS_TEST_TMPDIR/f.json"
	dat=$DATA/trace/linux-7.2-forced-since-boot.dat
	run -1 "$CCAIO" verify -q --platform="$BATS_TEST_TMPDIR/f.json" -d 0000:00:09.0 "$dat"
	has "VIOLATED since boot, rehearsal, LIMITED to 0000:00:09.0: refuted: no-bypass"
	run -1 "$CCAIO" verify -q --platform="$BATS_TEST_TMPDIR/f.json" --only-device all "$dat"
	lacks "LIMITED"
	run -3 --separate-stderr "$CCAIO" verify --platform="$BATS_TEST_TMPDIR/f.json" -d vdq "$dat"
	[ -z "$output" ]
	[[ $stderr == "ccaio verify: no device is called 'vdq'; there are: 0000:00:01.0 (virtio0), "* ]]
	run -3 --separate-stderr "$CCAIO" verify -d virtio0 "$dat"
	[[ $stderr == *"pass --platform=FILE" ]]
}

@test "verify: facts of another machine prove and refute nothing, and the report names the difference" {
	trace=$DATA/trace/linux-7.2-noforce
	facts=$BATS_TEST_TMPDIR/f.json
	run -1 "$CCAIO" verify -q --scope window --platform="$trace.json" "$trace.dat"
	jq '.kernel.release = "7.2.14"' "$trace.json" >"$facts"
	run -2 "$CCAIO" verify -f json --scope window --platform="$facts" "$trace.dat"
	has "the facts are of kernel 7.2.14, the recording of 7.2.13+deb14-arm64"
	jq '.swiotlb.pools = [{"name": "restricted", "start": "0x40000000", "end": "0x7fffffff"}]' \
		"$trace.json" >"$facts"
	run -2 "$CCAIO" verify -f json --scope window --platform="$facts" "$trace.dat"
	has "buffers were mapped although they lie inside what the facts call a pool"
	run -2 "$CCAIO" verify -f json --scope window --platform="$DATA/trace/linux-7.2-no-access-platform.json" \
		"$DATA/trace/linux-7.2-forced.dat"
	has "did not negotiate ACCESS_PLATFORM by the facts, but its DMA is in the recording"
	# armed at boot by the facts, but the recording holds ends of what it does not show begun
	run -2 "$CCAIO" verify -f json --scope window --platform="$DATA/trace/linux-7.2-forced-since-boot.json" \
		"$DATA/trace/linux-7.2-forced.dat"
	has "mappings are older than the recording"
}

@test "verify: the monitor's log: without the pool's line, cut, of two Realms, of another run" {
	log=$BATS_TEST_TMPDIR/rmm.log
	realm=(--platform="$DATA/trace/realm-7.2.json" "$DATA/trace/realm-7.2.dat")
	whole=$DATA/trace/realm-7.2.rmm.log
	# the rings say that it is this Realm's
	grep -v "STATE_SET *97400000 " "$whole" >"$log"
	run -1 "$CCAIO" verify -q --rmm-log="$log" "${realm[@]}"
	run -1 "$CCAIO" verify -f json --rmm-log="$log" "${realm[@]}"
	jq -e 'any(.counterexamples[]; .text | test("holds the bounce pool default at 0x97400000"))' \
		<<<"$output"
	# that a log which ends early has no line of it shows nothing
	sed '/STATE_SET *9be2/,$d' "$whole" >"$log"
	run -2 "$CCAIO" verify -q --rmm-log="$log" "${realm[@]}"
	# a Realm that nobody saw created lived beside it
	sed '3i SMC_RMI_DATA_DESTROY 50000000 82000000 > RMI_ERROR_RTT 3 0 82200000' "$whole" >"$log"
	run -2 "$CCAIO" verify -q --rmm-log="$log" "${realm[@]}"
	# one after the other
	cat "$DATA/trace/realm-6.12.rmm.log" "$whole" >"$log"
	run -0 "$CCAIO" verify -f json --rmm-log="$log" "${realm[@]}"
	jq -e 'any(.notes[]; test("log has 2 Realms"))' <<<"$output"
	run -2 "$CCAIO" verify -q --rmm-log="$DATA/trace/realm-6.12.rmm.log" "${realm[@]}"
}

@test "verify: a policy that expects more devices is not met by a limited verdict" {
	echo '{"schema": "ccaio.policy/1", "expected_devices":
		["0000:00:01.0", "0000:00:02.0", "0000:00:03.0", "0000:00:04.0"]}' >"$BATS_TEST_TMPDIR/p.json"
	judge 0 linux-7.2-forced-since-boot -q --policy="$BATS_TEST_TMPDIR/p.json"
	judge 2 linux-7.2-forced-since-boot -q --policy="$BATS_TEST_TMPDIR/p.json" -d virtio0
	has "the policy expects device 0000:00:02.0, which the verdict is not asked for"
}

@test "verify: a bundle of a limited run is judged for the same devices, unless asked otherwise" {
	bundle=$BATS_TEST_TMPDIR/l.ccaio
	judged_bundle "$bundle" linux-7.2-forced-since-boot
	cp -r "$bundle" "$BATS_TEST_TMPDIR/whole.ccaio"
	facts_without_bit33 "$bundle/platform.json"
	run -0 "$CCAIO" verify -d virtio0 --platform="$bundle/platform.json" -f json \
		-o "$bundle/verdict.json" "$bundle/trace.dat"
	seal "$bundle"
	run -0 "$CCAIO" verify -q "$bundle"
	has "LIMITED to 0000:00:01.0"
	run -1 "$CCAIO" verify -q -d all "$bundle"
	has "refuted: no-bypass"
	# the limit is what makes it PROVEN: without it the recorded verdict is not reproduced
	jq '.limit = null' "$bundle/verdict.json" >"$BATS_TEST_TMPDIR/v" && mv "$BATS_TEST_TMPDIR/v" "$bundle/verdict.json"
	seal "$bundle"
	run -3 "$CCAIO" verify -q "$bundle"
	has "judged again, the result differs: the verdict is recorded as PROVEN"
}

@test "report: two runs with different limits are not alike" {
	bundle=$BATS_TEST_TMPDIR/l.ccaio
	judged_bundle "$bundle" linux-7.2-forced-since-boot
	cp -r "$bundle" "$BATS_TEST_TMPDIR/whole.ccaio"
	run -0 "$CCAIO" verify -d virtio0 --scope=window --platform="$bundle/platform.json" -f json \
		-o "$bundle/verdict.json" "$bundle/trace.dat"
	seal "$bundle"
	run -1 "$CCAIO" report --against "$BATS_TEST_TMPDIR/whole.ccaio" "$bundle"
	has "limit: the whole machine → 0000:00:01.0"
	run -0 "$CCAIO" report --against "$bundle" "$BATS_TEST_TMPDIR/whole.ccaio"
}

@test "verify: a closed standard output is trouble, and no file takes its place" {
	run -3 --separate-stderr bash -c '"$0" verify --platform="$1.json" "$1.dat" >&-' \
		"$CCAIO" "$DATA/trace/linux-7.2-forced-since-boot"
	[[ $stderr == "ccaio: cannot write to standard output: Bad file descriptor" ]]
	cd "$BATS_TEST_TMPDIR"
	bash -c '"$0" verify -f tap -o file --platform="$1.json" "$1.dat" >&- 2>&-' \
		"$CCAIO" "$DATA/trace/linux-7.2-forced-since-boot"
	[ "$(head -1 file)" = "TAP version 13" ]
}

@test "verify: a terminal narrower than a report is filled, not overrun" {
	command="stty cols 66; '$CCAIO' verify -v --platform='$DATA/trace/linux-7.2-noforce.json' '$DATA/trace/linux-7.2-noforce.dat'"
	run -1 env -u COLUMNS script -qec "$command" /dev/null
	# one word may be longer than a line
	awk '{ sub(/\r$/, ""); gsub(/\033\[[0-9]*m/, "") } length > 66 && /[^ ] +[^ ]+ +[^ ]/ && !/:\/|\.dat/' <<<"$output" >"$BATS_TEST_TMPDIR/wide"
	[ ! -s "$BATS_TEST_TMPDIR/wide" ] || { cat "$BATS_TEST_TMPDIR/wide"; false; }
	[ "$(wc -l <<<"$output")" -gt "$("$CCAIO" verify -v --platform="$DATA/trace/linux-7.2-noforce.json" "$DATA/trace/linux-7.2-noforce.dat" | wc -l)" ]
}

@test "verify: a terminal gets colours, one that is dumb or NO_COLOR none" {
	command="'$CCAIO' report -q '$DATA/bundles/0.1/demo.ccaio'"
	run -0 env -u NO_COLOR TERM=vt100 script -qec "$command" /dev/null
	[[ $output == *$'\033['*PROVEN* ]]
	for without in TERM=dumb NO_COLOR=1; do
		run -0 env -u NO_COLOR TERM=vt100 "$without" script -qec "$command" /dev/null
		[[ $output == PROVEN* ]]
	done
}

@test "verify: the bundles kept of every version verify" {
	for bundle in "$DATA"/bundles/*/*.ccaio; do
		run -0 --separate-stderr "$CCAIO" verify "$bundle"
		[[ $output == *"PROVEN since boot"* ]]
		[ -z "$stderr" ]
		run -0 "$CCAIO" report -q "$bundle"
	done
}

@test "verify: members of facts that this version does not know are named" {
	jq '.later = 1 | .trace.later = true' "$DATA/trace/linux-7.2-forced-since-boot.json" >"$BATS_TEST_TMPDIR/f.json"
	run -0 "$CCAIO" verify --platform="$BATS_TEST_TMPDIR/f.json" "$DATA/trace/linux-7.2-forced-since-boot.dat"
	[[ $(tr -s ' \n' '  ' <<<"$output") == *"the facts have members that ccaio "*" does not know and did not judge: trace.later, later"* ]]
}

# with_verdict BUNDLE FILTER: the kept recording of 0.1, its verdict changed by jq and sealed again.
with_verdict() {
	rm -rf "$1"
	cp -r "$DATA/bundles/0.1/demo.ccaio" "$1"
	jq "$2" "$DATA/bundles/0.1/demo.ccaio/verdict.json" >"$1/verdict.json"
	seal "$1"
}

@test "verify: what an older version did not judge is named, and today's verdict counts" {
	bundle=$BATS_TEST_TMPDIR/old.ccaio
	with_verdict "$bundle" 'del(.conditions.conserved, .claims.egress, .devices[].claims.egress) | del(.totals.syncs)'
	run -0 --separate-stderr "$CCAIO" report -v --as-recorded "$bundle"
	[[ $output == *"not-judged"*"conserved"* ]]
	run -0 --separate-stderr "$CCAIO" verify "$bundle"
	[[ $(tr -s ' \n' '  ' <<<"$output") == *"ccaio 0.1, which recorded this evidence, did not judge egress, conserved"* ]]
	[[ $output != *"had judged"* ]]
	# it comes out differently now: a line says what the older version had said
	with_verdict "$bundle" '.conditions.baseline = {"state":"unmet","reason":"was not known"} | .verdict = "INCONCLUSIVE"'
	run -0 --separate-stderr "$CCAIO" verify "$bundle"
	[[ $(tr -s ' \n' '  ' <<<"$output") == *"ccaio 0.1 had judged this evidence INCONCLUSIVE,"*"judges it PROVEN: baseline was unmet, is met"* ]]
	run -0 "$CCAIO" verify -f json "$bundle"
	[ "$(jq -r .verdict <<<"$output")" = PROVEN ]
}

@test "verify, report: what only a newer version knows is shown, and unmet it is never PROVEN" {
	bundle=$BATS_TEST_TMPDIR/new.ccaio
	for tool in "ccaio 0.1" "ccaio 9.9"; do
		with_verdict "$bundle" ".run.tool = \"$tool\" | .conditions.sealed = {\"state\":\"unmet\",\"reason\":\"the seal is broken\"}"
		for command in report verify; do
			run -2 --separate-stderr "$CCAIO" $command "$bundle"
			[[ $output != *PROVEN\ * && $output == INCONCLUSIVE* ]]
			[[ $(tr -s ' \n' '  ' <<<"$output") == *"the condition 'sealed', which this version of ccaio does not know, is unmet: the seal is broken"* ]]
			shown=("$BATS_TEST_TMPDIR"/shown.{xml,tap,md,sarif,jsonl,json})
			rm -f "${shown[@]}"
			run -2 "$CCAIO" $command "${shown[@]/#/-o}" "$bundle"
			[ "$(grep -l sealed "${shown[@]}" | wc -l)" = 6 ]
		done
		run -2 "$CCAIO" verify -q --scope=window "$bundle"
		with_verdict "$bundle" ".run.tool = \"$tool\" | .claims.kept = {\"state\":\"holds\",\"reason\":\"all of it\"}"
		run -0 "$CCAIO" verify "$bundle"
		[[ $(tr -s ' \n' '  ' <<<"$output") == *"the claim 'kept', which this version of ccaio does not know, is holds: all of it"* ]]
	done
	# this version knows what it knows
	version=$("$CCAIO" --version | sed -n '1s/^\(ccaio [0-9.]*\).*/\1/p')
	with_verdict "$bundle" ".run.tool = \"$version\" | .conditions[\"facts-consistent\"] = {\"state\":\"met\"} | .conditions.sealed = {\"state\":\"unmet\"}"
	run -2 "$CCAIO" report --as-recorded "$bundle"
	run -3 --separate-stderr "$CCAIO" verify "$bundle"
	[[ $stderr == *"'sealed', which $version does not know"* ]]
}

@test "report, verify: the same member twice is refused in every file of a bundle" {
	for file in verdict platform exchanges; do
		bundle=$BATS_TEST_TMPDIR/$file.ccaio
		rm -rf "$bundle"
		cp -r "$DATA/bundles/0.1/demo.ccaio" "$bundle"
		sed -i '0,/"schema"/s//"verdict":"VIOLATED","verdict":"PROVEN","schema"/' "$bundle/$file.json"
		seal "$bundle"
		for command in report verify; do
			run -3 --separate-stderr "$CCAIO" $command "$bundle"
			[ -z "$output" ]
			[[ $stderr == *"$file.json: an object has two members of one name"* ]]
		done
	done
}

# with_net BUNDLE PACKETS BYTES: the kept recording, as if its interface had counted so much as sent.
with_net() {
	rm -rf "$1"
	cp -r "$DATA/bundles/0.1/demo.ccaio" "$1"
	jq --argjson packets "$2" --argjson bytes "$3" '
		.net[0].counters = [] | .net[0].after.tx_packets = .net[0].before.tx_packets + $packets |
		.net[0].after.tx_bytes = .net[0].before.tx_bytes + $bytes' "$DATA/bundles/0.1/demo.ccaio/platform.json" >"$1/platform.json"
	seal "$1"
}

@test "verify: what an interface counted itself is compared with the events, from both sides" {
	bundle=$BATS_TEST_TMPDIR/demo.ccaio
	# what the trace tells between the two looks: as the interface of the recording counted
	read -r packets bytes < <(jq -r '.net[0] | [.after.tx_packets - .before.tx_packets, .after.tx_bytes - .before.tx_bytes] | @tsv' \
		"$DATA/bundles/0.1/demo.ccaio/platform.json")
	with_net "$bundle" "$packets" "$bytes"
	run -0 --separate-stderr "$CCAIO" verify -v "$bundle"
	for by in -1 1; do
		for what in packets bytes; do
			[ $what = packets ] && with_net "$bundle" $((packets + by)) "$bytes" || with_net "$bundle" "$packets" $((bytes + by))
			run -2 --separate-stderr "$CCAIO" verify -v --scope=window -f text -o - -f json -o "$BATS_TEST_TMPDIR/r.json" \
				-f html -o "$BATS_TEST_TMPDIR/r.html" "$bundle"
			[[ $output == *"unmet"*"conserved"*"eth0 out: $what by the interface's own count $((${!what} + by)), $what in"*"events ${!what}"* ]]
			[[ $output == *"byte and packet cross-checks agree: not every byte is accounted for"* ]]
			[ "$(jq -c '.conditions.conserved.state, [.exchanges.conservation[] | select(.holds | not) | .what, .left, .right]' \
				"$BATS_TEST_TMPDIR/r.json" | tr '\n' ' ')" = "\"unmet\" [\"eth0 out\",$((${!what} + by)),${!what}] " ]
			grep -q "$what by the interface.*s own count" "$BATS_TEST_TMPDIR/r.html"
		done
	done
	# of a bare trace.dat with the same facts, and of a bundle in which nobody looks at exchanges, too
	with_net "$bundle" $((packets - 1)) "$bytes"
	run -2 --separate-stderr "$CCAIO" verify -f json --platform="$bundle/platform.json" "$bundle/trace.dat"
	[ "$(jq -r .conditions.conserved.reason <<<"$output")" = \
		"eth0 out: packets by the interface's own count $((packets - 1)), packets in events $packets" ]
	rm "$bundle/exchanges.json" "$bundle/packets.pcap"
	seal "$bundle"
	run -2 --separate-stderr "$CCAIO" verify -q --scope=window "$bundle"
	[[ $output == *"not proven: conserved" ]]
	with_net "$bundle" "$packets" "$bytes"
	run -0 --separate-stderr "$CCAIO" verify -v --platform="$bundle/platform.json" "$bundle/trace.dat"
	# counters that cannot be: refused, and named
	with_net "$bundle" "$packets" -80000
	run -3 --separate-stderr "$CCAIO" verify "$bundle"
	[[ $stderr == *"net[0].after.tx_bytes: expected a number that is not negative" ]]
}

@test "verify: a Realm whose network card takes fragmented packets: every byte, with descriptor tables" {
	for log in '' "--rmm-log=$DATA/realm-offloads.rmm.log"; do
		run -0 "$CCAIO" verify -v --scope since-boot ${log:+"$log"} "$DATA/realm-offloads.ccaio"
		has "PROVEN since boot, in a Realm"
		has "22 of 22 byte and packet cross-checks agree"
		has "201: complete, clear, grade nested"
		has "200: complete, clear, grade nested"
	done
	has "204 ranges in memory that the monitor held as shared, 0 in"
}

@test "verify: facts of before and after a recording of trace-cmd tell what changed" {
	cd "$BATS_TEST_TMPDIR"
	twice() {
		moment "${2:-9000000000}" "$1" >after.json
		run --separate-stderr "$CCAIO" verify --scope=window --platform=before.json --platform=after.json \
			"$DATA/trace/linux-7.2-forced.dat"
	}
	moment 4000000000 >before.json
	twice .
	[ "$status" -eq 0 ]
	has "ccaio verify -v --platform before.json --platform after.json"
	twice '.moment.devices[0] = "virtio0 9 8 1"'
	[ "$status" -eq 2 ]
	has "a device came or went"
	twice '.moment.cpus[0] = "0"'
	has "a CPU came or went"
	twice '.moment.tsm = ["0000:00:01.0 locked"]'
	has "trust state"
	twice '.ram[0].end = "0xfffffffff"'
	has "a device came or went"
	twice '.moment |= (.log_next = 102 | .log += ["101 virtio_net virtio0: swiotlb buffer is full"])'
	[ "$status" -eq 2 ]
	has "virtio_net virtio0"
	twice '.moment |= (.log_first = 101 | .log_next = 102)'
	has "the kernel log of the window is not known"
	twice '.moment.log_next = null'
	has "the kernel log of the window is not known"
	twice . 4000000001
	[ "$status" -eq 2 ]
	has "does not lie between"
	twice . 3000000000
	[ "$status" -eq 3 ]
	[[ $stderr == *"were read after those of after"* ]]
	twice '.kernel.boot_id = "c"'
	[ "$status" -eq 3 ]
	[[ $stderr == *"of two boots"* ]]
	twice 'del(.moment)'
	[ "$status" -eq 3 ]
	[[ $stderr == *"do not say when they were read"* ]]
	twice '.window = {devices_changed: false}'
	[ "$status" -eq 3 ]
	[[ $stderr == *"not those of a run"* ]]
	# one moment tells nothing of a window
	run -2 "$CCAIO" verify --scope=window --platform=before.json "$DATA/trace/linux-7.2-forced.dat"
	run -3 "$CCAIO" verify --platform=before.json --platform=before.json --platform=before.json x.dat
}
