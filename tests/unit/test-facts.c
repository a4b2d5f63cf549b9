/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts of a machine that is a tree of files: tests/data/root, copied to be changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "tests/unit/facts-fixture.h"

static void test_machine(void)
{
	struct platform *p = collected();

	check(same(p->kernel.release, "7.2.0-test") && same(p->kernel.machine, "aarch64"));
	check(same(p->kernel.cmdline, "console=ttyAMA0 loglevel=4 swiotlb=65536,force"));
	check(p->nram == 2 && p->ram[0].start == 0x40000000 && p->ram[0].end == 0x7fffffff);
	check(p->realm.is_realm == TRI_NO && !p->realm.kind && !p->realm.rsi_version);
	check(p->swiotlb.npools == 2);
	check(same(p->swiotlb.pools[0].name, "default"));
	check(p->swiotlb.pools[0].range.start == 0x72900000);
	check(p->swiotlb.pools[0].range.end == 0x7a8fffff);
	check(same(p->swiotlb.pools[1].name, "restricted@50000000"));
	check(p->swiotlb.pools[1].range.end == 0x503fffff && !p->swiotlb.pools[1].inferred);
	check(p->swiotlb.slots == 65536);
	check(p->swiotlb.force == TRI_YES && p->swiotlb.dynamic == TRI_NO);
	check(p->window.devices_changed == TRI_UNKNOWN && !p->window.log_known);
	platform_free(p);
}

static void test_devices(void)
{
	struct platform *p = collected();

	check(p->virtio_listed && p->nvirtio == 4);
	check(same(p->virtio[0].name, "virtio0") && p->virtio[0].device_id == 1);
	check(same(p->virtio[0].bus, "pci") && same(p->virtio[0].parent, "0000:00:01.0"));
	check(same(p->virtio[0].driver, "virtio_net") && same(p->virtio[0].iface, "eth0"));
	check(p->virtio[0].status == 0x0f && same(p->virtio[1].iface, "vda"));
	check(platform_virtio_feature(&p->virtio[0], VIRTIO_F_ACCESS_PLATFORM) == TRI_YES);
	check(same(p->virtio[3].bus, "mmio") && same(p->virtio[3].parent, "a003e00.virtio_mmio"));
	check(p->virtio[3].driver == NULL);
	check(p->pci_listed && p->npci == 5);
	check(same(p->pci[1].driver, "virtio-pci") && same(p->pci[1].class, "0x020000"));
	check(p->pci[0].bus_master == TRI_NO && p->pci[1].bus_master == TRI_YES);
	check(same(p->pci[4].iommu_group, "3") && same(p->pci[4].tsm, "locked"));
	check(same(p->pci[4].iommu_type, "DMA"));
	check(p->pci[1].iommu_group == NULL && p->pci[1].tsm == NULL);
	check(p->nother == 4); /* of the last, interrupts show it */
	check(same(p->other[0].name, "9020000.fw-cfg") && same(p->other[0].bus, "platform"));
	check(same(p->other[1].name, "9050000.smmuv3"));
	check(same(p->other[2].name, "c000000.mystery") && same(p->other[2].driver, "mystery"));
	check(same(p->other[3].name, "its") && platform_other_walks(&p->other[3]));
	platform_free(p);
}

static void test_quiet_window(void)
{
	struct facts *facts = facts_new(root);
	struct platform *p = facts_collect(facts);
	struct err err = { "" };

	check(facts_reset_hiwater(facts, &err) == 0);
	facts_before(facts, p);
	facts_after(facts, p);
	check(p->swiotlb.used_before == 260 && p->swiotlb.used_after == 260);
	check(p->swiotlb.used_hiwater == 260); /* the mark says 0 by now */
	check(p->virtio[0].activity_before == 123 && p->virtio[0].activity_after == 123);
	check(p->virtio[1].activity_after == 4096 + 80 + 7);
	check(p->virtio[2].activity_after == 41); /* without the configuration's interrupt */
	check(p->virtio[3].activity_after == PLATFORM_UNKNOWN);
	check(p->window.devices_changed == TRI_NO && p->window.cpus_changed == TRI_NO);
	check(p->window.tsm_changed == TRI_NO);
	check(p->window.log_known && p->window.nkernel_log == 0);
	platform_free(p);
	facts_free(facts);
}

