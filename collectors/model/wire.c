/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames through the device, and the events of the sockets and packets around them. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "collectors/model/state.h"
#include "lib/net/flow.h"

#define FIRST_PORT 40000u
#define SKB_BASE 0xffff000004000000ull
#define SOCK_BASE 0xffff000005000000ull
#define LENGTH 2u /* over the console: before each frame */

/* ---- events ---- */

static void tell(struct model *m, enum event_kind kind, uint64_t link, uint64_t orig, uint64_t size)
{
	struct event e = { .kind = kind,
			   .dir = EVENT_DIR_NONE,
			   .link = link,
			   .orig = orig,
			   .dma = EVENT_NO_ADDR,
			   .size = size };

	if (kind == EVENT_NET_XMIT_START || kind == EVENT_NET_XMIT || kind == EVENT_NET_RX ||
	    kind == EVENT_NET_ENTER)
		e.dev = m->iface;
	bounce_trace_emit(m->machine.trace, e);
}

static void tell_state(struct model *m, const struct model_conn *c, unsigned int from,
		       unsigned int to)
{
	static const uint8_t guest[4] = { 10, 0, 2, 15 }, host[4] = { 10, 0, 2, 2 };
	static const uint8_t none[16];
	struct event e = { .kind = EVENT_SOCK_STATE, .dir = EVENT_DIR_NONE, .link = c->sock };

	flow_pack_sock(&e, AF_INET, guest, host, none, none, c->guest.guest_port,
		       c->guest.host_port, from, to);
	bounce_trace_emit(m->machine.trace, e);
}

static void show(struct model *m, const uint8_t *frame, size_t size, enum flow_dir dir)
{
	struct packet p = { .ts_ns = model_now(m), .iface = m->iface, .dir = dir };

	m->totals.frames++;
	if (m->packet && packet_from_ethernet(&p, frame, size, size))
		m->packet(m->packet_ctx, &p);
}

static struct model_conn *find(struct model *m, const uint8_t *frame, size_t size, bool to_host,
			       struct segment *s)
{
	struct packet p = { 0 };
	uint16_t port;

	if (!packet_from_ethernet(&p, frame, size, size) || !segment_parse(s, &p) ||
	    s->payload_cap != s->payload_len)
		return NULL;
	port = to_host ? s->src.port : s->dst.port;
	for (size_t i = 0; i < m->nconns; i++) {
		if (m->conns[i]->guest.guest_port == port)
			return m->conns[i];
	}
	return NULL;
}

/* ---- from the guest to the host ---- */

/* What arrived at the host's end, read out of the device's buffers. */
static void at_host(void *ctx, const uint8_t *frame, size_t size)
{
	struct model *m = ctx;
	struct segment s;
	struct model_conn *c = find(m, frame, size, true, &s);

	if (!c || (s.flags & FLOW_RST))
		return;
	if (s.flags & FLOW_SYN) {
		c->host.guest_port = s.src.port;
		c->host.host_port = s.dst.port;
		c->host.next = 0x20000000u + s.src.port;
		c->host.acked = s.seq + 1;
		return; /* connected when the transmission is over: see model_guest_open */
	}
	if (s.seq != c->host.acked)
		return; /* not what comes next: the way loses nothing, so it is no data of ours */
	c->host.acked += s.payload_len + !!(s.flags & FLOW_FIN);
	if (s.payload_len && c->server >= 0) {
		model_queue(&c->to_server, s.payload, s.payload_len);
		m->totals.out_bytes += s.payload_len;
	}
	if (s.flags & FLOW_FIN)
		c->to_server.ending = true;
}

/* Over the console: cut the bytes into frames again. */
static void cut(struct model *m, struct model_pipe *p, const uint8_t *data, size_t size,
		void (*take)(void *ctx, const uint8_t *frame, size_t size))
{
	size_t at = 0;

	model_queue(p, data, size);
	while (p->used - at >= LENGTH) {
		size_t len = p->data[at] << 8 | p->data[at + 1];

		if (p->used - at - LENGTH < len)
			break;
		take(m, p->data + at + LENGTH, len);
		at += LENGTH + len;
	}
	memmove(p->data, p->data + at, p->used - at);
	p->used -= at;
}

