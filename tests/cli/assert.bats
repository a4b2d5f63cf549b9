# SPDX-License-Identifier: LGPL-2.1-or-later
# The assertions that are shipped for other people's bats tests.
load helper
load ../../share/ccaio-assert.bash

# recording NAME: sets evidence to the arguments that judge it
recording() {
	evidence=(verify --platform="$DATA/trace/$1.json" "$DATA/trace/$1.dat")
}

@test "assert: PROVEN passes, and says nothing" {
	recording linux-7.2-forced
	run -0 ccaio_assert_proven "${evidence[@]}" --scope=window
	[ -z "$output" ]
}

@test "assert: INCONCLUSIVE and VIOLATED fail, with the reason" {
	recording linux-7.2-forced
	run -1 ccaio_assert_proven "${evidence[@]}"
	[[ $output == *"wanted PROVEN, got INCONCLUSIVE"*baseline* ]]
	recording linux-7.2-noforce
	run -1 ccaio_assert_proven "${evidence[@]}"
	[[ $output == *"wanted PROVEN, got VIOLATED"*dma-in-shared* ]]
	recording linux-7.2-noforce
	run -0 ccaio_assert_verdict VIOLATED "${evidence[@]}"
}

@test "assert: trouble is no verdict" {
	run -1 ccaio_assert_proven verify /nonexistent
	[[ $output == *"got trouble"*nonexistent* ]]
	CCAIO=/nonexistent run -1 ccaio_assert_proven verify x
	[[ $output == *"got exit status 127"* ]]
}
