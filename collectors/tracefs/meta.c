/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracefs/meta.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <tracefs/tracefs.h>

#include "collectors/tracedat/write.h"
#include "collectors/tracefs/boot-probes.h"
#include "collectors/tracefs/record.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"

static int write_header(const struct recording *rec, struct tracedat_writer *writer,
			struct err *err)
{
	char *page = tracing_read(rec->tracing.files, "events/header_page");
	char *event = tracing_read(rec->tracing.files, "events/header_event");
	int ret = 0;

	if (page && event)
		tracedat_writer_header(writer, page, strlen(page), event, strlen(event));
	else
		ret = err_sys(err, "cannot read the layout of trace pages in %s/events",
			      rec->tracing.path);
	free(page);
	free(event);
	return ret;
}

/* name is "system:event". */
static int write_format(const struct recording *rec, struct tracedat_writer *writer,
			const char *name, struct err *err)
{
	const char *colon = strchr(name, ':');
	char *system = xstrndup(name, colon ? (size_t)(colon - name) : strlen(name));
	char *text = tracefs_event_file_read(rec->instance.files, system, colon ? colon + 1 : "",
					     "format", NULL);
	int ret = 0;

	if (text)
		tracedat_writer_format(writer, system, text, strlen(text));
	else
		ret = err_sys(err, "cannot read the format of %s", name);
	free(text);
	free(system);
	return ret;
}

/*
 * In an instance that others have armed, more may be on than this run asked for.  but: what has
 * been written already, a line each; NULL nothing.
 */
static int write_formats_on(const struct recording *rec, const struct instance *instance,
			    const char *but, struct tracedat_writer *writer, struct err *err)
{
	char *on = tracing_read(instance->files, "set_event"), *rest = on, *line;
	int ret = 0;

	if (!on)
		return err_sys(err, "cannot read %s/set_event", instance->path);
	while (ret == 0 && (line = strsep(&rest, "\n")) != NULL) {
		if (strchr(line, ':') && !tracing_has_line(but, line))
			ret = write_format(rec, writer, line, err);
	}
	free(on);
	return ret;
}

static int write_formats(const struct recording *rec, struct tracedat_writer *writer,
			 struct err *err)
{
	int ret = write_format(rec, writer, "ftrace:print", err);

	/* of triggers, ours and others' */
	if (ret == 0 && tracing_exists(rec->instance.files, "events/ftrace/kernel_stack/format"))
		ret = write_format(rec, writer, "ftrace:kernel_stack", err);
	if (ret == 0 && !rec->instance.own)
		ret = write_formats_on(rec, &rec->instance, NULL, writer, err);
	if (ret == 0 && rec->boot_probes) {
		char *but = tracing_read(rec->instance.files, "set_event");

		ret = write_formats_on(rec, &rec->top, but, writer, err);
		free(but);
	}
	if (ret < 0 || !rec->instance.own)
		return ret;
	for (size_t i = 0; i < rec->arming.nevents && ret == 0; i++)
		ret = write_format(rec, writer, rec->arming.events[i], err);
	return ret;
}

static int write_stats(const struct instance *instance, struct tracedat_writer *writer,
		       struct err *err)
{
	for (unsigned int cpu = 0; cpu < instance->cpus; cpu++) {
		char *path = xasprintf("per_cpu/cpu%u/stats", cpu);
		char *text = tracing_read(instance->files, path), *stat;

		free(path);
		if (!text)
			return err_sys(err, "cannot read the counters of CPU %u's buffer", cpu);
		stat = xasprintf("CPU: %u\n%s", cpu, text);
		tracedat_writer_option(writer, TRACEDAT_OPTION_CPUSTAT, stat, strlen(stat) + 1);
		free(stat);
		free(text);
	}
	return 0;
}

static void write_optional(const struct recording *rec, struct tracedat_writer *writer)
{
	char *printk = tracing_read(rec->tracing.files, "printk_formats");
	char *cmdlines = tracing_read(rec->tracing.files, "saved_cmdlines");
	char *clock = tracing_read(rec->instance.files, "trace_clock");
	struct utsname name;

	if (printk)
		tracedat_writer_printk(writer, printk, strlen(printk));
	if (cmdlines)
		tracedat_writer_cmdlines(writer, cmdlines, strlen(cmdlines));
	if (clock)
		tracedat_writer_option(writer, TRACEDAT_OPTION_TRACECLOCK, clock,
				       strlen(clock) + 1);
	if (uname(&name) == 0) {
		char *boot = file_read("/proc/sys/kernel/random/boot_id", 64, NULL, NULL);
		char *text = xasprintf("%s %.*s%s%.*s %s %s", name.sysname,
				       (int)strcspn(name.nodename, "/ "), name.nodename,
				       boot ? "/" : "", boot ? (int)strcspn(boot, " \n") : 0,
				       boot ? boot : "", name.release, name.machine);

		tracedat_writer_option(writer, TRACEDAT_OPTION_UNAME, text, strlen(text) + 1);
		free(text);
		free(boot);
	}
	tracedat_writer_option(writer, TRACEDAT_OPTION_VERSION, "ccaio " VERSION,
			       sizeof("ccaio " VERSION));
	tracedat_writer_option(writer, TRACEDAT_OPTION_TRACEID, &rec->nonce, sizeof(rec->nonce));
	free(printk);
	free(cmdlines);
	free(clock);
}

int meta_write(const struct recording *rec, struct tracedat_writer *writer, struct err *err)
{
	int ret = write_header(rec, writer, err);

	if (ret == 0)
		ret = write_formats(rec, writer, err);
	if (ret == 0)
		ret = write_stats(&rec->instance, writer, err);
	if (ret == 0 && rec->boot_probes) {
		static const char begin[] = "\nBuffer: " BOOT_PROBES_BUFFER "\n\n";

		tracedat_writer_option(writer, TRACEDAT_OPTION_CPUSTAT, begin, sizeof(begin));
		ret = write_stats(&rec->top, writer, err);
	}
	if (ret == 0)
		write_optional(rec, writer);
	if (ret == 0 && rec->stacks.found)
		stacks_symbols(&rec->instance, writer);
	return ret;
}
