/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracefs/instance.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tracefs/tracefs.h>

#include "collectors/tracefs/tracefs.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"

#define CPU_LIMIT 65536 /* far above any machine; struct event has 16 bits for a CPU */

/* A raw read gives one sub-buffer: a page, unless somebody has set another size (6.8 and later). */
static unsigned int subbuf_size(struct tracefs_instance *files)
{
	long long kib;

	if (tracefs_instance_file_read_number(files, "buffer_subbuf_size_kb", &kib) == 0 &&
	    kib > 0 && kib < 65536)
		return kib * 1024;
	return sysconf(_SC_PAGESIZE);
}

static unsigned int count_cpus(struct tracefs_instance *files)
{
	unsigned int cpus = 0;
	char path[32] = "per_cpu/cpu0";

	while (cpus < CPU_LIMIT && tracefs_dir_exists(files, path))
		snprintf(path, sizeof(path), "per_cpu/cpu%u", ++cpus);
	return cpus;
}

static int look_at(struct instance *instance, struct err *err)
{
	instance->path = xstrdup(tracefs_instance_get_trace_dir(instance->files));
	instance->cpus = count_cpus(instance->files);
	if (instance->cpus == 0)
		return err_set(err, EIO, "the tracing instance %s has no buffer of any CPU",
			       instance->name);
	instance->subbuf_size = subbuf_size(instance->files);
	return 0;
}

int instance_create(struct instance *instance, const char *name, struct err *err)
{
	*instance = (struct instance){ .hold = -1, .name = xstrdup(name) };
	errno = 0;
	instance->files = tracefs_instance_create(name);
	if (!instance->files) {
		if (errno == EACCES || errno == EPERM)
			return err_set(err, errno, "tracing needs root; run it with sudo");
		return err_sys(err, "cannot make the tracing instance %s", name);
	}
	/* libtracefs opens one that exists as well: that is somebody else's */
	if (!tracefs_instance_is_new(instance->files))
		return err_set(err, EEXIST,
			       "the tracing instance %s exists already; remove it with rmdir "
			       "%s/instances/%s",
			       name, tracefs_tracing_dir(), name);
	instance->own = true;
	/* while one of its files is open nobody can remove it as a dead run's */
	instance->hold =
		tracefs_instance_file_open(instance->files, "tracing_on", O_RDONLY | O_CLOEXEC);
	return look_at(instance, err);
}

int instance_adopt(struct instance *instance, const char *name, struct err *err)
{
	*instance = (struct instance){ .hold = -1, .name = xstrdup(name) };
	instance->files = tracefs_instance_alloc(NULL, name);
	if (!instance->files)
		return err_sys(err, "cannot open the tracing instance %s", name);
	return look_at(instance, err);
}

void instance_release(struct instance *instance)
{
	if (instance->files && instance->hold >= 0)
		close(instance->hold);
	if (instance->files)
		tracefs_instance_free(instance->files);
	free(instance->name);
	free(instance->path);
	*instance = (struct instance){ .hold = -1 };
}

int instance_set_clock(struct instance *instance, const char *clock, struct err *err)
{
	int ret = tracing_write(instance->files, "trace_clock", clock);

	if (ret == -EINVAL)
		return err_set(err, EINVAL,
			       "this kernel has no trace clock '%s'; see %s/trace_clock", clock,
			       instance->path);
	if (ret < 0)
		return err_set(err, -ret, "cannot set the trace clock to %s: %s", clock,
			       strerror(-ret));
	return 0;
}

char *instance_clock(const struct instance *instance)
{
	return tracefs_get_clock(instance->files);
}

int instance_set_buffer(struct instance *instance, uint64_t bytes_per_cpu, struct err *err)
{
	uint64_t kib = bytes_per_cpu / 1024 + (bytes_per_cpu % 1024 != 0);

	if (tracefs_instance_set_buffer_size(instance->files, kib, -1) < 0)
		return err_sys(err, "cannot get buffers of %" PRIu64 " KiB for each of %u CPUs",
			       kib, instance->cpus);
	return 0;
}

int instance_record(struct instance *instance, bool on, struct err *err)
{
	if ((on ? tracefs_trace_on : tracefs_trace_off)(instance->files) < 0)
		return err_sys(err, "cannot turn recording in %s %s", instance->name,
			       on ? "on" : "off");
	return 0;
}

/* The number behind the key at the beginning of a line. */
static bool counter(const char *text, const char *key, uint64_t *value)
{
	size_t len = strlen(key);

	while (text && strncmp(text, key, len) != 0) {
		text = strchr(text, '\n');
		text += text != NULL;
	}
	if (!text || !isdigit((unsigned char)text[len]))
		return false;
	*value = strtoull(text + len, NULL, 10);
	return true;
}

bool instance_parse_stats(const char *text, struct instance_stats *stats)
{
	return counter(text, "entries: ", &stats->entries) &&
	       counter(text, "overrun: ", &stats->overrun) &&
	       counter(text, "commit overrun: ", &stats->commit_overrun) &&
	       counter(text, "dropped events: ", &stats->dropped) &&
	       counter(text, "read events: ", &stats->read);
}

