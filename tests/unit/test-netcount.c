/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is compared with an interface's counters, and what is said where it cannot be. */
#include "tests/unit/netcount-fixture.h"
#include "tests/unit/test.h"

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
		check(x->sums.n == 2 && !x->sums.list[0].ok && !x->sums.list[1].ok);
		exchanges_free(x);
		begin(&r);
		r.net->after.tx_packets = 2;
		r.net->after.tx_bytes = 100 + count;
		quiet_looks(&r);
		x = end(&r);
		check(x->sums.n == 2 && x->sums.list[0].ok && x->sums.list[1].ok == (count == 100));
		exchanges_free(x);
	}
}

/* A real-time kernel runs tasks while a poll is not over. */
static void real_time(void)
{
	struct run r;

	begin_on(&r, "6.12.1-rt-arm64");
	r.net->after.tx_packets = 4;
	r.net->after.tx_bytes = 400;
	polls_over(&r);
	check(agreed(end(&r)));
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
		check(x->sums.n == 4 && all_hold(x) == (i % 2 == 0));
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
	ok = x->sums.n == checks;
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
	check(says(no_unmaps, 0, "no event shows when its memory was given back"));
	check(says(other_device, 0, "no event shows when its memory was given back"));
	check(says(other_nonce, 0, "does not say when they were read"));
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
	check(!x->sums.list[0].ok && x->sums.list[0].left == 3 && x->sums.list[0].right == 2);
	check(strcmp(x->sums.list[0].what, "eth0 out") == 0);
	check(strcmp(x->sums.list[0].left_name, "packets by the interface's own count before") ==
	      0);
	exchanges_free(x);
}

/* Sums that do not fit, CPUs and interfaces without end, addresses twice. */
static void hostile(void)
{
	struct exchanges *x;
	struct run r;

	begin(&r);
	look(&r);
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
	check(x->sums.n == 0 && x->nnotes == 1); /* five looks are none */
	exchanges_free(x);
	x = exchanges_new();
	r.n = netcount_new(NULL, NULL);
	netcount_event(r.n, &(struct event){ .kind = EVENT_MARK });
	netcount_result(r.n, x);
	netcount_free(r.n);
	netcount_free(NULL);
	check(x->sums.n == 0 && x->nnotes == 0);
	exchanges_free(x);
}

int main(void)
{
	bytes();
	real_time();
	queues();
	comparable();
	backwards();
	hostile();
	return done();
}
