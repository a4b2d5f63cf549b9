# SPDX-License-Identifier: LGPL-2.1-or-later
# The ways in which recording can be off for a moment: commands for a guest, and what they must print.
# shellcheck shell=bash disable=SC2034

# gap KIND COMMANDS: trace a program that runs them in ccaio's instance; prints what is not shown.
# dd is I/O of which events would be missing.
prelude='
cd /root
export COLUMNS=300 # whole sentences
io() { dd if=/dev/vda of=/dev/null bs=4k count=16 iflag=direct 2>/dev/null; }
gap() {
	rm -rf x.ccaio
	ccaio trace --scope window -o x.ccaio -- sh -c "
		io() { dd if=/dev/vda of=/dev/null bs=4k count=16 iflag=direct 2>/dev/null; }
		cd /sys/kernel/tracing/instances/ccaio-\$PPID && { $2; }" >out 2>&1
	echo "$1 $? $(grep -oE "unmet +(events-armed|nothing-lost)" out | tr -s " " | cut -d" " -f2 | tr "\n" " ")"
	grep -E "another program wrote to|events were lost" out >>/root/words
	ccaio verify -q --scope window x.ccaio >again 2>&1
	[ "$(grep -oE "^[A-Z]+" out | head -1)" = "$(grep -oE "^[A-Z]+" again)" ] || { echo "verify differs:"; cat again; }
}
'

kinds='
gap none "true"
gap tracing_on "echo 0 >tracing_on && io && echo 1 >tracing_on"
gap event "echo 0 >events/dma/dma_map_phys/enable; io; echo 1 >events/dma/dma_map_phys/enable"
gap system "echo 0 >events/swiotlb/enable && io && echo 1 >events/swiotlb/enable"
gap set_event "echo \"!swiotlb:*\" >>set_event && io && echo \"swiotlb:*\" >>set_event"
gap filter "echo \"size > 99999\" >events/swiotlb/swiotlb_bounced/filter && io && echo 0 >events/swiotlb/swiotlb_bounced/filter"
gap pids "echo 1 >set_event_pid && io && echo >set_event_pid"
gap cpumask "echo 1 >tracing_cpumask && io && echo 3 >tracing_cpumask"
gap trigger "echo traceoff:1 >events/swiotlb/swiotlb_bounced/trigger; io; echo \"!traceoff\" >events/swiotlb/swiotlb_bounced/trigger; echo 1 >tracing_on"
gap trace-cmd "trace-cmd stop -B ccaio-\$PPID; io; trace-cmd restart -B ccaio-\$PPID"
gap pause "echo 1 >options/pause-on-trace; cat trace >/dev/null; echo 0 >options/pause-on-trace"
gap reader "cat trace_pipe >/root/taken & until grep -q swiotlb /root/taken; do io; done; kill \$!"
gap none "io"
'

expected='none 0 
tracing_on 2 events-armed 
event 2 events-armed 
system 2 events-armed 
set_event 2 events-armed 
filter 2 events-armed 
pids 2 events-armed 
cpumask 2 events-armed 
trigger 2 events-armed 
trace-cmd 2 events-armed 
pause 2 events-armed 
reader 2 nothing-lost 
none 0 '
