/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_CORRELATE_DISK_BIOS_H
#define CCAIO_LIB_CORRELATE_DISK_BIOS_H

#include <stdbool.h>
#include <stdint.h>

struct event;
struct names;
struct platform;

/*
 * bios - who asked a disk for which sectors.
 *
 * EVENT_BLK_QUEUE runs in the task that wants the bytes; the request made of it may be
 * issued by a worker of the kernel.  The two meet by disk and sector.  Of each disk the last
 * BIOS_KEPT are known, neighbours of one task as one.
 */
#define BIOS_KEPT 1024

/* The task that asked. */
struct bio_owner {
	int32_t pid;
	uint16_t comm;
	bool program;
	uint8_t grade; /* enum grade: the request's sectors are this task's */
};

struct bios;

/* platform (may be NULL) knows which partitions are of which disk.  Borrowed. */
struct bios *bios_new(const struct names *names, const struct platform *platform);
void bios_free(struct bios *bios); /* accepts NULL */

void bios_queue(struct bios *bios, const struct event *event, bool program);

/*
 * Who asked for the byte at this place of the disk (names id of "254:0")?  False: nobody
 * that is known.  *end: up to there it is the same bio's, or nobody's.
 */
bool bios_find(const struct bios *bios, uint16_t disk, uint64_t byte, struct bio_owner *owner,
	       uint64_t *end);

/* These bytes were issued; completed. */
void bios_issued(struct bios *bios, uint16_t disk, uint64_t byte, uint64_t size);
void bios_completed(struct bios *bios, uint16_t disk, uint64_t byte, uint64_t size);

#endif