/* Facts of a window in which the command changed the tree. */
static struct platform *window_with(const char *command)
{
	struct facts *facts;
	struct platform *p;

	fresh_tree();
	facts = facts_new(root);
	p = facts_collect(facts);
	facts_before(facts, p);
	change(command);
	facts_after(facts, p);
	facts_free(facts);
	return p;
}

/* Interrupt translation services have no driver; /dev/mem reaches everything. */
static void test_masters(void)
{
	struct facts *facts;
	struct platform *p;
	size_t n;

	fresh_tree();
	change("mkdir -p proc/device-tree/intc@8000000/its@8080000");
	change("printf 'arm,gic-v3-its\\0' >proc/device-tree/intc@8000000/its@8080000/compatible");
	change("echo >dev/mem");
	facts = facts_new(root);
	p = facts_collect(facts);
	n = p->nother;
	check(n > 1 && same(p->other[n - 1].name, "its@8080000"));
	check(same(p->other[n - 1].driver, PLATFORM_ITS));
	facts_before(facts, p);
	facts_after(facts, p);
	check(p->nother == n);
	facts_before(facts, p);
	change("cat dev/mem dev/mem >/dev/null");
	facts_after(facts, p);
	check(p->nother == n + 1 && same(p->other[n].name, "/dev/mem"));
	check(same(p->other[n].bus, PLATFORM_DEV_FILES) && !p->other[n].driver);
	platform_free(p);
	facts_free(facts);
	fresh_tree();
}

static const struct platform_pci *function(const struct platform *p, const char *name)
{
	for (size_t i = 0; i < p->npci; i++) {
		if (same(p->pci[i].name, name))
			return &p->pci[i];
	}
	return NULL;
}

