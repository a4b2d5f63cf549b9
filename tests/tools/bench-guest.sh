#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs in a guest (busybox): what tracing costs there, under ccaio trace and under trace-cmd record with
# the same events and buffers, in turn.  Leaves lines "what|figure|must reach" in /root/bench.txt.
# usage: bench-guest.sh RUNS URL MEASURE [true]     (URL: a key broker with /blob/N; MEASURE: wall or busy,
# which is for one CPU; true: only how long ccaio trace -- true takes)
runs=$1
url=$2
export MEASURE="$3"
out=/root/bench.txt
cd /tmp || exit 1
: >$out

# used: microseconds of the clock, or of busy CPUs, up to now.  /proc/uptime has hundredths of a second, which is
# fine where a figure is a thousand of them; the clock is read where the kernel tells it to the nanosecond.
cat >used.sh <<'USED'
used() {
	if [ "$MEASURE" = busy ]; then
		awk '{ printf "%d\n", ($1 - $2) * 1000000 }' /proc/uptime
	else
		{ read -r _ && read -r _ && read -r _ _ now _; } </proc/timer_list
		echo "${now%???}"
	fi
}
USED
. ./used.sh

cat >work.sh <<'WORK'
# work.sh disk|net|keep|free FILE URL: the work; what it used is appended to FILE
# A request and its answer take a quarter longer where curl does not run on the CPU that takes the device's
# interrupts, with nothing recorded, too, and a recorder that is awake for each packet drives it there.  So keep runs there;
# free runs where the scheduler puts it.
. ./used.sh
before=$(used)
case $1 in
disk) dd if=/dev/vda of=/dev/null bs=4k count=2000 iflag=direct 2>/dev/null ;;
keep | free) # five times, since a hundred requests take 0.3 s, in which one late tick is much
	[ "$1" = free ] || taskset -p 1 $$ >/dev/null
	u=
	for n in $(seq 100); do u="$u -o /dev/null $3/blob/$n"; done
	for _ in 1 2 3 4 5; do curl -s $u; done
	;;
net) for _ in 1 2 3 4; do curl -s -o /dev/null "$3/blob/1000000"; done ;;
esac
echo $(($(used) - before)) >>"$2"
WORK

# took NAME CMD...: append what CMD used from start to end to NAME
took() {
	name=$1
	shift
	before=$(used)
	"$@" >log 2>&1
	echo $(($(used) - before)) >>"$name"
}

median() {
	sort -n "$1" | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'
}

# ratio A B: the median of what A took against B in the same round, so that a drift of the machine cancels
ratio() {
	paste "$1" "$2" | awk '{ print $1 / $2 }' >ratios
	median ratios | awk '{ printf "%.2f", $1 }'
}

# middle A B: where the middle half of these lies
middle() {
	paste "$1" "$2" | awk '{ print $1 / $2 }' | sort -n |
		awk '{ a[NR] = $1 } END { printf "%.2f to %.2f", a[int((NR + 3) / 4)], a[int((3 * NR + 3) / 4)] }'
}

# adds WORK: what --cost adds to a recording, beside the work alone: 1.000 is nothing
adds() {
	paste "$1-meter" "$1-bare" "$1-plain" | awk '{ print 1 + ($1 - $2) / $3 }' >ratios
	median ratios | awk '{ printf "%.3f", $1 }'
}

# The events that ccaio arms.  Its dynamic events exist while it runs: the traced program copies their
# definitions, and trace-cmd gets the same under another name.
ccaio trace -q -o first.ccaio -- cp /sys/kernel/tracing/dynamic_events dynamic >log 2>&1
sed -n 's/^\([a-z0-9]*\):ccaio_[^/]*\//\1:bench\//p' dynamic |
	while read -r definition; do
		echo "$definition" >>/sys/kernel/tracing/dynamic_events 2>>errors
	done
