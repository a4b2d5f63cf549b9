# SPDX-License-Identifier: LGPL-2.1-or-later
# What a network with offloads must do, for tap.bats and for all combinations in everyday/tap.bats.

# over NET OPTION...: a key broker's exchanges, downloads and an upload over that network are PROVEN, at grades exact
# or nested, with every sum.
over() {
	local net=$1 name
	shift
	bundles=$BATS_TEST_TMPDIR/out
	run -0 --separate-stderr guest --timeout 500 --net "$net" "$@" --out "/root/out:$bundles" \
		--peer "exec '$APPS/keybroker-server' -a 10.0.2.2 -p 8088" -- sh -c '
		url=http://10.0.2.2:8088
		mkdir out && cd out
		t() { n=$1; shift; ccaio trace -o $n.ccaio -- "$@" >$n.txt 2>&1 || echo "$n $?"; }
		head -c 300000 /dev/zero >big
		t key keybroker-app --endpoint $url skywalker
		t down curl -s -o /dev/null $url/blob/400000
		t up curl -s -o /dev/null --data-binary @big $url/x
		t many sh -c "for i in 1 2 3 4; do curl -s -o /dev/null $url/blob/50000 & done; wait"
		rm big'
	[ -z "$output" ]
	for name in key down up many; do
		# for the run: receive buffers are cut anew from pages that were mapped before it
		jq -e '.verdict == "PROVEN" and .scope == "run"' "$bundles/$name.ccaio/verdict.json"
		jq -e '([.exchanges[] | .grade] | length > 0 and all(. == "nested" or . == "exact")) and
			([.conservation[].holds] | length > 10 and all)' "$bundles/$name.ccaio/exchanges.json"
	done
	jq -e '[.exchanges[].status] == [201, 200]' "$bundles/key.ccaio/exchanges.json"
	jq -e '.exchanges | length == 4' "$bundles/many.ccaio/exchanges.json"
}

# An indirect table of 16 bytes for each piece was mapped last, or no piece more than the frame has bytes.
pieces() {
	jq -e '[.exchanges[].out | .transfers > .packets] | any' "$bundles/up.ccaio/exchanges.json"
}
