# SPDX-License-Identifier: LGPL-2.1-or-later
# The static executable itself, and the container image that Containerfile makes of it.
load helper

# the architecture that this machine runs
native=$(dpkg --print-architecture)

# what works in containers and without user namespaces
image() {
	BUILDAH_ISOLATION=chroot buildah --root "$BATS_TEST_TMPDIR/root" --runroot "$BATS_TEST_TMPDIR/run" --storage-driver vfs "$@"
}

@test "static: one file of less than 8 MB that asks for no loader and no library" {
	for arch in arm64 amd64; do
		file=$TOP/build-static-$arch/ccaio.static
		echo "$arch: $(stat -c %s "$file") bytes"
		[ "$(stat -c %s "$file")" -lt 8000000 ]
		run -0 readelf -ld "$file"
		[[ $output != *INTERP* && $output != *NEEDED* ]]
	done
}

@test "static: judges, reports and tests itself in an empty root" {
	mkdir -p "$BATS_TEST_TMPDIR/root/tmp"
	cp "$TOP/build-static-$native/ccaio.static" "$BATS_TEST_TMPDIR/root/ccaio"
	cp -r "$TOP/tests/data/bundles/0.1/demo.ccaio" "$BATS_TEST_TMPDIR/root"
	cd "$BATS_TEST_TMPDIR/root"
	run -0 chroot . /ccaio verify demo.ccaio
	[[ $output == *"PROVEN since boot, rehearsal"* ]]
	run -0 chroot . /ccaio report -f html -o /report.html demo.ccaio
	grep -q '<style' report.html
	run -0 chroot . /ccaio selftest --only=clean
}

@test "static: a canary by URL is refused with the reason" {
	run -3 "$TOP/build-static-$native/ccaio.static" trace --canary http://127.0.0.1:9/ -- true
	[[ $output == *libcurl* || $output == *static* ]]
}

@test "image: the recipe's own command builds it for both architectures" {
	read -ra command < <(sed -n 's/^#   buildah \(build .*\)/\1/p' "$TOP/Containerfile")
	[ "${command[*]}" = "build --platform linux/arm64,linux/amd64 --manifest ccaio ." ]
	cd "$TOP"
	image "${command[@]}"
	run -0 --separate-stderr image manifest inspect ccaio
	[ "$(jq -r '[.manifests[].platform.architecture] | sort | join(" ")' <<<"$output")" = "amd64 arm64" ]
}

@test "image: runs, and judges a bundle that is given to it" {
	cd "$TOP"
	image build --platform "linux/$native" -t ccaio .
	container=$(image from ccaio)
	run -0 image run -v "$TOP/tests/data/bundles/0.1:/work:ro" "$container" -- /usr/bin/ccaio verify /work/demo.ccaio
	[[ $output == *"PROVEN since boot, rehearsal"* ]]
	image run "$container" -- /usr/bin/ccaio selftest --only=clean
	[[ $(image inspect "$container") == *'"/usr/bin/ccaio"'* ]]
}
