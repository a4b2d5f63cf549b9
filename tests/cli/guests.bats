# SPDX-License-Identifier: LGPL-2.1-or-later
# Guests of kinds that there is no hardware for here: a real recording, rewritten as their kernels
# would have made it (tests/tools/rewrite.c), with facts to match.
load helper

export COLUMNS=200

# as KIND SIGNS REWRITE…: the recording $original and its facts in $BATS_TEST_TMPDIR
as() {
	local kind=$1 signs=$2 from=$DATA/trace/${original:-linux-7.2-forced-since-boot}
	shift 2
	"$TOOLS/trim-trace" "$@" "$from.dat" "$BATS_TEST_TMPDIR/t.dat"
	# whose machine it was recorded on is not what is tested
	jq --arg kind "$kind" --arg signs "$signs" \
		'.realm = {is_realm: true, kind: $kind, signs: ($signs | split(" "))} | del(.kernel.machine)' \
		"$from.json" >"$BATS_TEST_TMPDIR/t.json"
}

# judge STATUS [OPTION…]
judge() {
	run "-$1" --separate-stderr "$CCAIO" verify -v "${@:2}" --platform="$BATS_TEST_TMPDIR/t.json" "$BATS_TEST_TMPDIR/t.dat"
}

setup() {
	TOOLS=${TOOLS:-$(dirname "$CCAIO")/tests/tools}
}

has() {
	[[ $output == *"$1"* ]] || { echo "no '$1' in: $output"; return 1; }
}

lacks() {
	[[ $output != *"$1"* ]] || { echo "'$1' in: $output"; return 1; }
}

c_bit=0x8000000000000

# What the kernel of each kind makes of a recording: its words, its signs (those with = are too few), and how
# trim-trace rewrites it.
kinds() {
	cat <<-'END'
		arm-cca a_Realm rsi-log rsi-device= -A
		tdx a_TDX_guest tdx-log tdx-cpuinfo= -A
		sev an_SEV_guest sev-log sev-msr= -A -B 0x8000000000000
		sev-es an_SEV-ES_guest sev-es-log sev-es-msr= -A -B 0x8000000000000
		sev-snp an_SNP_guest sev-snp-device sev-snp-msr= -A -B 0x8000000000000
		hyperv-isolated an_isolated_Hyper-V_guest hyperv-log hyperv-cpuid= -A
		pkvm a_protected_pKVM_guest pkvm-pool pkvm-key= -A
		s390-se a_Secure_Execution_guest s390-guest s390-facility= -A
		virtcca a_virtCCA_guest virtcca-device virtcca-log= virtcca-cmdline -C 0x98000000
	END
}

# each FUNCTION: with kind, words, signs and rewrite set for each kind
each() {
	local line word kind words signs few setting rewrite
	while read -ra line; do
		kind=${line[0]} words=${line[1]//_/ } signs='' few='' rewrite=()
		for word in "${line[@]:2}"; do
			case $word in
			-* | 0x*) rewrite+=("$word") ;;
			*=) signs+=" ${word%=}" ;;
			*) signs+=" $word" few+=" $word" ;;
			esac
		done
		signs=${signs# } few=${few# } setting=confidential-guest
		[[ $kind != arm-cca ]] || setting=realm
		echo "as $kind"
		"$1"
	done < <(kinds)
}

in_its_own_words() {
	has ", in $words"
	lacks rehearsal
	lacks "ordinary"
	[ "$kind" = arm-cca ] || lacks "a Realm"
	case $kind in
	arm-cca | pkvm | virtcca) has "Only ccaio checked that no virtio device bypasses the DMA API" ;;
	*) has "The kernel itself refuses virtio devices that bypass the DMA API" ;;
	esac
}

like_the_original() {
	original=linux-7.2-forced-since-boot as "$kind" "$signs" "${rewrite[@]}"
	judge 0 -f text -o - -f json -o "$BATS_TEST_TMPDIR/t.verdict.json"
	has "PROVEN since boot"
	in_its_own_words
	[ "$(jq -r '.setting + " " + .guest' "$BATS_TEST_TMPDIR/t.verdict.json")" = "$setting $kind" ]
	original=linux-7.2-lost as "$kind" "$signs" "${rewrite[@]}"
	judge 2 --scope=window
	has "unmet          nothing-lost"
	in_its_own_words
	original=linux-7.2-no-access-platform as "$kind" "$signs" "${rewrite[@]}"
	judge 1 --scope=window
	has "refuted        no-bypass"
	in_its_own_words
}

@test "guests: each kind is judged like the original, in its own words" {
	each like_the_original
}

