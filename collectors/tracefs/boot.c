/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracefs/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/tracefs/events.h"
#include "collectors/tracefs/instance.h"
#include "collectors/tracefs/state.h"
#include "collectors/tracefs/tracefs.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"

#define PARAMETER "trace_instance="
#define CLAIM STATE_DIR "/boot-instance-used"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* Does the comma-separated list of events (up to len) hold all of the system? */
static bool lists_system(const char *list, size_t len, const char *system)
{
	size_t want = strlen(system);

	while (len > 0) {
		const char *comma = memchr(list, ',', len);
		size_t part = comma ? (size_t)(comma - list) : len;

		if (part >= want && strncmp(list, system, want) == 0 &&
		    (part == want || (part == want + 1 && list[want] == ':') ||
		     (part == want + 2 && strncmp(list + want, ":*", 2) == 0)))
			return true;
		if (!comma)
			break;
		list += part + 1;
		len -= part + 1;
	}
	return false;
}

bool boot_is_armed(const char *cmdline)
{
	const char *at = cmdline;

	while (*at) {
		size_t len, name_len;

		at += strspn(at, " \t\n");
		len = strcspn(at, " \t\n");
		if (len == 2 && strncmp(at, "--", 2) == 0)
			break;
		if (len > strlen(PARAMETER) && strncmp(at, PARAMETER, strlen(PARAMETER)) == 0) {
			const char *name = at + strlen(PARAMETER);
			size_t rest = len - strlen(PARAMETER);

			/* flags ("^traceoff") and memory ("@…") after the name are not ours */
			name_len = strcspn(name, ", \t\n");
			if (name_len == strlen(BOOT_INSTANCE) &&
			    strncmp(name, BOOT_INSTANCE, name_len) == 0 && rest > name_len &&
			    lists_system(name + name_len + 1, rest - name_len - 1, "dma") &&
			    lists_system(name + name_len + 1, rest - name_len - 1, "swiotlb"))
				return true;
		}
		at += len;
	}
	return false;
}

/* Has a run used the instance since this boot?  /run may outlive a boot. */
static bool is_claimed(void)
{
	char *claim = file_read(CLAIM, 4096, NULL, NULL),
	     *boot = file_read(BOOT_ID, 4096, NULL, NULL);
	bool same = claim && boot && strcmp(claim, boot) == 0;

	if (claim && !same)
		unlink(CLAIM);
	free(claim);
	free(boot);
	return same;
}

int boot_claim(struct err *err)
{
	char *boot = file_read(BOOT_ID, 4096, NULL, NULL);
	int fd, ret = 0;

	if (!boot)
		return err_sys(err, "cannot read " BOOT_ID);
	fd = open(CLAIM, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		ret = err_sys(err, "cannot make " CLAIM);
	else if (write(fd, boot, strlen(boot)) != (ssize_t)strlen(boot))
		ret = err_sys(err, "cannot write " CLAIM);
	if (fd >= 0)
		close(fd);
	free(boot);
	return ret;
}

/* Why the instance does not hold everything since boot; NULL if it does. */
static char *what_is_gone(const struct instance *instance)
{
	unsigned long long on = 0;

	if (is_claimed())
		return xstrdup("an earlier run of ccaio has read it; boot again for another one");
	if (!arming_system_is_on(instance, "dma") || !arming_system_is_on(instance, "swiotlb"))
		return xstrdup("its events have been switched off since");
	if (tracing_read_number(instance->files, "tracing_on", &on) < 0 || on != 1)
		return xstrdup("its recording has been stopped since");
	return instance_what_is_missing(instance, false);
}

bool boot_find(char **reason)
{
	const char *root = getenv("CCAIO_ROOT"); /* a tree of files that stands for the machine */
	char *path = xasprintf("%s/proc/cmdline", root ? root : "");
	char *cmdline = file_read(path, 1u << 20, NULL, NULL);
	bool armed = cmdline && boot_is_armed(cmdline);
	struct instance instance;
	struct err err;
	char *gone;

	*reason = NULL;
	free(path);
	free(cmdline);
	if (!armed)
		return false;
	if (instance_adopt(&instance, BOOT_INSTANCE, &err) < 0)
		gone = xstrdup(err.text);
	else
		gone = what_is_gone(&instance);
	instance_release(&instance, NULL);
	if (gone)
		*reason = xasprintf("the instance armed at boot cannot be used: %s", gone);
	free(gone);
	return *reason == NULL;
}
