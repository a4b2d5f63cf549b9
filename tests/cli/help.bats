# SPDX-License-Identifier: LGPL-2.1-or-later
# --help, the manual pages and the completions say the same.
load helper

ROOT=$BATS_TEST_DIRNAME/../..

# Long options of a command as --help lists them, sorted.
help_options() {
	"$CCAIO" "$1" --help | sed -n 's/^  \(-[A-Za-z],\|   \) \(--[a-z-]*\).*/\2/p' | sort -u
}

setup() {
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	ln -sf "$CCAIO" "$BATS_TEST_TMPDIR/bin/ccaio"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	read -ra commands <<<"$("$CCAIO" --list-cmds | tr '\n' ' ')"
	[ ${#commands[@]} -ge 5 ]
}

@test "help: every command has --help on stdout, with -h and options" {
	for cmd in "${commands[@]}"; do
		run -0 --separate-stderr "$CCAIO" "$cmd" --help
		[[ $output == "usage: ccaio $cmd"* ]]
		[ -z "$stderr" ]
		grep -q -e '--help' <<<"$output"
		[ "$("$CCAIO" "$cmd" -h)" = "$output" ]
	done
}

@test "help: every command stands in ccaio --help and in ccaio(1)" {
	for cmd in "${commands[@]}"; do
		"$CCAIO" --help | grep -qE "^  $cmd "
		grep -q "ccaio-$cmd\|ccaio $cmd" "$ROOT/man/ccaio.1.scd"
	done
}

@test "help: every command's page names each of its options, and no other" {
	for cmd in "${commands[@]}"; do
		page=$ROOT/man/ccaio-$cmd.1.scd
		[ -f "$page" ] || { echo "no $page"; false; }
		help_options "$cmd" >"$BATS_TEST_TMPDIR/help"
		lacking=$(grep -oE -e '\*--[a-z-]+\*' "$page" | tr -d '*' | sort -u | comm -13 - "$BATS_TEST_TMPDIR/help")
		[ -z "$lacking" ] || { echo "$page lacks $lacking"; false; }
		# a line that begins with an option defines it
		odd=$(sed -n 's/^\*-.*\*\(--[a-z-]*\)\*.*/\1/p; s/^\*\(--[a-z-]*\)\*.*/\1/p' "$page" |
			sort -u | comm -23 - "$BATS_TEST_TMPDIR/help")
		[ -z "$odd" ] || { echo "$page has $odd"; false; }
	done
}

@test "help: every command's page has the usual sections" {
	for cmd in "${commands[@]}"; do
		for section in NAME SYNOPSIS DESCRIPTION OPTIONS "EXIT STATUS" EXAMPLES "SEE ALSO"; do
			grep -qx "# $section" "$ROOT/man/ccaio-$cmd.1.scd" ||
				{ echo "ccaio-$cmd.1 lacks $section"; false; }
		done
	done
}

# complete_bash WORD...: what bash offers for the last word
complete_bash() {
	bash -c 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ccaio
		printf "%s\n" "${COMPREPLY[@]}"' "$ROOT/share/completion/ccaio.bash" "$@" | sort -u
}

@test "completion: bash offers commands, every option and every format" {
	diff <(complete_bash ccaio "" | grep -v '^--') <(printf '%s\n' "${commands[@]}" | sort)
	for cmd in "${commands[@]}"; do
		diff <(complete_bash ccaio "$cmd" --) <(help_options "$cmd")
	done
	[[ $(complete_bash ccaio verify -f ju) == junit ]]
	[[ $(complete_bash ccaio verify --format = ju) == junit ]]
	[[ $(complete_bash ccaio trace --exit-code v) == verdict ]]
	[[ $(complete_bash ccaio trace -- bas) == *bash* ]]
	[[ $(complete_bash ccaio trace --transport msg1-s) == msg1-static ]]
	[[ $(complete_bash ccaio doctor -f "") == json$'\n'text ]]
}

@test "completion: fish offers commands, every option and every format" {
	complete_fish() {
		fish --no-config -c "source $ROOT/share/completion/ccaio.fish; complete -C '$1'" | cut -f1 | sort -u
	}
	diff <(complete_fish "ccaio " | grep -v '^--') <(printf '%s\n' "${commands[@]}" | sort)
	for cmd in "${commands[@]}"; do
		diff <(complete_fish "ccaio $cmd --") <(help_options "$cmd")
	done
	[[ $(complete_fish "ccaio verify -f ju") == junit ]]
	[[ $(complete_fish "ccaio trace --scope w") == window ]]
	[[ $(complete_fish "ccaio bench -f js") == json ]]
}

@test "completion: zsh finds every option and every format" {
	for cmd in "${commands[@]}"; do
		diff <(zsh -f -c 'source "$1"; _ccaio_options "$2"' zsh "$ROOT/share/completion/_ccaio" "$cmd" |
			cut -d: -f1 | sort -u) <(help_options "$cmd")
	done
	[[ $(zsh -f -c 'source "$1"; _ccaio_words trace --device' zsh "$ROOT/share/completion/_ccaio") == net$'\n'console ]]
	[[ $(zsh -f -c 'source "$1"; _ccaio_words doctor -f' zsh "$ROOT/share/completion/_ccaio") == text$'\n'json ]]
	zsh -f -c 'source "$1"; _ccaio_formats verify' zsh "$ROOT/share/completion/_ccaio" | grep -q '^junit:'
}

@test "man: ccaio-verdict(5) names every member that json writes" {
	"$CCAIO" verify --platform="$DATA/trace/linux-7.2-noforce.json" -f json \
		"$DATA/trace/linux-7.2-noforce.dat" >"$BATS_TEST_TMPDIR/v.json" || [ $? = 1 ]
	page=$ROOT/man/ccaio-verdict.5.scd
	for key in $(jq -r '[paths | map(strings) | .[]] | unique[]' "$BATS_TEST_TMPDIR/v.json"); do
		grep -qE "\*$key\*|[^a-z-]${key}[^a-z-]" "$page" || { echo "$page lacks $key"; false; }
	done
	# its examples run
	sed -n 's/^\t\(jq .*\) verdict.json$/\1/p' "$page" >"$BATS_TEST_TMPDIR/examples"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/examples")" -ge 2 ]
	while read -r line; do
		bash -c "$line $BATS_TEST_TMPDIR/v.json" >"$BATS_TEST_TMPDIR/out"
		[ -s "$BATS_TEST_TMPDIR/out" ]
	done <"$BATS_TEST_TMPDIR/examples"
}

@test "man: ccaio-report(1) names every format" {
	for format in $("$CCAIO" report --help | sed -n '/^Formats:/,$ s/^  \([a-z]*\) .*/\1/p'); do
		grep -qF "*$format*" "$ROOT/man/ccaio-report.1.scd"
	done
}
