load helper

setup() {
	export CCAIO_ROOT=$BATS_TEST_TMPDIR/root
	export CCAIO_TRACING_DIR=$CCAIO_ROOT/sys/kernel/tracing
	cp -a "$DATA/root" "$CCAIO_ROOT"
	# a bypass, which has a test of its own
	mv "$CCAIO_ROOT/sys/devices/platform/9020000.fw-cfg/driver" "$BATS_TEST_TMPDIR/fw_cfg"
}

with_fw_cfg() {
	mv "$BATS_TEST_TMPDIR/fw_cfg" "$CCAIO_ROOT/sys/devices/platform/9020000.fw-cfg/driver"
}

arm() {
	echo identity >"$CCAIO_ROOT/sys/kernel/iommu_groups/3/type"
	echo "swiotlb=65536,force trace_instance=ccaio,dma:*,swiotlb:*" >"$CCAIO_ROOT/proc/cmdline"
}

# has STATE ID TEXT: there is a line that says so.
has() {
	grep -qE "^$1 +$2 +.*$3" <<<"$output" || { echo "no line '$1 $2 $3' in:" "$output"; false; }
}

# cannots N: that many lines begin with cannot.
cannots() {
	[ "$(grep -c '^cannot' <<<"$output")" = "$1" ] || { echo "$output"; false; }
}

@test "doctor: a machine armed at boot can prove since boot, exit 0" {
	arm
	run -0 --separate-stderr "$CCAIO" doctor
	cannots 0
	has ok baseline "armed at boot, and nothing was lost since"
	has ok pool-known "a pool of 128 MiB at 0x72900000"
	has advice kernel-memory "rings and pools cannot be read .*: /proc/kcore cannot be read; .*without lockdown=confidentiality"
	has advice setting "not a Realm: a rehearsal"
	[[ $output == *"Here a run can be PROVEN since boot, as a rehearsal." ]]
	[ -z "$stderr" ]
}

@test "doctor: QEMU's fw_cfg can be given addresses without the DMA API" {
	arm
	with_fw_cfg
	run -2 --separate-stderr "$CCAIO" doctor
	cannots 1
	has cannot no-bypass "9020000.fw-cfg .*without the DMA API; unload qemu_fw_cfg"
}

@test "doctor: not armed at boot, says which parameter to add, exit 2" {
	arm
	echo swiotlb=65536,force >"$CCAIO_ROOT/proc/cmdline"
	run -2 --separate-stderr "$CCAIO" doctor
	cannots 1
	has cannot baseline "boot with trace_instance=ccaio,dma:\*,swiotlb:\*"
	[[ $output == *"for its own window (--scope window), not since boot"* ]]
}

@test "doctor: armed at boot, but the buffer was read or overrun since" {
	arm
	sed -i 's/^overrun: 0/overrun: 7/' "$CCAIO_TRACING_DIR/instances/ccaio/per_cpu/cpu1/stats"
	run -2 "$CCAIO" doctor
	cannots 1
	has cannot baseline "7 events of CPU 1 did not fit since boot"
}

@test "doctor: no dma events, no swiotlb events, no tracing" {
	arm
	rm -r "$CCAIO_TRACING_DIR/events/swiotlb"
	run -2 "$CCAIO" doctor
	has cannot events-armed "no events for bounce buffers"
	mkdir "$CCAIO_TRACING_DIR/events/swiotlb"{,/swiotlb_bounced}
	rm -r "$CCAIO_TRACING_DIR/events/dma"
	run -2 "$CCAIO" doctor
	has cannot events-armed "own probes stand in .*boot Linux 6.12 or newer"
	[[ $output == *"for its own window (--scope window), not since boot"* ]]
	rm "$CCAIO_TRACING_DIR/kprobe_events"
	run -2 "$CCAIO" doctor
	has cannot events-armed "bounces can be counted, .*boot Linux 6.12 or newer"
	[[ $output == *"neither since boot nor for its own window"* ]]
	mkdir "$CCAIO_TRACING_DIR/events/dma"{,/dma_map_page}
	run -0 "$CCAIO" doctor
	has ok events-armed ""
	CCAIO_TRACING_DIR=/nonexistent run -2 "$CCAIO" doctor
	has cannot events-armed "CCAIO_TRACING_DIR=/nonexistent is no tracing directory"
}

@test "doctor: a device without ACCESS_PLATFORM is named, and only that one" {
	arm
	echo 00100100000000011111010100001100100000001 >"$CCAIO_ROOT/sys/bus/virtio/devices/virtio0/features"
	run -2 "$CCAIO" doctor
	cannots 1
	has cannot no-bypass "virtio0 \(net\) works without VIRTIO_F_ACCESS_PLATFORM"
}

