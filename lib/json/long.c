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

struct cutter {
	const struct jlong *source;
	struct err *err;
	jlong_take *take; /* NULL: the rest is wanted, else the elements */
	void *ctx;
	char *part; /* the rest, or one element, as far as it was read */
	size_t len, cap;
	size_t item;  /* bytes of the element that is being read */
	size_t depth; /* of brackets */
	bool in_string, escaped;
	char key[KEY_MAX + 1]; /* the last string at depth 1, as it is written, or its beginning */
	size_t key_len;
	size_t list, index; /* of the element that is being read; NO_LIST: in no long list */
};

static int too_long(const struct cutter *c, size_t max, const char *where)
{
	return err_set(c->err, EINVAL, "%s: more than %zu bytes of JSON%s", c->source->name, max,
		       where);
}

static int put(struct cutter *c, char byte)
{
	if (c->len > JDOC_MAX_BYTES)
		return too_long(c, JDOC_MAX_BYTES + 1, "");
	XGROW(c->part, c->len, c->cap);
	c->part[c->len++] = byte;
	return 0;
}

/* The document that was put together. */
static struct jdoc *parse_part(struct cutter *c, const char *name)
{
	size_t len = c->len;

	c->len = 0;
	return jdoc_parse(len ? c->part : "", len, name, c->err);
}

/* The long list whose key was the last string. */
static size_t list_of(struct cutter *c)
{
	const char *const *keys = c->source->keys;

	c->key[c->key_len] = '\0';
	for (size_t i = 0; keys[i]; i++)
		if (strcmp(keys[i], c->key) == 0)
			return i;
	return NO_LIST;
}

static bool is_blank(const struct cutter *c)
{
	for (size_t i = 0; i < c->len; i++)
		if (!strchr(" \t\r\n", c->part[i]))
			return false;
	return true;
}

/* An element is over; the last one of a list may be none, where the list is empty. */
static int item_over(struct cutter *c, bool last)
{
	size_t index = c->index++;
	struct jdoc *item;
	char *name;

	c->item = 0;
	if (!c->take)
		return 0;
	if (last && index == 0 && is_blank(c)) {
		c->len = 0;
		return 0;
	}
	name = xasprintf("%s: %s[%zu]", c->source->name, c->source->keys[c->list], index);
	item = parse_part(c, name);
	free(name);
	return item ? c->take(c->ctx, c->list, index, item) : -EINVAL;
}

/* Strings, brackets, and lists that open; what is no JSON is found when its part is parsed. */
static void scan(struct cutter *c, char byte)
{
	if (c->in_string) {
		c->in_string = byte != '"' || c->escaped;
		c->escaped = byte == '\\' && !c->escaped;
		if (c->in_string && c->depth == 1 && c->key_len < KEY_MAX)
			c->key[c->key_len++] = byte;
	} else if (byte == '"') {
		c->in_string = true;
		if (c->depth == 1)
			c->key_len = 0;
	} else if (byte == '[' || byte == '{') {
		if (c->depth++ == 1 && byte == '[') {
			c->list = list_of(c);
			c->index = 0;
		}
	} else if ((byte == ']' || byte == '}') && c->depth) {
		c->depth--;
	}
}

static int take_byte(struct cutter *c, char byte)
{
	bool in_list = c->list != NO_LIST;

	if (in_list && !c->in_string && c->depth == 2 && byte && strchr(",]}", byte)) {
		int ret = item_over(c, byte != ',');

		if (ret < 0 || byte == ',')
			return ret;
		c->list = NO_LIST; /* its end is in the rest, as its beginning is */
		in_list = false;
	}
	scan(c, byte);
	if (in_list && ++c->item > JLONG_ITEM)
		return too_long(c, JLONG_ITEM, " in one element of a list");
	return in_list == (c->take != NULL) ? put(c, byte) : 0;
}

static int cut(struct cutter *c)
{
	FILE *in = c->source->open(c->source->ctx, c->err);
	int byte, ret = 0;

	c->list = NO_LIST;
	if (!in)
		return -EINVAL;
	while (ret == 0 && (byte = getc_unlocked(in)) != EOF)
		ret = take_byte(c, (char)byte);
	if (ret == 0 && ferror(in))
		ret = err_sys(c->err, "cannot read %s", c->source->name);
	if (ret == 0 && c->list != NO_LIST)
		ret = err_set(c->err, EINVAL, "%s: the JSON text ends too early", c->source->name);
	fclose(in);
	return ret;
}

struct jdoc *jlong_rest(const struct jlong *source, struct err *err)
{
	struct cutter c = { .source = source, .err = err };
	struct jdoc *doc = cut(&c) == 0 ? parse_part(&c, source->name) : NULL;

	free(c.part);
	return doc;
}

int jlong_items(const struct jlong *source, jlong_take *take, void *ctx, struct err *err)
{
	struct cutter c = { .source = source, .err = err, .take = take, .ctx = ctx };
	int ret = cut(&c);

	free(c.part);
	return ret;
}
