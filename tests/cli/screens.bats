# SPDX-License-Identifier: LGPL-2.1-or-later
# Why VIOLATED, and what to do: the default report on 80x24, for each kind of violation, word by word.
# UPDATE_GOLDEN=1 writes the screens of tests/data/screens anew.
load helper

setup() {
	# names in the report are relative: they are of the same length everywhere
	cd "$BATS_TEST_TMPDIR"
	ln -s "$DATA"/trace/linux-7.2-* .
	export COLUMNS=80
	facts=facts.json
}

# screen NAME PATTERN OPTION...: the report is the golden screen, fits, ends with the verdict, and says why and what to do.
screen() {
	local golden=$DATA/screens/$1.txt pattern=$2
	shift 2
	run -1 "$CCAIO" verify --scope=window "$@"
	[ -z "${UPDATE_GOLDEN:-}" ] || printf '%s\n' "$output" >"$golden"
	same "$golden"
	[ "${#lines[@]}" -le 20 ]
	[ "${lines[-1]}" = VIOLATED ]
	[ "$(wc -L <"$golden")" -le 80 ]
	grep -q '^  cause ' "$golden" && grep -q '^  fix ' "$golden"
	tr -s '\n ' ' ' <"$golden" | grep -qE "$pattern"
}

@test "screens: swiotlb=noforce on the command line" {
	screen noforce 'swiotlb=noforce.*boot with swiotlb=65536,force' --platform=linux-7.2-noforce.json linux-7.2-noforce.dat
}

@test "screens: a SATA disk, the worst of all, and the functions that gave it the memory" {
	screen ahci '0000:00:04.0 ahci.*called by ata_qc_issue \[libata\].*boot with swiotlb=65536,force' \
		--platform=linux-7.2-ahci-noforce.json linux-7.2-ahci-noforce.dat
}

@test "screens: no pool" {
	jq '.kernel.cmdline = "console=ttyAMA0" | .swiotlb.slots = 0 | .swiotlb.force = null' linux-7.2-noforce.json >"$facts"
	screen no-pool 'no bounce pool.*boot with' --platform="$facts" linux-7.2-noforce.dat
}


@test "screens: devices without ACCESS_PLATFORM, by VMM" {
	screen no-access-platform 'iommu_platform=on \(QEMU\)' --platform=linux-7.2-no-access-platform.json linux-7.2-no-access-platform.dat
}

@test "screens: a memory balloon" {
	jq '.virtio[2] |= (.device_id = 5 | .driver = "virtio_balloon")' linux-7.2-no-access-platform.json >"$facts"
	screen balloon 'memory balloon.*remove it from the VM' --platform="$facts" linux-7.2-no-access-platform.dat
}

@test "screens: a policy's limit" {
	echo '{"schema": "ccaio.policy/1", "limits": {"out_bytes": 100}}' >policy.json
	screen limit "policy's limit" --policy=policy.json --platform=linux-7.2-forced.json linux-7.2-forced.dat
}

@test "screens: the monitor's log does not show that the pool is shared" {
	grep -v "STATE_SET *97400000 " "$DATA/trace/realm-7.2.rmm.log" >rmm.log
	cp "$DATA"/trace/realm-7.2.{json,dat} .
	screen monitor "monitor's log has no line.*whole log of this Realm" --platform=realm-7.2.json --rmm-log=rmm.log realm-7.2.dat
}

@test "screens: a device that is host memory, with a driver that does without the DMA API" {
	jq '.pci += [{"name": "0000:00:05.0", "vendor": "0x1af4", "device": "0x1110", "class": "0x050000", "driver": "uio_ivshmem", "iommu_group": null}]' linux-7.2-forced.json >"$facts"
	screen no-dma-api 'ivshmem is host memory.*remove it from the VM' --platform="$facts" linux-7.2-forced.dat
}
