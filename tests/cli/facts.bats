# SPDX-License-Identifier: LGPL-2.1-or-later
# A fact that is missing decides nothing: each is taken out of recordings that are PROVEN, one at a time.
load helper

# Members that nothing in any of the recordings rests on, and why.
NEEDLESS=(
	'kernel*'            # for the reader only
	realm.kind           # it is said that it is a Realm, or that it is none
	realm.rsi_version    # the same
	realm.ipa_bits       # not known in these anyway
	realm.shared_bit     # the same
	swiotlb.force        # what was bounced is seen
	swiotlb.dynamic      # all addresses are in the pool that is known
	'swiotlb.used_*'     # a second count of what the events tell
	'virtio.?.bus'       # the parent is a listed PCI function
	'pci.?.vendor'       # the driver tells that it is virtio
	'pci.?.device'       # the same
	'pci.?.iommu_group'  # all addresses are in the pool
	trace.lost           # the file has the counters, too
	trace.lost.0         # the same
)

is_one_of() { # TEXT PATTERN...
	local text=$1 pattern
	shift
	for pattern; do
		# shellcheck disable=SC2053
		[[ $text != $pattern ]] || return 0
	done
	return 1
}

# each_without NAME PATTERN...: only without what matches a pattern the recording NAME is PROVEN.
each_without() {
	local name=$1 path member status proven=0 wrong=0
	shift
	while IFS=$'\t' read -r member path; do
		status=0
		jq --argjson path "$path" 'delpaths([$path])' "$DATA/trace/$name.json" \
			>"$BATS_TEST_TMPDIR/f.json"
		"$CCAIO" verify -q --platform="$BATS_TEST_TMPDIR/f.json" "$DATA/trace/$name.dat" \
			>"$BATS_TEST_TMPDIR/out" 2>&1 || status=$?
		if is_one_of "$member" "${NEEDLESS[@]}" "$@"; then
			proven=$((proven + 1))
			[ "$status" -eq 0 ] || { echo "$status without $member"; wrong=1; }
		elif [ "$status" -ne 2 ] && [ "$status" -ne 3 ]; then
			echo "$status without $member"
			wrong=1
		fi
	done < <(jq -r 'paths | "\(map(tostring) | join("."))\t\(tojson)"' "$DATA/trace/$name.json")
	[ "$wrong" -eq 0 ] && [ "$proven" -gt 10 ]
}

@test "facts: a rehearsal that lacks one is PROVEN only where nothing rests on it" {
	# nothing lies outside of the pool; they have drivers; a bridge does no DMA
	each_without linux-7.2-forced-since-boot ram ram.0 'pci.[1-4].class' pci.0 pci.0.driver
}

@test "facts: a Realm that lacks one is PROVEN only where nothing rests on it" {
	each_without realm-7.2 'pci.?.class' # they have drivers
}
