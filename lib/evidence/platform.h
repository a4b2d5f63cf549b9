/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EVIDENCE_PLATFORM_H
#define CCAIO_LIB_EVIDENCE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/range.h"

struct err;
struct meter;
struct snapshot;

/*
 * platform - the facts of a machine that no event tells.
 *
 * Written as platform.json, schema ccaio.platform/1 (see ccaio-platform(5)).
 * Whatever nobody knows stays unknown: NULL, TRI_UNKNOWN, PLATFORM_UNKNOWN or an
 * empty list, never a guess.  Strings are owned by the struct.
 */

struct platform_pool {
	char *name;	    /* "default", or the reserved-memory node's name */
	struct range range; /* physical (IPA without the shared bit) */
	bool inferred;	    /* bounds guessed from events, not reported by kernel or device tree */
};

struct platform_virtio {
	char *name;		/* "virtio0" */
	uint32_t device_id;	/* virtio device type: 1 net, 2 block, 4 rng, 5 balloon, … */
	char *features;		/* '0'/'1', bit 0 first, as in sysfs; NULL unknown */
	uint32_t status;	/* device status register; PLATFORM_NO_STATUS unknown */
	char *bus;		/* "pci", "mmio", "msg" … */
	char *parent;		/* DMA device, the name that DMA events carry: "0000:00:01.0" */
	char *driver;		/* "virtio_net"; NULL: not bound */
	bool driver_unreported; /* driver is NULL because the facts do not say */
	/*
	 * The device's own traffic counters (packets, sectors, bytes: any number that
	 * moves when it works) before and after the window; PLATFORM_UNKNOWN if none.
	 */
	uint64_t activity_before, activity_after;
	char *iface; /* "eth0", "vda" …; NULL unknown */
};
#define PLATFORM_NO_STATUS UINT32_MAX

struct platform_pci {
	char *name;		       /* "0000:00:01.0" */
	char *vendor, *device, *class; /* "0x1af4" … */
	char *driver;		       /* NULL: not bound */
	bool driver_unreported;	       /* driver is NULL because the facts do not say */
	char *iommu_group;	       /* NULL: no IOMMU in front of it */
	char *iommu_type;	       /* "identity" (addresses pass), "DMA" …; NULL unknown */
	char *tsm;		       /* TDISP state: NULL none, "locked", "accepted" … */
	enum tri bus_master;	       /* bit 2 of the PCI command register */
	enum tri memory;	       /* bit 1: its own memory and registers can be reached */
	/* of one without driver: a program had its registers or memory open in the window */
	enum tri touched;
	uint64_t activity_before, activity_after; /* its interrupts; PLATFORM_UNKNOWN */
};

/*
 * What the kernel counted of a disk since boot (Linux Documentation/block/stat.rst); sectors of
 * 512 bytes.  in_flight: requests on their way at that moment, read before the rest.
 */
struct platform_work {
	uint64_t reads, read_sectors, writes, written_sectors, discards, discarded_sectors;
	uint64_t in_flight;
};

struct platform_disk {
	char *name;	   /* "vda" */
	char *number;	   /* "254:0", as block events call it */
	char *virtio;	   /* "virtio0", the device behind it; NULL: another one, or unknown */
	char *device;	   /* that one's DMA device, "0000:00:09.0"; NULL unknown */
	char **partitions; /* their numbers: "254:1" … */
	size_t npartitions;
	bool counted; /* before and after the window */
	struct platform_work before, after;
};

/*
 * What the kernel counted of an interface since boot, as /proc/net/dev has it; frames without
 * their virtio-net headers.
 */
struct platform_frames {
	uint64_t rx_packets, rx_bytes;
	uint64_t rx_dropped, rx_errors; /* all columns of errors */
	uint64_t tx_packets, tx_bytes;
	uint64_t tx_dropped, tx_errors;
	uint64_t interrupts; /* of its virtqueues; PLATFORM_UNKNOWN */
};

/* A counter of the driver's, by the name that the kernel gives it: "rx_queue_0_packets". */
struct platform_counter {
	char *name;
	uint64_t before, after;
};

/* The interface of a virtio network device. */
struct platform_net {
	char *name;	/* "eth0", as packet events call it */
	uint32_t index; /* the kernel's, never given twice; 0 unknown */
	char *virtio;	/* "virtio0" */
	bool looked;	/* the counters were to be read */
	bool counted;	/* they were, before and after the window, of the same interface */
	struct platform_frames before, after;
	struct platform_counter *counters; /* read both times */
	size_t ncounters;
};

/* Another device that can be a DMA master and is neither virtio nor PCI. */
struct platform_other {
	char *name, *bus, *driver;
};