# One map is of the buffer itself, of protected memory: in an SEV guest such an address carries the C-bit.
given_protected() {
	local at=0x45684000
	[[ $kind != sev* ]] || at=0x8000045684000
	original=linux-7.2-forced-since-boot as "$kind" "$signs" "${rewrite[@]}" -N
	judge 1 -f text -o - -f json -o "$BATS_TEST_TMPDIR/t.verdict.json"
	has "VIOLATED since boot"
	has "the device was given protected memory at $at (4096 bytes); a protected buffer was mapped without a bounce"
	in_its_own_words
	[ "$(jq -r '([.claims | to_entries[] | select(.value.state == "refuted").key] | join(" ")) + "; " + .guest + " " +
		(.totals.maps - .totals.bounces | tostring)' "$BATS_TEST_TMPDIR/t.verdict.json")" = "dma-in-shared bounce-paired; $kind 1" ]
}

@test "guests: each kind that gives a device protected memory is VIOLATED" {
	each given_protected
}

@test "guests: a slot with the C-bit, a Realm's address without the shared bit, a ring outside the pool" {
	for kind in sev sev-es sev-snp; do
		as "$kind" "$kind-log $kind-msr" -A -B "$c_bit" -M "$c_bit"
		judge 1
		has "the device was given protected memory at 0x80000"
	done
	original=realm-7.2 as arm-cca "rsi-log rsi-device" -N
	judge 1
	has "VIOLATED since boot, in a Realm"
	has "the device was given protected memory at 0x"
	as virtcca "virtcca-device virtcca-log virtcca-cmdline" -C 0x98000000 -K 1
	judge 1
	has "VIOLATED since boot, in a virtCCA guest"
	has "the device was given protected memory"
}

sign_missing() {
	original=linux-7.2-forced-since-boot as "$kind" "$few" "${rewrite[@]}"
	judge 2
	has "INCONCLUSIVE since boot, setting unknown"
	has " signs of $words; missing: "
	lacks "in fact read all of it"
	judge 2 -f json
	[ "$(jq -r .setting <<<"$output")" = unknown ]
}

@test "guests: a sign that is missing leaves the setting unknown, and is named" {
	each sign_missing
	as tdx tdx-log -A
	judge 2
	has "1 of 2 signs of a TDX guest; missing: the flag tdx_guest in /proc/cpuinfo"
	as virtcca "virtcca-device virtcca-cmdline" -C 0x98000000
	judge 2
	has "2 of 3 signs of a virtCCA guest; missing: the kernel log line 'RME: TSI version'"
}

@test "guests: a kind that nobody knows is no rehearsal" {
	as parallax "" -A
	for is in true false null; do
		jq ".realm.is_realm = $is" "$BATS_TEST_TMPDIR/t.json" >"$BATS_TEST_TMPDIR/u.json"
		mv "$BATS_TEST_TMPDIR/u.json" "$BATS_TEST_TMPDIR/t.json"
		judge 2
		has "this version knows no kind of guest 'parallax'"
		lacks "in fact read all of it"
	done
	jq '.realm = {is_realm: false, kind: "tdx"}' "$BATS_TEST_TMPDIR/t.json" >"$BATS_TEST_TMPDIR/u.json"
	mv "$BATS_TEST_TMPDIR/u.json" "$BATS_TEST_TMPDIR/t.json"
	judge 2
	has "setting unknown"
}

@test "guests: allocations of which nothing shows that they were decrypted are undecided" {
	as tdx "tdx-log tdx-device"
	judge 2
	has "no event shows that this coherent allocation was decrypted"
}

# probed OPTION…: the Realm of Linux 6.12 with what probes of the kernel command line would have told
probed() {
	"$TOOLS/trim-trace" "$@" "$DATA/trace/realm-6.12.dat" "$BATS_TEST_TMPDIR/t.dat"
	jq '.trace.events = ["swiotlb:swiotlb_bounced", "ccaio_7:decrypt", "ccaio_7:encrypt",
		("map_page", "unmap_page", "map_resource", "unmap_resource", "map_sg", "unmap_sg", "alloc", "free",
		"sync_single_for_cpu", "sync_single_for_device", "sync_sg_for_cpu", "sync_sg_for_device" | "dma:dma_" + .)]' \
		"$DATA/trace/realm-6.12.json" >"$BATS_TEST_TMPDIR/t.json"
}

@test "guests: probes of the kernel command line decide about a Realm whose addresses say nothing" {
	probed -D 0
	judge 0
	has "PROVEN since boot, in a Realm"
	# each ring needs its own
	probed -D 1
	judge 2
	has "no event shows that this coherent allocation was decrypted"
	# memory that became protected again would not be reported: by another list, or for want of any
	for less in '.trace.events -= ["ccaio_7:encrypt"]' 'del(.trace.events)'; do
		probed -D 0
		jq "$less" "$BATS_TEST_TMPDIR/t.json" >"$BATS_TEST_TMPDIR/u.json"
		mv "$BATS_TEST_TMPDIR/u.json" "$BATS_TEST_TMPDIR/t.json"
		judge 2
		has "the recording would not show whether that was undone"
	done
	probed -D 0 -E
	judge 1
	has "became protected while the device still had it"
	# others read the same two buffers
	run -0 trace-cmd report "$BATS_TEST_TMPDIR/t.dat"
	has "boot-probes:"
}

