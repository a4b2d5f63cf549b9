/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames of the host: each input is a row of records (2 bytes length, 1 byte direction and cut,
 * frame), taken through connections, exchanges and the correlation.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/correlate/correlate.h"
#include "lib/exchange/clear.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/traffic.h"
#include "lib/net/flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next record as a packet; 0 at the end. */
static size_t next(const uint8_t *data, size_t size, uint64_t ts_ns, struct packet *p, int *ok)
{
	size_t len, cut;

	if (size < 3)
		return 0;
	len = (size_t)(data[0] << 8 | data[1]) % 2048;
	cut = data[2] & 0x3f;
	if (len > size - 3)
		len = size - 3;
	*p = (struct packet){ .ts_ns = ts_ns, .iface = 1, .dir = data[2] >> 6 };
	if (p->dir > FLOW_DIR_UNKNOWN)
		p->dir = FLOW_IN;
	*ok = packet_from_ethernet(p, data + 3, (uint32_t)(cut < len ? len - cut : len),
				   (uint32_t)len);
	return len + 3;
}

/* All that is said, with lists of this many bytes. */
static struct exchanges *judged(const uint8_t *data, size_t size, size_t memory)
{
	struct names *names = names_new();
	struct traffic_options options = { .memory = memory };
	struct traffic *traffic = traffic_new(names, &options);
	struct correlate *correlate;
	struct exchanges *x;
	struct packet p;
	size_t n;
	int ok;

	names_intern(names, "eth0", 4);
	for (size_t at = 0; (n = next(data + at, size - at, at, &p, &ok)); at += n)
		if (ok)
			traffic_packet(traffic, &p);
	x = traffic_finish(traffic);
	correlate = correlate_new(x, names, NULL);
	for (size_t at = 0; (n = next(data + at, size - at, at, &p, &ok)); at += n)
		if (ok)
			correlate_packet(correlate, &p);
	correlate_finish(correlate);
	names_free(names);
	return x;
}

/* What is not listed adds up to what is. */
static void check_unlisted(const struct exchanges *all, const struct exchanges *x)
{
	struct exchange_rest listed = { 0 }, rest = x->unlisted.by[OWNER_UNKNOWN];
	uint64_t payload[2] = { 0 };

	for (size_t i = 0; i < all->nconns; i++)
		for (int dir = 0; dir < 2; dir++)
			payload[dir] += all->conns[i].payload[dir] + all->conns[i].lost[dir];
	for (size_t r = 0; r < all->nrows; r++)
		rest_add(&listed, &all->rows[r]);
	if (x->unlisted.conns != all->nconns || x->unlisted.seen != all->nconns ||
	    memcmp(&listed, &rest, sizeof(rest)) != 0 ||
	    memcmp(payload, x->unlisted.streams[OWNER_UNKNOWN], sizeof(payload)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct exchanges *x = judged(data, size, 0), *unlisted = judged(data, size, 1);
	char *why;

	check_unlisted(x, unlisted);
	exchanges_free(unlisted);
	/* every payload byte of a connection is in some row, and no byte is in two */
	for (size_t i = 0; i < x->nconns; i++) {
		for (int dir = 0; dir < 2; dir++) {
			uint64_t sum = 0;

			for (size_t r = 0; r < x->nrows; r++)
				if (x->rows[r].conn == i)
					sum += exchange_half_bytes(&x->rows[r].half[dir]);
			if (sum > x->conns[i].payload[dir] + x->conns[i].lost[dir])
				abort();
		}
	}
	exchanges_clear_payload(x, &why);
	free(why);
	exchanges_free(x);
	return 0;
}
