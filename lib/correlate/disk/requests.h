/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_CORRELATE_DISK_REQUESTS_H
#define CCAIO_LIB_CORRELATE_DISK_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

struct event;
struct names;
struct platform;

/*
 * requests - who asked a disk for which sectors.
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

struct block_requests;

/* platform (may be NULL) knows which partitions are of which disk.  Borrowed. */
struct block_requests *block_requests_new(const struct names *names,
					  const struct platform *platform);
void block_requests_free(struct block_requests *requests); /* accepts NULL */

void block_requests_queue(struct block_requests *requests, const struct event *event, bool program);

/*
 * Who asked for the byte at this place of the disk (names id of "254:0")?  False: nobody
 * that is known.  *end: up to there it is the same bio's, or nobody's.
 */
bool block_requests_find(const struct block_requests *requests, uint16_t disk, uint64_t byte,
			 struct bio_owner *owner, uint64_t *end);

/* These bytes were issued; completed. */
void block_requests_issued(struct block_requests *requests, uint16_t disk, uint64_t byte,
			   uint64_t size);
void block_requests_completed(struct block_requests *requests, uint16_t disk, uint64_t byte,
			      uint64_t size);

#endif
