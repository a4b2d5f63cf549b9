/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the virtio bus to its devices and their virtqueues. */
#include <ctype.h>
#include <string.h>

#include "collectors/memory/state.h"
#include "lib/base/xalloc.h"

#define BUSES_MAX 1024
#define NAME_BYTES 64
#define VIRTIO_F_RING_PACKED 34

/* A name that the kernel points to; NULL where there is none. */
static char *read_name(const struct taking *t, uint64_t pointer)
{
	uint64_t address = memory_u64(t, pointer);
	char name[NAME_BYTES] = "";
	size_t len = 0;

	if (!address)
		return NULL;
	if (!core_read(t->core, address, name, sizeof(name) - 1)) {
		while (len < sizeof(name) - 1 && core_read(t->core, address + len, &name[len], 1) &&
		       name[len])
			len++;
	}
	name[sizeof(name) - 1] = '\0';
	for (char *c = name; *c; c++) {
		if (!isgraph((unsigned char)*c))
			*c = '?';
	}
	return name[0] ? xstrdup(name) : NULL;
}

/* The subsys_private of the virtio bus, or 0. */
static uint64_t find_bus(const struct taking *t)
{
	uint64_t kset = memory_u64(t, t->symbols->bus_kset);
	uint64_t head = kset + t->at.kset_list, at = kset ? memory_u64(t, head) : 0;

	for (int i = 0; i < BUSES_MAX && at && at != head; i++, at = memory_u64(t, at)) {
		uint64_t subsys = at - t->at.subsys_entry;

		if (memory_u64(t, subsys + t->at.subsys_bus) == t->symbols->virtio_bus)
			return subsys;
	}
	return 0;
}

static void read_queue(struct taking *t, uint64_t vring, struct snapshot_device *d)
{
	uint8_t image[1024] = { 0 };
	struct snapshot_queue *q;
	uint64_t vq = vring + t->at.vring_vq;

	if (!core_read(t->core, vring, image, t->at.vring_size)) {
		memory_trouble(t, "a virtqueue of %s cannot be read", d->name);
		return;
	}
	XGROW(d->queues, d->nqueues, d->cap);
	q = &d->queues[d->nqueues++];
	*q = (struct snapshot_queue){ .name = read_name(t, vq + t->at.vq_name) };
	q->index = at_u32(image, t->at.vring_vq + t->at.vq_index);
	q->dma_api = image[t->at.use_api] ? TRI_YES : TRI_NO;
	q->packed = t->at.packed_ring >= 0 ? image[t->at.packed_ring]
					   : d->features >> VIRTIO_F_RING_PACKED & 1;
	if (q->packed)
		memory_packed(t, image, vring, q);
	else
		memory_split(t, image, vring, q);
}

static void read_queues(struct taking *t, uint64_t vdev, struct snapshot_device *d)
{
	uint64_t head = vdev + t->at.vdev_vqs, at = memory_u64(t, head);

	for (; at != head; at = memory_u64(t, at)) {
		if (!at || d->nqueues == SNAPSHOT_QUEUES) {
			memory_trouble(t, "the list of the virtqueues of %s has no end", d->name);
			return;
		}
		read_queue(t, at - t->at.vq_list - t->at.vring_vq, d);
	}
}

/* A pool of its own (restricted-dma-pool): read once, whoever uses it. */
static void note_pool(struct taking *t, uint64_t device)
{
	uint64_t pool = t->at.device_pool >= 0 ? memory_u64(t, device + t->at.device_pool) : 0;

	if (!pool || pool == t->symbols->pool || t->nown_pools == SNAPSHOT_POOLS)
		return;
	for (size_t i = 0; i < t->nown_pools; i++) {
		if (t->own_pools[i] == pool)
			return;
	}
	t->own_pools[t->nown_pools++] = pool;
}

static void read_device(struct taking *t, uint64_t device)
{
	uint64_t vdev = device - t->at.vdev_dev;
	uint64_t parent = memory_u64(t, device + t->at.device_parent);
	char *name = read_name(t, device + t->at.device_name);
	struct snapshot_device *d;

	if (!name) {
		memory_trouble(t, "a virtio device without a name");
		return;
	}
	XGROW(t->s->devices, t->s->ndevices, t->s->devices_cap);
	d = &t->s->devices[t->s->ndevices++];
	*d = (struct snapshot_device){ .name = name };
	d->features = memory_u64(t, vdev + t->at.vdev_features);
	if (parent) {
		d->parent = read_name(t, parent + t->at.device_name);
		note_pool(t, parent);
	}
	read_queues(t, vdev, d);
}

void memory_virtio(struct taking *t)
{
	uint64_t bus = find_bus(t), head, at;

	if (!bus) {
		memory_trouble(t, "the virtio bus is not among the kernel's buses");
		return;
	}
	head = bus + t->at.subsys_devices;
	for (at = memory_u64(t, head); at != head; at = memory_u64(t, at)) {
		uint64_t device;

		if (!at || t->s->ndevices == SNAPSHOT_DEVICES) {
			memory_trouble(t, "the list of virtio devices has no end");
			return;
		}
		device = memory_u64(t, at - t->at.private_node + t->at.private_device);
		if (device)
			read_device(t, device);
	}
}