struct platform_lost {
	uint32_t cpu;
	uint64_t overrun, commit_overrun, dropped; /* how much each counter moved in the window */
};

/* A control file of the recording's instance that somebody wrote to in the window. */
struct platform_change {
	char *file;	  /* below the instance: "tracing_on", "events/dma/dma_map_phys/enable" */
	uint64_t from_ns; /* when it was noticed, since the window was opened */
	uint64_t to_ns;	  /* when it was as armed again; the end of the window where it was not */
	uint64_t times;	  /* writes that were noticed; the kernel joins those that follow at once */
};

/* I/O that ccaio caused inside the window, to be found again in the stream. */
struct platform_canary {
	char *device; /* DMA device name */
	char *kind;   /* "blk-read", "net-datagram", "net-http", "none", "failed" (was asked for) */
	uint64_t size; /* bytes that the mapping must have: data for blk; frame + 12 for net */
	char *reason;  /* for "none" and "failed": why there is no canary for this device */
};

/*
 * The moment at which facts were read: what would be otherwise had anything changed since, and how
 * far the kernel log went.  Two moments tell what happened between them (platform_window()).
 */
struct platform_moment {
	uint64_t from_ns; /* CLOCK_MONOTONIC; PLATFORM_UNKNOWN: this and all else is not known */
	uint64_t to_ns;	  /* of the later one of two moments; PLATFORM_UNKNOWN: of one */
	/* a word of each, with the numbers that sysfs gave it when it was made */
	char **devices, **cpus, **tsm;
	size_t ndevices, ncpus, ntsm;
	uint64_t log_first,
		log_next; /* numbers of the log's first record, and of the next to come */
	char **log;	  /* lines that concern DMA, "NUMBER TEXT"; all of them */
	size_t nlog;
};

struct platform {
	char *unknown; /* members of the file that this version does not know; NULL none */
	struct {
		char *release, *machine, *cmdline;
		char *boot_id; /* the kernel's own number of this boot; NULL unknown */
	} kernel;
	char *root; /* the folder that the facts were read from in place of the machine's; NULL */
	struct {
		/* the host cannot read the guest's protected memory (of a Realm or any kind) */
		enum tri is_realm;
		char *kind;   /* lib/evidence/guest-kind.h: "arm-cca"; NULL unknown or none */
		char **signs; /* of guest kinds, that were seen: "rsi-log" */
		size_t nsigns;
		char *rsi_version;	/* "1.0" */
		uint32_t ipa_bits;	/* 0 unknown */
		uint64_t shared_bit;	/* the mask, e.g. 0x100000000; 0 unknown or none */
		uint64_t protected_bit; /* the mask that marks protected memory (SEV); 0 as above */
		char *tsm_provider;	/* attestation report provider, e.g. "arm_cca_guest" */
	} realm;
	struct range *ram;
	size_t nram;
	struct {
		struct platform_pool *pools;
		size_t npools;
		uint64_t slots; /* io_tlb_nslabs; PLATFORM_UNKNOWN */
		enum tri force, dynamic;
		uint64_t used_before, used_after, used_hiwater; /* slots; PLATFORM_UNKNOWN */
	} swiotlb;
	struct platform_virtio *virtio;
	size_t nvirtio;
	bool virtio_listed; /* the facts have a virtio list (it may be empty) */
	struct platform_pci *pci;
	size_t npci;
	bool pci_listed;
	struct platform_other *other;
	size_t nother;
	struct platform_disk *disks; /* those that have requests and are counted */
	size_t ndisks;
	struct platform_net *net; /* of virtio devices */
	size_t nnet;
	/* the kernel's own memory when the window opened and before it closed; NULL: not read */
	struct snapshot *start, *end;
	struct meter *meter; /* what the kernel summed up of bouncing; NULL: not asked for */
	/* What copying took this machine at its fastest, of a buffer in its cache; 0 unknown */
	struct {
		uint64_t bytes, ns;
	} memcpy;
	struct {
		enum tri devices_changed, cpus_changed, tsm_changed;
		char **kernel_log; /* lines of the window that concern DMA */
		size_t nkernel_log;
		bool log_known; /* the kernel log could be read for the whole window */
	} window;
	struct platform_moment moment; /* of facts that are of no run */
	struct {
		struct platform_lost *lost;
		size_t nlost;
		bool lost_known;
		enum tri from_boot;
		char **events; /* "dma:dma_map_phys" …: on for the whole window; see events_known */
		size_t nevents;
		bool events_known;
		char **failed; /* "ccaio:tcp_tx: reason": could not be armed */
		size_t nfailed;
		char **altered; /* of those armed: switched off or filtered in the window */
		size_t naltered;
		enum tri watched; /* all control files were, for the whole window */
		struct platform_change *changes;
		size_t nchanges;
		char *recorder; /* "ccaio 0.1"; NULL: somebody else */
		uint64_t nonce; /* of this run; 0 none */
		struct platform_canary *canaries;
		size_t ncanaries;
	} trace;
};

