/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/exchange/owners.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"

#define SOCKET_BUCKETS 32768 /* power of two, twice the sockets */
#define PID_BUCKETS 131072

struct owned {
	int32_t pid;   /* 0 empty, -1 gone */
	uint16_t comm; /* names id; 0 not seen */
};

/* Both tables are open-addressed rings of slots; a slot's entry is found by probing. */
struct owners {
	struct owner_socket sockets[OWNERS_SOCKETS];
	uint16_t socket_at[SOCKET_BUCKETS]; /* index + 1 */
	uint64_t nsockets;		    /* ever entered */
	struct owned *pids;		    /* PID_BUCKETS */
	uint32_t npids, ngone;
	bool no_follow;
	int32_t roots[512];
	unsigned int nroots;
};

struct owners *owners_new(void)
{
	struct owners *o = xcalloc(1, sizeof(*o));

	o->pids = xcalloc(PID_BUCKETS, sizeof(*o->pids));
	return o;
}

void owners_free(struct owners *o)
{
	if (!o)
		return;
	free(o->pids);
	free(o);
}

/* ---- processes ---- */

static uint32_t pid_hash(int32_t pid)
{
	return ((uint32_t)pid * 2654435761u) >> 15 & (PID_BUCKETS - 1);
}

static struct owned *pid_slot(const struct owners *o, int32_t pid)
{
	uint32_t i = pid_hash(pid);

	while (o->pids[i].pid != 0 && o->pids[i].pid != pid)
		i = (i + 1) & (PID_BUCKETS - 1);
	return &o->pids[i];
}

bool owners_is_program(const struct owners *o, int32_t pid)
{
	return pid > 0 && pid_slot(o, pid)->pid == pid;
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

static void pids_rehash(struct owners *o)
{
	struct owned *old = o->pids;

	o->pids = xcalloc(PID_BUCKETS, sizeof(*o->pids));
	for (uint32_t i = 0; i < PID_BUCKETS; i++)
		if (old[i].pid > 0)
			*pid_slot(o, old[i].pid) = old[i];
	o->ngone = 0;
	free(old);
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
	struct owned *slot;

	if (pid <= 0 || o->npids == OWNERS_PIDS)
		return;
	if (o->npids + o->ngone > PID_BUCKETS / 4 * 3)
		pids_rehash(o);
	slot = pid_slot(o, pid);
	if (slot->pid == 0) {
		slot->pid = pid;
		o->npids++;
	}
}

void owners_add_root(struct owners *o, int32_t pid)
{
	add_pid(o, pid);
	if (o->nroots < sizeof(o->roots) / sizeof(o->roots[0]))
		o->roots[o->nroots++] = pid;
}

static void remove_pid(struct owners *o, int32_t pid)
{
	struct owned *slot = pid > 0 ? pid_slot(o, pid) : NULL;

	if (slot && slot->pid == pid) {
		*slot = (struct owned){ .pid = -1 };
		o->npids--;
		o->ngone++;
	}
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
	struct owned *slot = e->pid > 0 && e->comm ? pid_slot(o, e->pid) : NULL;

	if (slot && slot->pid == e->pid)
		slot->comm = e->comm;
}

size_t owners_alive(const struct owners *o, struct owner_task *list, size_t max)
{
	size_t n = 0;

	for (uint32_t i = 0; i < PID_BUCKETS && o->npids; i++) {
		if (o->pids[i].pid <= 0)
			continue;
		if (n < max)
			list[n] = (struct owner_task){ o->pids[i].pid, o->pids[i].comm };
		n++;
	}
	return n;
}

/* ---- sockets ---- */

static uint32_t socket_hash(uint64_t address)
{
	return (uint32_t)((address >> 6) * 0x9e3779b97f4a7c15ull >> 40) & (SOCKET_BUCKETS - 1);
}

static uint16_t *socket_slot(struct owners *o, uint64_t address)
{
	uint32_t i = socket_hash(address);

	while (o->socket_at[i] && o->sockets[o->socket_at[i] - 1].address != address)
		i = (i + 1) & (SOCKET_BUCKETS - 1);
	return &o->socket_at[i];
}

struct owner_socket *owners_socket(struct owners *o, uint64_t address)
{
	uint16_t *slot = address ? socket_slot(o, address) : NULL;

	return slot && *slot ? &o->sockets[*slot - 1] : NULL;
}

/* Take an entry out and close the gap that it leaves in the probing sequence. */
static void forget_socket(struct owners *o, uint64_t address)
{
	uint32_t i = (uint32_t)(socket_slot(o, address) - o->socket_at), j = i;

	o->socket_at[i] = 0;
	for (;;) {
		uint32_t home;

		j = (j + 1) & (SOCKET_BUCKETS - 1);
		if (!o->socket_at[j])
			return;
		home = socket_hash(o->sockets[o->socket_at[j] - 1].address);
		if (((j - home) & (SOCKET_BUCKETS - 1)) >= ((j - i) & (SOCKET_BUCKETS - 1))) {
			o->socket_at[i] = o->socket_at[j];
			o->socket_at[j] = 0;
			i = j;
		}
	}
}

static struct owner_socket *enter_socket(struct owners *o, uint64_t address)
{
	uint32_t index = (uint32_t)(o->nsockets % OWNERS_SOCKETS);
	struct owner_socket *s = &o->sockets[index];

	if (o->nsockets >= OWNERS_SOCKETS)
		forget_socket(o, s->address);
	*s = (struct owner_socket){ .address = address, .conn = OWNERS_NO_CONN };
	*socket_slot(o, address) = (uint16_t)(index + 1);
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
