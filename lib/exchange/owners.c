/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/exchange/owners.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"

struct owned {
	struct hash_key pid;
	uint16_t comm; /* names id; 0 not seen */
};

struct socket_index {
	struct hash_key address;
	uint32_t index;
};

struct owners {
	struct owner_socket sockets[OWNERS_SOCKETS]; /* a ring: the oldest closed one goes first */
	struct hash socket_at;			     /* of struct socket_index */
	uint64_t nsockets;			     /* where in it the next goes */
	struct hash pids;			     /* of struct owned */
	bool no_follow;
	int32_t roots[512];
	unsigned int nroots;
};

struct owners *owners_new(void)
{
	struct owners *o = xcalloc(1, sizeof(*o));

	hash_init(&o->pids, sizeof(struct owned));
	hash_init(&o->socket_at, sizeof(struct socket_index));
	return o;
}

void owners_free(struct owners *o)
{
	if (!o)
		return;
	hash_free(&o->pids);
	hash_free(&o->socket_at);
	free(o);
}

/* ---- processes ---- */

static struct owned *find_pid(const struct owners *o, int32_t pid)
{
	return pid > 0 ? hash_find(&o->pids, (uint64_t)pid, 0) : NULL;
}

bool owners_is_program(const struct owners *o, int32_t pid)
{
	return find_pid(o, pid) != NULL;
}

bool owners_is_task(const struct owners *o, int32_t pid, const char *comm)
{
	if (owners_is_program(o, pid))
		return true;
	return strncmp(comm, "iou-", 4) == 0 &&
	       owners_is_program(o, (int32_t)strtol(strrchr(comm, '-') + 1, NULL, 10));
}

void owners_set_follow(struct owners *o, bool follow)
{
	o->no_follow = !follow;
}

static bool is_root(const struct owners *o, int32_t pid)
{
	for (unsigned int i = 0; i < o->nroots; i++)
		if (o->roots[i] == pid)
			return true;
	return false;
}

static void add_pid(struct owners *o, int32_t pid)
{
	if (pid > 0 && o->pids.count < OWNERS_PIDS && !find_pid(o, pid))
		hash_add(&o->pids, (uint64_t)pid, 0);
}

void owners_add_root(struct owners *o, int32_t pid)
{
	add_pid(o, pid);
	if (o->nroots < sizeof(o->roots) / sizeof(o->roots[0]))
		o->roots[o->nroots++] = pid;
}

static void remove_pid(struct owners *o, int32_t pid)
{
	struct owned *entry = find_pid(o, pid);

	if (entry)
		hash_remove(&o->pids, entry);
}

/*
 * Another program from now on.  A thread that is not its process's first one gets that one's
 * number then, which has ended before (Linux fs/exec.c, de_thread); no exit tells of its own.
 */
static void exec_pid(struct owners *o, int32_t pid, int32_t old)
{
	if (old > 0 && old != pid && owners_is_program(o, old)) {
		remove_pid(o, old);
		add_pid(o, pid);
	}
	if (o->no_follow && !is_root(o, pid))
		remove_pid(o, pid);
}

/* What a process of the program was called when it last did something. */
static void note_comm(struct owners *o, const struct event *e)
{
	struct owned *entry = e->comm ? find_pid(o, e->pid) : NULL;

	if (entry)
		entry->comm = e->comm;
}

size_t owners_alive(const struct owners *o, struct owner_task *list, size_t max)
{
	const struct owned *p = NULL;
	size_t n = 0;

	while ((p = hash_next(&o->pids, p))) {
		struct owner_task task = { (int32_t)p->pid.a, p->comm };
		size_t i = n < max ? n++ : max;

		for (; i > 0 && list[i - 1].pid > task.pid; i--) {
			if (i < max)
				list[i] = list[i - 1];
		}
		if (i < max)
			list[i] = task;
	}
	return o->pids.count;
}

/* ---- sockets ---- */

struct owner_socket *owners_socket(struct owners *o, uint64_t address)
{
	const struct socket_index *at = address ? hash_find(&o->socket_at, address, 0) : NULL;

	return at ? &o->sockets[at->index] : NULL;
}

#define LOOK 256 /* sockets that are looked at for one that is closed */