#define PLATFORM_SCHEMA "ccaio.platform/1"
struct platform *platform_new(void);	/* everything unknown */
void platform_free(struct platform *p); /* accepts NULL */

/*
 * Read facts from JSON text of len bytes.  name is for messages only.  Unknown
 * members are ignored (the schema may grow); wrong types, other schemas, and
 * numbers out of range are errors (-EINVAL).  Returns NULL with err set then.
 */
struct platform *platform_parse(const char *text, size_t len, const char *name, struct err *err);

/* The same from a file of at most PLATFORM_FILE_MAX bytes. */
#define PLATFORM_FILE_MAX (16u << 20)
struct platform *platform_load(const char *path, struct err *err);

/*
 * Facts of before and after a recording: what changed between them becomes before's window.  0, or
 * -EINVAL with err set: they are not of one boot of one machine in this order, or of a run.
 */
int platform_window(struct platform *before, const struct platform *after, struct err *err);

/* The facts as JSON text (NUL-terminated, caller frees). */
char *platform_format(const struct platform *p);

/* Bit of a feature string: TRI_UNKNOWN when features is NULL or too short to tell. */
enum tri platform_virtio_feature(const struct platform_virtio *dev, unsigned int bit);

#define VIRTIO_F_VERSION_1 32
#define VIRTIO_F_ACCESS_PLATFORM 33
#define VIRTIO_ID_BALLOON 5
#define VIRTIO_STATUS_DRIVER_OK 0x04
#define VIRTIO_STATUS_FAILED 0x80

/*
 * Driver bound, DRIVER_OK set and FAILED clear; not active: without a driver and DRIVER_OK.
 * TRI_UNKNOWN where the facts do not say, or say of a device with a driver that it does not work,
 * or of one without that it does.
 */
enum tri platform_virtio_active(const struct platform_virtio *dev);

/*
 * Was this event ("dma:dma_map_phys") on for the whole window, as the recorder lists it?
 * "ccaio:" stands for the group of any run's own probes, too ("ccaio_1234:").  False where p is
 * NULL.
 */
bool platform_event_on(const struct platform *p, const char *event);
/* Was it on at first, but switched off or filtered meanwhile?  Then it was not, even if listed. */
bool platform_event_altered(const struct platform *p, const char *event);

/* The virtio device whose DMA events carry this name, or NULL. */
const struct platform_virtio *platform_find_virtio(const struct platform *p, const char *dma_name);
const struct platform_pci *platform_find_pci(const struct platform *p, const char *dma_name);

/* Why a device that uses the DMA API may yet reach memory without it; NULL: nothing says so. */
const char *platform_virtio_doubt(const struct platform_virtio *dev);
/* Does this driver (may be NULL) let a program drive the device (vfio, uio)?  It gives it
 * addresses. */
bool platform_is_handed_over(const char *driver);
/* QEMU's firmware configuration: Linux drivers/firmware/qemu_fw_cfg.c, fw_cfg_dma_transfer(). */
bool platform_other_is_fw_cfg(const struct platform_other *dev);
/*
 * It reads and writes only tables that the kernel made for it, never a program's buffer: an
 * interrupt translation service (PLATFORM_ITS, which has no driver of its own), an SMMU.
 */
bool platform_other_walks(const struct platform_other *dev);
#define PLATFORM_ITS "gic-v3-its"
/*
 * The bus of files in /dev that a program had open in the window, "/dev/mem"; of those of which it
 * is not known whether one had.
 */
#define PLATFORM_DEV_FILES "dev"
#define PLATFORM_DEV_UNSEEN "dev-unseen"

/* The virtio device type that a driver of Linux is for; 0 unknown. */
uint32_t platform_virtio_driver_type(const char *driver);

/* A virtio device behind PCI: by its driver, or its ids (virtio 1.3, 4.1.2 "PCI Device Discovery").
 */
/* Does a driver of the kernel work it?  One that only keeps others away does not. */
bool platform_pci_is_driven(const struct platform_pci *dev);

/* Host memory that is mapped into the guest by design (QEMU's inter-VM shared memory). */
bool platform_pci_is_ivshmem(const struct platform_pci *dev);

bool platform_pci_is_virtio(const struct platform_pci *dev);
/* An entry "*" without ids: a pattern that matched nothing, where a script wrote the list. */
bool platform_pci_is_nothing(const struct platform_pci *dev);

/* The pool that the kernel's slot counters are about; restricted pools have their own. */
bool platform_pool_is_default(const struct platform_pool *pool);

#endif