static void console_at_host(void *ctx, const uint8_t *data, size_t size)
{
	struct model *m = ctx;

	cut(m, &m->up, data, size, at_host);
}

/* A frame as it crosses: over the console, behind its length. */
struct crossing {
	uint8_t bytes[LENGTH + MODEL_FRAME_MAX];
	const uint8_t *frame, *sent; /* in bytes: the frame, and what the device carries */
	size_t size, nsent;
};

static void make_crossing(struct model *m, struct crossing *c, struct model_tcp *from, bool out,
			  uint8_t flags, const uint8_t *data, size_t size)
{
	bool console = m->machine.config.device == MACHINE_CONSOLE;

	c->size = model_tcp_frame(c->bytes + LENGTH, from, out, flags, data, size);
	c->bytes[0] = c->size >> 8;
	c->bytes[1] = c->size;
	c->frame = c->bytes + LENGTH;
	c->sent = console ? c->bytes : c->frame;
	c->nsent = console ? LENGTH + c->size : c->size;
}

static void transmit(struct model *m, struct model_conn *c, uint8_t flags, const uint8_t *data,
		     size_t size)
{
	uint64_t skb = SKB_BASE + 256 * (m->skbs++ & 0xffff);
	struct err err = { "" };
	struct crossing x;
	int ret;

	make_crossing(m, &x, &c->guest, true, flags, data, size);
	show(m, x.frame, x.size, FLOW_OUT);
	tell(m, EVENT_TCP_TX, skb, c->sock, x.size - 34);
	tell(m, EVENT_NET_XMIT_START, skb, EVENT_NO_ADDR, x.size);
	if (m->machine.config.device == MACHINE_NET)
		ret = net_send(&m->machine.drv.net, x.sent, x.nsent, &err);
	else
		ret = console_write(&m->machine.drv.console, x.sent, x.nsent, &err);
	tell(m, EVENT_NET_XMIT, skb, EVENT_NO_ADDR, x.size);
	if (ret < 0)
		model_complain(m, &err);
}

/* ---- from the host to the guest ---- */

static void at_guest(void *ctx, const uint8_t *frame, size_t size)
{
	struct model *m = ctx;
	uint64_t skb = SKB_BASE + 256 * (m->skbs++ & 0xffff);
	struct segment s;
	struct model_conn *c = find(m, frame, size, false, &s);

	show(m, frame, size, FLOW_IN);
	tell(m, EVENT_NET_ENTER, skb, EVENT_NO_ADDR, size - 14);
	tell(m, EVENT_NET_RX, skb, EVENT_NO_ADDR, size - 14);
	if (!c)
		return;
	tell(m, EVENT_TCP_RX, skb, c->sock, size - 34);
	if (s.flags & FLOW_RST) {
		c->reset = true;
		tell_state(m, c, c->established ? FLOW_ESTABLISHED : FLOW_SYN_SENT, FLOW_CLOSE);
		return;
	}
	if (s.flags & FLOW_SYN) {
		c->guest.acked = s.seq + 1;
		c->established = true;
		tell_state(m, c, FLOW_SYN_SENT, FLOW_ESTABLISHED);
		return;
	}
	if (s.seq != c->guest.acked)
		return;
	c->guest.acked += s.payload_len + !!(s.flags & FLOW_FIN);
	if (s.payload_len) {
		tell(m, EVENT_SOCK_RECV, c->sock, EVENT_NO_ADDR, s.payload_len);
		model_queue(&c->to_client, s.payload, s.payload_len);
		m->totals.in_bytes += s.payload_len;
	}
	if (s.flags & FLOW_FIN)
		c->to_client.ending = true;
}

static void console_at_guest(void *ctx, const uint8_t *data, size_t size)
{
	struct model *m = ctx;

	cut(m, &m->down, data, size, at_guest);
}

