# SPDX-License-Identifier: LGPL-2.1-or-later
# A network like that of kvmtool and of clouds: packets in several pieces, segmented and checked by the device,
# merged receive buffers, several queues.  Every byte is accounted for.

load helper
load tap

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
