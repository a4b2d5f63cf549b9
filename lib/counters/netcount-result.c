/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * netcount-result - the counters' differences beside what events show.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/saturate.h"
#include "lib/counters/netcount-state.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/exchange/exchange.h"
#include "lib/net/flow.h"

#define LARGEST_FRAME 65550 /* IP's largest packet, and an Ethernet header */
#define LOOKS 4		    /* markers: two around each */

/* A counter, or the sum of several: by how much it moved. */
struct delta {
	const char *by; /* whose count it is */
	uint64_t before, after;
};

/* ---- the driver's own, queue by queue ---- */

/* Is it "tx_queue_0_packets", or "tx0_packets", for way "tx" and what "packets"? */
static bool is_queues(const char *name, const char *way, const char *what)
{
	size_t digits;

	if (strncmp(name, way, 2) != 0)
		return false;
	name += 2;
	name += strncmp(name, "_queue_", 7) == 0 ? 7 : 0;
	digits = strspn(name, "0123456789");
	return digits && name[digits] == '_' && strcmp(name + digits + 1, what) == 0;
}

/* The sum over all queues.  Returns how many there are. */
static size_t queues(const struct platform_net *net, const char *way, const char *what,
		     struct delta *sum)
{
	size_t n = 0;

	for (size_t i = 0; i < net->ncounters; i++) {
		const struct platform_counter *c = &net->counters[i];

		if (!is_queues(c->name, way, what))
			continue;
		sum->before += c->before;
		sum->after += c->after;
		n++;
	}
	return n;
}

/* Did a program of the driver's (XDP) handle packets?  It drops, sends and redirects them unseen.
 */
static bool handled_by_xdp(const struct platform_net *net)
{
	for (size_t i = 0; i < net->ncounters; i++)
		if (strstr(net->counters[i].name, "xdp") &&
		    net->counters[i].after != net->counters[i].before)
			return true;
	return false;
}

/* ---- the equations ---- */

/* unit: "packets"; spared: so much more may have been counted without being reported. */
static void check(struct exchanges *x, const char *what, const char *unit, const struct delta *m,
		  uint64_t surely, uint64_t at_most, uint64_t spared)
{
	uint64_t by = m->after - m->before;
	uint64_t upper = saturate_add(at_most, spared);
	char left[96], right[96];

	if (m->after < m->before) {
		snprintf(left, sizeof(left), "%s by the %s before", unit, m->by);
		sums_check(&x->sums, what, left, m->before, "after", m->after, false);
		return;
	}
	snprintf(left, sizeof(left), "%s by the %s", unit, m->by);
	if (surely == upper) {
		snprintf(right, sizeof(right), "%s in events", unit);
		sums_check(&x->sums, what, left, by, right, surely, by == surely);
		return;
	}
	snprintf(right, sizeof(right), "%s in events, those on their way at a look included", unit);
	sums_check(&x->sums, what, left, by, right, upper, by <= upper);
	snprintf(right, sizeof(right), "%s in events surely counted between the looks", unit);
	sums_check(&x->sums, what, right, surely, left, by, surely <= by);
}

/* What was received and counted, but handed to nobody: broken, or no memory for it. */
static uint64_t not_handed_on(const struct platform_net *net)
{
	const struct platform_frames *a = &net->before, *b = &net->after;
	uint64_t dropped = b->rx_dropped - a->rx_dropped, errors = b->rx_errors - a->rx_errors;

	/* going back they allow for nothing */
	dropped = b->rx_dropped < a->rx_dropped ? 0 : dropped;
	errors = b->rx_errors < a->rx_errors ? 0 : errors;
	return dropped + errors;
}

static void check_direction(struct exchanges *x, const struct netcount_iface *iface,
			    enum flow_dir dir)
{
	const struct platform_net *net = iface->net;
	const struct platform_frames *a = &net->before, *b = &net->after;
	const struct netcount_sums *surely = &iface->surely[dir], *most = &iface->at_most[dir];
	bool out = dir == FLOW_OUT;
	const char *way = out ? "tx" : "rx";
	uint64_t spared = out ? 0 : not_handed_on(net), spared_bytes;
	struct delta packets = { "interface's own count", out ? a->tx_packets : a->rx_packets,
				 out ? b->tx_packets : b->rx_packets };
	struct delta bytes = { "interface's own count", out ? a->tx_bytes : a->rx_bytes,
			       out ? b->tx_bytes : b->rx_bytes };
	struct delta by_queue = { "queues' own counts", 0, 0 };
	char what[128];

