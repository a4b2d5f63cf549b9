/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What programs have open or mapped when the window opens: the registers or the memory of a PCI
 * function, /dev/mem.  inotify tells only of those that open them later.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/facts/state.h"
#include "lib/base/xalloc.h"

/* Character devices of the kernel's memory (Linux Documentation/admin-guide/devices.txt). */
#define MEM_MAJOR 1

static const struct {
	const char *name;
	unsigned int minor;
} devices[] = { { "mem", 1 }, { "kmem", 2 }, { "port", 4 } };

#define DEVICES (sizeof(devices) / sizeof(devices[0]))

const char *facts_memory_file(size_t i)
{
	return i < DEVICES ? devices[i].name : NULL;
}

/* path: "/sys/devices/pci0000:00/0000:00:02.0/resource0", "/dev/mem" */
static void take_path(struct platform *p, const char *path)
{
	const char *name = strrchr(path, '/');

	if (!name || !*++name)
		return;
	for (size_t i = 0; i < DEVICES; i++) {
		if (strncmp(path, "/dev/", 5) == 0 && strcmp(path + 5, devices[i].name) == 0)
			facts_memory_opened(p, devices[i].name);
	}
	for (size_t i = 0; i < p->npci && facts_reaches_registers(name); i++) {
		size_t len = strlen(p->pci[i].name);
		const char *folder = name - 1 - len;

		if ((size_t)(name - path) > len + 1 && folder[-1] == '/' &&
		    strncmp(folder, p->pci[i].name, len) == 0 &&
		    !platform_pci_is_driven(&p->pci[i]))
			p->pci[i].touched = TRI_YES;
	}
}

/* A node of the same device may have any name. */
static void take_node(struct platform *p, int dir, const char *name)
{
	struct statx st;

	if (statx(dir, name, AT_STATX_DONT_SYNC, STATX_TYPE, &st) < 0 || !S_ISCHR(st.stx_mode) ||
	    st.stx_rdev_major != MEM_MAJOR)
		return;
	for (size_t i = 0; i < DEVICES; i++) {
		if (devices[i].minor == st.stx_rdev_minor)
			facts_memory_opened(p, devices[i].name);
	}
}

/* False where they may not be read; a program that has ended has none. */
static bool take_open(struct facts *facts, struct platform *p, const char *pid)
{
	char *path = facts_path(facts, "/proc/%s/fd", pid), target[4096];
	DIR *dir = opendir(path);
	bool seen = dir || (errno != EACCES && errno != EPERM);
	struct dirent *entry;

	free(path);
	while (dir && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (n <= 0 || target[0] != '/')
			continue; /* a socket, a pipe … */
		target[n] = '\0';
		take_path(p, target);
		take_node(p, dirfd(dir), entry->d_name);
	}
	if (dir)
		closedir(dir);
	return seen;
}

/* A mapping stays when its file was closed. */
static bool take_mapped(struct facts *facts, struct platform *p, const char *pid)
{
	char *path = facts_path(facts, "/proc/%s/maps", pid), *line = NULL;
	FILE *file = fopen(path, "re");
	bool seen = file || (errno != EACCES && errno != EPERM);
	size_t cap = 0;

	free(path);
	while (file && getline(&line, &cap, file) > 0) {
		char *at = strchr(line, '/');

		if (!at)
			continue;
		at[strcspn(at, "\n")] = '\0';
		take_path(p, at);
	}
	free(line);
	if (file)
		fclose(file);
	return seen;
}

bool facts_holders(struct facts *facts, struct platform *p)
{
	size_t count;
	char **names = facts_list(facts, &count, "/proc");
	bool seen = true;

	for (size_t i = 0; i < count; i++) {
		if (!isdigit((unsigned char)names[i][0]))
			continue;
		seen &= take_open(facts, p, names[i]);
		seen &= take_mapped(facts, p, names[i]);
	}
	facts_free_list(names, count);
	return seen;
}
