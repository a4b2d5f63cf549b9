# What the black-box tests share.  make check-cli sets CCAIO and APPS.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0

CCAIO=${CCAIO:?run the tests with make check-cli}
APPS=${APPS:?run the tests with make check-cli}
DATA=$BATS_TEST_DIRNAME/../data

# same FILE: $output is exactly what the file holds.
same() {
	diff -u "$1" <(printf '%s\n' "$output")
}
