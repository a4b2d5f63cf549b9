/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/model/model.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "collectors/model/state.h"
#include "collectors/model/stream.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/bounce/memory/task.h"
#include "lib/evidence/platform.h"
#include "lib/net/flow.h"

#define IFACE "eth0"
#define MAX_QUEUED (256u << 10) /* bytes that wait for one side before the other is not read */

static uint64_t monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* The trace's clock follows the real one, so that packets and events can be compared. */
uint64_t model_now(struct model *m)
{
	uint64_t now = monotonic();

	bounce_trace_advance(m->machine.trace, now);
	return now;
}

void model_complain(struct model *m, const struct err *err)
{
	if (!m->failed)
		m->err = *err;
	m->failed = true;
}

/* ---- sockets ---- */

static int set_nonblocking(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fcntl(fd, F_SETFL, O_NONBLOCK);
}

static int listen_on(struct model *m, uint16_t port, struct err *err)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				    .sin_port = htons(port) };
	socklen_t len = sizeof(addr);
	int one = 1;

	m->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (m->listener < 0)
		return err_sys(err, "cannot make a socket");
	setsockopt(m->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(m->listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(m->listener, 64) < 0 ||
	    getsockname(m->listener, (struct sockaddr *)&addr, &len) < 0)
		return err_sys(err, "cannot listen on 127.0.0.1:%u", port);
	m->port = ntohs(addr.sin_port);
	return 0;
}

/* "host:port" or "[v6]:port". */
static int resolve(struct model *m, const char *server, struct err *err)
{
	const char *colon = server ? strrchr(server, ':') : NULL;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	char host[256];
	size_t len;
	int ret;

	if (!colon || colon == server || !colon[1] || colon - server >= (ptrdiff_t)sizeof(host))
		return err_set(err, EINVAL, "'%s' is no server: give host:port",
			       server ? server : "");
	len = colon - server;
	if (server[0] == '[' && colon[-1] == ']') {
		server++;
		len -= 2;
	}
	memcpy(host, server, len);
	host[len] = '\0';
	ret = getaddrinfo(host, colon + 1, &hints, &list);
	if (ret != 0)
		return err_set(err, EINVAL, "cannot find server %s: %s", host, gai_strerror(ret));
	memcpy(&m->server, list->ai_addr, list->ai_addrlen);
	m->server_len = list->ai_addrlen;
	m->server_port = strtoul(colon + 1, NULL, 10);
	if (!m->server_port)
		m->server_port = ntohs(((struct sockaddr_in *)list->ai_addr)->sin_port);
	freeaddrinfo(list);
	return 0;
}

/* ---- buffers between a socket and the device ---- */

void model_queue(struct model_pipe *p, const uint8_t *data, size_t size)
{
	if (p->used + size > p->cap) {
		p->cap = 2 * (p->used + size);
		p->data = xrealloc(p->data, p->cap, 1);
	}
	memcpy(p->data + p->used, data, size);
	p->used += size;
}

/* Write what the socket takes.  Closes the direction when all is written and it is to end. */
static void drain(int fd, struct model_pipe *p)
{
	size_t done = 0;

	while (done < p->used) {
		ssize_t n = send(fd, p->data + done, p->used - done, MSG_NOSIGNAL);

		if (n <= 0) {
			if (n < 0 && (errno == EAGAIN || errno == EINTR))
				break;
			p->broken = true;
			done = p->used;
			break;
		}
		done += n;
	}
	if (done) {
		memmove(p->data, p->data + done, p->used - done);
		p->used -= done;
	}
	if (!p->used && p->ending && !p->ended) {
		shutdown(fd, SHUT_WR);
		p->ended = true;
	}
}

/* ---- the loop ---- */

static void take_client(struct model *m)
{
	int fd = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct model_conn *c;

	if (fd < 0)
		return;
	set_nonblocking(fd);
	c = xcalloc(1, sizeof(*c));
	c->client = fd;
	c->server = -1;
	XGROW(m->conns, m->nconns, m->conns_cap);
	m->conns[m->nconns++] = c;
	m->totals.connections++;
	model_guest_open(m, c);
}

/* The client's bytes, as far as there is room on the way. */
static void read_client(struct model *m, struct model_conn *c)
{
	uint8_t data[16384];
	ssize_t n = recv(c->client, data, sizeof(data), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		model_guest_send(m, c, data, n);
		return;
	}
	c->client_done = true;
	model_guest_close(m, c);
}

