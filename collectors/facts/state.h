/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_FACTS_STATE_H
#define CCAIO_COLLECTORS_FACTS_STATE_H

/* What the sources of collectors/facts share.  Nobody else includes this. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collectors/facts/facts.h"
#include "lib/evidence/guest-kind.h"
#include "lib/evidence/platform.h"

/* What the kernel log reported, and where its reader stands. */
struct facts_log {
	int fd;		   /* -1: cannot be read */
	bool from_start;   /* its first record was still there */
	bool lost;	   /* records were overwritten before they were read */
	bool begun;	   /* one record was read */
	uint64_t next_seq; /* of the record to come */
	char *rest;	   /* the beginning of a line not yet whole */
	size_t rest_len;
	char *rsi_version;		 /* NULL: no such line */
	const struct guest_sign **signs; /* that lines of it showed, none twice */
	size_t nsigns, signs_cap;
	struct range *pools; /* default pools that the log says exist */
	size_t npools, pools_cap;
	struct range *restricted;
	size_t nrestricted, restricted_cap;
	uint64_t first_seq; /* of the first record that was read */
	/* all lines that concern DMA, "NUMBER TEXT"; too many: not all are there */
	char **marked;
	size_t nmarked, marked_cap;
	bool too_many;
	bool keep; /* the window is open: keep lines */
	char **lines;
	size_t nlines, lines_cap;
	bool cpu_line; /* in the window, a CPU came or went */
};

/* Symbols of the kernel whose presence or value tells something. */
enum facts_symbol {
	FACTS_SYM_POOL,	       /* struct io_tlb_mem */
	FACTS_SYM_MAP,	       /* a function that every kernel with swiotlb has */
	FACTS_SYM_DYNAMIC,     /* pools can grow */
	FACTS_SYM_RSI_PRESENT, /* static key, its first int: > 0 in a Realm */
	FACTS_SYM_SHARED_BIT,  /* unsigned long: BIT(ipa_bits - 1) in a Realm */
	FACTS_SYM_BUSES,       /* struct kset *: all buses */
	FACTS_SYM_VIRTIO,      /* struct bus_type */
	FACTS_SYM_TABLE_ARM,   /* the kernel's page table, by architecture */
	FACTS_SYM_TABLE_X86,
	FACTS_SYM_CC_MASK, /* u64: what marks a page as shared, or as protected, by vendor */
	FACTS_SYM_SME_MASK,
	FACTS_SYM_PKVM_GUEST, /* static key: > 0 in a protected guest of pKVM */
	FACTS_SYMBOLS
};

struct facts_place {
	bool seen;
	uint64_t address; /* 0 unknown */
};

struct facts {
	char *root;
	struct facts_place symbols[FACTS_SYMBOLS]; /* use facts_find_symbol */
	bool symbols_read;
	struct core *core; /* /proc/kcore and the kernel's types; use facts/kernel.c */
	struct types *types;
	struct kept *kept; /* NULL: not opened; none for a tree of files */
	bool core_tried, types_tried;
	bool counted; /* facts_count_after was called in this window */
	struct facts_log log;
	struct {
		int fd;	     /* inotify; 0 none */
		int *wds;    /* of each PCI function; -1 not watched */
		int dev;     /* of /dev; -1 not watched */
		bool unseen; /* not all programs' files could be looked at */
	} touched;
	/* what must not change in the window, as sorted words */
	char **devices, **cpus, **tsm;
	size_t ndevices, ncpus, ntsm;
};

/* --- facts-files.c: paths below the root; all accept printf formats --- */

#define FACTS_FORMAT(n) __attribute__((format(printf, n, n + 1)))

char *facts_path(const struct facts *facts, const char *fmt, ...) FACTS_FORMAT(2);
/* A file's text without surrounding white space (caller frees); NULL when it cannot be read. */
char *facts_attr(const struct facts *facts, const char *fmt, ...) FACTS_FORMAT(2);
/* The last part of a symbolic link's target (caller frees), or NULL. */
char *facts_link(const struct facts *facts, const char *fmt, ...) FACTS_FORMAT(2);
bool facts_exists(const struct facts *facts, const char *fmt, ...) FACTS_FORMAT(2);
/* The whole text as a number, decimal or 0x…; unknown when it is none. */
uint64_t facts_number(const struct facts *facts, uint64_t unknown, const char *fmt, ...)
	FACTS_FORMAT(3);
/* inode number of the thing itself, 0 unknown: what comes again has another one in sysfs. */
uint64_t facts_inode(const struct facts *facts, const char *fmt, ...) FACTS_FORMAT(2);
/* Names in a folder, sorted; *count 0 when it cannot be read.  Free with facts_free_list. */
char **facts_list(const struct facts *facts, size_t *count, const char *fmt, ...) FACTS_FORMAT(3);
void facts_free_list(char **names, size_t count);

