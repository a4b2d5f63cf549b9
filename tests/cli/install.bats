# SPDX-License-Identifier: LGPL-2.1-or-later
# make install places what make uninstall takes away, and nothing outside.
load helper

ROOT=$BATS_TEST_DIRNAME/../..

setup() {
	dest=$BATS_TEST_TMPDIR/dest
	build=$(dirname "$CCAIO")
	make=(make -s -C "$ROOT" BUILD="$build" DESTDIR="$dest" PREFIX=/opt/ccaio)
}

@test "install: program, every page, completions and assertions" {
	run -0 "${make[@]}" install
	[ -x "$dest/opt/ccaio/bin/ccaio" ]
	for page in "$ROOT"/man/*.scd; do
		name=${page##*/}
		name=${name%.scd}
		[ -s "$dest/opt/ccaio/share/man/man${name##*.}/$name" ]
	done
	cmp "$ROOT/share/completion/ccaio.bash" "$dest/opt/ccaio/share/bash-completion/completions/ccaio"
	cmp "$ROOT/share/completion/_ccaio" "$dest/opt/ccaio/share/zsh/site-functions/_ccaio"
	cmp "$ROOT/share/completion/ccaio.fish" "$dest/opt/ccaio/share/fish/vendor_completions.d/ccaio.fish"
	cmp "$ROOT/share/ccaio-assert.bash" "$dest/opt/ccaio/share/ccaio/ccaio-assert.bash"
	[ "$("$dest/opt/ccaio/bin/ccaio" --version)" = "$("$CCAIO" --version)" ]
	# nothing beside the prefix
	[ "$(ls "$dest")" = opt ] && [ "$(ls "$dest/opt")" = ccaio ]
}

@test "uninstall: takes all of it away and nothing else" {
	run -0 "${make[@]}" install
	touch "$dest/opt/ccaio/share/man/man1/other.1"
	run -0 "${make[@]}" uninstall
	[ "$(find "$dest" -type f)" = "$dest/opt/ccaio/share/man/man1/other.1" ]
}
