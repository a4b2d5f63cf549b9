# SPDX-License-Identifier: LGPL-2.1-or-later
# Kernels older and newer than those of make check: Debian 11's (as old as virtCCA guests have) and experimental's.
bats_require_minimum_version 1.5.0
APPS=${APPS:?run the tests with make check-kernels}
load ../../broker

setup() {
	start_broker
}

teardown() {
	stop_broker
}

# in_guest OPTION... -- CMD...: $output, $stderr and the exit status of the guest's command
in_guest() {
	run --separate-stderr "$BATS_TEST_DIRNAME/../../../scripts/guest" --no-build --timeout 600 "$@"
	echo "$output$stderr"
}

# client: the key broker's client, and 1 MiB of a disk
client() {
	echo "keybroker-app --endpoint http://10.0.2.2:$broker_port skywalker && dd if=/dev/vda of=/dev/null bs=64k count=16 iflag=direct"
}

@test "kernels: 5.10 is PROVEN for the window, by ccaio's own probes" {
	in_guest --kernel 5.10 -- sh -c "grep 'enum swiotlb_force' /sys/kernel/tracing/events/swiotlb/swiotlb_bounced/format &&
		ccaio trace --scope window -o run.ccaio -- sh -c '$(client)'"
	[ "$status" = 0 ]
	[[ $output == *"enum swiotlb_force swiotlb_force"*"PROVEN for the window, rehearsal"*"skywalker → 201: complete"* ]]
}

@test "kernels: 5.10 without bouncing is VIOLATED, by ccaio's own probes" {
	in_guest --kernel 5.10 --swiotlb noforce -- ccaio trace --scope window -o run.ccaio -- sh -c "$(client)"
	[ "$status" = 1 ]
	[[ $output == *"VIOLATED for the window, rehearsal"*"refuted    dma-in-shared, bounce-paired"* ]]
}

# A pool of RAM/1024: doctor says what it is and what it should be.  Receive buffers fill it, so that nothing can be sent:
# that is told while it lasts, and the run is judged all the same.
@test "kernels: experimental with 512 MiB: doctor warns of the pool of 512 KiB, trace judges" {
	in_guest --kernel experimental --memory 512 --swiotlb force -- sh -c 'ccaio doctor
		ccaio trace -o run.ccaio -- cat /sys/class/net/eth0/address'
	[ "$status" = 2 ]
	[[ $output =~ advice\ +pool-size\ +256\ slots\ \(512\ KiB.*boot\ with\ swiotlb=512,force ]]
	[[ $output == *"INCONCLUSIVE for the run, rehearsal"*"holds      dma-in-shared, bounce-paired"*"exit status 0"* ]]
	[[ $stderr == *"the bounce pool is full: 0000:00:0"*"256 of 256 slots"* ]]
}
