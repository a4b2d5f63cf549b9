/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_COST_WHERE_H
#define CCAIO_LIB_COST_WHERE_H

#include <stdbool.h>
#include <stdint.h>

struct platform;

/* where - which pool an address is in, as far as the facts tell.  platform may be NULL. */

/* The address without the bit that a Realm's shared alias carries, as far as that is known. */
uint64_t where_plain(const struct platform *p, uint64_t dma);

enum where { WHERE_ELSEWHERE, WHERE_POOL, WHERE_DEFAULT_POOL /* of the kernel's slot counters */ };

/* Of all size (not 0) bytes from dma on. */
enum where where_is(const struct platform *p, uint64_t dma, uint64_t size);

#endif
