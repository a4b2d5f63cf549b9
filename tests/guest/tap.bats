# SPDX-License-Identifier: LGPL-2.1-or-later
# A network like that of kvmtool and of clouds: packets in several pieces, segmented and checked by the device,
# merged receive buffers, several queues.  Every byte is accounted for.

load helper

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

@test "tap: all offloads, fragments with tables (7.x arm64, 1 CPU, 1 queue)" {
	over tap
	pieces
	# 400,000 bytes came in packets larger than a frame of Ethernet, in several buffers each
	jq -e '.exchanges[0].in | .packets < 290 and .transfers > .packets' "$bundles/down.ccaio/exchanges.json"
}

@test "tap: all offloads, several queues (6.12 arm64, 4 CPUs, 4 queues)" {
	over tap,queues=4 --kernel 6.12 --cpus 4
	pieces
}

@test "tap: packed rings, several queues (7.x amd64, 4 CPUs, 4 queues)" {
	over tap,queues=4,packed=on --arch amd64 --cpus 4
	pieces
}

@test "tap: fragments without tables (7.x arm64, 1 CPU, 1 queue)" {
	over tap,indirect=off
	pieces
}

@test "tap: a NIC that is down, and one whose address changes, cut no exchange (7.x arm64, 1 CPU)" {
	local second='-netdev user,id=second -device virtio-net-pci,netdev=second,iommu_platform=on,disable-legacy=on,romfile='
	bundles=$BATS_TEST_TMPDIR/out
	run -0 --separate-stderr guest --timeout 500 --net tap --qemu "$second" --out "/root/out:$bundles" \
		--peer "exec '$APPS/keybroker-server' -a 10.0.2.2 -p 8088" -- sh -c '
		mkdir out && cd out && ccaio trace --scope window -o x.ccaio -- sh -c "
			curl -s -o /dev/null -d a=b http://10.0.2.2:8088/before
			ip link set eth0 address 52:54:00:12:34:99
			curl -s -o /dev/null -d a=b http://10.0.2.2:8088/after" >x.txt 2>&1'
	jq -e '.verdict == "PROVEN"' "$bundles/x.ccaio/verdict.json"
	jq -e '[.exchanges[] | .method, .target, .status, .out.body_bytes] == ["POST", "/before", 404, 3, "POST", "/after", 404, 3]' \
		"$bundles/x.ccaio/exchanges.json"
	jq -e '.result.notes | any(startswith("eth1 was down as the window opened"))' "$bundles/x.ccaio/exchanges.json"
}
