/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/diagnosis/diagnosis.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/diagnosis/remedy.h"
#include "lib/evidence/guest-kind.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/snapshot.h"

#define SLOT_BYTES 2048
#define SEGMENT_SLOTS 128u   /* IO_TLB_SEGSIZE: an area has one at least */
#define MAX_SLOTS (1u << 20) /* 2 GiB: a pool is below 4 GiB */
#define SMALL_POOL ((uint64_t)16 << 20)

const char *diag_state_name(enum diag_state state)
{
	static const char *const names[] = { "cannot", "advice", "ok" };

	return (unsigned int)state < 3 ? names[state] : "?";
}

void diagnosis_free(struct diagnosis *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->count; i++) {
		free(d->checks[i].finding);
		free(d->checks[i].remedy);
	}
	free(d->checks);
	free(d);
}

bool diagnosis_can_prove(const struct diagnosis *d, bool window)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct diag_check *c = &d->checks[i];

		if (c->state == DIAG_CANNOT && !(window && c->boot_only))
			return false;
	}
	return d->count > 0;
}

static struct diag_check *add(struct diagnosis *d, const char *id, enum diag_state state,
			      const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

static struct diag_check *add(struct diagnosis *d, const char *id, enum diag_state state,
			      const char *remedy, const char *fmt, ...)
{
	struct diag_check *c;
	char finding[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(finding, sizeof(finding), fmt, ap);
	va_end(ap);
	XGROW(d->checks, d->count, d->cap);
	c = &d->checks[d->count++];
	*c = (struct diag_check){
		.id = id, .state = state, .finding = xstrdup(finding), .remedy = xstrdup(remedy)
	};
	return c;
}

static void check_events(struct diagnosis *d, const struct diag_tracing *t)
{
	if (!t->path) {
		add(d, "events-armed", DIAG_CANNOT, NULL, "%s", t->trouble);
		return;
	}
	if (t->read_only) {
		add(d, "events-armed", DIAG_CANNOT,
		    "mount it writable: mount -o remount,rw /sys/kernel/tracing",
		    "%s is mounted read-only: no event can be switched on", t->path);
		return;
	}
	if (!t->map_event && t->kprobes)
		add(d, "events-armed", DIAG_CANNOT, "boot Linux 6.12 or newer",
		    "this kernel has no events for DMA mappings; ccaio's own probes stand in for "
		    "them, but only from its start on")
			->boot_only = true;
	else if (!t->map_event)
		add(d, "events-armed", DIAG_CANNOT, "boot Linux 6.12 or newer",
		    "this kernel has no events for DMA mappings: bounces can be counted, but not "
		    "which address a device was given");
	else if (!t->swiotlb_event)
		add(d, "events-armed", DIAG_CANNOT, "boot a kernel with CONFIG_SWIOTLB",
		    "this kernel has no events for bounce buffers");
	else
		add(d, "events-armed", DIAG_OK, NULL,
		    "%s has the events for DMA mappings and bounce buffers", t->path);
}

static void check_cpus(struct diagnosis *d, const struct diag_tracing *t)
{
	if (t->barred_cpus)
		add(d, "window-marked", DIAG_CANNOT, "run ccaio outside of the cpuset",
		    "ccaio may not run on %u of the CPUs that are online (a cpuset): where devices "
		    "work there, their events have no markers",
		    t->barred_cpus);
}

static void check_baseline(struct diagnosis *d, const struct diag_tracing *t, bool readable)
{
	static const char remedy[] = "boot with trace_instance=ccaio,dma:*,swiotlb:* on the kernel "
				     "command line; until then use --scope window";

	d->armed = t->from_boot;
	if (t->from_boot)
		add(d, "baseline", DIAG_OK, NULL, "armed at boot, and nothing was lost since");
	else if (readable)
		add(d, "baseline", DIAG_ADVICE,
		    "for scope since-boot boot with trace_instance=ccaio,dma:*,swiotlb:* on the "
		    "kernel command line",
		    "%s; what was mapped before a run is read from the kernel's memory (scope run)",
		    t->boot_reason ? t->boot_reason : "not armed at boot");
	else
		add(d, "baseline", DIAG_CANNOT, remedy, "%s",
		    t->boot_reason ? t->boot_reason
				   : "not armed at boot: rings and buffers that were mapped before "
				     "ccaio starts are unknown")
			->boot_only = true;
}

/* The second witness: rings and pools in the kernel's own memory. */
static void check_memory(struct diagnosis *d, const struct platform *p)
{
	const struct snapshot *s = p->start;

	if (!s)
		return;
	if (s->trouble)
		add(d, "kernel-memory", DIAG_ADVICE,
		    "run as root on Linux 6.12 or newer with CONFIG_PROC_KCORE and "
		    "CONFIG_DEBUG_INFO_BTF, without lockdown=confidentiality",
		    "rings and pools cannot be read from the kernel's memory: %s", s->trouble);
	else
		add(d, "kernel-memory", DIAG_OK, NULL,
		    "%zu virtio devices with %zu queues, %zu live descriptors and %llu slots in "
		    "use are read from the kernel's memory",
		    s->ndevices, snapshot_queues(s), snapshot_descriptors(s),
		    (unsigned long long)snapshot_slots_used(s));
}

static const char *provider_remedy(const struct guest_kind *guest)
{
	return strcmp(guest->provider, "arm_cca_guest") == 0
		       ? "load arm_cca_guest and mount configfs"
		       : "load the guest's report driver and mount configfs";
}

static void check_setting(struct diagnosis *d, const struct platform *p)
{
	char why[192];
	const struct guest_kind *guest = guest_kind_of(p, why, sizeof(why));

	d->guest = guest;
	d->confidential = guest->class == GUEST_CONFIDENTIAL;
	if (strcmp(guest->id, "arm-cca") == 0)
		add(d, "setting", DIAG_OK, NULL, "a Realm (RSI %s)",
		    p->realm.rsi_version ? p->realm.rsi_version : "version unknown");
	else if (d->confidential)
		add(d, "setting", DIAG_OK, NULL, "%s", guest->one);
	else if (guest->class != GUEST_UNKNOWN)
		add(d, "setting", DIAG_ADVICE, "run in a Realm for more",
		    "not a Realm: a rehearsal, every report will say so");
	else if (p->realm.kind || p->realm.nsigns)
		add(d, "setting", DIAG_CANNOT, "run as root, early, with what is missing there",
		    "the kind of guest is not known: %s", why);
	else
		add(d, "setting", DIAG_CANNOT,
		    "run as root, early, or boot with a larger log_buf_len=",
		    "nothing shows whether this is a Realm: the beginning of the kernel log cannot "
		    "be read");
	if (p->realm.tsm_provider)
		add(d, "attestation", DIAG_OK, NULL, "reports come from %s", p->realm.tsm_provider);
	else if (guest->provider)
		add(d, "attestation", DIAG_ADVICE, provider_remedy(guest),
		    "no provider of attestation reports: programs get no token");
}

/* A device with a driver whose addresses an IOMMU translates, or NULL. */
static const struct platform_pci *translated(const struct platform *p)
{
	for (size_t i = 0; i < p->npci; i++) {
		const struct platform_pci *dev = &p->pci[i];

		if (dev->driver && dev->iommu_group &&
		    !(dev->iommu_type && strcmp(dev->iommu_type, "identity") == 0))
			return dev;
	}
	return NULL;
}

/* Where the guest's kernel does not see to it, nothing but this makes devices keep to the pool. */
static void check_forced(struct diagnosis *d, const struct platform *p)
{
	const char *remedy = remedy_text(REMEDY_FORCE);
	const struct platform_pci *behind = translated(p);

	if (d->confidential && d->guest->pool != POOL_ASKED)
		return;
	if (behind)
		add(d, "dma-in-shared", DIAG_CANNOT, remedy_text(REMEDY_IDENTITY),
		    "%s is behind an IOMMU: the kernel maps protected memory there instead of "
		    "bouncing",
		    behind->name);
	else if (p->swiotlb.force == TRI_YES)
		add(d, "dma-in-shared", DIAG_OK, NULL, "bouncing is forced");
	else if (p->swiotlb.force == TRI_NO)
		add(d, "dma-in-shared", DIAG_CANNOT, remedy,
		    "bouncing is not forced: devices are given protected memory");
	else
		add(d, "dma-in-shared", DIAG_ADVICE, remedy,
		    "it is not known whether bouncing is forced");
}

/* Does a kernel of this release mark allocations of shared memory (ALLOC_CC_SHARED)? */
static bool marks_allocations(const char *release)
{
	int major = 0, minor = 0;

	if (!release || sscanf(release, "%d.%d", &major, &minor) != 2)
		return false;
	return major > 7 || (major == 7 && minor >= 3);
}

/* What shows that coherent memory, such as rings, is shared. */
static void check_coherent(struct diagnosis *d, const struct platform *p,
			   const struct diag_tracing *t)
{
	const char *id = "dma-in-shared";
	bool wanted = d->confidential && d->guest->coherent == COHERENT_DECRYPTED;

	if (t->boot_probes)
		add(d, id, DIAG_OK, NULL, "which memory is decrypted has been probed since boot");
	else if (t->probes_reason)
		add(d, id, DIAG_ADVICE, remedy_text(REMEDY_BOOT_PROBES), "%s", t->probes_reason);
	else if (wanted && p->realm.shared_bit && d->guest->alias == ALIAS_SET_IS_SHARED)
		add(d, id, DIAG_OK, NULL,
		    "addresses of shared memory have the shared bit, rings included");
	else if (wanted && marks_allocations(p->kernel.release))
		add(d, id, DIAG_OK, NULL,
		    "this kernel marks coherent memory that is shared (ALLOC_CC_SHARED)");
	else if (wanted)
		add(d, id, DIAG_ADVICE, remedy_text(REMEDY_BOOT_PROBES),
		    "this kernel may not say which coherent memory, such as rings, is shared");
}

static uint64_t ram_bytes(const struct platform *p)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < p->nram; i++)
		bytes += p->ram[i].end - p->ram[i].start + 1;
	return bytes;
}

