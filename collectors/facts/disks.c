/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks: what the kernel counts of their requests (Linux Documentation/block/stat.rst). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/facts/state.h"
#include "lib/base/xalloc.h"

#define DISKS "/sys/block"

/* Has it a device behind it and requests (no layer upon other disks), and are they counted? */
static bool is_counted(const struct facts *facts, const char *name)
{
	return facts_exists(facts, DISKS "/%s/device", name) &&
	       facts_exists(facts, DISKS "/%s/mq", name) &&
	       facts_number(facts, 0, DISKS "/%s/queue/iostats", name) == 1;
}

static bool read_work(const struct facts *facts, const char *name, struct platform_work *work)
{
	char *text = facts_attr(facts, DISKS "/%s/stat", name);
	/* Discards came with Linux 4.18. */
	int n = text ? sscanf(text,
			      "%" SCNu64 " %*u %" SCNu64 " %*u %" SCNu64 " %*u %" SCNu64
			      " %*u %" SCNu64 " %*u %*u %" SCNu64 " %*u %" SCNu64,
			      &work->reads, &work->read_sectors, &work->writes,
			      &work->written_sectors, &work->in_flight, &work->discards,
			      &work->discarded_sectors)
		     : 0;

	free(text);
	return n >= 5;
}

/* "virtio0"; NULL where the disk is no virtio device's. */
static char *virtio_of(const struct facts *facts, const char *name)
{
	char *device = facts_link(facts, DISKS "/%s/device", name);

	if (device && strncmp(device, "virtio", strlen("virtio")) == 0)
		return device;
	free(device);
	return NULL;
}

/* The PCI function in the way to the disk, the last one; NULL where there is none. */
static char *device_of(const struct facts *facts, const struct platform *p, const char *name)
{
	char *path = facts_path(facts, DISKS "/%s", name), *real = realpath(path, NULL);
	const struct platform_pci *found = NULL;
	char *save = NULL;

	for (char *part = real ? strtok_r(real, "/", &save) : NULL; part;
	     part = strtok_r(NULL, "/", &save)) {
		const struct platform_pci *dev = platform_find_pci(p, part);

		found = dev ? dev : found;
	}
	free(real);
	free(path);
	return found ? xstrdup(found->name) : NULL;
}

static void read_partitions(const struct facts *facts, struct platform_disk *disk)
{
	size_t count;
	char **names = facts_list(facts, &count, DISKS "/%s", disk->name);

	disk->partitions = xcalloc(count, sizeof(*disk->partitions));
	for (size_t i = 0; i < count; i++) {
		char *number = facts_exists(facts, DISKS "/%s/%s/partition", disk->name, names[i])
				       ? facts_attr(facts, DISKS "/%s/%s/dev", disk->name, names[i])
				       : NULL;

		if (number)
			disk->partitions[disk->npartitions++] = number;
	}
	facts_free_list(names, count);
}

void facts_disks(struct facts *facts, struct platform *p)
{
	size_t count;
	char **names = facts_list(facts, &count, DISKS);

	p->disks = xcalloc(count, sizeof(*p->disks));
	for (size_t i = 0; i < count; i++) {
		char *number = is_counted(facts, names[i])
				       ? facts_attr(facts, DISKS "/%s/dev", names[i])
				       : NULL;

		if (number && *number) {
			struct platform_disk *disk = &p->disks[p->ndisks++];

			disk->name = xstrdup(names[i]);
			disk->number = number;
			disk->virtio = virtio_of(facts, disk->name);
			disk->device = device_of(facts, p, disk->name);
			read_partitions(facts, disk);
			number = NULL;
		}
		free(number);
	}
	facts_free_list(names, count);
}

/* Where it cannot be read both times, nothing is known. */
void facts_disks_count(struct facts *facts, struct platform *p, bool before)
{
	for (size_t i = 0; i < p->ndisks; i++) {
		struct platform_disk *disk = &p->disks[i];
		bool known = read_work(facts, disk->name, before ? &disk->before : &disk->after);

		disk->counted = known && (before || disk->counted);
	}
}
