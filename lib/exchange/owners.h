/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_CORRELATE_OWNERS_H
#define CCAIO_LIB_CORRELATE_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/flow.h"

struct event;

/*
 * owners - whose socket is it: processes, their children, and the sockets they opened.
 *
 * Fed with EVENT_FORK, EVENT_EXEC, EVENT_EXIT, EVENT_SOCK_STATE, EVENT_SOCK_SEND,
 * EVENT_SOCK_RECV, EVENT_TCP_TX and EVENT_TCP_RX; ignores all others.  Remembers OWNERS_SOCKETS
 * sockets and OWNERS_PIDS processes at most; closed ones and then the oldest go first.
 */
#define OWNERS_SOCKETS 16384
#define OWNERS_PIDS 65536
#define OWNERS_NO_CONN UINT32_MAX

struct owner_socket {
	uint64_t address;
	struct flow_key key;
	bool key_known; /* both ports are */
	bool program;	/* of a process of the program */
	bool closed;
	int32_t pid;		 /* that opened it, or was first seen using it; 0 unknown */
	uint16_t comm;		 /* names id */
	uint32_t conn;		 /* for the caller; OWNERS_NO_CONN in a new socket */
	uint64_t sent, received; /* bytes that the calls of its owner moved */
	bool calls_seen;
	uint64_t unplaced; /* for the caller; 0 in a new socket */
};

struct owners;

struct owners *owners_new(void);
void owners_free(struct owners *owners); /* accepts NULL */

/* pid belongs to the program, and so do the processes that it starts from now on. */
void owners_add_root(struct owners *owners, int32_t pid);
/*
 * Do they (the default)?  Else only until they become another program by exec: a thread
 * looks like a child to the events, and is the program's.
 */
void owners_set_follow(struct owners *owners, bool follow);
bool owners_is_program(const struct owners *owners, int32_t pid);
/*
 * The same, and the workers of its io_urings: tasks that no fork event tells of, whose name has the
 * number of the task that they work for, "iou-wrk-124" (Linux io_uring/io-wq.c, sqpoll.c).
 */
bool owners_is_task(const struct owners *owners, int32_t pid, const char *comm);

/* A process or thread. */
struct owner_task {
	int32_t pid;
	uint16_t comm; /* names id; 0 unknown */
};

/*
 * How many of the program no event has reported the end of; up to max of them into list, those
 * with the lowest numbers first.
 */
size_t owners_alive(const struct owners *owners, struct owner_task *list, size_t max);

/* The socket that a socket event is about, after it; NULL for other events.  Borrowed. */
struct owner_socket *owners_event(struct owners *owners, const struct event *event);

/* The socket at this address now, or NULL. */
struct owner_socket *owners_socket(struct owners *owners, uint64_t address);

#endif