@test "guests: one sign of a Realm is not enough, and one of any kind makes no rehearsal" {
	as arm-cca rsi-log -A
	judge 2
	has "1 of 2 signs of a Realm; missing: /sys/devices/platform/arm-cca-dev"
	as arm-cca "rsi-log rsi-provider" -A
	judge 0
	has "PROVEN since boot, in a Realm"
	as none tdx-cpuinfo -A
	jq '.realm.is_realm = false' "$BATS_TEST_TMPDIR/t.json" >"$BATS_TEST_TMPDIR/u.json"
	mv "$BATS_TEST_TMPDIR/u.json" "$BATS_TEST_TMPDIR/t.json"
	judge 2
	has "the facts show signs of a TDX guest, too"
	lacks "in fact read all of it"
}

# old NAME FILTER: a recording of Linux 5.10, which has no dma events, and its facts as those of a virtCCA guest
old() {
	cp "$DATA/trace/$1.dat" "$BATS_TEST_TMPDIR/t.dat"
	jq '.realm = {is_realm: true, kind: "virtcca", signs: ["virtcca-device", "virtcca-log", "virtcca-cmdline"]} |'"$2" \
		"$DATA/trace/$1.json" >"$BATS_TEST_TMPDIR/t.json"
}

@test "guests: a virtCCA guest of the kernel that it has, by ccaio's own probes" {
	old linux-5.10-probes .
	judge 0 --scope=window
	has "PROVEN for the window, in a virtCCA guest"
	has "ccaio's own probes were on in place of the dma events"
	has "80 bounced maps, each with its bounce"
	judge 2
	has "ccaio's own probes, which stand in for the dma events on this kernel, report from the start"
	old linux-5.10-probes-noforce .
	judge 1 --scope=window
	has "VIOLATED for the window, in a virtCCA guest"
	has "the device was given protected memory at 0x49de2258 (16 bytes); a protected buffer was mapped without a bounce"
	# no device of the kernel's own, but assigned ones
	old linux-5.10-probes-noforce '.virtio = [] | .pci |= map(select(.name != "0000:00:03.0")) |
		(.pci[] | select(.driver == "virtio-pci")) |= (.driver = "mlx5_core" | .vendor = "0x15b3" | .device = "0x1017")'
	judge 2 --scope=window
	has "the platform may let this assigned device reach protected memory, and nothing attests it"
	echo '{"schema": "ccaio.policy/1", "assigned_devices": [{"device": "0000:00:01.0", "reason": "our NIC"},
		{"device": "0000:00:02.0", "reason": "our disk"}]}' >"$BATS_TEST_TMPDIR/p.json"
	judge 0 --scope=window --policy="$BATS_TEST_TMPDIR/p.json"
	has "0000:00:02.0 was given protected memory 68 times; the policy says that this assigned device may have it"
}

@test "guests: an assigned device of a virtCCA guest is undecided unless the policy names it" {
	# the first allocation, of 0000:00:01.0, stays outside of the pool
	as virtcca "virtcca-device virtcca-log virtcca-cmdline" -C 0x98000000 -K 1
	jq '(.virtio[] | select(.parent == "0000:00:01.0")) |= empty |
		(.pci[] | select(.name == "0000:00:01.0")) |= (.driver = "mlx5_core" | .vendor = "0x15b3" | .device = "0x1017")' \
		"$BATS_TEST_TMPDIR/t.json" >"$BATS_TEST_TMPDIR/u.json"
	mv "$BATS_TEST_TMPDIR/u.json" "$BATS_TEST_TMPDIR/t.json"
	judge 2
	has "the platform may let this assigned device reach protected memory, and nothing attests it"
	echo '{"schema": "ccaio.policy/1", "assigned_devices": [{"device": "0000:00:01.0", "reason": "our NIC"}]}' >"$BATS_TEST_TMPDIR/p.json"
	judge 0 --policy="$BATS_TEST_TMPDIR/p.json"
	has "0000:00:01.0 was given protected memory 1 times; the policy says that this assigned device may have it"
	has "our NIC"
	# another device, and another kind of guest
	sed 's/01.0/02.0/' "$BATS_TEST_TMPDIR/p.json" >"$BATS_TEST_TMPDIR/q.json"
	judge 2 --policy="$BATS_TEST_TMPDIR/q.json"
	as sev-snp "sev-snp-log sev-snp-msr" -A -B "$c_bit" -M "$c_bit"
	judge 1 --policy="$BATS_TEST_TMPDIR/p.json"
}
