/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_VIRTIO_HOSTILE_H
#define CCAIO_LIB_BOUNCE_VIRTIO_HOSTILE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * hostile - what a host may try at a virtqueue; each trick is played once.
 *
 * The Realm's side must end the request with an error (or not be misled at all);
 * it must not crash, and nothing outside the buffers given may change.
 */
enum hostile_trick {
	HOSTILE_NONE = 0,
	HOSTILE_REPLAY,	     /* completes a request that was completed before */
	HOSTILE_TWICE,	     /* completes a request twice */
	HOSTILE_NEVER,	     /* never completes it */
	HOSTILE_BAD_ID,	     /* completes a request that never was */
	HOSTILE_LONG_LENGTH, /* says that it wrote more than it could */
	HOSTILE_TOCTOU,	     /* changes the length after it was read once */
	HOSTILE_INDEX_JUMP,  /* moves the used index by more than the ring holds */
	HOSTILE_REWRITE,     /* changes descriptors after publication */
	HOSTILE_LOOP,	     /* links a published chain to itself */
	HOSTILE_OVERRUN,     /* writes past the end of a buffer */
	HOSTILE_TRICKS
};

struct hostile {
	enum hostile_trick trick;
	unsigned int skip;   /* completions to let pass first */
	unsigned int played; /* 0: it never came to it */
	uint64_t remember;   /* TOCTOU: bus address of the length that was reported; 0 none */
	uint32_t claim;	     /* TOCTOU: what it becomes */
};

/* How the Realm's side must take it; whatever it is, nothing but the buffers may change. */
enum hostile_outcome {
	HOSTILE_ANY,	 /* it cannot tell, or the service is refused */
	HOSTILE_NOTICED, /* the request ends with an error */
	HOSTILE_IN_VAIN, /* every byte arrives: what was changed is not looked at again */
	HOSTILE_NO_LIE,	 /* an error, or every byte arrives */
};
enum hostile_outcome hostile_outcome(enum hostile_trick trick);

const char *hostile_name(enum hostile_trick trick); /* "replay" …; "?" unknown */

#endif
