/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's own sums of what bouncing costs: arming, reading and removing them. */
#include "collectors/tracefs/metering.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracefs/tracefs.h>
#include <unistd.h>

#include "collectors/tracefs/hist.h"
#include "collectors/tracefs/probes.h"
#include "collectors/tracefs/state.h"
#include "collectors/tracefs/tracefs.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/evidence/meter.h"

#define COPY "cost_copy"
#define COPY_END "cost_copy_end"
#define SEARCH "cost_search"
/* Devices, directions and sizes; tasks that copied, by CPU. */
#define SUMS ":size=2048"
#define TASKS ":size=4096:clock=mono"

static const char copies_sum[] = "hist:keys=dev,dir,size.log2:vals=size" SUMS;
static const char copies_begun[] =
	"hist:keys=common_cpu,common_pid:copy_ts=common_timestamp,copy_dev=dev,copy_dir=dir" TASKS;
static const char copies_took[] =
	"hist:keys=common_cpu,common_pid:copy_ns=common_timestamp-$copy_ts" TASKS
	":onmatch(%s." COPY ").trace(%s,$copy_dev,$copy_dir,$copy_ns)";
static const char copies_times[] = "hist:keys=dev,dir:vals=ns" SUMS;
static const char searches_begun[] =
	"hist:keys=common_cpu,common_pid:search_ts=common_timestamp,search_dev=dev" TASKS;
/* A search that finds slots ends with a copy into them; one that finds none leaves the time that
 * it began, which the next one overwrites. */
static const char searches_took[] =
	"hist:keys=common_cpu,common_pid:search_ns=common_timestamp-$search_ts" TASKS
	":onmatch(%s." SEARCH ").trace(%s,$search_dev,$search_ns) if dir==1";
static const char searches_times[] = "hist:keys=dev:vals=ns" SUMS;

static int trigger(const struct metering *m, const char *group, const char *event, const char *text)
{
	errno = 0;
	return tracefs_event_file_append(m->instance.files, group, event, "trigger", text) < 0
		       ? (errno ? -errno : -EIO)
		       : 0;
}

static char *synthetic(const struct metering *m, const char *event)
{
	return xasprintf("%s_%s", m->group, event);
}

/* What is timed: from one event to another, by way of a synthetic event, into a histogram. */
struct timing {
	const char *begin, *end;	  /* events */
	const char *fields;		  /* of the synthetic one, before ns */
	const char *begun, *took, *times; /* triggers of these three */
};

static const struct timing copying = { COPY,	     COPY_END,	  "char dev[]; u32 dir",
				       copies_begun, copies_took, copies_times };
static const struct timing searching = { SEARCH,	 COPY,		"char dev[]",
					 searches_begun, searches_took, searches_times };

static int arm_timing(const struct metering *m, const struct timing *t)
{
	char *name = synthetic(m, t->begin), *event = xasprintf("s:%s %s; u64 ns", name, t->fields),
	     *took = xasprintf(t->took, m->group, name);
	int ret;

	errno = 0;
	ret = tracefs_instance_file_append(NULL, "dynamic_events", event) < 0
		      ? (errno ? -errno : -EIO)
		      : 0;
	if (ret == 0)
		ret = trigger(m, m->group, t->begin, t->begun);
	if (ret == 0)
		ret = trigger(m, m->group, t->end, took);
	if (ret == 0)
		ret = trigger(m, "synthetic", name, t->times);
	free(took);
	free(event);
	free(name);
	return ret;
}

static void cannot(struct metering *m, const char *what, int ret)
{
	char *before = m->trouble;

	m->trouble =
		xasprintf("%s%s%s: %s", before ? before : "", before ? "; " : "", what,
			  ret == -ENOENT   ? "this kernel has no such function to probe"
			  : ret == -EINVAL ? "this kernel does not know such probes or histograms"
					   : strerror(-ret));
	free(before);
}

static int arm_instance(struct metering *m, struct state *state, struct err *err)
{
	char *name = xasprintf(METERING_INSTANCE "%d", (int)getpid());
	int ret = state_note(state, "instance", name, err);

	if (ret == 0)
		ret = instance_create(&m->instance, name, err);
	free(name);
	return ret;
}