/* --- the sources --- */

/* facts-log.c: read what there is to read. */
void facts_log_open(struct facts *facts);
void facts_log_drain(struct facts *facts);
void facts_log_close(struct facts *facts);

/* facts-memory.c */
void facts_ram(struct facts *facts, struct platform *p);
void facts_swiotlb(struct facts *facts, struct platform *p);
uint64_t facts_swiotlb_sum(struct facts *facts, const char *file); /* over all pools */

/*
 * facts-kernel.c: where a symbol is.  The first call reads the whole list of the kernel's symbols,
 * which takes longer than all other facts together: ask when nothing else tells.
 */
const struct facts_place *facts_find_symbol(struct facts *facts, enum facts_symbol symbol);
/* Was the kernel built with pools that grow, as far as its types tell? */
enum tri facts_kernel_grows(struct facts *facts);
/* Kernel memory offset bytes behind a symbol; false where that cannot be read. */
bool facts_kernel_read(struct facts *facts, enum facts_symbol symbol, size_t offset, void *buf,
		       size_t len);
/*
 * The default pool as the kernel's variable has it.  On x86 a pool that is only
 * there because bouncing is forced is never printed; a long log loses its beginning.
 */
bool facts_kernel_pool(struct facts *facts, struct range *range);
void facts_kernel_close(struct facts *facts);

/* realm.c: what kind of guest this is */
void facts_realm(struct facts *facts, struct platform *p);

/*
 * guest.c: the kind whose signs are here, NULL where no confidential one has any.  Enters the
 * signs into p; *is: TRI_YES where enough of them were seen, and of no other kind.
 */
const struct guest_kind *facts_guest(struct facts *facts, struct platform *p, enum tri *is);
void facts_add_sign(struct platform *p, const char *id);
/* Can a confidential guest of x86 that nothing showed be excluded without the kernel log? */
bool facts_guest_excluded(struct facts *facts);
/* 8 bytes of a register file (/dev/cpu/0/msr, cpuid); false where it cannot be read. */
bool facts_register(struct facts *facts, const char *file, uint64_t at, uint64_t *value);

/* facts-virtio.c */
void facts_virtio(struct facts *facts, struct platform *p);
uint64_t facts_virtio_activity(struct facts *facts, const char *name);
/* Of its virtqueues, since boot; PLATFORM_UNKNOWN where /proc/interrupts has none by its name. */
uint64_t facts_virtio_interrupts(struct facts *facts, const char *name);

/* facts-disks.c */
void facts_disks(struct facts *facts, struct platform *p);
void facts_disks_count(struct facts *facts, struct platform *p, bool before);

/* facts-net.c */
void facts_net(struct facts *facts, struct platform *p);
void facts_net_count(struct facts *facts, struct platform *p, bool before);

/* facts-ethtool.c: the driver's own counters, by name; NULL: none.  The caller frees all. */
struct platform_counter *facts_ethtool(const char *iface, size_t *count);

/* facts-qstats.c: the same of each queue, "tx0_packets", of the interface with this index. */
struct platform_counter *facts_qstats(uint32_t index, size_t *count);

/* facts-pci.c, facts-other.c */
void facts_pci(struct facts *facts, struct platform *p);
void facts_pci_count(struct facts *facts, struct platform *p, bool before);
char *facts_tsm_state(struct facts *facts, const char *name); /* NULL: none */
void facts_other(struct facts *facts, struct platform *p);

/* touched.c: PCI functions without driver that a program drives in the window. */
void facts_touched_begin(struct facts *facts, struct platform *p);
void facts_touched_end(struct facts *facts, struct platform *p);
void facts_touched_forget(struct facts *facts);
/* A program has /dev/NAME open: listed once. */
void facts_memory_opened(struct platform *p, const char *name);
/* Is this file of a PCI function's folder one that maps its memory or reaches its registers? */
bool facts_reaches_registers(const char *name);

/*
 * holders.c: mark the PCI functions without driver of which a program has the registers or memory
 * open or mapped now, and list /dev/mem and its like where one has them.  False: not all programs
 * could be looked at.
 */
bool facts_holders(struct facts *facts, struct platform *p);
/* "mem", "kmem", "port": files of /dev that reach all memory and registers; NULL past the last. */
const char *facts_memory_file(size_t i);

/* facts-watch.c: what must stay as it is in the window. */
void facts_watch_begin(struct facts *facts);
void facts_watch_end(struct facts *facts, struct platform *p);
void facts_watch_forget(struct facts *facts);

#endif
