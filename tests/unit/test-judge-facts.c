/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts that are missing, absurd, or contradicted by the stream or by one another. */
#include "tests/unit/judge-fixture.h"
#include "tests/unit/test.h"

/* A virtio device behind the first PCI function, and one transfer of it. */
static struct platform_virtio *virtio_machine(void)
{
	struct platform_virtio *d;

	machine();
	info.is_model = true;
	free(facts->pci[0].driver);
	facts->pci[0].driver = xstrdup("virtio-pci");
	facts->nvirtio = 1;
	d = facts->virtio = xcalloc(1, sizeof(*d));
	d->name = xstrdup("virtio0");
	d->device_id = 1;
	d->features = xcalloc(65, 1);
	memset(d->features, '0', 64);
	d->features[VIRTIO_F_ACCESS_PLATFORM] = '1';
	d->status = 0x0f;
	d->bus = xstrdup("pci");
	d->parent = xstrdup("0000:00:01.0");
	d->driver = xstrdup("virtio_net");
	d->activity_before = d->activity_after = PLATFORM_UNKNOWN;
	bounced(0, BUF, SLOT(0), 64);
	return d;
}

static void set(char **member, const char *value)
{
	free(*member);
	*member = xstrdup(value);
}

static void test_virtio(void)
{
	struct platform_virtio *d = virtio_machine();

	check(outcome() == OUTCOME_PROVEN);

	facts->nvirtio = 0; /* a virtio device that nobody lists: bit 33 is not known */
	check(cond(COND_DEVICES_KNOWN) == COND_UNMET);
	check(claim(CLAIM_NO_BYPASS) == CLAIM_UNDECIDED);
	facts->nvirtio = 1;

	d->device_id = 0; /* it may be anything */
	check(claim(CLAIM_NO_BYPASS) == CLAIM_UNDECIDED);
	d->device_id = 24;
	check(claim(CLAIM_NO_BYPASS) == CLAIM_UNDECIDED);
	d->device_id = 16;
	check(claim(CLAIM_NO_BYPASS) == CLAIM_HOLDS);
	d->features[3] = '1'; /* blob resources */
	check(claim(CLAIM_NO_BYPASS) == CLAIM_UNDECIDED);

	d = virtio_machine(); /* a net device that the balloon's driver works */
	set(&d->driver, "virtio_balloon");
	check(cond(COND_DEVICES_KNOWN) == COND_UNMET);

	d = virtio_machine(); /* neither driver nor status: nobody says that it is idle */
	d->features[VIRTIO_F_ACCESS_PLATFORM] = '0';
	set(&d->driver, NULL);
	d->driver_unreported = true;
	d->status = PLATFORM_NO_STATUS;
	check(claim(CLAIM_NO_BYPASS) == CLAIM_UNDECIDED);
	check(cond(COND_DEVICES_KNOWN) == COND_UNMET);

	d = virtio_machine(); /* no driver, and DRIVER_OK */
	d->features[VIRTIO_F_ACCESS_PLATFORM] = '0';
	set(&d->driver, NULL);
	check(claim(CLAIM_NO_BYPASS) == CLAIM_UNDECIDED);

	d = virtio_machine(); /* not DRIVER_OK, and yet it worked */
	d->status = 0x03;
	d->activity_before = 1;
	d->activity_after = 2;
	stream[0].dev = stream[1].dev = dev2;
	check(cond(COND_DEVICES_KNOWN) == COND_UNMET);

	d = virtio_machine(); /* on the PCI bus, behind no PCI function */
	set(&d->parent, "a003e00.virtio_mmio");
	check(cond(COND_DEVICES_KNOWN) == COND_UNMET);
}