static void receive(struct model *m, struct model_conn *c, uint8_t flags, const uint8_t *data,
		    size_t size)
{
	struct err err = { "" };
	struct crossing x;
	bool taken;
	int ret;

	make_crossing(m, &x, &c->host, false, flags, data, size);
	model_now(m);
	if (m->machine.config.device == MACHINE_NET) {
		taken = net_host_receive(&m->machine.hst.net, x.sent, x.nsent);
		ret = net_poll(&m->machine.drv.net, at_guest, m, &err);
	} else {
		taken = console_host_input(&m->machine.hst.console, x.sent, x.nsent) == x.nsent;
		ret = console_poll(&m->machine.drv.console, console_at_guest, m, &err);
	}
	if (ret >= 0 && !taken)
		ret = err_set(&err, EIO,
			      "a frame of %zu bytes found no room in the device's buffers", x.size);
	if (ret < 0)
		model_complain(m, &err);
}

/* ---- the two ends ---- */

void model_wire(struct model *m)
{
	if (m->machine.config.device == MACHINE_NET) {
		m->machine.hst.net.transmit = at_host;
		m->machine.hst.net.ctx = m;
	} else {
		m->machine.hst.console.output = console_at_host;
		m->machine.hst.console.ctx = m;
	}
}

void model_guest_open(struct model *m, struct model_conn *c)
{
	c->guest.guest_port = FIRST_PORT + m->next_port++ % 20000;
	c->guest.host_port = m->server_port;
	c->guest.next = 0x10000000u + c->guest.guest_port;
	c->sock = SOCK_BASE + 4096ull * c->guest.guest_port;
	model_now(m);
	tell_state(m, c, FLOW_CLOSE, FLOW_SYN_SENT);
	transmit(m, c, FLOW_SYN, NULL, 0);
	if (c->host.guest_port) /* the SYN came through */
		model_connect(m, c);
}

void model_guest_send(struct model *m, struct model_conn *c, const uint8_t *data, size_t size)
{
	model_now(m);
	tell(m, EVENT_SOCK_SEND, c->sock, EVENT_NO_ADDR, size);
	for (size_t off = 0; off < size;) {
		size_t n = size - off < MODEL_PAYLOAD_MAX ? size - off : MODEL_PAYLOAD_MAX;

		transmit(m, c, FLOW_ACK, data + off, n);
		off += n;
	}
	receive(m, c, FLOW_ACK, NULL, 0);
}

void model_guest_close(struct model *m, struct model_conn *c)
{
	transmit(m, c, FLOW_FIN | FLOW_ACK, NULL, 0);
}

/* A connection that ends without a word is reset. */
void model_guest_forget(struct model *m, struct model_conn *c)
{
	if (c->reset)
		return;
	if (!c->client_done)
		transmit(m, c, FLOW_RST | FLOW_ACK, NULL, 0);
	tell_state(m, c, FLOW_ESTABLISHED, FLOW_CLOSE);
}

void model_host_accept(struct model *m, struct model_conn *c)
{
	receive(m, c, FLOW_SYN | FLOW_ACK, NULL, 0);
	transmit(m, c, FLOW_ACK, NULL, 0);
}

void model_host_refuse(struct model *m, struct model_conn *c)
{
	receive(m, c, FLOW_RST | FLOW_ACK, NULL, 0);
}

void model_host_send(struct model *m, struct model_conn *c, const uint8_t *data, size_t size)
{
	for (size_t off = 0; off < size;) {
		size_t n = size - off < MODEL_PAYLOAD_MAX ? size - off : MODEL_PAYLOAD_MAX;

		receive(m, c, FLOW_ACK, data + off, n);
		off += n;
	}
	transmit(m, c, FLOW_ACK, NULL, 0);
}

void model_host_close(struct model *m, struct model_conn *c)
{
	receive(m, c, FLOW_FIN | FLOW_ACK, NULL, 0);
	transmit(m, c, FLOW_ACK, NULL, 0);
}
