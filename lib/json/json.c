/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON text into a document: what json-c parses, and what it would let pass. */
#include "lib/json/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/utf8.h"
#include "lib/base/xalloc.h"
#include "lib/json/state.h"

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
	free(doc->unknown);
	free(doc);
}
