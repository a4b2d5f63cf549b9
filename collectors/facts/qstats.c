/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packets and bytes of each queue, as drivers tell them since Linux 6.9: virtio_net's are no longer
 * among those of ethtool (Documentation/netlink/specs/netdev.yaml, qstats-get).
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "collectors/facts/state.h"
#include "lib/base/xalloc.h"

/* Linux uapi/linux/netdev.h, which is younger than some systems' headers */
#define CMD_QSTATS_GET 12
enum {
	A_IFINDEX = 1,
	A_QUEUE_TYPE,
	A_QUEUE_ID,
	A_SCOPE,
	A_RX_PACKETS = 8,
	A_RX_BYTES,
	A_TX_PACKETS,
	A_TX_BYTES,
	A_KNOWN
};
#define SCOPE_QUEUE 1
#define QUEUE_RX 0

#define COUNTERS 4096
#define ANSWER 65536

struct request {
	struct nlmsghdr head;
	struct genlmsghdr command;
	uint8_t attributes[64];
};

/* What one message says: attribute by number, 0 where it does not. */
struct reported {
	bool has[A_KNOWN];
	uint64_t value[A_KNOWN];
};

struct queues {
	struct platform_counter *counters;
	size_t count;
	uint32_t index; /* of the interface */
};

static void put(struct request *r, uint16_t type, const void *value, uint16_t len)
{
	struct nlattr a = { .nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type };
	uint8_t *at = (uint8_t *)r + NLMSG_ALIGN(r->head.nlmsg_len);

	memcpy(at, &a, sizeof(a));
	memcpy(at + NLA_HDRLEN, value, len);
	r->head.nlmsg_len = NLMSG_ALIGN(r->head.nlmsg_len) + NLA_ALIGN(a.nla_len);
}

static struct request request(uint16_t family, uint16_t flags, uint8_t command)
{
	return (struct request){
		.head = { .nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN,
			  .nlmsg_type = family,
			  .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags) },
		.command = { .cmd = command, .version = 1 },
	};
}

/* Numbers of 1, 2, 4 or 8 bytes; what is longer than a number is left out. */
static struct reported read_attributes(const uint8_t *at, size_t len)
{
	struct reported reported = { 0 };
	struct nlattr a;

	while (len >= sizeof(a)) {
		size_t size, step;

		memcpy(&a, at, sizeof(a));
		if (a.nla_len < NLA_HDRLEN || a.nla_len > len)
			break;
		size = a.nla_len - NLA_HDRLEN;
		if ((a.nla_type & NLA_TYPE_MASK) < A_KNOWN && size <= sizeof(uint64_t)) {
			uint64_t *to = &reported.value[a.nla_type & NLA_TYPE_MASK];

			/* 64-bit Linux of both architectures is little-endian */
			memcpy(to, at + NLA_HDRLEN, size);
			reported.has[a.nla_type & NLA_TYPE_MASK] = true;
		}
		step = NLA_ALIGN(a.nla_len);
		if (step >= len)
			break;
		at += step;
		len -= step;
	}
	return reported;
}

/*
 * Send, and hand each answer to fn until the last: the first one, or, where a list was asked for
 * (NLM_F_DUMP), the one that ends it.  Returns whether it came.
 */
static bool ask(int fd, const struct request *r,
		void (*fn)(void *ctx, const struct reported *reported), void *ctx)
{
	uint8_t *buf = xcalloc(1, ANSWER);
	bool over = send(fd, r, r->head.nlmsg_len, 0) != (ssize_t)r->head.nlmsg_len, ok = false;

	while (!over) {
		ssize_t n = recv(fd, buf, ANSWER, 0);
		const struct nlmsghdr *m = (const struct nlmsghdr *)buf;
		size_t left = n > 0 ? (size_t)n : 0;

		over = n <= 0;
		for (; !over && NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
			struct reported reported;

			ok = m->nlmsg_type == NLMSG_DONE;
			over = ok || m->nlmsg_type == NLMSG_ERROR;
			if (over || m->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN)
				continue;
			reported = read_attributes((const uint8_t *)NLMSG_DATA(m) + GENL_HDRLEN,
						   m->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN);
			fn(ctx, &reported);
			over = ok = !(r->head.nlmsg_flags & NLM_F_DUMP);
		}
	}
	free(buf);
	return ok;
}

static void take_family(void *ctx, const struct reported *reported)
{
	if (reported->has[CTRL_ATTR_FAMILY_ID])
		*(uint16_t *)ctx = (uint16_t)reported->value[CTRL_ATTR_FAMILY_ID];
}

static uint16_t family_of(int fd)
{
	struct request r = request(GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY);
	uint16_t family = 0;

	put(&r, CTRL_ATTR_FAMILY_NAME, "netdev", sizeof("netdev"));
	return ask(fd, &r, take_family, &family) ? family : 0;
}

static void add(struct queues *q, const char *way, uint64_t queue, const char *what, uint64_t value)
{
	if (q->count == COUNTERS)
		return;
	q->counters[q->count++] = (struct platform_counter){
		.name = xasprintf("%s%u_%s", way, (unsigned int)queue, what),
		.before = value,
	};
}

static void take_queue(void *ctx, const struct reported *reported)
{
	struct queues *q = ctx;
	bool rx = reported->value[A_QUEUE_TYPE] == QUEUE_RX;
	int packets = rx ? A_RX_PACKETS : A_TX_PACKETS, bytes = rx ? A_RX_BYTES : A_TX_BYTES;
	uint64_t queue = reported->value[A_QUEUE_ID];
	const char *way = rx ? "rx" : "tx";

	if (reported->value[A_IFINDEX] != q->index || !reported->has[A_QUEUE_TYPE] ||
	    !reported->has[A_QUEUE_ID])
		return;
	if (reported->has[packets])
		add(q, way, queue, "packets", reported->value[packets]);
	if (reported->has[bytes])
		add(q, way, queue, "bytes", reported->value[bytes]);
}

struct platform_counter *facts_qstats(uint32_t index, size_t *count)
{
	const struct timeval patience = { .tv_sec = 1 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	uint16_t family = 0;
	uint32_t scope = SCOPE_QUEUE;
	struct queues q = { .index = index };
	struct request r;
	bool whole = false;

	*count = 0;
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0)
		family = family_of(fd);
	if (family) {
		q.counters = xcalloc(COUNTERS, sizeof(*q.counters));
		r = request(family, NLM_F_DUMP, CMD_QSTATS_GET);
		put(&r, A_IFINDEX, &index, sizeof(index));
		put(&r, A_SCOPE, &scope, sizeof(scope));
		whole = ask(fd, &r, take_queue, &q);
	}
	if (fd >= 0)
		close(fd);
	for (size_t i = 0; !whole && i < q.count; i++)
		free(q.counters[i].name);
	if (!whole) {
		free(q.counters);
		return NULL;
	}
	*count = q.count;
	return q.counters;
}
