/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * everyday-peer - whom the everyday workloads of the guest tests talk to.
 *
 * usage: everyday-peer PORT ADDRESS...
 *
 * On each address, from PORT on: TCP echo; sink (reads all, then says how much); reset (after the
 * first bytes); early close (with bytes unread); source (256 KiB); UDP echo; DNS (everything is
 * 192.0.2.1); UDP sink.  Says "ready" when it listens, and runs until it is killed.
 */
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOURCE_BYTES 262144
#define DNS_HEADER 12

static void echo(int fd)
{
	char buf[16384];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (write(fd, buf, (size_t)n) != n)
			break;
}

static void sink(int fd)
{
	char buf[16384];
	size_t all = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		all += (size_t)n;
	dprintf(fd, "%zu\n", all);
}

static void reset(int fd)
{
	struct linger now = { 1, 0 };
	char buf[1000];

	if (read(fd, buf, sizeof(buf)) > 0)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

/* What is unread as a socket is closed makes the kernel reset the connection. */
static void early_close(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		perror("everyday-peer: early close");
}

static void source(int fd)
{
	static const char buf[4096];

	for (size_t n = 0; n < SOURCE_BYTES; n += sizeof(buf))
		if (write(fd, buf, sizeof(buf)) != sizeof(buf))
			break;
}

static size_t udp_echo(unsigned char *buf, size_t n, size_t size)
{
	(void)buf, (void)size;
	return n;
}

/* The question again, and one answer if it asks for an IPv4 address. */
static size_t dns(unsigned char *buf, size_t n, size_t size)
{
	static const unsigned char answer[] = { 0xc0, DNS_HEADER, 0, 1, 0,   1, 0, 0,
						0,    60,	  0, 4, 192, 0, 2, 1 };
	int is_a = n > DNS_HEADER + 4 && buf[n - 4] == 0 && buf[n - 3] == 1;

	if (n <= DNS_HEADER + 4 || n + sizeof(answer) > size)
		return 0;
	buf[2] = 0x81;
	buf[3] = 0x80;
	buf[7] = (unsigned char)is_a;
	if (!is_a)
		return n;
	memcpy(buf + n, answer, sizeof(answer));
	return n + sizeof(answer);
}

static size_t udp_sink(unsigned char *buf, size_t n, size_t size)
{
	(void)buf, (void)n, (void)size;
	return 0;
}

static const struct service {
	void (*tcp)(int fd);
	size_t (*udp)(unsigned char *buf, size_t n, size_t size);
} services[] = {
	{ .tcp = echo },   { .tcp = sink },	{ .tcp = reset }, { .tcp = early_close },
	{ .tcp = source }, { .udp = udp_echo }, { .udp = dns },	  { .udp = udp_sink },
};

struct listener {
	const struct service *service;
	int fd;
};

static void *talk(void *arg)
{
	struct listener *l = arg;

	l->service->tcp(l->fd);
	close(l->fd);
	free(l);
	return NULL;
}

static void start(void *(*run)(void *), const struct service *service, int fd)
{
	struct listener *l = malloc(sizeof(*l));
	pthread_t thread;

	if (!l)
		abort();
	*l = (struct listener){ service, fd };
	if (pthread_create(&thread, NULL, run, l) != 0)
		abort();
	pthread_detach(thread);
}

static void *serve(void *arg)
{
	const struct listener *l = arg;
	unsigned char buf[65536];

	for (;;) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		ssize_t n;

		if (l->service->tcp) {
			int fd = accept(l->fd, NULL, NULL);

			if (fd >= 0)
				start(talk, l->service, fd);
			continue;
		}
		n = recvfrom(l->fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
		n = n > 0 ? (ssize_t)l->service->udp(buf, (size_t)n, sizeof(buf)) : 0;
		if (n > 0)
			sendto(l->fd, buf, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
	return NULL;
}

static int open_socket(const char *address, int port, int type)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = type };
	struct addrinfo *to;
	char service[16];
	int fd, one = 1;

	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(address, service, &hints, &to) != 0)
		return -1;
	fd = socket(to->ai_family, type | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd >= 0 && (bind(fd, to->ai_addr, to->ai_addrlen) < 0 ||
			(type == SOCK_STREAM && listen(fd, 64) < 0))) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(to);
	return fd;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("usage: everyday-peer PORT ADDRESS...\n", stderr);
		return 3;
	}
	signal(SIGPIPE, SIG_IGN);
	for (int a = 2; a < argc; a++) {
		for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
			int port = atoi(argv[1]) + (int)i;
			int fd = open_socket(argv[a], port,
					     services[i].tcp ? SOCK_STREAM : SOCK_DGRAM);

			if (fd < 0) {
				fprintf(stderr, "everyday-peer: cannot listen on %s port %d\n",
					argv[a], port);
				return 3;
			}
			start(serve, &services[i], fd);
		}
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
