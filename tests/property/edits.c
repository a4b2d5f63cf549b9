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

/* What nothing else in the evidence can contradict: what the recorder says it saw in the window. */
static bool is_witness(const char *where)
{
	return strstr(where, "window") || strstr(where, "lost") || strstr(where, "used_");
}

static void judge(struct edits *e, const char *where, const char *how)
{
	const char *text = json_object_to_json_string(e->root);
	struct err err = { "" };
	struct platform *p = platform_parse(text, strlen(text), "edit", &err);

	e->made++;
	for (int window = 0; p && window < 2; window++) {
		enum outcome o = e->judge(e->ctx, p, window);

		if (o == e->own[window] || o == OUTCOME_INCONCLUSIVE || is_witness(where))
			continue;
		printf("%s: with %s %s it is %s, and is %s\n", e->path, where, how, outcome_name(o),
		       outcome_name(e->own[window]));
		e->wrong++;
	}
	platform_free(p);
}

/* Another value of the same type. */
static json_object *changed(json_object *v)
{
	char *text;
	json_object *new;

	switch (json_object_get_type(v)) {
	case json_type_boolean:
		return json_object_new_boolean(!json_object_get_boolean(v));
	case json_type_int:
		return json_object_new_int64(json_object_get_int64(v) + 1);
	case json_type_string:
		text = xasprintf("%s0", json_object_get_string(v));
		new = json_object_new_string(text);
		free(text);
		return new;
	case json_type_null:
		return json_object_new_boolean(1);
	default:
		return NULL;
	}
}

static void edit(struct edits *e, json_object *object, const char *where);

static void edit_member(struct edits *e, json_object *object, const char *key, const char *where)
{
	json_object *value = json_object_object_get(object, key);
	char *at = xasprintf("%s.%s", where, key);

	json_object_get(value);
	json_object_object_del(object, key);
	judge(e, at, "missing");
	json_object_object_add(object, key, NULL);
	judge(e, at, "unknown");
	json_object_object_add(object, key, changed(value));
	judge(e, at, "changed");
	json_object_object_add(object, key, value);
	edit(e, value, at);
	free(at);
}

static void edit(struct edits *e, json_object *v, const char *where)
{
	char *keys[64];
	int n = 0;

	if (json_object_is_type(v, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(v); i++)
			edit(e, json_object_array_get_idx(v, i), where);
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
