/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is the program's at all: when it began, who of it went on, what else it did. */
#include "lib/exchange/clear.h"
#include "tests/unit/correlate-fixture.h"
#include "tests/unit/test.h"

#define RECORDER 77

static struct platform_virtio *rng_device; /* NULL: none is known */

/* One exchange of the program, and then something else.  Is that all of the program? */
static bool nothing_else(void (*then)(struct machine *), bool calls_known, const char *doubt)
{
	static char *calls[] = { (char *)"sock:sock_send_length", (char *)"sock:sock_recv_length" };
	struct platform *p = platform_new();
	struct exchanges *x;
	struct machine m;
	struct event *e;
	struct line l;
	bool nothing;

	begin(&m);
	m.platform = p;
	if (calls_known) {
		p->trace.events = calls;
		p->trace.nevents = 2;
	}
	p->virtio = rng_device;
	p->nvirtio = rng_device != NULL;
	p->trace.nonce = 7;
	e = emit(&m, EVENT_MARK, RECORDER);
	e->link = 7;
	e->aux = EVENT_MARK_START;
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	hear(&l, ok);
	if (then)
		then(&m);
	x = judge(&m, true);
	nothing = x->result.nothing_else;
	check(x->conns[0].control_packets[FLOW_OUT] == 2);
	check(x->conns[0].control_packets[FLOW_IN] == 1);
	check(x->conns[0].control_bytes[FLOW_OUT] == 2 * (FRAME_HEADERS + HDR));
	check(strstr(x->result.other_traffic, "also 3 packets without payload") ==
	      x->result.other_traffic);
	check(strstr(x->result.other_traffic, doubt));
	end(&m, x);
	p->trace.events = NULL;
	p->trace.nevents = p->nvirtio = 0;
	p->virtio = NULL;
	platform_free(p);
	return nothing;
}

static void call(struct machine *m, int32_t pid, unsigned int family, unsigned int protocol)
{
	struct event *e = emit(m, EVENT_SOCK_SEND, pid);

	e->link = 0xdd00;
	e->size = 58;
	e->aux = family << 16 | protocol;
}

static void udp(struct machine *m)
{
	call(m, APP, 2, 17);
}

static void raw_frames(struct machine *m)
{
	call(m, APP, 17, 0);
}

static void unknown_family(struct machine *m)
{
	call(m, APP, 0, 0);
}

static void uring(struct machine *m)
{
	call(m, 300, 2, 17);
	m->events[m->nevents - 1].comm = names_intern(m->names, "iou-wrk-100", 11);
}

static void harmless(struct machine *m)
{
	call(m, RECORDER, 2, 17);
	call(m, OTHER, 1, 0);
	call(m, OTHER, 16, 0);
	call(m, APP, 1, 0);
	call(m, APP, 16, 0);
	call(m, APP, 10, 6);
	m->events[m->nevents - 1].link = 0xcc00;
	m->events[m->nevents - 1].size = 0; /* no packet of it was captured */
	bio(m, OTHER, 100, 4096, "254:0");
	request(m, 100, 4096, EVENT_FROM_DEVICE, 0x62000000);
}

/* What the program hands to another leaves by a datagram as well as by TCP. */
static void udp_of_others(struct machine *m)
{
	call(m, OTHER, 2, 17);
	m->events[m->nevents - 1].comm = names_intern(m->names, "resolved", 8);
	call(m, 301, 10, 17);
}

/* Any process can give itself this name. */
static void named_like_the_recorder(struct machine *m)
{
	call(m, OTHER, 2, 17);
	m->events[m->nevents - 1].comm = names_intern(m->names, "ccaio", 5);
}

static void worker_of_others(struct machine *m)
{
	call(m, 301, 2, 17);
	m->events[m->nevents - 1].comm = names_intern(m->names, "iou-wrk-200", 11);
}

static void vsock_of_others(struct machine *m)
{
	call(m, OTHER, 40, 0);
}

static void unasked(struct machine *m)
{
	request(m, 100, 4096, EVENT_FROM_DEVICE, 0x62000000);
}

static void written_back(struct machine *m)
{
	bio(m, OTHER, 100, 4096, "254:0");
	request(m, 100, 4096, EVENT_TO_DEVICE, 0x62000000);
}

