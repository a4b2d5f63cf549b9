/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies as JSON, schema ccaio.policy/1: see ccaio-policy(5). */
#include "lib/evidence/policy.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/tables.h"

#define MANY JDOC_MAX_VALUES /* entries of a list: the document bounds them */

static const struct jrow require_rows[] = {
	JBOOL("realm", struct policy, require_realm),
	JBOOL("since_boot", struct policy, require_since_boot),
	JBOOL("run", struct policy, require_run),
	JBOOL("confidential", struct policy, require_confidential),
	JWHOLE(.closed = true),
};

static void check_device_limit(const struct jval *object, void *what)
{
	const struct policy_limit *l = what;

	if (l->max_out_bytes == POLICY_NO_LIMIT && l->max_stale_bytes == POLICY_NO_LIMIT)
		jval_fail_at(object, "device", "it has neither \"out_bytes\" nor \"stale_bytes\"");
}

static const struct jrow device_limit_rows[] = {
	JNAME("device", struct policy_limit, device, .flags = JF_REQUIRED),
	JNUMBER("out_bytes", struct policy_limit, max_out_bytes, INT64_MAX,
		.unknown = POLICY_NO_LIMIT),
	JNUMBER("stale_bytes", struct policy_limit, max_stale_bytes, INT64_MAX,
		.unknown = POLICY_NO_LIMIT),
	JWHOLE(.closed = true, .check = check_device_limit),
};

static const struct jrow limit_rows[] = {
	JNUMBER("out_bytes", struct policy, max_out_bytes, INT64_MAX, .unknown = POLICY_NO_LIMIT),
	JNUMBER("stale_bytes", struct policy, max_stale_bytes, INT64_MAX,
		.unknown = POLICY_NO_LIMIT),
	JNUMBER("copied_per_useful", struct policy, copied_per_useful, INT64_MAX, .least = 1,
		.flags = JF_OMIT),
	JNUMBER("pool_peak", struct policy, pool_peak, INT64_MAX, .least = 1, .flags = JF_OMIT),
	JLIST("devices", struct policy, limits, nlimits, device_limit_rows, MANY),
	JWHOLE(.closed = true),
};

static void check_waiver(const struct jval *object, void *what)
{
	const char *claim = ((const struct policy_waiver *)what)->claim;

	if (claim && strcmp(claim, "no-bypass") != 0)
		jval_fail_at(object, "claim", "only \"no-bypass\" can be waived, not '%.64s'",
			     claim);
}

static const struct jrow waiver_rows[] = {
	JNAME("device", struct policy_waiver, device, .flags = JF_REQUIRED),
	JNAME("claim", struct policy_waiver, claim, .flags = JF_REQUIRED),
	JNAME("reason", struct policy_waiver, reason, .flags = JF_REQUIRED),
	JWHOLE(.closed = true, .check = check_waiver),
};

static const struct jrow assigned_rows[] = {
	JNAME("device", struct policy_assigned, device, .flags = JF_REQUIRED),
	JNAME("reason", struct policy_assigned, reason, .flags = JF_REQUIRED),
	JWHOLE(.closed = true),
};

static void check_policy(const struct jval *object, void *what)
{
	const struct policy *p = what;

	for (size_t i = 0; i < p->nexpected_devices; i++)
		if (!p->expected_devices[i][0])
			jval_fail_at(object, "expected_devices", "a device has an empty name");
}

/* Closed: a requirement that is not understood must not be taken for one that is met. */
const struct jrow policy_table[] = {
	JSTRING("comment", struct policy, comment, .flags = JF_OMIT),
	JGROUP("require", require_rows),
	JGROUP("limits", limit_rows),
	JLIST("waivers", struct policy, waivers, nwaivers, waiver_rows, MANY),
	JLIST("assigned_devices", struct policy, assigned, nassigned, assigned_rows, MANY),
	JSTRINGS("expected_devices", struct policy, expected_devices, nexpected_devices, MANY,
		 JKNOWN(struct policy, expected_given)),
	JWHOLE(.closed = true, .check = check_policy),
};

const struct policy_assigned *policy_assigned(const struct policy *p, const char *device)
{
	for (size_t i = 0; p && device && i < p->nassigned; i++) {
		if (strcmp(p->assigned[i].device, device) == 0)
			return &p->assigned[i];
	}
	return NULL;
}

bool policy_limits_egress(const struct policy *p)
{
	return p && (p->max_out_bytes != POLICY_NO_LIMIT || p->max_stale_bytes != POLICY_NO_LIMIT ||
		     p->nlimits);
}

void policy_free(struct policy *p)
{
	if (p)
		free(p->name);
	jtable_delete(policy_table, p);
}

struct policy *policy_parse(const char *text, size_t len, const char *name, struct err *err)
{
	struct jdoc *doc = jdoc_parse(text, len, name, err);
	struct policy *p = jtable_load(policy_table, sizeof(*p), doc, POLICY_SCHEMA);

	if (p)
		p->name = xstrdup(name);
	return p;
}
