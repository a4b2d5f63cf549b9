/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Real sockets through the bounce path: an echo server behind the model. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collectors/model/model.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/bounce/memory/random.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/stream.h"
#include "lib/judge/judge.h"
#include "lib/net/flow.h"
#include "lib/verdict/verdict.h"
#include "tests/unit/test.h"

#define BYTES 300000u

static uint64_t packets[2], payload[2];

static void count(void *ctx, const struct packet *p)
{
	struct segment s;

	(void)ctx;
	packets[p->dir]++;
	if (segment_parse(&s, p))
		payload[p->dir] += s.payload_len;
}

static int listener(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	bind(fd, (struct sockaddr *)&a, sizeof(a));
	listen(fd, 8);
	getsockname(fd, (struct sockaddr *)&a, &len);
	*port = ntohs(a.sin_port);
	return fd;
}

/* Sends back what it gets, inverted, until the other side is done; serves two connections. */
static void *echo(void *arg)
{
	int listening = *(int *)arg;

	for (int i = 0; i < 2; i++) {
		int fd = accept(listening, NULL, NULL);
		uint8_t buf[4096];
		ssize_t n;

		while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
			for (ssize_t k = 0; k < n; k++)
				buf[k] = ~buf[k];
			for (ssize_t done = 0; done < n;)
				done += send(fd, buf + done, n - done, MSG_NOSIGNAL);
		}
		close(fd);
	}
	return NULL;
}

static int dial(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

struct client {
	int fd;
	uint8_t sent[BYTES];
};

static void *sender(void *arg)
{
	struct client *c = arg;

	for (size_t done = 0; done < BYTES;)
		done += send(c->fd, c->sent + done, BYTES - done, MSG_NOSIGNAL);
	shutdown(c->fd, SHUT_WR);
	return NULL;
}

/* All bytes come back as they must. */
static bool talk(uint16_t port)
{
	static struct client c;
	uint64_t seed = port;
	pthread_t thread;
	size_t got = 0;
	bool same = true;
	uint8_t buf[4096];
	ssize_t n;

	c.fd = dial(port);
	random_fill(&seed, c.sent, BYTES);
	pthread_create(&thread, NULL, sender, &c);
	while ((n = recv(c.fd, buf, sizeof(buf), 0)) > 0) {
		for (ssize_t k = 0; k < n && got < BYTES; k++)
			same = same && (buf[k] ^ c.sent[got++]) == 0xff;
	}
	pthread_join(thread, NULL);
	close(c.fd);
	return same && got == BYTES;
}

static struct verdict *judged(struct model *m, struct stream *s, const struct names *names,
			      struct platform *p)
{
	struct judge *j = judge_new(p, names, NULL);
	struct event events[256];
	struct verdict *v;
	ssize_t n;

	(void)m;
	while ((n = stream_read(s, events, 256, NULL)) > 0)
		judge_feed(j, events, n);
	v = judge_finish(j, &s->info);
	judge_free(j);
	return v;
}

static void through(enum machine_device device, enum machine_transport transport, bool packed)
{
	struct names *names = names_new();
	struct err err = { "" };
	struct platform *p;
	struct verdict *v;
	struct stream *s;
	struct model *m;
	pthread_t thread;
	uint16_t port;
	int fd = listener(&port);
	char server[32];

	memset(packets, 0, sizeof(packets));
	memset(payload, 0, sizeof(payload));
	pthread_create(&thread, NULL, echo, &fd);
	snprintf(server, sizeof(server), "127.0.0.1:%u", port);
	m = model_start(&(struct model_options){ .device = device,
						 .transport = transport,
						 .packed = packed,
						 .indirect = true,
						 .event_idx = true,
						 .seed = 3,
						 .server = server,
						 .packet = count },
			names, &err);
	check(m != NULL);
	if (!m) {
		printf("# %s\n", err.text);
		return;
	}
	s = model_stream(m);
	check(talk(model_port(m)));
	check(talk(model_port(m)));
	pthread_join(thread, NULL);
	check(model_stop(m, &err) == 0);
	check(model_totals(m).connections == 2 && model_totals(m).out_bytes == 2 * BYTES);
	check(model_totals(m).in_bytes == 2 * BYTES);
	check(payload[FLOW_OUT] == 2 * BYTES && payload[FLOW_IN] == 2 * BYTES);
	p = model_platform(m);
	v = judged(m, s, names, p);
	check(v->outcome == OUTCOME_PROVEN);
	check(v->totals.maps > 2 * BYTES / 1460);
	verdict_free(v);
	platform_free(p);
	stream_close(s);
	model_free(m);
	names_free(names);
	close(fd);
}

static void refused(void)
{
	struct names *names = names_new();
	struct err err = { "" };
	struct model_options o = { .device = MACHINE_NET, .server = "127.0.0.1:1" };
	struct model *m = model_start(&o, names, &err);
	uint8_t byte;
	int fd = dial(model_port(m));

	check(fd >= 0 && recv(fd, &byte, 1, 0) <= 0); /* nobody there: closed */
	close(fd);
	check(model_stop(m, &err) < 0 && strstr(err.text, "server"));
	model_free(m);
	o.server = "nonsense";
	check(!model_start(&o, names, &err) && strstr(err.text, "nonsense"));
	o.server = "127.0.0.1:1";
	o.device = MACHINE_RNG;
	check(!model_start(&o, names, &err) && strstr(err.text, "rng"));
	names_free(names);
}

int main(void)
{
	through(MACHINE_NET, MACHINE_PCI, false);
	through(MACHINE_NET, MACHINE_MSG2_DYNAMIC, true);
	through(MACHINE_NET, MACHINE_MSG1_STATIC, false);
	through(MACHINE_CONSOLE, MACHINE_MMIO, true);
	refused();
	return done();
}
