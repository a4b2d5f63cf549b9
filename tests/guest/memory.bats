#!/usr/bin/env bats
# The kernel's own memory as a second witness, in guests that were not armed at boot.
load helper

# Two runs in one boot, each with network and disk, and each judged again offline; the kernel sums up what bouncing costs.
twice='
	cd /root
	for i in 1 2; do
		ccaio trace --cost -o $i.ccaio -- sh -c "
			dd if=/dev/vda of=/dev/null bs=64k count=8 iflag=direct 2>/dev/null
			ping -c 1 10.0.2.2 >/dev/null"; echo "trace $?"
		ccaio verify -q $i.ccaio; echo "verify $?"
		COLUMNS=300 ccaio verify -v $i.ccaio | grep -E "^  (time|sums|counting) "
	done'

proven_twice() {
	[ "$(grep -c '^PROVEN for the run' <<<"$output")" = 4 ] || { echo "$output"; false; }
	[[ $output == *"trace 0"*"verify 0"*"trace 0"*"verify 0"* ]]
	# which swiotlb= it needs
	[ "$(grep -cE "^ccaio trace: bounce pool: at most [0-9,]+ slots in use at once; swiotlb=[0-9]+(,force)? is the smallest that would have held$" \
		<<<"$output")" = 2 ]
	# how long it took by the events' times; the kernel counted what they tell
	[ "$(grep -cE '^  time +(copying took about .* of CPU time: by the event times of |finding slots and copying out took .* for )[0-9,]+ of [0-9,]+ maps' \
		<<<"$output")" = 2 ]
	[ "$(grep -cE "^  sums +(the kernel's own sums, for each device and direction, are those of the events|by .*: copied while recording began or ended)$" \
		<<<"$output")" = 2 ]
	[ "$(grep -cE "^  counting +the kernel's sums took about .* of CPU time: [0-9,]+ calls of [0-9.]+ [mnu]?s each$" <<<"$output")" = 2 ]
}

# What is kept of the kernel belongs to another boot, to another kernel, or is cut: it is found out again.
anew='
	sort /run/ccaio/kernel >kept
	for edit in "1s/ .*/ other/" "/^at._stext/s/.$/x/" "\$d"; do
		sed -i "$edit" /run/ccaio/kernel
		ccaio trace -q --cost -o anew.ccaio -- true >said 2>&1
		grep -q "^PROVEN for the run" said && sort /run/ccaio/kernel | cmp - kept && echo "found anew"
		rm -rf anew.ccaio
	done'

@test "memory: twice in one boot PROVEN for the run, live and offline (7.2)" {
	run -0 guest --timeout 500 -- sh -c "$twice; $anew"
	proven_twice
	[ "$(grep -cx 'found anew' <<<"$output")" = 3 ]
}

@test "memory: the same on 6.12 with four CPUs and MMIO" {
	run -0 guest --timeout 500 --kernel 6.12 --cpus 4 --transport mmio -- sh -c "$twice"
	proven_twice
}

@test "memory: the same with packed rings" {
	run -0 guest --timeout 400 --qemu '-global virtio-net-pci.packed=on -global virtio-blk-pci.packed=on -global virtio-rng-pci.packed=on' \
		-- sh -c "$twice; grep -c '\"packed\"' 1.ccaio/platform.json"
	proven_twice
	grep -qx 10 <<<"$output" # what trace says of the pool comes after it
}

@test "memory: the same on amd64" {
	run -0 guest --timeout 500 --arch amd64 -- sh -c "$twice"
	proven_twice
}

@test "memory: without bouncing the older mappings are among the counterexamples" {
	run -1 guest --swiotlb noforce -- sh -c 'cd /root; COLUMNS=300 ccaio trace -v -o a.ccaio -- true'
	[[ $output == *"VIOLATED"* ]]
	[[ $(tr -s ' \n' ' ' <<<"$output") == *"queue input.0 of virtio0 names protected memory "*" times (descriptor "*"when the window opened"* ]]
}

@test "memory: a device that bypasses the DMA API is shown with the addresses of its rings" {
	run -1 guest --no-iommu-platform=net -- sh -c 'cd /root; ccaio trace -v -o a.ccaio -- true 2>/dev/null'
	text=$(tr -s ' \n' ' ' <<<"$output")
	[[ $text == *"without VIRTIO_F_ACCESS_PLATFORM (bit 33)"* ]]
	# nearly all of the 256 descriptors: the device has used a few meanwhile
	[[ $text =~ "queue input.0 (ring at 0x"[0-9a-f]+") held "([0-9]+)" raw addresses".*"(protected memory)" ]]
	[ "${BASH_REMATCH[1]}" -gt 200 ]
}
