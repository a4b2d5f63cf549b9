/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/net/tls.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

enum { CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION = 23, HEARTBEAT = 24 };
enum { CLIENT_HELLO = 1, SERVER_HELLO = 2 };
enum { EXT_SERVER_NAME = 0, EXT_ALPN = 16, EXT_SUPPORTED_VERSIONS = 43 };

#define RECORD_MAX (16384 + 2048)

/* Bytes still to read; every get is checked, past the end it gives 0 and sets bad. */
struct cursor {
	const uint8_t *p;
	size_t left;
	bool bad;
};

static uint32_t get(struct cursor *c, size_t bytes)
{
	uint32_t v = 0;

	if (c->left < bytes) {
		c->bad = true;
		c->left = 0;
		return 0;
	}
	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | c->p[i];
	c->p += bytes;
	c->left -= bytes;
	return v;
}

/* A part of c with a length of n bytes in front of it. */
static struct cursor part(struct cursor *c, size_t n)
{
	size_t len = get(c, n);
	struct cursor out = { c->p, len, c->bad };

	if (len > c->left) {
		c->bad = true;
		out = (struct cursor){ NULL, 0, true };
		len = c->left;
	}
	c->p += len;
	c->left -= len;
	return out;
}

static void copy_text(char *to, size_t size, size_t at, struct cursor from)
{
	for (size_t i = 0; i < from.left && at < size - 1; i++)
		to[at++] = from.p[i] > 0x20 && from.p[i] < 0x7f ? (char)from.p[i] : '?';
	to[at] = '\0';
}

static void server_name(struct tls *tls, struct cursor ext)
{
	struct cursor list = part(&ext, 2);

	while (!list.bad && list.left) {
		uint32_t type = get(&list, 1);
		struct cursor name = part(&list, 2);

		if (type == 0 && !name.bad)
			copy_text(tls->sni, sizeof(tls->sni), 0, name);
	}
}

static void alpn(struct tls *tls, struct cursor ext)
{
	struct cursor list = part(&ext, 2);

	tls->alpn[0] = '\0';
	while (!list.bad && list.left) {
		struct cursor name = part(&list, 1);
		size_t have = strlen(tls->alpn);

		if (name.bad || have + name.left + 2 > sizeof(tls->alpn))
			break;
		if (have)
			tls->alpn[have++] = ',';
		copy_text(tls->alpn, sizeof(tls->alpn), have, name);
	}
}

static void extensions(struct tls *tls, bool server, struct cursor *c)
{
	struct cursor all = part(c, 2);

	while (!all.bad && all.left) {
		uint32_t type = get(&all, 2);
		struct cursor ext = part(&all, 2);

		if (ext.bad)
			break;
		if (type == EXT_SERVER_NAME && !server)
			server_name(tls, ext);
		else if (type == EXT_ALPN)
			alpn(tls, ext);
		else if (type == EXT_SUPPORTED_VERSIONS && server)
			tls->version = get(&ext, 2);
	}
}

/* A complete ClientHello or ServerHello, without its 4-byte header. */
static void hello(struct tls *tls, bool server, const uint8_t *data, size_t len)
{
	struct cursor c = { data, len, false };
	uint32_t version = get(&c, 2);

	get(&c, 16), get(&c, 16); /* random */
	part(&c, 1);		  /* session id */
	if (server) {
		tls->version = version;
		tls->suite = get(&c, 2);
		get(&c, 1); /* compression */
	} else {
		part(&c, 2);
		part(&c, 1);
	}
	if (!c.bad && c.left)
		extensions(tls, server, &c);
}

/* Bytes of handshake records before any cipher: gathers the first message. */
static void handshake(struct tls *tls, bool server, const uint8_t *data, uint64_t len)
{
	struct tls_half *h = &tls->half[server];

	if (h->hello_done || h->ciphered)
		return;
	if (!h->hello)
		h->hello = xcalloc(1, TLS_HELLO_MAX);
	while (len && h->nhello < TLS_HELLO_MAX) {
		h->hello[h->nhello++] = *data++;
		len--;
		if (h->nhello < 4)
			continue;
		if (h->nhello == 4)
			h->hello_len =
				4 + ((size_t)h->hello[1] << 16 | h->hello[2] << 8 | h->hello[3]);
		if (h->hello_len > TLS_HELLO_MAX ||
		    h->hello[0] != (server ? SERVER_HELLO : CLIENT_HELLO))
			break;
		if (h->nhello == h->hello_len) {
			hello(tls, server, h->hello + 4, h->nhello - 4);
			break;
		}
	}
	if (h->nhello < h->hello_len || h->hello_len == 0) {
		if (h->hello_len <= TLS_HELLO_MAX && h->nhello < TLS_HELLO_MAX)
			return; /* more to come */
	}
	h->hello_done = true;
	free(h->hello);
	h->hello = NULL;
}

