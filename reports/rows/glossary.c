/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of the reports, each explained once. */
#include "reports/rows/glossary.h"

#include <string.h>
#include <strings.h>

static const struct glossary_word words[] = {
	{ "dma-in-shared",
	  "Claim: every address range published to a device lies wholly in shared "
	  "memory, for as long as it is published. It is refuted by one published range "
	  "of protected memory.",
	  "look at the first counterexample: which driver mapped it, and why it was not "
	  "bounced (swiotlb=noforce, no pool, an IOMMU)" },
	{ "bounce-paired",
	  "Claim: every streaming mapping of a protected buffer was bounced, the bounce "
	  "and the map agree in size and direction, and the buffer itself was never "
	  "published.",
	  "as for dma-in-shared" },
	{ "slots-disjoint",
	  "Claim: no two live mappings overlap in shared memory, so no transfer can "
	  "read the bytes of another one.",
	  "report it to the driver's maintainers" },
	{ "lifecycle",
	  "Claim: every sync, unmap and free refers to a live mapping and agrees with "
	  "it in address, size and direction.",
	  "report it to the driver's maintainers" },
	{ "no-bypass",
	  "Claim: no active device publishes addresses without the DMA API: virtio "
	  "without VIRTIO_F_ACCESS_PLATFORM, a balloon, a DAX window, ivshmem, a device "
	  "that a program drives.",
	  "let the VMM offer VIRTIO_F_ACCESS_PLATFORM (QEMU: iommu_platform=on), or "
	  "remove the device from the VM" },
	{ "egress",
	  "Claim: the bytes that were sent out and the stale bytes that were exposed needlessly "
	  "stay "
	  "within the policy's limits. Without a limit they are only counted.",
	  NULL },
	{ "confidential",
	  "Claim: the program's payload that left was encrypted (TLS). The bounce "
	  "buffer protects the guest's memory, not the data that passes through it. It "
	  "decides the verdict only where a policy requires it.",
	  "let the program use TLS" },
	{ "events-armed",
	  "Condition: every kernel event that a claim needs existed and was on for the "
	  "whole window.",
	  "record with 'ccaio trace' on Linux 6.12 or newer, and leave the tracing "
	  "instance alone meanwhile" },
	{ "nothing-lost",
	  "Condition: no event was lost. The ring buffer's loss counters did not move, "
	  "and no page says that events are missing.",
	  "record with a larger buffer: ccaio trace -b, at boot trace_buf_size=" },
	{ "window-marked",
	  "Condition: the start and stop marks of this run are in the recording of "
	  "every CPU that has events, in order.",
	  "record with 'ccaio trace'" },
	{ "canary-seen",
	  "Condition: I/O that ccaio itself caused during the window was seen as it "
	  "must be, so the tracer is not blind.",
	  "keep the tracing instance untouched during the run" },
	{ "baseline",
	  "Condition: mappings that were live when the window opened are known, because "
	  "tracing was armed at boot or because the kernel's memory was read at the "
	  "start. With --scope window they are out of scope.",
	  "let ccaio read /proc/kcore, or arm tracing at boot: "
	  "trace_instance=ccaio,dma:*,swiotlb:*" },
	{ "devices-known",
	  "Condition: every device that can be a bus master is listed with its "
	  "features, driver and state.",
	  "mount sysfs; unbind or remove devices that no driver owns" },
	{ "pool-known",
	  "Condition: the bounds of the bounce pool are known and agree with the "
	  "kernel's slot count.",
	  "mount debugfs, and boot with a larger log_buf_len= if the kernel log has "
	  "lost its beginning" },
	{ "conserved",
	  "Condition: the counts agree. Bounces equal bounced and failed maps, live "
	  "slots agree with the kernel's count, and bytes of packets and requests agree "
	  "with the bytes mapped for them.",
	  "record again; if it stays, report a bug with the bundle" },
	{ "not-truncated",
	  "Condition: no scatter-gather event was cut by the kernel's limit of 128 "
	  "entries.",
	  "use smaller requests (max_sectors_kb, max_segments)" },
	{ "environment-stable",
	  "Condition: no CPU, device or trust state changed during the run, and the "
	  "kernel log shows no DMA trouble that the events do not account for.",
	  "keep devices and CPUs as they are during the run, and give the pool more "
	  "room: swiotlb=" },
	{ "facts-consistent",
	  "Condition: nothing in the recording, the kernel log or the facts themselves "
	  "contradicts the facts. Claims that rest on a contradicted fact are undecided.",
	  "judge with the facts of the machine, kernel and boot that were recorded; a run "
	  "of 'ccaio trace' has them" },
	{ "PROVEN",
	  "Every claim of the verdict holds and every condition that applies is met. "
	  "Exit status 0.",
	  NULL },
	{ "VIOLATED", "At least one claim is refuted by a counterexample. Exit status 1.", NULL },
	{ "INCONCLUSIVE",
	  "Nothing is refuted, but not everything could be shown: a claim is undecided "
	  "or a condition unmet. Exit status 2.",
	  NULL },
	{ "claim",
	  "A statement about the run that is decided for every device: it holds, is "
	  "refuted by a counterexample, or stays undecided.",
	  NULL },
	{ "condition",
	  "What must be true of the recording for silence to mean something: absence of "
	  "evidence is not evidence.",
	  NULL },
	{ "since-boot",
	  "Scope: all DMA since before the first device was bound. Tracing was armed at "
	  "boot.",
	  NULL },
	{ "run",
	  "Scope: all memory that a device could reach during the run: what was mapped "
	  "when it began, known from the kernel's memory, and what was mapped in it.",
	  NULL },
	{ "window", "Scope: only what was mapped between the start and the stop of the recording.",
	  NULL },
	{ "rehearsal",
	  "The run was not in a confidential guest. Bounce pools and coherent "
	  "allocations stand for shared memory, all other RAM for protected memory.",
	  NULL },
	{ "Realm",
	  "A virtual machine of the Arm Confidential Compute Architecture: the RMM and "
	  "the hardware keep its memory from the host.",
	  NULL },
	{ "RMM",
	  "Realm Management Monitor: the firmware that decides which memory of a Realm "
	  "is protected. Its log can be a second witness (--rmm-log).",
	  NULL },
	{ "protected memory", "Memory that the host and its devices cannot reach.", NULL },
	{ "shared memory",
	  "Memory that the guest shares with the host intentionally: bounce pools, coherent "
	  "allocations, areas shared with another endpoint.",
	  NULL },
	{ "swiotlb, bounce pool, slot",
	  "A pool of shared memory in slots of 2 KiB. Data for a device is copied "
	  "(bounced) into slots, data from a device out of them.",
	  NULL },
	{ "map, unmap, sync",
	  "The kernel's DMA API: give a buffer to a device, take it back, and pass its "
	  "ownership in between.",
	  NULL },
	{ "coherent allocation",
	  "Memory that CPU and device use together for long, for example the rings of a "
	  "virtqueue.",
	  NULL },
	{ "bounced", "A map whose device address lies in a pool, with the copy that belongs to it.",
	  NULL },
	{ "stale bytes",
	  "Bytes that a map copied out although the device was only to write: whatever "
	  "lay in the buffer before. They were exposed needlessly.",
	  NULL },
	{ "canary",
	  "I/O of known size that ccaio itself causes during the run: the tracer must "
	  "have seen it.",
	  NULL },
	{ "limited to",
	  "The verdict was asked for some devices only. What was seen of the others is "
	  "reported beside it and is not part of it.",
	  NULL },
	{ "pool, decrypted, shared-alias",
	  "Kinds of shared memory: in a bounce pool; unprotected by the kernel; "
	  "addressed with the platform's shared bit.",
	  NULL },
	{ "protected, mixed, outside-ram, iova, mmio",
	  "Other kinds of memory: protected; partly shared; no RAM at all; an address "
	  "that an IOMMU translates (judged by the memory behind it); a device's own "
	  "registers.",
	  NULL },
	{ "unattributed",
	  "Bytes that went through a device and belong to no exchange of the program, "
	  "with what is known of them.",
	  NULL },
	{ "exact, nested, sized",
	  "How sure it is which buffers carried an exchange: by the same pointer, by "
	  "order on one CPU, or by size and time.",
	  NULL },
};

const struct glossary_word *glossary_at(size_t i)
{
	return i < sizeof(words) / sizeof(words[0]) ? &words[i] : NULL;
}

/* Is word one of the alternatives of term? */
static int names(const char *term, const char *word)
{
	size_t len = strlen(word);

	for (;;) {
		size_t n = strcspn(term, ",");

		if (n == len && strncasecmp(term, word, len) == 0)
			return 1;
		if (!term[n])
			return 0;
		term += n + 2;
	}
}

const struct glossary_word *glossary_find(const char *word)
{
	for (size_t i = 0; *word && glossary_at(i); i++) {
		if (names(words[i].term, word))
			return &words[i];
	}
	return NULL;
}
