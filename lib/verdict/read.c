/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader's half of lib/verdict/json.h. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/printable.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/limit.h"
#include "lib/verdict/fields.h"
#include "lib/verdict/json.h"
#include "lib/verdict/timeline.h"
#include "lib/verdict/verdict.h"

/* The first thing that is wrong is told; reading goes on harmlessly after it. */
struct reader {
	const char *name;
	struct err *err;
	bool failed;
};

static void fail(struct reader *r, const char *key, const char *what)
{
	if (!r->failed)
		err_set(r->err, EINVAL, "%s: '%s' %s", r->name, key, what);
	r->failed = true;
}

/* A member of the wanted type; NULL where it is missing, null, or (failing) of another type. */
static json_object *member(struct reader *r, json_object *obj, const char *key, enum json_type type,
			   bool required)
{
	json_object *value = NULL;

	if (!json_object_object_get_ex(obj, key, &value) || !value) {
		if (required)
			fail(r, key, "is missing");
		return NULL;
	}
	if (json_object_get_type(value) != type) {
		fail(r, key, "has the wrong type");
		return NULL;
	}
	return value;
}

/* Copies of foreign text are made printable here, once, whatever wrote the file. */
static char *take_string(struct reader *r, json_object *value, const char *key)
{
	const char *s = json_object_get_string(value);

	if ((size_t)json_object_get_string_len(value) != strlen(s)) {
		fail(r, key, "holds a NUL character");
		return NULL;
	}
	return printable(s);
}

static char *get_string(struct reader *r, json_object *obj, const char *key)
{
	json_object *value = member(r, obj, key, json_type_string, false);

	return value ? take_string(r, value, key) : NULL;
}

static uint64_t take_number(struct reader *r, json_object *value, const char *key)
{
	if (json_object_get_type(value) != json_type_int) {
		fail(r, key, "must be a whole number");
		return 0;
	}
	if (json_object_get_int64(value) < 0) {
		fail(r, key, "is negative");
		return 0;
	}
	return json_object_get_uint64(value);
}

/* Counters that a file of an earlier minor version lacks are 0. */
static uint64_t get_number(struct reader *r, json_object *obj, const char *key, uint64_t max)
{
	json_object *value = member(r, obj, key, json_type_int, false);
	uint64_t n = value ? take_number(r, value, key) : 0;

	if (n > max) {
		fail(r, key, "is out of range");
		return 0;
	}
	return n;
}

static bool get_bool(struct reader *r, json_object *obj, const char *key)
{
	json_object *value = member(r, obj, key, json_type_boolean, false);

	return value && json_object_get_boolean(value);
}

static uint64_t get_hex(struct reader *r, json_object *obj, const char *key, uint64_t none)
{
	json_object *value = member(r, obj, key, json_type_string, false);
	const char *s;
	char *end;
	uint64_t n;

	if (!value)
		return none;
	s = json_object_get_string(value);
	errno = 0;
	n = strtoull(s, &end, 16);
	if (strncmp(s, "0x", 2) != 0 || s[2] == '\0' || *end || errno || strlen(s) > 18 ||
	    (int)strlen(s) != json_object_get_string_len(value)) {
		fail(r, key, "is not an address such as \"0x7a99a800\"");
		return none;
	}
	return n;
}

/* The number of the name that a member holds, of count names that name() gives. */
#define GET_NAME(r, obj, key, name, count)                                           \
	({                                                                           \
		const char *s_ = name_member((r), (obj), (key));                     \
		int found_ = 0;                                                      \
		while (s_ && found_ < (int)(count) && strcmp(name(found_), s_) != 0) \
			found_++;                                                    \
		if (found_ == (int)(count)) {                                        \
			fail((r), (key), "has an unknown value");                    \
			found_ = 0;                                                  \
		}                                                                    \
		found_;                                                              \
	})

static const char *name_member(struct reader *r, json_object *obj, const char *key)
{
	json_object *value = member(r, obj, key, json_type_string, true);

	return value ? json_object_get_string(value) : NULL;
}

/* An array member's length, at most max; *array gets it. */
static size_t get_array(struct reader *r, json_object *obj, const char *key, size_t max,
			enum json_type type, json_object **array)
{
	size_t n;

