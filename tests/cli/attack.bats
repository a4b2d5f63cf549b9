#!/usr/bin/env bats
# The traced program against ccaio, which runs as root: in a folder of its own it renames, replaces and links
# whatever ccaio makes there, before, during and after the run.  No file of root outside the bundle may change.
load helper
load ../broker

setup() {
	# The program is of another user.  Who is not root cannot play both.
	[ "$(id -u)" = 0 ] || { echo "run the tests of -u as root" && false; }
	start_broker
	root=$BATS_TEST_TMPDIR/root theirs=$(mktemp -d -p /tmp) # whatever TMPDIR is, others can get there
	mkdir -m 700 "$root"
	for file in trace.dat trace.dat.part trace.dat.cpu0 packets.pcap exchanges.json platform.json verdict.json \
		report.html policy.json MANIFEST.json MANIFEST.json.new UNFINISHED result.xml; do
		echo kept >"$root/$file"
	done
	chown nobody "$theirs"
	chmod 755 "$theirs"
	cp "$APPS/keybroker-app" "$theirs/app"
	cd "$theirs" || return
}

teardown() {
	stop_broker
	cd / && rm -rf "$theirs"
}

# untouched: root's files are as they were, and there are no more of them.
untouched() {
	[ "$(find "$root" -type f | wc -l)" = 13 ]
	[ "$(cat "$root"/* | sort -u)" = kept ] || { grep -L kept "$root"/*; false; }
}

# attacked SCRIPT OPTION...: trace a client that runs SCRIPT beside it until the client's end and once after it;
# $root is what it aims at.  Sets status.
attacked() {
	local script=$1
	shift
	cat >client <<-END
		#!/bin/bash
		root=$root
		attack() { $script
		}
		attack 2>/dev/null # for sure, whatever else the machine does
		(while [ ! -e stop ]; do attack; done) 2>/dev/null &
		for i in 1 2 3; do ./app --endpoint "\$1" skywalker; done
		touch stop; wait; attack 2>/dev/null
		rm -f stop; exit 0
	END
	chmod 755 client
	run --separate-stderr timeout 60 "$CCAIO" trace --model -q -u nobody "$@" -- \
		./client "http://127.0.0.1:$broker_port"
}

# whole_or_trouble: exit 3 with a sentence, or a bundle in its place that verifies.
whole_or_trouble() {
	if [ "$status" = 3 ]; then
		[[ $stderr == *"ccaio trace: "* ]]
	else
		[ "$status" = 0 ]
		run -0 "$CCAIO" verify -q x.ccaio
	fi
}

@test "attack: links in place of each file, whatever the bundle's folder is called, all the time" {
	attacked 'for d in x.ccaio*; do
		for f in trace.dat trace.dat.part trace.dat.cpu0 packets.pcap exchanges.json platform.json verdict.json \
			report.html policy.json MANIFEST.json MANIFEST.json.new UNFINISHED; do
			ln -sfn $root/$f $d/$f; mv $d/$f $d/old; rm -f $d/$f
		done
	done' -o x.ccaio
	untouched
	whole_or_trouble
	[ "$status" = 0 ] # nobody got in
}

@test "attack: the folder renamed, another or a link put in its place: while it is written" {
	for instead in 'ln -sfn $root $d' 'mkdir $d; for f in $root/*; do ln -sfn $f $d/; done' ':'; do
		rm -rf x.ccaio* away*
		attacked 'for d in x.ccaio.unfinished-*; do [ -d $d ] && [ ! -L $d ] && mv $d away && { '"$instead"'; }; done' \
			-o x.ccaio
		untouched
		[ "$status" = 3 ]
		[[ $stderr == *"ccaio trace: x.ccaio: another program renamed or replaced the bundle's folder while it was written;"*"and now in $theirs/away"* ]]
		run -0 "$CCAIO" verify -q away
	done
}

@test "attack: something else has the bundle's name: before, and while it is written" {
	for instead in 'ln -sn $root x.ccaio' 'mkdir x.ccaio; ln -s $root/trace.dat x.ccaio' 'mkdir x.ccaio' 'touch x.ccaio'; do
		rm -rf x.ccaio*
		attacked "$instead" -o x.ccaio
		untouched
		[ "$status" = 3 ]
		[[ $stderr == *"cannot rename x.ccaio.unfinished-"*" to x.ccaio: the evidence stays there: File exists"* ]]
		run -0 "$CCAIO" verify -q x.ccaio.unfinished-*
		# the same from the start
		attacked : -o x.ccaio
		[ "$status" = 3 ]
		[[ $stderr == *"x.ccaio exists: remove it, or name another with -o"* ]]
		untouched
	done
}

@test "attack: links on the way to the bundle and to the report: before, and while it is written" {
	setpriv --reuid=65534 ln -s "$root" way
	for where in way/new.ccaio "$theirs/way/new.ccaio" way/../way/new.ccaio; do
		attacked : -o "$where"
		[ "$status" = 3 ]
		[[ $stderr == "ccaio trace: cannot create $where: 'way' on the way there is a symbolic link of user 65534: name its target instead" ]]
	done
	attacked : -o x.ccaio -f junit -o way/result.xml
	[ "$status" = 3 ]
	[[ $stderr == "ccaio trace: cannot write the report to way/result.xml: 'way' on the way there is a symbolic link of user 65534"* ]]
	untouched
	# a folder that becomes a link when the run has begun
	setpriv --reuid=65534 mkdir sub
	attacked '[ -L sub ] || { mv sub moved; ln -s $root sub; }' -o sub/x.ccaio -f junit -o sub/result.xml
	untouched
	[ "$status" = 0 ]
	run -0 "$CCAIO" verify -q moved/x.ccaio
	grep -q '</testsuites>' moved/result.xml
}

@test "attack: the report's file becomes a link or a FIFO; a link of the program's is refused from the start" {
	attacked 'ln -sfn $root/result.xml result.xml' -o x.ccaio -f junit -o result.xml
	untouched
	whole_or_trouble
	[ "$status" = 0 ]
	[ ! -L result.xml ]
	grep -q '</testsuites>' result.xml
	rm -rf x.ccaio result.xml
	setpriv --reuid=65534 ln -s "$root/result.xml" result.xml
	attacked : -o x.ccaio -f junit -o result.xml
	[ "$status" = 3 ]
	[[ $stderr == "ccaio trace: cannot write the report to result.xml: 'result.xml' on the way there is a symbolic link of user 65534"* ]]
	untouched
	# a FIFO that becomes a link to a file, or the file itself under another name
	rm -f result.xml && mkfifo result.xml && chown nobody result.xml
	attacked 'rm result.xml; ln -s $root/result.xml result.xml' -o x.ccaio -f junit -o result.xml
	[ "$status" = 3 ]
	[[ $stderr == *"cannot write the report to result.xml: "* ]]
	untouched
}

@test "bundle: only its user can read it, or with --group one group more, when it is complete" {
	umask 0
	traced() { run --separate-stderr timeout 60 "$CCAIO" trace --model -q "$@" -- ./app --endpoint \
		"http://127.0.0.1:$broker_port" skywalker; }
	traced -o a.ccaio
	[ "$(stat -c '%a' a.ccaio a.ccaio/* | sort -u | tr '\n' ' ')" = "600 700 " ]
	traced -o b.ccaio --group nogroup
	[ "$status" = 0 ]
	[ "$(stat -c '%a %G' b.ccaio)" = "750 nogroup" ]
	[ "$(stat -c '%a %G' b.ccaio/* | sort -u)" = "640 nogroup" ]
	run -0 setpriv --reuid=nobody --regid=nogroup --clear-groups "$CCAIO" verify -q b.ccaio
	run -3 setpriv --reuid=nobody --regid=nogroup --clear-groups "$CCAIO" verify -q a.ccaio
	traced -o c.ccaio.tar --group "$(getent group nogroup | cut -d: -f3)"
	[ "$(stat -c '%a %G' c.ccaio.tar)" = "640 nogroup" ]
	traced -o d.ccaio --group no-such-group
	[ "$status" = 3 ]
	[[ $stderr == *"there is no group 'no-such-group'"* ]]
	[ ! -e d.ccaio ]
	# who may not give it away learns it before the command runs
	run -3 --separate-stderr setpriv --reuid=nobody --regid=nogroup --clear-groups "$CCAIO" trace --model -q \
		-o d.ccaio --group root -- ./app --endpoint "http://127.0.0.1:$broker_port" skywalker
	[[ $stderr == *"cannot give d.ccaio to group 0: Operation not permitted"* ]]
	[ -z "$(find . -name 'd.ccaio*')" ]
}
