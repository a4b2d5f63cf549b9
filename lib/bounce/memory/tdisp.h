/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_MEMORY_TDISP_H
#define CCAIO_LIB_BOUNCE_MEMORY_TDISP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/bounce/memory/dma.h"
#include "lib/bounce/memory/guard.h"

struct err;

/*
 * tdisp - a device that the Realm accepts after it has measured it.
 *
 * The states of a TDI in PCI-SIG's TDISP (PCIe 6.2, chapter 11) and the order of the
 * Arm guest's RFC: unbind, lock, compare the measurement, accept, then bind the
 * driver.  In RUN, and only then, it reaches protected memory; it is never given the
 * bounce pool.  Whoever reconfigures it while locked or running puts it in ERROR.
 */
enum tdisp_state { TDISP_UNLOCKED = 0, TDISP_LOCKED, TDISP_RUN, TDISP_ERROR };

#define TDISP_MEASUREMENT 32u

struct tdisp {
	enum tdisp_state state;
	struct dma_device *dma;			/* its place in the Realm's DMA API */
	struct guard *guard;			/* its way to memory */
	uint8_t measurement[TDISP_MEASUREMENT]; /* of its firmware and configuration */
};

void tdisp_init(struct tdisp *t, struct dma_device *dma, struct guard *guard,
		const uint8_t measurement[TDISP_MEASUREMENT]);

/* Each returns 0, or -EPERM with a sentence when the state does not allow it. */
int tdisp_lock(struct tdisp *t, struct err *err);
/* RUN, if the measurement is the expected one; otherwise -EACCES and ERROR. */
int tdisp_accept(struct tdisp *t, const uint8_t expected[TDISP_MEASUREMENT], struct err *err);
int tdisp_unlock(struct tdisp *t, struct err *err);
/* The host changes its configuration: ERROR when it was locked or running. */
void tdisp_reconfigure(struct tdisp *t);

/*
 * The driver has the device read (or, in, write) a buffer of the Realm by DMA.  -EPERM
 * when it is not in RUN; -EFAULT when the device could not reach the buffer.
 */
int tdisp_transfer(struct tdisp *t, uint64_t ipa, uint8_t *data, size_t size, bool in,
		   struct err *err);

#endif
