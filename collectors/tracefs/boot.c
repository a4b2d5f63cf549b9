/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracefs/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracefs/tracefs.h>
#include <unistd.h>

#include "collectors/tracefs/events.h"
#include "collectors/tracefs/instance.h"
#include "collectors/tracefs/state.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"

#define PARAMETER "trace_instance="
#define CLAIM STATE_DIR "/boot-instance-used"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* Does this part of the list of events stand for all of the system? */
static bool is_whole(const char *part, const char *system)
{
	size_t len = strlen(system);

	return strncmp(part, system, len) == 0 &&
	       (!part[len] || strcmp(part + len, ":") == 0 || strcmp(part + len, ":*") == 0);
}

/* "ccaio,dma:*,swiotlb:*"; flags ("^traceoff") and memory ("@…") after the name are not ours */
static bool arms_all(char *list)
{
	const char *part = strsep(&list, ",");
	bool dma = false, swiotlb = false;

	if (strcmp(part, BOOT_INSTANCE) != 0)
		return false;
	while ((part = strsep(&list, ",")) != NULL) {
		dma |= is_whole(part, "dma");
		swiotlb |= is_whole(part, "swiotlb");
	}
	return dma && swiotlb;
}

bool boot_is_armed(const char *cmdline)
{
	char *copy = xstrdup(cmdline), *rest = copy, *word;
	bool armed = false;

	while (!armed && (word = strsep(&rest, " \t\n")) != NULL && strcmp(word, "--") != 0)
		if (strncmp(word, PARAMETER, strlen(PARAMETER)) == 0)
			armed = arms_all(word + strlen(PARAMETER));
	free(copy);
	return armed;
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
	if (is_claimed())
		return xstrdup("an earlier run of ccaio has read it; boot again for another one");
	if (!arming_system_is_on(instance, "dma") || !arming_system_is_on(instance, "swiotlb"))
		return xstrdup("its events have been switched off since");
	if (tracefs_trace_is_on(instance->files) != 1)
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
	instance_release(&instance);
	if (gone)
		*reason = xasprintf("the instance armed at boot cannot be used: %s", gone);
	free(gone);
	return *reason == NULL;
}