static bool begin_record(struct tls *tls, struct tls_half *h, uint64_t offset)
{
	uint32_t len = (uint32_t)h->header[3] << 8 | h->header[4];

	if (h->header[0] < CHANGE_CIPHER_SPEC || h->header[0] > HEARTBEAT || h->header[1] != 3 ||
	    h->header[2] > 4 || len > RECORD_MAX)
		return false;
	/* the first record of each side is a handshake, or an alert that refuses one */
	if (h->records == 0 && h->header[0] != HANDSHAKE && h->header[0] != ALERT)
		return false;
	h->records++;
	h->overhead_bytes += sizeof(h->header);
	h->left = h->last_len = len;
	if (h->header[0] == CHANGE_CIPHER_SPEC)
		h->ciphered = true;
	if (h->header[0] == APPLICATION) {
		h->ciphered = true;
		if (!h->app_seen)
			h->app_start = offset;
		h->app_seen = true;
	}
	if (tls->half[0].ciphered && tls->half[1].ciphered)
		tls->handshake_complete = true;
	return true;
}

static void record_bytes(struct tls *tls, bool server, const uint8_t *data, uint64_t len)
{
	struct tls_half *h = &tls->half[server];

	switch (h->header[0]) {
	case APPLICATION:
		h->application_bytes += len;
		break;
	case ALERT:
		h->alert_bytes += len;
		break;
	default:
		h->handshake_bytes += len;
		if (h->header[0] != HANDSHAKE)
			break;
		if (data)
			handshake(tls, server, data, len);
		else
			h->hello_done = true;
	}
}

bool tls_feed(struct tls *tls, bool server, uint64_t offset, const uint8_t *data, uint64_t len)
{
	struct tls_half *h = &tls->half[server];

	while (len && !tls->broken) {
		uint64_t n;

		if (h->left == 0) {
			if (!data) {
				tls->broken = true;
				break;
			}
			h->header[h->nheader++] = *data++;
			offset++;
			len--;
			if (h->nheader < sizeof(h->header))
				continue;
			h->nheader = 0;
			if (!begin_record(tls, h, offset - sizeof(h->header)))
				tls->broken = true;
			continue;
		}
		n = len < h->left ? len : h->left;
		record_bytes(tls, server, data, n);
		h->left -= (uint32_t)n;
		offset += n;
		len -= n;
		if (data)
			data += n;
	}
	return !tls->broken;
}

bool tls_is_closed(const struct tls *tls)
{
	for (int side = 0; side < 2; side++) {
		const struct tls_half *h = &tls->half[side];

		if (!h->ciphered || h->left)
			continue;
		if (h->header[0] == ALERT ||
		    (h->header[0] == APPLICATION && h->last_len == 19 && tls->version == 0x0304))
			return true;
	}
	return false;
}

enum tri tls_suite_encrypts(unsigned int suite)
{
	static const uint16_t plain[] = {
		0x0001, 0x0002, 0x002c, 0x002d, 0x002e, 0x003b, 0x00b0, 0x00b1,
		0x00b4, 0x00b5, 0x00b8, 0x00b9, 0xc001, 0xc006, 0xc00b, 0xc010,
		0xc015, 0xc039, 0xc03a, 0xc03b, 0xc0b4, 0xc0b5,
	};

	if (!suite)
		return TRI_UNKNOWN;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (plain[i] == suite)
			return TRI_NO;
	}
	return TRI_YES;
}

bool tls_looks_like(const uint8_t *data, uint64_t len)
{
	return data[0] == HANDSHAKE && (len < 2 || data[1] == 3) && (len < 3 || data[2] <= 4) &&
	       (len < 6 || data[5] == CLIENT_HELLO || data[5] == SERVER_HELLO);
}

void tls_release(struct tls *tls)
{
	free(tls->half[0].hello);
	free(tls->half[1].hello);
	memset(tls, 0, sizeof(*tls));
}
