/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every single fact of every recording, edited: taken out, made unknown, changed.  No edit may make
 * a recording PROVEN or VIOLATED that is not so with its own facts.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"
#include "tests/property/recorded.h"

struct edits {
	json_object *root;
	edits_judge_fn *judge;
	void *ctx;
	const char *path;
	enum outcome own[2]; /* of the window; since boot */
	uint64_t made;
	int wrong;
};

static void judge(struct edits *e, const char *where, const char *how)
{
	const char *text = json_object_to_json_string(e->root);
	struct err err = { "" };
	struct platform *p = platform_parse(text, strlen(text), "edit", &err);

	e->made++;
	for (int window = 0; p && window < 2; window++) {
		enum outcome o = e->judge(e->ctx, p, window);

		if (o == e->own[window] || o == OUTCOME_INCONCLUSIVE)
			continue;
		printf("%s: with %s %s it is %s, and is %s\n", e->path, where, how, outcome_name(o),
		       outcome_name(e->own[window]));
		e->wrong++;
	}
	platform_free(p);
}

/* Words that facts have; any of them may stand where another belongs. */
static const char *const words[] = { "",
				     "0",
				     "arm-cca",
				     "amd-sev-snp",
				     "intel-tdx",
				     "model",
				     "aarch64",
				     "x86_64",
				     "virtio_net",
				     "virtio-pci",
				     "pci-stub",
				     "vfio-pci",
				     "identity",
				     "DMA",
				     "accepted",
				     "none",
				     "default",
				     "0x0",
				     "0x100000000",
				     "0xffffffffffffffff",
				     "arm_cca_guest" };
#define WORDS (sizeof(words) / sizeof(words[0]))

/* The n-th other value for one of these; NULL: there is none, or no more. */
static json_object *changed(json_object *v, size_t n)
{
	static const int64_t steps[] = { 1, -1, 4096, INT32_MAX };
	const char *text = json_object_get_string(v);
	json_object *new;
	char *longer;

	switch (json_object_get_type(v)) {
	case json_type_boolean:
		return n == 0 ? json_object_new_boolean(!json_object_get_boolean(v)) : NULL;
	case json_type_int:
		if (n < sizeof(steps) / sizeof(steps[0]))
			return json_object_new_int64(json_object_get_int64(v) + steps[n]);
		return n == sizeof(steps) / sizeof(steps[0]) ? json_object_new_int64(0) : NULL;
	case json_type_string:
		if (n < WORDS)
			return json_object_new_string(words[n]);
		if (n == WORDS + 1 && *text)
			return json_object_new_string_len(text, (int)strlen(text) - 1);
		if (n > WORDS + 1)
			return NULL;
		longer = xasprintf("%s0", text);
		new = json_object_new_string(longer);
		free(longer);
		return new;
	case json_type_null:
		if (n < WORDS)
			return json_object_new_string(words[n]);
		return n == WORDS ? json_object_new_boolean(1) : NULL;
	case json_type_array:
		return n == 0 ? json_object_new_array() : NULL;
	default:
		return NULL;
	}
}

static void edit(struct edits *e, json_object *object, const char *where);

static void edit_member(struct edits *e, json_object *object, const char *key, const char *where)
{
	json_object *value = json_object_object_get(object, key), *other;
	char how[80];
	char *at = xasprintf("%s.%s", where, key);

	json_object_get(value);
	json_object_object_del(object, key);
	judge(e, at, "missing");
	json_object_object_add(object, key, NULL);
	judge(e, at, "unknown");
	for (size_t n = 0; (other = changed(value, n)); n++) {
		json_object_object_add(object, key, other);
		snprintf(how, sizeof(how), "as %.60s", json_object_to_json_string(other));
		judge(e, at, how);
	}
	json_object_object_add(object, key, value);
	edit(e, value, at);
	free(at);
}

/* Without one item of a list, and with a null in its place. */
static void edit_item(struct edits *e, json_object *list, size_t i, const char *where)
{
	json_object *item = json_object_get(json_object_array_get_idx(list, i));

	json_object_array_put_idx(list, i, NULL);
	judge(e, where, "with a null in the list");
	json_object_array_del_idx(list, i, 1);
	judge(e, where, "with one less in the list");
	for (size_t k = json_object_array_length(list); k > i; k--)
		json_object_array_put_idx(list, k,
					  json_object_get(json_object_array_get_idx(list, k - 1)));
	json_object_array_put_idx(list, i, item);
}

static void edit(struct edits *e, json_object *v, const char *where)
{
	char *keys[64];
	int n = 0;

	if (json_object_is_type(v, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(v); i++) {
			edit(e, json_object_array_get_idx(v, i), where);
			edit_item(e, v, i, where);
		}
	}
	if (!json_object_is_type(v, json_type_object))
		return;
	json_object_object_foreach(v, key, value)
	{
		(void)value;
		if (n < 64)
			keys[n++] = xstrdup(key);
	}
	for (int i = 0; i < n; i++) {
		edit_member(e, v, keys[i], where);
		free(keys[i]);
	}
}

int edits_of(const char *path, const char *facts, edits_judge_fn *judge_fn, void *ctx,
	     uint64_t *made)
{
	struct err err = { "" };
	struct platform *own = platform_load(facts, &err);
	struct edits e = {
		.root = json_object_from_file(facts), .judge = judge_fn, .ctx = ctx, .path = path
	};

	for (int window = 0; own && window < 2; window++)
		e.own[window] = judge_fn(ctx, own, window);
	if (own && e.root)
		edit(&e, e.root, "");
	*made += e.made;
	json_object_put(e.root);
	platform_free(own);
	return e.wrong;
}
