/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracedat/write-events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/tracedat/encode.h"
#include "collectors/tracedat/pack.h"
#include "collectors/tracedat/tracedat.h"
#include "collectors/tracedat/write.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"

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

		if (events[i].kind == EVENT_LOST)
			ret = tracedat_pack_lost(&pack, events[i].size, err);
		else if (!len)
			ret = err_set(err, ENOTSUP, "no record of a trace.dat can carry a %s event",
				      event_kind_name(events[i].kind));
		else
			ret = tracedat_pack_record(&pack, events[i].ts_ns, record, len, err);
	}
	return ret < 0 ? ret : tracedat_pack_flush(&pack, err);
}

/* The tasks' names, as a kernel's saved_cmdlines has them. */
static void write_cmdlines(struct tracedat_writer *w, const struct event *events, size_t count,
			   const struct names *names)
{
	char *text = xstrdup("\n");
	int32_t last = -1;

	for (size_t i = 0; i < count; i++) {
		char *longer, line[64];

		if (!events[i].comm || events[i].pid == last)
			continue;
		last = events[i].pid;
		snprintf(line, sizeof(line), "\n%d %.15s\n", last,
			 names_get(names, events[i].comm));
		if (strstr(text, line))
			continue;
		longer = xasprintf("%s%s", text, line + 1);
		free(text);
		text = longer;
	}
	tracedat_writer_cmdlines(w, text + 1, strlen(text + 1));
	free(text);
}

/* What a recorder asks the kernel; the model answers for itself. */
static void write_options(struct tracedat_writer *w, const struct platform *p)
{
	static const char stats[] = "CPU: 0\nentries: 0\noverrun: 0\ncommit overrun: 0\n"
				    "dropped events: 0\n";
	static const char clock[] = "local global counter [mono]";
	static const char version[] = TRACEDAT_MODEL VERSION;
	char *uname = xasprintf("Linux model %s %s", p->kernel.release, p->kernel.machine);

	tracedat_writer_option(w, TRACEDAT_OPTION_CPUSTAT, stats, sizeof(stats));
	tracedat_writer_option(w, TRACEDAT_OPTION_TRACECLOCK, clock, sizeof(clock));
	tracedat_writer_option(w, TRACEDAT_OPTION_UNAME, uname, strlen(uname) + 1);
	tracedat_writer_option(w, TRACEDAT_OPTION_VERSION, version, sizeof(version));
	free(uname);
}

int model_trace_write(int dir, const char *path, const struct event *events, size_t count,
		      const struct names *names, const struct platform *p, struct err *err)
{
	struct tracedat_writer *w = tracedat_writer_open(dir, path, 1, TRACEDAT_PACK_PAGE, err);
	int ret;

	if (!w)
		return -EIO;
	encode_formats(w);
	write_options(w, p);
	write_cmdlines(w, events, count, names);
	ret = write_events(w, events, count, names, err);
	if (ret == 0)
		ret = tracedat_writer_finish(w, err);
	tracedat_writer_close(w);
	return ret;
}
