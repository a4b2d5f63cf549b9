/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interfaces of virtio devices: what the kernel and the driver count of their packets. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/facts/state.h"
#include "lib/base/xalloc.h"

#define DEVICES "/sys/bus/virtio/devices"
#define VIRTIO_ID_NET 1
#define VIRTIO_NET_F_DEVICE_STATS 50 /* virtio 1.4, 5.1.3 "Feature bits" */

static uint32_t index_of(const struct facts *facts, const char *virtio, const char *name)
{
	uint64_t index = facts_number(facts, 0, DEVICES "/%s/net/%s/ifindex", virtio, name);

	return index <= INT32_MAX ? (uint32_t)index : 0;
}

void facts_net(struct facts *facts, struct platform *p)
{
	p->net = xcalloc(p->nvirtio, sizeof(*p->net));
	for (size_t i = 0; i < p->nvirtio; i++) {
		const struct platform_virtio *dev = &p->virtio[i];

		if (dev->device_id != VIRTIO_ID_NET || !dev->iface)
			continue;
		p->net[p->nnet++] = (struct platform_net){
			.name = xstrdup(dev->iface),
			.index = index_of(facts, dev->name, dev->iface),
			.virtio = xstrdup(dev->name),
		};
	}
}

/* Its line of /proc/net/dev (Linux net/core/net-procfs.c, dev_seq_printf_stats). */
static bool read_frames(const char *text, const char *name, struct platform_frames *f)
{
	size_t len = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		uint64_t rx[4], tx[4];

		line += strspn(line, " \n");
		if (strncmp(line, name, len) != 0 || line[len] != ':')
			continue;
		if (sscanf(line + len + 1,
			   "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
			   " %*u %*u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
			   &f->rx_bytes, &f->rx_packets, &rx[0], &f->rx_dropped, &rx[1], &rx[2],
			   &f->tx_bytes, &f->tx_packets, &tx[0], &f->tx_dropped) != 10)
			return false;
		tx[1] = tx[2] = 0; /* fifo; carrier is an error already */
		sscanf(line + len + 1, "%*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %" SCNu64,
		       &tx[1]);
		f->rx_errors = rx[0] + rx[1] + rx[2];
		f->tx_errors = tx[0] + tx[1];
		return true;
	}
	return false;
}

static void free_counters(struct platform_counter *counters, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(counters[i].name);
	free(counters);
}

/* Are packets of each queue among the driver's counters?  ("rx0_xdp_packets" are others.) */
static bool counts_queues(const struct platform_counter *counters, size_t count)
{
	static const char end[] = "_packets";

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(counters[i].name);

		if (len > sizeof(end) && !strstr(counters[i].name, "xdp") &&
		    strcmp(counters[i].name + len - (sizeof(end) - 1), end) == 0)
			return true;
	}
	return false;
}

/* All that the driver counts, by name (caller frees). */
static struct platform_counter *read_counters(const struct platform_net *net, size_t *count)
{
	struct platform_counter *counters = facts_ethtool(net->name, count), *more = NULL;
	size_t queues = 0;

	if (!counts_queues(counters, *count))
		more = facts_qstats(net->index, &queues);
	if (queues) {
		counters = xrealloc(counters, *count + queues, sizeof(*counters));
		memcpy(counters + *count, more, queues * sizeof(*more));
		*count += queues;
	}
	free(more);
	return counters;
}

/* Those that are there again, in the same order; another number of queues is another list. */
static void read_again(struct platform_net *net)
{
	size_t count;
	struct platform_counter *now = read_counters(net, &count);
	bool same = count == net->ncounters;

	for (size_t i = 0; i < count && same; i++)
		same = strcmp(now[i].name, net->counters[i].name) == 0;
	for (size_t i = 0; i < count && same; i++)
		net->counters[i].after = now[i].before;
	if (!same) {
		free_counters(net->counters, net->ncounters);
		net->counters = NULL;
		net->ncounters = 0;
	}
	free_counters(now, count);
}

/* Asked for these, the driver would ask the device, by DMA of the control queue: left alone. */
static bool asks_device(const struct platform *p, const char *virtio)
{
	for (size_t i = 0; i < p->nvirtio; i++)
		if (strcmp(p->virtio[i].name, virtio) == 0)
			return platform_virtio_feature(&p->virtio[i], VIRTIO_NET_F_DEVICE_STATS) !=
			       TRI_NO;
	return true;
}

/* What is not the same interface any more, or cannot be read both times, is not counted. */
void facts_net_count(struct facts *facts, struct platform *p, bool before)
{
	char *text = p->nnet ? facts_attr(facts, "/proc/net/dev") : NULL;

	for (size_t i = 0; i < p->nnet; i++) {
		struct platform_net *net = &p->net[i];
		struct platform_frames *f = before ? &net->before : &net->after;
		bool known = text && net->index &&
			     net->index == index_of(facts, net->virtio, net->name) &&
			     read_frames(text, net->name, f);

		f->interrupts = facts_virtio_interrupts(facts, net->virtio);
		net->looked = true;
		net->counted = known && (before || net->counted);
		/* a tree of files has no driver */
		if (facts->root[0] || asks_device(p, net->virtio))
			continue;
		if (before) {
			free_counters(net->counters, net->ncounters);
			net->counters = read_counters(net, &net->ncounters);
		} else {
			read_again(net);
		}
	}
	free(text);
}
