/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who opens the registers or the memory of a PCI function that no driver works: through its
 * files in sysfs a program can drive it, and map what the host shares with it (Linux
 * Documentation/PCI/sysfs-pci.rst).  So can it through /dev/mem.  inotify tells of each open, by
 * whatever program; what is open already when the window opens, /proc shows (holders.c).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "collectors/facts/state.h"
#include "lib/base/xalloc.h"

#define DEVICES "/sys/bus/pci/devices"

void facts_touched_forget(struct facts *facts)
{
	if (facts->touched.fd > 0)
		close(facts->touched.fd);
	free(facts->touched.wds);
	facts->touched.fd = 0;
	facts->touched.wds = NULL;
}

static void add_file(struct platform *p, const char *name, const char *bus)
{
	char *path = xasprintf("/dev/%s", name);

	for (size_t i = 0; i < p->nother; i++) {
		if (strcmp(p->other[i].name, path) == 0) {
			free(path);
			return;
		}
	}
	p->other = xrealloc(p->other, p->nother + 1, sizeof(*p->other));
	p->other[p->nother++] = (struct platform_other){ .name = path, .bus = xstrdup(bus) };
}

void facts_memory_opened(struct platform *p, const char *name)
{
	add_file(p, name, PLATFORM_DEV_FILES);
}

bool facts_reaches_registers(const char *name)
{
	return (strncmp(name, "resource", 8) == 0 && name[8]) || strcmp(name, "rom") == 0;
}

/* Opening these maps its memory or reaches its registers; writing those changes what it may do. */
static bool is_touch(const struct inotify_event *event)
{
	const char *name = event->len ? event->name : "";

	if (facts_reaches_registers(name))
		return true;
	return event->mask & IN_MODIFY &&
	       (strcmp(name, "config") == 0 || strcmp(name, "enable") == 0);
}

void facts_touched_begin(struct facts *facts, struct platform *p)
{
	char *dev;

	facts_touched_forget(facts);
	facts->touched.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	facts->touched.wds = xcalloc(p->npci ? p->npci : 1, sizeof(*facts->touched.wds));
	for (size_t i = 0; i < p->npci; i++) {
		char *path = facts_path(facts, DEVICES "/%s", p->pci[i].name);

		facts->touched.wds[i] = -1;
		p->pci[i].touched = TRI_UNKNOWN;
		if (!platform_pci_is_driven(&p->pci[i]))
			facts->touched.wds[i] = inotify_add_watch(facts->touched.fd, path,
								  IN_OPEN | IN_MODIFY | IN_ONLYDIR);
		free(path);
	}
	dev = facts_path(facts, "/dev");
	facts->touched.dev = inotify_add_watch(facts->touched.fd, dev, IN_OPEN | IN_ONLYDIR);
	free(dev);
	facts->touched.unseen = !facts_holders(facts, p);
}

void facts_touched_end(struct facts *facts, struct platform *p)
{
	_Alignas(struct inotify_event) char buf[8192];
	bool overflow = false;
	ssize_t n;

	for (size_t i = 0; facts->touched.wds && i < p->npci; i++)
		if (facts->touched.wds[i] >= 0 && p->pci[i].touched != TRI_YES)
			p->pci[i].touched = TRI_NO;
	while (facts->touched.fd > 0 && (n = read(facts->touched.fd, buf, sizeof(buf))) > 0) {
		for (char *at = buf; at < buf + n;) {
			const struct inotify_event *event = (const struct inotify_event *)at;

			overflow |= (event->mask & IN_Q_OVERFLOW) != 0;
			for (size_t i = 0; i < p->npci && is_touch(event); i++)
				if (facts->touched.wds[i] == event->wd)
					p->pci[i].touched = TRI_YES;
			for (size_t i = 0; facts_memory_file(i) && event->len; i++)
				if (event->wd == facts->touched.dev &&
				    strcmp(event->name, facts_memory_file(i)) == 0)
					facts_memory_opened(p, facts_memory_file(i));
			at += sizeof(*event) + event->len;
		}
	}
	for (size_t i = 0; (overflow || facts->touched.unseen) && i < p->npci; i++)
		if (p->pci[i].touched == TRI_NO)
			p->pci[i].touched = TRI_UNKNOWN;
	for (size_t i = 0; facts_memory_file(i); i++)
		if ((overflow || facts->touched.unseen || facts->touched.dev < 0) &&
		    facts_exists(facts, "/dev/%s", facts_memory_file(i)))
			add_file(p, facts_memory_file(i), PLATFORM_DEV_UNSEEN);
	facts_touched_forget(facts);
}