	*array = member(r, obj, key, json_type_array, true);
	n = *array ? json_object_array_length(*array) : 0;
	if (n > max) {
		fail(r, key, "has too many entries");
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		json_object *value = json_object_array_get_idx(*array, i);

		if (!value || json_object_get_type(value) != type) {
			fail(r, key, "has an entry of the wrong type");
			return 0;
		}
	}
	return n;
}

static void read_fields(struct reader *r, json_object *obj, const struct verdict_field *f,
			void *base)
{
	for (; f->name; f++) {
		uint64_t *n = (void *)((char *)base + f->offset);
		json_object *list;

		if (f->count == 1) {
			*n = get_number(r, obj, f->name, UINT64_MAX);
			continue;
		}
		list = member(r, obj, f->name, json_type_array, true);
		if (!list || json_object_array_length(list) != f->count) {
			fail(r, f->name, "must be a list of four numbers");
			continue;
		}
		for (unsigned int i = 0; i < f->count; i++)
			n[i] = take_number(r, json_object_array_get_idx(list, i), f->name);
	}
}

static void read_claims(struct reader *r, json_object *root, struct verdict *v)
{
	json_object *all = member(r, root, "claims", json_type_object, true);

	for (int i = 0; i < CLAIMS && all; i++) {
		json_object *obj = member(r, all, claim_name(i), json_type_object, true);

		if (!obj)
			return;
		v->claims[i].state = GET_NAME(r, obj, "state", claim_state_name, CLAIM_REFUTED + 1);
		v->claims[i].reason = get_string(r, obj, "reason");
		v->claims[i].refutations = get_number(r, obj, "refutations", UINT64_MAX);
		v->claims[i].required = get_bool(r, obj, "required");
	}
}

static void read_conditions(struct reader *r, json_object *root, struct verdict *v)
{
	json_object *all = member(r, root, "conditions", json_type_object, true);

	for (int i = 0; i < CONDS && all; i++) {
		bool newer = cond_is_newer(i);
		json_object *obj = member(r, all, cond_name(i), json_type_object, !newer);

		if (!obj && !newer)
			return;
		if (!obj) {
			v->conds[i].state = COND_NOT_APPLICABLE;
			v->conds[i].reason = xstrdup(COND_NOT_LOOKED_AT);
			continue;
		}
		v->conds[i].state =
			GET_NAME(r, obj, "state", cond_state_name, COND_NOT_APPLICABLE + 1);
		v->conds[i].reason = get_string(r, obj, "reason");
		v->conds[i].remedy = get_string(r, obj, "remedy");
	}
}

static void read_example(struct reader *r, json_object *obj, struct counterexample *ex)
{
	struct event *ev = &ex->event;
	json_object *pid;

	ex->claim = GET_NAME(r, obj, "claim", claim_name, CLAIMS);
	ex->text = get_string(r, obj, "text");
	ex->seq = get_number(r, obj, "event", UINT64_MAX);
	ev->ts_ns = get_number(r, obj, "time_ns", UINT64_MAX);
	ev->kind = GET_NAME(r, obj, "kind", event_kind_name, EVENT_KINDS);
	ev->dir = GET_NAME(r, obj, "direction", event_dir_name, EVENT_DIR_NONE + 1);
	ex->device = get_string(r, obj, "device");
	ev->orig = get_hex(r, obj, "original", EVENT_NO_ADDR);
	ev->dma = get_hex(r, obj, "dma", EVENT_NO_ADDR);
	ev->size = get_number(r, obj, "size", UINT64_MAX);
	ex->memory = GET_NAME(r, obj, "memory", memory_state_name, MEMORY_MMIO + 1);
	ex->comm = get_string(r, obj, "comm");
	pid = member(r, obj, "pid", json_type_int, false);
	ev->pid = pid ? json_object_get_int(pid) : 0;
	ev->cpu = (uint16_t)get_number(r, obj, "cpu", UINT16_MAX);
	ev->attrs = (uint32_t)get_hex(r, obj, "attrs", 0);
	ev->flags = (uint16_t)get_hex(r, obj, "flags", 0);
}

