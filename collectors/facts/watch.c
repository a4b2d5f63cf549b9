/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What must stay as it is while the window is open.  A device or a CPU that goes
 * and comes again between two looks is noticed, too: sysfs gives what is made
 * anew another inode number.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collectors/facts/state.h"
#include "lib/base/xalloc.h"

struct words {
	char **words;
	size_t count, cap;
};

static void add_word(struct words *w, char *word)
{
	XGROW(w->words, w->count, w->cap);
	w->words[w->count++] = word;
}

static void add_bus(struct facts *facts, struct words *w, const char *bus)
{
	size_t count;
	char **names = facts_list(facts, &count, "/sys/bus/%s/devices", bus);

	for (size_t i = 0; i < count; i++) {
		char *features =
			facts_attr(facts, "/sys/bus/%s/devices/%s/features", bus, names[i]);

		/* "/.": of the device's folder, not of the bus's link to it */
		add_word(w, xasprintf("%s %" PRIu64 " %" PRIu64 " %s", names[i],
				      facts_inode(facts, "/sys/bus/%s/devices/%s/.", bus, names[i]),
				      facts_inode(facts, "/sys/bus/%s/devices/%s/driver", bus,
						  names[i]),
				      features ? features : ""));
		free(features);
	}
	facts_free_list(names, count);
}

static struct words devices_now(struct facts *facts)
{
	struct platform *others = platform_new();
	struct words w = { 0 };

	add_bus(facts, &w, "virtio");
	add_bus(facts, &w, "pci");
	facts_other(facts, others);
	for (size_t i = 0; i < others->nother; i++)
		add_word(&w, xasprintf("%s %s", others->other[i].name, others->other[i].driver));
	platform_free(others);
	return w;
}

static struct words cpus_now(struct facts *facts)
{
	char *online = facts_attr(facts, "/sys/devices/system/cpu/online");
	struct words w = { 0 };
	size_t count;
	char **names;

	if (!online)
		return w;
	add_word(&w, online);
	names = facts_list(facts, &count, "/sys/devices/system/cpu");
	for (size_t i = 0; i < count; i++) {
		/* made when a CPU comes up, removed when it goes */
		uint64_t inode =
			facts_inode(facts, "/sys/devices/system/cpu/%s/topology", names[i]);

		if (inode)
			add_word(&w, xasprintf("%s %" PRIu64, names[i], inode));
	}
	facts_free_list(names, count);
	return w;
}

static struct words tsm_now(struct facts *facts)
{
	struct words w = { 0 };
	size_t count;
	char **names = facts_list(facts, &count, "/sys/bus/pci/devices");

	for (size_t i = 0; i < count; i++) {
		char *state = facts_tsm_state(facts, names[i]);

		if (state)
			add_word(&w, xasprintf("%s %s", names[i], state));
		free(state);
	}
	facts_free_list(names, count);
	names = facts_list(facts, &count, "/sys/class/tsm");
	for (size_t i = 0; i < count; i++)
		add_word(&w, xstrdup(names[i]));
	facts_free_list(names, count);
	return w;
}

static enum tri differs(char *const *before, size_t nbefore, struct words now)
{
	bool same = nbefore == now.count;

	for (size_t i = 0; i < nbefore && same; i++)
		same = strcmp(before[i], now.words[i]) == 0;
	facts_free_list(now.words, now.count);
	return same ? TRI_NO : TRI_YES;
}

void facts_watch_forget(struct facts *facts)
{
	facts_free_list(facts->devices, facts->ndevices);
	facts_free_list(facts->cpus, facts->ncpus);
	facts_free_list(facts->tsm, facts->ntsm);
	facts->devices = facts->cpus = facts->tsm = NULL;
	facts->ndevices = facts->ncpus = facts->ntsm = 0;
}

static void take(struct words w, char ***list, size_t *count)
{
	*list = w.words;
	*count = w.count;
}

void facts_watch_begin(struct facts *facts)
{
	facts_watch_forget(facts);
	take(devices_now(facts), &facts->devices, &facts->ndevices);
	take(cpus_now(facts), &facts->cpus, &facts->ncpus);
	take(tsm_now(facts), &facts->tsm, &facts->ntsm);
}

void facts_moment(struct facts *facts, struct platform *p)
{
	struct platform_moment *m = &p->moment;
	struct facts_log *log = &facts->log;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	m->from_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	take(devices_now(facts), &m->devices, &m->ndevices);
	take(cpus_now(facts), &m->cpus, &m->ncpus);
	take(tsm_now(facts), &m->tsm, &m->ntsm);
	p->swiotlb.used_before = facts_swiotlb_sum(facts, "io_tlb_used");
	facts_log_drain(facts);
	if (log->fd < 0 || log->lost || log->too_many)
		return;
	m->log_first = log->first_seq;
	m->log_next = log->next_seq;
	m->log = log->marked;
	m->nlog = log->nmarked;
	log->marked = NULL;
	log->nmarked = log->marked_cap = 0;
}

void facts_watch_end(struct facts *facts, struct platform *p)
{
	if (!facts_exists(facts, "/sys/bus"))
		return; /* nothing could be seen: unknown */
	p->window.devices_changed = differs(facts->devices, facts->ndevices, devices_now(facts));
	p->window.tsm_changed = differs(facts->tsm, facts->ntsm, tsm_now(facts));
	if (facts->ncpus > 0)
		p->window.cpus_changed =
			facts->log.cpu_line ? TRI_YES
					    : differs(facts->cpus, facts->ncpus, cpus_now(facts));
}