[ -d /sys/kernel/tracing/events/bench ] && dynamic='-e bench'
same=$(grep -o '"[a-z_]*:[a-z_]*"' first.ccaio/platform.json | tr -d '"' | grep -v '^ccaio' |
	sort -u | sed 's/^/-e /' | tr '\n' ' ')
same="$dynamic $same"

buffer=4096 # KiB per CPU: what ccaio takes without being told

# under TRACER WORK: one run of the work
under() {
	rm -rf r.ccaio t.dat
	case $1 in
	plain) sh work.sh "$2" "$2-plain" "$url" ;;
	ccaio)
		ccaio trace -o r.ccaio -- sh work.sh "$2" "$2-ccaio" "$url" >report 2>&1
		grep -q "^  met  *nothing-lost" report || lost_events="$lost_events $2"
		grep -q '"dropped": *[1-9]' r.ccaio/exchanges.json && lost_packets="$lost_packets $2"
		;;
	before) ccaio-before trace -o r.ccaio -- sh work.sh "$2" "$2-before" "$url" >report 2>&1 ;;
	bare) ccaio trace -q --no-capture -o r.ccaio -- sh work.sh "$2" "$2-bare" "$url" >log 2>&1 ;;
	meter) ccaio trace -q --no-capture --cost -o r.ccaio -- sh work.sh "$2" "$2-meter" "$url" >log 2>&1 ;;
	tracecmd)
		# shellcheck disable=SC2086
		trace-cmd record $same -b $buffer -o t.dat sh work.sh "$2" "$2-tracecmd" "$url" >log 2>&1
		;;
	both) # trace-cmd record and tcpdump together, as one would without ccaio
		[ -p said ] || mkfifo said
		tcpdump -Z root -i eth0 -s 0 -w t.pcap 2>said &
		tcpdump=$!
		exec 4<said # stays open: it dies when nobody hears what it says
		read -r _ <&4 # it listens
		# shellcheck disable=SC2086
		trace-cmd record $same -b $buffer -o t.dat sh work.sh "$2" "$2-both" "$url" >log 2>&1
		kill $tcpdump
		wait $tcpdump
		awk '/received by filter/ { n = $1 } END { if (n < 200) print "tcpdump saw " n + 0 " packets" }' <&4 >&2
		exec 4<&-
		rm -f t.pcap
		;;
	esac
}

# What ran before leaves work behind in the kernel: every other round goes the other way.
forth='true-ccaio true-first true-tracecmd disk-plain disk-ccaio disk-bare disk-meter disk-tracecmd net-plain net-ccaio net-bare net-meter net-tracecmd'
back='true-tracecmd true-first true-ccaio disk-tracecmd disk-meter disk-bare disk-ccaio disk-plain net-tracecmd net-meter net-bare net-ccaio net-plain'
if [ -x /usr/bin/ccaio-before ]; then
	forth="true-before true-bare true-old $forth disk-before net-before"
	back="net-before disk-before $back true-old true-bare true-before"
fi
if [ -x /usr/bin/tcpdump ]; then
	forth="$forth keep-plain keep-ccaio keep-both"
	back="keep-both keep-ccaio keep-plain $back"
	if [ "$MEASURE" = wall ]; then # of one CPU there is no choice
		forth="$forth free-plain free-ccaio free-both"
		back="free-both free-ccaio free-plain $back"
	fi
fi

if [ "${4:-}" = true ]; then
	forth=$(echo "$forth" | tr ' ' '\n' | grep ^true) back=$(echo "$back" | tr ' ' '\n' | grep ^true)
fi

# snapshots: what each of the two of the first run took, in a guest with four virtio devices.  With instructions
# counted each takes 8 ns, which is a slower machine than any that runs this: there a millisecond says nothing.
snapshots() {
	took=$(sed -n 's/.*"cpu_ns": *\([0-9]*\).*/\1/p' first.ccaio/platform.json | sort -n | tail -n 1)
	if [ "$MEASURE" = busy ]; then
		echo "one look at kernel memory: million instructions|$(awk "BEGIN { printf \"%.1f\", $took / 8e6 }")|"
	else
		echo "one look at kernel memory: ms of CPU|$(awk "BEGIN { printf \"%.1f\", $took / 1e6 }")|<= 20"
	fi
}

