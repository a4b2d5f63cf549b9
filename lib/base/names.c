/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/names.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

struct names {
	char **list; /* by id */
	uint32_t *hashes;
	size_t count, cap;
	uint16_t *table; /* open addressing: id, 0 empty; size is a power of two */
	size_t mask;
};

static uint32_t hash(const char *s, size_t len)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * 16777619u;
	return h;
}

/* The place of the name in the table: its own, or the empty one where it belongs. */
static size_t slot(const struct names *n, const char *name, size_t len, uint32_t h)
{
	size_t i = h & n->mask;

	for (; n->table[i]; i = (i + 1) & n->mask) {
		uint16_t id = n->table[i];

		if (n->hashes[id] == h && strncmp(n->list[id], name, len) == 0 && !n->list[id][len])
			break;
	}
	return i;
}

static void append(struct names *n, const char *name, size_t len, uint32_t h)
{
	if (n->count == n->cap) {
		n->cap = n->cap ? 2 * n->cap : 32;
		n->list = xrealloc(n->list, n->cap, sizeof(*n->list));
		n->hashes = xrealloc(n->hashes, n->cap, sizeof(*n->hashes));
	}
	n->list[n->count] = xstrndup(name, len);
	n->hashes[n->count++] = h;
}

static void grow(struct names *n)
{
	size_t size = 2 * (n->mask + 1);

	free(n->table);
	n->table = xcalloc(size, sizeof(*n->table));
	n->mask = size - 1;
	for (size_t id = 1; id < n->count; id++)
		n->table[slot(n, n->list[id], strlen(n->list[id]), n->hashes[id])] = id;
}

struct names *names_new(void)
{
	struct names *n = xcalloc(1, sizeof(*n));

	n->mask = 63;
	n->table = xcalloc(n->mask + 1, sizeof(*n->table));
	append(n, "", 0, hash("", 0));
	return n;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->count; i++)
		free(n->list[i]);
	free(n->list);
	free(n->hashes);
	free(n->table);
	free(n);
}

uint16_t names_intern(struct names *n, const char *name, size_t len)
{
	uint32_t h;
	size_t i;

	len = strnlen(name, len);
	if (len == 0)
		return 0;
	h = hash(name, len);
	i = slot(n, name, len, h);
	if (n->table[i])
		return n->table[i];
	if (n->count >= NAMES_MAX)
		return NAMES_OTHER;
	append(n, name, len, h);
	n->table[i] = n->count - 1;
	if (2 * n->count > n->mask)
		grow(n);
	return n->count - 1;
}

uint16_t names_find(const struct names *n, const char *name)
{
	size_t len = strlen(name);

	return len ? n->table[slot(n, name, len, hash(name, len))] : 0;
}

const char *names_get(const struct names *n, uint16_t id)
{
	if (id == NAMES_OTHER)
		return "(other)";
	return id < n->count ? n->list[id] : "";
}

size_t names_count(const struct names *n)
{
	return n->count;
}
