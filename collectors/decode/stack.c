/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernel stacks as text. */
#include "collectors/decode/stack.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

#define FARTHEST (1u << 20) /* bytes from its symbol at which an address is still its */
#define MAX_NAME 128	    /* characters shown of a symbol */

struct symbol {
	uint64_t address;
	const char *name; /* in the text */
	int len, module_len;
	const char *module; /* "[virtio_ring]" */
};

struct decode_symbols {
	char *text;
	struct symbol *list;
	size_t count, cap;
};

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* "ffff800080010000 T name", and for a module "\t[name]" behind it. */
static void take_line(struct decode_symbols *s, const char *line, const char *end)
{
	struct symbol symbol = { .address = 0 };
	char *at;

	symbol.address = strtoull(line, &at, 16);
	if (at == line || end - at < 4 || *at != ' ' || at[2] != ' ')
		return;
	symbol.name = at + 3;
	symbol.len = (int)strcspn(symbol.name, " \t\n");
	symbol.module = symbol.name + symbol.len;
	symbol.module += strspn(symbol.module, " \t");
	symbol.module_len = *symbol.module == '[' ? (int)strcspn(symbol.module, " \t\n") : 0;
	if (!symbol.address || !symbol.len)
		return;
	XGROW(s->list, s->count, s->cap);
	s->list[s->count++] = symbol;
}

struct decode_symbols *decode_symbols_new(const char *text, size_t len)
{
	struct decode_symbols *s = xcalloc(1, sizeof(*s));

	s->text = xstrndup(text, strnlen(text, len));
	for (const char *line = s->text; *line;) {
		const char *end = line + strcspn(line, "\n");

		take_line(s, line, end);
		line = end + (*end == '\n');
	}
	if (s->count)
		qsort(s->list, s->count, sizeof(*s->list), by_address);
	return s;
}

void decode_symbols_free(struct decode_symbols *s)
{
	if (!s)
		return;
	free(s->list);
	free(s->text);
	free(s);
}

/* The last symbol at or before the address. */
static const struct symbol *find(const struct decode_symbols *s, uint64_t address)
{
	size_t low = 0, high = s ? s->count : 0;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (s->list[mid].address <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low && address - s->list[low - 1].address < FARTHEST ? &s->list[low - 1] : NULL;
}

static int frame(const struct decode_symbols *s, uint64_t address, char *out, size_t room)
{
	const struct symbol *symbol = find(s, address);

	if (!symbol)
		return snprintf(out, room, "0x%" PRIx64, address);
	return snprintf(out, room, "%.*s+0x%" PRIx64 "%s%.*s",
			symbol->len < MAX_NAME ? symbol->len : MAX_NAME, symbol->name,
			address - symbol->address, symbol->module_len ? " " : "",
			symbol->module_len < MAX_NAME ? symbol->module_len : MAX_NAME,
			symbol->module);
}

size_t decode_stack_text(const struct decode_symbols *symbols, const uint8_t *callers, size_t len,
			 char *text, size_t size)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < len / 8 && i < DECODE_FRAMES; i++) {
		char one[2 * MAX_NAME + 40];
		uint64_t address;
		int n;

		memcpy(&address, callers + 8 * i, sizeof(address));
		if (!address || address == UINT64_MAX) /* where older kernels end their lists */
			break;
		n = frame(symbols, address, one, sizeof(one));
		if (n < 0 || at + (size_t)n + 2 > size)
			break;
		at += (size_t)sprintf(text + at, "%s%s", at ? "\n" : "", one);
	}
	return at;
}
