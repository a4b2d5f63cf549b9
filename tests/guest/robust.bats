#!/usr/bin/env bats
# ccaio trace when something goes wrong, in a real guest: the machine's tracing is left as it was found.
load helper

# What every script in a guest begins with: `tracing` prints all that ccaio could have changed, and somebody
# else's tracing is there to be left alone.
prelude='
cd /root
tracing() {
	(cd /sys/kernel/tracing && ls instances && cat dynamic_events tracing_on set_event trace_clock &&
		for i in instances/*; do
			[ ! -d "$i" ] || cat "$i/set_event" "$i/tracing_on" "$i/trace_clock" "$i/buffer_size_kb" || exit
		done; ls /run/ccaio 2>/dev/null | grep -v -e boot-instance-used -e ^kernel)
}
mkdir /sys/kernel/tracing/instances/theirs
echo 1 >/sys/kernel/tracing/instances/theirs/events/sched/sched_switch/enable
echo "p:theirs/probe vfs_read" >>/sys/kernel/tracing/dynamic_events
echo 1 >/sys/kernel/tracing/instances/theirs/events/theirs/probe/enable
echo 1 >/sys/kernel/tracing/events/swiotlb/enable
tracing >before
restored() { tracing | diff before - >changes && echo restored || { echo "not restored:"; cat changes; }; }
'

@test "robust: ccaio killed at 20 moments; the next start restores tracing, no bundle lies, nothing else changed" {
	run -0 --separate-stderr guest --timeout 300 -- sh -c "$prelude"'
		changed=0 lying=0 unfinished=0 whole=0
		elsewhere() { find / /tmp /run /dev/shm -xdev -newer before ! -type d ! -path "/root/*" ! -path "/ccaio/*" ! -path "/run/ccaio/*"; }
		# how long a run takes today, in hundredths of a second
		read -r begun rest </proc/uptime
		ccaio trace -q --scope window -o whole.ccaio -- true >/dev/null
		read -r ended rest </proc/uptime
		took=$((${ended%.*}${ended#*.} - ${begun%.*}${begun#*.}))
		for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
			# every other command is short: then judging and sealing are cut, too
			if [ $((i % 2)) = 0 ]; then set -- --cost -- sleep 1000; else set -- true; fi
			ccaio trace -q --scope window -o k$i.ccaio "$@" >/dev/null 2>&1 & pid=$!
			usleep $((RANDOM % 100 * took * (i % 2 ? 120 : 60)))
			kill -KILL $pid 2>/dev/null
			wait $pid
			tracing | diff -q before - >/dev/null || changed=$((changed + 1))
			[ -e k$i.ccaio ] || continue
			if ccaio verify -q k$i.ccaio >out 2>&1; then whole=$((whole + 1))
			elif grep -qE "k$i.ccaio (is unfinished|holds no MANIFEST.json)" out; then unfinished=$((unfinished + 1))
			else lying=$((lying + 1)) && cat out; fi
			[ $((i % 2)) = 1 ] || ! grep -q PROVEN out || lying=$((lying + 1))
		done
		echo "changed $changed times, lying $lying"
		echo "unfinished $unfinished, whole $whole of runs that take ${took}0 ms" >&2
		ccaio trace -q -o ok.ccaio --scope window -- true >/dev/null
		echo "status $?"
		restored
		elsewhere'
	echo "$output$stderr"
	# not worth the name if no kill hit a run that had changed something
	[[ ${lines[0]} =~ ^"changed "([1-9][0-9]*)" times, lying 0"$ ]]
	[ "${lines[1]}" = "status 0" ]
	[ "${lines[2]}" = restored ]
	[ ${#lines[@]} = 3 ]
}

@test "robust: signals end the command, and what was recorded is judged" {
	run -0 guest -- sh -c "$prelude"'
		# in the foreground: what a shell starts in the background ignores SIGINT
		ccaio trace -q --scope window -o int.ccaio -- sh -c "kill -INT \$PPID; exec sleep 1000"; echo "INT $?"
		restored
		ccaio verify -v --scope window int.ccaio >out; echo "verify $?"; grep "Exit status" out
		ccaio trace -q --scope window --exit-code command -o term.ccaio -- sh -c "touch ready2; exec sleep 1000" & pid=$!
		until [ -e ready2 ]; do usleep 10000; done
		kill -TERM $pid; wait $pid; echo "TERM $?"
		ccaio trace -q --scope window --exit-code command -o deaf.ccaio -- sh -c "trap \"touch deaf\" TERM; touch ready3
			while :; do usleep 10000; done" & pid=$!
		until [ -e ready3 ]; do usleep 10000; done
		kill -TERM $pid; until [ -e deaf ]; do usleep 10000; done
		kill -TERM $pid; wait $pid; echo "deaf $?"
		ccaio trace -q --scope window -o dies.ccaio -- sh -c "sleep 60 & echo \$! >left; kill -SEGV \$\$"; echo "dies $?"
		ccaio verify -v dies.ccaio | grep -E "Exit status|Still alive" | sed "s/: [a-z]*\[$(cat left)\].*/: LEFT/"
		ccaio report -f markdown dies.ccaio | grep -c "Still alive"
		kill $(cat left)
		ccaio trace -q --scope window --duration 60 -o attached.ccaio & pid=$!
		until [ -d /sys/kernel/tracing/instances/ccaio-$pid ]; do usleep 10000; done
		kill -USR1 $pid; kill -QUIT $pid; wait $pid; echo "attached $?"
		restored'
	grep -v '^PROVEN' <<<"$output" >"$BATS_TEST_TMPDIR/lines"
	diff - "$BATS_TEST_TMPDIR/lines" <<-END
		INT 0
		restored
		verify 0
		Exit status   ended by signal 2 (INT)
		TERM 143
		deaf 137
		dies 0
		Exit status   ended by signal 11 (SEGV)
		Still alive   1 process of the program when the recording ended: LEFT
		1
		attached 0
		restored
	END
}

@test "robust: a disk that fills up is told, the command goes on, and nothing is left" {
	run -0 guest -- sh -c "$prelude"'
		mkdir small && mount -t tmpfs -o size=64k none small
		ccaio trace -o small/x.ccaio -- sh -c "dd if=/dev/vda of=/dev/null bs=4k iflag=direct 2>/dev/null; touch ended" 2>&1
		echo "status $?"
		ls -A small ended
		restored
		mount -t tmpfs -o size=4k none /run/ccaio && head -c 4096 /dev/zero >/run/ccaio/filler
		ccaio trace -o x.ccaio -- true 2>&1
		echo "status $?"
		ls -d x.ccaio
		umount /run/ccaio
		restored'
	[[ ${lines[0]} == "ccaio trace: cannot write "*": No space left on device" ]]
	[ "${lines[1]}" = "status 3" ]
	[ "${lines[2]}" = ended ]
	[[ ${lines[3]} == small: ]]
	[ "${lines[4]}" = restored ]
	# where the run notes what it must undo
	[[ ${lines[5]} == "ccaio trace: cannot write /run/ccaio/"*": No space left on device" ]]
	[ "${lines[6]}" = "status 3" ]
	[ "${lines[7]}" = restored ]
}

@test "robust: two at once, each for its window; a command that cannot be run" {
	run -0 guest -- sh -c "$prelude"'
		mark=/sys/kernel/debug/swiotlb/io_tlb_used_hiwater
		ccaio trace -q --scope window -o outer.ccaio -- sh -c "dd if=/dev/vda of=/dev/null bs=1M iflag=direct 2>/dev/null
			cat $mark >peak; ccaio trace -q --scope window -o inner.ccaio -- dd if=/dev/vda of=/dev/null bs=4k count=16 iflag=direct 2>/dev/null >/dev/null
			echo inner \$?; [ \$(cat $mark) -ge \$(cat peak) ] && echo peak kept" | grep -E "inner|peak"
		ccaio verify -q --scope window outer.ccaio >/dev/null; echo "outer $?"
		ccaio trace -q --scope window -o filtered.ccaio -- sh -c "cd /sys/kernel/tracing/instances/ccaio-*
			echo \"size > 99999\" >events/dma/dma_map_phys/filter" | grep -o "events-armed"
		ccaio report filtered.ccaio | grep -o "dma:dma_map_phys: was switched off"
		ccaio trace -q --scope window -o off.ccaio -- sh -c "echo 0 >\$(echo /sys/kernel/tracing/instances/ccaio-*)/tracing_on" 2>&1 >/dev/null |
			grep -o "what was recorded is kept without it" | sort -u
		ccaio verify -q --scope window off.ccaio >/dev/null; echo "status $?"
		restored
		ccaio trace -o no.ccaio -- /root 2>&1; echo "status $?"; ls -d no.ccaio 2>&1
		ccaio trace -C sundial -o no.ccaio -- true 2>&1; echo "status $?"; ls -d no.ccaio 2>&1
		restored
		umount /sys/kernel/tracing && umount /sys/kernel/debug 2>/dev/null
		ccaio trace -o no.ccaio -- true 2>&1; echo "status $?"; ls -d no.ccaio 2>&1 || true'
	[[ $output == "inner 0
peak kept
outer 0
events-armed
dma:dma_map_phys: was switched off
what was recorded is kept without it
status 2
restored
ccaio trace: cannot run /root: Permission denied
status 3
ls: no.ccaio: No such file or directory
ccaio trace: this kernel has no trace clock 'sundial'; see "*"/trace_clock
status 3
ls: no.ccaio: No such file or directory
restored
ccaio trace: tracefs is not mounted; mount it with 'mount -t tracefs nodev /sys/kernel/tracing'
status 3
ls: no.ccaio: No such file or directory" ]] || { echo "$output"; false; }
}

@test "robust: armed at boot, the first run is since boot, the second one for the run and told why" {
	run -0 --separate-stderr guest --boot-armed -- sh -c "$prelude"'
		ccaio trace -q -o 1.ccaio -- true; echo "status $?"
		restored
		ccaio trace -o 2.ccaio -- true >/dev/null; echo "status $?"
		ccaio trace -q --scope window -o 3.ccaio -- true; echo "status $?"
		restored'
	[[ ${lines[0]} == "PROVEN since boot"* ]]
	[ "${lines[1]} ${lines[2]} ${lines[3]}" = "status 0 restored status 0" ]
	[[ ${lines[4]} == "PROVEN for the window"* ]]
	[ "${lines[5]} ${lines[6]}" = "status 0 restored" ]
	[[ $stderr == *"ccaio trace: the instance armed at boot cannot be used: an earlier run of ccaio has read it"* ]]
}

@test "robust: a kernel locked down for confidentiality is named as the reason, and what would help" {
	run -0 guest --append lockdown=confidentiality -- sh -c '
		mount -t securityfs none /sys/kernel/security 2>/dev/null
		cd /root; ccaio trace -o no.ccaio -- true 2>&1; echo "status $?"; ls -d no.ccaio 2>&1 || true
		COLUMNS=400 ccaio doctor; echo "status $?"'
	[[ ${lines[0]} == "ccaio trace: the kernel is locked down (confidentiality): tracing is forbidden"* ]]
	[ "${lines[1]}" = "status 3" ]
	[ "${lines[2]}" = "ls: no.ccaio: No such file or directory" ]
	[[ $output == *"cannot  events-armed "*"boot it with lockdown=integrity or less to trace"* ]]
	[[ $output == *"advice  kernel-memory "*"/proc/kcore cannot be read; "*"without lockdown=confidentiality"* ]]
	[ "${lines[-1]}" = "status 2" ]
}

@test "robust: modules that come and go in the window: events that vanish, devices that do" {
	run -0 guest --boot-armed --out "/root/cleared.ccaio:$BATS_TEST_TMPDIR/cleared.ccaio" -- sh -c "$prelude"'
		# The kernel clears a buffer when a module goes whose events were on in it, and its counters, too.
		modprobe vmw_vsock_virtio_transport
		cd /sys/kernel/tracing/instances/ccaio && echo 1 >events/vsock/enable && cd /root
		ccaio trace -v -o cleared.ccaio -- sh -c "
			until grep -q \"read events: [1-9]\" /sys/kernel/tracing/instances/ccaio/per_cpu/cpu0/stats; do
				dd if=/dev/vda of=/dev/null bs=4k iflag=direct 2>/dev/null
			done
			modprobe -r vmw_vsock_virtio_transport" >cleared 2>err; echo "cleared $?"
		tr -s " \n" " " <cleared | grep -o "unmet nothing-lost the buffer of CPU 0 was cleared while it was recorded"
		tracing >before
		try() {
			rm -rf x.ccaio
			COLUMNS=200 ccaio trace -v --scope window -o x.ccaio -- "$@" >out 2>err
			echo "$* $? $(grep -c "unmet *environment-stable a device came or went" out)"
			ccaio verify -q x.ccaio >again; [ "$(head -1 out)" = "$(sed "s/:.*//" again)" ] || cat out again
			restored
		}
		try rmmod virtio_rng
		try modprobe virtio_rng
		try rmmod virtio_net
		try modprobe virtio_net
		try rmmod virtio_mmio
		try true'
	diff - <(echo "$output") <<-END
		cleared 2
		unmet nothing-lost the buffer of CPU 0 was cleared while it was recorded
		rmmod virtio_rng 2 1
		restored
		modprobe virtio_rng 2 1
		restored
		rmmod virtio_net 2 1
		restored
		modprobe virtio_net 2 1
		restored
		rmmod virtio_mmio 0 0
		restored
		true 0 0
		restored
	END
	run -2 "$CCAIO" verify -q "$BATS_TEST_TMPDIR/cleared.ccaio"
}

@test "robust: scatter-gather lists that do not fit in the pool are known to have failed (6.12)" {
	run -0 guest --kernel 6.12 --cpus 2 --device nvme --swiotlb 2048,force --out "/root/full.ccaio:$BATS_TEST_TMPDIR/full.ccaio" -- sh -c '
		cd /sys/kernel/tracing && mkdir instances/lists
		echo "r:lists/failed __dma_map_sg_attrs ret=\$retval:s32" >>dynamic_events
		echo "ret == -5" >instances/lists/events/lists/failed/filter
		echo 1 >instances/lists/events/lists/failed/enable
		cd /root; ccaio trace -q --scope window -o full.ccaio -- sh -c "
			until grep -q failed: /sys/kernel/tracing/instances/lists/trace; do
				for i in 1 2 3 4; do dd if=/dev/nvme0n1 of=/dev/null bs=8M iflag=direct 2>/dev/null & done; wait
			done"'
	[[ ${lines[0]} == "PROVEN for the window"* ]]
	jq -e '.totals.failed_maps > 1 and .totals.bounces == .totals.maps + .totals.failed_maps' \
		"$BATS_TEST_TMPDIR/full.ccaio/verdict.json"
}

@test "robust: a bounce pool that is full is told within a second; a second interrupt ends it; --timeout, too" {
	run -0 guest --swiotlb 512,force --timeout 400 -- sh -c "$prelude"'
		up() { read -r u rest </proc/uptime; echo "${u%.*}${u#*.}"; }
		begun=$(up); ccaio trace -q --scope window -o plain.ccaio -- true >/dev/null; plain=$(($(up) - begun))
		ccaio trace -q --scope window --timeout 1 -o t.ccaio -- sleep 1000 2>err; echo "timeout $?"; sed "s/process [0-9]*/process N/" err
		pidof sleep >/dev/null && echo "left running"
		kill $(pidof sleep)
		ccaio verify -v --scope window t.ccaio | grep -o "had not ended when the recording did"
		ccaio trace -q --scope window --exit-code command --timeout 1 -o u.ccaio -- sleep 1000 2>/dev/null >&2; echo "command $?"
		kill $(pidof sleep)
		# last, since nobody can read the disk any more: what direct reads of 1 MiB need does not fit, and the
		# driver tries again and again
		ccaio trace -v --scope window -o x.ccaio -- sh -c "while :; do dd if=/dev/vda of=/dev/null bs=1M iflag=direct; done" >report 2>err & pid=$!
		until grep -q "the bounce pool is full" err; do usleep 20000; done
		told=$(up)
		first=$(dmesg | grep -m1 "swiotlb buffer is full" | tr -d "[]" | { read -r when rest; echo "${when%.*}$(echo "${when#*.}" | cut -c1-2)"; })
		[ $((told - first)) -lt 300 ] && echo "told" || echo "told after $((told - first)) hundredths"
		kill -INT $pid; kill -TERM $pid; begun=$(up); wait $pid; echo "status $?"
		# no slower than a whole run that records nothing
		[ $(($(up) - begun)) -lt $((2 * plain + 200)) ] && echo ended || echo "ended after $(($(up) - begun)), a plain run takes $plain"
		tr -s " \n" " " <report | grep -o "maps failed again and again"
		ccaio verify -q --scope window x.ccaio >/dev/null; echo "verify $?"
		ls /sys/kernel/tracing/instances'
	diff - <(echo "$output" | grep -v "^PROVEN") <<-END
		timeout 0
		ccaio trace: sleep (process N) has not ended before --timeout; the recording ends here, and it is left as it is
		left running
		had not ended when the recording did
		command 124
		told
		status 0
		ended
		maps failed again and again
		verify 0
		theirs
	END
}
