/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A JSON text cut into its long lists' elements and all the rest. */
#include "lib/json/long.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"

#define NO_LIST SIZE_MAX
#define KEY_MAX 64

struct text {
	char *bytes;
	size_t len, cap;
};

struct cutter {
	const struct jlong *source;
	struct err *err;
	FILE *in;
	struct text rest, item;
	jlong_take *take; /* NULL: the rest is wanted, else the elements */
	void *ctx;
	size_t depth; /* of brackets */
	bool in_string, escaped;
	char string[KEY_MAX]; /* the last one at depth 1, as it is written */
	size_t string_len;
	size_t list, index; /* of the element that is being read; NO_LIST: in no long list */
};

static int put(struct cutter *c, struct text *to, size_t max, int byte)
{
	if (to->len == max)
		return err_set(c->err, EINVAL, "%s: more than %zu bytes of JSON%s", c->source->name,
			       max, to == &c->item ? " in one element of a list" : "");
	XGROW(to->bytes, to->len, to->cap);
	to->bytes[to->len++] = (char)byte;
	return 0;
}

/* The long list whose key was the last string. */
static size_t list_of(const struct cutter *c)
{
	const char *const *keys = c->source->keys;

	for (size_t i = 0; keys[i] && c->string_len < KEY_MAX; i++)
		if (strlen(keys[i]) == c->string_len &&
		    memcmp(keys[i], c->string, c->string_len) == 0)
			return i;
	return NO_LIST;
}

static bool is_blank(const struct text *t)
{
	for (size_t i = 0; i < t->len; i++)
		if (!strchr(" \t\r\n", t->bytes[i]))
			return false;
	return true;
}

/* An element is over; the last one of a list may be none, where the list is empty. */
static int item_over(struct cutter *c, bool last)
{
	bool none = last && c->index == 0 && is_blank(&c->item);
	size_t index = c->index++;
	struct jdoc *item;
	char *name;

	if (none || !c->take) {
		c->item.len = 0;
		return 0;
	}
	name = xasprintf("%s: %s[%zu]", c->source->name, c->source->keys[c->list], index);
	item = jdoc_parse(c->item.len ? c->item.bytes : "", c->item.len, name, c->err);
	free(name);
	c->item.len = 0;
	return item ? c->take(c->ctx, c->list, index, item) : -EINVAL;
}

static bool in_list(const struct cutter *c)
{
	return c->list != NO_LIST;
}

static void note_string(struct cutter *c, int byte)
{
	if (c->depth != 1)
		return;
	if (c->string_len < KEY_MAX)
		c->string[c->string_len] = (char)byte;
	c->string_len += c->string_len < KEY_MAX;
}

/* One byte of the text; what is no JSON is found when its part is parsed. */
static int string_byte(struct cutter *c, int byte)
{
	if (c->escaped)
		c->escaped = false;
	else if (byte == '\\')
		c->escaped = true;
	else if (byte == '"')
		c->in_string = false;
	if (c->in_string)
		note_string(c, byte);
	return 0;
}

/* Brackets; a list's end is its element's, too. */
static int structure_byte(struct cutter *c, int byte)
{
	int ret = 0;

	switch (byte) {
	case '"':
		c->in_string = true;
		if (c->depth == 1)
			c->string_len = 0;
		break;
	case '[':
	case '{':
		c->depth++;
		break;
	case ']':
	case '}':
		if (in_list(c) && c->depth == 2) {
			ret = item_over(c, true);
			c->list = NO_LIST;
		}
		c->depth -= c->depth > 0;
		break;
	default:
		break;
	}
	return ret;
}

static int take_byte(struct cutter *c, int byte)
{
	bool was_in = in_list(c), opens;
	int ret;

	if (c->in_string) {
		ret = string_byte(c, byte);
	} else if (was_in && c->depth == 2 && byte == ',') {
		return item_over(c, false);
	} else {
		/* a list that opens here has its bracket in the rest, and so has its end */
		opens = c->depth == 1 && byte == '[';
		ret = structure_byte(c, byte);
		if (opens) {
			c->list = list_of(c);
			c->index = 0;
		}
	}
	if (ret < 0)
		return ret;
	if (was_in && in_list(c))
		return put(c, &c->item, JLONG_ITEM, byte);
	return c->take ? 0 : put(c, &c->rest, JDOC_MAX_BYTES + 1, byte);
}

static int cut(struct cutter *c)
{
	int byte, ret = 0;

	c->list = NO_LIST;
	c->in = c->source->open(c->source->ctx, c->err);
	if (!c->in)
		return -EINVAL;
	while (ret == 0 && (byte = getc_unlocked(c->in)) != EOF)
		ret = take_byte(c, byte);
	if (ret == 0 && ferror(c->in))
		ret = err_sys(c->err, "cannot read %s", c->source->name);
	if (ret == 0 && in_list(c))
		ret = err_set(c->err, EINVAL, "%s: the JSON text ends too early", c->source->name);
	fclose(c->in);
	free(c->item.bytes);
	return ret;
}

struct jdoc *jlong_rest(const struct jlong *source, struct err *err)
{
	struct cutter c = { .source = source, .err = err };
	struct jdoc *doc = NULL;

	if (cut(&c) == 0)
		doc = jdoc_parse(c.rest.len ? c.rest.bytes : "", c.rest.len, source->name, err);
	free(c.rest.bytes);
	return doc;
}

int jlong_items(const struct jlong *source, jlong_take *take, void *ctx, struct err *err)
{
	struct cutter c = { .source = source, .err = err, .take = take, .ctx = ctx };

	return cut(&c);
}
