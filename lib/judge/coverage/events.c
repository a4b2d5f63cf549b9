/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which events were on, and could be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/kernel-events.h"
#include "lib/evidence/stream.h"
#include "lib/judge/coverage/coverage.h"
#include "lib/judge/witness.h"

static bool in_stream(const struct stream_info *info, const char *full)
{
	return stream_info_format(info, full) != NULL;
}

static bool armed(const struct judge *j, const struct stream_info *info, const char *full)
{
	if (!in_stream(info, full) || platform_event_altered(j->platform, full))
		return false;
	return !j->platform || !j->platform->trace.events_known ||
	       platform_event_on(j->platform, full);
}

static bool is_had(const struct stream_info *info, enum kernel_event_had had)
{
	const struct stream_format *alloc;

	switch (had) {
	case HAD_ALL:
		return true;
	case HAD_OLD_NAMES:
		return in_stream(info, "dma:dma_map_page");
	case HAD_DIRECTED:
		alloc = stream_info_format(info, "dma:dma_alloc");
		return alloc && alloc->directed;
	case HAD_PROBED:
		return !in_stream(info, "dma:dma_map_page") && !in_stream(info, "dma:dma_map_phys");
	}
	return true;
}

static bool is_probe(const char *full)
{
	return strncmp(full, "ccaio:", 6) == 0;
}

/* The first event of the table that was not on, or NULL.  probes: do ccaio's own stand in? */
static const char *not_armed(const struct judge *j, const struct stream_info *info, bool probes)
{
	size_t count;
	const struct kernel_event *needed = kernel_events(&count);

	for (size_t i = 0; i < count && !info->is_model; i++) {
		const char *const *names = needed[i].names;
		bool any = !is_had(info, needed[i].had);

		for (size_t k = 0; k < KERNEL_EVENT_NAMES && names[k]; k++)
			any |= (probes || !is_probe(names[k])) && armed(j, info, names[k]);
		if (!any)
			return names[0];
	}
	return NULL;
}

void judge_find_unarmed(struct judge *j, const struct stream_info *info)
{
	j->not_armed[false] = not_armed(j, info, false);
	/* more may stand in for what is lacking, never less */
	j->not_armed[true] = j->not_armed[false] ? not_armed(j, info, true) : NULL;
}

const char *judge_not_armed(const struct judge *j)
{
	return j->not_armed[j->options.window_only];
}

bool judge_is_disturbed(const struct judge *j)
{
	const struct platform *p = j->platform;

	return p && (p->trace.nchanges || p->trace.watched == TRI_NO);
}

/* So many mappings without one end, or ends without one mapping, are no chance. */
#define DOZENS 24

char *judge_hidden_events(const struct judge *j, const struct stream_info *info)
{
	const char *kind = j->platform ? j->platform->realm.kind : NULL;
	bool listed = j->platform && j->platform->trace.events_known;
	const struct stream_cpu *silent = NULL;
	bool any = false;

	if (info->by_ccaio || info->is_model || (kind && strcmp(kind, "model") == 0))
		return NULL;
	for (size_t i = 0; i < info->ncpus; i++) {
		any |= info->cpus[i].events > 0;
		if (!info->cpus[i].events)
			silent = &info->cpus[i];
	}
	if (silent && any)
		return xasprintf("not one event of CPU %u was recorded: perhaps it was masked",
				 silent->cpu);
	if (listed)
		return NULL;
	if (j->n.maps >= DOZENS && !j->n.unmaps)
		return xasprintf("%llu maps and not one unmap were recorded",
				 (unsigned long long)j->n.maps);
	if (j->n.unmaps >= DOZENS && !j->n.maps)
		return xasprintf("%llu unmaps and not one map were recorded",
				 (unsigned long long)j->n.unmaps);
	if (j->observed.sg_maps >= DOZENS && !j->observed.sg_unmaps)
		return xasprintf("%llu scatter-gather mappings and not one unmap of such were "
				 "recorded",
				 (unsigned long long)j->observed.sg_maps);
	if (j->observed.in_slots && !j->n.bounces)
		return xasprintf("%llu buffers were mapped in the bounce pool and not one bounce "
				 "was recorded",
				 (unsigned long long)j->observed.in_slots);
	return NULL;
}

bool judge_events_told(const struct judge *j, const struct stream_info *info)
{
	char *hidden = judge_hidden_events(j, info);
	bool behind = j->witness && j->witness->behind_why;
	bool reported = !hidden && !j->not_armed[true] && !judge_is_disturbed(j) && !behind &&
			!before_gap(j);

	free(hidden);
	return reported;
}

