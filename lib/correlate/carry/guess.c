/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * carry-guess - which buffers became a packet, where only order and sizes tell.
 */
#include "lib/correlate/carry/state.h"

#define BUFFERS_OF_PACKET 64

/* Some of the waiting buffers: count of them from index on, and how the packet came of them. */
struct made_of {
	unsigned int index, count;
	unsigned int wire; /* packets on the wire that became one */
	enum grade grade;
};

/* Waiting buffers that a packet may have come of, the oldest first. */
struct choice {
	struct carry_waiting *at[CARRY_BUFFERS];
	unsigned int count;
};

static uint64_t size_at(const struct choice *b, unsigned int i)
{
	return b->at[i]->dma.size;
}

/* One long packet in several buffers: the first holds the headers. */
static unsigned int one_packet(const struct choice *b, unsigned int from, uint64_t bytes)
{
	uint64_t sum = 0;

	for (unsigned int n = 0; n < BUFFERS_OF_PACKET && from + n < b->count; n++) {
		sum += size_at(b, from + n);
		if (sum == bytes)
			return n + 1;
		if (sum > bytes)
			break;
	}
	return 0;
}

/*
 * Several packets merged into one (GRO): all but the last carry the same payload,
 * and all but the first lost their IP and TCP headers, 40 to 120 bytes.
 */
static unsigned int merged(const struct choice *b, unsigned int from, uint64_t len,
			   unsigned int over)
{
	uint64_t first = size_at(b, from), sum = first - over;

	if (first <= over + 40)
		return 0;
	for (unsigned int n = 2; n <= BUFFERS_OF_PACKET && from + n <= b->count; n++) {
		uint64_t size = size_at(b, from + n - 1);
		uint64_t headers;

		if (size > first || size <= over + 40)
			return 0;
		sum += size - over;
		headers = sum > len ? (sum - len) / (n - 1) : 0;
		if (headers >= 40 && headers <= 120 && headers % 4 == 0 &&
		    headers * (n - 1) == sum - len)
			return n;
		if (size < first)
			return 0; /* a shorter one is the last */
	}
	return 0;
}

static struct made_of made_at(const struct choice *b, unsigned int from, uint64_t len,
			      unsigned int header)
{
	unsigned int n = one_packet(b, from, len + ETHERNET + header);

	if (n)
		return (struct made_of){ from, n, 1, GRADE_NESTED };
	n = merged(b, from, len, ETHERNET + header);
	return (struct made_of){ from, n, n, GRADE_NESTED };
}

/*
 * Which waiting buffers became the packet of len bytes?  The first ones if their
 * sizes fit; else the only ones that fit (GRO gives out several connections' packets in
 * its own order); where several would do, the first of them, and then it is size
 * alone that says so.
 */
static struct made_of find_buffers(const struct choice *b, uint64_t len, unsigned int header)
{
	struct made_of found = { 0 };

	for (unsigned int i = 0; i < b->count; i++) {
		struct made_of made = made_at(b, i, len, header);

		if (!made.count)
			continue;
		if (i == 0)
			return made;
		if (found.count) {
			found.grade = GRADE_SIZED;
			return found;
		}
		found = made;
	}
	return found;
}

/* Unmapped buffers do not tell how much of them was used: only their number can fit. */
static struct made_of count_buffers(const struct choice *b, uint64_t len)
{
	struct made_of found = { 0 };
	const uint64_t mtu = 1500, headers = 40;

	if (!b->count)
		return found;
	found.count = 1;
	if (len > mtu)
		found.count = (unsigned int)((len - headers + mtu - headers - 1) / (mtu - headers));
	if (found.count > b->count)
		found.count = b->count;
	if (found.count > BUFFERS_OF_PACKET)
		found.count = BUFFERS_OF_PACKET;
	found.wire = found.count;
	found.grade = GRADE_SIZED;
	return found;
}

enum grade carry_guess(struct carry_buffers *b, uint64_t skb, uint64_t len, unsigned int header,
		       unsigned int *wire)
{
	struct choice choice;
	struct made_of made;
	bool begun = false; /* the first of them is known */

	choice.count = 0;
	for (unsigned int i = 0; i < b->count; i++) {
		struct carry_waiting *w = &b->ring[(b->first + i) % CARRY_BUFFERS];

		/* whose merging was not reported may be any of those behind the first */
		begun |= w->skb == skb;
		if (begun || !w->skb)
			choice.at[choice.count++] = w;
		if (w->skb == skb && choice.at[0]->skb != skb) {
			choice.at[0] = w;
			choice.count = 1;
		}
	}
	made = b->unmapped ? count_buffers(&choice, len)
	       : begun	   ? made_at(&choice, 0, len, header)
			   : find_buffers(&choice, len, header);
	for (unsigned int i = 0; i < choice.count; i++) {
		if (i >= made.index && i < made.index + made.count)
			choice.at[i]->skb = skb;
		else if (choice.at[i]->skb == skb)
			choice.at[i]->skb = 0;
	}
	*wire = made.wire;
	if (!made.count)
		return GRADE_NONE;
	/* where events show it, what they do not tell is no more than likely */
	return b->entered ? GRADE_SIZED : made.grade;
}
