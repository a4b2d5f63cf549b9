# SPDX-License-Identifier: LGPL-2.1-or-later
# From an HTTP exchange to the buffers that carried it, in real guests: what the server logged of each
# request must be what ccaio found, byte by byte.

load helper

# traced OPTION... -- SCRIPT: run ccaio traces in a guest; bundles x*.ccaio come out to $bundles.
# In SCRIPT, $url is the broker, and `t NAME CMD...` traces CMD into NAME.ccaio.
traced() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	bundles=$BATS_TEST_TMPDIR/out
	run -0 --separate-stderr guest --timeout 400 "${options[@]}" --out "/root/out:$bundles" -- sh -c '
		mkdir out; url=$1
		t() { n=$1; shift; ccaio trace -v --scope window -o "out/$n.ccaio" -- "$@" >"out/$n.txt" 2>&1; echo "$n $?" >>out/status; }
		'"$2" sh "${3:-$(broker_url)}"
}

# The network device's claims hold, the sums agree, and judging again comes to the same.  (A device that
# is no part of this, like the rng, may leave the whole undecided.)
proven() {
	local status
	status=$(awk -v n="$1" '$1 == n { print $2 }' "$bundles/status")
	jq -e '(.devices[] | select(.name | test("00:01.0$")) | .claims | del(.confidential, .egress) | all(. == "holds")) and
		(.conditions.conserved.state == "met")' "$bundles/$1.ccaio/verdict.json" >/dev/null || { echo "$1 is not proven"; false; }
	[ "$(ask "$1" '[.result.correlated, .result.program_known, .result.conserved]')" = '[true,true,true] ' ]
	run -"$status" "$CCAIO" verify -q "$bundles/$1.ccaio"
}

# Secrets are nowhere, whatever the file.
nothing_of() {
	local bundle=$1 secret
	shift
	for secret; do
		[ ${#secret} -gt 10 ]
		! grep -rqaF -e "$secret" "$bundles/$bundle.ccaio" "$bundles/$bundle.txt" || { echo "$secret is there"; false; }
	done
}

# What the interface itself counted, packets and bytes, out and in, lies within what the events allow.
counted() {
	[ "$(jq -c '[.net[] | .name, .counted, (.counters | any(.name == "tx0_kicks"))]' "$bundles/$1.ccaio/platform.json")" = '["eth0",true,true]' ]
	[ "$(ask "$1" '[.conservation[] | select(.what | startswith("eth0 "))] | [(map(select(.left > 0) | .what + " " +
		(.left_name | split(" ")[0]) + (.left_name + .right_name | if contains("queues") then ", queues" else "" end)) | unique), all(.holds)]')" = \
		'[["eth0 in bytes","eth0 in bytes, queues","eth0 in packets","eth0 in packets, queues","eth0 out bytes","eth0 out bytes, queues","eth0 out packets","eth0 out packets, queues"],true] ' ] ||
		{ ask "$1" '.conservation, .result.notes'; cat "$bundles/$1.txt"; false; }
}

keybroker() {
	start_broker
	traced "$@" -- '
		t x keybroker-app --endpoint $url skywalker
		# the same interface while it is busy, at both ends of the window
		for bytes in 300 20000; do
			(while :; do curl -s -o /dev/null $url/blob/$bytes; done) & busy="$busy $!"
		done
		until grep -q " 01 " /proc/net/tcp; do :; done
		t busy curl -s -o /dev/null $url/blob/100000
		kill $busy'
	proven x
	same_as_the_log x /keys/
	counted x
	counted busy
	carried_at x '["exact","nested"]'
	[ "$(ask x '.exchanges[] | [.method, .status, .end, .clear, .grade, .out.body_bytes]')" = \
		'["POST",201,"complete",true,"nested",228] ["POST",200,"complete",true,"nested",2766] ' ]
	nothing_of x 'May the force'
	[ "$(ask x '.exchanges | all(.out.first_packet > 0 and (.out.queues | test("^output[.][0-9]")) and .out.descriptors > 0 and
		(.in.queues | test("^input[.][0-9]")) and (.out.transfer_list | all(.slot >= 0)))')" = 'true ' ]
	# That is all of the program: unless the kernel itself sent between the first marker and the first captured packet.
	[ "$(ask x '.result.nothing_else or (.unattributed | any(.reason == "packet that was not captured"))')" = 'true ' ] ||
		{ ask x '.result.beyond, .unattributed'; false; }
	[ "$(ask x .result.nothing_else)" = 'false ' ] || tr -s ' \n' ' ' <"$bundles/x.txt" | grep -q 'nothing else of the program touched a device'
	# what ccaio itself read of the disk is what the disk counted, byte by byte, and all of it was mapped
	[ "$(ask x '.conservation[] | select(.what == "vda read") | [.left > 0, .left == .right, .left <= .right, .holds]')" = \
		'[true,true,true,true] [true,true,true,true] [true,false,true,true] ' ]
}

