/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EVIDENCE_LIMIT_H
#define CCAIO_LIB_EVIDENCE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct platform;

/*
 * limit - the devices that a verdict is asked for, where it is not the whole machine.
 *
 * Nothing is left out of the recording: what other devices do still decides which
 * memory is live.  Only what refutes a claim, or keeps it open, for another device does
 * not enter the verdict; it becomes a warning.
 */
struct limit {
	char **devices; /* DMA device names, as in events; none twice */
	size_t ndevices;
};

#define LIMIT_DEVICES 64  /* more names than anybody gives */
#define LIMIT_WHOLE "all" /* the name that stands for: no limit */

/*
 * From names as a person gives them: of the DMA device ("0000:00:01.0"), of the virtio
 * device ("virtio0"), of its interface or disk ("eth0").  A name that no device of the
 * facts has is an error (-EINVAL, NULL) that lists those there are.
 */
struct limit *limit_new(const struct platform *facts, const char *const *names, size_t count,
			struct err *err);

/* From the DMA device names that a verdict holds; NULL for none. */
struct limit *limit_recall(char *const *devices, size_t count);

void limit_free(struct limit *limit); /* accepts NULL */

/* Is it one of them?  Every device is where limit is NULL. */
bool limit_has(const struct limit *limit, const char *device);

/* "0000:00:01.0, 0000:00:02.0"; the caller frees. */
char *limit_join(char *const *devices, size_t count);

#endif
