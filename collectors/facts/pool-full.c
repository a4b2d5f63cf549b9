/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel log says about a full bounce pool, while it happens. */
#include "collectors/facts/pool-full.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/evidence/text/klog.h"

#define RECORD_MAX 16384 /* as in collectors/facts/log.c */

void pool_full_open(struct pool_full *p)
{
	const char *root = getenv("CCAIO_ROOT");
	char path[4096];

	snprintf(path, sizeof(path), "%s/dev/kmsg", root ? root : "");
	p->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	/* a file that stands for the log cannot be waited for */
	if (p->fd >= 0 && (root || lseek(p->fd, 0, SEEK_END) < 0))
		pool_full_close(p);
}

void pool_full_close(struct pool_full *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

bool pool_full_parse(const char *text, size_t len, struct pool_full_line *line)
{
	static const char full[] = ": swiotlb buffer is full (sz: ";
	char copy[512], *at, *device;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	at = strstr(copy, full);
	if (!at)
		return false;
	*at = '\0';
	device = strrchr(copy, ' ');
	device = device ? device + 1 : copy;
	if (!*device || sscanf(at + strlen(full),
			       "%" SCNu64 " bytes), total %" SCNu64 " (slots), used %" SCNu64,
			       &line->bytes, &line->total, &line->used) != 3)
		return false;
	snprintf(line->device, sizeof(line->device), "%.63s", device);
	return true;
}

bool pool_full_next(struct pool_full *p, struct pool_full_line *line)
{
	struct klog_record record;
	char buf[RECORD_MAX], *end;
	ssize_t n;

	while (p->fd >= 0) {
		n = read(p->fd, buf, sizeof(buf));
		if (n < 0 && (errno == EINTR || errno == EPIPE)) /* EPIPE: some were overwritten */
			continue;
		if (n <= 0)
			return false;
		/* a record is one line; more lines, of its device, begin with a space */
		end = memchr(buf, '\n', (size_t)n);
		if (klog_parse(buf, end ? (size_t)(end - buf) : (size_t)n, &record) &&
		    record.kernel && pool_full_parse(record.text, record.len, line)) {
			line->ts_us = record.ts_us;
			return true;
		}
	}
	return false;
}
