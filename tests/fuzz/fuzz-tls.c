/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Both sides of a TLS connection: the first byte decides where one ends and the other begins. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls tls = { 0 };
	size_t cut;

	if (size < 2)
		return 0;
	cut = 1 + (size_t)data[0] * (size - 1) / 255;
	tls_feed(&tls, false, 0, data + 1, cut - 1);
	tls_feed(&tls, true, 0, data + cut, size - cut);
	tls_feed(&tls, false, cut - 1, NULL, 17);
	if (strlen(tls.sni) >= sizeof(tls.sni) || strlen(tls.alpn) >= sizeof(tls.alpn))
		abort();
	tls_release(&tls);
	return 0;
}