lost_events='' lost_packets=''
round=0
while [ $round -lt "$runs" ]; do
	order=$forth
	[ $((round % 2)) = 0 ] || order=$back
	for run in $order; do
		case $run in
		true-before) took "$run" ccaio-before trace -q -o r.ccaio -- true ;;
		true-ccaio) took "$run" ccaio trace -q -o r.ccaio -- true ;;
		true-bare) took "$run" ccaio trace -q --no-capture -o r.ccaio -- true ;;
		true-old) took "$run" ccaio-before trace -q --no-capture -o r.ccaio -- true ;;
		true-first) # what earlier runs of this boot found out about the kernel is gone
			rm -f /run/ccaio/kernel
			took "$run" ccaio trace -q -o r.ccaio -- true
			;;
		true-tracecmd) took "$run" trace-cmd record -e swiotlb -e dma -o t.dat true ;;
		*) under "${run#*-}" "${run%-*}" ;;
		esac
		rm -rf r.ccaio t.dat
	done
	round=$((round + 1))
done
{
	if [ "$MEASURE" = busy ]; then # 8 ns for each
		echo "ccaio trace -- true: million instructions|$(($(median true-ccaio) / 8000))|"
	else
		echo "ccaio trace -- true: ms|$(($(median true-ccaio) / 1000))|"
	fi
	echo "ccaio trace -- true / trace-cmd record -- true|$(ratio true-ccaio true-tracecmd)|<= 1.00"
	echo "  the first run of a boot / a later one|$(ratio true-first true-ccaio)|"
	if [ -x /usr/bin/ccaio-before ]; then
		echo "ccaio trace -- true / before it read kernel memory|$(ratio true-ccaio true-before)|<= 1.10"
		echo "  the middle half of $runs rounds|$(middle true-ccaio true-before)|"
		echo "  both without packets, whose ring has grown since|$(ratio true-bare true-old)|<= 1.10"
		for w in disk net; do
			[ -e $w-before ] || continue
			echo "$w workload: under ccaio trace / under it before|$(ratio $w-ccaio $w-before)|<= 1.00"
		done
	fi
	snapshots
	[ -e disk-plain ] || exit 0
	for w in disk net; do
		echo "$w workload: under ccaio trace / alone|$(ratio $w-ccaio $w-plain)|"
		echo "$w workload: under trace-cmd record / alone|$(ratio $w-tracecmd $w-plain)|"
		echo "$w workload: under ccaio trace / under trace-cmd record|$(ratio $w-ccaio $w-tracecmd)|<= 1.00"
	done
	for w in disk net; do
		echo "$w workload: what --cost adds, beside the work alone|$(adds $w)|<= 1.03"
		echo "  under ccaio trace with --cost / without|$(ratio $w-meter $w-bare)|"
	done
	echo "net workload: without packets, under ccaio trace / under trace-cmd record|$(ratio net-bare net-tracecmd)|<= 1.00"
	if [ -x /usr/bin/tcpdump ]; then
		for w in keep free; do
			[ -e $w-both ] || continue
			at='on the CPU that takes interrupts'
			[ $w = keep ] || at='where the scheduler puts it'
			echo "100 keep-alive, $at:||"
			echo "  under ccaio trace / alone|$(ratio $w-ccaio $w-plain)|"
			echo "  under trace-cmd and tcpdump / alone|$(ratio $w-both $w-plain)|"
			echo "  under ccaio trace / both of these|$(ratio $w-ccaio $w-both)|<= 1.00"
		done
	fi
	echo "works with lost events, default buffers of $buffer KiB per CPU|${lost_events:- none}| none"
	echo "works with lost packets|${lost_packets:- none}| none"
} >>$out
