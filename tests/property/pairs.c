/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every recording with the facts of every other one.  Only the facts of an equal machine may make
 * one PROVEN or VIOLATED, and only if its own do.
 */
#include "tests/property/pairs.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"

struct machine {
	char *facts; /* the file */
	char *key;   /* what the facts say of the machine itself; not of a moment or a run */
	struct platform *platform;
};

struct pairs {
	struct machine *at;
	size_t count, cap;
};

/* Take what changes while a machine runs out of the members of a list. */
static void still(json_object *list)
{
	static const char *const moving[] = { "activity_before", "activity_after", "status",
					      "bus_master", "touched" };

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *dev = json_object_array_get_idx(list, i);

		for (size_t m = 0; m < sizeof(moving) / sizeof(moving[0]); m++)
			json_object_object_del(dev, moving[m]);
	}
}

static char *key_of(const char *facts)
{
	static const char *const of_run[] = { "used_before", "used_after", "used_hiwater" };
	json_object *root = json_object_from_file(facts), *v;
	char *key = NULL;

	if (!root)
		return NULL;
	if (json_object_object_get_ex(root, "swiotlb", &v)) {
		for (size_t m = 0; m < sizeof(of_run) / sizeof(of_run[0]); m++)
			json_object_object_del(v, of_run[m]);
	}
	if (json_object_object_get_ex(root, "kernel", &v))
		json_object_object_del(v, "cmdline");
	for (const char *const *m = (const char *const[]){ "virtio", "pci", NULL }; *m; m++) {
		if (json_object_object_get_ex(root, *m, &v) &&
		    json_object_is_type(v, json_type_array))
			still(v);
	}
	for (const char *const *m = (const char *const[]){ "disks", "net", "window", "trace",
							   "snapshots", "memory", NULL };
	     *m; m++)
		json_object_object_del(root, *m);
	key = xstrdup(json_object_to_json_string(root));
	json_object_put(root);
	return key;
}

struct pairs *pairs_new(void)
{
	return xcalloc(1, sizeof(struct pairs));
}

bool pairs_add(struct pairs *pairs, const char *facts)
{
	struct err err = { "" };
	struct machine m = { .platform = platform_load(facts, &err), .key = key_of(facts) };

	if (!m.platform || !m.key) {
		printf("%s: %s\n", facts, err.text);
		platform_free(m.platform);
		free(m.key);
		return false;
	}
	m.facts = xstrdup(facts);
	XGROW(pairs->at, pairs->count, pairs->cap);
	pairs->at[pairs->count++] = m;
	return true;
}

static const struct machine *find(const struct pairs *pairs, const char *facts)
{
	for (size_t i = 0; facts && i < pairs->count; i++) {
		if (strcmp(pairs->at[i].facts, facts) == 0)
			return &pairs->at[i];
	}
	return NULL;
}

int pairs_judge(const struct pairs *pairs, const char *path, const char *facts,
		pairs_judge_fn *judge, void *ctx, uint64_t *made)
{
	const struct machine *own = find(pairs, facts);
	int wrong = 0;

	for (int window = 0; own && window < 2; window++) {
		enum outcome right = judge(ctx, own->platform, window);

		for (size_t i = 0; i < pairs->count; i++) {
			const struct machine *other = &pairs->at[i];
			enum outcome o;

			if (other == own)
				continue;
			o = judge(ctx, other->platform, window);
			*made += 1;
			if (o == OUTCOME_INCONCLUSIVE ||
			    (o == right && strcmp(own->key, other->key) == 0))
				continue;
			printf("%s: with the facts %s it is %s, with its own %s\n", path,
			       other->facts, outcome_name(o), outcome_name(right));
			wrong++;
		}
	}
	return wrong;
}

void pairs_free(struct pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		free(pairs->at[i].facts);
		free(pairs->at[i].key);
		platform_free(pairs->at[i].platform);
	}
	free(pairs->at);
	free(pairs);
}
