/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sarif - SARIF 2.1.0 (OASIS Static Analysis Results Interchange Format).
 *
 * Rules are the verdict's claims and conditions.  Results are what keeps a run from being PROVEN:
 * each counterexample as an error with its device as logical location, each undecided
 * claim and unmet condition as a warning.  Consumers that want a file get verdict.json.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/json/json.h"
#include "reports/checks.h"
#include "reports/report.h"
#include "reports/rows/rows.h"

#define SCHEMA_URI                                                            \
	"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/" \
	"sarif-schema-2.1.0.json"

#define MANUAL "man:ccaio(1)" /* what explains claims and conditions where ccaio is installed */

#define VERDICT_RULE (CLAIMS + CONDS) /* index of the rule for the verdict itself */

struct sarif {
	struct jwriter w;
	struct rows *rows;
	char *uri; /* where results are said to be: a URI reference; NULL nowhere */
	uint64_t line;
	uint64_t hashes[VERDICT_RULE + 1 + CLAIMS * VERDICT_EXAMPLES]; /* of results so far */
	size_t nhashes;
};

/* Path to URI reference: what RFC 3986 does not allow in a path is percent-encoded. */
static char *path_to_uri(const char *path, size_t len)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~/!$&'()*+,;=@";
	static const char root[] = "file://";
	char *uri = xcalloc(sizeof(root) + len * 3, 1);
	size_t at = 0;

	if (*path == '/')
		at = (size_t)sprintf(uri, "%s", root);
	for (size_t i = 0; i < len; i++)
		at += (size_t)sprintf(uri + at, strchr(plain, path[i]) ? "%c" : "%%%02X",
				      (unsigned char)path[i]);
	return uri;
}

/* "client-20261129-182737.ccaio": where the time in a bundle's default name begins, or len. */
static size_t before_time(const char *path, size_t len)
{
	static const char form[] = "-dddddddd-dddddd.ccaio";
	size_t n = strlen(form);

	if (len <= n)
		return len;
	for (size_t i = 0; i < n; i++) {
		char c = path[len - n + i];

		if (form[i] == 'd' ? c < '0' || c > '9' : c != form[i])
			return len;
	}
	return len - n;
}

/*
 * The file that results are about: the one that was asked for, else the bundle's verdict.json.
 * Consumers take a result in another file for another result, so that the time in a bundle's
 * name is left out.
 */
static void place_results(struct sarif *s, const char *location, const char *evidence)
{
	const char *colon = location ? strrchr(location, ':') : NULL;
	size_t len = evidence ? strlen(evidence) : 0;
	char *path;

	s->line = 1;
	if (location) {
		bool has_line = colon && colon != location && colon[1] &&
				strspn(colon + 1, "0123456789") == strlen(colon + 1);

		if (has_line)
			s->line = strtoull(colon + 1, NULL, 10);
		s->line = s->line ? s->line : 1;
		s->uri = path_to_uri(location,
				     has_line ? (size_t)(colon - location) : strlen(location));
		return;
	}
	if (!evidence)
		return;
	path = len > 6 && strcmp(evidence + len - 6, ".ccaio") == 0
		       ? xasprintf("%.*s.ccaio/verdict.json",
				   (int)(before_time(evidence, len) < len
						 ? before_time(evidence, len)
						 : len - 6),
				   evidence)
		       : xstrdup(evidence);
	s->uri = path_to_uri(path, strlen(path));
	free(path);
}

/* "DmaInSharedClaim": some consumers warn where it is the id but for its letters' case. */
static const char *rule_name(struct rows *rows, const char *id, const char *kind)
{
	char name[64];
	size_t at = 0;
	bool first = true;

	for (; *id && at + 1 < sizeof(name); id++) {
		if (*id != '-')
			name[at++] = first && *id >= 'a' && *id <= 'z' ? *id - 'a' + 'A' : *id;
		first = *id == '-';
	}
	name[at] = '\0';
	return rows_str(rows, "%s%s", name, kind);
}

static void text_object(struct jwriter *w, const char *key, const char *text)
{
	jwrite_object(w, key);
	jwrite_string(w, "text", text);
	jwrite_end_object(w);
}

/* Text for people ends with a full stop; it may begin with a name, which stays as it is. */
static const char *sentence(struct rows *rows, const char *text)
{
	size_t len = strlen(text);

	return rows_str(rows, "%s%s", text, len && strchr(".!?", text[len - 1]) ? "" : ".");
}

