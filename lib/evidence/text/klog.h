/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EVIDENCE_TEXT_KLOG_H
#define CCAIO_LIB_EVIDENCE_TEXT_KLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/evidence/platform.h"

/*
 * klog - what lines of the kernel log say about DMA.
 *
 * Wording as in Linux kernel/dma/swiotlb.c, arch/arm64/kernel/rsi.c and
 * arch/arm64/mm/mem_encrypt.c.  Anybody who may write to /dev/kmsg may forge
 * lines: those carry another facility than the kernel's own (klog_record.kernel).
 */

/* One record of /dev/kmsg (Linux Documentation/ABI/testing/dev-kmsg). */
struct klog_record {
	uint64_t seq;
	uint64_t ts_us; /* since boot */
	bool kernel;	/* written by the kernel, not by a program */
	const char *text;
	size_t len; /* bytes of text, without the line's end */
};

/*
 * Parse "6,339,5140900,-;text"; record->text points into line.  false for
 * continuation lines (which begin with a space) and for anything malformed.
 */
bool klog_parse(const char *line, size_t len, struct klog_record *record);

enum klog_kind {
	KLOG_OTHER,
	KLOG_POOL,	 /* "software IO TLB: mapped [mem 0x…-0x…] (64MB)": range */
	KLOG_RESTRICTED, /* "created restricted DMA pool at 0x…, size 4 MiB": range */
	KLOG_TEARDOWN,	 /* "tearing down default memory pool": the pool is no more */
	KLOG_RSI,	 /* "RME: Using RSI version 1.0": version */
	KLOG_CPU,	 /* a CPU came or went */
	KLOG_TROUBLE,	 /* something went wrong with DMA or the sharing of memory */
};

struct klog_fact {
	enum klog_kind kind;
	struct range range; /* both ends inclusive */
	char version[16];
};

/* What the text of a record says. */
struct klog_fact klog_read(const char *text, size_t len);

#endif
