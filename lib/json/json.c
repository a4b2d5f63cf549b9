/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/json/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/utf8.h"
#include "lib/base/xalloc.h"

struct jdoc {
	struct json_object *root;
	struct err *err;
	char *name;
	bool failed;
};

/*
 * What json-c lets pass: other encodings and quotes, control characters in strings,
 * several members of one name (it keeps the last), memory without limit for "[0,0,…".
 * Counts the members ("name":) so that they can be compared with the tree's.
 */
static int scan_text(const char *text, size_t len, size_t max, const char *name, size_t *members,
		     struct err *err)
{
	bool in_string = false;
	size_t values = 1, line = 1;

	*members = 0;
	for (size_t i = 0; i < len;) {
		size_t n = utf8_sequence(text + i, len - i);
		unsigned char c = (unsigned char)text[i];

		if (n == 0 || c == 0)
			return err_set(err, EINVAL, "%s:%zu: not UTF-8 text", name, line);
		if (in_string && c < 0x20)
			return err_set(err, EINVAL, "%s:%zu: a string holds a control character",
				       name, line);
		if (in_string && c == '\\' && i + 1 < len)
			n = 1 + (utf8_sequence(text + i + 1, len - i - 1) == 1);
		else if (c == '"')
			in_string = !in_string;
		else if (c == '\n')
			line++;
		if (!in_string) {
			if (c == '\'')
				return err_set(err, EINVAL, "%s:%zu: a string in single quotes",
					       name, line);
			*members += c == ':';
			values += c == ',' || c == '[' || c == '{';
		}
		i += n;
	}
	if (values > max)
		return err_set(err, EINVAL, "%s: more than %zu JSON values", name, max);
	return 0;
}

/* Members in the whole tree; SIZE_MAX when a number is none (json-c takes NaN, Infinity). */
static size_t count_members(struct json_object *value)
{
	size_t sum = 0, below;

	switch (json_object_get_type(value)) {
	case json_type_object: {
		json_object_object_foreach(value, key, member)
		{
			(void)key;
			below = count_members(member);
			if (below == SIZE_MAX)
				return SIZE_MAX;
			sum += 1 + below;
		}
		return sum;
	}
	case json_type_array:
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			below = count_members(json_object_array_get_idx(value, i));
			if (below == SIZE_MAX)
				return SIZE_MAX;
			sum += below;
		}
		return sum;
	case json_type_double:
		return isfinite(json_object_get_double(value)) ? 0 : SIZE_MAX;
	default:
		return 0;
	}
}

/* json-c 0.18 (Debian 13), when strict, takes what is not ASCII for control characters; 0.16 and
 * 0.19 do not. */
static int tokener_flags(const char *text, size_t len)
{
	bool ascii = true;

	for (size_t i = 0; ascii && i < len; i++)
		ascii = !(text[i] & 0x80);
	if (!ascii && json_c_version_num() >> 8 == 18)
		return JSON_TOKENER_ALLOW_TRAILING_CHARS;
	return JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS;
}

static int parse_tree(struct jdoc *doc, const char *text, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(JDOC_MAX_DEPTH);
	enum json_tokener_error code;
	size_t end;

	if (!tok)
		return err_set(doc->err, ENOMEM, "%s: out of memory", doc->name);
	json_tokener_set_flags(tok, tokener_flags(text, len));
	doc->root = json_tokener_parse_ex(tok, text, (int)len);
	code = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	json_tokener_free(tok);
	if (code == json_tokener_continue)
		return err_set(doc->err, EINVAL, "%s: the JSON text ends too early", doc->name);
	if (code == json_tokener_error_depth)
		return err_set(doc->err, EINVAL, "%s: JSON nested deeper than %d levels", doc->name,
			       JDOC_MAX_DEPTH);
	if (code != json_tokener_success)
		return err_set(doc->err, EINVAL, "%s: not JSON at byte %zu: %s", doc->name, end,
			       json_tokener_error_desc(code));
	if (strspn(text + end, " \t\r\n") != len - end)
		return err_set(doc->err, EINVAL, "%s: more text after the JSON value, at byte %zu",
			       doc->name, end);
	return 0;
}

/* How much a document may hold. */
struct limits {
	size_t bytes, values;
};