/* About a 1024th of RAM: Linux 7.3 arch/arm64/mm/init.c, where every device reaches all RAM. */
static bool is_shrunk(const struct platform *p, uint64_t bytes)
{
	uint64_t ram = ram_bytes(p);

	return ram && bytes * 1024 >= ram - ram / 16 && bytes * 1024 <= ram + ram / 16;
}

static uint64_t default_bytes(const struct platform *p)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < p->swiotlb.npools; i++) {
		const struct platform_pool *pool = &p->swiotlb.pools[i];

		if (strcmp(pool->name, "default") == 0)
			bytes += pool->range.end - pool->range.start + 1;
	}
	return bytes;
}

static void check_pools(struct diagnosis *d, const struct platform *p)
{
	uint64_t bytes = default_bytes(p), slots = p->swiotlb.slots;
	bool by_kernel = d->confidential && d->guest->pool != POOL_ASKED;
	const char *id = "pool-known",
		   *larger = remedy_text(by_kernel ? REMEDY_POOL : REMEDY_FORCE);

	if (p->swiotlb.dynamic == TRI_YES)
		add(d, id, DIAG_CANNOT, "boot a kernel without CONFIG_SWIOTLB_DYNAMIC",
		    "the pool may grow, and the kernel does not say where");
	else if (p->swiotlb.npools == 0)
		add(d, id, DIAG_CANNOT,
		    "boot with swiotlb=65536 (and log_buf_len= if the kernel log is long)",
		    "neither the kernel log nor /proc/kcore shows where a bounce pool is");
	else if (slots == PLATFORM_UNKNOWN)
		add(d, id, DIAG_CANNOT, "as root: mount -t debugfs none /sys/kernel/debug",
		    "the number of slots in debugfs cannot be read, so the pool's bounds cannot be "
		    "checked");
	else if (slots * SLOT_BYTES != bytes)
		add(d, id, DIAG_CANNOT, "boot again, or report it to the kernel's vendor",
		    "the kernel log reports %llu slots, debugfs %llu",
		    (unsigned long long)(bytes / SLOT_BYTES), (unsigned long long)slots);
	else if (bytes < SMALL_POOL)
		add(d, id, DIAG_ADVICE, larger, "a pool of %llu KiB is soon full%s",
		    (unsigned long long)(bytes >> 10),
		    is_shrunk(p, bytes) ? ": where every device reaches all RAM, this kernel makes "
					  "it a 1024th of RAM"
					: "");
	else
		add(d, id, DIAG_OK, NULL,
		    "a pool of %llu MiB at 0x%llx, as many slots as debugfs says",
		    (unsigned long long)(bytes >> 20),
		    (unsigned long long)p->swiotlb.pools[0].range.start);
	if (p->nram == 0)
		add(d, "ram-known", DIAG_CANNOT, "run as root",
		    "/proc/iomem shows no addresses of RAM");
}