@test "doctor: behind an IOMMU nothing is bounced, unless addresses pass it" {
	arm
	echo DMA-FQ >"$CCAIO_ROOT/sys/kernel/iommu_groups/3/type"
	run -2 "$CCAIO" doctor
	cannots 1
	has cannot dma-in-shared "0000:00:05.0 is behind an IOMMU.*iommu.passthrough=1"
}

@test "doctor: a balloon counts once a driver is bound to it, whatever its status says" {
	arm
	run -0 "$CCAIO" doctor
	has ok no-bypass "all 3 working virtio devices"
	ln -s ../../../../bus/virtio/drivers/virtio_balloon "$CCAIO_ROOT/sys/bus/virtio/devices/virtio3/driver"
	run -2 "$CCAIO" doctor
	has cannot no-bypass "virtio3 is a memory balloon"
	echo 0x0f >"$CCAIO_ROOT/sys/bus/virtio/devices/virtio3/status"
	run -2 "$CCAIO" doctor
	cannots 1
	has cannot no-bypass "virtio3 is a memory balloon"
}

@test "doctor: pool unknown, of another size, growing, not forced" {
	arm
	echo 32768 >"$CCAIO_ROOT/sys/kernel/debug/swiotlb/io_tlb_nslabs"
	run -2 "$CCAIO" doctor
	has cannot pool-known "the kernel log reports 65536 slots, debugfs 32768"
	rm "$CCAIO_ROOT/sys/kernel/debug/swiotlb/io_tlb_nslabs"
	run -2 "$CCAIO" doctor
	has cannot pool-known "mount -t debugfs"
	echo "0 t swiotlb_dyn_alloc" >>"$CCAIO_ROOT/proc/kallsyms"
	run -2 "$CCAIO" doctor
	has cannot pool-known "CONFIG_SWIOTLB_DYNAMIC"
	echo "trace_instance=ccaio,dma:*,swiotlb:*" >"$CCAIO_ROOT/proc/cmdline"
	run -2 "$CCAIO" doctor
	has cannot dma-in-shared "bouncing is not forced"
}

@test "doctor: which swiotlb= is needed" {
	local debug=$CCAIO_ROOT/sys/kernel/debug/swiotlb
	arm
	echo 710 >"$debug/io_tlb_used_hiwater"
	run -0 "$CCAIO" doctor
	has ok pool-size "65536 slots \(131072 KiB, .*% of RAM\) in 1 area.*since boot at most 719 were in use"
	echo 40000 >"$debug/io_tlb_used_hiwater"
	run -0 "$CCAIO" doctor
	has advice pool-size "40009 were in use at once; .*boot with swiotlb=131072,force"
	echo '6,7,1,-;RME: Using RSI version 1.0' >>"$CCAIO_ROOT/dev/kmsg"
	echo 710 >"$debug/io_tlb_used_hiwater"
	echo "trace_instance=ccaio,dma:*,swiotlb:*" >"$CCAIO_ROOT/proc/cmdline"
	mkdir -p "$CCAIO_ROOT/sys/devices/platform/arm-cca-dev"
	run -0 "$CCAIO" doctor
	has advice pool-size "put swiotlb=65536 on the kernel command line: without it Linux 7.3 makes"
}

@test "doctor: whether the kernel can sum up what bouncing costs" {
	arm
	run -0 "$CCAIO" doctor
	has ok cost-meter "ccaio trace --cost can let the kernel sum up"
	rm "$CCAIO_ROOT/sys/kernel/btf/vmlinux"
	run -0 "$CCAIO" doctor
	has advice cost-meter "no types of this kernel.*DEBUG_INFO_BTF"
}

@test "doctor: a Realm is called one" {
	arm
	echo '6,7,1,-;RME: Using RSI version 1.0' >>"$CCAIO_ROOT/dev/kmsg"
	run -2 "$CCAIO" doctor
	has cannot setting "1 of 2 signs of a Realm; missing: /sys/devices/platform/arm-cca-dev"
	mkdir -p "$CCAIO_ROOT/sys/devices/platform/arm-cca-dev"
	run -0 "$CCAIO" doctor
	has ok setting "a Realm \(RSI 1.0\)"
	has advice attestation "no provider"
	[[ $output == *"can be PROVEN since boot." ]]
}

