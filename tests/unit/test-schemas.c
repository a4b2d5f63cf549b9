/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * share/schemas has the JSON Schema of each table as it is; UPDATE_GOLDEN=1 writes them.  That
 * what is written is valid by them, tests/cli/schemas.bats sees by a validator that is not ours.
 */
#include "cmd/bench/results.h"
#include "lib/evidence/manifest.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/policy.h"
#include "lib/evidence/tables.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/json.h"
#include "lib/json/table.h"
#include "lib/verdict/json.h"
#include "lib/verdict/table.h"
#include "tests/unit/golden.h"
#include "tests/unit/test.h"

static void schema(const char *file, const char *title, const struct jrow *table,
		   const struct jschema *schema)
{
	char *text = NULL, path[128];
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct jwriter w;

	jwriter_init(&w, out);
	jwrite_object(&w, NULL);
	jwrite_string(&w, "$schema", "https://json-schema.org/draft/2020-12/schema");
	jwrite_string(&w, "$comment", "SPDX-License-Identifier: LGPL-2.1-or-later");
	jwrite_string(&w, "title", title);
	jwrite_string(&w, "type", "object");
	jtable_schema(table, schema, &w);
	jwrite_end_object(&w);
	fclose(out);
	snprintf(path, sizeof(path), "share/schemas/%s.schema.json", file);
	check(golden_same(path, text));
	free(text);
}

int main(void)
{
	schema("ccaio.platform-1", "facts of a machine: platform.json, see ccaio-platform(5)",
	       platform_table, &(struct jschema){ .name = PLATFORM_SCHEMA });
	schema("ccaio.exchanges-1",
	       "what a program said over the network: exchanges.json, see ccaio-exchanges(5)",
	       exchanges_table, &(struct jschema){ .name = EXCHANGES_SCHEMA });
	schema("ccaio.manifest-1", "the files of a bundle: MANIFEST.json, see ccaio-verdict(5)",
	       manifest_table, &(struct jschema){ .name = MANIFEST_SCHEMA });
	schema("ccaio.policy-1", "what a site requires of a run, see ccaio-policy(5)", policy_table,
	       &(struct jschema){ .name = POLICY_SCHEMA });
	schema("ccaio.verdict-1",
	       "a verdict: verdict.json and reports in the format json, see ccaio-verdict(5)",
	       verdict_record_table,
	       &(struct jschema){ .name = VERDICT_SCHEMA,
				  .key = "exchanges",
				  .key_name = EXCHANGES_SCHEMA,
				  .of = exchanges_table });
	schema("ccaio.bench-workload-1", "results of ccaio bench workload, see ccaio-bench(1)",
	       bench_results_table, &(struct jschema){ .name = BENCH_WORKLOAD_SCHEMA });
	return done();
}
