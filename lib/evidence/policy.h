/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EVIDENCE_POLICY_H
#define CCAIO_LIB_EVIDENCE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * policy - what a site requires beyond the claims themselves (ccaio-policy(5)).
 *
 * A policy can make a verdict stricter.  Its waivers only keep a known bypass
 * from being VIOLATED: the verdict is INCONCLUSIVE at best, and says why.  Its assigned devices
 * decide what is undecided without them, and every report says so.
 */
#define POLICY_SCHEMA "ccaio.policy/1"
#define POLICY_NO_LIMIT UINT64_MAX
#define POLICY_FILE_MAX (1u << 20) /* bytes of a policy that is still read */

struct policy_waiver {
	char *device; /* DMA device or virtio name */
	char *claim;  /* "no-bypass" */
	char *reason; /* free text, shown in every report */
};

/* A passthrough device that the site trusts with protected memory, where nothing attests it. */
struct policy_assigned {
	char *device; /* DMA name */
	char *reason; /* free text, shown in every report */
};

/* Bytes of one device; POLICY_NO_LIMIT: none. */
struct policy_limit {
	char *device; /* DMA name */
	uint64_t max_out_bytes, max_stale_bytes;
};

struct policy {
	char *name;		     /* where it came from, for reports */
	char *comment;		     /* for people; NULL none */
	bool require_realm;	     /* setting must be "realm" */
	bool require_since_boot;     /* scope must be "since-boot" */
	bool require_run;	     /* scope must be "run" or "since-boot" */
	bool require_confidential;   /* refute `confidential` on clear-text payload */
	uint64_t max_out_bytes;	     /* limit on bytes that left on purpose */
	uint64_t max_stale_bytes;    /* limit on stale bytes copied out */
	uint64_t copied_per_useful;  /* bytes copied by bouncing for one useful one; 0 no limit */
	uint64_t pool_peak;	     /* slots of the bounce pool in use at once; 0 no limit */
	struct policy_limit *limits; /* beside those of all devices together */
	size_t nlimits;
	struct policy_waiver *waivers;
	size_t nwaivers;
	struct policy_assigned *assigned;
	size_t nassigned;
	char **expected_devices; /* DMA names; others active are an unmet devices-known */
	size_t nexpected_devices;
	bool expected_given;
};

/* The entry about this device; NULL none, or p is NULL. */
const struct policy_assigned *policy_assigned(const struct policy *p, const char *device);

/* Does it limit what may be sent out, or exposed? */
bool policy_limits_egress(const struct policy *p);

void policy_free(struct policy *p);

/* From JSON; unknown keys, wrong types are errors (NULL, err set). */
struct policy *policy_parse(const char *text, size_t len, const char *name, struct err *err);

#endif
