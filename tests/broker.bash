# A key broker on the host's loopback, for tests.  $APPS is where the applications were built.
# shellcheck shell=bash

# start_broker [OPTION...]: on a free port; sets broker_port and broker_log.
start_broker() {
	broker_log=$BATS_TEST_TMPDIR/broker.log
	local out=$BATS_TEST_TMPDIR/broker.out
	# The first line says where it listens: reading it from a pipe waits for exactly that.
	mkfifo "$out"
	"$APPS/keybroker-server" --port 0 --log "$broker_log" "$@" >"$out" 2>"$BATS_TEST_TMPDIR/broker.err" 3>&- &
	broker_pid=$!
	read -r line <"$out"
	broker_port=${line##*:}
	[ -n "$broker_port" ]
}

stop_broker() {
	[ -z "${broker_pid:-}" ] || { kill "$broker_pid" && wait "$broker_pid"; }
	broker_pid=
}
