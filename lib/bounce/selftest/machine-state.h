/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_SELFTEST_MACHINE_STATE_H
#define CCAIO_LIB_BOUNCE_SELFTEST_MACHINE_STATE_H

#include "lib/bounce/selftest/machine.h"

/* machine-local - the layout of a machine, for machine*.c and exercise.c; nobody else. */
#define MACHINE_BASE 0x80000000u
#define MACHINE_RAM (6u << 20)
#define MACHINE_POOL (MACHINE_BASE + (3u << 20))
#define MACHINE_POOL_SIZE (1u << 20)
#define MACHINE_RESTRICTED (MACHINE_BASE + (5u << 20))
#define MACHINE_RESTRICTED_SIZE (512u << 10)
#define MACHINE_IPA_BITS 33u
#define MACHINE_SHARED_BIT ((uint64_t)1 << (MACHINE_IPA_BITS - 1))
#define MACHINE_BYSTANDER "0000:00:1f.0"
#define MACHINE_BYSTANDER_SIZE 300u
#define MACHINE_FILE "file"

struct machine_transport_kind {
	const char *name;
	const struct transport_ops *ops;
	const char *dma_name; /* of the device, as DMA events carry it */
	int revision;	      /* of virtio-msg; 0 another transport */
	bool dynamic;
};

const struct machine_transport_kind *machine_kind(const struct machine *m);

#endif