@test "doctor: a Realm whose kernel may not say which rings are shared is told what to boot with" {
	arm
	echo '6,7,1,-;RME: Using RSI version 1.0' >>"$CCAIO_ROOT/dev/kmsg"
	mkdir -p "$CCAIO_ROOT/sys/devices/platform/arm-cca-dev"
	echo 6.12.9-arm64 >"$CCAIO_ROOT/proc/sys/kernel/osrelease"
	run -0 "$CCAIO" doctor
	has advice dma-in-shared "boot with kprobe_event=p:ccaio/decrypt,set_memory_decrypted,addr=.arg1,numpages=.arg2:s32;p:ccaio/encrypt,"
	echo 7.3.0-arm64 >"$CCAIO_ROOT/proc/sys/kernel/osrelease"
	run -0 "$CCAIO" doctor
	has ok dma-in-shared "ALLOC_CC_SHARED"

	# with the probes; each thing that could hide a call is named
	cd "$CCAIO_TRACING_DIR"
	for probe in decrypt encrypt; do
		mkdir -p "events/ccaio/$probe"
		echo "ccaio:$probe" >>set_event
		echo none >"events/ccaio/$probe/filter"
	done
	cp -r instances/ccaio/per_cpu .
	sed -i 's/^read events: .*/read events: 0/' per_cpu/*/stats
	echo 1 >tracing_on
	echo 0 | tee events/dma/enable events/swiotlb/enable
	held=$(awk '/^entries/ { n += $2 } END { print n }' per_cpu/*/stats)
	printf '  decrypt %d 0\n  encrypt 1 0\n' $((held - 1)) >kprobe_profile
	run -0 "$CCAIO" doctor
	has ok dma-in-shared "probed since boot"
	# recording was off, or the buffer was emptied: the kernel has counted the hits all the same
	printf '  decrypt %d 0\n  encrypt 1 0\n' "$held" >kprobe_profile
	run -0 "$CCAIO" doctor
	has advice dma-in-shared "hit $((held + 1)) times, but the buffer holds $held events"
	printf '  decrypt %d 0\n' $((held - 1)) >kprobe_profile
	run -0 "$CCAIO" doctor
	has advice dma-in-shared "the buffer holds $held events, of which $((held - 1)) are theirs"
	printf '  decrypt %d 0\n  encrypt 1 2\n' $((held - 1)) >kprobe_profile
	run -0 "$CCAIO" doctor
	has advice dma-in-shared "cannot be used: the kernel missed 2 calls; boot with kprobe_event="
	printf '  decrypt %d 0\n' "$held" >kprobe_profile
	echo 'addr > 5' >events/ccaio/encrypt/filter
	run -0 "$CCAIO" doctor
	has advice dma-in-shared "encrypt has a filter"
	# Linux 6.12 has no folder of the first event
	rm -r events/ccaio/encrypt
	run -0 "$CCAIO" doctor
	has ok dma-in-shared "probed since boot"
	echo ccaio:decrypt >set_event
	run -0 "$CCAIO" doctor
	has advice dma-in-shared "encrypt is not on"
	echo ccaio:encrypt >>set_event
	sed -i 's/^overrun: .*/overrun: 3/' per_cpu/cpu0/stats
	run -0 "$CCAIO" doctor
	has advice dma-in-shared "3 events of CPU 0 did not fit since boot; .*trace_buf_size="
	sed -i 's/^overrun: .*/overrun: 0/' per_cpu/cpu0/stats
	echo X >events/dma/enable
	run -0 "$CCAIO" doctor
	has advice dma-in-shared "DMA events are on there, too"
}

@test "doctor: a pool that the kernel made a 1024th of RAM is said to be that" {
	arm
	sed -i 's/software IO TLB: mapped .*/software IO TLB: mapped [mem 0x0000000072900000-0x0000000072980000] (0MB)/' "$CCAIO_ROOT/dev/kmsg"
	echo 256 >"$CCAIO_ROOT/sys/kernel/debug/swiotlb/io_tlb_nslabs"
	echo '40000000-5fffffff : System RAM' >"$CCAIO_ROOT/proc/iomem"
	run "$CCAIO" doctor
	has advice pool-known "a pool of 512 KiB is soon full: where every device reaches all RAM, this kernel makes it a 1024th of RAM; boot with swiotlb=65536,force"
}

