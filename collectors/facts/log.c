/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel log, from its first record on, through a reader of its own: nobody
 * else loses a line by it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/facts/state.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/text/klog.h"

/* One record is at most 8 KiB long (CONSOLE_EXT_LOG_MAX, Linux kernel/printk/). */
#define RECORD_MAX 16384
#define LINES_MAX 1000 /* kept of one window; more says no more */

static void add_range(struct range **ranges, size_t *count, size_t *cap, struct range range)
{
	XGROW(*ranges, *count, *cap);
	(*ranges)[(*count)++] = range;
}

static void keep_line(struct facts_log *log, const struct klog_record *record)
{
	if (log->nlines >= LINES_MAX) {
		log->lost = true;
		return;
	}
	XGROW(log->lines, log->nlines, log->lines_cap);
	log->lines[log->nlines++] = xstrndup(record->text, record->len);
}

/* With its number: two readings of the log show what came between them. */
static void mark_line(struct facts_log *log, const struct klog_record *record)
{
	if (log->nmarked >= LINES_MAX) {
		log->too_many = true;
		return;
	}
	XGROW(log->marked, log->nmarked, log->marked_cap);
	log->marked[log->nmarked++] = xasprintf("%llu %.*s", (unsigned long long)record->seq,
						(int)record->len, record->text);
}

/* A pool that comes or goes in the window changes what is shared. */
static bool concerns_dma(enum klog_kind kind)
{
	return kind == KLOG_TROUBLE || kind == KLOG_POOL || kind == KLOG_RESTRICTED ||
	       kind == KLOG_TEARDOWN;
}

static void take_sign(struct facts_log *log, const struct guest_sign *sign)
{
	for (size_t i = 0; i < log->nsigns; i++) {
		if (log->signs[i] == sign)
			return;
	}
	if (!sign)
		return;
	XGROW(log->signs, log->nsigns, log->signs_cap);
	log->signs[log->nsigns++] = sign;
}

static void take_record(struct facts_log *log, const struct klog_record *record)
{
	struct klog_fact fact = klog_read(record->text, record->len);

	if (!log->begun)
		log->first_seq = record->seq;
	if (!log->begun)
		log->from_start = record->seq == 0;
	else if (record->seq != log->next_seq)
		log->lost = true;
	log->begun = true;
	log->next_seq = record->seq + 1;
	if (!record->kernel) /* a program may write what it likes */
		return;
	take_sign(log, guest_sign_of_line(record->text, record->len));
	if (fact.kind == KLOG_POOL) {
		add_range(&log->pools, &log->npools, &log->pools_cap, fact.range);
	} else if (fact.kind == KLOG_RESTRICTED) {
		add_range(&log->restricted, &log->nrestricted, &log->restricted_cap, fact.range);
	} else if (fact.kind == KLOG_TEARDOWN) {
		log->npools = 0;
	} else if (fact.kind == KLOG_RSI) {
		free(log->rsi_version);
		log->rsi_version = xstrdup(fact.version);
	}
	if (concerns_dma(fact.kind))
		mark_line(log, record);
	if (!log->keep)
		return;
	log->cpu_line |= fact.kind == KLOG_CPU;
	if (concerns_dma(fact.kind))
		keep_line(log, record);
}

/* Lines end up here in pieces when the log is a file, one record at a time otherwise. */
static void take_bytes(struct facts_log *log, const char *bytes, size_t len)
{
	struct klog_record record;
	size_t start = 0;
	char *newline;

	log->rest = xrealloc(log->rest, log->rest_len + len, 1);
	memcpy(log->rest + log->rest_len, bytes, len);
	log->rest_len += len;
	while ((newline = memchr(log->rest + start, '\n', log->rest_len - start))) {
		size_t end = (size_t)(newline - log->rest);

		if (klog_parse(log->rest + start, end - start, &record))
			take_record(log, &record);
		start = end + 1;
	}
	memmove(log->rest, log->rest + start, log->rest_len - start);
	log->rest_len -= start;
}

void facts_log_drain(struct facts *facts)
{
	struct facts_log *log = &facts->log;
	char buf[RECORD_MAX];
	ssize_t n;

	if (log->fd < 0)
		return;
	for (;;) {
		n = read(log->fd, buf, sizeof(buf));
		if (n > 0) {
			take_bytes(log, buf, (size_t)n);
		} else if (n < 0 && errno == EPIPE) {
			log->lost = true; /* overwritten; reading goes on at the oldest one */
		} else if (n == 0 || errno != EINTR) {
			log->lost |= n < 0 && errno != EAGAIN;
			return;
		}
	}
}

void facts_log_open(struct facts *facts)
{
	char *path = facts_path(facts, "/dev/kmsg");

	facts->log.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	free(path);
	facts_log_drain(facts);
	/* kernel.dmesg_restrict lets it be opened, perhaps, but not read */
	if (facts->log.fd >= 0 && !facts->log.begun) {
		close(facts->log.fd);
		facts->log.fd = -1;
	}
	facts->log.from_start = facts->log.from_start && !facts->log.lost;
}

void facts_log_close(struct facts *facts)
{
	struct facts_log *log = &facts->log;

	if (log->fd >= 0)
		close(log->fd);
	free(log->rest);
	free(log->rsi_version);
	free(log->signs);
	free(log->pools);
	free(log->restricted);
	facts_free_list(log->lines, log->nlines);
	facts_free_list(log->marked, log->nmarked);
}
