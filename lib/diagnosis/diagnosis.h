/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_DIAGNOSIS_DIAGNOSIS_H
#define CCAIO_LIB_DIAGNOSIS_DIAGNOSIS_H

#include <stdbool.h>
#include <stddef.h>

struct guest_kind;
struct platform;

/*
 * diagnosis - what a machine can prove, and what to change so that it can prove more.
 *
 * Decided from the facts alone, before anything is recorded: a check that is ok
 * says that the condition can be met here, not that it will be.
 */
enum diag_state {
	DIAG_CANNOT = 0, /* stands in the way of a PROVEN */
	DIAG_ADVICE,	 /* does not, but something is worth knowing or changing */
	DIAG_OK,
};

struct diag_check {
	const char *id; /* claim or condition that it is about, where there is one */
	enum diag_state state;
	bool boot_only; /* a PROVEN with --scope window is possible in spite of it */
	char *finding;	/* one sentence without full stop */
	char *remedy;	/* what to do; NULL when ok */
};

struct diagnosis {
	struct diag_check *checks;
	size_t count, cap;
	/* the kind of guest that a verdict made here would be about */
	const struct guest_kind *guest;
	bool confidential; /* it is one whose memory the host cannot read */
	bool armed; /* a verdict made here can be since boot; otherwise for the run at best */
};

/* What the tracing directory of the machine offers.  Strings borrowed. */
struct diag_tracing {
	const char *path;	  /* NULL: cannot be used */
	const char *trouble;	  /* then: why, and what to do */
	bool map_event;		  /* dma:dma_map_phys or dma:dma_map_page */
	bool swiotlb_event;	  /* swiotlb:swiotlb_bounced */
	bool from_boot;		  /* the instance armed at boot holds everything since */
	const char *boot_reason;  /* why it does not, where one was asked for; else NULL */
	unsigned int barred_cpus; /* online, but ccaio may not run there (a cpuset) */
	unsigned int cpus;	  /* that the kernel may bring up; 0 unknown */
	bool read_only;		  /* tracefs is mounted so */
	bool kprobes, fprobes, btf;
	bool meter;	  /* the kernel can sum up what bouncing copies (ccaio trace --cost) */
	bool kprobes_off; /* they are there, but disarmed: /sys/kernel/debug/kprobes/enabled */
	bool ftrace_off;  /* functions are not traced: /proc/sys/kernel/ftrace_enabled */
	bool boot_probes; /* decryption has been probed since boot (boot_probes_find) */
	const char *probes_reason; /* why it has not, where probes were asked for; else NULL */
};

/* log_readable: the kernel log can be followed.  The caller frees. */
struct diagnosis *diagnosis_make(const struct platform *p, const struct diag_tracing *tracing,
				 bool log_readable);
void diagnosis_free(struct diagnosis *d); /* accepts NULL */

/* Nothing stands in the way of a PROVEN, since boot or for the run, or (window) of the window only.
 */
bool diagnosis_can_prove(const struct diagnosis *d, bool window);

/* "cannot", "advice", "ok" */
const char *diag_state_name(enum diag_state state);

#endif
