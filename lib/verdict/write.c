/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/verdict/json.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/printable.h"
#include "lib/base/xalloc.h"
#include "lib/verdict/fields.h"
#include "lib/verdict/timeline.h"
#include "lib/verdict/verdict.h"

/* json-c returns NULL (JSON's null) out of memory; a lost member must not look like a null. */
static json_object *need(json_object *obj)
{
	if (!obj)
		abort();
	return obj;
}

static void add(json_object *obj, const char *key, json_object *value)
{
	if (json_object_object_add(obj, key, value) < 0)
		abort();
}

static void append(json_object *array, json_object *value)
{
	if (json_object_array_add(array, value) < 0)
		abort();
}

static json_object *string(const char *s)
{
	char *clean = printable(s);
	json_object *obj = clean ? need(json_object_new_string(clean)) : NULL;

	free(clean);
	return obj;
}

static json_object *number(uint64_t n)
{
	return need(json_object_new_uint64(n));
}

static json_object *boolean(bool b)
{
	return need(json_object_new_boolean(b));
}

static json_object *hex(uint64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%" PRIx64, n);
	return need(json_object_new_string(text));
}

/* null for the address that is none */
static json_object *address(uint64_t n)
{
	return n == EVENT_NO_ADDR ? NULL : hex(n);
}

static void add_fields(json_object *obj, const struct verdict_field *f, const void *base)
{
	for (; f->name; f++) {
		const uint64_t *n = (const void *)((const char *)base + f->offset);
		json_object *list;

		if (f->count == 1) {
			add(obj, f->name, number(*n));
			continue;
		}
		list = need(json_object_new_array());
		for (unsigned int i = 0; i < f->count; i++)
			append(list, number(n[i]));
		add(obj, f->name, list);
	}
}

static json_object *claims(const struct verdict *v)
{
	json_object *all = need(json_object_new_object());

	for (int i = 0; i < CLAIMS; i++) {
		const struct claim_verdict *c = &v->claims[i];
		json_object *obj = need(json_object_new_object());

		add(obj, "state", string(claim_state_name(c->state)));
		add(obj, "reason", string(c->reason));
		add(obj, "refutations", number(c->refutations));
		add(obj, "required", boolean(c->required));
		add(all, claim_name(i), obj);
	}
	return all;
}

static json_object *conditions(const struct verdict *v)
{
	json_object *all = need(json_object_new_object());

	for (int i = 0; i < CONDS; i++) {
		const struct cond_verdict *c = &v->conds[i];
		json_object *obj = need(json_object_new_object());

		add(obj, "state", string(cond_state_name(c->state)));
		add(obj, "reason", string(c->reason));
		add(obj, "remedy", string(c->remedy));
		add(all, cond_name(i), obj);
	}
	return all;
}

static json_object *example(const struct counterexample *ex)
{
	json_object *obj = need(json_object_new_object());
	const struct event *ev = &ex->event;

	add(obj, "claim", string(claim_name(ex->claim)));
	add(obj, "text", string(ex->text));
	add(obj, "event", number(ex->seq));
	add(obj, "time_ns", number(ev->ts_ns));
	add(obj, "kind", string(event_kind_name(ev->kind)));
	add(obj, "direction", string(event_dir_name(ev->dir)));
	add(obj, "device", string(ex->device));
	add(obj, "original", address(ev->orig));
	add(obj, "dma", address(ev->dma));
	add(obj, "size", number(ev->size));
	add(obj, "memory", string(memory_state_name(ex->memory)));
	add(obj, "comm", string(ex->comm));
	add(obj, "pid", need(json_object_new_int64(ev->pid)));
	add(obj, "cpu", number(ev->cpu));
	add(obj, "attrs", hex(ev->attrs));
	add(obj, "flags", hex(ev->flags));
	return obj;
}

static json_object *device(const struct device_verdict *d)
{
	json_object *obj = need(json_object_new_object());
	json_object *states = need(json_object_new_object());
	json_object *totals = need(json_object_new_object());

	add(obj, "name", string(d->name));
	add(obj, "driver", string(d->driver));
	add(obj, "what", string(d->what));
	add(obj, "trusted", boolean(d->trusted));
	add(obj, "aside", boolean(d->aside));
	for (int i = 0; i < CLAIMS; i++)
		add(states, claim_name(i), string(claim_state_name(d->claims[i])));
	add(obj, "claims", states);
	add(obj, "note", string(d->note));
	add_fields(totals, verdict_device_fields, &d->totals);
	add(obj, "totals", totals);
	return obj;
}

static json_object *range(const struct published_range *r)
{
	json_object *obj = need(json_object_new_object());

	add(obj, "start", hex(r->range.start));
	add(obj, "end", hex(r->range.end));
	add(obj, "memory", string(memory_state_name(r->memory)));
	add(obj, "count", number(r->count));
	return obj;
}

