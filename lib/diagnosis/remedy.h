/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_DIAGNOSIS_REMEDY_H
#define CCAIO_LIB_DIAGNOSIS_REMEDY_H

/*
 * remedy - what to change so that more can be proven, each sentence in one place.
 *
 * doctor says them before a run (lib/diagnosis/diagnosis.h), reports after one
 * (lib/verdict/cause.h).  Imperative, without a full stop, static storage.
 */
enum remedy {
	REMEDY_FORCE,		/* rehearsal: make every device bounce */
	REMEDY_POOL,		/* a Realm without a pool, or with one that is too small */
	REMEDY_BOOT_PROBES,	/* coherent memory of which nothing shows that it is shared */
	REMEDY_LARGER_POOL,	/* the pool ran full */
	REMEDY_IDENTITY,	/* an IOMMU translates: the kernel does not bounce */
	REMEDY_ACCESS_PLATFORM, /* the VMM's option for feature bit 33, by VMM */
	REMEDY_REMOVE_DEVICE,	/* nothing makes this device keep to the DMA API */
	REMEDY_OWN_DRIVER,	/* a program drives it (vfio, uio) */
	REMEDY_FW_CFG,
	REMEDY_REPORT_DRIVER, /* the driver breaks the rules of the DMA API */
	REMEDY_MONITOR_LOG,   /* the monitor and the kernel do not agree */
	REMEDY_TLS,
	REMEDY_LIMIT,
	REMEDIES
};

const char *remedy_text(enum remedy r);

#endif