/* Fragments of TCP show no connection: calls on other sockets do not tell whose they are. */
static void unreadable(struct machine *m)
{
	static struct frame f;

	frame_tcp(&f, FLOW_OUT, 40000, 1, 1, DATA, "x", 1);
	f.bytes[14 + 7] = 9; /* offset */
	capture(m, &f, FLOW_OUT);
	xmit(m, m->next_skb += 256, f.len, APP);
}

static void entropy(struct machine *m)
{
	map(m, names_intern(m->names, "0000:00:03.0", 12), EVENT_FROM_DEVICE, 64);
}

static void entropy_for_the_program(struct machine *m)
{
	entropy(m);
	m->events[m->nevents - 1].pid = APP;
}

static void beyond(void)
{
	check(nothing_else(NULL, true, "; nothing else of the program touched a device"));
	check(nothing_else(harmless, true, "; nothing else of the program touched a device"));
	check(!nothing_else(NULL, false, "does not report what it sent by sockets other than TCP"));
	check(!nothing_else(udp, true, "other than TCP it sent 58 bytes and received 0"));
	check(!nothing_else(raw_frames, true, "other than TCP it sent 58 bytes"));
	check(!nothing_else(unknown_family, true, "other than TCP it sent 58 bytes"));
	check(!nothing_else(uring, true, "other than TCP it sent 58 bytes"));
	check(!nothing_else(udp_of_others, true,
			    "the first resolved[200], sent 116 bytes by sockets other than TCP"));
	check(!nothing_else(named_like_the_recorder, true, "ccaio[200], sent 58 bytes"));
	check(!nothing_else(worker_of_others, true, "iou-wrk-200[301], sent 58 bytes"));
	check(!nothing_else(vsock_of_others, true, "sent 58 bytes by sockets other than TCP"));
	check(!nothing_else(unasked, true,
			    "4096 bytes of disks were asked for by an unknown process"));
	check(!nothing_else(written_back, true, "4096 bytes that others wrote to disks may hold"));
	check(!nothing_else(unreadable, true, "67 bytes out and 0 in are of an unknown"));
	check(!nothing_else(entropy, true, "0 bytes out and 64 in are of an unknown"));
}

/* What the kernel's own thread asks of the device is not the program's. */
static void rng(void)
{
	static struct platform_virtio v = { .device_id = 4, .parent = (char *)"0000:00:03.0" };

	rng_device = &v;
	check(nothing_else(entropy, true, "; nothing else of the program touched a device"));
	check(!nothing_else(entropy_for_the_program, true, "0 bytes out and 64 in are of"));
	rng_device = NULL;
}

/* What a device was given before the program began is not the program's. */
static void before_it_began(void)
{
	for (int launched = 0; launched < 2; launched++) {
		for (int late = 0; late < 2; late++) {
			struct exchanges *x;
			struct machine m;
			struct line l;

			begin(&m);
			m.launched = launched;
			if (!late)
				map(&m, m.net, EVENT_TO_DEVICE, 102);
			emit(&m, EVENT_EXEC, APP);
			if (late)
				map(&m, m.net, EVENT_TO_DEVICE, 102);
			connect_line(&l, &m, 0xcc00, 40000, APP);
			say(&l, ask, 0);
			x = judge(&m, true);
			check(x->nunattributed == 1 && x->unattributed[0].bytes == 102);
			check(x->devices[0].other_bytes[FLOW_OUT] == (launched && !late ? 102 : 0));
			check(x->devices[0].unknown_bytes[FLOW_OUT] ==
			      (launched && !late ? 0 : 102));
			check(x->sums.conserved);
			end(&m, x);
		}
	}
}

/*
 * A call of the program by TCP, of 58 bytes, beside an exchange of its own.  sock: 0xcc00 is that
 * exchange's.  How much of it no captured connection shows?
 */