@test "exchanges: both of a key broker's are found, down to the slots (7.x arm64, 1 CPU)" {
	keybroker
	[ "$(ask x '.exchanges[0] | .request_names, .response_names')" = '["pubkey","kty","alg","n","e"] ["challenge","accept"] ' ]
	[ "$(ask x '[.exchanges[].out.transfer_list[] | .bounced, .device] | unique')" = '[true,"0000:00:01.0"] ' ]
	grep -q 'POST /keys/v1/key/skywalker → 201: complete, clear, grade nested' "$bundles/x.txt"
}

@test "exchanges: both of a key broker's are found (7.x arm64, 4 CPUs)" {
	keybroker --cpus 4
}

@test "exchanges: both of a key broker's are found (7.x amd64, 1 CPU)" {
	keybroker --arch amd64
}

@test "exchanges: both of a key broker's are found (7.x amd64, 4 CPUs)" {
	keybroker --arch amd64 --cpus 4
}

@test "exchanges: 8 programs in parallel and a stranger get each their own bytes" {
	start_broker
	traced --cpus 2 -- '
		mkfifo go gone
		(read -r _ <go; ip link set eth0 promisc on; for i in 1 2 3 4 5; do curl -s -o /dev/null "$url/blob/1000"; done; echo >gone) &
		t x sh -c "echo >go; for i in 1 2 3 4 5 6 7 8; do keybroker-app --endpoint $url skywalker & done; wait; read -r _ <gone"
		wait'
	proven x
	same_as_the_log x /keys/
	carried_at x '["exact","nested"]'
	[ "$(ask x '[.connections[] | select(.program)] | length, ([.[].comm] | unique), ([.[].pid] | unique | length)')" = \
		'8 ["keybroker-app"] 8 ' ]
	[ "$(ask x '[.connections[] | select(.program | not) | .comm] | unique')" = '["curl"] ' ]
	[ "$(ask x '[.unattributed[] | select(.reason | startswith("connection of curl["))] | length > 0')" = 'true ' ]
	# what the stranger had the driver tell the device is no packet, and leaves nothing open
	[ "$(ask x '[.unattributed[].reason] | [any(. == "commands of the driver'"'"'s control queue"), any(startswith("mapped outside"))]')" = \
		'[true,false] ' ]
}

@test "exchanges: 100 requests on one connection" {
	start_broker
	traced -- '
		u=; for i in $(seq 100); do u="$u $url/blob/$i"; done
		t keep curl -s $u
		# a command that does not end before its own exchange is shown
		for f in text jsonl; do
			ccaio trace --scope window --live -f $f -o out/live-$f.ccaio -- timeout 60 sh -c "
				curl -s -o /dev/null $url/live
				until grep -q /live..*404 out/live-$f.txt; do usleep 10000; done" >out/live-$f.txt 2>&1
			echo "live-$f $?" >>out/status
		done'
	for f in text jsonl; do
		[ "$(jq .run.exit_status "$bundles/live-$f.ccaio/verdict.json")" = 0 ]
	done
	head -1 "$bundles/live-text.txt" | grep -E 'GET /live → 404: complete, clear, [0-9]+ out, [0-9]+ in'
	head -1 "$bundles/live-jsonl.txt" | jq -e '.type == "exchange" and .target == "/live" and .status == 404'
	proven keep
	same_as_the_log keep /blob
	carried_at keep '["exact","nested"]'
	[ "$(ask keep '[(.connections | length), (.exchanges | length)], ([.exchanges[].in.body_bytes] == [range(1; 101)])')" = '[1,100] true ' ]
}

