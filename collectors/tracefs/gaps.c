/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who writes to the control files of our instance while it records. */
#include "collectors/tracefs/gaps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <tracefs/tracefs.h>
#include <unistd.h>

#include "collectors/tracefs/events.h"
#include "collectors/tracefs/instance.h"
#include "collectors/tracefs/tracefs.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"

#define CHANGES_MAX 256 /* files; more are counted with the last */

struct folder {
	int wd;
	int fd;	    /* keeps the folder's dentry, so that its files report to this inode */
	char *path; /* below the instance, "" or with a slash at its end */
};

struct gaps {
	struct tracefs_instance *files;
	int fd;
	int failed; /* errno of what could not be watched; 0 all is */
	bool overflow;
	struct timespec begun;
	uint64_t now_ns; /* of this look, since begun */
	char *cpumask;	 /* as it was */
	struct folder *folders;
	size_t nfolders, cap_folders;
	struct platform_change *changes;
	size_t nchanges, cap_changes;
	bool *off;	 /* of each change: not as armed at the last look */
	const char *own; /* what ccaio itself wrote to since the last look; NULL nothing */
};

static void add_folder(struct gaps *w, const char *path)
{
	char *full = tracefs_instance_get_file(w->files, path);
	int fd = full ? open(full, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1, wd = -1;

	if (fd < 0 && errno == ENOENT) {
		tracefs_put_tracing_file(full);
		return;
	}
	if (fd >= 0)
		wd = inotify_add_watch(w->fd, full, IN_MODIFY | IN_ONLYDIR);
	if (wd < 0)
		w->failed = errno;
	tracefs_put_tracing_file(full);
	XGROW(w->folders, w->nfolders, w->cap_folders);
	w->folders[w->nfolders++] = (struct folder){
		.wd = wd,
		.fd = fd,
		.path = *path ? xasprintf("%s/", path) : xstrdup(""),
	};
}

/* The folders of an event, and of its system once. */
static void add_event(struct gaps *w, const char *event)
{
	const char *colon = strchr(event, ':');
	char *system = xasprintf("events/%.*s", (int)(colon - event), event);
	char *path = xasprintf("%s/%s", system, colon + 1);
	bool known = false;

	for (size_t i = 0; i < w->nfolders && !known; i++)
		known = strncmp(w->folders[i].path, system, strlen(system)) == 0 &&
			strcmp(w->folders[i].path + strlen(system), "/") == 0;
	if (!known)
		add_folder(w, system);
	add_folder(w, path);
	free(path);
	free(system);
}

struct gaps *gaps_open(const struct instance *instance, const struct arming *arming)
{
	struct gaps *w = xcalloc(1, sizeof(*w));
	char path[32];

	w->files = instance->files;
	clock_gettime(CLOCK_MONOTONIC, &w->begun);
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0) {
		w->failed = errno;
		return w;
	}
	w->cpumask = tracing_read(w->files, "tracing_cpumask");
	add_folder(w, "");
	add_folder(w, "options");
	add_folder(w, "events");
	for (unsigned int cpu = 0; cpu < instance->cpus; cpu++) {
		snprintf(path, sizeof(path), "per_cpu/cpu%u", cpu);
		add_folder(w, path);
	}
	for (size_t i = 0; i < arming->nevents; i++)
		add_event(w, arming->events[i]);
	return w;
}

int gaps_fd(const struct gaps *gaps)
{
	return gaps->fd;
}

/* Does text have a line that is no comment and does not begin with this? */
static bool has_line_but(const char *text, const char *harmless)
{
	for (; text && *text; text += strcspn(text, "\n"), text += *text == '\n') {
		if (*text != '#' && *text != '\n' &&
		    !(*harmless && strncmp(text, harmless, strlen(harmless)) == 0))
			return true;
	}
	return false;
}

static bool ends_with(const char *path, const char *name)
{
	size_t len = strlen(path), n = strlen(name);

	return len >= n && strcmp(path + len - n, name) == 0;
}

