/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One network interface, its counters, and streams that tell of it. */
#ifndef CCAIO_TESTS_UNIT_NETCOUNT_FIXTURE_H
#define CCAIO_TESTS_UNIT_NETCOUNT_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/counters/netcount.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/exchange/exchange.h"
#include "lib/net/flow.h"
#include "tests/unit/counted.h"

#define HEADER 12

/* One interface, its counters, and a stream that tells of it. */
struct run {
	struct names *names;
	struct platform *p;
	struct platform_net *net;
	struct netcount *n;
	uint64_t next; /* skb and DMA address of the next frame */
	uint16_t cpu;
};

static inline uint16_t name(struct run *r, const char *text)
{
	return names_intern(r->names, text, strlen(text));
}

static inline void begin_on(struct run *r, const char *release)
{
	static const char *const events[] = { "net:net_dev_start_xmit", "net:net_dev_xmit",
					      "dma:dma_unmap_phys", "net:napi_gro_receive_entry" };

	*r = (struct run){ .names = names_new(), .p = platform_new(), .next = 0x1000 };
	r->p->kernel.release = xstrdup(release);
	recorded(r->p, events, sizeof(events) / sizeof(events[0]));
	only_virtio(r->p, "virtio0", "0000:00:01.0");
	r->p->net = xcalloc(1, sizeof(*r->p->net));
	r->p->nnet = 1;
	r->net = &r->p->net[0];
	*r->net = (struct platform_net){ .name = xstrdup("eth0"),
					 .virtio = xstrdup("virtio0"),
					 .looked = true,
					 .counted = true };
	r->net->before.interrupts = r->net->after.interrupts = PLATFORM_UNKNOWN;
	r->n = netcount_new(r->names, r->p);
}

static inline void begin(struct run *r)
{
	begin_on(r, "7.2.13-arm64");
}

static inline void put(struct run *r, struct event e)
{
	e.cpu = r->cpu;
	netcount_event(r->n, &e);
}

static inline void mark(struct run *r)
{
	put(r, (struct event){ .kind = EVENT_MARK, .aux = EVENT_MARK_COUNT, .link = NONCE });
}

/* The counters are read, and nothing happens meanwhile. */
static inline void look(struct run *r)
{
	mark(r);
	mark(r);
}

/* One transmission of several transfers; returns the first one's address. */
static inline uint64_t sent_as(struct run *r, uint64_t bytes, unsigned int maps, uint32_t rc)
{
	uint64_t skb = r->next += 0x1000;

	put(r, (struct event){ .kind = EVENT_NET_XMIT_START,
			       .link = skb,
			       .size = bytes,
			       .dev = name(r, "eth0") });
	for (unsigned int i = 0; i < maps; i++)
		put(r, (struct event){ .kind = EVENT_MAP,
				       .dma = skb + i,
				       .size = bytes + HEADER,
				       .dir = EVENT_TO_DEVICE,
				       .dev = name(r, "0000:00:01.0") });
	put(r, (struct event){ .kind = EVENT_NET_XMIT,
			       .link = skb,
			       .size = bytes,
			       .aux = rc,
			       .dev = name(r, "eth0") });
	return skb;
}

static inline uint64_t sent(struct run *r, uint64_t bytes)
{
	return sent_as(r, bytes, 1, 0);
}

static inline void back(struct run *r, uint64_t dma, uint64_t bytes)
{
	put(r, (struct event){ .kind = EVENT_UNMAP,
			       .dma = dma,
			       .size = bytes + HEADER,
			       .dir = EVENT_TO_DEVICE,
			       .dev = name(r, "0000:00:01.0") });
}

/* A frame of so many bytes came in. */
static inline void got(struct run *r, uint64_t bytes)
{
	put(r,
	    (struct event){ .kind = EVENT_NET_ENTER, .size = bytes - 14, .dev = name(r, "eth0") });
}

/* A task of this CPU runs. */
static inline void task(struct run *r)
{
	put(r, (struct event){ .kind = EVENT_SOCK_SEND });
}

static inline struct exchanges *end(struct run *r)
{
	struct exchanges *x = exchanges_new();

	netcount_result(r->n, x);
	netcount_free(r->n);
	platform_free(r->p);
	names_free(r->names);
	return x;
}

static inline void quiet_looks(struct run *r)
{
	back(r, sent(r, 100), 100);
	look(r);
	back(r, sent(r, 100), 100);
	back(r, sent_as(r, 100, 5, 0), 100); /* in several transfers */
	look(r);
	back(r, sent(r, 100), 100);
}

/* Another CPU takes two frames back. */
static inline void poll_of_two(struct run *r)
{
	uint64_t first, second;

	r->cpu = 1;
	first = sent(r, 100);
	second = sent(r, 100);
	back(r, first, 100);
	back(r, second, 100);
}

/* The same, and then that CPU reported something that is in no poll. */
static inline void polls_over(struct run *r)
{
	for (int n = 0; n < 2; n++) {
		poll_of_two(r);
		task(r);
		r->cpu = 0;
		look(r);
	}
}

#endif
