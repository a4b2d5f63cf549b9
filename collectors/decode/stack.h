/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_DECODE_STACK_H
#define CCAIO_COLLECTORS_DECODE_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "collectors/decode/decode.h"

/*
 * decode_stack - kernel stacks (ftrace:kernel_stack) as text, by the evidence's symbol table.
 *
 * The text has a line per frame, the innermost first: "virtqueue_add_sgs+0x34 [virtio_ring]", or
 * the address where no symbol is known.  At most DECODE_STACKS stacks of a stream are read, and
 * DECODE_FRAMES frames of each: evidence may be hostile.
 */
#define DECODE_STACKS 4096
#define DECODE_FRAMES 32

struct decode_symbols;

/*
 * Lines of /proc/kallsyms: "ffff800080010000 T name [module]".  A symbol reaches to the next
 * one, so a table of chosen lines serves for the addresses that they were chosen for.
 */
struct decode_symbols *decode_symbols_new(const char *text, size_t len);
void decode_symbols_free(struct decode_symbols *symbols); /* accepts NULL */

/*
 * len bytes of return addresses, of 8 bytes each.  symbols may be NULL.  Writes at most size
 * bytes with the NUL; returns the length.
 */
size_t decode_stack_text(const struct decode_symbols *symbols, const uint8_t *callers, size_t len,
			 char *text, size_t size);

#endif
