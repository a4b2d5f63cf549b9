/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/event.h"
#include "lib/exchange.h"
#include "lib/flow.h"
#include "lib/names.h"
#include "lib/netcount.h"
#include "lib/platform.h"
#include "lib/xalloc.h"
#include "tests/unit/test.h"

#define NONCE 0x1234
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

static uint16_t name(struct run *r, const char *text)
{
	return names_intern(r->names, text, strlen(text));
}

static void begin_on(struct run *r, const char *release)
{
	static const char *const events[] = { "net:net_dev_start_xmit", "net:net_dev_xmit",
					      "dma:dma_unmap_phys", "net:napi_gro_receive_entry" };
	const size_t nevents = sizeof(events) / sizeof(events[0]);

	*r = (struct run){ .names = names_new(), .p = platform_new(), .next = 0x1000 };
	r->p->kernel.release = xstrdup(release);
	r->p->trace.nonce = NONCE;
	r->p->trace.events = xcalloc(nevents, sizeof(char *));
	for (size_t i = 0; i < nevents; i++)
		r->p->trace.events[r->p->trace.nevents++] = xstrdup(events[i]);
	r->p->virtio = xcalloc(1, sizeof(*r->p->virtio));
	r->p->nvirtio = 1;
	r->p->virtio[0].name = xstrdup("virtio0");
	r->p->virtio[0].parent = xstrdup("0000:00:01.0");
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

static void begin(struct run *r)
{
	begin_on(r, "7.2.13-arm64");
}

static void put(struct run *r, struct event e)
{
	e.cpu = r->cpu;
	netcount_event(r->n, &e);
}

static void mark(struct run *r)
{
	put(r, (struct event){ .kind = EVENT_MARK, .aux = EVENT_MARK_COUNT, .link = NONCE });
}

/* One transmission of several transfers; returns the first one's address. */
static uint64_t sent_as(struct run *r, uint64_t bytes, unsigned int maps, uint32_t rc)
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

static uint64_t sent(struct run *r, uint64_t bytes)
{
	return sent_as(r, bytes, 1, 0);
}

static void back(struct run *r, uint64_t dma, uint64_t bytes)
{
	put(r, (struct event){ .kind = EVENT_UNMAP,
			       .dma = dma,
			       .size = bytes + HEADER,
			       .dir = EVENT_TO_DEVICE,
			       .dev = name(r, "0000:00:01.0") });
}

/* A frame of so many bytes came in. */
static void got(struct run *r, uint64_t bytes)
{
	put(r,
	    (struct event){ .kind = EVENT_NET_ENTER, .size = bytes - 14, .dev = name(r, "eth0") });
}

/* A task of this CPU runs. */
static void task(struct run *r)
{
	put(r, (struct event){ .kind = EVENT_SOCK_SEND });
}

static struct exchanges *end(struct run *r)
{
	struct exchanges *x = exchanges_new();

	netcount_result(r->n, x);
	netcount_free(r->n);
	platform_free(r->p);
	names_free(r->names);
	return x;
}

static bool all_hold(const struct exchanges *x)
{
	for (size_t i = 0; i < x->nchecks; i++)
		if (!x->checks[i].ok)
			return false;
	return x->nchecks > 0;
}

static bool receives; /* the streams tell of what came in */
static bool spare;    /* a frame was dropped, and another was broken */

static bool packets_hold(const struct exchanges *x)
{
	size_t n = 0;

	for (size_t i = 0; i < x->nchecks; i++) {
		if (strncmp(x->checks[i].left_name, "packets", 7) != 0 ||
		    strcmp(x->checks[i].what, receives ? "eth0 in" : "eth0 out") != 0)
			continue;
		if (!x->checks[i].ok)
			return false;
		n++;
	}
	return n > 0;
}

/* Does the count of so many packets that were sent agree with this stream? */
static bool agrees(void (*stream)(struct run *r), uint64_t packets)
{
	struct exchanges *x;
	struct run r;
	bool ok;

	begin(&r);
	r.net->before.tx_packets = r.net->before.rx_packets = 7;
	r.net->after.tx_packets = r.net->after.rx_packets = 7;
	*(receives ? &r.net->after.rx_packets : &r.net->after.tx_packets) += packets;
	r.net->after.rx_dropped = receives && spare ? 1 : 0;
	r.net->after.rx_errors = receives && spare ? 1 : 0;
	stream(&r);
	x = end(&r);
	ok = packets_hold(x);
	exchanges_free(x);
	return ok;
}

/* It is so many, or from least to most, that the events allow. */
static bool allows(void (*stream)(struct run *r), uint64_t least, uint64_t most)
{
	bool ok = !agrees(stream, most + 1) && (least == 0 || !agrees(stream, least - 1));

	for (uint64_t n = least; n <= most; n++)
		ok = ok && (n == 0 || agrees(stream, n));
	return ok;
}

static void quiet_looks(struct run *r)
{
	back(r, sent(r, 100), 100);
	mark(r), mark(r);
	back(r, sent(r, 100), 100);
	back(r, sent_as(r, 100, 5, 0), 100); /* in several transfers */
	mark(r), mark(r);
	back(r, sent(r, 100), 100);
}

static void on_its_way(struct run *r)
{
	uint64_t early = sent(r, 100), late;

	mark(r), mark(r);
	back(r, early, 100);
	late = sent(r, 100);
	mark(r), mark(r);
	back(r, late, 100);
}

static void during_the_looks(struct run *r)
{
	uint64_t first = sent(r, 100), last;

	mark(r);
	back(r, first, 100);
	mark(r);
	back(r, sent(r, 100), 100);
	last = sent(r, 100);
	mark(r);
	back(r, last, 100);
	mark(r);
}

/* Another CPU takes two frames back. */
static void poll_of_two(struct run *r)
{
	uint64_t first, second;

	r->cpu = 1;
	first = sent(r, 100);
	second = sent(r, 100);
	back(r, first, 100);
	back(r, second, 100);
}

/* It did just before each look, and no more was heard of it. */
static void polls_under_way(struct run *r)
{
	for (int look = 0; look < 2; look++) {
		poll_of_two(r);
		r->cpu = 0;
		mark(r), mark(r);
	}
}

/* The same, and then that CPU told something that is in no poll. */
static void polls_over(struct run *r)
{
	for (int look = 0; look < 2; look++) {
		poll_of_two(r);
		task(r);
		r->cpu = 0;
		mark(r), mark(r);
	}
}

/* Whatever it sends next ends what it took back before. */
static void sent_afterwards(struct run *r)
{
	mark(r), mark(r);
	r->cpu = 1;
	back(r, sent(r, 100), 100);
	sent(r, 100);
	r->cpu = 0;
	mark(r), mark(r);
}

/* The same of a transmission that is not over at the look. */
static void sending_meanwhile(struct run *r)
{
	mark(r), mark(r);
	poll_of_two(r);
	put(r, (struct event){ .kind = EVENT_NET_XMIT_START, .link = 1, .dev = name(r, "lo") });
	r->cpu = 0;
	mark(r), mark(r);
}

static void refused(struct run *r)
{
	mark(r), mark(r);
	back(r, sent_as(r, 100, 1, 16), 100);
	back(r, sent(r, 100), 100);
	mark(r), mark(r);
}

/* Taken back within its own transmission: it failed, or the device was fast. */
static void within_its_own(struct run *r)
{
	mark(r), mark(r);
	back(r, sent(r, 100), 100);
	put(r,
	    (struct event){
		    .kind = EVENT_NET_XMIT_START, .link = 9, .size = 100, .dev = name(r, "eth0") });
	put(r, (struct event){ .kind = EVENT_MAP,
			       .dma = 9,
			       .size = 112,
			       .dir = EVENT_TO_DEVICE,
			       .dev = name(r, "0000:00:01.0") });
	back(r, 9, 100);
	put(r, (struct event){ .kind = EVENT_NET_XMIT, .link = 9, .dev = name(r, "eth0") });
	mark(r), mark(r);
}

/* Mapped before the recording began: a frame, or a part of one. */
static void of_earlier(struct run *r)
{
	mark(r), mark(r);
	back(r, 0x77, 100);
	back(r, sent(r, 100), 100);
	mark(r), mark(r);
}

/* A command to the device: too short for a frame. */
static void control_queue(struct run *r)
{
	mark(r), mark(r);
	put(r, (struct event){ .kind = EVENT_MAP,
			       .dma = 0x55,
			       .size = 2,
			       .dir = EVENT_TO_DEVICE,
			       .dev = name(r, "0000:00:01.0") });
	back(r, 0x55, 2);
	back(r, sent(r, 100), 100);
	mark(r), mark(r);
}

/* Other interfaces and devices, loopback, received buffers: of no account. */
static void others(struct run *r)
{
	mark(r), mark(r);
	put(r, (struct event){ .kind = EVENT_NET_XMIT_START, .link = 1, .dev = name(r, "lo") });
	put(r, (struct event){ .kind = EVENT_NET_XMIT, .link = 1, .dev = name(r, "lo") });
	put(r, (struct event){ .kind = EVENT_UNMAP,
			       .dma = 3,
			       .dir = EVENT_TO_DEVICE,
			       .dev = name(r, "0000:00:02.0") });
	put(r, (struct event){ .kind = EVENT_UNMAP,
			       .dma = 4,
			       .dir = EVENT_FROM_DEVICE,
			       .dev = name(r, "0000:00:01.0") });
	put(r, (struct event){ .kind = EVENT_MARK, .aux = EVENT_MARK_COUNT, .link = NONCE + 1 });
	back(r, sent(r, 100), 100);
	mark(r), mark(r);
}

/* Thousands live at once, given back in another order. */
static void many(struct run *r)
{
	uint64_t dma[3000];

	mark(r), mark(r);
	for (int i = 0; i < 3000; i++)
		dma[i] = sent(r, 100);
	for (int i = 0; i < 3000; i++)
		back(r, dma[(i * 7) % 3000], 100);
	mark(r), mark(r);
}

static void sending(void)
{
	check(allows(quiet_looks, 2, 2));
	check(allows(on_its_way, 1, 1));
	check(allows(during_the_looks, 1, 3));
	check(allows(polls_under_way, 0, 4));
	check(allows(polls_over, 2, 2));
	check(allows(sent_afterwards, 1, 1));
	check(allows(sending_meanwhile, 2, 2));
	check(allows(refused, 1, 1));
	check(allows(within_its_own, 1, 2));
	check(allows(of_earlier, 1, 2));
	check(allows(control_queue, 1, 1));
	check(allows(others, 1, 1));
	check(allows(many, 3000, 3000));
}

static void quiet_receiving(struct run *r)
{
	got(r, 100);
	mark(r), mark(r);
	got(r, 100);
	got(r, 100);
	/* merged or not, later or elsewhere: what is handed on is not what came */
	put(r, (struct event){ .kind = EVENT_NET_RX, .size = 186, .dev = name(r, "eth0") });
	put(r, (struct event){ .kind = EVENT_NET_ENTER, .size = 86, .dev = name(r, "eth1") });
	mark(r), mark(r);
	got(r, 100);
}

static void received_during(struct run *r)
{
	for (int i = 0; i < 5; i++) {
		if (i)
			mark(r);
		got(r, 100);
	}
	/* the first CPU's polls are over at each look: one between them, one during each */
}

/* Another CPU's poll of so many frames before each look; then, if it does, it runs a task. */
static void polls_of(struct run *r, int frames, bool over)
{
	for (int look = 0; look < 2; look++) {
		r->cpu = 1;
		for (int i = 0; i < frames; i++)
			got(r, 100);
		if (over)
			task(r);
		r->cpu = 0;
		mark(r), mark(r);
	}
}

static void receiving_under_way(struct run *r)
{
	polls_of(r, 3, false);
}

static void receiving_over(struct run *r)
{
	polls_of(r, 3, true);
}

/* One poll receives 64 at most: the others are of polls that are over. */
static void long_receiving(struct run *r)
{
	polls_of(r, 100, false);
}

/* Acknowledgements are sent while a poll receives: they end what was taken back, and no more. */
static void answering(struct run *r)
{
	uint64_t first, second;

	mark(r), mark(r);
	r->cpu = 1;
	first = sent(r, 100);
	second = sent(r, 100);
	back(r, first, 100);
	back(r, second, 100);
	got(r, 100);
	got(r, 100);
	sent(r, 100);
	r->cpu = 0;
	mark(r), mark(r);
}

/* A poll takes back what was sent before it receives. */
static void then_receiving(struct run *r)
{
	mark(r), mark(r);
	poll_of_two(r);
	got(r, 100);
	r->cpu = 0;
	mark(r), mark(r);
}

/* What came before the first look is not among what came since, whatever became of it. */
static void silent_since(struct run *r)
{
	r->cpu = 1;
	for (int i = 0; i < 3; i++)
		got(r, 100);
	r->cpu = 0;
	mark(r), mark(r);
	got(r, 100);
	got(r, 100);
	mark(r), mark(r);
}

/* Bytes of frames: with the Ethernet header, that events leave out. */
static bool received_bytes(uint64_t bytes)
{
	struct exchanges *x;
	struct run r;
	bool ok;

	begin(&r);
	r.net->after.rx_packets = 2;
	r.net->after.rx_bytes = bytes;
	quiet_receiving(&r);
	x = end(&r);
	ok = all_hold(x);
	exchanges_free(x);
	return ok;
}

static void receiving(void)
{
	check(received_bytes(200) && !received_bytes(199) && !received_bytes(201));
	check(allows(answering, 2, 2));
	check(allows(then_receiving, 2, 2));
	receives = true;
	check(allows(answering, 0, 2));
	check(allows(quiet_receiving, 2, 2));
	check(allows(received_during, 1, 3));
	check(allows(receiving_under_way, 0, 6));
	check(allows(receiving_over, 3, 3));
	check(allows(long_receiving, 36, 164));
	check(allows(silent_since, 2, 5));
	spare = true;
	check(allows(quiet_receiving, 2, 4));
	spare = false;
	receives = false;
	check(allows(quiet_looks, 2, 2));
}

/* Bytes are compared by themselves. */
static void bytes(void)
{
	for (uint64_t count = 99; count <= 101; count++) {
		struct exchanges *x;
		struct run r;

		begin(&r);
		r.net->after.tx_packets = 1;
		r.net->after.tx_bytes = count;
		quiet_looks(&r);
		x = end(&r);
		check(x->nchecks == 2 && !x->checks[0].ok && !x->checks[1].ok);
		exchanges_free(x);
		begin(&r);
		r.net->after.tx_packets = 2;
		r.net->after.tx_bytes = 100 + count;
		quiet_looks(&r);
		x = end(&r);
		check(x->nchecks == 2 && x->checks[0].ok && x->checks[1].ok == (count == 100));
		exchanges_free(x);
	}
}

/* A real-time kernel runs tasks while a poll is not over. */
static void real_time(void)
{
	struct exchanges *x;
	struct run r;

	begin_on(&r, "6.12.1-rt-arm64");
	r.net->after.tx_packets = 4;
	r.net->after.tx_bytes = 400;
	polls_over(&r);
	x = end(&r);
	check(all_hold(x));
	exchanges_free(x);
}

static void count_queue(struct run *r, const char *what, uint64_t before, uint64_t after)
{
	struct platform_net *net = r->net;

	net->counters = xrealloc(net->counters, net->ncounters + 1, sizeof(*net->counters));
	net->counters[net->ncounters++] = (struct platform_counter){ xstrdup(what), before, after };
}

/* The driver's own, whatever the kernel calls them: their sum is compared, too. */
static void queues(void)
{
	static const char *const names[2][2] = { { "tx_queue_0_packets", "tx_queue_11_bytes" },
						 { "tx0_packets", "tx11_bytes" } };

	for (int i = 0; i < 4; i++) {
		struct exchanges *x;
		struct run r;

		begin(&r);
		r.net->after.tx_packets = 2;
		r.net->after.tx_bytes = 200;
		count_queue(&r, names[i / 2][0], 5, 6 + i % 2);
		count_queue(&r, "tx_queue_1_packets", 0, 1);
		count_queue(&r, names[i / 2][1], 0, 200);
		/* neither a queue's, nor of packets */
		count_queue(&r, "tx_packets", 0, 9);
		count_queue(&r, "tx_queue_0_packets_lost", 0, 9);
		count_queue(&r, "tx_queue__packets", 0, 9);
		count_queue(&r, "rx0_packets", 0, 9);
		quiet_looks(&r);
		x = end(&r);
		check(x->nchecks == 4 && all_hold(x) == (i % 2 == 0));
		exchanges_free(x);
	}
}

/* What is compared, and what is said where it cannot be: checks and notes. */
static bool says(void (*change)(struct run *r), size_t checks, const char *note)
{
	struct exchanges *x;
	struct run r;
	bool ok;

	begin(&r);
	r.net->after.tx_packets = 2;
	r.net->after.tx_bytes = 200;
	netcount_free(r.n);
	change(&r);
	r.n = netcount_new(r.names, r.p);
	quiet_looks(&r);
	check(netcount_compared(r.n, "eth0", FLOW_OUT) == (checks > 0));
	check(!netcount_compared(r.n, "eth1", FLOW_OUT));
	x = end(&r);
	ok = x->nchecks == checks;
	for (size_t i = 0; i < x->nnotes && note; i++)
		if (strstr(x->notes[i], note))
			note = NULL;
	ok = ok && !note;
	exchanges_free(x);
	return ok;
}

static void unchanged(struct run *r)
{
	r->net->before.interrupts = 3;
	r->net->after.interrupts = 5;
}

static void another_interface(struct run *r)
{
	r->net->counted = false;
}

static void xdp(struct run *r)
{
	count_queue(r, "rx0_xdp_drops", 0, 1);
}

static void not_armed(struct run *r)
{
	strcpy(r->p->trace.events[1], "net:net_dev_q");
}

static void no_unmaps(struct run *r)
{
	strcpy(r->p->trace.events[2], "dma:dma_map_phys");
}

static void other_device(struct run *r)
{
	strcpy(r->p->virtio[0].parent, "0000:00:09.0");
}

static void other_nonce(struct run *r)
{
	r->p->trace.nonce++;
}

static void back_in_time(struct run *r)
{
	r->net->before.tx_packets = 3;
}

static void still(struct run *r)
{
	r->net->after = r->net->before;
}

static void not_as_they_arrive(struct run *r)
{
	r->net->after.rx_packets = 1;
	strcpy(r->p->trace.events[3], "net:netif_receive_skb");
}

static void comparable(void)
{
	check(says(not_as_they_arrive, 2, "were not recorded as they arrived"));
	check(says(unchanged, 2, "2 interrupts of its virtqueues for 2 packets out and 0 in"));
	check(says(another_interface, 0, "not the same interface any more"));
	check(says(xdp, 0, "an XDP program"));
	check(says(not_armed, 0, "were not recorded"));
	check(says(no_unmaps, 0, "no event tells when its memory was given back"));
	check(says(other_device, 0, "no event tells when its memory was given back"));
	check(says(other_nonce, 0, "does not tell when they were read"));
	check(says(back_in_time, 2, NULL));
	check(says(still, 2, NULL));
}

/* A counter that went back is said to have, with both numbers. */
static void backwards(void)
{
	struct exchanges *x;
	struct run r;

	begin(&r);
	r.net->before.tx_packets = 3;
	r.net->after.tx_packets = 2;
	quiet_looks(&r);
	x = end(&r);
	check(!x->checks[0].ok && x->checks[0].left == 3 && x->checks[0].right == 2);
	check(strcmp(x->checks[0].what, "eth0 out") == 0);
	check(strcmp(x->checks[0].left_name, "packets by the interface's own count before") == 0);
	exchanges_free(x);
}

/* Sums that do not fit, CPUs and interfaces without end, addresses twice. */
static void hostile(void)
{
	struct exchanges *x;
	struct run r;

	begin(&r);
	mark(&r), mark(&r);
	for (int i = 0; i < 3; i++)
		back(&r, sent(&r, UINT64_MAX), 0);
	r.cpu = UINT16_MAX;
	back(&r, sent(&r, 100), 100);
	r.cpu = 4095;
	back(&r, 1, UINT64_MAX - HEADER);
	back(&r, sent(&r, UINT64_MAX), 0);
	r.cpu = 0;
	r.next = 0x5000;
	sent(&r, 100);
	r.next = 0x5000;
	sent(&r, 100);
	back(&r, EVENT_NO_ADDR, 100);
	mark(&r), mark(&r), mark(&r);
	r.net->after.tx_packets = 9;
	x = end(&r);
	check(x->nchecks == 0 && x->nnotes == 1); /* five looks are none */
	exchanges_free(x);
	x = exchanges_new();
	r.n = netcount_new(NULL, NULL);
	netcount_event(r.n, &(struct event){ .kind = EVENT_MARK });
	netcount_result(r.n, x);
	netcount_free(r.n);
	netcount_free(NULL);
	check(x->nchecks == 0 && x->nnotes == 0);
	exchanges_free(x);
}

int main(void)
{
	sending();
	receiving();
	bytes();
	real_time();
	queues();
	comparable();
	backwards();
	hostile();
	return done();
}
