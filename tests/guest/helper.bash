# What the tests in real guests share.  make check-guest sets APPS; scripts/guest builds what the guest runs.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0

APPS=${APPS:?run the tests with make check-guest}
DATA=$BATS_TEST_DIRNAME/../data
load ../broker

# guest [OPTION...] -- CMD...: as scripts/guest; the programs were built before the first test.
guest() {
	"$BATS_TEST_DIRNAME/../../scripts/guest" --no-build "$@"
}

# The broker as a guest reaches it, and as CMD of a trace.
broker_url() {
	echo "http://10.0.2.2:$broker_port"
}
