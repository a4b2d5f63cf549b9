/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many frames and bytes the events allow an interface to have counted. */
#include "tests/unit/netcount-fixture.h"
#include "tests/unit/test.h"

static bool receives; /* the streams tell of what came in */
static bool spare;    /* a frame was dropped, and another was broken */

static bool packets_hold(const struct exchanges *x)
{
	size_t n = 0;

	for (size_t i = 0; i < x->sums.n; i++) {
		if (strncmp(x->sums.list[i].left_name, "packets", 7) != 0 ||
		    strcmp(x->sums.list[i].what, receives ? "eth0 in" : "eth0 out") != 0)
			continue;
		if (!x->sums.list[i].ok)
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

static void on_its_way(struct run *r)
{
	uint64_t early = sent(r, 100), late;

	look(r);
	back(r, early, 100);
	late = sent(r, 100);
	look(r);
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

/* It did just before each look, and no more was heard of it. */
static void polls_under_way(struct run *r)
{
	for (int n = 0; n < 2; n++) {
		poll_of_two(r);
		r->cpu = 0;
		look(r);
	}
}

/* Whatever it sends next ends what it took back before. */
static void sent_afterwards(struct run *r)
{
	look(r);
	r->cpu = 1;
	back(r, sent(r, 100), 100);
	sent(r, 100);
	r->cpu = 0;
	look(r);
}

/* The same of a transmission that is not over at the look. */
static void sending_meanwhile(struct run *r)
{
	look(r);
	poll_of_two(r);
	put(r, (struct event){ .kind = EVENT_NET_XMIT_START, .link = 1, .dev = name(r, "lo") });
	r->cpu = 0;
	look(r);
}

static void refused(struct run *r)
{
	look(r);
	back(r, sent_as(r, 100, 1, 16), 100);
	back(r, sent(r, 100), 100);
	look(r);
}

/* Taken back within its own transmission: it failed, or the device was fast. */
static void within_its_own(struct run *r)
{
	look(r);
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
	look(r);
}

/* Mapped before the recording began: a frame, or a part of one. */
static void of_earlier(struct run *r)
{
	look(r);
	back(r, 0x77, 100);
	back(r, sent(r, 100), 100);
	look(r);
}

/* A command to the device: too short for a frame. */
static void control_queue(struct run *r)
{
	look(r);
	put(r, (struct event){ .kind = EVENT_MAP,
			       .dma = 0x55,
			       .size = 2,
			       .dir = EVENT_TO_DEVICE,
			       .dev = name(r, "0000:00:01.0") });
	back(r, 0x55, 2);
	back(r, sent(r, 100), 100);
	look(r);
}

/* Other interfaces and devices, loopback, received buffers: of no account. */
static void others(struct run *r)
{
	look(r);
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
	look(r);
}

/* Thousands live at once, given back in another order. */
static void many(struct run *r)
{
	uint64_t dma[3000];

	look(r);
	for (int i = 0; i < 3000; i++)
		dma[i] = sent(r, 100);
	for (int i = 0; i < 3000; i++)
		back(r, dma[(i * 7) % 3000], 100);
	look(r);
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
	look(r);
	got(r, 100);
	got(r, 100);
	/* merged or not, later or elsewhere: what is handed on is not what came */
	put(r, (struct event){ .kind = EVENT_NET_RX, .size = 186, .dev = name(r, "eth0") });
	put(r, (struct event){ .kind = EVENT_NET_ENTER, .size = 86, .dev = name(r, "eth1") });
	look(r);
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
	for (int n = 0; n < 2; n++) {
		r->cpu = 1;
		for (int i = 0; i < frames; i++)
			got(r, 100);
		if (over)
			task(r);
		r->cpu = 0;
		look(r);
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

	look(r);
	r->cpu = 1;
	first = sent(r, 100);
	second = sent(r, 100);
	back(r, first, 100);
	back(r, second, 100);
	got(r, 100);
	got(r, 100);
	sent(r, 100);
	r->cpu = 0;
	look(r);
}

/* A poll takes back what was sent before it receives. */
static void then_receiving(struct run *r)
{
	look(r);
	poll_of_two(r);
	got(r, 100);
	r->cpu = 0;
	look(r);
}

/* What came before the first look is not among what came since, whatever became of it. */
static void silent_since(struct run *r)
{
	r->cpu = 1;
	for (int i = 0; i < 3; i++)
		got(r, 100);
	r->cpu = 0;
	look(r);
	got(r, 100);
	got(r, 100);
	look(r);
}

/* Bytes of frames: with the Ethernet header, that events leave out. */
static bool received_bytes(uint64_t bytes)
{
	struct run r;

	begin(&r);
	r.net->after.rx_packets = 2;
	r.net->after.rx_bytes = bytes;
	quiet_receiving(&r);
	return agreed(end(&r));
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

int main(void)
{
	sending();
	receiving();
	return done();
}