/* The pool for twice as many slots as were in use, as Linux rounds it: a power of two. */
static uint64_t slots_for(uint64_t used, uint64_t areas)
{
	uint64_t slots = SEGMENT_SLOTS * areas;

	while (slots < MAX_SLOTS && slots < 2 * used)
		slots *= 2;
	return slots;
}

/*
 * Will it hold?  Nobody knows before the work is recorded, but what was in use since boot is a
 * lower bound.  Linux 7.3 makes a pool of RAM/1024 where nothing is asked for, also in a Realm,
 * where Linux 7.2 makes 64 MiB (arch/arm64/mm/init.c, arch_mm_preinit()).
 */
static void check_size(struct diagnosis *d, const struct platform *p, unsigned int cpus)
{
	uint64_t slots = p->swiotlb.slots, used = p->swiotlb.used_hiwater, ram = ram_bytes(p);
	const char *asked = p->kernel.cmdline ? strstr(p->kernel.cmdline, "swiotlb=") : NULL;
	const char *force = d->confidential ? "" : ",force";
	uint64_t areas = 1, bytes = slots * SLOT_BYTES;
	char share[48] = "", since[96] = "", remedy[256];
	bool tight;

	if (slots == PLATFORM_UNKNOWN || !slots || slots > MAX_SLOTS)
		return;
	while (areas < cpus && areas < slots / SEGMENT_SLOTS)
		areas *= 2;
	if (ram)
		snprintf(share, sizeof(share), ", %.1f%% of RAM",
			 100.0 * (double)bytes / (double)ram);
	if (used != PLATFORM_UNKNOWN)
		snprintf(since, sizeof(since), "; since boot at most %llu were in use at once",
			 (unsigned long long)used);
	tight = used != PLATFORM_UNKNOWN && used < MAX_SLOTS && used > slots / 2;
	if (tight)
		snprintf(remedy, sizeof(remedy), "boot with swiotlb=%llu%s, twice what was in use",
			 (unsigned long long)slots_for(used, areas), force);
	else if (d->confidential && !asked)
		snprintf(
			remedy, sizeof(remedy),
			"put swiotlb=%llu on the kernel command line: without it Linux 7.3 makes a "
			"pool of RAM/1024, here %llu KiB",
			(unsigned long long)slots, (unsigned long long)(ram / 1024 >> 10));
	else
		remedy[0] = '\0';
	add(d, "pool-size", *remedy ? DIAG_ADVICE : DIAG_OK, *remedy ? remedy : NULL,
	    "%llu slots (%llu KiB%s) in %llu %s, one for each CPU, of %llu each%s; the last lines "
	    "of ccaio trace say which swiotlb= a program needs",
	    (unsigned long long)slots, (unsigned long long)(bytes >> 10), share,
	    (unsigned long long)areas, areas == 1 ? "area" : "areas",
	    (unsigned long long)(slots / areas), since);
}

