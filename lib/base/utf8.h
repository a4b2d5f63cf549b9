/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BASE_UTF8_H
#define CCAIO_LIB_BASE_UTF8_H

#include <stddef.h>

/*
 * Length of the well-formed UTF-8 sequence (1 to 4 bytes) that s begins with, as
 * RFC 3629 section 4 defines it: no overlong form, no surrogate, at most
 * U+10FFFF.  0 when there is none within len bytes.
 */
size_t utf8_sequence(const char *s, size_t len);

#endif
