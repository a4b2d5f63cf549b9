/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd/model-trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/encode.h"
#include "collectors/tracedat-pack.h"
#include "collectors/tracedat-write.h"
#include "lib/event.h"
#include "lib/platform.h"
#include "lib/xalloc.h"

static int write_page(void *arg, const void *page, size_t size, struct err *err)
{
	return tracedat_writer_pages(arg, 0, page, size, err);
}

static int write_events(struct tracedat_writer *w, const struct event *events, size_t count,
			const struct names *names, struct err *err)
{
	struct tracedat_pack pack;
	int ret = 0;

	tracedat_pack_init(&pack, write_page, w);
	for (size_t i = 0; i < count && ret == 0; i++) {
		uint8_t record[ENCODE_MAX];
		size_t len = encode_record(&events[i], names, record);

		if (len)
			ret = tracedat_pack_record(&pack, events[i].ts_ns, record, len, err);
	}
	return ret < 0 ? ret : tracedat_pack_flush(&pack, err);
}

/* What a recorder asks the kernel; the model answers for itself. */
static void write_options(struct tracedat_writer *w, const struct platform *p)
{
	static const char stats[] = "CPU: 0\nentries: 0\noverrun: 0\ncommit overrun: 0\n"
				    "dropped events: 0\n";
	static const char clock[] = "[local] global counter";
	char *uname = xasprintf("Linux model %s %s", p->kernel.release, p->kernel.machine);

	tracedat_writer_option(w, TRACEDAT_OPTION_CPUSTAT, stats, sizeof(stats));
	tracedat_writer_option(w, TRACEDAT_OPTION_TRACECLOCK, clock, sizeof(clock));
	tracedat_writer_option(w, TRACEDAT_OPTION_UNAME, uname, strlen(uname) + 1);
	free(uname);
}

int model_trace_write(const char *path, const struct event *events, size_t count,
		      const struct names *names, const struct platform *p, struct err *err)
{
	struct tracedat_writer *w = tracedat_writer_open(path, 1, TRACEDAT_PACK_PAGE, err);
	int ret;

	if (!w)
		return -EIO;
	encode_formats(w);
	write_options(w, p);
	ret = write_events(w, events, count, names, err);
	if (ret == 0)
		ret = tracedat_writer_finish(w, err);
	tracedat_writer_close(w);
	return ret;
}