static void test_pci(void)
{
	bool named = false;

	machine();
	bounced(0, BUF, SLOT(0), 64);
	set(&facts->pci[1].driver, NULL); /* can it reach memory? */
	check(cond(COND_DEVICES_KNOWN) == COND_UNMET);
	facts->pci[1].bus_master = TRI_NO;
	check(cond(COND_DEVICES_KNOWN) == COND_MET);
	facts->pci[1].bus_master = TRI_YES;
	check(cond(COND_DEVICES_KNOWN) == COND_UNMET);
	set(&facts->pci[1].class, "0x060000"); /* a bridge only forwards */
	check(cond(COND_DEVICES_KNOWN) == COND_MET);

	set(&facts->pci[1].driver, "vfio-pci");
	check(claim(CLAIM_NO_BYPASS) == CLAIM_UNDECIDED);

	machine();
	bounced(0, BUF, SLOT(0), 64);
	facts->nother = 1;
	facts->other = xcalloc(1, sizeof(*facts->other));
	facts->other[0].name = xstrdup("9020000.fw-cfg");
	facts->other[0].driver = xstrdup("qemu_fw_cfg");
	check(claim(CLAIM_NO_BYPASS) == CLAIM_UNDECIDED);

	set(&facts->other[0].driver, "vfio-platform"); /* a program's */
	check(claim(CLAIM_NO_BYPASS) == CLAIM_UNDECIDED);
	set(&facts->other[0].driver, "uio_pdrv_genirq");
	check(claim(CLAIM_NO_BYPASS) == CLAIM_UNDECIDED);
	set(&facts->other[0].driver, "ahci");
	check(claim(CLAIM_NO_BYPASS) == CLAIM_HOLDS);
	set(&facts->other[0].driver, "simple-framebuffer");
	check(claim(CLAIM_NO_BYPASS) == CLAIM_UNDECIDED);
	set(&facts->other[0].bus, "dev"); /* /dev/mem, open in the window */
	set(&facts->other[0].driver, NULL);
	check(claim(CLAIM_NO_BYPASS) == CLAIM_UNDECIDED);
	set(&facts->other[0].bus, "platform");
	set(&facts->other[0].driver, PLATFORM_ITS); /* holds, and says why */
	check(claim(CLAIM_NO_BYPASS) == CLAIM_HOLDS);
	for (size_t i = 0; i < last->nnotes; i++)
		named |= strstr(last->notes[i], "only tables and queues that the kernel") != NULL;
	check(named);
	set(&facts->pci[1].driver, "mlx5_vfio_pci");
	check(claim(CLAIM_NO_BYPASS) == CLAIM_UNDECIDED);
}

