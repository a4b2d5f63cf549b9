#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs in a guest (busybox): what tracing costs there, under ccaio trace and under trace-cmd record with
# the same events, in turn.  Leaves lines "what|figure|must reach" in /root/bench.txt.
# usage: bench-guest.sh RUNS URL     (URL: a key broker with /blob/N)
runs=$1
url=$2
out=/root/bench.txt
cd /tmp || exit 1
: >$out

cat >work.sh <<'WORK'
# work.sh disk|net|keep FILE URL: the work, its own milliseconds appended to FILE
read -r t0 _ </proc/uptime
case $1 in
disk) dd if=/dev/vda of=/dev/null bs=4k count=2000 iflag=direct 2>/dev/null ;;
keep) u=; for i in $(seq 100); do u="$u -o /dev/null $3/blob/$i"; done; curl -s $u ;;
net) for _ in 1 2 3 4; do curl -s -o /dev/null "$3/blob/1000000"; done ;;
esac
read -r t1 _ </proc/uptime
echo "$t0 $t1" | awk '{ printf "%d\n", ($2 - $1) * 1000 }' >>"$2"
WORK

# took NAME CMD...: append the milliseconds from start to end of CMD to NAME
took() {
	name=$1
	shift
	read -r t0 _ </proc/uptime
	"$@" >log 2>&1
	read -r t1 _ </proc/uptime
	echo "$t0 $t1" | awk '{ printf "%d\n", ($2 - $1) * 1000 }' >>"$name"
}

median() {
	sort -n "$1" | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'
}

ratio() {
	awk "BEGIN { printf \"%.2f\", $(median "$1") / $(median "$2") }"
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

# trace-cmd record and tcpdump together, as one would without ccaio
both() {
	[ -p said ] || mkfifo said
	tcpdump -i eth0 -s 0 -w t.pcap 2>said &
	tcpdump=$!
	read -r _ <said # it listens
	# shellcheck disable=SC2086
	trace-cmd record $same -o t.dat sh work.sh keep keep-both "$url" >log 2>&1
	kill $tcpdump
	wait $tcpdump
	rm -f t.dat t.pcap
}

lost_disk=0 lost_net=0
i=0
while [ $i -lt "$runs" ]; do
	rm -rf ./*.ccaio t.dat
	took true-ccaio ccaio trace -q -o r.ccaio -- true
	took true-tracecmd trace-cmd record -e swiotlb -e dma -o t.dat true
	for w in disk net; do
		sh work.sh $w $w-plain "$url"
		ccaio trace -o $w.ccaio -- sh work.sh $w $w-ccaio "$url" >$w.txt 2>&1
		grep -q "^  met  *nothing-lost" $w.txt || eval "lost_$w=1"
		# shellcheck disable=SC2086
		trace-cmd record $same -o t.dat sh work.sh $w $w-tracecmd "$url" >log 2>&1
		rm -rf $w.ccaio t.dat
	done
	if [ -x /usr/bin/tcpdump ]; then
		sh work.sh keep keep-plain "$url"
		ccaio trace -q -o keep.ccaio -- sh work.sh keep keep-ccaio "$url" >log 2>&1
		both
		rm -rf keep.ccaio
	fi
	i=$((i + 1))
done
{
	echo "ccaio trace -- true: ms|$(median true-ccaio)|"
	echo "ccaio trace -- true / trace-cmd record -- true|$(ratio true-ccaio true-tracecmd)|<= 1.00"
	for w in disk net; do
		echo "$w workload: under ccaio trace / alone|$(ratio $w-ccaio $w-plain)|"
		echo "$w workload: under trace-cmd record / alone|$(ratio $w-tracecmd $w-plain)|"
		echo "$w workload: under ccaio trace / under trace-cmd record|$(ratio $w-ccaio $w-tracecmd)|<= 1.00"
	done
	if [ -x /usr/bin/tcpdump ]; then
		echo "100 keep-alive: under ccaio trace / alone|$(ratio keep-ccaio keep-plain)|"
		echo "100 keep-alive: under trace-cmd and tcpdump / alone|$(ratio keep-both keep-plain)|"
		echo "100 keep-alive: under ccaio trace / both of these|$(ratio keep-ccaio keep-both)|<= 1.00"
	fi
	echo "runs with lost events (disk, net), default buffer|$lost_disk, $lost_net|0, 0"
} >>$out
