# The guest itself: what every other test in a guest relies on.

load helper

@test "guest: gives the command's output, errors and status; copies in and out what it is given, byte by byte" {
	mkdir "$BATS_TEST_TMPDIR/in"
	head -c 1000000 /dev/urandom >"$BATS_TEST_TMPDIR/in/a"
	printf 'one\r\ntwo\0' >"$BATS_TEST_TMPDIR/b"
	run -7 --separate-stderr guest --in "$BATS_TEST_TMPDIR/in" --in "$BATS_TEST_TMPDIR/b:/tmp2/c" \
		--out "/root/in:$BATS_TEST_TMPDIR/out" --out "/tmp2/c:$BATS_TEST_TMPDIR/c" -- \
		sh -c 'echo "to $1"; echo err >&2; exit 7' sh "it's  out"
	[ "$output" = "to it's  out" ]
	[ "$stderr" = err ]
	cmp "$BATS_TEST_TMPDIR/in/a" "$BATS_TEST_TMPDIR/out/a"
	cmp "$BATS_TEST_TMPDIR/b" "$BATS_TEST_TMPDIR/c"
}

@test "guest: a file that is not there to be copied out is trouble" {
	run -125 --separate-stderr guest --out "/none:$BATS_TEST_TMPDIR/none" -- true
	[[ $stderr == *"the guest has no /none"* ]]
}

@test "guest: bounces every mapping, has a disk, a network and a key broker" {
	start_broker
	run -0 --separate-stderr guest --boot-armed -- sh -c '
		keybroker-app -v --endpoint "$1" skywalker && head -c 11 /dev/vda &&
		cat /sys/kernel/tracing/instances/ccaio/trace && cat /sys/bus/virtio/devices/*/features' sh "$(broker_url)"
	[[ $stderr == *"INFO Attestation success :-) ! The key returned from the keybroker is 'May the force be with you.'" ]]
	[[ $output == "ccaio disk"* ]]
	[[ $output == *swiotlb_bounced*dma_map_* ]]
	# Bit 33 of all three devices.
	[ "$(grep -cE '^[01]{33}1' <<<"$output")" = 3 ]
	[ "$(jq -c '[.body_in, .status]' "$broker_log" | tr '\n' ' ')" = '[228,201] [2766,200] ' ]
}

@test "guest: only the device asked for goes without iommu_platform" {
	run -0 guest --no-iommu-platform=blk -- sh -c 'cd /sys/bus/virtio/devices; for d in *; do basename "$(readlink $d/driver)"; cut -c34 $d/features; done'
	[ "$(tr '\n' ' ' <<<"$output")" = 'virtio_net 1 virtio_blk 0 virtio_rng 1 ' ]
}

@test "guest: takes CPUs, memory, MMIO, a kernel parameter and another kernel" {
	run -0 --separate-stderr guest --kernel 6.12 --cpus 2 --memory 768 --transport mmio --swiotlb noforce --append 'quiet foo=bar' -- sh -c '
		uname -r; nproc; cat /proc/cmdline; ls /sys/bus/pci/devices | wc -l; ls -l /sys/bus/virtio/devices'
	[[ ${lines[0]} == 6.12.* ]]
	[ "${lines[1]}" = 2 ]
	[[ ${lines[2]} == *swiotlb=noforce*foo=bar* ]]
	[[ $output == *virtio_mmio/virtio2* ]]
}

@test "guest: one that hangs is ended in the stated time, exit 124, its console kept" {
	run -124 --separate-stderr guest --timeout 40 -- sh -c 'echo before; sleep 1000'
	[[ $stderr =~ "ended after 40 seconds; console log: "(.*)/console.log ]]
	log=${BASH_REMATCH[1]}
	grep -q 'still runs 20 seconds after the start' "$log/console.log"
	grep -q before "$log/console.log"
	rm -r "$log"
}

@test "guest: a kernel that dies is trouble, exit 125, its console kept" {
	run -125 --separate-stderr guest --timeout 60 -- sh -c 'echo c >/proc/sysrq-trigger'
	[[ $stderr =~ "without a result; console log: "([^ ]*)/console.log ]]
	grep -q 'sysrq triggered crash' "${BASH_REMATCH[1]}/console.log"
	rm -r "${BASH_REMATCH[1]}"
}