static void test_memory(void)
{
	machine(); /* a bit is only above RAM where RAM is known */
	bounced(0, BUF, SLOT(0) | ALIAS, 64);
	check(outcome() == OUTCOME_PROVEN);
	facts->nram = 0;
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);

	machine(); /* the stream knows of more RAM than the facts */
	bounced(0, RAM_LAST + 0x10001, SLOT(0), 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);

	machine(); /* "restricted pool": all of RAM.  Why would a buffer in it be bounced? */
	bounced(0, BUF, PAGES, 64);
	facts->swiotlb.pools = xrealloc(facts->swiotlb.pools, 2, sizeof(*facts->swiotlb.pools));
	facts->swiotlb.pools[1] = (struct platform_pool){ .name = xstrdup("restricted"),
							  .range = { POOL_LAST + 1, RAM_LAST } };
	facts->swiotlb.npools = 2;
	check(cond(COND_FACTS_CONSISTENT) == COND_UNMET);
	facts->swiotlb.pools[1].range = (struct range){ SLOT(3), SLOT(4) - 1 }; /* one in another */
	check(cond(COND_POOL_KNOWN) == COND_UNMET);

	machine(); /* the kernel's slots are those of a pool that is not listed */
	bounced(0, BUF, SLOT(0), 64);
	check(cond(COND_POOL_KNOWN) == COND_MET);
	facts->swiotlb.used_hiwater = 128;
	check(cond(COND_CONSERVED) == COND_MET);
	facts->swiotlb.used_hiwater = 129; /* of 128 */
	check(cond(COND_CONSERVED) == COND_UNMET);
	facts->swiotlb.used_hiwater = PLATFORM_UNKNOWN;
	facts->swiotlb.used_after = 129;
	check(cond(COND_CONSERVED) == COND_UNMET);
	facts->swiotlb.used_after = 128;
	check(cond(COND_CONSERVED) == COND_MET);
	set(&facts->swiotlb.pools[0].name, "restricted");
	check(cond(COND_POOL_KNOWN) == COND_UNMET);

	machine(); /* half a slot: no slots are known, and none is shared by two mappings */
	facts->swiotlb.pools[0].range.start += 0x10;
	bounced(0, BUF, SLOT(1) + 0x10 - 64, 64);
	bounced(0, BUF + 4096, SLOT(1) + 0x10, 64);
	for (unsigned int c = 0; c < 4; c++)
		put((struct event){ .kind = EVENT_FORK, .cpu = c });
	bounced(0, BUF + 8192, SLOT(1) + 0x10 + 1024, 64);
	check(cond(COND_POOL_KNOWN) == COND_UNMET);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_HOLDS);

	machine(); /* a pool that may have grown is not protected memory */
	facts->swiotlb.dynamic = TRI_UNKNOWN;
	bounced(0, BUF, PAGES, 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);
	map(0, BUF, BUF, 64); /* but the buffer itself is */
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);

	machine(); /* behind an IOMMU that translates no number is a slot's */
	facts->pci[0].iommu_group = xstrdup("1");
	bounced(0, BUF, SLOT(0), 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED); /* it may be one by chance */
	set(&facts->pci[0].iommu_type, "identity");
	check(outcome() == OUTCOME_PROVEN);
	set(&facts->pci[0].iommu_type, "DMA-FQ");
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);
}

static void test_setting(void)
{
	machine(); /* what only a Realm has */
	bounced(0, BUF, SLOT(0), 64);
	facts->realm.is_realm = TRI_NO;
	check(outcome() == OUTCOME_PROVEN);
	facts->realm.rsi_version = xstrdup("1.0");
	check(outcome() == OUTCOME_INCONCLUSIVE && last->setting == SETTING_UNKNOWN);

	machine(); /* nobody but a Realm accepts a device */
	facts->pci[0].tsm = xstrdup("accepted");
	map(0, BUF, BUF, 64);
	check(outcome() == OUTCOME_PROVEN);
	facts->window.tsm_changed = TRI_UNKNOWN;
	check(cond(COND_ENVIRONMENT_STABLE) == COND_UNMET);
	facts->realm.is_realm = TRI_NO;
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);
}

static void sign(const char *id)
{
	facts->realm.signs = xrealloc(facts->realm.signs, facts->realm.nsigns + 1, sizeof(char *));
	facts->realm.signs[facts->realm.nsigns++] = xstrdup(id);
}