static void read_server(struct model *m, struct model_conn *c)
{
	uint8_t data[16384];
	ssize_t n = recv(c->server, data, sizeof(data), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		model_host_send(m, c, data, n);
		return;
	}
	c->server_done = true;
	model_host_close(m, c);
}

/* The host's end: the guest's SYN has come through. */
void model_connect(struct model *m, struct model_conn *c)
{
	c->server = socket(m->server.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->server >= 0 &&
	    connect(c->server, (struct sockaddr *)&m->server, m->server_len) == 0) {
		set_nonblocking(c->server);
		model_host_accept(m, c);
		return;
	}
	m->totals.refused++;
	if (c->server >= 0)
		close(c->server);
	c->server = -1;
	c->server_done = true;
	model_host_refuse(m, c);
}

static void finish(struct model *m, size_t i)
{
	struct model_conn *c = m->conns[i];

	model_guest_forget(m, c);
	if (c->client >= 0)
		close(c->client);
	if (c->server >= 0)
		close(c->server);
	free(c->to_client.data);
	free(c->to_server.data);
	free(c);
	m->conns[i] = m->conns[--m->nconns];
}

static bool is_over(const struct model_conn *c)
{
	if (c->reset || c->to_client.broken)
		return c->to_client.used == 0;
	return c->client_done && c->server_done && !c->to_client.used && !c->to_server.used;
}

static short wanted(bool done, const struct model_pipe *other_way, const struct model_pipe *own)
{
	return (done || other_way->used > MAX_QUEUED ? 0 : POLLIN) | (own->used ? POLLOUT : 0);
}

/* Ask for what each connection can do; two entries per connection behind the first two. */
static size_t fill(struct model *m, struct pollfd *fds)
{
	size_t n = 0;

	fds[n++] = (struct pollfd){ .fd = m->wake, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = m->listener, .events = POLLIN };
	for (size_t i = 0; i < m->nconns; i++) {
		struct model_conn *c = m->conns[i];

		fds[n++] = (struct pollfd){ .fd = c->client,
					    .events = wanted(c->client_done || !c->established,
							     &c->to_server, &c->to_client) };
		fds[n++] = (struct pollfd){ .fd = c->server,
					    .events = wanted(c->server_done, &c->to_client,
							     &c->to_server) };
	}
	return n;
}

static void serve(struct model *m, const struct pollfd *fds, size_t nconns)
{
	for (size_t i = 0; i < nconns; i++) {
		struct model_conn *c = m->conns[i];
		short client = fds[2 + 2 * i].revents, server = fds[3 + 2 * i].revents;

		if ((client & (POLLIN | POLLHUP | POLLERR)) && !c->client_done && c->established)
			read_client(m, c);
		if ((server & (POLLIN | POLLHUP | POLLERR)) && c->server >= 0 && !c->server_done)
			read_server(m, c);
		drain(c->client, &c->to_client);
		if (c->server >= 0)
			drain(c->server, &c->to_server);
	}
}

static void reap(struct model *m)
{
	for (size_t i = m->nconns; i-- > 0;) {
		if (is_over(m->conns[i]))
			finish(m, i);
	}
}

static void *loop(void *arg)
{
	struct model *m = arg;
	struct pollfd *fds = NULL;
	size_t nfds = 0;

	task_current()->comm = m->comm;
	for (;;) {
		size_t nconns = m->nconns;

		if (nfds < 2 + 2 * nconns) {
			nfds = 2 * (2 + 2 * nconns);
			fds = xrealloc(fds, nfds, sizeof(*fds));
		}
		if (poll(fds, fill(m, fds), -1) < 0 && errno != EINTR)
			break;
		task_current()->pid = __atomic_load_n(&m->pid, __ATOMIC_RELAXED);
		serve(m, fds, nconns);
		if (fds[1].revents & POLLIN)
			take_client(m);
		reap(m);
		if (fds[0].revents & POLLIN)
			break;
	}
	while (m->nconns > 0)
		finish(m, m->nconns - 1);
	machine_stop(&m->machine);
	model_stream_end(m->stream);
	free(fds);
	return NULL;
}

/* ---- from outside ---- */