	if (__builtin_mul_overflow(spared, LARGEST_FRAME, &spared_bytes))
		spared_bytes = UINT64_MAX;
	snprintf(what, sizeof(what), "%.96s %s", net->name, out ? "out" : "in");
	check(x, what, "packets", &packets, surely->packets, most->packets, spared);
	check(x, what, "bytes", &bytes, surely->bytes, most->bytes, spared_bytes);
	if (queues(net, way, "packets", &by_queue))
		check(x, what, "packets", &by_queue, surely->packets, most->packets, spared);
	by_queue.before = by_queue.after = 0;
	if (queues(net, way, "bytes", &by_queue))
		check(x, what, "bytes", &by_queue, surely->bytes, most->bytes, spared_bytes);
}

static bool unmaps_told(const struct platform *p)
{
	return platform_event_on(p, "dma:dma_unmap_phys") ||
	       platform_event_on(p, "dma:dma_unmap_page") ||
	       platform_event_on(p, "ccaio:dma_unmap");
}

/* Why it cannot be compared; NULL: it can. */
static const char *doubt(const struct netcount *n, const struct netcount_iface *iface,
			 enum flow_dir dir)
{
	const struct platform *p = n->platform;

	if (n->marks != LOOKS)
		return "the trace does not say when they were read";
	if (handled_by_xdp(iface->net))
		return "an XDP program handled packets, which no event shows";
	if (n->too_many)
		return "too many mappings are live";
	if (dir == FLOW_IN)
		return platform_event_on(p, "net:napi_gro_receive_entry")
			       ? NULL
			       : "packets were not recorded as they arrived";
	if (!platform_event_on(p, "net:net_dev_start_xmit") ||
	    !platform_event_on(p, "net:net_dev_xmit"))
		return "packets that were sent were not recorded";
	if (!unmaps_told(p) || iface->unmapped_sends || !iface->seen)
		return "no event shows when its memory was given back";
	return NULL;
}

bool netcount_compared(const struct netcount *n, const char *name, int dir)
{
	for (size_t i = 0; i < n->nifaces; i++)
		if (strcmp(n->ifaces[i].net->name, name) == 0)
			return !doubt(n, &n->ifaces[i], dir);
	return false;
}

static bool moved(const struct platform_net *net, enum flow_dir dir)
{
	const struct platform_frames *a = &net->before, *b = &net->after;

	if (dir == FLOW_OUT)
		return a->tx_packets != b->tx_packets || a->tx_bytes != b->tx_bytes;
	return a->rx_packets != b->rx_packets || a->rx_bytes != b->rx_bytes;
}

static void tell_interrupts(struct exchanges *x, const struct platform_net *net)
{
	const struct platform_frames *a = &net->before, *b = &net->after;

	if (a->interrupts == PLATFORM_UNKNOWN || b->interrupts == PLATFORM_UNKNOWN ||
	    b->interrupts < a->interrupts)
		return;
	exchanges_note(x,
		       "%s: %" PRIu64 " interrupts of its virtqueues for %" PRIu64
		       " packets out and %" PRIu64 " in, by its own count",
		       net->name, b->interrupts - a->interrupts, b->tx_packets - a->tx_packets,
		       b->rx_packets - a->rx_packets);
}

void netcount_result(const struct netcount *n, struct exchanges *x)
{
	static const char *const dirs[2] = { "out", "in" };

	for (size_t i = 0; n->platform && i < n->platform->nnet; i++)
		if (n->platform->net[i].looked && !n->platform->net[i].counted)
			exchanges_note(x,
				       "%s: its own counters could not be read both before and "
				       "after, or it is not the same interface any more",
				       n->platform->net[i].name);
	for (size_t i = 0; i < n->nifaces; i++) {
		const struct netcount_iface *iface = &n->ifaces[i];

		for (int dir = 0; dir < 2; dir++) {
			const char *why = doubt(n, iface, dir);

			if (!why && (moved(iface->net, dir) || iface->surely[dir].packets))
				check_direction(x, iface, dir);
			else if (why && moved(iface->net, dir))
				exchanges_note(x,
					       "%s %s: its own counters cannot be compared from "
					       "both sides: %s",
					       iface->net->name, dirs[dir], why);
		}
		if (moved(iface->net, FLOW_OUT) || moved(iface->net, FLOW_IN))
			tell_interrupts(x, iface->net);
	}
}
