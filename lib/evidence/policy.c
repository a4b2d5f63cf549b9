/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/evidence/policy.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/json/json.h"

#define SCHEMA "ccaio.policy/1"

struct policy *policy_new(void)
{
	struct policy *p = xcalloc(1, sizeof(*p));

	p->max_out_bytes = POLICY_NO_LIMIT;
	p->max_stale_bytes = POLICY_NO_LIMIT;
	return p;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	free(p->name);
	for (size_t i = 0; i < p->nwaivers; i++) {
		free(p->waivers[i].device);
		free(p->waivers[i].claim);
		free(p->waivers[i].reason);
	}
	free(p->waivers);
	for (size_t i = 0; i < p->nexpected_devices; i++)
		free(p->expected_devices[i]);
	free(p->expected_devices);
	free(p);
}

static void check_schema(const struct jval *root)
{
	char *schema = jval_string(root, "schema");

	if (!schema || strcmp(schema, SCHEMA) != 0)
		jval_fail_at(root, "schema", "expected \"" SCHEMA "\"");
	free(schema);
}

static void read_waiver(const struct jval *item, struct policy_waiver *waiver)
{
	static const char *const known[] = { "device", "claim", "reason", NULL };

	jval_only(item, known);
	waiver->device = jval_name_required(item, "device");
	waiver->claim = jval_name_required(item, "claim");
	waiver->reason = jval_name_required(item, "reason");
	if (waiver->claim && strcmp(waiver->claim, "no-bypass") != 0)
		jval_fail_at(item, "claim", "only \"no-bypass\" can be waived, not '%.64s'",
			     waiver->claim);
}

static void read_waivers(struct policy *p, const struct jval *root)
{
	struct jval list = jval_array(root, "waivers");

	p->nwaivers = jval_count(&list);
	p->waivers = xcalloc(p->nwaivers, sizeof(*p->waivers));
	for (size_t i = 0; i < p->nwaivers; i++) {
		struct jval item = jval_item_object(&list, i);

		read_waiver(&item, &p->waivers[i]);
	}
}

static void read_expected(struct policy *p, const struct jval *root)
{
	p->expected_given = jval_has(root, "expected_devices");
	p->expected_devices = jval_strings(root, "expected_devices", &p->nexpected_devices);
	for (size_t i = 0; i < p->nexpected_devices; i++) {
		if (!p->expected_devices[i][0])
			jval_fail_at(root, "expected_devices", "a device has an empty name");
	}
}

static void read_policy(struct policy *p, const struct jval *root)
{
	static const char *const known[] = { "schema",	"comment",	    "require", "limits",
					     "waivers", "expected_devices", NULL };
	static const char *const required[] = { "realm", "since_boot", "confidential", NULL };
	static const char *const limited[] = { "out_bytes", "stale_bytes", NULL };
	struct jval require = jval_object(root, "require"), limits = jval_object(root, "limits");

	check_schema(root);
	jval_only(root, known);
	free(jval_string(root, "comment")); /* for people; must be text */
	jval_only(&require, required);
	p->require_realm = jval_bool(&require, "realm", false);
	p->require_since_boot = jval_bool(&require, "since_boot", false);
	p->require_confidential = jval_bool(&require, "confidential", false);
	jval_only(&limits, limited);
	p->max_out_bytes = jval_number(&limits, "out_bytes", INT64_MAX, POLICY_NO_LIMIT);
	p->max_stale_bytes = jval_number(&limits, "stale_bytes", INT64_MAX, POLICY_NO_LIMIT);
	read_waivers(p, root);
	read_expected(p, root);
}

static struct policy *read_doc(struct jdoc *doc, const char *name)
{
	struct policy *p;
	struct jval root;

	if (!doc)
		return NULL;
	p = policy_new();
	p->name = xstrdup(name);
	root = jdoc_root(doc);
	read_policy(p, &root);
	if (jdoc_status(doc) < 0) {
		policy_free(p);
		p = NULL;
	}
	jdoc_free(doc);
	return p;
}

struct policy *policy_parse(const char *text, size_t len, const char *name, struct err *err)
{
	return read_doc(jdoc_parse(text, len, name, err), name);
}

struct policy *policy_load(const char *path, struct err *err)
{
	return read_doc(jdoc_load(path, err), path);
}