static void rule(struct sarif *s, const char *id, const char *summary, const char *level,
		 const char *kind, const char *section)
{
	struct jwriter *w = &s->w;

	jwrite_object(w, NULL);
	jwrite_string(w, "id", id);
	jwrite_string(w, "name", rule_name(s->rows, id, kind));
	text_object(w, "shortDescription", sentence(s->rows, summary));
	text_object(w, "fullDescription", sentence(s->rows, summary));
	text_object(w, "help",
		    rows_str(s->rows, "See ccaio(1), %s. Judge the evidence again with: %s",
			     section, *s->rows->recheck ? s->rows->recheck : "ccaio verify"));
	jwrite_string(w, "helpUri", MANUAL);
	jwrite_object(w, "defaultConfiguration");
	jwrite_string(w, "level", level);
	jwrite_end_object(w);
	jwrite_end_object(w);
}

static void tool(struct sarif *s)
{
	struct jwriter *w = &s->w;

	jwrite_object(w, "tool");
	jwrite_object(w, "driver");
	jwrite_string(w, "name", "ccaio");
	jwrite_string(w, "version", VERSION);
	jwrite_string(w, "informationUri", MANUAL);
	jwrite_array(w, "rules");
	for (int i = 0; i < CLAIMS; i++)
		rule(s, s->rows->claims[i].name, s->rows->claims[i].summary, "error", "Claim",
		     "CLAIMS");
	for (int i = 0; i < CONDS; i++)
		rule(s, s->rows->conds[i].name, s->rows->conds[i].summary, "warning", "Condition",
		     "COVERAGE");
	rule(s, "verdict", "the run is PROVEN", "warning", "Outcome", "VERDICT");
	jwrite_end_array(w);
	jwrite_end_object(w);
	jwrite_end_object(w);
}

/* Where: the evidence (a file, for consumers that need one) and the device. */
static void locations(struct sarif *s, const char *name, const char *kind)
{
	struct jwriter *w = &s->w;

	jwrite_array(w, "locations");
	jwrite_object(w, NULL);
	if (s->uri) {
		jwrite_object(w, "physicalLocation");
		jwrite_object(w, "artifactLocation");
		jwrite_string(w, "uri", s->uri);
		jwrite_end_object(w);
		/* some consumers take no file without a line */
		jwrite_object(w, "region");
		jwrite_number(w, "startLine", s->line);
		jwrite_end_object(w);
		jwrite_end_object(w);
	}
	jwrite_array(w, "logicalLocations");
	jwrite_object(w, NULL);
	jwrite_string(w, "name", name);
	jwrite_string(w, "fullyQualifiedName", name);
	jwrite_string(w, "kind", kind);
	jwrite_end_object(w);
	jwrite_end_array(w);
	jwrite_end_object(w);
	jwrite_end_array(w);
}

/*
 * What stays the same when the same thing is found again, as GitHub reads it: a hash, and which
 * of the results with this hash it is..
 */
static const char *line_hash(struct sarif *s, const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;
	size_t nth = 1;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	for (size_t i = 0; i < s->nhashes; i++)
		nth += s->hashes[i] == hash;
	if (s->nhashes < sizeof(s->hashes) / sizeof(s->hashes[0]))
		s->hashes[s->nhashes++] = hash;
	return rows_str(s->rows, "%016" PRIx64 ":%zu", hash, nth);
}

/* "start_xmit+0x2b8 [virtio_net]" */
static void frame(struct sarif *s, const char *text)
{
	const char *module = strstr(text, " [");
	size_t len = strcspn(text, " ");

	jwrite_object(&s->w, NULL);
	jwrite_object(&s->w, "location");
	jwrite_array(&s->w, "logicalLocations");
	jwrite_object(&s->w, NULL);
	jwrite_string(&s->w, "fullyQualifiedName", rows_str(s->rows, "%.*s", (int)len, text));
	jwrite_string(&s->w, "kind", "function");
	jwrite_end_object(&s->w);
	jwrite_end_array(&s->w);
	jwrite_end_object(&s->w);
	if (module)
		jwrite_string(&s->w, "module",
			      rows_str(s->rows, "%.*s", (int)strcspn(module + 2, "]"), module + 2));
	jwrite_end_object(&s->w);
}

/* The kernel's call chain at one of a finding's events. */
static void stacks(struct sarif *s, const struct row_finding *f)
{
	if (!f || !f->nstack)
		return;
	jwrite_array(&s->w, "stacks");
	jwrite_object(&s->w, NULL);
	text_object(&s->w, "message", "The kernel's call chain, from the caller of the DMA API.");
	jwrite_array(&s->w, "frames");
	for (size_t i = 0; i < f->nstack; i++)
		frame(s, f->stack[i]);
	jwrite_end_array(&s->w);
	jwrite_end_object(&s->w);
	jwrite_end_array(&s->w);
}

