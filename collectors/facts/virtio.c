/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio devices: features, status, whom they belong to, and whether they work. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/facts/state.h"
#include "lib/base/xalloc.h"

#define DEVICES "/sys/bus/virtio/devices"

/* Path below the root of the folder that holds the device: its parent's. */
static char *parent_path(struct facts *facts, const char *name)
{
	char *link = facts_path(facts, DEVICES "/%s", name);
	char *real = realpath(link, NULL), *slash = real ? strrchr(real, '/') : NULL;

	free(link);
	if (slash)
		*slash = '\0';
	return real;
}

static char *link_below(const char *dir, const char *name)
{
	const struct facts nowhere = { .root = (char *)"" };

	return facts_link(&nowhere, "%s/%s", dir, name);
}

/* "pci", "mmio", or the parent's bus as the kernel calls it. */
static char *transport(const char *parent)
{
	char *bus = link_below(parent, "subsystem"), *driver = link_below(parent, "driver");

	if (bus && driver && strcmp(bus, "platform") == 0 && strcmp(driver, "virtio-mmio") == 0) {
		free(bus);
		bus = xstrdup("mmio");
	}
	free(driver);
	return bus;
}

static char *first_below(struct facts *facts, const char *name, const char *folder)
{
	size_t count;
	char **names = facts_list(facts, &count, DEVICES "/%s/%s", name, folder);
	char *first = count > 0 ? xstrdup(names[0]) : NULL;

	facts_free_list(names, count);
	return first;
}

static uint64_t add(uint64_t sum, uint64_t more)
{
	if (more == PLATFORM_UNKNOWN)
		return sum;
	return sum == PLATFORM_UNKNOWN ? more : sum + more;
}

static uint64_t net_packets(struct facts *facts, const char *name)
{
	static const char *const counters[] = { "rx_packets", "tx_packets" };
	uint64_t sum = PLATFORM_UNKNOWN;
	size_t count;
	char **ifaces = facts_list(facts, &count, DEVICES "/%s/net", name);

	for (size_t i = 0; i < 2 * count; i++)
		sum = add(sum,
			  facts_number(facts, PLATFORM_UNKNOWN, DEVICES "/%s/net/%s/statistics/%s",
				       name, ifaces[i / 2], counters[i % 2]));
	facts_free_list(ifaces, count);
	return sum;
}

/* Sectors read, written and discarded, and flushes (Linux Documentation/block/stat.rst). */
static uint64_t disk_work(struct facts *facts, const char *name, const char *disk)
{
	char *text = facts_attr(facts, DEVICES "/%s/block/%s/stat", name, disk), *save = NULL;
	uint64_t sum = PLATFORM_UNKNOWN;
	unsigned int column = 0;

	for (char *word = text ? strtok_r(text, " \n", &save) : NULL; word;
	     word = strtok_r(NULL, " \n", &save), column++) {
		if (column == 2 || column == 6 || column == 13 || column == 15)
			sum = add(sum, strtoull(word, NULL, 10));
	}
	free(text);
	return sum;
}

static uint64_t disks_work(struct facts *facts, const char *name)
{
	uint64_t sum = PLATFORM_UNKNOWN;
	size_t count;
	char **disks = facts_list(facts, &count, DEVICES "/%s/block", name);

	for (size_t i = 0; i < count; i++)
		sum = add(sum, disk_work(facts, name, disks[i]));
	facts_free_list(disks, count);
	return sum;
}

/* Is word "virtio0", or "virtio0-…" but not the interrupt for a changed configuration? */
static bool names_queue_of(const char *word, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(word, name, len) != 0)
		return false;
	return word[len] == '\0' || word[len] == ',' ||
	       (word[len] == '-' && strncmp(word + len, "-config", 7) != 0);
}

/* One line of /proc/interrupts: "31:  12  0  GICv2m-PCI-MSIX … Edge  virtio2-input". */
static uint64_t line_interrupts(char *line, const char *name)
{
	char *save = NULL, *word = strtok_r(line, " ", &save), *end;
	uint64_t sum = 0;
	bool counts = true, ours = false;

	while ((word = strtok_r(NULL, " ", &save))) {
		uint64_t number = strtoull(word, &end, 10);

		counts = counts && *end == '\0';
		sum += counts ? number : 0;
		ours |= !counts && names_queue_of(word, name);
	}
	return ours ? sum : PLATFORM_UNKNOWN;
}

uint64_t facts_virtio_interrupts(struct facts *facts, const char *name)
{
	char *text = facts_attr(facts, "/proc/interrupts"), *save = NULL;
	uint64_t sum = PLATFORM_UNKNOWN;

	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		sum = add(sum, line_interrupts(line, name));
	free(text);
	return sum;
}

uint64_t facts_virtio_activity(struct facts *facts, const char *name)
{
	uint64_t sum = add(net_packets(facts, name), disks_work(facts, name));

	return sum == PLATFORM_UNKNOWN ? facts_virtio_interrupts(facts, name) : sum;
}

static void read_device(struct facts *facts, const char *name, struct platform_virtio *dev)
{
	char *parent = parent_path(facts, name), *slash = parent ? strrchr(parent, '/') : NULL;
	uint64_t id = facts_number(facts, 0, DEVICES "/%s/device", name);
	uint64_t status = facts_number(facts, PLATFORM_NO_STATUS, DEVICES "/%s/status", name);

	dev->name = xstrdup(name);
	dev->device_id = id <= UINT32_MAX ? (uint32_t)id : 0;
	dev->status = status < PLATFORM_NO_STATUS ? (uint32_t)status : PLATFORM_NO_STATUS;
	dev->features = facts_attr(facts, DEVICES "/%s/features", name);
	dev->driver = facts_link(facts, DEVICES "/%s/driver", name);
	dev->parent = slash ? xstrdup(slash + 1) : NULL;
	dev->bus = parent ? transport(parent) : NULL;
	dev->iface = first_below(facts, name, "net");
	if (!dev->iface)
		dev->iface = first_below(facts, name, "block");
	dev->activity_before = PLATFORM_UNKNOWN;
	dev->activity_after = PLATFORM_UNKNOWN;
	free(parent);
}

void facts_virtio(struct facts *facts, struct platform *p)
{
	size_t count;
	char **names = facts_list(facts, &count, DEVICES);

	/* no virtio bus in a kernel that has buses: no virtio device */
	p->virtio_listed = facts_exists(facts, "/sys/bus");
	p->virtio = xcalloc(count, sizeof(*p->virtio));
	for (size_t i = 0; i < count; i++)
		read_device(facts, names[i], &p->virtio[p->nvirtio++]);
	facts_free_list(names, count);
}
