/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_MEMORY_EXPORT_H
#define CCAIO_LIB_BOUNCE_MEMORY_EXPORT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/bounce/memory/dma.h"
#include "lib/bounce/memory/guard.h"

struct err;

/*
 * export - data out of and into a Realm, step by step, without a virtqueue.
 *
 * The steps of Arm's learning path on device attach: to export, the Realm copies its
 * data from protected memory into a bounce buffer and notifies the host, which takes
 * it; to import, the host places data in a bounce buffer and notifies the Realm, which
 * validates it and copies it in.  A notice in a shared mailbox says where, how much,
 * which transfer and with what checksum; each belongs to exactly one transfer.
 */
#define EXPORT_MAX 65536u

struct export
{
	struct dma_device *dma;
	struct guard *guard; /* the host's */
	struct dma_coherent mailbox;
	uint64_t sequence;
	uint64_t exported, imported;	      /* transfers */
	uint64_t host_notices, realm_notices; /* notifications given */
	uint64_t refused;		      /* imports that did not validate */
	/* a hostile host: what it does to the next import's notice */
	int64_t lie_size;      /* added to the size */
	uint64_t lie_sequence; /* added to the number */
	bool lie_data;	       /* changes a byte after the checksum */
};

int export_init(struct export *e, struct dma_device *dma, struct guard *guard, struct err *err);
void export_release(struct export *e); /* accepts a zeroed struct */

/* size bytes of the Realm's memory to the host's buffer `taken`. */
int export_out(struct export *e, uint64_t ipa, size_t size, uint8_t *taken, struct err *err);

/*
 * The host's size bytes into the Realm's buffer of room bytes.  Returns how many, or
 * -EBADMSG (and the buffer is as it was): the notice is not of this transfer, is too
 * long, or the bytes do not match it.
 */
int export_in(struct export *e, uint64_t ipa, size_t room, const uint8_t *placed, size_t size,
	      struct err *err);

#endif
