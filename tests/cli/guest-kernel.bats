# Which kernel a guest gets, with a mirror played by stand-ins for apt-get and apt-cache.

load helper

setup() {
	export XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache TOP=$BATS_TEST_DIRNAME/../.. CALLS=$BATS_TEST_TMPDIR/calls
	mkdir "$BATS_TEST_TMPDIR/bin"
	# SUITES are those that the mirror has; the kernel of each is in KERNEL_<suite>.
	cat >"$BATS_TEST_TMPDIR/bin/apt-get" <<-'END'
	#!/bin/bash
	echo "$*" >>"$CALLS"
	[ "$1" != indextargets ] || { echo 'Debian main bookworm http://mirror.invalid/debian/' && exit; }
	[[ $* =~ /apt/([a-z-]+)-arm64/ ]] && suite=${BASH_REMATCH[1]}
	[[ " $SUITES " == *" $suite "* ]] || { echo "E: $suite does not have a Release file." && exit 100; }
	# Each of UPDATE and FETCH fails once where it is set.
	[ "${*: -1}" != update ] || { [ -z "$UPDATE" ] || ! mkdir update 2>/dev/null || exit 100; exit 0; }
	[ -z "$FETCH" ] || ! mkdir ../fetch 2>/dev/null || exit 100
	release=${*: -1} release=${release#linux-image-}
	mkdir -p deb/DEBIAN deb/boot "deb/lib/modules/$release/kernel/net"
	printf 'Package: linux\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n' >deb/DEBIAN/control
	echo kernel >"deb/boot/vmlinuz-$release"
	dpkg-deb --build deb linux.deb >/dev/null && rm -r deb
	END
	cat >"$BATS_TEST_TMPDIR/bin/apt-cache" <<-'END'
	#!/bin/bash
	[[ $* =~ /apt/([a-z-]+)-arm64/ ]] && suite=KERNEL_${BASH_REMATCH[1]//-/_}
	[[ $* != *show* ]] || echo "Depends: linux-image-${!suite} (= 1)"
	END
	chmod +x "$BATS_TEST_TMPDIR"/bin/*
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	export KERNEL_sid=9.1.2-arm64 KERNEL_trixie=6.12.9-arm64 KERNEL_bookworm=6.1.9-arm64
}

@test "guest-kernel: takes what the suite has, and asks nobody the second time" {
	export SUITES='sid trixie bookworm'
	run -0 --separate-stderr "$TOP/scripts/guest-kernel" arm64 newest
	[ "$(cat "$output/release")" = 9.1.2-arm64 ]
	[ "$(cat "$output/vmlinuz")" = kernel ]
	[ -s "$output/modules.cpio" ]
	rm "$CALLS"
	run -0 --separate-stderr "$TOP/scripts/guest-kernel" arm64 newest
	[ "$(cat "$output/release")" = 9.1.2-arm64 ]
	[ -z "$stderr" ]
	[ ! -e "$CALLS" ]
}

@test "guest-kernel: without sid it is the newest that there is, and it says so every time" {
	export SUITES='trixie bookworm'
	for time in first second; do
		run -0 --separate-stderr "$TOP/scripts/guest-kernel" arm64 newest
		[ "$(cat "$output/release")" = 6.12.9-arm64 ]
		[[ $stderr == *"no kernel of sid to be had: running 6.12.9-arm64 of trixie instead" ]]
	done
}

@test "guest-kernel: a mirror that breaks off once is asked again, and no other kernel is taken" {
	export SUITES='sid trixie bookworm' UPDATE=1 FETCH=1
	cd "$BATS_TEST_TMPDIR"
	run -0 --separate-stderr "$TOP/scripts/guest-kernel" arm64 newest
	[ "$(cat "$output/release")" = 9.1.2-arm64 ]
	[[ $stderr != *instead* ]]
	[ -d update ] && compgen -G "$XDG_CACHE_HOME/ccaio/*/fetch"
}

@test "guest-kernel: without HOME the cache is in the user's own" {
	run -0 env -u HOME -u XDG_CACHE_HOME bash -c '. "$1/scripts/debian.sh" && echo "$cache"' - "$TOP"
	[ "$output" = "$(getent passwd "$(id -u)" | cut -d: -f6)/.cache/ccaio" ]
}

@test "guest-kernel: 6.12 comes from trixie where the backports are not mirrored" {
	export SUITES='sid trixie bookworm'
	run -0 --separate-stderr "$TOP/scripts/guest-kernel" arm64 6.12
	[ "$(cat "$output/release")" = 6.12.9-arm64 ]
	[[ $stderr != *instead* ]]
}

@test "guest-kernel: another kernel than the one asked for is named" {
	export SUITES='sid'
	run -0 --separate-stderr "$TOP/scripts/guest-kernel" arm64 6.1
	[[ $stderr == *"no 6.1 kernel to be had: running 9.1.2-arm64 of sid instead" ]]
}

@test "guest-kernel: no suite at all is trouble" {
	export SUITES=''
	run -3 --separate-stderr "$TOP/scripts/guest-kernel" arm64 newest
	[ -z "$output" ]
	[[ $stderr == *"the mirror of this machine has no kernel for arm64" ]]
}

@test "guest-kernel: unknown kernels and architectures are named" {
	run -3 --separate-stderr "$TOP/scripts/guest-kernel" arm64 5.4
	[[ $stderr == *"no such kernel: 5.4 "* ]]
	run -3 --separate-stderr "$TOP/scripts/guest-kernel" riscv64 newest
	[[ $stderr == *"architecture riscv64 is not supported"* ]]
}

@test "guest-kernel: experimental is asked for by name, and nothing else is" {
	export SUITES='sid experimental' KERNEL_experimental=9.9-arm64
	run -0 --separate-stderr "$TOP/scripts/guest-kernel" arm64 experimental
	[ "$(cat "$output/release")" = 9.9-arm64 ]
	[ -z "${stderr//*downloading*/}" ]
	export SUITES='sid'
	XDG_CACHE_HOME=$BATS_TEST_TMPDIR/other run -0 --separate-stderr "$TOP/scripts/guest-kernel" arm64 experimental
	[[ $stderr == *"no kernel of experimental to be had: running 9.1.2-arm64 of sid instead" ]]
}
