# SPDX-License-Identifier: LGPL-2.1-or-later
# ccaio report --against: equal runs are equal, what is worse is found, in every format that has it.
load helper

# bundle DIR RUN: the evidence of a kept run, as far as a comparison reads it.
bundle() {
	mkdir -p "$1"
	cp "$DATA/against/$2"/*.json "$DATA/against/platform.json" "$1"
	seal "$1"
}

# changed DIR FILE FILTER: a bundle's file, otherwise.
changed() {
	jq "$3" "$1/$2" >"$BATS_TEST_TMPDIR/changed.json"
	mv "$BATS_TEST_TMPDIR/changed.json" "$1/$2"
	seal "$1"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	bundle was equal/run-1
	bundle is equal/run-2
}

@test "against: twenty pairs of equal runs in one guest, and runs since boot, are equal" {
	local pairs=0 a b kind
	for kind in equal boot; do
		for a in "$DATA/against/$kind"/run-*; do
			bundle "${a##*/}.$kind" "$kind/${a##*/}"
		done
		for a in run-*."$kind"; do
			for b in run-*."$kind"; do
				[ "$a" != "$b" ] || continue
				run -0 --separate-stderr "$CCAIO" report --against "$a" "$b"
				[[ $output == "0 changed, 0 of them for the worse; "*" differ as equal runs do" ]] || {
					echo "$a $b: $output"
					return 1
				}
				pairs=$((pairs + 1))
			done
		done
	done
	[ "$pairs" = 22 ]
}

@test "against: -v lists what equal runs differ by" {
	run -0 --separate-stderr "$CCAIO" report -v --against was is
	[[ $output == *"noise    traffic    0000:00:02.0: unattributed traffic in: block requests of"* ]]
	run -0 --separate-stderr "$CCAIO" report -q --against was is
	[ -z "$output" ]
}

@test "against: a device that violates now, a condition unmet, bytes exposed, a new exchange are worse" {
	cp -r is kept
	while read -r line; do
		file=${line%%;;*} words=${line##*;;} filter=${line#*;;}
		filter=${filter%;;*}
		rm -r is
		cp -r kept is
		changed is "$file" "$filter"
		run -1 --separate-stderr "$CCAIO" report --against was is
		[[ $(tr -s ' \n' '  ' <<<"$output") == *"worse $words"* ]] || {
			echo "$filter: $output"
			return 1
		}
	done <<-'END'
		verdict.json;;.devices[1].claims["dma-in-shared"] = "refuted" | .claims["dma-in-shared"].state = "refuted" | .verdict = "VIOLATED";;verdict verdict: PROVEN → VIOLATED
		verdict.json;;.devices[1].claims["dma-in-shared"] = "refuted" | .claims["dma-in-shared"].state = "refuted" | .verdict = "VIOLATED";;device 0000:00:02.0: dma-in-shared: holds → refuted
		verdict.json;;.conditions["canary-seen"].state = "unmet" | .verdict = "INCONCLUSIVE";;condition canary-seen: met → unmet
		verdict.json;;.devices[0].totals.out_bytes += 8192;;egress 0000:00:01.0, bytes sent out
		verdict.json;;.devices[0].totals.stale_bytes += 1048576;;egress 0000:00:01.0, bytes exposed needlessly
		verdict.json;;.devices[1].totals.stale_bytes += 65536;;egress 0000:00:02.0, bytes exposed needlessly
		verdict.json;;.devices += [.devices[0] + {name: "0000:00:09.0"}];;device 0000:00:09.0: is new
		exchanges.json;;.exchanges[0].target = "/exfiltrate";;exchange POST /exfiltrate → 201
		exchanges.json;;.result.clear_bytes += 4000;;traffic clear text
		exchanges.json;;.unattributed += [{device: "0000:00:01.0", direction: "out", reason: "UDP", transfers: 1, bytes: 100}];;traffic 0000:00:01.0: new unattributed traffic out: UDP, 100 bytes
		exchanges.json;;.unattributed += [{device: "0000:00:01.0", direction: "out", reason: "ICMPv6", transfers: 1, bytes: 100}];;traffic 0000:00:01.0: new unattributed traffic out: ICMPv6, 100 bytes
		exchanges.json;;.unattributed += [{device: "0000:00:01.0", direction: "out", reason: "ICMPv6 neighbour discovery", transfers: 90, bytes: 9000}];;traffic 0000:00:01.0: new unattributed traffic out: ICMPv6 neighbour discovery, 9000 bytes
	END
}

@test "against: what the kernel says to its own link, another session and another port are noise" {
	changed is exchanges.json '.unattributed += [{device: "0000:00:01.0", direction: "out", reason: "DHCP", transfers: 2, bytes: 700},
		{device: "0000:00:01.0", direction: "in", reason: "IGMP", transfers: 1, bytes: 54}] |
		.connections[].remote = "10.0.2.2:50001" |
		(.exchanges[] | select(.target | startswith("/keys/v1/evidence/"))).target = "/keys/v1/evidence/1234567890"'
	run -0 --separate-stderr "$CCAIO" report --against was is
	[[ $output == "0 changed, "* ]]
	# a port that somebody chose is another service
	changed is exchanges.json '.connections[].remote = "10.0.2.2:8443"'
	run -1 --separate-stderr "$CCAIO" report --against was is
	[[ $output == *"8443: is new"* ]]
}

@test "against: in json, markdown and junit" {
	changed is verdict.json '.devices[0].totals.out_bytes += 8192 | .devices[1].name = "x<|>y"'
	run -1 --separate-stderr "$CCAIO" report --against was -f json -o diff.json is
	run -0 "$BATS_TEST_DIRNAME/../../scripts/check-json" diff.json
	jq -e '.worse >= 2 and .before.verdict == "PROVEN" and .differences[0].change == "worse" and
		any(.differences[]; .kind == "egress" and .change == "worse" and .after - .before > 4096)' diff.json
	run -1 --separate-stderr "$CCAIO" report --against was -f markdown is
	[[ $output == "### ccaio: "*"| **worse** | egress | 0000:00:01.0, bytes sent out | "* ]]
	[[ $output != *"<|>"* ]]
	run -1 --separate-stderr "$CCAIO" report --against was -f junit -o diff.xml is
	/usr/bin/python3 - diff.xml <<-'END'
		import sys
		import xml.etree.ElementTree as tree
		suite = tree.parse(sys.argv[1]).getroot()[0]
		cases = {c.get("name"): c.find("failure") for c in suite.iter("testcase")}
		assert int(suite.get("tests")) == len(cases) == 8
		assert int(suite.get("failures")) == sum(f is not None for f in cases.values()) == 2
		assert "sent out" in cases["egress"].text and "x<|>y" in cases["device"].text
	END
	bundle equal equal/run-4
	run -0 --separate-stderr "$CCAIO" report --against was -f junit equal
	[[ $output != *"<failure"* ]]
	run -3 --separate-stderr "$CCAIO" report --against was -f sarif is
	[[ $stderr == *"--against does not go with the format sarif: take text, json, markdown or junit"* ]]
}