static void read_device(struct reader *r, json_object *obj, struct device_verdict *d)
{
	json_object *states, *totals;

	d->name = get_string(r, obj, "name");
	if (!d->name)
		fail(r, "name", "of a device is missing");
	d->driver = get_string(r, obj, "driver");
	d->what = get_string(r, obj, "what");
	d->trusted = get_bool(r, obj, "trusted");
	d->aside = get_bool(r, obj, "aside");
	states = member(r, obj, "claims", json_type_object, true);
	for (int i = 0; i < CLAIMS && states; i++)
		d->claims[i] =
			GET_NAME(r, states, claim_name(i), claim_state_name, CLAIM_REFUTED + 1);
	d->note = get_string(r, obj, "note");
	totals = member(r, obj, "totals", json_type_object, true);
	if (totals)
		read_fields(r, totals, verdict_device_fields, &d->totals);
}

static void read_range(struct reader *r, json_object *obj, struct published_range *range)
{
	range->range.start = get_hex(r, obj, "start", 0);
	range->range.end = get_hex(r, obj, "end", 0);
	if (range->range.end < range->range.start)
		fail(r, "ranges", "has an end before its start");
	range->memory = GET_NAME(r, obj, "memory", memory_state_name, MEMORY_MMIO + 1);
	range->count = get_number(r, obj, "count", UINT64_MAX);
}

static void read_monitor(struct reader *r, json_object *root, struct verdict *v)
{
	json_object *obj = member(r, root, "monitor", json_type_object, false);
	json_object *list;
	size_t n;

	if (!obj)
		return;
	v->monitor.used = get_bool(r, obj, "used");
	v->monitor.unusable = get_string(r, obj, "unusable");
	v->monitor.agreed = get_number(r, obj, "agreed", UINT64_MAX);
	v->monitor.refused = get_number(r, obj, "refused", UINT64_MAX);
	v->monitor.unknown = get_number(r, obj, "unknown", UINT64_MAX);
	v->monitor.cut_lines = get_number(r, obj, "cut_lines", UINT64_MAX);
	n = get_array(r, obj, "ranges", VERDICT_RANGES, json_type_object, &list);
	v->monitor.ranges = xcalloc(n, sizeof(*v->monitor.ranges));
	for (v->monitor.nranges = 0; v->monitor.nranges < n; v->monitor.nranges++) {
		json_object *w = json_object_array_get_idx(list, v->monitor.nranges);

		v->monitor.ranges[v->monitor.nranges] = (struct witness_range){
			.range = { get_hex(r, w, "start", 0), get_hex(r, w, "end", 0) },
			.state = GET_NAME(r, w, "state", rmm_state_name, RMM_MIXED + 1),
			.purpose =
				GET_NAME(r, w, "purpose", witness_purpose_name, WITNESS_PURPOSES),
			.published = get_number(r, w, "published", UINT64_MAX),
		};
	}
}

static void read_lists(struct reader *r, json_object *root, struct verdict *v)
{
	json_object *list;
	size_t n;

	n = get_array(r, root, "counterexamples", CLAIMS * VERDICT_EXAMPLES, json_type_object,
		      &list);
	v->examples = xcalloc(n, sizeof(*v->examples));
	for (v->nexamples = 0; v->nexamples < n; v->nexamples++)
		read_example(r, json_object_array_get_idx(list, v->nexamples),
			     &v->examples[v->nexamples]);
	n = get_array(r, root, "devices", 65536, json_type_object, &list);
	v->devices = xcalloc(n, sizeof(*v->devices));
	for (v->ndevices = 0; v->ndevices < n; v->ndevices++)
		read_device(r, json_object_array_get_idx(list, v->ndevices),
			    &v->devices[v->ndevices]);
	n = get_array(r, root, "ranges", VERDICT_RANGES, json_type_object, &list);
	v->ranges = xcalloc(n, sizeof(*v->ranges));
	for (v->nranges = 0; v->nranges < n; v->nranges++)
		read_range(r, json_object_array_get_idx(list, v->nranges), &v->ranges[v->nranges]);
	v->ranges_complete = get_bool(r, root, "ranges_complete");
	read_monitor(r, root, v);
	n = get_array(r, root, "notes", 4096, json_type_string, &list);
	v->notes = xcalloc(n, sizeof(*v->notes));
	for (v->nnotes = 0; v->nnotes < n; v->nnotes++)
		v->notes[v->nnotes] =
			take_string(r, json_object_array_get_idx(list, v->nnotes), "notes");
}

