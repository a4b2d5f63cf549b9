/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracefs/events.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracefs/tracefs.h>

#include "collectors/decode/probe-names.h"
#include "collectors/decode/table.h"
#include "collectors/tracefs/instance.h"
#include "collectors/tracefs/state.h"
#include "collectors/tracefs/tracefs.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"

/* All events of these are wanted: such a system is switched on by one write. */
static const char *const whole_systems[] = { "dma", "swiotlb" };

static void free_list(char **list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i]);
	free(list);
}

void arming_release(struct arming *arming)
{
	free_list(arming->events, arming->nevents);
	free_list(arming->failed, arming->nfailed);
	free(arming->altered);
	*arming = (struct arming){ 0 };
}

void arming_on(struct arming *arming, const char *system, const char *event)
{
	XGROW(arming->events, arming->nevents, arming->cap_events);
	arming->events[arming->nevents++] = xasprintf("%s:%s", system, event);
}

void arming_failed(struct arming *arming, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	XGROW(arming->failed, arming->nfailed, arming->cap_failed);
	arming->failed[arming->nfailed++] = xstrdup(text);
}

static void note_failure(struct arming *arming, const char *what, int ret)
{
	arming_failed(arming, "%s: %s", what,
		      ret == -ENOENT ? "not in this kernel" : strerror(-ret));
}

/* '0', '1', or 'X' for a system of which some events are on; 0 when it cannot be read. */
static char enabled(const struct instance *instance, const char *path)
{
	char *text = tracing_read(instance->files, path), state = text ? text[0] : 0;

	free(text);
	return state;
}

/* Switch on by this control file unless it is on.  An instance of one's own starts with all off. */
static int switch_on(const struct arming *arming, const struct instance *instance, const char *path)
{
	int ret = 0;

	if (!instance->own && enabled(instance, path) == '1')
		return 0;
	if (!instance->own && tracing_exists(instance->files, path)) {
		char *name = xasprintf("instances/%s/%s", instance->name, path);

		ret = state_note(arming->state, "off", name, NULL);
		free(name);
	}
	return ret < 0 ? ret : tracing_write(instance->files, path, "1");
}

int arming_enable(struct arming *arming, const struct instance *instance, const char *system,
		  const char *event)
{
	char path[256];
	int ret;

	snprintf(path, sizeof(path), "events/%s/%s/enable", system, event);
	ret = switch_on(arming, instance, path);
	if (ret == 0)
		arming_on(arming, system, event);
	return ret;
}

static void try_one(struct arming *arming, const struct instance *instance, const char *system,
		    const char *event)
{
	int ret = arming_enable(arming, instance, system, event);
	char *name = xasprintf("%s:%s", system, event);

	if (ret < 0)
		note_failure(arming, name, ret);
	free(name);
}

static char *enable_file(const char *system)
{
	return xasprintf("events/%s/enable", system);
}

static void arm_system(struct arming *arming, const struct instance *instance, const char *system)
{
	char *path = enable_file(system), **events;
	bool on;

	/* In an adopted instance some may be on and must stay on afterwards: one by one. */
	if (instance->own)
		switch_on(arming, instance, path);
	free(path);
	/* The kernel goes on with the others when one refuses: then find out which. */
	on = arming_system_is_on(instance, system);
	errno = 0;
	events = tracefs_system_events(NULL, system);
	if (!events)
		note_failure(arming, system, errno ? -errno : -ENOENT);
	for (size_t i = 0; events && events[i]; i++) {
		if (on)
			arming_on(arming, system, events[i]);
		else
			try_one(arming, instance, system, events[i]);
	}
	tracefs_list_free(events);
}

bool arming_system_is_on(const struct instance *instance, const char *system)
{
	char *path = enable_file(system);
	bool on = enabled(instance, path) == '1';

	free(path);
	return on;
}

bool arming_system_is_off(const struct instance *instance, const char *system)
{
	char *path = enable_file(system), state = enabled(instance, path);
	bool off = state == '0' || (state == 0 && !tracing_exists(instance->files, path));

	free(path);
	return off;
}

static bool is_whole(const char *system)
{
	for (size_t i = 0; i < sizeof(whole_systems) / sizeof(whole_systems[0]); i++)
		if (strcmp(whole_systems[i], system) == 0)
			return true;
	return false;
}

void arming_arm(struct arming *arming, const struct instance *instance)
{
	size_t count;
	const struct decode_rule *rules = decode_rules(&count);

	for (size_t i = 0; i < sizeof(whole_systems) / sizeof(whole_systems[0]); i++)
		arm_system(arming, instance, whole_systems[i]);
	/* what is decoded is switched on; of markers and probes see others to that */
	for (size_t i = 0; i < count; i++)
		if (strcmp(rules[i].system, PROBE_GROUP) != 0 &&
		    strcmp(rules[i].system, "ftrace") != 0 && !is_whole(rules[i].system))
			try_one(arming, instance, rules[i].system, rules[i].name);
}

/* Does a control file hold exactly this line?  wanted "": or nothing, or is not there. */
static bool says(const struct instance *instance, const char *path, const char *wanted)
{
	char *text = tracing_read(instance->files, path);
	size_t len = text ? strcspn(text, "\n") : 0;
	bool same = text ? len == strlen(wanted) && strncmp(text, wanted, len) == 0 : !*wanted;

	free(text);
	return same;
}

static bool is_as_armed(const struct instance *instance, const char *name)
{
	const char *event = strchr(name, ':') + 1;
	int system = (int)(event - name - 1);
	char path[256];

	snprintf(path, sizeof(path), "events/%.*s/%s/enable", system, name, event);
	if (!says(instance, path, "1"))
		return false;
	/* the probes of ccaio have filters of their own */
	snprintf(path, sizeof(path), "events/%.*s/%s/filter", system, name, event);
	return strncmp(name, PROBE_GROUP, strlen(PROBE_GROUP)) == 0 || says(instance, path, "none");
}

void arming_look_again(struct arming *arming, const struct instance *instance)
{
	bool some = !says(instance, "set_event_pid", "") ||
		    !says(instance, "set_event_notrace_pid", "");

	arming->altered = xcalloc(arming->nevents, sizeof(*arming->altered));
	for (size_t i = 0; i < arming->nevents; i++)
		arming->altered[i] = some || !is_as_armed(instance, arming->events[i]);
}
