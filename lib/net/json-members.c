/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/net/json-members.h"

#include <string.h>

enum { OUTSIDE = 0, STRING, ESCAPE, AFTER_STRING };

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void keep(struct jsonnames *j, uint8_t c)
{
	if (j->len < JSONNAMES_MAX)
		j->text[j->len++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
}

static void wipe(struct jsonnames *j)
{
	memset(j->text, 0, sizeof(j->text));
	j->len = 0;
}

static void outside(struct jsonnames *j, uint8_t c)
{
	switch (c) {
	case '"':
		j->state = STRING;
		break;
	case '{':
	case '[':
		if (++j->depth >= JSONNAMES_DEPTH) {
			j->broken = true;
			break;
		}
		j->in_array = (j->in_array & ~(1ull << j->depth)) | (uint64_t)(c == '[')
									    << j->depth;
		j->value = c == '[';
		break;
	case '}':
	case ']':
		if (j->depth == 0)
			j->broken = true;
		else
			j->depth--;
		j->value = true;
		break;
	case ',':
		j->value = j->in_array >> j->depth & 1;
		break;
	default:
		break; /* numbers, literals, white space */
	}
}

void jsonnames_feed(struct jsonnames *j, const uint8_t *data, size_t len,
		    void (*found)(void *ctx, const char *name), void *ctx)
{
	for (size_t i = 0; i < len && !j->broken; i++) {
		uint8_t c = data[i];

		switch (j->state) {
		case STRING:
			if (c == '\\')
				j->state = ESCAPE;
			else if (c == '"')
				j->state = AFTER_STRING;
			else if (!j->value)
				keep(j, c);
			break;
		case ESCAPE:
			if (!j->value)
				keep(j, c);
			j->state = STRING;
			break;
		case AFTER_STRING:
			if (is_space(c))
				break;
			if (c == ':' && !j->value && j->depth > 0) {
				j->text[j->len] = '\0';
				found(ctx, j->text);
				j->value = true;
				wipe(j);
				j->state = OUTSIDE;
				break;
			}
			/* a value after all, or no JSON: nothing of it is kept */
			wipe(j);
			j->state = OUTSIDE;
			outside(j, c);
			break;
		default:
			outside(j, c);
		}
	}
}
