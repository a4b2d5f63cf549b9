/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/evidence/policy.h"
#include "tests/unit/test.h"

static void test_strict(void)
{
	struct err err = { "" };
	static const char file[] = "tests/data/policy/strict.json";
	size_t len;
	char *text = file_read(file, 1 << 20, &len, &err);
	struct policy *p = text ? policy_parse(text, len, file, &err) : NULL;

	free(text);
	check(p != NULL);
	if (!p)
		return;
	check(strcmp(p->name, "tests/data/policy/strict.json") == 0);
	check(p->require_realm && p->require_since_boot && p->require_confidential);
	check(p->max_out_bytes == 1048576 && p->max_stale_bytes == 65536);
	check(p->nwaivers == 1 && strcmp(p->waivers[0].device, "0000:00:05.0") == 0);
	check(p->nwaivers == 1 && strncmp(p->waivers[0].reason, "memory balloon", 14) == 0);
	check(p->expected_given && p->nexpected_devices == 2);
	policy_free(p);
}

static void test_minimal(void)
{
	static const char text[] = "{\"schema\":\"ccaio.policy/1\"}";
	struct err err = { "" };
	struct policy *p = policy_parse(text, strlen(text), "x", &err);

	check(p && !p->require_realm && !p->require_since_boot && !p->require_confidential);
	check(p && p->max_out_bytes == POLICY_NO_LIMIT && p->max_stale_bytes == POLICY_NO_LIMIT);
	check(p && p->nwaivers == 0 && !p->expected_given);
	policy_free(p);
	/* no device at all is something else than no list */
	p = policy_parse("{\"schema\":\"ccaio.policy/1\",\"expected_devices\":[]}", 49, "x", &err);
	check(p && p->expected_given && p->nexpected_devices == 0);
	policy_free(p);
}

/* Each stands behind the schema's member. */
static const struct {
	const char *members, *says;
} bad[] = {
	{ "\"requires\":{}", "x: unknown member 'requires'" },
	{ "\"require\":{\"relm\":true}", "x: require: unknown member 'relm'" },
	{ "\"require\":{\"realm\":1}", "x: require.realm: expected true, false or null" },
	{ "\"require\":[]", "x: require: expected an object" },
	{ "\"limits\":{\"out_bytes\":-1}", "x: limits.out_bytes: expected a number that is not" },
	{ "\"limits\":{\"out_bytes\":\"1M\"}", "x: limits.out_bytes: expected a whole number" },
	{ "\"limits\":{\"pool_peak\":0}", "x: limits.pool_peak: expected a number above 0" },
	{ "\"limits\":{\"copied_per_useful\":0}",
	  "x: limits.copied_per_useful: expected a number above 0" },
	{ "\"limits\":{\"copied_per_useful\":1.5}",
	  "x: limits.copied_per_useful: expected a whole number" },
	{ "\"limits\":{\"devices\":[{\"device\":\"d\"}]}",
	  "x: limits.devices[0].device: it has neither \"out_bytes\" nor \"stale_bytes\"" },
	{ "\"limits\":{\"devices\":[{\"out_bytes\":1}]}", "x: limits.devices[0].device: missing" },
	{ "\"limits\":{\"devices\":[{\"device\":\"d\",\"pool_peak\":1}]}",
	  "x: limits.devices[0]: unknown member 'pool_peak'" },
	{ "\"limits\":{\"stale\":0}", "x: limits: unknown member 'stale'" },
	{ "\"waivers\":[{\"device\":\"d\",\"claim\":\"no-bypass\"}]",
	  "waivers[0].reason: missing" },
	{ "\"waivers\":[{\"device\":\"d\",\"claim\":\"dma-in-shared\",\"reason\":\"r\"}]",
	  "waivers[0].claim: only \"no-bypass\" can be waived" },
	{ "\"waivers\":[{\"claim\":\"no-bypass\",\"reason\":\"r\"}]",
	  "waivers[0].device: missing" },
	{ "\"waivers\":[{\"device\":\"d\",\"claim\":\"no-bypass\",\"reason\":\"r\",\"until\":1}]",
	  "waivers[0]: unknown member 'until'" },
	{ "\"waivers\":{}", "waivers: expected an array" },
	{ "\"expected_devices\":[1]", "expected_devices[0]: expected a string" },
	{ "\"expected_devices\":[\"\"]", "empty name" },
	{ "\"comment\":{}", "comment: expected a string" },
};

static void test_bad(void)
{
	struct err err = { "" };
	char text[512];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct policy *p;
		int n = snprintf(text, sizeof(text), "{\"schema\":\"ccaio.policy/1\",%s}",
				 bad[i].members);

		err.text[0] = '\0';
		p = policy_parse(text, (size_t)n, "x", &err);
		if (p || !strstr(err.text, bad[i].says))
			printf("# %s\n# says: %s\n", text, err.text);
		check(!p && strstr(err.text, bad[i].says));
		policy_free(p);
	}
	check(!policy_parse("{}", 2, "x", &err) && strstr(err.text, "x: schema: missing"));
	check(!policy_parse("{\"schema\":\"ccaio.platform/1\"}", 29, "x", &err));
}

int main(void)
{
	test_strict();
	test_minimal();
	test_bad();
	return done();
}
