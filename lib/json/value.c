/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values of a parsed document, asked by name and type. */
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/printable.h"
#include "lib/base/xalloc.h"
#include "lib/json/json.h"
#include "lib/json/state.h"

struct jval jdoc_root(struct jdoc *doc)
{
	return (struct jval){ .doc = doc, .json = doc->root };
}

int jdoc_status(const struct jdoc *doc)
{
	return doc->failed ? -EINVAL : 0;
}

/* "swiotlb.pools[2].start" */
static size_t put_path(const struct jval *val, char *buf, size_t size, size_t used)
{
	int n;

	if (!val->in)
		return used;
	used = put_path(val->in, buf, size, used);
	if (used >= size)
		return used;
	if (val->key)
		n = snprintf(buf + used, size - used, "%s%s", used ? "." : "", val->key);
	else
		n = snprintf(buf + used, size - used, "[%zu]", val->index);
	return used + (size_t)n;
}

static void fail(const struct jval *val, const char *fmt, va_list ap)
{
	char path[128] = "", what[256], *clean;

	if (val->doc->failed)
		return;
	val->doc->failed = true;
	put_path(val, path, sizeof(path), 0);
	vsnprintf(what, sizeof(what), fmt, ap);
	clean = printable(what);
	err_set(val->doc->err, EINVAL, "%s: %s%s%s", val->doc->name, path, path[0] ? ": " : "",
		clean);
	free(clean);
}

void jval_fail(const struct jval *val, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail(val, fmt, ap);
	va_end(ap);
}

struct jval jval_member(const struct jval *object, const char *key)
{
	struct json_object *json = NULL;

	if (object->json && !object->doc->failed)
		json_object_object_get_ex(object->json, key, &json);
	return (struct jval){ .doc = object->doc, .json = json, .in = object, .key = key };
}

void jval_fail_at(const struct jval *object, const char *key, const char *fmt, ...)
{
	struct jval val = jval_member(object, key);
	va_list ap;

	va_start(ap, fmt);
	fail(&val, fmt, ap);
	va_end(ap);
}

/* Is it known and of the type?  Another type is a complaint. */
static bool has_type(const struct jval *val, enum json_type type, const char *expected)
{
	if (!val->json || val->doc->failed)
		return false;
	if (json_object_is_type(val->json, type))
		return true;
	jval_fail(val, "expected %s", expected);
	return false;
}

struct jval jval_as_object(const struct jval *val)
{
	struct jval object = *val;

	if (!has_type(val, json_type_object, "an object"))
		object.json = NULL;
	return object;
}

struct jval jval_object(const struct jval *object, const char *key)
{
	struct jval val = jval_member(object, key);

	return jval_as_object(&val);
}

bool jval_known(const struct jval *val)
{
	return val->json != NULL;
}

bool jval_has(const struct jval *object, const char *key)
{
	return jval_member(object, key).json != NULL;
}

bool jval_mentions(const struct jval *object, const char *key)
{
	return object->json && !object->doc->failed &&
	       json_object_object_get_ex(object->json, key, NULL);
}

char *jval_text(const struct jval *val)
{
	const char *s;

	if (!has_type(val, json_type_string, "a string"))
		return NULL;
	s = json_object_get_string(val->json);
	if (strlen(s) != (size_t)json_object_get_string_len(val->json)) {
		jval_fail(val, "a string holds a NUL character");
		return NULL;
	}
	return xstrdup(s);
}

char *jval_string(const struct jval *object, const char *key)
{
	struct jval val = jval_member(object, key);

	return jval_text(&val);
}

char *jval_name(const struct jval *val)
{
	char *s = jval_text(val);
	size_t len = s ? strlen(s) : 1;
	bool bad = len == 0 || len > 255;

	for (size_t i = 0; s && i < len && !bad; i++)
		bad = (unsigned char)s[i] < 0x20 || s[i] == 0x7f;
	if (!bad)
		return s;
	jval_fail(val, "expected a name of 1 to 255 printable characters");
	free(s);
	return NULL;
}

