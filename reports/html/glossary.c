/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include "reports/html/parts.h"

/* The words of the field that the report uses. */
static const struct {
	const char *term, *meaning;
} words[] = {
	{ "Realm", "A virtual machine of the Arm Confidential Compute Architecture: its memory is "
		   "kept from the host by the RMM and the hardware." },
	{ "RMM", "Realm Management Monitor: the firmware that decides which memory is protected." },
	{ "Protected memory", "Memory that the host and its devices can not reach." },
	{ "Shared memory", "Memory that the guest handed to the host on purpose: bounce pools, "
			   "coherent allocations, areas shared with another endpoint." },
	{ "swiotlb, bounce pool, slot",
	  "A pool of shared memory in slots of 2 KiB.  Data for a device is copied (bounced) into "
	  "slots, data from a device out of them." },
	{ "Map, unmap, sync", "The kernel's DMA API: give a buffer to a device, take it back, hand "
			      "its ownership over in between." },
	{ "Coherent allocation", "Memory that CPU and device use together for long, for example "
				 "the rings of a virtqueue." },
	{ "Bounced", "A map whose device address lies in a pool, with the copy to go with it." },
	{ "Left without need", "Bytes that a map copied out although the device was only to write: "
			       "whatever lay in the buffer before." },
	{ "Claim", "A statement about the run that is decided for every device: it holds, is "
		   "refuted by a counterexample, or stays undecided." },
	{ "Condition", "What must be true of the recording so that silence means something: "
		       "absence of evidence is not evidence." },
	{ "PROVEN", "Every claim of the verdict holds and every condition that applies is met." },
	{ "VIOLATED", "At least one claim is refuted." },
	{ "INCONCLUSIVE", "Nothing is refuted, but not everything is shown." },
	{ "Since boot, window", "What the verdict speaks of: all DMA since the kernel started, or "
				"only that between start and stop of the recording." },
	{ "Rehearsal", "The run was not in a Realm.  Pools and coherent allocations stand for "
		       "shared memory, all other RAM for protected memory." },
	{ "Canary", "I/O of known size that ccaio itself caused during the run: the tracer must "
		    "have seen it." },
	{ "Limited to",
	  "The verdict was asked for some devices only.  What was seen of the others is "
	  "said beside it and is not part of it." },
	{ "pool, decrypted, shared-alias", "Shared memory: in a bounce pool; unprotected by the "
					   "kernel; by an address that carries the "
					   "platform's shared bit." },
	{ "protected, mixed, outside-ram, iova, mmio",
	  "Other memory: protected; partly shared; no RAM at all; an address that an IOMMU "
	  "translates "
	  "(judged by the memory behind it); a device's own." },
	{ "Unattributed",
	  "Bytes that went through a device and belong to no exchange of the program, "
	  "with what is known of them." },
	{ "Exact, nested, sized", "How sure it is which buffers carried an exchange: by the same "
				  "pointer, by order on one CPU, or by size and time." },
	{ NULL, NULL },
};

void html_glossary(FILE *out)
{
	fputs("<dl class=\"glossary\">\n", out);
	for (size_t i = 0; words[i].term; i++)
		fprintf(out, "<dt>%s</dt><dd>%s</dd>\n", words[i].term, words[i].meaning);
	fputs("</dl>\n", out);
}