static int parse_doc(struct jdoc *doc, const char *text, size_t len, const struct limits *limits)
{
	size_t members, kept;
	int ret;

	if (len > limits->bytes)
		return err_set(doc->err, EINVAL, "%s: more than %zu bytes of JSON", doc->name,
			       limits->bytes);
	if (len == 0)
		return err_set(doc->err, EINVAL, "%s: empty, expected JSON", doc->name);
	ret = scan_text(text, len, limits->values, doc->name, &members, doc->err);
	if (ret < 0)
		return ret;
	ret = parse_tree(doc, text, len);
	if (ret < 0)
		return ret;
	if (!json_object_is_type(doc->root, json_type_object))
		return err_set(doc->err, EINVAL, "%s: expected a JSON object", doc->name);
	kept = count_members(doc->root);
	if (kept == SIZE_MAX)
		return err_set(doc->err, EINVAL, "%s: a number is not finite", doc->name);
	if (kept != members)
		return err_set(doc->err, EINVAL, "%s: an object has two members of one name",
			       doc->name);
	return 0;
}

static struct jdoc *parse(const char *text, size_t len, const struct limits *limits,
			  const char *name, struct err *err)
{
	struct jdoc *doc = xcalloc(1, sizeof(*doc));
	char *copy = xstrndup(text, len); /* the tokener may look at the byte after the last */

	doc->err = err;
	doc->name = xstrdup(name);
	if (strlen(copy) != len) {
		err_set(err, EINVAL, "%s: not JSON: it holds NUL bytes", name);
		doc->failed = true;
	} else if (parse_doc(doc, copy, len, limits) < 0) {
		doc->failed = true;
	}
	free(copy);
	if (doc->failed) {
		jdoc_free(doc);
		return NULL;
	}
	return doc;
}

struct jdoc *jdoc_parse(const char *text, size_t len, const char *name, struct err *err)
{
	static const struct limits limits = { JDOC_MAX_BYTES, JDOC_MAX_VALUES };

	return parse(text, len, &limits, name, err);
}

struct jdoc *jdoc_parse_large(const char *text, size_t len, const char *name, struct err *err)
{
	static const struct limits limits = { JDOC_LARGE_BYTES, JDOC_LARGE_VALUES };

	return parse(text, len, &limits, name, err);
}

struct jdoc *jdoc_load(const char *path, struct err *err)
{
	struct jdoc *doc;
	char *text;
	size_t len;

	text = file_read(path, JDOC_MAX_BYTES, &len, err);
	if (!text)
		return NULL;
	doc = jdoc_parse(text, len, path, err);
	free(text);
	return doc;
}

void jdoc_free(struct jdoc *doc)
{
	if (!doc)
		return;
	json_object_put(doc->root);
	free(doc->name);
	free(doc);
}

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
	char path[128] = "", what[256];

	if (val->doc->failed)
		return;
	val->doc->failed = true;
	put_path(val, path, sizeof(path), 0);
	vsnprintf(what, sizeof(what), fmt, ap);
	err_set(val->doc->err, EINVAL, "%s: %s%s%s", val->doc->name, path, path[0] ? ": " : "",
		what);
}

void jval_fail(const struct jval *val, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail(val, fmt, ap);
	va_end(ap);
}

/* The member as it stands; json NULL where there is none, or null. */
static struct jval member(const struct jval *object, const char *key)
{
	struct json_object *json = NULL;

	if (object->json && !object->doc->failed)
		json_object_object_get_ex(object->json, key, &json);
	return (struct jval){ .doc = object->doc, .json = json, .in = object, .key = key };
}

void jval_fail_at(const struct jval *object, const char *key, const char *fmt, ...)
{
	struct jval val = member(object, key);
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

static struct jval typed(const struct jval *object, const char *key, enum json_type type,
			 const char *expected)
{
	struct jval val = member(object, key);

	if (!has_type(&val, type, expected))
		val.json = NULL;
	return val;
}

bool jval_known(const struct jval *val)
{
	return val->json != NULL;
}

bool jval_has(const struct jval *object, const char *key)
{
	return member(object, key).json != NULL;
}

bool jval_mentions(const struct jval *object, const char *key)
{
	return object->json && !object->doc->failed &&
	       json_object_object_get_ex(object->json, key, NULL);
}

struct jval jval_object(const struct jval *object, const char *key)
{
	return typed(object, key, json_type_object, "an object");
}

struct jval jval_array(const struct jval *object, const char *key)
{
	return typed(object, key, json_type_array, "an array");
}

static char *copy_string(const struct jval *val)
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
	struct jval val = member(object, key);

	return copy_string(&val);
}