/* A guest of another kind: its signs, and what its addresses mean. */
static void test_guest_kinds(void)
{
	const uint64_t c_bit = 1ull << 51;

	machine(); /* no kind that anybody knows, whatever else the facts say */
	bounced(0, BUF, SLOT(0), 64);
	facts->realm.is_realm = TRI_NO;
	set(&facts->realm.kind, "tdx");
	check(outcome() == OUTCOME_INCONCLUSIVE && last->setting == SETTING_UNKNOWN);
	facts->realm.is_realm = TRI_YES;
	check(outcome() == OUTCOME_INCONCLUSIVE && last->setting == SETTING_UNKNOWN);
	sign("tdx-log");
	check(outcome() == OUTCOME_INCONCLUSIVE);
	check(strstr(last->reason, "1 of 2 signs of a TDX guest; missing: the flag tdx_guest"));
	sign("tdx-device");
	check(outcome() == OUTCOME_PROVEN && last->setting == SETTING_CONFIDENTIAL);
	check(strcmp(last->guest, "tdx") == 0);
	sign("sev-log");
	check(outcome() == OUTCOME_PROVEN);
	sign("sev-msr");
	check(outcome() == OUTCOME_INCONCLUSIVE && last->setting == SETTING_UNKNOWN);
	set(&facts->realm.kind, "parallax");
	check(outcome() == OUTCOME_INCONCLUSIVE);
	check(strstr(last->reason, "knows no kind of guest 'parallax'"));

	machine(); /* the C-bit of a buffer is no part of its address */
	set(&facts->realm.kind, "sev-snp");
	sign("sev-snp-msr");
	sign("sev-snp-device");
	bounce(0, BUF | c_bit, 64);
	map(0, BUF, SLOT(0), 64);
	check(outcome() == OUTCOME_PROVEN);
	map(0, BUF + 4096, SLOT(2) | c_bit, 64); /* … and of what a device is given, it is fatal */
	check(outcome() == OUTCOME_VIOLATED && claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);

	for (int shared = 0; shared < 2; shared++) { /* an allocation whose pages were decrypted */
		machine();
		set(&facts->realm.kind, "tdx");
		sign("tdx-log");
		sign("tdx-device");
		transfer(0, EVENT_ALLOC, EVENT_NO_ADDR, PAGES, 4096, EVENT_DIR_NONE)->attrs =
			shared ? EVENT_ATTR_ALLOC_CC_SHARED : 0;
		check(claim(CLAIM_DMA_IN_SHARED) == (shared ? CLAIM_HOLDS : CLAIM_UNDECIDED));
	}

	for (int pool = 0; pool < 2; pool++) { /* a virtCCA guest allocates from the pool */
		machine();
		set(&facts->realm.kind, "virtcca");
		sign("virtcca-device");
		sign("virtcca-log");
		sign("virtcca-cmdline");
		transfer(0, EVENT_ALLOC, EVENT_NO_ADDR, pool ? SLOT(4) : PAGES, 4096,
			 EVENT_DIR_NONE);
		/* elsewhere it is protected; of an assigned device nobody knows */
		check(claim(CLAIM_DMA_IN_SHARED) == (pool ? CLAIM_HOLDS : CLAIM_UNDECIDED));
	}
	map(0, BUF, BUF, 64); /* an assigned device may have been let, and nothing shows it */
	check(outcome() == OUTCOME_INCONCLUSIVE);
	map(0, EVENT_NO_ADDR, BUF, 64); /* as probes tell it: without a bounce, what buffer? */
	check(outcome() == OUTCOME_INCONCLUSIVE);
}

/* The facts tell that a device is accepted in the window, and not since when. */
static void test_accepted_later(void)
{
	const struct event start = { .kind = EVENT_MARK, .aux = EVENT_MARK_START, .link = 7 };

	machine(); /* bounced until then, direct since */
	facts->pci[0].tsm = xstrdup("accepted");
	facts->trace.nonce = 7;
	bounced(0, BUF, SLOT(0), 64);
	unmap(0, SLOT(0), 64);
	put(start);
	map(0, BUF, BUF, 64);
	check(outcome() == OUTCOME_INCONCLUSIVE); /* for the other markers alone */
	for (int c = 0; c <= CLAIM_LIFECYCLE; c++)
		check(claim(c) == CLAIM_HOLDS);

	machine(); /* direct before: was it accepted then? */
	facts->pci[0].tsm = xstrdup("accepted");
	facts->trace.nonce = 7;
	map(0, BUF, BUF, 64);
	put(start);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_UNDECIDED);
	/* reported event by event it is known */
	stream[1] = stream[0];
	stream[0] = (struct event){ .kind = EVENT_TSM, .dev = dev1, .aux = EVENT_TSM_RUN };
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_HOLDS);
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_HOLDS);

	machine(); /* what it still has of the pool is too much */
	facts->pci[0].tsm = xstrdup("accepted");
	facts->trace.nonce = 7;
	bounced(0, BUF, SLOT(0), 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_HOLDS);
	put(start); /* or the facts are wrong, which an event is not */
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);
	put((struct event){ .kind = EVENT_TSM, .dev = dev1, .aux = EVENT_TSM_RUN });
	bounced(0, BUF + 4096, SLOT(2), 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);
}