/* Where there is no room left: one of the oldest that is closed, or the oldest. */
static uint64_t oldest_socket(const struct owners *o)
{
	for (uint64_t n = o->nsockets; n < o->nsockets + LOOK; n++)
		if (o->sockets[n % OWNERS_SOCKETS].closed)
			return n;
	return o->nsockets;
}

static struct owner_socket *enter_socket(struct owners *o, uint64_t address)
{
	struct owner_socket *s;
	struct socket_index *at;
	uint32_t index;

	if (o->nsockets >= OWNERS_SOCKETS)
		o->nsockets = oldest_socket(o);
	index = (uint32_t)(o->nsockets % OWNERS_SOCKETS);
	s = &o->sockets[index];
	if (o->nsockets >= OWNERS_SOCKETS)
		hash_remove(&o->socket_at, hash_find(&o->socket_at, s->address, 0));
	*s = (struct owner_socket){ .address = address, .conn = OWNERS_NO_CONN };
	at = hash_add(&o->socket_at, address, 0);
	at->index = index;
	o->nsockets++;
	return s;
}

/* The same address, but another socket: begins anew in place. */
static void renew(struct owner_socket *s)
{
	*s = (struct owner_socket){ .address = s->address, .conn = OWNERS_NO_CONN };
}

static void set_owner(struct owners *o, struct owner_socket *s, const struct event *e)
{
	if (s->pid || e->pid <= 0)
		return;
	s->pid = e->pid;
	s->comm = e->comm;
	s->program = owners_is_program(o, e->pid);
}

static struct owner_socket *socket_state(struct owners *o, const struct event *e)
{
	struct owner_socket *s = owners_socket(o, e->link);
	unsigned int from, to;
	struct flow_key key;

	flow_unpack_sock(e, &key, &from, &to);
	if (!s)
		s = enter_socket(o, e->link);
	else if (s->closed || (from == FLOW_CLOSE && (to == FLOW_SYN_SENT || to == FLOW_LISTEN)))
		renew(s);
	if (key.local_port && key.remote_port) {
		s->key = key;
		s->key_known = true;
	}
	/* only these happen in the owner's own context; others in whatever softirq interrupted */
	if (from == FLOW_CLOSE && (to == FLOW_SYN_SENT || to == FLOW_LISTEN))
		set_owner(o, s, e);
	if (to == FLOW_CLOSE)
		s->closed = true;
	return s;
}

/*
 * A packet of a socket tells its addresses: of one that is older than the recording nothing else
 * does. Returns it when that is news.
 */
static struct owner_socket *socket_packet(struct owners *o, const struct event *e)
{
	struct owner_socket *s = owners_socket(o, e->sock_of);
	struct flow_key key;

	if (!e->sock_of || !flow_unpack_tcp(e, &key) || (s && s->closed))
		return NULL;
	if (s && s->key_known && flow_key_equal(&s->key, &key))
		return NULL;
	if (!s)
		s = enter_socket(o, e->sock_of);
	else if (s->key_known)
		renew(s);
	s->key = key;
	s->key_known = true;
	return s;
}

struct owner_socket *owners_event(struct owners *o, const struct event *e)
{
	struct owner_socket *s = NULL;

	switch (e->kind) {
	case EVENT_FORK:
		if (owners_is_program(o, e->pid))
			add_pid(o, (int32_t)e->aux);
		note_comm(o, e);
		break;
	case EVENT_EXEC:
		exec_pid(o, e->pid, (int32_t)e->aux);
		note_comm(o, e);
		break;
	case EVENT_EXIT:
		remove_pid(o, e->pid);
		break;
	case EVENT_SOCK_STATE:
		return e->link ? socket_state(o, e) : NULL;
	case EVENT_TCP_TX:
	case EVENT_TCP_RX:
		return socket_packet(o, e);
	case EVENT_SOCK_SEND:
	case EVENT_SOCK_RECV:
		s = owners_socket(o, e->link);
		if (!s && e->link)
			s = enter_socket(o, e->link);
		note_comm(o, e);
		if (!s)
			break;
		set_owner(o, s, e);
		s->calls_seen = true;
		*(e->kind == EVENT_SOCK_SEND ? &s->sent : &s->received) += e->size;
		break;
	default:
		break;
	}
	return s;
}
