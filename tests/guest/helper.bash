# What the tests in real guests share.  make check-guest sets APPS; scripts/guest builds what the guest runs.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0

APPS=${APPS:?run the tests with make check-guest}
# From here, since the tests of a folder below load this, too.
GUEST_TESTS=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
DATA=$GUEST_TESTS/../data
load "$GUEST_TESTS/../broker"

# guest [OPTION...] -- CMD...: as scripts/guest; the programs were built before the first test.
guest() {
	"$GUEST_TESTS/../../scripts/guest" --no-build --verdicts "$BATS_TEST_TMPDIR/verdicts" "$@"
}

# The broker as a guest reaches it, and as CMD of a trace.
broker_url() {
	echo "http://10.0.2.2:$broker_port"
}

# explain: after a failure, what is needed to understand it without the machine where it happened.
explain() {
	local file
	[ -z "${BATS_TEST_COMPLETED:-}" ] || return 0
	printf '%s\n' '--- output of the last command' "${output:-}" '--- its errors' "${stderr:-}"
	if [[ "${output:-} ${stderr:-}" =~ "console log: "([^ ]*/console.log) ]]; then
		echo '--- end of the console' && tail -n 60 "${BASH_REMATCH[1]}" | tr -cd '[:print:]\n'
	fi
	[ ! -s "${broker_log:-}" ] || { echo '--- log of the broker' && head -n 40 "$broker_log"; }
	while read -r file; do
		echo "--- report of ${file%/verdict.json}" && "$CCAIO" report -f text "${file%/verdict.json}" | head -n 200
	done < <(find "$BATS_TEST_TMPDIR" -name verdict.json)
	for file in "$BATS_TEST_TMPDIR"/verdicts/*; do
		[ ! -e "$file" ] || jq -r --arg name "${file##*/}" '"--- \($name): \(.verdict)", (.claims, .conditions | to_entries[] |
			select(.value.state | IN("holds", "met", "not-applicable") | not) | "\(.value.state) \(.key): \(.value.reason)"),
			(.devices[] | select([.claims[] == "undecided" or .claims[] == "refuted"] | any) | "\(.name): \(.claims)")' "$file"
	done
	while read -r file; do
		echo "--- ${file#"$BATS_TEST_TMPDIR/"}: the result, sums that do not agree, the program's connections"
		jq -c '.result, (.conservation[] | select(.holds | not)),
			(.connections[] | select(.program) | del(.socket, .opened_ns, .last_ns))' "$file"
	done < <(find "$BATS_TEST_TMPDIR" -name exchanges.json)
} 2>&1

teardown() {
	explain || :
	stop_broker
}

# Of the bundles NAME.ccaio in the folder $bundles:

# ask NAME FILTER: what FILTER makes of NAME's exchanges.json, on one line
ask() {
	jq -c "$2" "$bundles/$1.ccaio/exchanges.json" | tr '\n' ' '
}

# What the server logged and what ccaio found must be the same: for each connection the same requests in
# the same order.  With a second argument only requests for what begins so.  (The server sees other port numbers: QEMU's user network changes them.)
same_as_the_log() {
	local logged found
	logged=$(jq -sc --arg p "${2:-/}" 'map(select(.target | startswith($p))) | group_by(.connection) | map(map([.method, .target, .body_in, .status, .body_out])) | sort | .[]' "$broker_log")
	found=$(jq -c --arg p "${2:-/}" '[.exchanges[] | select(.protocol == "http") | select(.target | startswith($p))] | group_by(.connection) |
		map(map([.method, .target, .out.body_bytes // 0, .status, .in.body_bytes // 0])) | sort | .[]' \
		"$bundles/$1.ccaio/exchanges.json")
	[ -n "$logged" ]
	[ "$logged" = "$found" ] || { diff <(echo "$logged") <(echo "$found"); false; }
}

# Every payload byte of the program's connections went in transfers known at these grades.
carried_at() {
	jq -ce --argjson ok "$2" '[.connections[] | select(.program)] | length > 0 and all((.out, .in) |
		(.payload // 0) == ([.carried // {} | to_entries[] | select(.key as $k | $ok | index($k)) | .value] | add // 0))' \
		"$bundles/$1.ccaio/exchanges.json" || { echo "not all payload of $1 was carried at $2"; false; }
}