static void read_limit(struct reader *r, json_object *root, struct verdict *v)
{
	json_object *list;
	size_t n;

	if (!member(r, root, "limit", json_type_array, false))
		return;
	n = get_array(r, root, "limit", LIMIT_DEVICES, json_type_string, &list);
	if (!n)
		fail(r, "limit", "names no device");
	v->limit = xcalloc(n, sizeof(*v->limit));
	for (v->nlimit = 0; v->nlimit < n; v->nlimit++)
		v->limit[v->nlimit] =
			take_string(r, json_object_array_get_idx(list, v->nlimit), "limit");
}

static void read_totals(struct reader *r, json_object *root, struct verdict *v)
{
	json_object *obj = member(r, root, "totals", json_type_object, true);

	if (!obj)
		return;
	read_fields(r, obj, verdict_total_fields, v);
	v->totals.shared_bit = get_hex(r, obj, "shared_bit", 0);
	v->totals.shared_bit_inferred = get_bool(r, obj, "shared_bit_inferred");
}

static void read_timeline(struct reader *r, json_object *root, struct verdict *v)
{
	json_object *obj = member(r, root, "timeline", json_type_object, false);
	struct timeline *t;

	if (!obj)
		return;
	t = v->timeline = xcalloc(1, sizeof(*t));
	t->start_ns = get_number(r, obj, "start_ns", UINT64_MAX);
	t->bucket_ns = get_number(r, obj, "bucket_ns", UINT64_MAX / TIMELINE_BUCKETS);
	t->pool_partial = get_bool(r, obj, "pool_partial");
	if (!t->bucket_ns)
		fail(r, "bucket_ns", "is missing or 0");
	for (int s = 0; s < TIMELINE_SERIES; s++) {
		const char *key = timeline_series_name(s);
		const char *text = name_member(r, obj, key);
		int n = text ? timeline_series_parse(t, s, text) : 0;

		if (n < 0 || (s && n != (int)t->used))
			fail(r, key, "is not a list of numbers as long as the others");
		t->used = n < 0 ? 0 : (size_t)n;
	}
}

static void read_run(struct reader *r, json_object *root, struct run *run)
{
	json_object *obj = member(r, root, "run", json_type_object, false);
	json_object *list;
	char **argv;
	size_t n;

	run->exit_status = -1;
	if (!obj)
		return;
	run->tool = get_string(r, obj, "tool");
	run->evidence = get_string(r, obj, "evidence");
	run->recorder = get_string(r, obj, "recorder");
	run->policy = get_string(r, obj, "policy");
	run->facts = get_string(r, obj, "facts");
	run->rmm_log = get_string(r, obj, "rmm_log");
	run->window_only = get_bool(r, obj, "window_only");
	run->limit_given = get_bool(r, obj, "limit_given");
	run->started = get_string(r, obj, "started");
	if (member(r, obj, "exit_status", json_type_int, false))
		run->exit_status = (int)get_number(r, obj, "exit_status", 255);
	run->term_signal = (int)get_number(r, obj, "signal", 127);
	if (!member(r, obj, "command", json_type_array, false))
		return;
	n = get_array(r, obj, "command", 1 << 20, json_type_string, &list);
	argv = xcalloc(n + 1, sizeof(*argv));
	run->argv = argv;
	for (size_t i = 0; i < n && !r->failed; i++)
		argv[i] = take_string(r, json_object_array_get_idx(list, i), "command");
}

