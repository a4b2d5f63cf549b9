load helper

@test "bench: json has the same, and memory stays within its bound" {
	run -0 --separate-stderr "$CCAIO" bench --rounds=1 -f json bounce
	[ "$(jq -r .schema <<<"$output")" = ccaio.bench-bounce/1 ]
	[ "$(jq '.ratios | length' <<<"$output")" = 4 ]
	[ "$(jq '.ratios[3].met' <<<"$output")" = true ]
	# dynamic sharing exposes the rest of the page, static sharing does not
	[ "$(jq '.sharing[0].dynamic.bytes_beyond' <<<"$output")" = 4032 ]
	[ "$(jq '.sharing[0].static.bytes_beyond' <<<"$output")" = 0 ]
	[ "$(jq -c '[.sharing[] | .static.pages_exposed] | unique' <<<"$output")" = '[128]' ]
	[ "$(jq -c '[.sharing[0, 3, 7] | .dynamic.pages_exposed]' <<<"$output")" = '[1,2,65]' ]
}

@test "bench: bad options are trouble" {
	run -3 --separate-stderr "$CCAIO" bench
	[[ $stderr == *"name what to measure: bounce"*"--help"* ]]
	run -3 "$CCAIO" bench --rounds=0 bounce
	run -3 "$CCAIO" bench -f xml bounce
	run -3 "$CCAIO" bench everything
}
