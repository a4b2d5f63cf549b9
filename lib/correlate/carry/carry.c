/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/correlate/carry/state.h"
#include "lib/evidence/platform.h"
#include "lib/exchange/owners.h"

#define VIRTIO_ID_NET 1
#define DEFAULT_HEADER 12

struct carry *carry_new(const struct names *names, const struct platform *platform,
			struct owners *owners, const struct carry_ops *ops, void *ctx)
{
	struct carry *c = xcalloc(1, sizeof(*c));

	c->names = names;
	c->platform = platform;
	c->owners = owners;
	c->ops = *ops;
	c->ctx = ctx;
	return c;
}

void carry_finish(struct carry *c)
{
	carry_rx_finish(c);
}

void carry_free(struct carry *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CARRY_CPUS; i++) {
		for (size_t b = 0; c->cpus[i] && b < BUFFERS_OF_CPU; b++)
			free(c->cpus[i]->buffers[b]);
		free(c->cpus[i]);
	}
	for (size_t i = 0; i < CARRY_HELD; i++)
		free(c->held[i].packet_dma.dma);
	free(c);
}

struct carry_cpu *carry_cpu(struct carry *c, unsigned int cpu)
{
	if (cpu >= CARRY_CPUS)
		return NULL;
	if (!c->cpus[cpu])
		c->cpus[cpu] = xcalloc(1, sizeof(*c->cpus[cpu]));
	if (cpu >= c->ncpus)
		c->ncpus = cpu + 1;
	return c->cpus[cpu];
}

/* The platform knows interfaces by name; names of devices are entered by the events only. */
static uint16_t told_device(const struct carry *c, uint16_t iface)
{
	const char *name = names_get(c->names, iface);

	for (size_t i = 0; c->platform && i < c->platform->nvirtio; i++) {
		const struct platform_virtio *v = &c->platform->virtio[i];

		if (v->device_id == VIRTIO_ID_NET && v->iface && v->parent &&
		    strcmp(v->iface, name) == 0)
			return names_find(c->names, v->parent);
	}
	return 0;
}

struct carry_device *carry_iface(struct carry *c, uint16_t iface)
{
	struct carry_device *d = NULL;

	for (size_t i = 0; i < c->ndevices && !d; i++)
		if (c->devices[i].iface == iface)
			d = &c->devices[i];
	if (!d && c->ndevices < CARRY_DEVICES) {
		d = &c->devices[c->ndevices++];
		d->iface = iface;
	}
	if (d && !d->device)
		d->device = told_device(c, iface);
	return d;
}

struct carry_device *carry_dma_device(const struct carry *c, uint16_t device)
{
	for (size_t i = 0; device && i < c->ndevices; i++)
		if (c->devices[i].device == device)
			return (struct carry_device *)&c->devices[i];
	return NULL;
}

uint16_t carry_device(const struct carry *c, uint16_t iface)
{
	for (size_t i = 0; i < c->ndevices; i++)
		if (c->devices[i].iface == iface)
			return c->devices[i].device;
	return told_device(c, iface);
}

bool carry_is_net(const struct carry *c, uint16_t device)
{
	const struct platform_virtio *v;

	if (carry_dma_device(c, device))
		return true;
	v = c->platform ? platform_find_virtio(c->platform, names_get(c->names, device)) : NULL;
	return v && v->device_id == VIRTIO_ID_NET;
}

bool carry_in_bytes(const struct carry *c, uint16_t device)
{
	const struct platform_virtio *v =
		c->platform ? platform_find_virtio(c->platform, names_get(c->names, device)) : NULL;

	return device && v && v->device_id != VIRTIO_ID_NET;
}

bool carry_is_foreign(const struct carry *c, uint16_t device)
{
	const char *name = names_get(c->names, device);
	const struct platform_pci *pci;

	if (!device || !c->platform || !c->platform->virtio_listed ||
	    platform_find_virtio(c->platform, name))
		return false;
	pci = platform_find_pci(c->platform, name);
	return pci && !platform_pci_is_virtio(pci);
}

unsigned int carry_header(const struct carry *c, uint16_t device)
{
	const struct carry_device *d = carry_dma_device(c, device);

	if (d && d->header)
		return d->header;
	return carry_in_bytes(c, device) || carry_is_foreign(c, device) ? 0 : DEFAULT_HEADER;
}

bool carry_unmaps(const struct carry *c, uint16_t device)
{
	const struct carry_device *d = carry_dma_device(c, device);

	return d && d->unmaps && !d->syncs;
}

bool carry_in_pool(const struct carry *c, uint64_t dma)
{
	if (!c->platform || dma == EVENT_NO_ADDR)
		return false;
	dma &= ~c->platform->realm.shared_bit;
	for (size_t i = 0; i < c->platform->swiotlb.npools; i++)
		if (range_contains(&c->platform->swiotlb.pools[i].range, dma, 1))
			return true;
	return false;
}

void carry_set_socket(struct carry *c, struct packet_dma *out, uint64_t socket, enum grade grade)
{
	const struct owner_socket *s = owners_socket(c->owners, socket);

	out->socket = socket;
	out->socket_grade = (uint8_t)grade;
	out->conn = OWNERS_NO_CONN;
	out->key_known = false;
	if (s && s->key_known) {
		out->key = s->key;
		out->key_known = true;
		out->conn = s->conn;
	}
}

void carry_event(struct carry *c, const struct event *e)
{
	switch (e->kind) {
	case EVENT_TCP_TX:
		carry_tcp_tx(c, e);
		break;
	case EVENT_NET_XMIT_START:
		carry_xmit_start(c, e);
		break;
	case EVENT_NET_XMIT:
		carry_xmit(c, e);
		break;
	case EVENT_BOUNCE:
		carry_bounce(c, e);
		break;
	case EVENT_MAP:
		if (e->dma != EVENT_NO_ADDR && e->dir != EVENT_FROM_DEVICE)
			carry_tx_map(c, e);
		break;
	case EVENT_SYNC_CPU:
	case EVENT_UNMAP:
		if (e->dir == EVENT_FROM_DEVICE)
			carry_buffer(c, e);
		break;
	case EVENT_NET_RX:
		carry_net_rx(c, e);
		break;
	case EVENT_NET_ENTER:
		carry_net_enter(c, e);
		break;
	case EVENT_NET_MERGE:
		carry_net_merge(c, e);
		break;
	case EVENT_TCP_RX:
		carry_tcp_rx(c, e);
		break;
	case EVENT_VQ_ADD:
		carry_vq_add(c, e);
		break;
	case EVENT_VQ_KICK:
		carry_vq_kick(c, e);
		break;
	default:
		break;
	}
}