static const char *virtio_type(uint32_t id)
{
	static const char *const names[] = {
		[1] = "net",  [2] = "block", [3] = "console", [4] = "rng",    [5] = "balloon",
		[8] = "scsi", [9] = "9p",    [16] = "gpu",    [18] = "input", [19] = "vsock",
		[24] = "mem", [26] = "fs",   [27] = "pmem"
	};

	return id < sizeof(names) / sizeof(names[0]) && names[id] ? names[id] : "virtio";
}

/* Why a device of this type passes by the DMA API whatever it negotiated; NULL where not. */
static const char *direct_use(uint32_t id)
{
	if (id == VIRTIO_ID_BALLOON)
		return "is a memory balloon: it gives the host pages by number";
	if (id == 27)
		return "is pmem: memory of the host in the guest";
	return NULL;
}

/* Devices that reach memory without the DMA API, one line each. */
static void check_bypass(struct diagnosis *d, const struct platform *p)
{
	size_t bound = 0, bad = 0;

	for (size_t i = 0; i < p->nvirtio; i++) {
		const struct platform_virtio *dev = &p->virtio[i];
		const char *type = virtio_type(dev->device_id);

		if (platform_virtio_active(dev) == TRI_NO)
			continue;
		bound++;
		if (direct_use(dev->device_id)) {
			add(d, "no-bypass", DIAG_CANNOT, remedy_text(REMEDY_REMOVE_DEVICE), "%s %s",
			    dev->name, direct_use(dev->device_id));
			bad++;
		} else if (platform_virtio_feature(dev, VIRTIO_F_ACCESS_PLATFORM) != TRI_YES) {
			add(d, "no-bypass", DIAG_CANNOT, remedy_text(REMEDY_ACCESS_PLATFORM),
			    "%s (%s) works without VIRTIO_F_ACCESS_PLATFORM: no event shows its "
			    "addresses",
			    dev->name, type);
			bad++;
		} else if (platform_virtio_doubt(dev)) {
			add(d, "no-bypass", DIAG_CANNOT, remedy_text(REMEDY_REMOVE_DEVICE),
			    "%s (%s): %s", dev->name, type, platform_virtio_doubt(dev));
			bad++;
		}
	}
	for (size_t i = 0; i < p->npci; i++) {
		const struct platform_pci *dev = &p->pci[i];

		if (dev->driver && dev->vendor && dev->device &&
		    strcmp(dev->vendor, "0x1af4") == 0 && strcmp(dev->device, "0x1110") == 0) {
			add(d, "no-bypass", DIAG_CANNOT, remedy_text(REMEDY_REMOVE_DEVICE),
			    "%s (ivshmem) is memory shared with the host", dev->name);
			bad++;
		} else if (platform_is_handed_over(dev->driver)) {
			add(d, "no-bypass", DIAG_CANNOT, remedy_text(REMEDY_OWN_DRIVER),
			    "%s is driven by a program (%s): no event shows what it is given",
			    dev->name, dev->driver);
			bad++;
		}
	}
	for (size_t i = 0; i < p->nother; i++) {
		if (!platform_other_is_fw_cfg(&p->other[i]))
			continue;
		add(d, "no-bypass", DIAG_CANNOT, remedy_text(REMEDY_FW_CFG),
		    "%s (%s) can be given addresses without the DMA API", p->other[i].name,
		    p->other[i].driver);
		bad++;
	}
	if (bad == 0)
		add(d, "no-bypass", DIAG_OK, NULL, "all %zu working virtio devices use the DMA API",
		    bound);
}

