# SPDX-License-Identifier: LGPL-2.1-or-later
load helper

@test "main: every page is accepted by scdoc, and what it refers to exists" {
	command -v scdoc || skip "scdoc is not installed"
	cd "$BATS_TEST_DIRNAME/../../man"
	for page in *.scd; do
		scdoc <"$page" >"$BATS_TEST_TMPDIR/page" || { echo "$page"; false; }
		for ref in $(grep -oE '\*ccaio[a-z-]*\*\([15]\)' "$page" | tr -d '*()' | sort -u); do
			[ -f "${ref%?}.${ref: -1}.scd" ] || { echo "$page refers to $ref"; false; }
		done
	done
}

@test "main: no command, an unknown one and lost output are trouble" {
	run -3 --separate-stderr "$CCAIO"
	[ -z "$output" ]
	[[ $stderr == "usage: ccaio"* ]]
	run -3 --separate-stderr "$CCAIO" frobnicate
	[ -z "$output" ]
	[[ $stderr == "ccaio: no command 'frobnicate'"* ]]
	run -3 bash -c '"$0" --help >/dev/full' "$CCAIO"
	run -3 bash -c '"$0" --version >/dev/full' "$CCAIO"
}

@test "main: --version names the libraries" {
	run -0 "$CCAIO" --version
	for lib in json-c openssl zlib zstd; do
		grep -qi "$lib" <<<"$output" || { echo "no $lib in:" "$output"; false; }
	done
}
