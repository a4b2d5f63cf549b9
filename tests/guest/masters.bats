#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Masters that no event or no driver speaks for, in a real guest.
load helper

@test "masters: an NVMe disk behind an SMMU, whose DMA no event shows, is not PROVEN" {
	run -2 --separate-stderr guest --transport mmio --device nvme --qemu '-machine iommu=smmuv3' --timeout 400 -- sh -c '
		cd /root && COLUMNS=400 ccaio trace --scope window -o x.ccaio -- \
			dd if=/dev/nvme0n1 of=/dev/null bs=1M count=1 iflag=direct
		status=$?; COLUMNS=400 ccaio trace -o y.ccaio -- true; exit $status'
	text=$(tr -s ' \n' ' ' <<<"$output")
	[[ $text == *"INCONCLUSIVE"* ]]
	[[ $text == *"(nvme) has no DMA event although it interrupted "*" times"* ]]
	# its queues are older than the window, and no list of the kernel's has them
	[[ $text == *"unmet baseline: "*": what 0000:"*" was given before the recording began cannot be read from the kernel's memory: it is no virtio device"* ]]
}

@test "masters: ivshmem written through sysfs, /dev/mem open since before: no-bypass does not hold" {
	run -2 --separate-stderr guest --timeout 400 \
		--qemu '-object memory-backend-ram,id=shm,size=1M,share=on -device ivshmem-plain,memdev=shm' -- sh -c '
		cd /root && exec 5</dev/mem && COLUMNS=400 ccaio trace --scope window -o x.ccaio -- \
			sh -c "echo secret >/sys/bus/pci/devices/\$(cd /sys/bus/pci/devices && grep -l 0x1110 */device | cut -d/ -f1)/resource2"
		status=$?; grep -o "\"name\": \"/dev/mem\"" x.ccaio/platform.json; exit $status'
	text=$(tr -s ' \n' ' ' <<<"$output")
	[[ $text == *"no-bypass"*"host memory that a program had open in the window"* ]]
	[[ $text == *'"name": "/dev/mem"'* ]]
}