uint64_t jval_number(const struct jval *val, uint64_t max, uint64_t unknown)
{
	uint64_t number;

	if (!has_type(val, json_type_int, "a whole number"))
		return unknown;
	/* The signed getter clamps downwards only what is negative: a test of the sign. */
	if (json_object_get_int64(val->json) < 0) {
		jval_fail(val, "expected a number that is not negative");
		return unknown;
	}
	number = json_object_get_uint64(val->json);
	if (number > max) {
		jval_fail(val, "expected a number up to %llu", (unsigned long long)max);
		return unknown;
	}
	return number;
}

static bool parse_hex(const char *s, uint64_t *number)
{
	size_t digits;

	if (s[0] != '0' || s[1] != 'x')
		return false;
	digits = strspn(s + 2, "0123456789abcdefABCDEF");
	if (digits < 1 || digits > 16 || s[2 + digits])
		return false;
	*number = strtoull(s + 2, NULL, 16);
	return true;
}

uint64_t jval_hex(const struct jval *val, uint64_t max, uint64_t unknown)
{
	uint64_t number;
	char *s;

	if (!has_type(val, json_type_string, "a string such as \"0x72900000\""))
		return unknown;
	s = jval_text(val);
	if (!s || !parse_hex(s, &number)) {
		jval_fail(val, "expected a string such as \"0x72900000\"");
		number = unknown;
	} else if (number > max) {
		jval_fail(val, "expected a number up to 0x%llx", (unsigned long long)max);
		number = unknown;
	}
	free(s);
	return number;
}

enum tri jval_tri(const struct jval *val)
{
	if (!has_type(val, json_type_boolean, "true, false or null"))
		return TRI_UNKNOWN;
	return json_object_get_boolean(val->json) ? TRI_YES : TRI_NO;
}

bool jval_bool(const struct jval *val, bool unknown)
{
	enum tri value = jval_tri(val);

	return value == TRI_UNKNOWN ? unknown : value == TRI_YES;
}

size_t jval_count(const struct jval *val)
{
	return has_type(val, json_type_array, "an array") ? json_object_array_length(val->json) : 0;
}

struct jval jval_item(const struct jval *array, size_t i)
{
	return (struct jval){ .doc = array->doc,
			      .json = json_object_array_get_idx(array->json, i),
			      .in = array,
			      .index = i };
}

const char *jval_next_key(const struct jval *object, void **iter)
{
	const struct lh_entry *entry = *iter;

	if (!object->json || object->doc->failed)
		return NULL;
	entry = entry ? entry->next : lh_table_head(json_object_get_object(object->json));
	*iter = (void *)entry;
	return entry ? lh_entry_k(entry) : NULL;
}

void jdoc_set_context(struct jdoc *doc, void *context, bool derived)
{
	doc->context = context;
	doc->derived = derived;
}

void *jval_context(const struct jval *val)
{
	return val->doc->context;
}

bool jval_derived(const struct jval *val)
{
	return val->doc->derived;
}

#define UNKNOWN_NAMED 4

void jval_note_unknown(const struct jval *object, const char *key)
{
	struct jdoc *doc = object->doc;
	struct jval val = jval_member(object, key);
	char path[128] = "", *before = doc->unknown, *clean;

	if (doc->nunknown++ > UNKNOWN_NAMED)
		return;
	if (doc->nunknown <= UNKNOWN_NAMED)
		put_path(&val, path, sizeof(path), 0);
	else
		strcpy(path, "…");
	clean = printable(path);
	doc->unknown = xasprintf("%s%s%s", before ? before : "", before ? ", " : "", clean);
	free(clean);
	free(before);
}

const char *jdoc_unknown(const struct jdoc *doc)
{
	return doc->unknown;
}
