/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the SARIF 2.1.0 schema (OASIS, sarif-schema-2.1.0.json) and its text demand of the objects
 * that ccaio writes.  The schema allows no property that it does not name.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/report.h"
#include "tests/unit/test.h"
#include "tests/unit/verdict-fixture.h"

static json_object *get(json_object *obj, const char *key)
{
	return json_object_object_get(obj, key);
}

static const char *text_of(json_object *obj, const char *key)
{
	json_object *value = get(obj, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

/* Every member of obj is among names; those with '!' must be there. */
static bool members(json_object *obj, const char *what, const char *const *names)
{
	bool ok = json_object_is_type(obj, json_type_object);

	for (const char *const *n = names; ok && *n; n++) {
		if (**n == '!' && !get(obj, *n + 1)) {
			printf("# %s lacks %s\n", what, *n + 1);
			ok = false;
		}
	}
	if (!ok)
		return false;
	json_object_object_foreach(obj, key, value)
	{
		const char *const *n = names;

		(void)value;
		while (*n && strcmp(**n == '!' ? *n + 1 : *n, key) != 0)
			n++;
		if (!*n) {
			printf("# %s must not have %s\n", what, key);
			ok = false;
		}
	}
	return ok;
}

#define MEMBERS(obj, what, ...) members((obj), (what), (const char *const[]){ __VA_ARGS__, NULL })

static bool one_of(const char *s, const char *list)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", s);
	return strstr(list, word) != NULL;
}

static bool is_uri_reference(const char *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._~:/?#[]@!$&'()*+,;=%";

	return *s && s[strspn(s, allowed)] == '\0';
}

/* Whole sentences, as the validation rules of its makers ask for (SARIF2001). */
static bool is_sentence(json_object *message, const char *what)
{
	const char *text = text_of(message, "text");
	bool ok = MEMBERS(message, what, "!text", "markdown", "id", "arguments", "properties") &&
		  *text && strchr(".!?", text[strlen(text) - 1]);

	if (!ok)
		printf("# %s: not a sentence: %s\n", what, text);
	return ok;
}

static bool good_locations(json_object *list)
{
	bool ok = json_object_is_type(list, json_type_array);

	for (size_t i = 0; ok && i < json_object_array_length(list); i++) {
		json_object *loc = json_object_array_get_idx(list, i);
		json_object *phys = get(loc, "physicalLocation"), *art, *logic;

		ok = MEMBERS(loc, "location", "id", "physicalLocation", "logicalLocations",
			     "message", "annotations", "relationships", "properties");
		if (phys) {
			art = get(phys, "artifactLocation");
			ok = ok &&
			     MEMBERS(phys, "physicalLocation", "!artifactLocation", "region",
				     "contextRegion", "address", "properties") &&
			     MEMBERS(art, "artifactLocation", "!uri", "uriBaseId", "index",
				     "description", "properties") &&
			     is_uri_reference(text_of(art, "uri")) &&
			     MEMBERS(get(phys, "region"), "region", "!startLine") &&
			     json_object_get_int(get(get(phys, "region"), "startLine")) >= 1;
		}
		logic = json_object_array_get_idx(get(loc, "logicalLocations"), 0);
		ok = ok &&
		     MEMBERS(logic, "logicalLocation", "!name", "index", "!fullyQualifiedName",
			     "decoratedName", "parentIndex", "!kind", "properties");
	}
	return ok;
}

static bool good_result(json_object *result, json_object *rules)
{
	json_object *rule =
		json_object_array_get_idx(rules, json_object_get_uint64(get(result, "ruleIndex")));

	return MEMBERS(result, "result", "!ruleId", "!ruleIndex", "rule", "!kind", "!level",
		       "!message", "analysisTarget", "!locations", "guid", "correlationGuid",
		       "occurrenceCount", "!partialFingerprints", "fingerprints", "stacks",
		       "codeFlows", "graphs", "graphTraversals", "relatedLocations", "suppressions",
		       "baselineState", "rank", "attachments", "hostedViewerUri", "workItemUris",
		       "provenance", "fixes", "taxa", "webRequest", "webResponse", "properties") &&
	       strcmp(text_of(rule, "id"), text_of(result, "ruleId")) == 0 &&
	       one_of(text_of(result, "kind"),
		      " notApplicable pass fail review open informational ") &&
	       one_of(text_of(result, "level"), " none note warning error ") &&
	       /* 3.27.10: whatever is no failure has the level none */
	       (strcmp(text_of(result, "kind"), "fail") == 0 ||
		strcmp(text_of(result, "level"), "none") == 0) &&
	       is_sentence(get(result, "message"), "message") &&
	       good_locations(get(result, "locations"));
}

static bool good_rules(json_object *rules)
{
	bool ok = json_object_is_type(rules, json_type_array);

	for (size_t i = 0; ok && i < json_object_array_length(rules); i++) {
		json_object *rule = json_object_array_get_idx(rules, i);

		ok = MEMBERS(rule, "rule", "!id", "deprecatedIds", "guid", "deprecatedGuids",
			     "name", "deprecatedNames", "!shortDescription", "!fullDescription",
			     "messageStrings", "!defaultConfiguration", "helpUri", "!help",
			     "relationships", "properties") &&
		     is_sentence(get(rule, "shortDescription"), "shortDescription") &&
		     /* what forges that take SARIF require besides */
		     is_sentence(get(rule, "fullDescription"), "fullDescription") &&
		     *text_of(get(rule, "help"), "text") &&
		     /* SARIF1001: a name that is the id says nothing */
		     strcmp(text_of(rule, "name"), text_of(rule, "id")) != 0 &&
		     one_of(text_of(get(rule, "defaultConfiguration"), "level"),
			    " none note warning error ");
		for (size_t j = 0; ok && j < i; j++) /* ids are unique */
			ok = strcmp(text_of(json_object_array_get_idx(rules, j), "id"),
				    text_of(rule, "id")) != 0;
	}
	return ok;
}

/* Checks one log; returns how many results it has. */
static size_t check_log(const struct verdict *v, const struct run *run)
{
	struct report_input in = { .verdict = v, .run = run };
	json_object *log, *the_run, *driver, *results;
	char *text = NULL;
	size_t len, n, good = 0;
	FILE *out = open_memstream(&text, &len);

	report_find("sarif")->write(out, &in);
	fclose(out);
	log = json_tokener_parse(text);
	check(MEMBERS(log, "log", "!$schema", "!version", "!runs", "inlineExternalProperties",
		      "properties"));
	check(strcmp(text_of(log, "version"), "2.1.0") == 0);
	check(json_object_array_length(get(log, "runs")) == 1);
	the_run = json_object_array_get_idx(get(log, "runs"), 0);
	check(MEMBERS(the_run, "run", "!tool", "invocations", "results", "artifacts",
		      "logicalLocations", "automationDetails", "columnKind", "properties"));
	driver = get(get(the_run, "tool"), "driver");
	check(MEMBERS(driver, "driver", "!name", "version", "semanticVersion", "informationUri",
		      "rules", "properties"));
	check(good_rules(get(driver, "rules")));
	check(MEMBERS(json_object_array_get_idx(get(the_run, "invocations"), 0), "invocation",
		      "!executionSuccessful", "commandLine", "arguments", "exitCode",
		      "properties"));
	results = get(the_run, "results");
	n = json_object_array_length(results);
	for (size_t i = 0; i < n; i++)
		good += good_result(json_object_array_get_idx(results, i), get(driver, "rules"));
	check(good == n);
	json_object_put(log);
	free(text);
	return n;
}

int main(void)
{
	struct verdict *proven = fixture_proven(), *violated = fixture_violated();
	struct run run = fixture_run();

	check(check_log(proven, &run) == 0);
	check(check_log(violated, &run) == 4);
	run.evidence = "/tmp/\xe2\x82\xac 100%\"<>\n.ccaio";
	check(check_log(violated, &run) == 4);
	check(check_log(violated, NULL) == 4);
	proven->outcome = OUTCOME_INCONCLUSIVE; /* by a waiver: no part is to blame */
	check(check_log(proven, &run) == 1);
	verdict_free(proven);
	verdict_free(violated);
	return done();
}
