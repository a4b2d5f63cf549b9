/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_TESTS_APPS_B64_H
#define CCAIO_TESTS_APPS_B64_H

#include <stddef.h>
#include <stdint.h>

/* b64 - base64url without padding (RFC 4648, section 5), as the key broker's HTTP uses it. */

/* Returns the text of len bytes; the caller frees it. */
char *b64_encode(const void *data, size_t len);

/*
 * Decodes len characters into *data, which the caller frees, and returns the number of bytes, or
 * -1 where the text is not base64url.  Padding is refused; '+' and '/' pass for '-' and '_', so
 * that files of reference values in either alphabet can be read.
 */
long b64_decode(const char *text, size_t len, uint8_t **data);

#endif
