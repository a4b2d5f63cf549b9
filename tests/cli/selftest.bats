load helper

@test "selftest: all faults are found, exit 0, nothing on stderr" {
	run -0 --separate-stderr "$CCAIO" selftest
	[ -z "$stderr" ]
	[[ $output == *"faults found: 31 of 31"* ]]
	[[ $output == *"PASSED: "* ]]
	[[ $output != *FAIL* ]]
}

@test "selftest: another seed makes other runs, and they pass, too" {
	run -0 "$CCAIO" selftest --seed=4242 --only=rng,pci
	a=$(grep transfers <<<"$output" | sed 's/(.*//')
	run -0 "$CCAIO" selftest --seed=4243 --only=rng,pci
	b=$(grep transfers <<<"$output" | sed 's/(.*//')
	run -0 "$CCAIO" selftest --seed=4242 --only=rng,pci
	c=$(grep transfers <<<"$output" | sed 's/(.*//')
	[ "$a" = "$c" ]
	[ "$a" != "$b" ]
}

@test "selftest: --format=json names each fault, its claim and the score" {
	run -0 --separate-stderr "$CCAIO" selftest --format=json --only=net,pci
	[ "$(jq -r .schema <<<"$output")" = ccaio.selftest/1 ]
	[ "$(jq '.score.found == .score.faults and .score.faults > 15' <<<"$output")" = true ]
	[ "$(jq -r '.faults[] | select(.id == "no-bounce").claim' <<<"$output")" = dma-in-shared ]
	[ "$(jq '.all.passed == .all.runs and (.failures | length) == 0' <<<"$output")" = true ]
}

@test "selftest: --list says how each fault is noticed" {
	run -0 "$CCAIO" selftest --list
	[[ $output == *"early-reclaim "*"dma-in-shared: "* ]]
}

@test "selftest: --record writes a bundle that verifies and that trace-cmd opens" {
	bundle=$BATS_TEST_TMPDIR/model.ccaio
	run -0 "$CCAIO" selftest --record="$bundle"
	[[ $output == "$bundle: no fault on net over pci "* ]]
	run -0 "$CCAIO" verify -v "$bundle"
	[[ $output == *PROVEN*"Recorded by   the model of ccaio "* ]]
	run -3 "$CCAIO" selftest --record="$bundle" # it exists
	[[ $output == *"exists"* ]]
}

@test "selftest: --record of a fault is judged as the run was, and opens in trace-cmd" {
	while read -r only claim kind; do
		bundle=$BATS_TEST_TMPDIR/$only.ccaio
		run -0 --separate-stderr "$CCAIO" selftest --record="$bundle" --only="$only"
		# a claim is refuted, a condition is unmet
		if [[ $claim == nothing-lost ]]; then
			run -2 --separate-stderr "$CCAIO" verify -f json "$bundle"
			jq -e '.conditions["nothing-lost"].state == "unmet"' <<<"$output"
		else
			run -1 --separate-stderr "$CCAIO" verify -f json "$bundle"
			jq -e --arg c "$claim" --arg k "$kind" \
				'any(.counterexamples[]; (.claims | index($c)) != null and (.kind // "none") == $k)' <<<"$output"
		fi
		run -0 --separate-stderr trace-cmd report "$bundle/trace.dat"
		[[ $output == *"dma_map_phys:"* ]]
	done <<-END
		publish-original,blk,pci dma-in-shared map
		early-reclaim,net,msg2-dynamic dma-in-shared encrypt
		area-reuse,fs,msg1-dynamic slots-disjoint unmap
		excess-page,console,msg2-dynamic egress none
		tdisp-early dma-in-shared map
		lost-events,rng,mmio nothing-lost
		disorder,balloon,mmio nothing-lost
	END
}

@test "selftest: bad options are trouble and point at --help" {
	run -3 --separate-stderr "$CCAIO" selftest --only=net,nonsense
	[[ $stderr == *"--only: 'nonsense' is no fault, device or transport"*"--help"* ]]
	run -3 "$CCAIO" selftest --only=sync-foreign,rng
	run -3 "$CCAIO" selftest --seed=-1
	run -3 "$CCAIO" selftest --iterations=0
	run -3 "$CCAIO" selftest --format=xml
	run -3 "$CCAIO" selftest more
	run -3 bash -c '"$0" selftest --only=rng,pci,clean >/dev/full' "$CCAIO"
}
