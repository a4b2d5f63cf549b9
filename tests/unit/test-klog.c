/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "lib/evidence/text/klog.h"
#include "tests/unit/test.h"

static void test_records(void)
{
	static const char *const bad[] = {
		"",	    " SUBSYSTEM=pci", "6,1,2",	    "6,1,2,-", "6,1,x,-;t",
		",1,2,-;t", "6;1,2,-;t",      "-6,1,2,-;t", "text",
	};
	static const char good[] = "6,339,5140900,-,caller=T1;NET: Registered;x\n";
	struct klog_record r;

	check(klog_parse(good, strlen(good), &r));
	check(r.seq == 339 && r.ts_us == 5140900 && r.kernel);
	check(r.len == 17 && memcmp(r.text, "NET: Registered;x", 17) == 0);
	check(klog_parse("12,1,2,-;", 9, &r) && !r.kernel && r.len == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check(!klog_parse(bad[i], strlen(bad[i]), &r));
}

static struct klog_fact read_text(const char *text)
{
	return klog_read(text, strlen(text));
}

static void test_pools(void)
{
	static const char *const none[] = {
		"software IO TLB: mapped [mem 0x72900000-0x72900000] (0MB)",
		"software IO TLB: mapped [mem 0x72900000-0x1000] (0MB)",
		"software IO TLB: mapped [mem 0x72900000",
		"software IO TLB: mapped [mem 72900000-7a900000] (128MB)",
		"software IO TLB: mapped [mem 0x11112222333344445-0x2] (1MB)",
		"software IO TLB: created restricted DMA pool at 0x1000, size 0 MiB",
		"created restricted DMA pool at 0xffffffffffff0000, size 17592186044415 MiB",
	};
	struct klog_fact f =
		read_text("software IO TLB: mapped [mem 0x97400000-0x9b400000] (64MB)");

	/* the log's upper bound is exclusive, ours inclusive */
	check(f.kind == KLOG_POOL && f.range.start == 0x97400000 && f.range.end == 0x9b3fffff);
	f = read_text("software IO TLB: mapped [mem 0x0000000880000000-0x0000000884000000] (64MB)");
	check(f.kind == KLOG_POOL && f.range.start == 0x880000000 && f.range.end == 0x883ffffff);
	f = read_text("software IO TLB: Reserved memory: created restricted DMA pool at "
		      "0x50000000, size 4 MiB");
	check(f.kind == KLOG_RESTRICTED && f.range.end == 0x503fffff);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		f = read_text(none[i]);
		check(f.kind == KLOG_OTHER);
		check(f.range.start == 0 && f.range.end == 0);
	}
	check(read_text("software IO TLB: tearing down default memory pool").kind == KLOG_TEARDOWN);
}

static void test_others(void)
{
	struct klog_fact f = read_text("RME: Using RSI version 1.0");

	check(f.kind == KLOG_RSI && strcmp(f.version, "1.0") == 0);
	check(read_text("RME: Using RSI version ?").kind == KLOG_OTHER);
	f = read_text("RME: Using RSI version 1.000000000000000000000000000");
	check(f.kind == KLOG_RSI && strlen(f.version) == 15);
	check(read_text("CPU1: Booted secondary processor 0x1 [0x0]").kind == KLOG_CPU);
	check(read_text("psci: CPU1 killed (polled 0 ms)").kind == KLOG_CPU);
	check(read_text("virtio-pci 0000:00:02.0: swiotlb buffer is full (sz: 4096 bytes)").kind ==
	      KLOG_TROUBLE);
	check(read_text("Failed to decrypt memory, 16384 pages will be leaked").kind ==
	      KLOG_TROUBLE);
	check(read_text("EXT4-fs (vda): mounted filesystem").kind == KLOG_OTHER);
	check(read_text("").kind == KLOG_OTHER);
	check(read_text("software IO TLB: Memory encryption is active and system is using DMA "
			"bounce buffers")
		      .kind == KLOG_OTHER);
	check(read_text("xhci_hcd: WARN DMA mapping failed").kind == KLOG_TROUBLE);
	check(read_text("arm-smmu-v3 9050000.smmuv3: Unhandled context").kind == KLOG_TROUBLE);
	check(read_text("ahci 0000:00:05.0: swiotlb addr 0x0+4096 overflow").kind == KLOG_TROUBLE);
	check(read_text("ata1: SATA max UDMA/133 irq 20").kind == KLOG_OTHER);
}

int main(void)
{
	test_records();
	test_pools();
	test_others();
	return done();
}