void metering_open(struct metering *m, const struct tracing *tracing, struct state *state,
		   const char *group)
{
#define DEV "dev=+0(+{device.kobj}($arg1)):string" /* its name is a kobject's first member */
	struct probe_wanted probes[] = {
		{ COPY, "p swiotlb_bounce " DEV " size=$arg3 dir=$arg4:u32", 0 },
		{ COPY_END, "r swiotlb_bounce", 0 },
		{ SEARCH, "p swiotlb_tbl_map_single " DEV, 0 },
	};
	struct err err = { "" };
	int ret;

	*m = (struct metering)METERING_INIT;
	m->group = group;
	m->tracing = tracing;
	if (!metering_possible(tracing)) {
		m->trouble = xstrdup("this kernel has no kprobe events or no histogram triggers");
		return;
	}
	if (arm_instance(m, state, &err) < 0) {
		m->trouble = xstrdup(err.text);
		return;
	}
	probes_create(group, probes, sizeof(probes) / sizeof(probes[0]));
	ret = probes[0].ret ? probes[0].ret : trigger(m, group, COPY, copies_sum);
	m->counts = ret == 0;
	if (ret < 0) {
		cannot(m, "copies (swiotlb_bounce)", ret);
		return;
	}
	ret = probes[1].ret ? probes[1].ret : arm_timing(m, &copying);
	m->copies = ret == 0;
	if (ret < 0)
		cannot(m, "times of copies (swiotlb_bounce)", ret);
	ret = probes[2].ret ? probes[2].ret : arm_timing(m, &searching);
	m->searches = ret == 0;
	if (ret < 0)
		cannot(m, "times of finding slots (swiotlb_tbl_map_single)", ret);
}

bool metering_possible(const struct tracing *tracing)
{
	char *readme = tracing_read(tracing->files, "README");
	bool can = readme && strstr(readme, "hist trigger") &&
		   strstr(readme, "trace(<synthetic_event>") &&
		   tracing_exists(tracing->files, "kprobe_events");

	free(readme);
	return can;
}

/* Entries of the probe that counts which counted nothing. */
static uint64_t missed(const struct metering *m)
{
	char *text = tracing_read(m->tracing->files, "kprobe_profile"), name[128];
	uint64_t sum = 0, n;

	for (const char *line = text; line && *line;) {
		if (sscanf(line, " %127s %*u %" SCNu64, name, &n) == 2 && strcmp(name, COPY) == 0)
			sum += n;
		line = strchr(line, '\n');
		line += line != NULL;
	}
	free(text);
	return sum;
}

uint64_t metering_busy_ns(const char *stat, long ticks)
{
	uint64_t user, nice, system, irq, softirq;

	if (!stat || ticks <= 0 ||
	    sscanf(stat, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %*u %*u %" SCNu64 " %" SCNu64,
		   &user, &nice, &system, &irq, &softirq) != 5)
		return 0;
	return (user + nice + system + irq + softirq) * (UINT64_C(1000000000) / (uint64_t)ticks);
}

static uint64_t busy_ns(void)
{
	char *text = file_read("/proc/stat", 1u << 20, NULL, NULL);
	uint64_t ns = metering_busy_ns(text, sysconf(_SC_CLK_TCK));

	free(text);
	return ns;
}

static void clear(const struct metering *m, const char *group, const char *event, const char *text)
{
	char *command = xasprintf("%s:clear", text);

	trigger(m, group, event, command);
	free(command);
}

void metering_begin(struct metering *m)
{
	char *copy, *search;

	if (!m->counts)
		return;
	copy = synthetic(m, COPY);
	search = synthetic(m, SEARCH);
	m->busy_ns = busy_ns();
	m->missed = missed(m);
	if (m->searches)
		clear(m, "synthetic", search, searches_times);
	if (m->copies)
		clear(m, "synthetic", copy, copies_times);
	clear(m, m->group, COPY, copies_sum);
	free(search);
	free(copy);
}

