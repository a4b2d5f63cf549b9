/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sums that agree though not every byte that was handed over left, and those that must not. */
#include "tests/unit/correlate-fixture.h"
#include "tests/unit/test.h"

static const struct conservation *check_of(const struct exchanges *x, const char *left_name)
{
	for (size_t i = 0; i < x->sums.n; i++)
		if (strcmp(x->sums.list[i].left_name, left_name) == 0)
			return &x->sums.list[i];
	return NULL;
}

/* The program hands over more than what its socket sends. */
static void hand_over(struct line *l, uint64_t bytes)
{
	struct event *e = emit(l->m, EVENT_SOCK_SEND, l->pid);

	e->link = l->sock;
	e->size = bytes;
	e->aux = 2u << 16 | 6;
}

/* What stays in the socket when the connection breaks off, or is still open, need not be seen. */
static void left_in_the_socket(void)
{
	static const struct {
		uint8_t last_out, last_in; /* flags of the packets at its end; 0 none */
		bool conserved;
	} ends[] = {
		{ 0, 0, true },			   /* the window closed */
		{ 0, FLOW_RST, true },		   /* the peer broke off */
		{ FLOW_RST | FLOW_ACK, 0, true },  /* the program ended */
		{ 0, FLOW_FIN | FLOW_ACK, true },  /* the peer says no more, but we might */
		{ FLOW_FIN | FLOW_ACK, 0, false }, /* before the FIN everything is sent */
		{ FLOW_FIN | FLOW_ACK, FLOW_RST, false },
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const struct conservation *sum;
		struct exchanges *x;
		struct machine m;
		struct line l;

		begin(&m);
		connect_line(&l, &m, 0xcc00, 40000, APP);
		say(&l, ask, 0);
		hand_over(&l, 5000);
		if (ends[i].last_out)
			send_flags(&l, ends[i].last_out, "", 0, 0);
		if (ends[i].last_in)
			recv_flags(&l, ends[i].last_in, "", 0);
		x = judge(&m, true);
		sum = check_of(x, ends[i].conserved ? "payload of the stream, which was broken off"
						    : "bytes of the program's calls");
		check(sum && sum->ok == ends[i].conserved &&
		      x->sums.conserved == ends[i].conserved);
		end(&m, x);
	}
}

/* Nothing can be received that did not come. */
static void more_received(void)
{
	struct exchanges *x;
	struct machine m;
	struct event *e;
	struct line l;

	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	hear(&l, ok);
	e = emit(&m, EVENT_SOCK_RECV, APP);
	e->link = l.sock;
	e->size = strlen(ok) + 1;
	e->aux = 2u << 16 | 6;
	x = judge(&m, true);
	check(!x->sums.conserved && !check_of(x, "payload of the stream, which was broken off"));
	end(&m, x);
}

/* A network card that is no virtio device has no header of ours before its frames. */
static void no_virtio(void)
{
	struct platform_pci pci[] = {
		{ .name = (char *)"0000:00:01.0",
		  .vendor = (char *)"0x8086",
		  .driver = (char *)"e1000e" },
	};
	struct platform *p = platform_new();

	p->virtio_listed = p->pci_listed = true;
	p->pci = pci;
	p->npci = 1;
	for (int more = 0; more < 2; more++) {
		const struct conservation *sum;
		struct exchanges *x;
		struct machine m;
		struct line l;

		begin(&m);
		m.platform = p;
		m.no_header = true;
		connect_line(&l, &m, 0xcc00, 40000, APP);
		say(&l, ask, 0);
		hear(&l, ok);
		for (size_t i = 0; more && i < m.nevents; i++)
			m.events[i].size += m.events[i].kind == EVENT_MAP ? 8 : 0;
		x = judge(&m, true);
		sum = check_of(x, "frames");
		/* a driver may put something of its own around: that is reported, and refutes
		 * nothing
		 */
		check(x->sums.conserved && (more ? !sum : sum && sum->ok));
		check(x->rows[0].grade == (more ? GRADE_SIZED : GRADE_NESTED));
		end(&m, x);
	}
	p->pci = NULL;
	p->npci = 0;
	platform_free(p);
}

int main(void)
{
	left_in_the_socket();
	more_received();
	no_virtio();
	return done();
}