/* Facts of another boot, or of a folder in place of the machine. */
static void test_boot(void)
{
	machine();
	bounced(0, BUF, SLOT(0), 64);
	facts->kernel.boot_id = xstrdup("5a");
	check(outcome() == OUTCOME_PROVEN);
	info.boot_id = (char *)"5b";
	check(outcome() == OUTCOME_INCONCLUSIVE && cond(COND_FACTS_CONSISTENT) == COND_UNMET);
	check(claim(CLAIM_NO_BYPASS) == CLAIM_UNDECIDED);
	info.boot_id = (char *)"5a";
	check(outcome() == OUTCOME_PROVEN);
	facts->root = xstrdup("/tmp/root"); /* doctor's: whoever gives it knows */
	check(outcome() == OUTCOME_PROVEN);
	facts->trace.nonce = 7;
	check(outcome() == OUTCOME_INCONCLUSIVE && cond(COND_FACTS_CONSISTENT) == COND_UNMET);
	info.boot_id = NULL;
}

/* Behind an IOMMU only the absence of a bounce shows that the buffer itself was given. */
static void test_not_bounced_iommu(void)
{
	machine();
	facts->pci[0].iommu_group = xstrdup("0");
	map(0, BUF, 0xfff00000, 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);
	cpus[0].lost = 1;
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);
	cpus[0].lost = 0;
}

/* As a kernel's recording: formats, and counters of each CPU. */
static void record(const char *const *events, size_t n, struct stream_format *formats)
{
	info.is_model = false;
	info.clock = (char *)"mono";
	facts->trace.events_known = false;
	for (unsigned int c = 1; c < info.ncpus; c++)
		put((struct event){ .kind = EVENT_FORK, .cpu = c });
	for (size_t i = 0; i < n; i++)
		formats[i] = (struct stream_format){ .system = (char *)(i ? "dma" : "swiotlb"),
						     .name = (char *)events[i],
						     .decoded = true,
						     .directed = i > 0 };
	info.formats = formats;
	info.nformats = n;
	for (unsigned int i = 0; i < info.ncpus; i++)
		cpus[i].has_stats = true;
}

/* Events that were on, but did not stay so: one that a claim needs, or another. */
static void test_altered(void)
{
	static char map[] = "dma:dma_map_phys", other[] = "sock:sock_send_length";
	static char *listed[] = { map, other };
	const char *reason;

	for (int known = 0; known < 2; known++) {
		facts->trace.events_known = known;
		facts->trace.altered = &listed[1];
		facts->trace.naltered = 1;
		check((cond(COND_EVENTS_ARMED) == COND_MET) == !known);
		reason = judged()->conds[COND_EVENTS_ARMED].reason;
		check(!known || strstr(reason, " was not recorded"));
		facts->trace.altered = listed;
		check(cond(COND_EVENTS_ARMED) == COND_UNMET);
		reason = judged()->conds[COND_EVENTS_ARMED].reason;
		if (!known)
			check(strstr(reason, "dma:dma_map_phys: was switched off or filtered"));
	}
	facts->trace.events_known = false;
	facts->trace.altered = NULL;
	facts->trace.naltered = 0;
}