/* What programs have open or mapped since before the window. */
static void test_holders(void)
{
	static const char name[] = "0000:00:1e.0";
	static const struct {
		const char *command;
		enum tri touched;
		bool memory;
	} rows[] = {
		{ "true", TRI_NO, false },
		{ "ln -s /dev/null proc/71/fd/0; ln -s socket:[5] proc/71/fd/1", TRI_NO, false },
		{ "ln -s /dev/mem proc/71/fd/2; ln -s /dev/mem proc/71/fd/3", TRI_NO, true },
		{ "ln -s /sys/devices/pci0000:00/0000:00:1e.0/resource2 proc/71/fd/2", TRI_YES,
		  false },
		{ "ln -s /sys/devices/pci0000:00/0000:00:1e.0/config proc/71/fd/2", TRI_NO, false },
		{ "ln -s /sys/devices/pci0000:00/0000:00:1f.0/resource2 proc/71/fd/2", TRI_NO,
		  false },
		{ "echo 'ffff0000-ffff1000 rw-s 00000000 00:15 77   /dev/mem' >proc/71/maps",
		  TRI_NO, true },
		{ "echo 'ffff0000-ffff1000 rw-s 00000000 00:15 77 "
		  "/sys/devices/pci0000:00/0000:00:1e.0/resource0_wc' >proc/71/maps",
		  TRI_YES, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts *facts;
		struct platform *p;
		size_t n;

		fresh_tree();
		change("mkdir -p proc/71/fd sys/bus/pci/devices/0000:00:1e.0");
		change("echo 0x8086 >sys/bus/pci/devices/0000:00:1e.0/vendor");
		change(rows[i].command);
		facts = facts_new(root);
		p = facts_collect(facts);
		n = p->nother;
		facts_before(facts, p);
		facts_after(facts, p);
		check(function(p, name) && function(p, name)->touched == rows[i].touched);
		check(p->nother == n + rows[i].memory);
		check(!rows[i].memory || same(p->other[n].name, "/dev/mem"));
		platform_free(p);
		facts_free(facts);
	}
	fresh_tree();
}

/* Disks with a device and requests are counted, both ends of the window. */
static void test_disks(void)
{
	struct platform *p =
		window_with("echo 11 0 6720 0 1 0 40 0 0 0 0 5 0 80 >sys/block/vda/stat");

	check(p->ndisks == 1 && strcmp(p->disks[0].number, "254:0") == 0 && p->disks[0].counted);
	check(p->disks[0].npartitions == 1 && same(p->disks[0].partitions[0], "254:1"));
	check(p->disks[0].before.reads == 10 && p->disks[0].before.in_flight == 3);
	check(p->disks[0].after.read_sectors == 6720 && p->disks[0].after.discarded_sectors == 80);
	platform_free(p);
	p = window_with("echo 1 2 3 >sys/block/vda/stat");
	check(p->ndisks == 1 && !p->disks[0].counted);
	platform_free(p);
}

#define ETH0 "sys/bus/virtio/devices/virtio0/net/eth0"
#define INTERRUPT "echo ' 50: 7 4 ITS Edge virtio0-output.0' >>proc/interrupts; "

/* Is the interface counted both times when this happens in the window? */
static bool counted_with(const char *command)
{
	struct platform *p = window_with(command);
	bool counted = p->net[0].counted;

	check(p->nnet == 1 && p->net[0].looked);
	platform_free(p);
	return counted;
}

static void test_net(void)
{
	struct platform *p = window_with(INTERRUPT "sed -i 's/12345     100/12400     101/' "
						   "proc/net/dev");
	const struct platform_net *net = &p->net[0];

	check(p->nnet == 1 && same(net->name, "eth0") && same(net->virtio, "virtio0"));
	check(net->index == 2 && net->looked && net->counted && net->ncounters == 0);
	check(net->before.rx_bytes == 12345 && net->before.rx_packets == 100);
	check(net->before.rx_errors == 1 + 3 + 4 && net->before.rx_dropped == 2);
	check(net->before.tx_bytes == 6789 && net->before.tx_packets == 50);
	check(net->before.tx_errors == 6 + 8 && net->before.tx_dropped == 7);
	check(net->before.interrupts == PLATFORM_UNKNOWN && net->after.interrupts == 11);
	check(net->after.rx_bytes == 12400 && net->after.rx_packets == 101);
	platform_free(p);
	check(counted_with("true"));
	/* another one of the same name, another name, none, and what is no number */
	check(!counted_with("echo 3 >" ETH0 "/ifindex"));
	check(!counted_with("mv " ETH0 " " ETH0 "x"));
	check(!counted_with("sed -i s/eth0:/eth1:/ proc/net/dev"));
	check(!counted_with("sed -i 's/eth0: .*/eth0: 1 2 3/' proc/net/dev"));
	check(!counted_with("rm proc/net/dev"));
}

#define RX_PACKETS "sys/bus/virtio/devices/virtio0/net/eth0/statistics/rx_packets"

/* What moves before the recording begins or after it ends is not the window's. */
static void test_counted_in_the_recording(void)
{
	struct facts *facts;
	struct platform *p;

	fresh_tree();
	facts = facts_new(root);
	p = facts_collect(facts);
	change("echo 100 >" RX_PACKETS);
	facts_before(facts, p);
	change("echo 110 >" RX_PACKETS);
	facts_count_before(facts, p);
	change("echo 120 >" RX_PACKETS);
	facts_count_after(facts, p);
	change("echo 150 >" RX_PACKETS);
	facts_after(facts, p);
	check(p->virtio[0].activity_after - p->virtio[0].activity_before == 10);
	platform_free(p);
	facts_free(facts);
}

static void test_changes(void)
{
	struct platform *p;

	p = window_with("rm -r sys/bus/virtio/devices/virtio2");
	check(p->window.devices_changed == TRI_YES && p->window.cpus_changed == TRI_NO);
	platform_free(p);
	/* bound anew between two looks */
	p = window_with("cd sys/devices/pci0000:00/0000:00:05.0 && cp -a driver keep && "
			"rm driver && touch x && mv keep driver");
	check(p->window.devices_changed == TRI_YES);
	platform_free(p);
	p = window_with("rm sys/devices/platform/c000000.mystery/driver");
	check(p->window.devices_changed == TRI_YES);
	platform_free(p);
	p = window_with("echo 0 >sys/devices/system/cpu/online");
	check(p->window.cpus_changed == TRI_YES && p->window.devices_changed == TRI_NO);
	platform_free(p);
	p = window_with("cd sys/devices/system/cpu/cpu1 && mkdir new && rm -r topology && "
			"mv new topology");
	check(p->window.cpus_changed == TRI_YES);
	platform_free(p);
	p = window_with("echo '6,7,1,-;psci: CPU1 killed (polled 0 ms)' >>dev/kmsg");
	check(p->window.cpus_changed == TRI_YES);
	platform_free(p);
	p = window_with("echo 1 >sys/devices/pci0000:00/0000:00:05.0/tsm/accept");
	check(p->window.tsm_changed == TRI_YES && p->window.devices_changed == TRI_NO);
	platform_free(p);
	/* bound to a TSM it is also locked or in error: that is no acceptance */
	p = window_with("echo tsm0 >sys/devices/pci0000:00/0000:00:05.0/tsm/bound");
	check(p->window.tsm_changed == TRI_NO);
	platform_free(p);
	p = window_with("echo 150 >sys/bus/virtio/devices/virtio0/net/eth0/statistics/rx_packets; "
			"echo 900 >sys/kernel/debug/swiotlb/io_tlb_used_hiwater; "
			"echo 300 >sys/kernel/debug/swiotlb/io_tlb_used");
	check(p->virtio[0].activity_before == 123 && p->virtio[0].activity_after == 173);
	check(p->swiotlb.used_before == 260 && p->swiotlb.used_after == 304);
	check(p->swiotlb.used_hiwater == 909);
	platform_free(p);
}

static void test_log_window(void)
{
	struct platform *p;

	p = window_with("printf '4,7,1,-;virtio-pci 0000:00:02.0: swiotlb buffer is full\\n"
			"6,8,2,-;eth0: link up\\n12,9,3,-;swiotlb: says a program\\n' >>dev/kmsg");
	check(p->window.log_known && p->window.nkernel_log == 1);
	check(p->window.nkernel_log == 1 &&
	      same(p->window.kernel_log[0], "virtio-pci 0000:00:02.0: swiotlb buffer is full"));
	platform_free(p);
	p = window_with("echo '6,7,1,-;software IO TLB: tearing down default memory pool' "
			">>dev/kmsg");
	check(p->window.log_known && p->window.nkernel_log == 1);
	platform_free(p);
	p = window_with("echo '6,9,1,-;eth0: link up' >>dev/kmsg"); /* 7 and 8 are missing */
	check(!p->window.log_known);
	platform_free(p);
}

static void test_realm(void)
{
	struct platform *p;

	fresh_tree();
	change("echo '6,7,1,-;RME: Using RSI version 1.0' >>dev/kmsg");
	p = collected();
	check(p->realm.is_realm == TRI_UNKNOWN && same(p->realm.kind, "arm-cca"));
	check(p->realm.nsigns == 1 && same(p->realm.signs[0], "rsi-log"));
	platform_free(p);
	change("echo 'console=ttyS0' >proc/cmdline && "
	       "mkdir -p sys/kernel/config/tsm/report/ccaio-facts && "
	       "echo arm_cca_guest >sys/kernel/config/tsm/report/ccaio-facts/provider");
	p = collected();
	check(p->realm.is_realm == TRI_YES && same(p->realm.kind, "arm-cca"));
	check(same(p->realm.rsi_version, "1.0") && same(p->realm.tsm_provider, "arm_cca_guest"));
	check(p->realm.nsigns == 2 && same(p->realm.signs[1], "rsi-provider"));
	check(p->swiotlb.force == TRI_UNKNOWN);
	platform_free(p);

	/* the boot's part of the log is gone: the device says so, and one more, or nobody knows */
	fresh_tree();
	change("sed -i 1,4d dev/kmsg && mkdir sys/devices/platform/arm-cca-dev");
	p = collected();
	check(p->realm.is_realm == TRI_UNKNOWN && same(p->realm.kind, "arm-cca"));
	platform_free(p);
	change("mkdir -p sys/kernel/config/tsm/report/ccaio-facts && "
	       "echo arm_cca_guest >sys/kernel/config/tsm/report/ccaio-facts/provider");
	p = collected();
	check(p->realm.is_realm == TRI_YES && !p->realm.rsi_version);
	check(p->swiotlb.npools == 1 && same(p->swiotlb.pools[0].name, "restricted@50000000"));
	platform_free(p);
	change("rmdir sys/devices/platform/arm-cca-dev && rm -r sys/kernel/config");
	p = collected();
	check(p->realm.is_realm == TRI_UNKNOWN);
	platform_free(p);
	change("echo x86_64 >proc/sys/kernel/arch");
	p = collected();
	check(p->realm.is_realm == TRI_NO);
	platform_free(p);
}

/* Other kinds of guests: two signs, or nobody knows. */
static void test_guest_kinds(void)
{
	struct platform *p;

	fresh_tree();
	change("echo x86_64 >proc/sys/kernel/arch && echo '6,7,1,-;tdx: Guest detected' "
	       ">>dev/kmsg");
	p = collected();
	check(p->realm.is_realm == TRI_UNKNOWN && same(p->realm.kind, "tdx"));
	check(p->realm.nsigns == 1 && same(p->realm.signs[0], "tdx-log"));
	platform_free(p);
	change("printf 'processor\t: 0\nflags\t\t: fpu tdx_guest vme\n' >proc/cpuinfo");
	p = collected();
	check(p->realm.is_realm == TRI_YES && same(p->realm.kind, "tdx") && p->realm.nsigns == 2);
	platform_free(p);

	/* the C-bit's number is in EBX of CPUID leaf 0x8000001f, register 0xc0010131 has 8 bytes */
	fresh_tree();
	change("echo x86_64 >proc/sys/kernel/arch && mkdir -p dev/cpu/0 && "
	       "echo '6,7,1,-;Memory Encryption Features active: AMD SEV SEV-ES SEV-SNP' "
	       ">>dev/kmsg && "
	       "printf '\\007\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' | "
	       "dd of=dev/cpu/0/msr bs=1 seek=$((0xc0010131)) 2>/dev/null && "
	       "printf '\\0\\0\\0\\0\\063\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' | "
	       "dd of=dev/cpu/0/cpuid bs=1 seek=$((0x8000001f)) 2>/dev/null");
	p = collected();
	check(p->realm.is_realm == TRI_YES && same(p->realm.kind, "sev-snp"));
	check(p->realm.protected_bit == UINT64_C(1) << 51);
	platform_free(p);

	/* isolated by Hyper-V: with a paravisor; without it is what the processor calls it */
	fresh_tree();
	change("echo x86_64 >proc/sys/kernel/arch && mkdir -p dev/cpu/0 && "
	       "echo '6,7,1,-;Hyper-V: Isolation Config: Group A 0x1, Group B 0xba2' >>dev/kmsg && "
	       "printf '\\001\\0\\0\\0\\242\\013\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' | "
	       "dd of=dev/cpu/0/cpuid bs=1 seek=$((0x4000000c)) 2>/dev/null");
	p = collected();
	check(p->realm.is_realm == TRI_YES && same(p->realm.kind, "hyperv-isolated"));
	platform_free(p);
	change("printf '\\0\\0\\0\\0\\003\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' | dd "
	       "of=dev/cpu/0/cpuid bs=1 "
	       "seek=$((0x4000000c)) conv=notrunc 2>/dev/null && "
	       "printf 'flags\t\t: tdx_guest\n' >proc/cpuinfo && "
	       "echo '6,8,1,-;tdx: Guest detected' >>dev/kmsg");
	p = collected();
	check(p->realm.is_realm == TRI_YES && same(p->realm.kind, "tdx"));
	platform_free(p);

	/* a log line alone is no virtCCA guest, and neither is a parameter */
	fresh_tree();
	change("echo '6,7,1,-;RME: TSI version 1.0 advertised' >>dev/kmsg && "
	       "echo 'virtcca_cvm_guest=1' >proc/cmdline");
	p = collected();
	check(p->realm.is_realm == TRI_UNKNOWN && same(p->realm.kind, "virtcca"));
	platform_free(p);
	change("touch dev/tsi");
	p = collected();
	check(p->realm.is_realm == TRI_YES && same(p->realm.kind, "virtcca"));
	platform_free(p);
}

static void test_tsm_entry(void)
{
	struct platform *p;
	char *line;

	fresh_tree();
	change("mkdir -p sys/kernel/config/tsm/report");
	p = collected();
	check(p->realm.tsm_provider == NULL);
	line = xasprintf("%s/sys/kernel/config/tsm/report", root);
	check(rmdir(line) == 0); /* empty: nothing was left in it */
	free(line);
	platform_free(p);
}

static void test_pools(void)
{
	struct platform *p;

	fresh_tree();
	change("echo '6,7,1,-;software IO TLB: tearing down default memory pool' >>dev/kmsg && "
	       "echo '0000000000000000 t swiotlb_dyn_alloc' >>proc/kallsyms && "
	       "echo 'swiotlb=noforce' >proc/cmdline && rm -r sys/kernel/debug");
	p = collected();
	/* without debugfs, both restricted nodes stand for pools */
	check(p->swiotlb.npools == 2 && p->swiotlb.pools[1].range.start == 0x60000000);
	check(p->swiotlb.dynamic == TRI_YES && p->swiotlb.force == TRI_NO);
	check(p->swiotlb.slots == PLATFORM_UNKNOWN);
	platform_free(p);

	/* a pool of 1.5 MiB that the log calls one of 1 MiB */
	fresh_tree();
	change("sed -i 's/0x0000000050000000, size 4/0x0000000070000000, size 1/' dev/kmsg && "
	       "rm -r proc/device-tree/reserved-memory && cd sys/kernel/debug/swiotlb && "
	       "mv restricted@50000000 pool && echo 768 >pool/io_tlb_nslabs");
	p = collected();
	check(p->swiotlb.npools == 2 && p->swiotlb.pools[1].range.start == 0x70000000);
	check(p->swiotlb.pools[1].range.end == 0x7017ffff);
	platform_free(p);
	/* two pools fit: which one is not known */
	change("cd sys/kernel/debug/swiotlb && cp -r pool other && echo 800 >other/io_tlb_nslabs");
	p = collected();
	check(p->swiotlb.pools[1].range.end == 0x700fffff);
	platform_free(p);
}

/* A tree without anything: nothing is known, nothing is guessed. */
static void test_nothing(void)
{
	struct err err = { "" };
	struct facts *facts;
	struct platform *p;

	change("rm -r *");
	facts = facts_new(root);
	p = facts_collect(facts);
	facts_before(facts, p);
	facts_after(facts, p);
	check(!p->kernel.release && p->realm.is_realm == TRI_UNKNOWN && p->nram == 0);
	check(!p->virtio_listed && !p->pci_listed && p->swiotlb.slots == PLATFORM_UNKNOWN);
	check(p->swiotlb.force == TRI_UNKNOWN && p->swiotlb.dynamic == TRI_UNKNOWN);
	check(p->swiotlb.used_hiwater == PLATFORM_UNKNOWN);
	check(p->window.devices_changed == TRI_UNKNOWN && p->window.cpus_changed == TRI_UNKNOWN);
	check(p->window.tsm_changed == TRI_UNKNOWN && !p->window.log_known);
	check(facts_reset_hiwater(facts, &err) < 0 && strstr(err.text, "io_tlb_used_hiwater"));
	platform_free(p);
	facts_free(facts);
	/* addresses hidden from whoever may not see them */
	fresh_tree();
	change("echo '00000000-00000000 : System RAM' >proc/iomem");
	p = collected();
	check(p->nram == 0);
	platform_free(p);
}

int main(void)
{
	make_tree();
	test_machine();
	test_devices();
	test_quiet_window();
	test_counted_in_the_recording();
	test_masters();
	test_holders();
	test_disks();
	test_net();
	test_changes();
	test_log_window();
	test_realm();
	test_guest_kinds();
	test_tsm_entry();
	test_pools();
	test_nothing();
	remove_tree();
	return done();
}
