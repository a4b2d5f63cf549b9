# SPDX-License-Identifier: LGPL-2.1-or-later
# ccaio bench workload and compare, with servers and load generators that only look like them; the real ones run in
# the guests of make bench-workloads.
load helper

MADE=$BATS_TEST_DIRNAME/../data/bench/made

setup() {
	mkdir "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/files"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	export CCAIO_ROOT=$DATA/root
}

# program NAME LINE...: a shell script of that name in PATH
program() {
	local name=$BATS_TEST_TMPDIR/bin/$1
	shift
	printf '%s\n' '#!/bin/sh' "$@" >"$name"
	chmod +x "$name"
}

@test "bench workload: names that are none, and what is not given" {
	run -3 --separate-stderr "$CCAIO" bench workload
	[[ $stderr == *"name what to measure"* ]]
	run -3 --separate-stderr "$CCAIO" bench workload redis nginx
	[[ $stderr == *"no workload is called 'nginx'"* ]]
	run -3 --separate-stderr "$CCAIO" bench workload redi
	run -3 --separate-stderr "$CCAIO" bench workload apache
	[[ $stderr == *"apache: its client must run on another machine: give --client"* ]]
	run -3 --separate-stderr "$CCAIO" bench workload http-download
	[[ $stderr == *"give --url"* ]]
	run -3 --separate-stderr "$CCAIO" bench workload hackbench --directory "$BATS_TEST_TMPDIR/none"
	[[ $stderr == *"cannot make a folder in $BATS_TEST_TMPDIR/none"* ]]
}

@test "bench workload: --help and the manual list the same workloads" {
	"$CCAIO" bench --help | sed -n '/^Workloads/,$ s/^  \([a-z0-9-]*\) .*/\1/p' | sort >"$BATS_TEST_TMPDIR/help"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/help")" = 12 ]
	sed -n 's/^|  \([a-z0-9, -]*\)$/\1/p' "$BATS_TEST_DIRNAME/../../man/ccaio-bench.1.scd" | tr -s ', ' '\n' |
		grep -xFf "$BATS_TEST_TMPDIR/help" | sort | diff "$BATS_TEST_TMPDIR/help" -
}

@test "bench workload: runs a load once more than asked, in a folder that is gone afterwards" {
	program hackbench "echo \"\$@\" >>$BATS_TEST_TMPDIR/ran" "echo \"\$PWD\" >>$BATS_TEST_TMPDIR/where"
	run -0 --separate-stderr "$CCAIO" bench workload hackbench --runs 3 -f json --instruction-ns 8 --machine it \
		--directory "$BATS_TEST_TMPDIR/files"
	[ "$(cat "$BATS_TEST_TMPDIR/ran")" = $'-g 1 -l 60\n-g 1 -l 60\n-g 1 -l 60\n-g 1 -l 60' ]
	[[ $(head -n 1 "$BATS_TEST_TMPDIR/where") == "$BATS_TEST_TMPDIR"/files/ccaio-bench.* ]]
	[ -z "$(ls "$BATS_TEST_TMPDIR/files")" ]
	echo "$output" >"$BATS_TEST_TMPDIR/results"
	jq -e '.machine == "it" and .instruction_ns == 8 and (.workloads | length) == 1 and
		(.workloads[0] | .name == "hackbench" and .operations == 60 and (.runs | length) == 3 and all(.runs[]; .ns > 0))' \
		"$BATS_TEST_TMPDIR/results"
	run -0 "$BATS_TEST_DIRNAME/../../scripts/check-json" "$BATS_TEST_TMPDIR/results"
}

@test "bench workload: a load that fails is named with what it said, and the others are measured" {
	program hackbench 'exit 0'
	program fio 'case $* in *--bs=4k*) echo; echo "fio: no such disk"; exit 1 ;; esac'
	run -3 --separate-stderr "$CCAIO" bench workload fio hackbench --runs 1 -f json --directory "$BATS_TEST_TMPDIR/files"
	[[ $stderr == *"fio-4k-random: its load failed: fio: no such disk"* ]]
	[ "$(jq -c '[.workloads[].name]' <<<"$output")" = '["hackbench","fio-64k-random","fio-64k-sequential","fio-64k-write"]' ]
}

