# What the black-box tests share.  make check-cli sets CCAIO and APPS.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0

CCAIO=${CCAIO:?run the tests with make check-cli}
APPS=${APPS:?run the tests with make check-cli}
DATA=$BATS_TEST_DIRNAME/../data

# A make that a test runs is nobody's child: the jobserver's descriptors are not what they were in the outer one.
unset MAKEFLAGS MFLAGS MAKELEVEL

# Reports are written for this terminal, whoever runs the tests.
export LC_ALL=C.UTF-8
unset COLUMNS

# same FILE: $output is exactly what the file holds.
same() {
	diff -u "$1" <(printf '%s\n' "$output")
}

# seal DIR: write the manifest of the files in DIR, so that it is a bundle.
seal() {
	(cd "$1" && stat -c '%s %n' -- * && sha256sum -- *) | awk '
		$2 == "MANIFEST.json" { next }
		length($1) < 64 { size[$2] = $1; next }
		{ files = files (files ? "," : "") sprintf("{\"name\":\"%s\",\"size\":%s,\"sha256\":\"%s\"}", $2, size[$2], $1) }
		END { printf "{\"schema\":\"ccaio.manifest/1\",\"tool\":\"ccaio test\",\"created\":\"2026-11-20T18:00:00Z\",\n" \
			"\"libraries\":{},\"files\":[%s]}\n", files }' >"$1/MANIFEST.json"
}

# judged_bundle DIR NAME: a bundle of the recording NAME, judged for the window.
judged_bundle() {
	mkdir -p "$1"
	cp "$DATA/trace/$2.dat" "$1/trace.dat"
	cp "$DATA/trace/$2.json" "$1/platform.json"
	"$CCAIO" verify --scope=window --platform="$1/platform.json" -f json \
		-o "$1/verdict.json" "$1/trace.dat" || [ $? -le 2 ]
	seal "$1"
}

# moment FROM_NS [JQ]: the facts of linux-7.2-forced as doctor --facts writes them at a moment.
moment() {
	jq --argjson at "$1" 'del(.window) | .kernel.boot_id = "b" | .moment = {from_ns: $at, devices: ["virtio0 7 8 1"],
		cpus: ["0-1"], tsm: [], log_first: 0, log_next: 100, log: ["3 software IO TLB: mapped"]} | '"${2:-.}" \
		"$DATA/trace/linux-7.2-forced.json"
}
