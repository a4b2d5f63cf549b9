# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests of the static executable share.  make check-static sets CCAIO and APPS.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0

CCAIO=${CCAIO:?run the tests with make check-static}
APPS=${APPS:?run the tests with make check-static}
TOP=$(realpath "$BATS_TEST_DIRNAME/../..")
export LC_ALL=C.UTF-8
unset COLUMNS