/* A file's verdict must be the one that its own claims and conditions make. */
static void check_outcome(struct reader *r, const struct verdict *v)
{
	const char *refuted = NULL;

	for (int i = 0; i < CLAIMS; i++) {
		bool required = v->claims[i].required || i < CLAIM_EGRESS;

		if (required && v->claims[i].state == CLAIM_REFUTED && !refuted)
			refuted = claim_name(i);
		if (required && v->claims[i].state != CLAIM_HOLDS && v->outcome == OUTCOME_PROVEN)
			fail(r, claim_name(i), "does not hold, although the verdict says PROVEN");
	}
	for (int i = 0; i < CONDS; i++) {
		if (v->conds[i].state == COND_UNMET && v->outcome == OUTCOME_PROVEN)
			fail(r, cond_name(i), "is unmet, although the verdict says PROVEN");
	}
	if (refuted && v->outcome == OUTCOME_INCONCLUSIVE)
		fail(r, refuted, "is refuted, although the verdict says INCONCLUSIVE");
	if (!refuted && v->outcome == OUTCOME_VIOLATED)
		fail(r, "verdict", "says VIOLATED, although no claim is refuted");
	if (v->setting == SETTING_UNKNOWN && v->outcome == OUTCOME_PROVEN)
		fail(r, "setting", "is unknown, although the verdict says PROVEN");
}

static void read_root(struct reader *r, json_object *root, struct verdict_record *record)
{
	struct verdict *v = record->verdict;
	const char *schema;

	schema = name_member(r, root, "schema");
	if (!schema)
		return;
	if (strcmp(schema, VERDICT_SCHEMA) != 0) {
		fail(r, "schema",
		     "is not " VERDICT_SCHEMA " (written by another version of ccaio)");
		return;
	}
	v->outcome = GET_NAME(r, root, "verdict", outcome_name, OUTCOME_PROVEN + 1);
	v->scope = GET_NAME(r, root, "scope", scope_name, SCOPE_SINCE_BOOT + 1);
	v->setting = GET_NAME(r, root, "setting", setting_name, SETTING_REALM + 1);
	read_limit(r, root, v);
	v->reason = get_string(r, root, "reason");
	read_claims(r, root, v);
	read_conditions(r, root, v);
	read_lists(r, root, v);
	read_totals(r, root, v);
	read_timeline(r, root, v);
	read_run(r, root, &record->run);
	check_outcome(r, v);
}

/*
 * json-c 0.18 (Debian 13), when strict, takes what is not ASCII for control characters;
 * 0.16 and 0.19 do not.
 */
static int tokener_flags(const char *text, size_t len)
{
	bool ascii = true;

	for (size_t i = 0; ascii && i < len; i++)
		ascii = !(text[i] & 0x80);
	if (!ascii && json_c_version_num() >> 8 == 18)
		return JSON_TOKENER_VALIDATE_UTF8;
	return JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8;
}

struct verdict_record *verdict_json_parse(const char *text, size_t len, const char *name,
					  struct err *err)
{
	struct reader r = { name, err, false };
	struct verdict_record *record = NULL;
	json_tokener *tok = NULL;
	json_object *root = NULL;

	if (len > VERDICT_FILE_MAX) {
		err_set(err, EFBIG, "%s is larger than %u bytes", name, VERDICT_FILE_MAX);
		return NULL;
	}
	tok = json_tokener_new();
	if (!tok)
		abort();
	json_tokener_set_flags(tok, tokener_flags(text, len));
	root = json_tokener_parse_ex(tok, text, (int)len);
	if (!root || json_object_get_type(root) != json_type_object) {
		err_set(err, EINVAL, "%s is not a JSON object: %s", name,
			json_tokener_error_desc(json_tokener_get_error(tok)));
		goto out;
	}
	record = xcalloc(1, sizeof(*record));
	record->verdict = verdict_new();
	read_root(&r, root, record);
	if (r.failed) {
		verdict_record_free(record);
		record = NULL;
	}
out:
	json_object_put(root);
	json_tokener_free(tok);
	return record;
}

void verdict_record_free(struct verdict_record *record)
{
	if (!record)
		return;
	verdict_free(record->verdict);
	free((char *)record->run.tool);
	free((char *)record->run.evidence);
	free((char *)record->run.recorder);
	free((char *)record->run.policy);
	free((char *)record->run.facts);
	free((char *)record->run.rmm_log);
	free((char *)record->run.started);
	for (size_t i = 0; record->run.argv && record->run.argv[i]; i++)
		free(record->run.argv[i]);
	free((void *)record->run.argv);
	free(record);
}