char *jval_name(const struct jval *object, const char *key)
{
	struct jval val = member(object, key);
	char *s = copy_string(&val);
	size_t len = s ? strlen(s) : 1;
	bool bad = len == 0 || len > 255;

	for (size_t i = 0; s && i < len && !bad; i++)
		bad = (unsigned char)s[i] < 0x20 || s[i] == 0x7f;
	if (bad) {
		jval_fail(&val, "expected a name of 1 to 255 printable characters");
		free(s);
		return NULL;
	}
	return s;
}

char *jval_name_required(const struct jval *object, const char *key)
{
	struct jval val = member(object, key);

	if (object->json && !val.json)
		jval_fail(&val, "missing");
	return jval_name(object, key);
}

uint64_t jval_number(const struct jval *object, const char *key, uint64_t max, uint64_t unknown)
{
	struct jval val = member(object, key);
	uint64_t number;

	if (!has_type(&val, json_type_int, "a whole number"))
		return unknown;
	/* The signed getter clamps downwards only what is negative: a test of the sign. */
	if (json_object_get_int64(val.json) < 0) {
		jval_fail(&val, "expected a number that is not negative");
		return unknown;
	}
	number = json_object_get_uint64(val.json);
	if (number > max) {
		jval_fail(&val, "expected a number up to %llu", (unsigned long long)max);
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

uint64_t jval_hex(const struct jval *object, const char *key, uint64_t max, uint64_t unknown)
{
	struct jval val = member(object, key);
	uint64_t number;
	char *s;

	if (!has_type(&val, json_type_string, "a string such as \"0x72900000\""))
		return unknown;
	s = copy_string(&val);
	if (!s || !parse_hex(s, &number)) {
		jval_fail(&val, "expected a string such as \"0x72900000\"");
		number = unknown;
	} else if (number > max) {
		jval_fail(&val, "expected a number up to 0x%llx", (unsigned long long)max);
		number = unknown;
	}
	free(s);
	return number;
}

struct range jval_range(const struct jval *object)
{
	struct range range = { 0, 0 };

	if (!jval_has(object, "start"))
		jval_fail_at(object, "start", "missing");
	if (!jval_has(object, "end"))
		jval_fail_at(object, "end", "missing");
	range.start = jval_hex(object, "start", UINT64_MAX - 1, 0);
	range.end = jval_hex(object, "end", UINT64_MAX - 1, 0);
	if (range.end < range.start)
		jval_fail(object, "end is below start (bounds are inclusive)");
	return range;
}

enum tri jval_tri(const struct jval *object, const char *key)
{
	struct jval val = member(object, key);

	if (!has_type(&val, json_type_boolean, "true, false or null"))
		return TRI_UNKNOWN;
	return json_object_get_boolean(val.json) ? TRI_YES : TRI_NO;
}

bool jval_bool(const struct jval *object, const char *key, bool unknown)
{
	enum tri value = jval_tri(object, key);

	return value == TRI_UNKNOWN ? unknown : value == TRI_YES;
}

size_t jval_count(const struct jval *array)
{
	return array->json && !array->doc->failed ? json_object_array_length(array->json) : 0;
}

static struct jval item(const struct jval *array, size_t i)
{
	return (struct jval){ .doc = array->doc,
			      .json = json_object_array_get_idx(array->json, i),
			      .in = array,
			      .index = i };
}

struct jval jval_item_object(const struct jval *array, size_t i)
{
	struct jval val = item(array, i);

	if (!val.json)
		jval_fail(&val, "expected an object");
	if (!has_type(&val, json_type_object, "an object"))
		val.json = NULL;
	return val;
}

char **jval_strings(const struct jval *object, const char *key, size_t *count)
{
	struct jval array = jval_array(object, key);
	size_t n = jval_count(&array);
	char **strings;

	*count = 0;
	if (n == 0)
		return NULL;
	strings = xcalloc(n, sizeof(*strings));
	for (size_t i = 0; i < n; i++) {
		struct jval val = item(&array, i);
		char *s = copy_string(&val);

		if (!val.json)
			jval_fail(&val, "expected a string");
		if (s)
			strings[(*count)++] = s;
	}
	return strings;
}

void jval_only(const struct jval *object, const char *const names[])
{
	if (!object->json || object->doc->failed)
		return;
	json_object_object_foreach((struct json_object *)object->json, key, value)
	{
		size_t i = 0;

		(void)value;
		while (names[i] && strcmp(names[i], key) != 0)
			i++;
		if (!names[i]) {
			jval_fail(object, "unknown member '%.64s'", key);
			return;
		}
	}
}
