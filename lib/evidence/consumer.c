/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One stream, many consumers. */
#include "lib/evidence/consumer.h"

#include <stdlib.h>
#include <sys/types.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/evidence/stream.h"

#define BATCH 1024 /* events between reading and judging: 64 KiB, stays in the cache */

static int feed(const struct consumer *consumers, size_t count, const struct event *events,
		size_t n, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < count && ret == 0; i++) {
		if (consumers[i].feed)
			ret = consumers[i].feed(consumers[i].ctx, events, n, err);
	}
	return ret;
}

int consumers_run(const struct consumer *consumers, size_t count, struct stream *stream,
		  struct err *err)
{
	struct event *batch = xcalloc(BATCH, sizeof(*batch));
	ssize_t n;
	int ret = 0;

	while (ret == 0 && (n = stream_read(stream, batch, BATCH, err)) != 0)
		ret = n < 0 ? (int)n : feed(consumers, count, batch, (size_t)n, err);
	free(batch);
	for (size_t i = 0; i < count && ret == 0; i++) {
		if (consumers[i].finish)
			ret = consumers[i].finish(consumers[i].ctx, err);
	}
	return ret;
}
