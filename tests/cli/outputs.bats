# SPDX-License-Identifier: LGPL-2.1-or-later
# Which format goes where.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
	facts=$DATA/trace/linux-7.2-noforce.json
	evidence=$DATA/trace/linux-7.2-noforce.dat
}

# verify OPTION...: judge the recording without bounces.
verify() {
	"$CCAIO" verify --scope=window --platform="$facts" "$@" "$evidence"
}

@test "outputs: several formats in one run, each to the file that follows it" {
	run -1 --separate-stderr verify -f sarif -o a.log -f junit -o b.log --json
	jq -e '.schema == "ccaio.verdict/1"' <<<"$output"
	jq -e '.version == "2.1.0"' a.log
	grep -q '^<testsuites ' b.log
}

@test "outputs: a file's ending is its format, unless one is given" {
	run -1 --separate-stderr verify -o a.sarif -o b.xml -o c.md -o d.txt -o e.tap -o f.jsonl -o g.html -o h.perfetto.json
	[ -z "$output" ]
	jq -e '.runs' a.sarif
	grep -q '^<testsuites ' b.xml
	grep -q '^VIOLATED' d.txt
	grep -q '^TAP version' e.tap
	jq -es '.[0].schema == "ccaio.lines/1"' f.jsonl
	grep -q '^<!DOCTYPE html>' g.html
	jq -e '.traceEvents' h.perfetto.json
	run -1 verify -o x.json -f tap
	grep -q '^TAP version' x.json
}

@test "outputs: two formats for one place are refused, and so are machine formats amid a program's output" {
	run -3 --separate-stderr verify -f json -f tap
	[[ $stderr == *"two formats for standard output, json and tap"* ]]
	run -3 --separate-stderr verify -o x -f json -o x -f tap
	[[ $stderr == *"two reports for x"* ]]
	run -3 --separate-stderr "$CCAIO" trace -f sarif -- touch ran
	[[ $stderr == *"the sarif report would be mixed with the output of touch: give it a file with -o"* ]]
	run -3 --separate-stderr "$CCAIO" trace --model --json -- touch ran
	[[ $stderr == *"the json report would be mixed"* ]]
	[ ! -e ran ]
}

@test "outputs: what is mistyped gets the nearest word, or all of them" {
	run -3 --separate-stderr "$CCAIO" verfy
	[[ $stderr == *"did you mean 'verify'?"* ]]
	run -3 --separate-stderr verify --polcy=x
	[[ $stderr == *"did you mean '--policy'?"* ]]
	run -3 --separate-stderr verify -f serif
	[[ $stderr == *"did you mean 'sarif'?"* ]]
	run -3 --separate-stderr verify -f xml
	[[ $stderr == *"--format takes text, json, html, junit"* ]]
	run -3 --separate-stderr verify --scope=since-bot
	[[ $stderr == *"did you mean 'since-boot'?"* ]]
	run -3 --separate-stderr "$CCAIO" explain dma-in-sharde
	[[ $stderr == *"did you mean 'dma-in-shared'?"* ]]
}

@test "outputs: --version names the commit and every library in use" {
	run -0 "$CCAIO" --version
	[[ ${lines[0]} =~ ^"ccaio "[0-9.]+" (commit "([0-9a-f]{12}|unknown)")"$ ]]
	for lib in json-c openssl zlib zstd libtracefs libtraceevent libbpf libpcap http-parser; do
		grep -qE "^$lib [0-9]+\.[0-9]+" <<<"$output" || { echo "no $lib in:" "$output"; false; }
	done
	# loaded when it is needed, where it is installed
	[[ ${lines[-1]} =~ ^"libcurl "([0-9]+\.[0-9.]+|"absent: --canary cannot be used")$ ]]
}
