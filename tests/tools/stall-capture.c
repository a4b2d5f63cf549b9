/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stall-capture - how long does the packet capture hold while nobody reads it?
 *
 * usage: stall-capture INTERFACE FROM COUNT RATE SIZE
 *
 * Captures on INTERFACE, is stopped (SIGSTOP) by a child while that sends COUNT packets of SIZE
 * bytes by the interface FROM, RATE a second (0: as fast as it can), goes on, and prints how many
 * packets it has and how many found no room.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collectors/packets/packets.h"
#include "lib/base/err.h"
#include "lib/exchange/exchange.h"

#define NSEC 1000000000l

static int send_all(const char *from, long count, long rate, size_t size)
{
	static unsigned char frame[65536] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,   0,
					      0,    0,	  0,	1,    0x08, 0x00, 0x45 };
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)if_nametoindex(from),
				  .sll_halen = 6 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	for (long i = 0; fd >= 0 && i < count; i++) {
		if (sendto(fd, frame, size, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			return 1;
		if (!rate)
			continue;
		at.tv_nsec += NSEC / rate;
		at.tv_sec += at.tv_nsec / NSEC;
		at.tv_nsec %= NSEC;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	}
	return fd < 0;
}

int main(int argc, char **argv)
{
	const char *ifaces[1] = { argc > 1 ? argv[1] : "" };
	struct packets_options options = { .ifaces = ifaces, .nifaces = 1 };
	struct err err = { "" };
	struct packets *packets;
	struct exchanges *x;
	int status = 0;
	pid_t child;

	if (argc != 6) {
		fputs("usage: stall-capture INTERFACE FROM COUNT RATE SIZE\n", stderr);
		return 3;
	}
	packets = packets_start(&options, &err);
	if (!packets) {
		fprintf(stderr, "stall-capture: %s\n", err.text);
		return 3;
	}
	packets_window(packets, true);
	child = fork();
	if (child == 0) {
		kill(getppid(), SIGSTOP);
		status = send_all(argv[2], atol(argv[3]), atol(argv[4]), (size_t)atol(argv[5]));
		kill(getppid(), SIGCONT);
		_exit(status);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		status = 1;
	packets_window(packets, false);
	x = packets_stop(packets, &err);
	if (!x || status) {
		fprintf(stderr, "stall-capture: %s\n", x ? "cannot send" : err.text);
		exchanges_free(x);
		return 3;
	}
	printf("captured %llu dropped %llu\n", (unsigned long long)x->capture.packets,
	       (unsigned long long)x->capture.dropped);
	exchanges_free(x);
	return 0;
}