int instance_stats(const struct instance *instance, unsigned int cpu, struct instance_stats *stats,
		   struct err *err)
{
	char path[48], *text;
	bool good;

	snprintf(path, sizeof(path), "per_cpu/cpu%u/stats", cpu);
	text = tracing_read(instance->files, path);
	if (!text)
		return err_sys(err, "cannot read the counters of CPU %u's buffer", cpu);
	good = instance_parse_stats(text, stats);
	free(text);
	if (!good)
		return err_set(err, EINVAL, "%s/%s lacks a counter", instance->path, path);
	return 0;
}

char *instance_what_is_missing(const struct instance *instance, bool taken)
{
	for (unsigned int cpu = 0; cpu < instance->cpus; cpu++) {
		struct instance_stats stats;
		struct err err;

		if (instance_stats(instance, cpu, &stats, &err) < 0)
			return xstrdup(err.text);
		if (stats.overrun || stats.commit_overrun || stats.dropped)
			return xasprintf("%" PRIu64 " events of CPU %u did not fit since boot; "
					 "give it more room with trace_buf_size=",
					 stats.overrun + stats.commit_overrun + stats.dropped, cpu);
		if (stats.read && !taken)
			return xasprintf("%" PRIu64 " of its events have been read before",
					 stats.read);
	}
	return NULL;
}

/* Stay on this CPU.  Returns 0 or -errno: -EINVAL where it is offline, or a cpuset bars it. */
static int stay_on(cpu_set_t *set, unsigned int cpu)
{
	size_t size = CPU_ALLOC_SIZE(CPU_LIMIT);

	CPU_ZERO_S(size, set);
	CPU_SET_S(cpu, size, set);
	return sched_setaffinity(0, size, set) < 0 ? -errno : 0;
}

/* Call fn on each CPU that this process may run on, until it fails; then be where it was before. */
static int on_each_cpu(unsigned int cpus, int (*fn)(void *arg, unsigned int cpu), void *arg,
		       struct err *err)
{
	size_t size = CPU_ALLOC_SIZE(CPU_LIMIT);
	cpu_set_t *before = xcalloc(1, size), *set = xcalloc(1, size);
	int ret = 0;

	if (sched_getaffinity(0, size, before) < 0)
		ret = err_sys(err, "cannot learn which CPUs ccaio may run on");
	for (unsigned int cpu = 0; cpu < cpus && ret == 0; cpu++) {
		int there = stay_on(set, cpu);

		/* what is recorded on one that is barred has no markers */
		if (there == 0)
			ret = fn(arg, cpu);
		else if (there != -EINVAL)
			ret = err_set(err, -there, "cannot run on CPU %u to mark its buffer: %s",
				      cpu, strerror(-there));
	}
	if (CPU_COUNT_S(size, before) && sched_setaffinity(0, size, before) < 0 && ret == 0)
		ret = err_sys(err, "cannot return to the CPUs allowed before");
	free(before);
	free(set);
	return ret;
}

static int count_cpu(void *arg, unsigned int cpu)
{
	(void)cpu;
	++*(unsigned int *)arg;
	return 0;
}

unsigned int instance_barred_cpus(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN), all = sysconf(_SC_NPROCESSORS_CONF);
	unsigned int mine = 0;

	on_each_cpu(all > 0 ? (unsigned int)all : 0, count_cpu, &mine, NULL);
	return online > (long)mine ? (unsigned int)(online - mine) : 0;
}

struct mark {
	const char *what;
	uint64_t nonce;
	int fd;
	struct err *err;
};

static int write_mark(void *arg, unsigned int cpu)
{
	const struct mark *mark = arg;
	char text[80];
	int len;

	len = snprintf(text, sizeof(text), "ccaio: %s nonce=%016" PRIx64 " cpu=%u", mark->what,
		       mark->nonce, cpu);
	if (write(mark->fd, text, len) == len)
		return 0;
	if (errno == EBADF)
		return err_set(mark->err, EBADF,
			       "another program switched tracing off on CPU %u: leave the "
			       "instances of ccaio alone while it records",
			       cpu);
	return err_sys(mark->err, "cannot write a marker into CPU %u's buffer", cpu);
}

int instance_mark(const struct instance *instance, const char *what, uint64_t nonce, bool each_cpu,
		  struct err *err)
{
	struct mark mark = { .what = what, .nonce = nonce, .err = err };
	int ret;

	mark.fd = tracefs_instance_file_open(instance->files, "trace_marker", O_WRONLY | O_CLOEXEC);
	if (mark.fd < 0)
		return err_sys(err, "cannot open %s/trace_marker", instance->path);
	ret = each_cpu ? on_each_cpu(instance->cpus, write_mark, &mark, err) : write_mark(&mark, 0);
	close(mark.fd);
	return ret;
}
