/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "lib/net/tls.h"
#include "tests/unit/test.h"

/* Bytes put together piece by piece; lengths are filled in when a part is closed. */
struct bytes {
	uint8_t data[4096];
	size_t len;
};

static void add(struct bytes *b, const void *data, size_t len)
{
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void num(struct bytes *b, unsigned int value, size_t width)
{
	while (width--)
		b->data[b->len++] = (uint8_t)(value >> 8 * width);
}

static size_t open_part(struct bytes *b, size_t width)
{
	num(b, 0, width);
	return b->len;
}

static void close_part(struct bytes *b, size_t at, size_t width)
{
	size_t end = b->len;

	b->len = at - width;
	num(b, (unsigned int)(end - at), width);
	b->len = end;
}

static void hello(struct bytes *b, bool server, bool modern)
{
	static const uint8_t random[32];
	size_t record, message, all, ext, list, name;

	num(b, 0x160303, 3);
	record = open_part(b, 2);
	num(b, server ? 2 : 1, 1);
	message = open_part(b, 3);
	num(b, 0x0303, 2);
	add(b, random, 32);
	num(b, 0, 1);
	if (server) {
		num(b, 0x130100, 3);
	} else {
		num(b, 0x00021301, 4);
		num(b, 0x0100, 2);
	}
	all = open_part(b, 2);
	if (!server) {
		num(b, 0, 2);
		ext = open_part(b, 2);
		list = open_part(b, 2);
		num(b, 0, 1);
		name = open_part(b, 2);
		add(b, "broker.example", 14);
		close_part(b, name, 2);
		close_part(b, list, 2);
		close_part(b, ext, 2);
		num(b, 16, 2);
		ext = open_part(b, 2);
		list = open_part(b, 2);
		num(b, 2, 1);
		add(b, "h2", 2);
		num(b, 8, 1);
		add(b, "http/1.1", 8);
		close_part(b, list, 2);
		close_part(b, ext, 2);
	} else if (modern) {
		num(b, 0x002b0002, 4);
		num(b, 0x0304, 2);
	}
	close_part(b, all, 2);
	close_part(b, message, 3);
	close_part(b, record, 2);
}

static void record(struct bytes *b, unsigned int type, size_t len)
{
	static const uint8_t secret[2048];

	num(b, type << 16 | 0x0303, 3);
	num(b, (unsigned int)len, 2);
	add(b, secret, len);
}

static bool feed(struct tls *tls, bool server, const struct bytes *b, size_t by)
{
	bool ok = true;

	for (size_t at = 0; at < b->len; at += by)
		ok = tls_feed(tls, server, at, b->data + at, b->len - at < by ? b->len - at : by);
	return ok;
}

static void modern(size_t by)
{
	struct bytes client = { .len = 0 }, server = { .len = 0 };
	struct tls tls = { 0 };

	hello(&client, false, true);
	check(feed(&tls, false, &client, by));
	check(strcmp(tls.sni, "broker.example") == 0 && strcmp(tls.alpn, "h2,http/1.1") == 0);
	check(tls.version == 0 && !tls.handshake_complete);
	hello(&server, true, true);
	record(&server, 20, 1);
	record(&server, 23, 1000);
	check(feed(&tls, true, &server, by));
	check(tls.suite == 0x1301);
	check(tls.version == 0x0304 && tls.half[1].application_bytes == 1000);
	check(!tls.handshake_complete);
	client.len = 0;
	record(&client, 20, 1);
	record(&client, 23, 300);
	check(feed(&tls, false, &client, by));
	check(tls.handshake_complete && tls.half[0].application_bytes == 300);
	check(tls.half[0].records == 3 && tls.half[0].overhead_bytes == 15);
	check(!tls_is_closed(&tls));
	client.len = 0;
	record(&client, 23, 19);
	check(feed(&tls, false, &client, by) && tls_is_closed(&tls));
	tls_release(&tls);
}

static void older_version(void)
{
	struct bytes server = { .len = 0 };
	struct tls tls = { 0 };

	hello(&server, true, false);
	check(feed(&tls, true, &server, 11) && tls.version == 0x0303);
	tls_release(&tls);
}

static void holes(void)
{
	struct bytes client = { .len = 0 };
	struct tls tls = { 0 };

	hello(&client, false, true);
	record(&client, 23, 2000);
	client.len -= 1500;
	check(feed(&tls, false, &client, 4096));
	check(tls_feed(&tls, false, client.len, NULL, 1500));
	check(tls.half[0].application_bytes == 2000);
	/* where a record would begin nobody can go on */
	check(!tls_feed(&tls, false, client.len + 1500, NULL, 1));
	check(tls.broken);
	tls_release(&tls);
}

static void not_tls(void)
{
	static const uint8_t odd[] = { 22, 3, 1, 0xff, 0xff, 1 };
	struct tls tls = { 0 };
	struct bytes b = { .len = 0 };

	check(!tls_feed(&tls, false, 0, (const uint8_t *)"GET / HTTP/1.1", 14));
	tls_release(&tls);
	check(!tls_feed(&tls, false, 0, odd, sizeof(odd))); /* a record of 65,535 bytes */
	tls_release(&tls);
	record(&b, 23, 5); /* application data before any handshake */
	check(!feed(&tls, false, &b, 100));
	tls_release(&tls);
	check(tls_looks_like((const uint8_t *)"\x16\x03\x01\x02\x00\x01", 6));
	check(!tls_looks_like((const uint8_t *)"\x16\x03\x01\x02\x00\x0b", 6));
	check(!tls_looks_like((const uint8_t *)"GET", 3));
}

/* Every length in a hello may lie: nothing is read past its end. */
static void lying_lengths(void)
{
	struct bytes good = { .len = 0 };

	hello(&good, false, true);
	for (size_t i = 5; i < good.len; i++) {
		for (int v = 0; v < 256; v += 51) {
			struct bytes b = good;
			struct tls tls = { 0 };

			b.data[i] = (uint8_t)v;
			feed(&tls, false, &b, 64);
			check(strlen(tls.sni) < sizeof(tls.sni) &&
			      strlen(tls.alpn) < sizeof(tls.alpn));
			tls_release(&tls);
		}
	}
}

static void test_suites(void)
{
	check(tls_suite_encrypts(0) == TRI_UNKNOWN);
	check(tls_suite_encrypts(0x1301) == TRI_YES); /* TLS_AES_128_GCM_SHA256 */
	check(tls_suite_encrypts(0xc02f) == TRI_YES);
	check(tls_suite_encrypts(0x003b) == TRI_NO); /* TLS_RSA_WITH_NULL_SHA256 */
	check(tls_suite_encrypts(0xc0b4) == TRI_NO); /* TLS_SHA256_SHA256, RFC 9150 */
}

int main(void)
{
	test_suites();
	modern(1);
	modern(7);
	modern(4096);
	older_version();
	holes();
	not_tls();
	lying_lengths();
	return done();
}
