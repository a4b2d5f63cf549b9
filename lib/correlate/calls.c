/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * correlate-calls - what the program's calls on sockets moved that its captured connections do not
 * show: by other sockets than TCP, or by TCP where nobody captured it, as in a tunnel.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/correlate/state.h"
#include "lib/evidence/event.h"

#define IPPROTO_TCP 6

enum calling {
	LOCAL, /* does not leave the kernel of the machine */
	TCP,
	OTHER,
};

static enum calling calling(const struct event *e, const struct owner_socket *s)
{
	unsigned int family = e->aux >> 16, protocol = e->aux & 0xffff;

	switch (family) {
	case 0: /* the event does not say */
		return s && s->key_known ? TCP : OTHER;
	case 1:	 /* AF_UNIX */
	case 16: /* AF_NETLINK */
	case 38: /* AF_ALG */
		return LOCAL;
	case 2:	 /* AF_INET */
	case 10: /* AF_INET6 */
		return protocol == IPPROTO_TCP ? TCP : OTHER;
	default:
		return OTHER;
	}
}

/* Within the machine: by the loopback network, or from an address to itself. */
static bool is_within(const struct flow_key *key)
{
	return key->local == key->remote || (key->family == 4 && key->remote >> 24 == 127);
}

/* The socket's addresses are known: do these bytes show in a captured connection? */
static void place(struct correlate *c, const struct owner_socket *s, uint64_t bytes)
{
	if (!(s->conn != OWNERS_NO_CONN && s->program) && !is_within(&s->key))
		c->x->program.unseen_bytes += bytes;
}

/* The program sent by TCP.  Of a socket older than the recording the addresses may come later. */
static void sent(struct correlate *c, const struct event *e, struct owner_socket *s)
{
	if (s && s->key_known) {
		place(c, s, e->size);
		return;
	}
	if (s)
		s->unplaced += e->size;
	c->unplaced += e->size;
}

/* Another process sent by a socket: what it was, no packet of a connection shows. */
static void sent_by_others(struct correlate *c, const struct event *e, const struct owner_socket *s)
{
	struct exchange_program *p = &c->x->program;
	const char *comm = names_get(c->names, e->comm);

	if (e->kind != EVENT_SOCK_SEND || !e->size || calling(e, s) != OTHER ||
	    (p->recorder && e->pid == p->recorder))
		return;
	if (!p->others_bytes) {
		p->others_pid = e->pid > 0 ? e->pid : 0;
		snprintf(p->others_comm, sizeof(p->others_comm), "%s", comm);
	}
	p->others_bytes += e->size;
}

void correlate_call(struct correlate *c, const struct event *e, struct owner_socket *s)
{
	enum flow_dir dir = e->kind == EVENT_SOCK_SEND ? FLOW_OUT : FLOW_IN;

	if (s && s->unplaced && s->key_known) {
		place(c, s, s->unplaced);
		c->unplaced -= s->unplaced;
		s->unplaced = 0;
	}
	if (e->kind != EVENT_SOCK_SEND && e->kind != EVENT_SOCK_RECV)
		return;
	if (!owners_is_task(c->owners, e->pid, names_get(c->names, e->comm))) {
		sent_by_others(c, e, s);
		return;
	}
	switch (calling(e, s)) {
	case LOCAL:
		break;
	case TCP:
		if (dir == FLOW_OUT)
			sent(c, e, s);
		break;
	case OTHER:
		c->x->program.other_calls[dir]++;
		c->x->program.other_call_bytes[dir] += e->size;
		break;
	}
}

/*
 * What is left is of sockets that no event tells the addresses of.  They may be the connections of
 * the program of which /proc reported alone.
 */
void correlate_unplaced(struct correlate *c)
{
	for (size_t i = 0; i < c->x->nconns; i++) {
		const struct exchange_conn *conn = &c->x->conns[i];

		if (conn->preexisting && conn->program && !conn->socket)
			return;
	}
	c->x->program.unseen_bytes += c->unplaced;
}
