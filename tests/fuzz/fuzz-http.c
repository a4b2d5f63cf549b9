/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream of HTTP messages in two pieces, or with a hole; the first byte decides how. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/net/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void begin(void *ctx, const struct http_message *message)
{
	if (message->start < *(uint64_t *)ctx)
		abort(); /* messages do not overlap */
}

static void end(void *ctx, const struct http_message *message)
{
	if (message->end < message->start || message->nnames > HTTP_NAMES)
		abort();
	*(uint64_t *)ctx = message->end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct http_ops ops = { begin, end, NULL, NULL };
	uint64_t last = 0, cut;
	struct http *http;

	if (size < 2)
		return 0;
	http = http_new(data[0] & 1, &ops, &last);
	cut = 1 + data[0] / 4 % (size - 1);
	http_feed(http, 0, 1, data + 1, cut - 1);
	if (data[0] & 2) {
		http_feed(http, cut - 1, 2, NULL, 100);
		http_feed(http, cut + 99, 3, data + cut, size - cut);
	} else {
		http_feed(http, cut - 1, 2, data + cut, size - cut);
	}
	http_finish(http, 4);
	http_free(http);
	return 0;
}
