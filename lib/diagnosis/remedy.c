/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What to change so that more can be proven. */
#include "lib/diagnosis/remedy.h"

static const char *const texts[] = {
	[REMEDY_FORCE] = "boot with swiotlb=65536,force",
	[REMEDY_POOL] = "boot with swiotlb=65536",
	/* the top-level buffer takes these: collectors/tracefs/boot-probes.h */
	[REMEDY_BOOT_PROBES] =
		"boot with kprobe_event=p:ccaio/decrypt,set_memory_decrypted,addr=$arg1,"
		"numpages=$arg2:s32;p:ccaio/"
		"encrypt,set_memory_encrypted,addr=$arg1,numpages=$arg2:s32 "
		"and trace_instance=ccaio,dma:*,swiotlb:* on the kernel command line",
	[REMEDY_LARGER_POOL] = "boot with a larger pool: swiotlb=131072 is 256 MiB; keep ',force' "
			       "outside a Realm",
	[REMEDY_IDENTITY] = "boot with iommu.passthrough=1",
	[REMEDY_ACCESS_PLATFORM] =
		"let the VMM offer it: iommu_platform=on (QEMU), iommu=on (Cloud Hypervisor); "
		"kvmtool and crosvm offer it to a Realm or protected VM, Firecracker with "
		"initial_swiotlb_size only",
	[REMEDY_REMOVE_DEVICE] = "remove it from the VM",
	[REMEDY_OWN_DRIVER] = "bind it to its own driver, or to none",
	[REMEDY_FW_CFG] = "unload qemu_fw_cfg",
	[REMEDY_REPORT_DRIVER] =
		"report it to the driver's maintainers, with 'ccaio report -v' of this run",
	[REMEDY_MONITOR_LOG] = "give the whole log of this Realm; if it is that, report it to the "
			       "maintainers of the kernel and of the monitor",
	[REMEDY_TLS] = "let the program use TLS (https)",
	[REMEDY_LIMIT] = "raise the policy's limit, or find out what grew with 'ccaio report -v'",
};

_Static_assert(sizeof(texts) / sizeof(texts[0]) == REMEDIES, "a remedy without a text");

const char *remedy_text(enum remedy r)
{
	return r < REMEDIES ? texts[r] : "";
}
