#!/usr/bin/env bats
# What ccaio trace says and leaves when it cannot record.  Recording itself is in tests/guest.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# fails_with SENTENCE: exit 3, this one line on stderr, nothing on stdout, nothing left here.
fails_with() {
	[ -z "$output" ]
	[ "$stderr" = "ccaio trace: $1" ] || { echo "$stderr"; false; }
	[ -z "$(find . -name '*.ccaio*')" ]
}

@test "trace: no command is a mistake that points at --help" {
	run -3 --separate-stderr "$CCAIO" trace
	[ -z "$output" ]
	[ "$stderr" = "ccaio trace: no command to trace"$'\n'"Try 'ccaio trace --help'." ]
}

@test "trace: an unknown option is trouble, and the command is not run" {
	run -3 --separate-stderr "$CCAIO" trace --frobnicate touch ran
	[ "$stderr" = "ccaio trace: unknown option '--frobnicate'"$'\n'"Try 'ccaio trace --help'." ]
	[ ! -e ran ]
}

@test "trace: an option without its value is trouble" {
	run -3 --separate-stderr "$CCAIO" trace -o
	[[ $stderr == "ccaio trace: option '-o' needs an argument"* ]]
}

@test "trace: a buffer size that is none is trouble" {
	run -3 --separate-stderr "$CCAIO" trace -b huge true
	[[ $stderr == "ccaio trace: -b takes a size such as 64K or 8M, not 'huge'"* ]]
}

@test "trace: an unknown format is trouble before anything is run" {
	run -3 --separate-stderr "$CCAIO" trace -f papyrus touch ran
	[[ $stderr == "ccaio trace: unknown format 'papyrus'"* ]]
	[ ! -e ran ]
}

@test "trace: no such command is trouble and leaves nothing" {
	run -3 --separate-stderr "$CCAIO" trace no-such-command-anywhere
	fails_with "no such command: no-such-command-anywhere"
}

@test "trace: no such user is trouble and leaves nothing" {
	run -3 --separate-stderr "$CCAIO" trace -u no-such-user-here true
	fails_with "no such user: no-such-user-here"
}

@test "trace: an existing bundle is not overwritten" {
	mkdir old.d && echo kept >old.d/file
	run -3 --separate-stderr "$CCAIO" trace -o old.d true
	[[ $stderr == "ccaio trace: "*"old.d"*exist* ]]
	[ "$(ls -A old.d)" = file ]
}

@test "trace: who is not root is told so, and nothing is left" {
	if [ "$(id -u)" = 0 ]; then
		open=$(mktemp -d -p /tmp) # whatever TMPDIR is, others can get there
		chmod 777 "$open"
		install -m 755 "$CCAIO" "$open/ccaio"
		cd "$open"
		run -3 --separate-stderr setpriv --reuid=65534 --regid=65534 --clear-groups \
			"$open/ccaio" trace true
		rm "$open/ccaio"
	else
		run -3 --separate-stderr "$CCAIO" trace true
	fi
	fails_with "tracing needs root; run it with sudo"
}

# as_root CMD...: who is not root is root in a namespace, with a /run of its own.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		unshare --map-root-user --mount sh -c 'mount -t tmpfs none /run && exec "$@"' - "$@"
	fi
}

@test "trace: a tracing directory that is none is trouble and leaves nothing" {
	CCAIO_TRACING_DIR=/nonexistent run -3 --separate-stderr as_root "$CCAIO" trace true
	fails_with "CCAIO_TRACING_DIR=/nonexistent is no tracing directory: No such file or directory"
}

@test "trace: a tracing instance that cannot be used is removed again" {
	mkdir -p tracing/events tracing/instances
	CCAIO_TRACING_DIR=$PWD/tracing run -3 --separate-stderr as_root "$CCAIO" trace true
	[[ $stderr == "ccaio trace: the tracing instance ccaio-"*" has no buffer of any CPU" ]]
	[ -z "$(ls tracing/instances)" ]
	[ -z "$(find . -name '*.ccaio*')" ]
}

@test "trace: the options that --help lists are in the manual page, each of them" {
	page=$BATS_TEST_DIRNAME/../../man/ccaio-trace.1.scd
	run -0 --separate-stderr "$CCAIO" trace --help
	[ -z "$stderr" ]
	for opt in $(grep -oE -e '--[a-z][a-z-]+' <<<"$output" | sort -u); do
		grep -qF -e "*$opt*" "$page" || { echo "the page lacks $opt"; false; }
	done
}

@test "trace: a script whose interpreter is missing, an output without a name" {
	printf '#!/nonexistent/sh\n' >script && chmod +x script
	run -3 --separate-stderr "$CCAIO" trace --model -o m.ccaio ./script http://127.0.0.1:1/
	[ "$stderr" = "ccaio trace: cannot run ./script: the interpreter that it names is not there" ]
	[ ! -e m.ccaio ]
	run -3 --separate-stderr "$CCAIO" trace -o '' true
	[[ $stderr == "ccaio trace: -o needs a name"* ]]
}

@test "trace: a canary that is no http:// URL is refused before anything is done" {
	for url in ftp://x/ example.com https://x/; do
		run -3 --separate-stderr "$CCAIO" trace --canary "$url" -- true
		[[ $stderr == *"--canary takes an http:// URL"* ]]
	done
}