@test "doctor: what cannot be read is not taken for good" {
	rm -r "${CCAIO_ROOT:?}"/*
	run -2 "$CCAIO" doctor
	for id in events-armed baseline setting pool-known ram-known devices-known environment-stable; do
		has cannot "$id" ""
	done
}

@test "doctor: terminal escapes in names are shown, not sent" {
	arm
	mkdir "$CCAIO_ROOT/sys/bus/virtio/devices/"$'v\e[31m'
	ln -s ../../../x "$CCAIO_ROOT/sys/bus/virtio/devices/"$'v\e[31m/driver'
	run -2 "$CCAIO" doctor
	[[ $output != *$'\e'* ]]
	has cannot no-bypass 'v\\x1b\[31m'
}

@test "doctor: json says the same" {
	arm
	echo swiotlb=65536,force >"$CCAIO_ROOT/proc/cmdline"
	run -2 --separate-stderr "$CCAIO" doctor -f json
	[[ $output == *'"schema": "ccaio.doctor/1"'* ]]
	[[ $output == *'"since_boot": false'* ]]
	[[ $output == *'"window": true'* ]]
	[[ $output == *'"id": "baseline"'*'"state": "cannot"'* ]]
}

@test "doctor: --facts writes platform.json" {
	with_fw_cfg
	run -0 --separate-stderr "$CCAIO" doctor --facts
	same "$DATA/root.facts.json"
	[ -z "$stderr" ]
	run -0 "$CCAIO" doctor --facts -o "$BATS_TEST_TMPDIR/facts.json"
	[ -z "$output" ]
	cmp "$BATS_TEST_TMPDIR/facts.json" "$DATA/root.facts.json"
}

@test "doctor: the entry made to ask for the attestation provider is removed" {
	mkdir -p "$CCAIO_ROOT/sys/kernel/config/tsm/report"
	run -0 "$CCAIO" doctor --facts
	[ -z "$(ls -A "$CCAIO_ROOT/sys/kernel/config/tsm/report")" ]
}

@test "doctor: a line is as long as a terminal, and whole in a pipe" {
	# a serial console has no width
	run env -u COLUMNS script -qec "stty cols 0 rows 0; '$CCAIO' doctor" /dev/null
	long=$(tr -d '\r' <<<"$output" | awk 'length > 80 && substr($0, 29) ~ /[^ ] [^ ]/')
	[ -z "$long" ] || { echo "$long"; false; }
	[[ $output == *$'\n                            '[^\ ]* ]]
	run "$CCAIO" doctor
	[[ $output != *$'\n                            '[^\ ]* ]]
	run "$CCAIO" doctor --width=60
	long=$(awk 'length > 60 && substr($0, 29) ~ /[^ ] [^ ]/' <<<"$output")
	[ -z "$long" ] || { echo "$long"; false; }
	[[ $output == *$'\n                            '[^\ ]* ]]
	run -3 "$CCAIO" doctor --width=39
}

@test "doctor: lost output is trouble, exit 3" {
	run -3 bash -c '"$0" doctor --facts >/dev/full' "$CCAIO"
	run -3 --separate-stderr "$CCAIO" doctor -o /dev/full
	[ "$stderr" = "ccaio doctor: cannot write the diagnosis to /dev/full: No space left on device" ]
	run -3 --separate-stderr "$CCAIO" doctor --facts -o /nonexistent/facts.json
	[[ $stderr == "ccaio doctor: cannot write the facts to /nonexistent/facts.json: No such file"* ]]
}

@test "doctor: usage mistakes are trouble and point at --help" {
	run -3 --separate-stderr "$CCAIO" doctor --frobnicate
	[ "$stderr" = "ccaio doctor: unknown option '--frobnicate'"$'\n'"Try 'ccaio doctor --help'." ]
	run -3 --separate-stderr "$CCAIO" doctor -f xml
	[[ $stderr == "ccaio doctor: unknown format 'xml'"* ]]
	run -3 --separate-stderr "$CCAIO" doctor -o
	[[ $stderr == "ccaio doctor: option '-o' needs an argument"* ]]
	run -3 --separate-stderr "$CCAIO" doctor now
	[[ $stderr == "ccaio doctor: expected no argument, not 'now'"* ]]
}

@test "doctor: probes that are there and see nothing" {
	arm
	mkdir -p "$CCAIO_ROOT/sys/kernel/debug/kprobes"
	echo 0 >"$CCAIO_ROOT/sys/kernel/debug/kprobes/enabled"
	run -0 --separate-stderr "$CCAIO" doctor
	has advice probes "kprobes are disarmed: .*write 1 to /sys/kernel/debug/kprobes/enabled"
	echo 1 >"$CCAIO_ROOT/sys/kernel/debug/kprobes/enabled"
	echo 0 >"$CCAIO_ROOT/proc/sys/kernel/ftrace_enabled"
	run -0 --separate-stderr "$CCAIO" doctor
	has advice probes "tracing of functions is switched off: .*sysctl kernel.ftrace_enabled=1"
	echo 1 >"$CCAIO_ROOT/proc/sys/kernel/ftrace_enabled"
	run -0 --separate-stderr "$CCAIO" doctor
	[[ $output != *"sees nothing"* && $output != *"see nothing"* ]]
}

@test "doctor: tracefs that is mounted read-only" {
	arm
	[ "$(id -u)" = 0 ] # as make check is run: a mount is made
	run -2 --separate-stderr unshare -m sh -c "mount --bind '$CCAIO_TRACING_DIR' '$CCAIO_TRACING_DIR' &&
		mount -o remount,bind,ro '$CCAIO_TRACING_DIR' && exec '$CCAIO' doctor"
	has cannot events-armed "is mounted read-only: no event can be switched on; mount it writable: mount -o remount,rw"
}