static int open_machine(struct model *m, const struct model_options *o, struct names *names,
			struct err *err)
{
	struct machine_config config = { .device = o->device,
					 .transport = o->transport,
					 .packed = o->packed,
					 .indirect = o->indirect,
					 .event_idx = o->event_idx,
					 .alias = !o->plain,
					 .seed = o->seed,
					 .names = names,
					 .sink = model_stream_add,
					 .sink_ctx = m->stream,
					 .start_ns = monotonic(),
					 .unrecorded = true };
	int ret;

	if (o->device != MACHINE_NET && o->device != MACHINE_CONSOLE)
		return err_set(err, EINVAL, "a %s carries no connections: use net or console",
			       machine_device_name(o->device));
	ret = machine_open(&m->machine, &config, err);
	if (ret < 0)
		return ret;
	m->comm = bounce_trace_name(m->machine.trace, o->comm ? o->comm : "model");
	m->iface = bounce_trace_name(m->machine.trace, IFACE);
	model_now(m);
	model_wire(m);
	ret = machine_start(&m->machine, err);
	/* as Linux sends a short message: its maps then sum up to the frame in every ring format */
	if (ret == 0 && o->device == MACHINE_NET)
		m->machine.drv.net.whole = true;
	return ret;
}

struct model *model_start(const struct model_options *options, struct names *names, struct err *err)
{
	struct model *m = xcalloc(1, sizeof(*m));

	m->listener = m->wake = -1;
	m->packet = options->packet;
	m->packet_ctx = options->ctx;
	m->stream = model_stream_new();
	if (resolve(m, options->server, err) < 0 || listen_on(m, options->port, err) < 0 ||
	    open_machine(m, options, names, err) < 0)
		goto fail;
	m->wake = eventfd(0, EFD_CLOEXEC);
	if (m->wake < 0) {
		err_sys(err, "cannot make an eventfd");
		goto fail;
	}
	if (pthread_create(&m->thread, NULL, loop, m) != 0) {
		err_set(err, EAGAIN, "cannot start the model's thread");
		goto fail;
	}
	m->running = true;
	return m;
fail:
	model_free(m);
	return NULL;
}

uint16_t model_port(const struct model *m)
{
	return m->port;
}

void model_set_pid(struct model *m, pid_t pid)
{
	__atomic_store_n(&m->pid, pid, __ATOMIC_RELAXED);
}

struct stream *model_stream(struct model *m)
{
	m->stream_taken = true;
	return model_stream_base(m->stream);
}

int model_stop(struct model *m, struct err *err)
{
	uint64_t one = 1;

	if (m->running) {
		if (write(m->wake, &one, sizeof(one)) != sizeof(one))
			return err_sys(err, "cannot stop the model");
		pthread_join(m->thread, NULL);
		m->running = false;
	}
	if (m->failed && err)
		*err = m->err;
	if (m->failed)
		return -EIO;
	if (m->totals.refused)
		return err_set(err, ECONNREFUSED, "the server refused %llu of %llu connections",
			       (unsigned long long)m->totals.refused,
			       (unsigned long long)m->totals.connections);
	return 0;
}

struct platform *model_platform(struct model *m)
{
	struct platform *p = machine_platform(&m->machine);

	p->virtio[0].activity_before = 0;
	p->virtio[0].activity_after = m->totals.frames;
	if (m->machine.config.device == MACHINE_NET)
		p->virtio[0].iface = xstrdup(IFACE);
	/* the connections it carries are all that a program has of this machine */
	p->trace.events = xrealloc(p->trace.events, p->trace.nevents + 2, sizeof(*p->trace.events));
	p->trace.events[p->trace.nevents++] = xstrdup("sock:sock_send_length");
	p->trace.events[p->trace.nevents++] = xstrdup("sock:sock_recv_length");
	return p;
}

struct model_totals model_totals(const struct model *m)
{
	return m->totals;
}

void model_free(struct model *m)
{
	if (!m)
		return;
	if (m->running)
		model_stop(m, NULL);
	if (!m->stream_taken)
		stream_close(model_stream_base(m->stream));
	machine_close(&m->machine);
	if (m->listener >= 0)
		close(m->listener);
	if (m->wake >= 0)
		close(m->wake);
	free(m->conns);
	free(m->up.data);
	free(m->down.data);
	free(m);
}