static json_object *run_members(const struct run *run)
{
	json_object *obj = need(json_object_new_object());
	json_object *argv = NULL;

	if (run->argv) {
		argv = need(json_object_new_array());
		for (char *const *arg = run->argv; *arg; arg++)
			append(argv, string(*arg));
	}
	add(obj, "tool", string(run->tool));
	add(obj, "evidence", string(run->evidence));
	add(obj, "recorder", string(run->recorder));
	add(obj, "command", argv);
	add(obj, "exit_status",
	    run->exit_status < 0 ? NULL : need(json_object_new_int(run->exit_status)));
	add(obj, "signal", run->term_signal ? need(json_object_new_int(run->term_signal)) : NULL);
	add(obj, "policy", string(run->policy));
	add(obj, "facts", string(run->facts));
	add(obj, "rmm_log", string(run->rmm_log));
	add(obj, "window_only", boolean(run->window_only));
	add(obj, "limit_given", boolean(run->limit_given));
	add(obj, "started", string(run->started));
	return obj;
}

static json_object *totals(const struct verdict *v)
{
	json_object *obj = need(json_object_new_object());

	add_fields(obj, verdict_total_fields, v);
	add(obj, "shared_bit", v->totals.shared_bit ? hex(v->totals.shared_bit) : NULL);
	add(obj, "shared_bit_inferred", boolean(v->totals.shared_bit_inferred));
	return obj;
}

/* The monitor's own log: null where none was given. */
static json_object *monitor(const struct verdict *v)
{
	json_object *obj, *ranges;

	if (!v->monitor.used && !v->monitor.unusable)
		return NULL;
	obj = need(json_object_new_object());
	ranges = need(json_object_new_array());
	for (size_t i = 0; i < v->monitor.nranges; i++) {
		const struct witness_range *w = &v->monitor.ranges[i];
		json_object *r = need(json_object_new_object());

		add(r, "start", hex(w->range.start));
		add(r, "end", hex(w->range.end));
		add(r, "state", string(rmm_state_name(w->state)));
		add(r, "purpose", string(witness_purpose_name(w->purpose)));
		add(r, "published", number(w->published));
		append(ranges, r);
	}
	add(obj, "used", boolean(v->monitor.used));
	add(obj, "unusable", string(v->monitor.unusable));
	add(obj, "agreed", number(v->monitor.agreed));
	add(obj, "refused", number(v->monitor.refused));
	add(obj, "unknown", number(v->monitor.unknown));
	add(obj, "cut_lines", number(v->monitor.cut_lines));
	add(obj, "ranges", ranges);
	return obj;
}

/* Series are strings: thousands of lines of one number each help nobody. */
static json_object *timeline(const struct timeline *t)
{
	json_object *obj = need(json_object_new_object());

	add(obj, "start_ns", number(t->start_ns));
	add(obj, "bucket_ns", number(t->bucket_ns));
	add(obj, "pool_partial", boolean(t->pool_partial));
	for (int s = 0; s < TIMELINE_SERIES; s++) {
		char *text = timeline_series_format(t, s);

		add(obj, timeline_series_name(s), string(text));
		free(text);
	}
	return obj;
}

static void add_lists(json_object *root, const struct verdict *v)
{
	json_object *examples = need(json_object_new_array());
	json_object *devices = need(json_object_new_array());
	json_object *ranges = need(json_object_new_array());
	json_object *notes = need(json_object_new_array());

	for (size_t i = 0; i < v->nexamples; i++)
		append(examples, example(&v->examples[i]));
	for (size_t i = 0; i < v->ndevices; i++)
		append(devices, device(&v->devices[i]));
	for (size_t i = 0; i < v->nranges; i++)
		append(ranges, range(&v->ranges[i]));
	for (size_t i = 0; i < v->nnotes; i++)
		append(notes, string(v->notes[i]));
	add(root, "counterexamples", examples);
	add(root, "devices", devices);
	add(root, "ranges", ranges);
	add(root, "ranges_complete", boolean(v->ranges_complete));
	add(root, "monitor", monitor(v));
	add(root, "notes", notes);
}

/* The devices that the verdict is about: null where it is the whole machine. */
static json_object *limit(const struct verdict *v)
{
	json_object *list = v->nlimit ? need(json_object_new_array()) : NULL;

	for (size_t i = 0; i < v->nlimit; i++)
		append(list, string(v->limit[i]));
	return list;
}

char *verdict_json_format(const struct verdict *v, const struct run *run)
{
	json_object *root = need(json_object_new_object());
	const char *text;
	char *copy;

	add(root, "schema", string(VERDICT_SCHEMA));
	add(root, "verdict", string(outcome_name(v->outcome)));
	add(root, "scope", string(scope_name(v->scope)));
	add(root, "setting", string(setting_name(v->setting)));
	add(root, "limit", limit(v));
	add(root, "reason", string(v->reason));
	add(root, "claims", claims(v));
	add(root, "conditions", conditions(v));
	add_lists(root, v);
	add(root, "totals", totals(v));
	add(root, "timeline", v->timeline ? timeline(v->timeline) : NULL);
	add(root, "run", run ? run_members(run) : NULL);
	text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!text)
		abort();
	copy = xasprintf("%s\n", text);
	json_object_put(root);
	return copy;
}
