/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EVIDENCE_GUEST_KIND_H
#define CCAIO_LIB_EVIDENCE_GUEST_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct platform;

/*
 * guest-kind - what kinds of machine a recording can come from, one row each.
 *
 * A row says how the kind is recognised, how its kernel marks shared memory, which
 * memory is shared without any DMA event, and what people call it.  The judge, the
 * collectors and the reports take what they need from it.  A kind that nobody knows
 * is the row `unknown`: such a machine is neither a confidential guest nor a
 * rehearsal, and no verdict about it is PROVEN.
 */
enum guest_class {
	GUEST_UNKNOWN = 0,  /* nothing is claimed about its memory */
	GUEST_ORDINARY,	    /* the host can read all of it: a rehearsal */
	GUEST_MODEL,	    /* ccaio's own bounce path plays the guest: a rehearsal */
	GUEST_CONFIDENTIAL, /* the host cannot read protected memory */
};

/* Does an address that a device is given say whether its memory is shared? */
enum guest_alias {
	ALIAS_NONE,		/* it does not: the page tables do */
	ALIAS_SET_IS_SHARED,	/* some kernels set a bit above RAM where it is shared */
	ALIAS_SET_IS_PROTECTED, /* a bit above RAM is set where it is protected (SEV's C-bit) */
};

/* What shows that a coherent allocation is shared memory? */
enum guest_coherent {
	COHERENT_STANDS,    /* nothing is shared in truth: it stands for shared memory */
	COHERENT_DECRYPTED, /* its address, attribute or decryption: without one, undecided */
	COHERENT_POOL,	    /* it comes out of the bounce pool: elsewhere it is protected */
};

/* Where does its bounce pool come from? */
enum guest_pool {
	POOL_ASKED,  /* the kernel command line: swiotlb=N,force, or devices are not made to bounce
		      */
	POOL_KERNEL, /* the kernel makes one by itself, and makes devices bounce */
	POOL_GIVEN,  /* the device tree may have one for each device; else as POOL_KERNEL */
};

enum guest_sign_source {
	SIGN_LOG,	/* a line of the kernel log that begins with `text` */
	SIGN_LOG_WHOLE, /* a line that is `text`, trailing blanks aside */
	SIGN_PATH,	/* the file or folder `text` exists */
	SIGN_VALUE,	/* the file `text` holds `word` and nothing else */
	SIGN_WORD,	/* the file `text` has the word `word`, in a line that begins with `line` */
	SIGN_GLOB,	/* a file that matches the pattern `text` holds the string `word` */
	/* 8 bytes at offset `at` of the file `text`, masked, are `value`, or `other` if not 0 */
	SIGN_REGISTER,
	SIGN_KEY,      /* the static key `text` of the kernel is on */
	SIGN_PROVIDER, /* attestation reports come from `text` (configfs, TSM) */
};

/* One thing that only a guest of its kind has. */
struct guest_sign {
	const char *id;	  /* as facts name it: "tdx-log" */
	const char *what; /* for messages: "the kernel log line 'tdx: Guest detected'" */
	enum guest_sign_source source;
	const char *text, *word, *line; /* line: NULL any */
	uint64_t at, mask, value, other;
	bool decisive; /* where it can be read and is not there, this is no such guest */
};

#define GUEST_SIGNS 4

struct guest_kind {
	const char *id; /* as facts name it (realm.kind): "arm-cca" */
	enum guest_class class;
	const char *noun;    /* "Realm" */
	const char *one;     /* "a Realm" */
	const char *monitor; /* what keeps the host out: "the RMM"; NULL nothing does */
	const char *machine; /* as uname(2) has it; NULL any */
	/* how it is recognised: so many of these must be seen */
	unsigned int needs;
	struct guest_sign signs[GUEST_SIGNS];
	bool older; /* facts of older versions list no signs, and are taken at their word */
	enum guest_alias alias;
	enum guest_coherent coherent;
	enum guest_pool pool;
	bool accepts;  /* the guest can accept devices (TDISP): they may reach protected memory */
	bool enforces; /* its kernel refuses a virtio device without ACCESS_PLATFORM (bit 33) */
	bool assigned; /* a device may be given protected memory without its consent being seen */
	/* memory that is shared without any DMA event; NULL none is known */
	const char *untraced;
	const char *provider; /* of attestation reports in configfs (TSM); NULL none */
	unsigned int challenge_min, challenge_max; /* bytes that a report can be asked about */
	const char *seen;			   /* on what ccaio was tried with it */
};

/* Every row but `unknown`; *count rows. */
const struct guest_kind *guest_kinds(size_t *count);

/* The row of this name; the row `unknown` where there is none.  Accepts NULL. */
const struct guest_kind *guest_kind_find(const char *id);

/*
 * The kind that the facts establish; the row `unknown` where they do not, with one sentence in
 * why (of size bytes) about what is missing.  p may be NULL; why may be NULL with size 0.
 */
const struct guest_kind *guest_kind_of(const struct platform *p, char *why, size_t size);

/* Does this line of the kernel log show one of the signs?  The sign, or NULL. */
const struct guest_sign *guest_sign_of_line(const char *text, size_t len);

#endif
