/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracefs/boot-probes.h"

#include <stdlib.h>
#include <string.h>
#include <tracefs/tracefs.h>
#include <unistd.h>

#include "collectors/decode/probe-names.h"
#include "collectors/tracefs/events.h"
#include "collectors/tracefs/instance.h"
#include "collectors/tracefs/pages.h"
#include "collectors/tracefs/probes.h"
#include "collectors/tracefs/tracefs.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"

static const char *const probes[] = { PROBE_DECRYPT, PROBE_ENCRYPT };

/*
 * Is this probe on in the top-level buffer?  By the list: of the first event that a kernel command
 * line makes, Linux 6.12 has no folder there (but in its instances).
 */
static bool is_on(const struct tracing *tracing, const char *probe)
{
	char *on = tracing_read(tracing->files, "set_event");
	char *name = xasprintf(PROBE_GROUP ":%s", probe);
	bool found = tracing_has_line(on, name);

	free(name);
	free(on);
	return found;
}

/* Where there is no file for a filter, there is no filter. */
static bool is_filtered(const struct tracing *tracing, const char *probe)
{
	char *path = xasprintf("events/" PROBE_GROUP "/%s/filter", probe);
	char *text = tracing_read(tracing->files, path);
	bool yes = text ? strncmp(text, "none", 4) != 0 : tracing_exists(tracing->files, path);

	free(text);
	free(path);
	return yes;
}

static bool is_ours(const char *name)
{
	return strcmp(name, PROBE_DECRYPT) == 0 || strcmp(name, PROBE_ENCRYPT) == 0;
}

static struct probes_profile profile(const struct tracing *tracing)
{
	char *text = tracing_read(tracing->files, "kprobe_profile");
	struct probes_profile sum = probes_profile(text, is_ours);

	free(text);
	return sum;
}

/*
 * The buffer holds as many events as the probes were hit, or something is missing: while recording
 * is off, behind a filter and for a trigger they are hit all the same, and what empties the buffer
 * leaves their counts.  NULL: it does.  Where they were off themselves nothing counts; what the
 * kernel allocated or freed then has no such event, and so stays undecided.
 */
static char *counts_agree(const struct tracing *tracing, const struct instance *top,
			  struct probes_profile before)
{
	unsigned long long held = 0;

	for (unsigned int cpu = 0; cpu < top->cpus; cpu++) {
		struct instance_stats stats;
		struct err err;

		if (instance_stats(top, cpu, &stats, &err) < 0)
			return xstrdup(err.text);
		held += stats.entries + stats.read;
	}
	if (held >= before.hits && held <= profile(tracing).hits)
		return NULL;
	if (held < before.hits)
		return xasprintf("they were hit %llu times, but the buffer holds %llu events: "
				 "recording was off for a time, or the buffer was emptied",
				 before.hits, held);
	return xasprintf("the buffer holds %llu events, of which %llu are theirs; leave other "
			 "events of the top-level buffer away",
			 held, before.hits);
}

static bool same_clock(const struct instance *top, const struct instance *instance)
{
	char *a = instance_clock(top), *b = instance_clock(instance);
	bool same = a && b && strcmp(a, b) == 0;

	free(a);
	free(b);
	return same;
}

/* Why the top-level buffer does not hold everything since boot; NULL if it does. */
static char *what_is_wrong(const struct tracing *tracing, const struct instance *top,
			   const struct instance *instance)
{
	unsigned long long misses;
	char *wrong;

	for (size_t i = 0; i < 2; i++) {
		if (!is_on(tracing, probes[i]))
			return xasprintf("%s is not on", probes[i]);
		if (is_filtered(tracing, probes[i]))
			return xasprintf("%s has a filter", probes[i]);
	}
	if (tracefs_trace_is_on(tracing->files) != 1)
		return xstrdup("recording has been stopped since");
	/* what is on in two buffers is recorded twice */
	if (!arming_system_is_off(top, "dma") || !arming_system_is_off(top, "swiotlb"))
		return xstrdup("DMA events are on there, too; leave trace_event=dma, swiotlb away");
	if (instance && !same_clock(top, instance))
		return xstrdup("it has another clock; leave trace_clock= away");
	misses = profile(tracing).misses;
	if (misses)
		return xasprintf("the kernel missed %llu calls", misses);
	wrong = instance_what_is_missing(top, false);
	return wrong ? wrong : counts_agree(tracing, top, profile(tracing));
}

bool boot_probes_find(const struct tracing *tracing, const struct instance *instance, char **reason)
{
	struct instance top;
	struct err err;
	char *wrong;

	*reason = NULL;
	if (!tracing_exists(tracing->files, "events/" PROBE_GROUP "/" PROBE_DECRYPT) &&
	    !tracing_exists(tracing->files, "events/" PROBE_GROUP "/" PROBE_ENCRYPT))
		return false;
	if (instance_adopt(&top, NULL, &err) < 0)
		wrong = xstrdup(err.text);
	else
		wrong = what_is_wrong(tracing, &top, instance);
	instance_release(&top);
	if (wrong)
		*reason = xasprintf("the probes armed at boot cannot be used: %s", wrong);
	free(wrong);
	return *reason == NULL;
}

/* Move them, and look again whether they are all that the probes were hit for. */
static char *take(const struct tracing *tracing, const struct instance *top, const int *out)
{
	struct probes_profile before = profile(tracing);
	struct err err = { "" };
	struct pages *pages = pages_open(top, out, &err);
	char *wrong = NULL;

	if (!pages || pages_flush(pages, &err) < 0)
		wrong = xstrdup(err.text);
	pages_close(pages);
	if (!wrong)
		wrong = instance_what_is_missing(top, true);
	return wrong ? wrong : counts_agree(tracing, top, before);
}

bool boot_probes_take(const struct tracing *tracing, const struct instance *top, const int *out,
		      char **reason)
{
	/* a reader since boot_probes_find() has what the buffer lacks */
	char *wrong = instance_what_is_missing(top, false);

	if (!wrong)
		wrong = take(tracing, top, out);
	*reason = NULL;
	if (!wrong)
		return true;
	for (unsigned int cpu = 0; cpu < top->cpus; cpu++) {
		if (ftruncate(out[cpu], 0) < 0 || lseek(out[cpu], 0, SEEK_SET) < 0)
			continue; /* what cannot be emptied cannot be read either */
	}
	*reason = xasprintf("the probes armed at boot cannot be used: %s", wrong);
	free(wrong);
	return false;
}