static void check_devices(struct diagnosis *d, const struct platform *p)
{
	if (!p->virtio_listed || !p->pci_listed) {
		add(d, "devices-known", DIAG_CANNOT, "mount -t sysfs none /sys",
		    "/sys lists no devices");
		return;
	}
	for (size_t i = 0; i < p->npci; i++) {
		const struct platform_pci *dev = &p->pci[i];

		if (dev->bus_master != TRI_YES || dev->driver ||
		    (dev->class && strncmp(dev->class, "0x06", 4) == 0))
			continue;
		add(d, "devices-known", DIAG_CANNOT, "bind it to a driver or disable it",
		    "PCI device %s is a bus master without a driver", dev->name);
		return;
	}
	add(d, "devices-known", DIAG_OK, NULL, "%zu virtio, %zu PCI and %zu other DMA devices",
	    p->nvirtio, p->npci, p->nother);
}

static void check_meter(struct diagnosis *d, const struct diag_tracing *t)
{
	if (!t->path)
		return;
	if (t->meter)
		add(d, "cost-meter", DIAG_OK, NULL,
		    "ccaio trace --cost can let the kernel sum up what bouncing copies");
	else
		add(d, "cost-meter", DIAG_ADVICE,
		    "use a kernel with DEBUG_INFO_BTF, 5.17 or later, on arm64 6.4 or later",
		    "no types of this kernel: ccaio trace knows from events alone what bouncing "
		    "copies, and --cost nothing more");
}

static void check_probes(struct diagnosis *d, const struct diag_tracing *t)
{
	if (!t->path)
		return;
	if (t->kprobes && t->kprobes_off)
		add(d, "probes", DIAG_ADVICE, "write 1 to /sys/kernel/debug/kprobes/enabled",
		    "kprobes are disarmed: ccaio's own probes see nothing");
	else if (t->kprobes && t->ftrace_off)
		add(d, "probes", DIAG_ADVICE, "sysctl kernel.ftrace_enabled=1",
		    "tracing of functions is switched off: ccaio's own probes see nothing");
	else if (t->kprobes && t->fprobes && t->btf)
		add(d, "probes", DIAG_OK, NULL, "kprobes, fprobes and BTF are there");
	else
		add(d, "probes", DIAG_ADVICE,
		    "boot a kernel with KPROBE_EVENTS, FPROBE_EVENTS and DEBUG_INFO_BTF",
		    "the kernel lacks%s%s%s: exchanges are joined to buffers by size and time "
		    "where "
		    "pointers would be exact",
		    t->kprobes ? "" : " kprobes", t->fprobes ? "" : " fprobes",
		    t->btf ? "" : " BTF");
}

struct diagnosis *diagnosis_make(const struct platform *p, const struct diag_tracing *tracing,
				 bool log_readable)
{
	struct diagnosis *d = xcalloc(1, sizeof(*d));

	check_events(d, tracing);
	check_cpus(d, tracing);
	check_baseline(d, tracing, p->start && !p->start->trouble);
	check_memory(d, p);
	check_setting(d, p);
	check_forced(d, p);
	check_coherent(d, p, tracing);
	check_pools(d, p);
	check_size(d, p, tracing->cpus);
	check_meter(d, tracing);
	check_bypass(d, p);
	check_devices(d, p);
	if (log_readable)
		add(d, "environment-stable", DIAG_OK, NULL, "the kernel log can be followed");
	else
		add(d, "environment-stable", DIAG_CANNOT, "run as root",
		    "the kernel log cannot be read");
	check_probes(d, tracing);
	return d;
}
