/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_EVENTS_H
#define CCAIO_COLLECTORS_TRACEFS_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct instance;
struct state;

/*
 * arming - which events a run switched on, and which it could not and why.
 *
 * Kernels differ in what they have.  What is missing is no error here: the judge
 * decides what the lack of it means.
 */
struct arming {
	char **events; /* "dma:dma_map_phys": on since arming */
	size_t nevents, cap_events;
	bool *altered; /* of these: not as they were when it was looked again; NULL not looked */
	char **failed; /* "dma: not in this kernel" */
	size_t nfailed, cap_failed;
	/* Where it is noted, in an instance that stays, what is about to be switched on. */
	struct state *state;
};

void arming_release(struct arming *arming);

/* Note one event that is on, or one that is not.  The strings are copied or formatted. */
void arming_on(struct arming *arming, const char *system, const char *event);
void arming_failed(struct arming *arming, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Switch on, in this instance, every event that the claims and the correlation
 * want and the kernel has.  Events that are on already stay as they are.
 */
void arming_arm(struct arming *arming, const struct instance *instance);

/* Switch on one event that exists.  Returns 0 or -errno. */
int arming_enable(struct arming *arming, const struct instance *instance, const char *system,
		  const char *event);

/*
 * Are all events still as they were armed?  Notes those that are off, filtered, or limited to some
 * processes as altered.
 */
void arming_look_again(struct arming *arming, const struct instance *instance);

/* Are all events of the system on in the instance? */
bool arming_system_is_on(const struct instance *instance, const char *system);

/* Is none of them on, or none there? */
bool arming_system_is_off(const struct instance *instance, const char *system);

#endif