/* When the first of the changes was noticed, and for how long it lasted. */
static void disturbed(const struct judge *j, struct cond_verdict *cond)
{
	static const char remedy[] = "leave the tracing instance of ccaio alone while it records";
	const struct platform *p = j->platform;
	const struct platform_change *c = p->trace.changes;
	uint64_t lasted;
	char more[64] = "";

	if (!p->trace.nchanges) {
		cond_unmet(cond,
			   "raise fs.inotify.max_user_watches and fs.inotify.max_user_instances",
			   "it is not known whether recording was off for a moment: the control "
			   "files of tracing could not be watched");
		return;
	}
	lasted = c->to_ns > c->from_ns ? c->to_ns - c->from_ns : 0;
	if (p->trace.nchanges > 1)
		snprintf(more, sizeof(more), "; %zu other files were written to, too",
			 p->trace.nchanges - 1);
	if (lasted)
		cond_unmet(cond, remedy,
			   "another program wrote to %s %.3f s into the window, and for %.3f ms "
			   "events may be missing%s",
			   c->file, (double)c->from_ns / 1e9, (double)lasted / 1e6, more);
	else
		cond_unmet(cond, remedy,
			   "another program wrote to %s %.3f s into the window and had undone it "
			   "within the same moment: events of that moment may be missing%s",
			   c->file, (double)c->from_ns / 1e9, more);
}

static const struct stream_format *unreadable(const struct stream_info *info)
{
	for (size_t i = 0; i < info->nformats; i++) {
		const struct stream_format *f = &info->formats[i];

		if (!f->decoded && f->missing &&
		    (strcmp(f->system, "dma") == 0 || strcmp(f->system, "swiotlb") == 0))
			return f;
	}
	return NULL;
}

/* Of what not_armed() named and its alternatives: what did not stay as it was armed; NULL none. */
static const char *altered(const struct judge *j, const char *missing)
{
	size_t count;
	const struct kernel_event *needed = kernel_events(&count);

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; needed[i].names[0] == missing && k < KERNEL_EVENT_NAMES; k++)
			if (needed[i].names[k] &&
			    platform_event_altered(j->platform, needed[i].names[k]))
				return needed[i].names[k];
	return NULL;
}

void coverage_events_armed(const struct judge *j, const struct stream_info *info,
			   struct cond_verdict *cond)
{
	const struct stream_format *bad = unreadable(info);
	const char *missing = judge_not_armed(j);
	char *hidden;

	if (j->n.undecoded) {
		cond_unmet(cond,
			   "use a ccaio that knows this kernel's events, and report the event's "
			   "format",
			   "%llu events cannot be read, the first is %s",
			   (unsigned long long)j->n.undecoded,
			   j->undecoded_name && *j->undecoded_name ? j->undecoded_name : "unnamed");
		return;
	}
	if (bad) {
		cond_unmet(cond,
			   "use a ccaio that knows this kernel's events, and report the event's "
			   "format",
			   "the format of %s:%s lacks the field %s", bad->system, bad->name,
			   bad->missing);
		return;
	}
	hidden = missing ? NULL : judge_hidden_events(j, info);
	if (hidden) {
		cond_unmet(cond,
			   "record with 'ccaio trace'; with trace-cmd: every event of swiotlb and "
			   "dma, "
			   "without a filter (-f, -v, -P) and on every CPU (no -M)",
			   "%s", hidden);
		free(hidden);
		return;
	}
	if (!missing && judge_is_disturbed(j)) {
		disturbed(j, cond);
		return;
	}
	if (!missing && j->witness && j->witness->behind_why) {
		cond_unmet(cond, "report it: a device was given memory without an event",
			   "%s (%llu such addresses)", j->witness->behind_why,
			   (unsigned long long)j->witness->behind);
		return;
	}
	if (!missing) {
		cond_met(cond, info->is_model ? "the bounce path reports all its events"
			       : armed(j, info, "ccaio:dma_map")
				       ? "ccaio's own probes were on in place of the dma events"
				       : "all needed swiotlb and dma events existed and were on");
		return;
	}
	if (altered(j, missing)) {
		cond_unmet(cond, "leave the tracing instance of ccaio alone while it records",
			   "%s: was switched off or filtered in the window", altered(j, missing));
		return;
	}
	cond_unmet(cond,
		   armed(j, info, "ccaio:dma_map")
			   ? "judge the window only with --scope window: ccaio's own probes, which "
			     "stand in for the dma events on this kernel, report from the start of "
			     "the recording on"
			   : "use a kernel with the dma events (Linux 6.12 "
			     "or newer, CONFIG_TRACING), or "
			     "record with 'ccaio trace', which arms its "
			     "own probes where the kernel can; "
			     "with trace-cmd: -e swiotlb -e dma",
		   "%s was not recorded; %llu bounces were seen", missing,
		   (unsigned long long)j->n.bounces);
}

void coverage_not_truncated(const struct judge *j, const struct stream_info *info,
			    struct cond_verdict *cond)
{
	(void)info;
	if (j->n.truncated)
		cond_unmet(cond,
			   "use a kernel or driver with at most 128 scatter-gather entries per map",
			   "%llu scatter-gather events were cut",
			   (unsigned long long)j->n.truncated);
	else
		cond_met(cond, "no scatter-gather event was cut");
}