/* f: what the result is about, if that is a finding. */
static void result(struct sarif *s, int rule_index, const char *id, const char *level,
		   const char *message, const char *where, const char *kind,
		   const struct row_finding *f)
{
	struct jwriter *w = &s->w;

	jwrite_object(w, NULL);
	jwrite_string(w, "ruleId", id);
	jwrite_number(w, "ruleIndex", (uint64_t)rule_index);
	/* a level other than none goes with a failure only */
	jwrite_string(w, "kind", strcmp(level, "none") == 0 ? "informational" : "fail");
	jwrite_string(w, "level", level);
	text_object(w, "message", sentence(s->rows, message));
	locations(s, where, kind);
	stacks(s, f);
	jwrite_object(w, "partialFingerprints");
	jwrite_string(w, "primaryLocationLineHash",
		      line_hash(s, rows_str(s->rows, "%s %s", id, where)));
	jwrite_string(w, "ccaio/v1", rows_str(s->rows, "%s %s", id, where));
	jwrite_end_object(w);
	jwrite_end_object(w);
}

/* A refuted claim: each finding under the first of its claims.  Returns whether any is listed. */
static bool findings(struct sarif *s, int rule_index, const struct row_claim *c)
{
	bool shown = false;

	for (size_t i = 0; i < s->rows->nfindings; i++) {
		const struct row_finding *f = &s->rows->findings[i];

		shown |= (f->claim_bits & 1u << c->id) != 0;
		if (f->claim_id == c->id)
			result(s, rule_index, c->name, "error", checks_finding(s->rows, i),
			       f->device, "resource", f);
	}
	return shown;
}

/* What a verdict about some of the devices does not say, and of whom it warns. */
static void limits(struct sarif *s)
{
	if (*s->rows->limit && s->rows->outcome == OUTCOME_PROVEN)
		result(s, VERDICT_RULE, "verdict", "none",
		       rows_str(s->rows, "%s: %s", s->rows->headline, s->rows->reason), "verdict",
		       "module", NULL);
	for (size_t i = 0; i < s->rows->nfacts; i++) {
		if (strcmp(s->rows->facts[i].key, "warning") == 0)
			result(s, VERDICT_RULE, "verdict", "none", s->rows->facts[i].value,
			       "verdict", "module", NULL);
	}
}

/* rules stand in the order claims, conditions, verdict; checks begin with the verdict */
static void results(struct sarif *s)
{
	struct checks checks;

	checks_init(&checks, s->rows);
	jwrite_array(&s->w, "results");
	for (size_t i = 1; i <= checks.count; i++) {
		const struct check *c = &checks.list[i % checks.count];
		int rule_index = (int)i - 1;

		if (c->result != CHECK_VIOLATED && c->result != CHECK_INCONCLUSIVE)
			continue;
		if (rule_index < CLAIMS && c->result == CHECK_VIOLATED &&
		    findings(s, rule_index, &s->rows->claims[rule_index]))
			continue;
		result(s, rule_index, c->name, c->result == CHECK_VIOLATED ? "error" : "warning",
		       rows_str(s->rows, "%s%s%s", c->message, *c->detail ? ". " : "", c->detail),
		       c->name, "module", NULL);
	}
	limits(s);
	jwrite_end_array(&s->w);
}

static void write_sarif(FILE *out, const struct report_input *in)
{
	struct sarif s = { .rows = rows_new(in) };

	place_results(&s, in->location, in->run ? in->run->evidence : NULL);
	jwriter_init(&s.w, out);
	jwrite_object(&s.w, NULL);
	jwrite_string(&s.w, "$schema", SCHEMA_URI);
	jwrite_string(&s.w, "version", "2.1.0");
	jwrite_array(&s.w, "runs");
	jwrite_object(&s.w, NULL);
	tool(&s);
	jwrite_array(&s.w, "invocations");
	jwrite_object(&s.w, NULL);
	jwrite_bool(&s.w, "executionSuccessful", true);
	jwrite_end_object(&s.w);
	jwrite_end_array(&s.w);
	results(&s);
	jwrite_object(&s.w, "properties");
	jwrite_string(&s.w, "verdict", s.rows->verdict);
	jwrite_string(&s.w, "scope", s.rows->scope);
	jwrite_string(&s.w, "setting", s.rows->setting);
	if (*s.rows->limit)
		jwrite_string(&s.w, "limit", s.rows->limit);
	jwrite_end_object(&s.w);
	jwrite_end_object(&s.w);
	jwrite_end_array(&s.w);
	jwrite_end_object(&s.w);
	rows_free(s.rows);
	free(s.uri);
}

const struct report report_sarif = {
	.name = "sarif",
	.summary = "SARIF 2.1.0: what keeps the run from being PROVEN",
	.write = write_sarif,
};