static uint64_t unseen(int32_t pid, uint64_t sock, uint32_t remote, int32_t opened_by)
{
	static const uint8_t local[4] = { 10, 0, 2, 15 }, none[16];
	uint8_t to[4] = { (uint8_t)(remote >> 24), (uint8_t)(remote >> 16), (uint8_t)(remote >> 8),
			  (uint8_t)remote };
	struct exchanges *x;
	struct machine m;
	struct event *e;
	struct line l;
	uint64_t bytes;

	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	hear(&l, ok);
	if (opened_by) {
		e = emit(&m, EVENT_SOCK_STATE, opened_by);
		e->link = sock;
		flow_pack_sock(e, AF_INET, local, to, none, none, 40009, 80, FLOW_CLOSE,
			       FLOW_SYN_SENT);
	}
	call(&m, pid, 2, 6);
	m.events[m.nevents - 1].link = sock;
	x = judge(&m, true);
	bytes = x->program.unseen_bytes;
	check(!bytes ==
	      !strstr(x->result.other_traffic, "by TCP it sent 58 bytes that no captured"));
	end(&m, x);
	return bytes;
}

static void by_other_connections(void)
{
	check(unseen(APP, 0xcc00, 0, 0) == 0);
	check(unseen(APP, 0xee00, 0x0a000203, APP) == 58); /* a tunnel's far end */
	check(unseen(APP, 0xee00, 0, 0) == 58);		   /* reported by no event */
	check(unseen(OTHER, 0xee00, 0x0a000203, OTHER) == 0);
	check(unseen(APP, 0xee00, 0x7f000001, APP) == 0);
	check(unseen(APP, 0xee00, 0x0a00020f, APP) == 0);
}

/* A connection that another opened, and handed on. */
static void handed_on(void)
{
	struct exchanges *x;
	struct machine m;
	struct line l;

	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, OTHER);
	l.pid = APP;
	say(&l, ask, 0);
	x = judge(&m, true);
	check(!x->conns[0].program && x->program.unseen_bytes == strlen(ask));
	end(&m, x);
}

/* A connection of the kernel's own, as a network file system has. */
static void by_the_kernel(void)
{
	struct exchanges *x;
	struct machine m;
	struct line l;

	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, OTHER);
	m.events[0].comm = names_intern(m.names, "kworker/0:1", 11);
	say(&l, ask, 0);
	x = judge(&m, true);
	check(exchanges_kernel_bytes(x) == strlen(ask));
	check(strstr(x->result.other_traffic, "bytes that the kernel sent by TCP for itself"));
	end(&m, x);
}

/* Who of the program went on after the recording: as far as starts and ends were reported. */
static void who_went_on(bool reported, bool ended, bool thread_execs)
{
	static char fork[] = "sched:sched_process_fork", gone[] = "sched:sched_process_exit";
	char *events[] = { fork, gone };
	struct platform *p = platform_new();
	struct exchanges *x;
	struct machine m;
	struct event *e;
	struct line l;

	begin(&m);
	m.launched = true;
	if (reported) {
		p->trace.events = events;
		p->trace.nevents = 2;
	}
	m.platform = p;
	emit(&m, EVENT_EXEC, APP);
	for (int i = 0; i < 3; i++)
		emit(&m, EVENT_FORK, APP)->aux = APP + 30u - 10u * (unsigned int)i;
	e = emit(&m, EVENT_EXEC, APP + 20);
	e->comm = names_intern(m.names, "daemon", 6);
	emit(&m, EVENT_EXIT, APP + 30);
	if (thread_execs) {
		/* the first thread has been ended by then */
		emit(&m, EVENT_EXIT, APP);
		emit(&m, EVENT_EXEC, APP)->aux = APP + 10;
	} else {
		emit(&m, EVENT_EXIT, APP + 10);
	}
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	if (ended)
		emit(&m, EVENT_EXIT, APP);
	x = judge(&m, true);
	check(x->conns[0].program && x->conns[0].pid == APP);
	check(x->program.alive_known == (reported && ended));
	check(x->program.nalive == (reported && ended) &&
	      x->program.nalive_listed == x->program.nalive);
	check(!x->program.nalive || strstr(x->program.alive[0], "daemon["));
	end(&m, x);
	p->trace.events = NULL;
	p->trace.nevents = 0;
	platform_free(p);
}

static void alive(void)
{
	who_went_on(true, true, false);
	who_went_on(true, true, true);
	who_went_on(true, false, false);
	who_went_on(false, true, false);
}

int main(void)
{
	beyond();
	by_other_connections();
	handed_on();
	by_the_kernel();
	before_it_began();
	alive();
	rng();
	return done();
}
