#!/usr/bin/env bats
# What ccaio finds out about a real guest, and about what changes in it during a run.
load helper

@test "doctor: a guest armed at boot can prove since boot; one run later for the run" {
	run -0 guest --boot-armed -- sh -c '
		ccaio doctor; echo "status $?"
		ccaio trace -q -o /root/a.ccaio -- true >/dev/null; echo "trace $?"
		ccaio doctor | grep baseline; ccaio doctor >/dev/null; echo "then $?"'
	[[ $output != *cannot*"status 0"* ]]
	[[ $output == *"Here a run can be PROVEN since boot, as a rehearsal."*"status 0"*"trace 0"* ]]
	[[ $output == *$'\nadvice  baseline '*"(scope run)"*"then 0" ]]
}

@test "doctor: a CPU, a driver, a device that went and came again in the window are noticed" {
	run -0 guest --cpus 2 -- sh -c '
		cd /root
		try() {
			rm -rf b.ccaio
			ccaio trace --scope window -o b.ccaio -- sh -c "$1" >out 2>&1
			echo "$? $(grep -c "unmet *environment-stable" out): $(grep -c "a CPU came" out) $(grep -c "a device came" out)"
		}
		cpu=/sys/devices/system/cpu/cpu1/online
		try "true"
		try "echo 0 >$cpu; echo 1 >$cpu"
		try "cd /sys/bus/virtio/drivers/virtio_rng && echo virtio2 >unbind && echo virtio2 >bind"
		try "echo 1 >/sys/bus/pci/devices/0000:00:03.0/remove && echo 1 >/sys/bus/pci/rescan"'
	expected=$'0 0: 0 0\n2 1: 1 0\n2 1: 0 1\n2 1: 0 1'
	diff <(echo "$expected") <(echo "$output")
}

@test "doctor: behind an SMMU; a kernel log that lost its beginning is made up for by kernel memory" {
	run -0 guest --qemu '-machine virt,iommu=smmuv3' -- sh -c '
		ccaio doctor --facts -o /root/before.json
		i=0; while [ $i -lt 20000 ]; do echo "fill the kernel log until its first lines are gone" >/dev/kmsg; i=$((i + 1)); done
		! dmesg | grep -q "software IO TLB" && echo gone
		ccaio doctor --facts -o /root/after.json
		# but for the moment, which is the last member
		for f in before after; do sed "/\"moment\"/,\$d" /root/$f.json >/root/$f; done
		diff /root/before /root/after && echo same
		ccaio doctor | grep -E "setting|pool-known|dma-in-shared|9050000"
		grep -A2 "\"other\"" /root/after.json'
	[[ $output == *gone*same* ]]
	[[ $output == *"advice  setting "*"not a Realm"* ]]
	[[ $output == *"cannot  dma-in-shared "*"is behind an IOMMU"* ]]
	[[ $output == *"ok      pool-known "*"a pool of 128 MiB"* ]]
	[[ $output == *'"name": "9050000.smmuv3"'* ]]
}