@test "exchanges: an answer of 8 MiB; what is read from and written to a disk" {
	start_broker
	traced -- '
		t big curl -s -o /dev/null "$url/blob/8388608"
		t disk sh -c "
			dd if=/dev/vda of=/dev/null bs=64k skip=16 count=8
			dd if=/dev/vda of=/dev/null bs=4k skip=1000 count=3 iflag=direct
			dd if=/dev/zero of=/dev/vda bs=4k seek=1500 count=5
			sync"
		# somebody hides maps for a moment, in the instance itself
		t hidden sh -c "
			for f in /sys/kernel/tracing/instances/ccaio*/events/dma/dma_map_phys/filter; do
				echo size == 1 >\$f; done
			dd if=/dev/vda of=/dev/null bs=64k skip=32 count=8 iflag=direct
			for f in /sys/kernel/tracing/instances/ccaio*/events/dma/dma_map_phys/filter; do
				echo 0 >\$f; done"'
	[ "$(ask disk '.result.conserved')" = 'true ' ]
	# process by process, whoever issued the requests; the file where the memory was one of the page cache
	[ "$(ask disk '[.block_requests[] | select(.program and .owner == "exact") | {cached: .file.path, read, written}] |
		group_by(.cached) | map([.[0].cached, ([.[].read] | add) >= 524288, ([.[].read] | add) == 12288, ([.[].written] | add)])')" = \
		'[[null,false,true,0],["/dev/vda",true,false,20480]] ' ]
	[ "$(ask disk '[.block_requests[] | select(.comm == "ccaio") | .program] | unique')" = '[false] ' ]
	[ "$(ask disk '[.conservation[] | select(.what == "vda written") | .left], .result.conserved')" = '[20480,1,20480] true ' ]
	[ "$(ask disk '[.conservation[] | select(.what == "vda written") | .right][0:2]')" = '[20480,1] ' ]
	[ "$(ask disk '[.conservation[] | select(.what == "vda read") | .holds] | length, unique')" = '3 [true] ' ]
	[ "$(ask hidden '[.conservation[] | select(.holds | not) | .what, .left_name, .left >= 524288, .right < 524288]')" = \
		'["vda read","bytes by the disk'"'"'s own count",true,true] ' ]
	grep -q '^hidden 2$' "$bundles/status"
	tr -s ' \n' ' ' <"$bundles/disk.txt" | grep -q 'block requests of dd.* (vda), file /dev/vda'
	proven big
	same_as_the_log big
	carried_at big '["exact","nested"]'
	# several packets became one (GRO), and each had its own transfers
	[ "$(ask big '.exchanges[0].in | [.body_bytes, .transfers > .packets]')" = '[8388608,true] ' ]
}

@test "exchanges: what is sent again is counted apart" {
	start_broker
	# What is sent waits for the next third of a second.  A connection that opens shortly before that moment
	# expects answers at once, waits 200 ms for the next one, and sends again: each begins 37 ms later, until the
	# kernel says that an established one did.
	traced --qemu '-object filter-buffer,id=slow,netdev=net,interval=300000,queue=rx' -- '
		echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save
		mkdir /sys/kernel/tracing/instances/again && cd /sys/kernel/tracing/instances/again
		echo 1 >events/tcp/tcp_retransmit_skb/enable && cd /root
		t x sh -c "i=0; until grep -q TCP_ESTABLISHED /sys/kernel/tracing/instances/again/trace; do
			i=\$((i % 12 + 1)); usleep \$((i * 37000)); curl -s -o /dev/null \$1/blob/1000; done" sh "$url"'
	proven x
	same_as_the_log x
	carried_at x '["exact","nested"]'
	[ "$(ask x '[.connections[].out.retransmitted // 0] | add > 0')" = 'true ' ]
	[ "$(ask x '([.exchanges[].out.retransmitted // 0] | add) == ([.connections[].out.retransmitted // 0] | add)')" = 'true ' ]
}

@test "exchanges: refused, forbidden and cut ones are told as what they are" {
	echo '{"reference-values":[]}' >"$BATS_TEST_TMPDIR/none.json"
	start_broker --reference-values "$BATS_TEST_TMPDIR/none.json" --close-after 500
	traced -- '
		t refused curl -s http://10.0.2.2:1/
		t forbidden keybroker-app --endpoint $url skywalker
		t cut curl -s -o /dev/null $url/blob/5000'
	[ "$(ask refused '.exchanges[] | [.end, .protocol]')" = '["refused","unrecognised"] ' ]
	[ "$(ask forbidden '[.exchanges[] | .status]')" = '[201,403] ' ]
	[ "$(ask cut '.exchanges[] | [.end, .status, .in.body_bytes]')" = '["cut",200,500] ' ]
	for n in refused forbidden cut; do proven $n; done
}

@test "exchanges: a process that runs already, its open connection, and a line for each as it completes" {
	start_broker
	traced -- '
		u=; for i in $(seq 4000); do u="$u $url/blob/10"; done
		curl -s --rate 20/s $u >/dev/null & pid=$!
		until grep -q " 01 " /proc/net/tcp; do usleep 10000; done
		>strangers; (while :; do curl -s -o /dev/null "$url/blob/20"; echo >>strangers; done) & other=$!
		ccaio trace --scope window --pid $pid --live -f jsonl -o out/x.ccaio >out/x.txt 2>&1 & trace=$!
		until [ "$(grep -c "/blob/10.*complete" out/x.txt)" -gt 20 ]; do usleep 50000; done
		n=$(wc -l <strangers); until [ "$(wc -l <strangers)" -ge $((n + 2)) ]; do usleep 50000; done
		kill -INT $trace; wait $trace
		echo "x $?" >>out/status
		kill $pid $other'
	[ "$(ask x '[.connections[] | select(.program) | .comm, .preexisting, .role]')" = '["curl",true,"client"] ' ]
	[ "$(ask x '[.exchanges[] | select(.target == "/blob/10" and .end == "complete")] | length > 20')" = 'true ' ]
	[ "$(ask x '[.connections[] | select(.preexisting | not) | .program] | unique')" = '[false] ' ]
	carried_at x '["exact","nested"]'
	[ "$(ask x '[.exchanges[] | select(.end == "complete")] | length')" = \
		"$(grep -c '"type": "exchange".*"end": "complete"' "$bundles/x.txt") " ]
	[ "$(tail -n +1 "$bundles/x.txt" | grep -c '"type":"verdict"')" = 1 ]
	[ "$(grep -c '"type":"beyond"' "$bundles/x.txt")" = 1 ]
	grep -q 'GET /blob/20' "$bundles/x.ccaio/report.html"
}

@test "exchanges: under TLS payload is confidential, and nothing of it is anywhere" {
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=broker.example \
		-addext subjectAltName=IP:10.0.2.2,DNS:broker.example \
		-keyout "$BATS_TEST_TMPDIR/key.pem" -out "$BATS_TEST_TMPDIR/cert.pem" 2>/dev/null
	start_broker --mock-challenge --tls-cert "$BATS_TEST_TMPDIR/cert.pem" --tls-key "$BATS_TEST_TMPDIR/key.pem"
	local pubkey='{"pubkey":{"kty":"RSA","alg":"RSA1_5","n":"AQAB","e":"AQAB"}}'
	challenge=$(curl -sk -d "$pubkey" "https://127.0.0.1:$broker_port/keys/v1/key/skywalker" | jq -r .challenge)
	traced --in "$BATS_TEST_TMPDIR/cert.pem" -- '
		t x keybroker-app --mock-evidence --ca cert.pem --endpoint $url skywalker
		t named curl -s --cacert cert.pem --resolve broker.example:${url##*:}:10.0.2.2 https://broker.example:${url##*:}/blob/3000' \
		"https://10.0.2.2:$broker_port"
	for n in x named; do
		proven $n
		carried_at $n '["exact","nested"]'
		grep -qE '^ +holds +confidential' "$bundles/$n.txt" || { cat "$bundles/$n.txt"; false; }
		[ "$(ask $n '[.exchanges[] | .protocol, .handshake_complete, .clear, .end] | unique')" = '[false,true,"complete","tls"] ' ]
	done
	[ "$(ask named '.exchanges[] | .sni')" = '"broker.example" ' ]
	[ "$(ask named '.exchanges[] | .in.body_bytes > 3000')" = 'true ' ]
	nothing_of x 'May the force' "$challenge" '/keys/v1/evidence'
	grep -qF /blob/3000 "$bundles/named.ccaio/verdict.json" # the command line, which the user gave
	run ! grep -qaF /blob/3000 "$bundles/named.ccaio/exchanges.json"
	run ! grep -qaF /blob/3000 "$bundles/named.ccaio/packets.pcap"
}

# As they are written, but for the broker's port and that the server is not looked at for ten seconds.
@test "exchanges: the examples of ccaio-trace.1 run, and leave bundles that verify" {
	start_broker
	mapfile -t examples < <(sed -n '/^# EXAMPLES$/,/^# SEE ALSO$/ s/^\t//p' "$BATS_TEST_DIRNAME/../../man/ccaio-trace.1.scd" |
		sed -e "s,http://[a-z0-9.]*:8088,$(broker_url)," -e 's/--duration 10/--duration 1/')
	[ ${#examples[@]} -ge 5 ]
	traced --boot-armed -- '
		cd out; mkfifo stop
		printf "#!/bin/sh\nread line <stop\n" >nginx && chmod +x nginx && ./nginx &
		until pidof nginx; do usleep 10000; done
		printf "#!/bin/sh\nexec keybroker-app -v --endpoint \"\$1\" skywalker\n" >client && chmod +x client
		echo "{\"schema\": \"ccaio.policy/1\"}" >ci.json
		while read -r line; do
			sh -c "$line" >log 2>&1 </dev/null; echo "$? $line"
			cat log
		done <<END >all 2>&1
'"$(printf '%s\n' "${examples[@]}")"'
END
		echo >stop; wait; rm stop'
	cat "$bundles/all"
	[ "$(grep -cE '^[012] ccaio trace ' "$bundles/all")" = ${#examples[@]} ]
	[ "$(find "$bundles" -maxdepth 1 -name '*.ccaio' | wc -l)" = ${#examples[@]} ]
	for bundle in "$bundles"/*.ccaio; do
		run "$CCAIO" verify -q "$bundle"
		[ "$status" -le 2 ] || { echo "$bundle: $output"; false; }
	done
	grep -q '<testsuites' "$bundles/results.xml"
}