static void test_recording(void)
{
	static const char *const events[] = {
		"swiotlb_bounced",
		"dma_map_phys",
		"dma_unmap_phys",
		"dma_map_sg",
		"dma_unmap_sg",
		"dma_alloc",
		"dma_free",
		"dma_sync_single_for_cpu",
		"dma_sync_single_for_device",
		"dma_sync_sg_for_cpu",
		"dma_sync_sg_for_device",
		"dma_alloc_pages",
		"dma_free_pages",
		"dma_alloc_sgt",
		"dma_free_sgt",
	};
	enum { N = sizeof(events) / sizeof(events[0]) };
	struct stream_format formats[N];

	machine();
	record(events, N, formats);
	bounced(0, BUF, SLOT(0), 163);
	check(outcome() == OUTCOME_PROVEN);
	test_altered();
	for (size_t i = 0; i < N; i++) {
		formats[i].name = (char *)"dma_other";
		check(cond(COND_EVENTS_ARMED) == COND_UNMET);
		formats[i].name = (char *)events[i];
	}

	bounced(0, BUF + 4096, SLOT(0), 64); /* the slot again, and no unmap of the first … */
	for (unsigned int c = 0; c < 4; c++)
		put((struct event){ .kind = EVENT_FORK, .cpu = c });
	check(outcome() == OUTCOME_VIOLATED);
	formats[2].name = (char *)"dma_other"; /* … where unmaps are not reported */
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_UNDECIDED);
	formats[2].name = (char *)events[2];
	cpus[1].has_stats = false; /* … where nobody counts what is lost */
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_UNDECIDED);
	check(cond(COND_NOTHING_LOST) == COND_UNMET);
	facts->trace.lost_known = true; /* an empty list counts nothing */
	check(cond(COND_NOTHING_LOST) == COND_UNMET);

	machine(); /* the kernel counted one more on this CPU */
	record(events, N, formats);
	bounced(0, BUF, SLOT(0), 163);
	cpus[3].written = cpus[3].events + 1;
	check(cond(COND_NOTHING_LOST) == COND_UNMET);
	cpus[3].written = 0;

	/* a clock that ticks slowly: the order of two CPUs' events is not known */
	unmap(1, SLOT(0), 163);
	info.clock = (char *)"uptime";
	check(cond(COND_NOTHING_LOST) == COND_UNMET);
	check(claim(CLAIM_LIFECYCLE) == CLAIM_UNDECIDED);
	for (unsigned int c = 1; c < 4; c++)
		cpus[c].events = 0;
	check(cond(COND_NOTHING_LOST) == COND_MET);
	info.clock = (char *)"mono";
	cpus[1].events = 1;
	check(cond(COND_NOTHING_LOST) == COND_MET);

	/* sums of absurd counters are not 0 */
	cpus[2].overrun = UINT64_MAX;
	cpus[2].commit_overrun = 1;
	check(cond(COND_NOTHING_LOST) == COND_UNMET);
	cpus[2].overrun = cpus[2].commit_overrun = 0;
	put((struct event){ .kind = EVENT_LOST, .size = UINT64_MAX });
	put((struct event){ .kind = EVENT_LOST, .size = 1 });
	check(cond(COND_NOTHING_LOST) == COND_UNMET);
	stream_len -= 2;
	check(cond(COND_NOTHING_LOST) == COND_MET);

	facts->trace.nonce = 7; /* facts of ccaio's run, another tool's recording */
	check(cond(COND_WINDOW_MARKED) == COND_UNMET);
}

/* Facts of before and after: an empty recording cannot be shown to lie between them. */
static void test_moments(void)
{
	machine();
	info.clock = "mono";
	facts->moment.from_ns = 1;
	facts->moment.to_ns = UINT64_C(1) << 40;
	stream_len = 0;
	check(cond(COND_ENVIRONMENT_STABLE) == COND_UNMET);
	put((struct event){ .kind = EVENT_SYNC_CPU, .ts_ns = 5, .dev = dev1, .dma = SLOT(0) });
	check(cond(COND_ENVIRONMENT_STABLE) == COND_MET);
	facts->moment.from_ns = UINT64_C(1) << 39;
	check(cond(COND_ENVIRONMENT_STABLE) == COND_UNMET);
}

int main(void)
{
	test_moments();
	test_virtio();
	test_pci();
	test_memory();
	test_setting();
	test_guest_kinds();
	test_accepted_later();
	test_not_bounced_iommu();
	test_boot();
	test_recording();
	machine_release();
	return done();
}
