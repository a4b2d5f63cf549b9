# The key broker that tests and the demo use, against what is known of the real one.

load helper
load ../broker

teardown() {
	stop_broker
}

app() {
	"$APPS/keybroker-app" -v --endpoint "http://127.0.0.1:$broker_port" "$@"
}

@test "keybroker: the right key comes back, exit 0, and the client says what it does" {
	start_broker
	run -0 --separate-stderr app skywalker
	[ -z "$output" ]
	id=$(jq -r 'select(.request == 2).target | split("/")[-1]' "$broker_log")
	[[ ${stderr_lines[0]} == "INFO Requesting key named 'skywalker' from the keybroker server with URL http://127.0.0.1:$broker_port/keys/v1/key/skywalker" ]]
	[[ ${stderr_lines[1]} =~ ^"INFO Challenge (64 bytes) = ["([0-9a-f]{2},\ ){63}[0-9a-f]{2}"]"$ ]]
	[[ ${stderr_lines[2]} == "INFO Submitting evidence to URL http://127.0.0.1:$broker_port/keys/v1/evidence/$id" ]]
	[[ ${stderr_lines[3]} == "INFO Attestation success :-) ! The key returned from the keybroker is 'May the force be with you.'" ]]
	[ ${#stderr_lines[@]} = 4 ]
}

@test "keybroker: two requests on one connection, of the sizes that the real one has" {
	start_broker
	run -0 app skywalker
	run -0 jq -c '[.connection, .request, .method, .body_in, .status, .body_out]' "$broker_log"
	[ "${lines[0]}" = '[1,1,"POST",228,201,180]' ]
	[ "${lines[1]}" = '[1,2,"POST",2766,200,182]' ]
	[ ${#lines[@]} = 2 ]
}

@test "keybroker: without -v a success says nothing" {
	start_broker
	run -0 "$APPS/keybroker-app" -e "http://127.0.0.1:$broker_port" skywalker
	[ -z "$output" ]
}

@test "keybroker: evidence for another challenge is refused, exit 1" {
	start_broker
	run -1 --separate-stderr app -m skywalker
	[[ $stderr == *"INFO Attestation failure :-( ! AttestationFailure: The attestation result is not in policy." ]]
}

@test "keybroker: the example evidence convinces where the example challenge is issued" {
	start_broker -m
	run -0 --separate-stderr app -m skywalker
	[[ $stderr == *"Challenge (64 bytes) = [6e, 86, d6, d9, "* ]]
}

@test "keybroker: reference values decide" {
	printf '{"reference-values":["%s"]}' "$(printf 'ccaio mock measurement, 32 bytes' | base64)" >"$BATS_TEST_TMPDIR/ok.json"
	printf '{"reference-values":["%s"]}' "$(printf 'another measurement' | base64)" >"$BATS_TEST_TMPDIR/other.json"
	start_broker --reference-values "$BATS_TEST_TMPDIR/ok.json"
	run -0 app skywalker
	stop_broker
	rm "$BATS_TEST_TMPDIR/broker.out"
	start_broker --reference-values "$BATS_TEST_TMPDIR/other.json"
	run -1 app skywalker
}

@test "keybroker: an unknown key is trouble, exit 2" {
	start_broker
	run -2 --separate-stderr app vader
	[[ $stderr == *"ERROR The key request failed with: Unhandled HTTP response: 500" ]]
}

@test "keybroker: nobody there is trouble, exit 2" {
	broker_port=1 # a port that was free a moment ago could be another test's by now
	run -2 --separate-stderr app skywalker
	[[ $stderr == *"ERROR The key request failed with: HTTP connection to http://127.0.0.1:"* ]]
}

@test "keybroker: a challenge is good for one attempt, and bad evidence gets an answer" {
	start_broker
	curl() { command curl -s -o "$BATS_TEST_TMPDIR/body" -w '%{http_code} %header{location}' "$@"; }
	run -0 curl -d '{"pubkey":{"kty":"RSA","alg":"RSA1_5","n":"AQAB","e":"AQAB"}}' "http://127.0.0.1:$broker_port/keys/v1/key/skywalker"
	[[ $output == "201 http://127.0.0.1:$broker_port/keys/v1/evidence/"* ]]
	url=${output#201 }
	run -0 curl -d 'not base64!' "$url"
	[[ $output == "400 " ]]
	run -0 curl -d 'AAAA' "$url"
	[[ $output == "403 " ]]
	grep -qF '{"type":"AttestationFailure","detail":"The challenge identifier did not match any issued challenge."}' "$BATS_TEST_TMPDIR/body"
	run -0 curl -d 'garbage' "http://127.0.0.1:$broker_port/keys/v1/key/skywalker"
	[[ $output == "400 " ]]
}

@test "keybroker: a server that breaks off in the middle of a body" {
	start_broker --close-after 100
	run -18 curl -s -o "$BATS_TEST_TMPDIR/blob" "http://127.0.0.1:$broker_port/blob/5000"
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/blob")" = 100 ]
	run -2 app skywalker
}

@test "keybroker: blobs have their length and pattern" {
	start_broker
	curl -sf -o "$BATS_TEST_TMPDIR/blob" "http://127.0.0.1:$broker_port/blob/300000"
	# The 89 characters from '!' on, again and again.
	period=$(printf '%b' "$(printf '\\x%x' {33..121})")
	cmp "$BATS_TEST_TMPDIR/blob" <(yes "$period" | tr -d '\n' | head -c 300000)
}

@test "keybroker: over TLS, with a certificate of one's own" {
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$BATS_TEST_TMPDIR/key.pem" -out "$BATS_TEST_TMPDIR/cert.pem" 2>/dev/null
	start_broker --tls-cert "$BATS_TEST_TMPDIR/cert.pem" --tls-key "$BATS_TEST_TMPDIR/key.pem"
	run -0 "$APPS/keybroker-app" -v -e "https://127.0.0.1:$broker_port" --ca "$BATS_TEST_TMPDIR/cert.pem" skywalker
	[[ $output == *"URL https://127.0.0.1:$broker_port/keys/v1/evidence/"*"May the force be with you."* ]]
	run -2 "$APPS/keybroker-app" -v -e "https://127.0.0.1:$broker_port" skywalker
}

@test "keybroker: wrong command lines are trouble, exit 2" {
	run -2 --separate-stderr "$APPS/keybroker-app"
	[[ $stderr == "usage: keybroker-app"* ]]
	run -2 "$APPS/keybroker-app" --frobnicate skywalker
	run -2 "$APPS/keybroker-server" --frobnicate
	run -0 --separate-stderr "$APPS/keybroker-app" --help
	[[ $output == "usage: keybroker-app"* ]]
}
