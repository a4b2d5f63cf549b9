/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tracefs/tracefs.h>
#include <unistd.h>

#include "collectors/tracefs/events.h"
#include "collectors/tracefs/instance.h"
#include "tests/unit/test.h"

/* Make path below dir, with its folders, hold text. */
static void put(int dir, const char *path, const char *text)
{
	char part[128];
	int fd;

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		mkdirat(dir, part, 0755);
	}
	fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* An instance in which two events and a probe were armed; then one file is changed. */
static void looked_again(const char *path_of, int dir, const char *path, const char *text, bool map,
			 bool unmap, bool probe)
{
	struct instance instance = { .files = tracefs_instance_alloc(path_of, NULL), .hold = -1 };
	struct arming arming = { 0 };

	put(dir, "set_event_pid", "");
	put(dir, "events/dma/dma_map_phys/enable", "1\n");
	put(dir, "events/dma/dma_map_phys/filter", "none\n");
	put(dir, "events/dma/dma_unmap_phys/enable", "1\n");
	put(dir, "events/dma/dma_unmap_phys/filter", "none\n");
	put(dir, "events/ccaio_7/tcp_tx/enable", "1\n");
	put(dir, "events/ccaio_7/tcp_tx/filter", "len > 0\n");
	if (path)
		put(dir, path, text);
	arming_on(&arming, "dma", "dma_map_phys");
	arming_on(&arming, "dma", "dma_unmap_phys");
	arming_on(&arming, "ccaio_7", "tcp_tx");
	arming_look_again(&arming, &instance);
	check(arming.altered[0] == map && arming.altered[1] == unmap && arming.altered[2] == probe);
	check(arming.nfailed == 0 && arming.nevents == 3);
	arming_release(&arming);
	tracefs_instance_free(instance.files);
}

int main(void)
{
	char template[] = "/tmp/test-tracefs-events.XXXXXX", *path = mkdtemp(template), *command;
	int dir = open(path, O_RDONLY | O_DIRECTORY);

	looked_again(path, dir, NULL, NULL, false, false, false);
	looked_again(path, dir, "events/dma/dma_map_phys/enable", "0\n", true, false, false);
	looked_again(path, dir, "events/dma/dma_map_phys/enable", "1*\n", true, false, false);
	looked_again(path, dir, "events/dma/dma_map_phys/filter", "size > 9\n", true, false, false);
	looked_again(path, dir, "events/dma/dma_unmap_phys/filter", "### bad ###\n", false, true,
		     false);
	looked_again(path, dir, "events/ccaio_7/tcp_tx/enable", "0\n", false, false, true);
	looked_again(path, dir, "set_event_pid", "1\n2\n", true, true, true);
	close(dir);
	if (asprintf(&command, "rm -r %s", path) > 0) {
		check(system(command) == 0);
		free(command);
	}
	return done();
}