@test "bench workload: a server is started, reached by a client elsewhere, and ended" {
	program memcached "echo \$\$ >>$BATS_TEST_TMPDIR/pid" "exec '$APPS/keybroker-server' -p 11211"
	program elsewhere 'exec "$@"'
	program memcaslap "echo \"\$@\" >>$BATS_TEST_TMPDIR/ran" 'echo "TPS: 1"'
	run -0 --separate-stderr "$CCAIO" bench workload memcached --client elsewhere --address 192.0.2.1 --runs 2
	[[ $output == *memcached* ]]
	[ "$(sort -u "$BATS_TEST_TMPDIR/ran")" = '-s 192.0.2.1:11211 -T 1 -c 8 -x 3000' ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/ran")" = 3 ]
	run -1 kill -0 "$(cat "$BATS_TEST_TMPDIR/pid")"
	# output without its result is no run
	program memcaslap 'echo "no server"'
	run -3 --separate-stderr "$CCAIO" bench workload memcached --client elsewhere --runs 1
	[[ $stderr == *"memcached: its load failed: no server"* ]]
	# a server that does not come up
	program memcached 'echo "cannot bind"; exit 1'
	run -3 --separate-stderr "$CCAIO" bench workload memcached --client elsewhere --runs 1
	[[ $stderr == *"memcached: the server ended: cannot bind"* ]]
}

@test "bench compare: ratios run by run, of instructions and of time" {
	run -0 "$CCAIO" bench compare "$MADE"/*.json
	[[ $output == *"| hackbench | round | 1000000 | 3 | 1.050 (1.000-1.100) | 1.500 (1.250-1.500) | 1.500 (1.375-1.575) | 1.235 (0.292 and 0.3606 s)"* ]]
	[[ $output == *"| redis-set | request | 0 | 3 | not measured | 1.500 (1.250-1.500) | not measured | 0.956 (827905 and 866243 per s) |"* ]]
	[[ $output == *"| hackbench | round | 10000 | 2 | not measured | not measured | 1.750 (1.500-2.000) | 1.235"* ]]
	[[ $output != *"| apache |"* ]]
	grep -q '^Not measured: fio-4k-random, .*, redis-get, memcached, apache, mariadb\.$' <<<"$output"
}

@test "bench compare: what the meter counted, by operation, and what it costs" {
	run -0 "$CCAIO" bench compare "$MADE"/*.json
	[[ $output == *"| redis-set | request | 3 | 3.00 | 124 | 1.00 | 127 | 1.020 (1.010-1.030) | 2 |"* ]]
	[ "$(grep -c 'with the meter / without' <<<"$output")" = 1 ]
}

@test "bench workload: a meter that this user cannot have is trouble" {
	program hackbench 'exit 0'
	run -3 --separate-stderr setpriv --bounding-set=-all "$CCAIO" bench workload hackbench --cost \
		--directory "$BATS_TEST_TMPDIR/files"
	[[ $stderr == "ccaio bench: hackbench: copies (swiotlb_bounce): "* ]]
	[ -z "$output" ]
}

@test "bench compare: results that cannot be compared are trouble, and nothing is written" {
	cd "$BATS_TEST_TMPDIR"
	run -3 --separate-stderr "$CCAIO" bench compare "$MADE/bounced.json"
	[ -z "$output" ]
	[[ $stderr == *"no workload was measured in two ways"* ]]
	jq '.workloads[0].operations = 59' "$MADE/bounced.json" >other.json
	run -3 --separate-stderr "$CCAIO" bench compare "$MADE/direct.json" other.json
	[ -z "$output" ]
	[[ $stderr == *"hackbench: the results are of 60 and of 59 operations"* ]]
	for change in '.way = "sideways"' 'del(.workloads)' '.workloads[0].runs[0].ns = "1"' '.schema = "x/1"'; do
		jq "$change" "$MADE/bounced.json" >other.json
		run -3 --separate-stderr "$CCAIO" bench compare "$MADE/direct.json" other.json
		[ -z "$output" ]
		[[ $stderr == *other.json* ]]
	done
}

@test "bench compare: docs/cost.md is what it writes of the kept measurements" {
	run -0 "$CCAIO" bench compare "$MADE"/../*.json
	[ "$output" = "$(cat "$DATA/../../docs/cost.md")" ]
}

@test "bench workload: where nothing was measured, there is no table of nothing" {
	run -3 --separate-stderr "$CCAIO" bench workload memcached
	[ -z "$output" ]
	[[ $stderr == *"memcached: its client must run on another machine"* ]]
}
