#!/usr/bin/env bats
# The I/O that ccaio causes itself, and the options that change how the command runs.
load helper

@test "canary: an HTTP request of known length is found; one that fails leaves the verdict open; -u" {
	start_broker
	run -0 guest --out "/root/facts:$BATS_TEST_TMPDIR/facts" -- sh -c '
		cd /root
		ccaio trace -q --scope window --canary "$1/" -o good.ccaio -- true; echo "status $?"
		ccaio trace -q --scope window --canary http://10.0.2.2:1/ -o bad.ccaio -- true; echo "status $?"
		ccaio trace -q --scope window -u nobody -o user.ccaio -- sh -c "id -un; echo \$HOME \$USER \$LOGNAME"
		ip link set eth0 down
		ccaio trace -q --scope window -o down.ccaio -- true; echo "status $?"
		mkdir facts; for b in good bad down; do cp $b.ccaio/platform.json facts/$b.json; done' sh "$(broker_url)"
	grep -v '^PROVEN\|^INCONCLUSIVE' <<<"$output" >"$BATS_TEST_TMPDIR/lines"
	diff - "$BATS_TEST_TMPDIR/lines" <<-END
		status 0
		status 2
		nobody
		/ nobody nobody
		status 0
	END
	[[ $output == *"not proven: canary-seen"* ]]
	kinds() { jq -r '[.trace.canaries[].kind] | sort | join(" ")' "$BATS_TEST_TMPDIR/facts/$1.json"; }
	[ "$(kinds good)" = "blk-read net-http" ]
	[ "$(kinds bad)" = "blk-read failed" ]
	[ "$(kinds down)" = "blk-read none" ]
	[ "$(jq -r '.trace.canaries[] | select(.kind == "none").reason' "$BATS_TEST_TMPDIR/facts/down.json")" = "eth0 is down" ]
}