/* Is this file as it was armed?  Of what is not known it is enough that nobody writes now. */
static bool as_armed(const struct gaps *w, const char *path)
{
	char *text = tracing_read(w->files, path);
	bool yes = true;

	if (!text)
		yes = errno == ENOENT || errno == EINVAL || errno == EACCES || errno == EPERM;
	else if (strcmp(path, "tracing_on") == 0)
		yes = strcmp(text, "1\n") == 0;
	else if (ends_with(path, "/enable")) /* "1*": on, and with a trigger, which may be ours */
		yes = strcmp(text, "1\n") == 0 || strcmp(text, "1*\n") == 0 ||
		      strcmp(path, "events/enable") == 0;
	else if (ends_with(path, "/filter"))
		yes = strcmp(text, "none\n") == 0;
	else if (ends_with(path, "/trigger")) /* one that writes stacks leaves nothing out */
		yes = !has_line_but(text, "stacktrace:");
	else if (strcmp(path, "set_event_pid") == 0 || strcmp(path, "set_event_notrace_pid") == 0)
		yes = !has_line_but(text, "");
	else if (strcmp(path, "tracing_cpumask") == 0)
		yes = w->cpumask && strcmp(text, w->cpumask) == 0;
	free(text);
	return yes;
}

static void note(struct gaps *w, const char *path)
{
	size_t i = 0;

	while (i < w->nchanges && strcmp(w->changes[i].file, path) != 0)
		i++;
	if (i == w->nchanges && i == CHANGES_MAX)
		i--;
	if (i == w->nchanges) {
		XGROW(w->changes, w->nchanges, w->cap_changes);
		w->off = xrealloc(w->off, w->cap_changes, sizeof(*w->off));
		w->changes[w->nchanges++] = (struct platform_change){
			.file = xstrdup(path),
			.from_ns = w->now_ns,
		};
	}
	w->changes[i].times++;
	w->changes[i].to_ns = w->now_ns;
	w->off[i] = true;
}

static void take(struct gaps *w, const struct inotify_event *event)
{
	const char *name = event->len ? event->name : "";
	const struct folder *folder = NULL;
	char *path;

	if (event->mask & IN_Q_OVERFLOW)
		w->overflow = true;
	for (size_t i = 0; i < w->nfolders && !folder; i++)
		if (w->folders[i].wd == event->wd)
			folder = &w->folders[i];
	if (!folder || !(event->mask & IN_MODIFY))
		return;
	/* where marks go, and what nobody's events depend on */
	if (!*folder->path && strncmp(name, "trace_marker", strlen("trace_marker")) == 0)
		return;
	path = xasprintf("%s%s", folder->path, name);
	if (!w->own || strcmp(path, w->own) != 0 || !as_armed(w, path))
		note(w, path);
	free(path);
}

static uint64_t since(const struct timespec *begun)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)(now.tv_sec - begun->tv_sec) * 1000000000u + (uint64_t)now.tv_nsec -
	       (uint64_t)begun->tv_nsec;
}

void gaps_look(struct gaps *w)
{
	_Alignas(struct inotify_event) char buf[8192];
	ssize_t n;

	if (w->fd < 0)
		return;
	w->now_ns = since(&w->begun);
	while ((n = read(w->fd, buf, sizeof(buf))) > 0) {
		for (char *at = buf; at < buf + n;) {
			const struct inotify_event *event = (const struct inotify_event *)at;

			take(w, event);
			at += sizeof(*event) + event->len;
		}
	}
	for (size_t i = 0; i < w->nchanges; i++) {
		if (!w->off[i])
			continue;
		w->changes[i].to_ns = w->now_ns;
		w->off[i] = !as_armed(w, w->changes[i].file);
	}
}

void gaps_own(struct gaps *w, const char *path)
{
	w->own = path;
	gaps_look(w);
	w->own = NULL;
}

void gaps_stop(struct gaps *w)
{
	for (size_t i = 0; i < w->nfolders; i++) {
		if (w->folders[i].fd >= 0)
			close(w->folders[i].fd);
		free(w->folders[i].path);
	}
	free(w->folders);
	w->folders = NULL;
	w->nfolders = w->cap_folders = 0;
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

void gaps_describe(const struct gaps *w, struct platform *platform)
{
	platform->trace.watched = w->failed || w->overflow ? TRI_NO : TRI_YES;
	platform->trace.changes =
		xcalloc(w->nchanges ? w->nchanges : 1, sizeof(*platform->trace.changes));
	platform->trace.nchanges = w->nchanges;
	for (size_t i = 0; i < w->nchanges; i++) {
		platform->trace.changes[i] = w->changes[i];
		platform->trace.changes[i].file = xstrdup(w->changes[i].file);
	}
}

void gaps_free(struct gaps *w)
{
	if (!w)
		return;
	gaps_stop(w);
	for (size_t i = 0; i < w->nchanges; i++)
		free(w->changes[i].file);
	free(w->changes);
	free(w->off);
	free(w->cpumask);
	free(w);
}