static void add_copies(void *ctx, const struct hist_entry *e)
{
	bool in = e->dir == EVENT_FROM_DEVICE;
	struct meter_copies *c = meter_copies_of(ctx, e->dev, in ? METER_IN : METER_OUT);
	uint64_t hits = e->hits;

	/* copies of no byte are counted with those of one; they copy nothing */
	if (e->log2 == 0)
		hits = e->sum < hits ? e->sum : hits;
	c->copies += hits;
	c->bytes += e->sum;
	c->sizes[e->log2 < METER_SIZES ? e->log2 : METER_SIZES - 1] += hits;
}

static void add_times(void *ctx, const struct hist_entry *e)
{
	bool in = e->dir == EVENT_FROM_DEVICE;
	struct meter_copies *c = meter_copies_of(ctx, e->dev, in ? METER_IN : METER_OUT);

	c->timed += e->hits;
	c->ns += e->sum;
}

static void add_searches(void *ctx, const struct hist_entry *e)
{
	struct meter_searches *s = meter_searches_of(ctx, e->dev);

	s->searches += e->hits;
	s->ns += e->sum;
}

void metering_parse(struct meter *meter, const char *copies, const char *copy_times,
		    const char *search_times)
{
	meter->missed += hist_each(copies, "size", add_copies, meter);
	hist_each(copy_times, "ns", add_times, meter);
	hist_each(search_times, "ns", add_searches, meter);
}

static char *hist(const struct metering *m, const char *group, const char *event)
{
	return tracefs_event_file_read(m->instance.files, group, event, "hist", NULL);
}

void metering_end(struct metering *m)
{
	char *copy, *search, *texts[3] = { NULL };
	struct meter *meter;
	uint64_t busy;

	if (!m->counts)
		return;
	copy = synthetic(m, COPY);
	search = synthetic(m, SEARCH);
	/* the sums first: what goes on is not of the window */
	texts[0] = hist(m, m->group, COPY);
	texts[1] = m->copies ? hist(m, "synthetic", copy) : NULL;
	texts[2] = m->searches ? hist(m, "synthetic", search) : NULL;
	busy = busy_ns();
	meter = m->meter = xcalloc(1, sizeof(*m->meter));
	metering_parse(meter, texts[0], texts[1], texts[2]);
	if (!texts[0]) {
		cannot(m, "the sums of copies could not be read", -EIO);
	} else {
		meter->missed += missed(m) - m->missed;
		meter->busy_ns = busy > m->busy_ns && m->busy_ns ? busy - m->busy_ns : 0;
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(texts[i]);
	free(search);
	free(copy);
}

struct meter *metering_describe(struct metering *m)
{
	struct meter *meter = m->meter;

	if (!meter && m->trouble)
		meter = xcalloc(1, sizeof(*meter));
	if (meter && m->trouble)
		meter->trouble = xstrdup(m->trouble);
	m->meter = NULL;
	return meter;
}

/*
 * A trigger whose variables others use stays until those are gone, and an instance stays with it:
 * times of searches are taken at a copy's entry, whose own variables its return uses.
 */
void metering_clear_triggers(const char *instance, const char *group)
{
	static const char *const events[] = { COPY_END, COPY, SEARCH };
	struct tracefs_instance *files = tracefs_instance_alloc(NULL, instance);

	for (size_t i = 0; files && i < sizeof(events) / sizeof(events[0]); i++) {
		char *name = xasprintf("%s_%s", group, events[i]);

		tracefs_event_file_clear(files, group, events[i], "trigger");
		tracefs_event_file_clear(files, "synthetic", name, "trigger");
		free(name);
	}
	if (files)
		tracefs_instance_free(files);
}

int metering_close(struct metering *m)
{
	struct err err = { "" };
	int ret = 0;

	if (m->instance.name) {
		if (m->instance.own)
			metering_clear_triggers(m->instance.name, m->group);
		ret = instance_release(&m->instance, &err);
	}
	meter_free(m->meter);
	free(m->trouble);
	*m = (struct metering)METERING_INIT;
	return ret;
}
