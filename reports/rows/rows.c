/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reports/rows/rows.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/printable.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/evidence/guest-kind.h"
#include "lib/evidence/limit.h"
#include "lib/evidence/platform.h"
#include "lib/exchange/exchange.h"
#include "reports/rows/input.h"
#include "reports/rows/rows-cost.h"
#include "reports/rows/rows-exchanges.h"
#include "reports/rows/rows-facts.h"
#include "reports/rows/rows-findings.h"

const char *rows_take(struct rows *rows, char *raw)
{
	char *clean = printable(raw);

	free(raw);
	XGROW(rows->strings, rows->nstrings, rows->cap_strings);
	rows->strings[rows->nstrings++] = clean;
	return clean;
}

const char *rows_str(struct rows *rows, const char *fmt, ...)
{
	va_list ap;
	char *raw;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&raw, fmt, ap);
	va_end(ap);
	return rows_take(rows, n < 0 ? xstrdup("(out of memory)") : raw);
}

FILE *rows_open(char **text, size_t *len)
{
	FILE *f = open_memstream(text, len);

	if (!f)
		abort(); /* no memory for a buffer: as fatal as in lib/base/xalloc.c */
	return f;
}

/* Foreign or optional text. */
static const char *text(struct rows *rows, const char *s)
{
	return s ? rows_str(rows, "%s", s) : "";
}

void rows_note(struct rows *rows, const char *note)
{
	XGROW(rows->notes, rows->nnotes, rows->cap_notes);
	rows->notes[rows->nnotes++] = note;
}

/* The line feed is ours, so it is not made printable; both texts are already. */
const char *rows_lines(struct rows *rows, const char *first, const char *second)
{
	XGROW(rows->strings, rows->nstrings, rows->cap_strings);
	return rows->strings[rows->nstrings++] =
		       xasprintf("%s%s%s", first, *first ? "\n" : "", second);
}

const char *rows_count(struct rows *rows, uint64_t n)
{
	char digits[32], out[48];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	int at = 0;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = '\0';
	return rows_str(rows, "%s", out);
}

const char *rows_counted(struct rows *rows, uint64_t n, const char *noun)
{
	return rows_str(rows, "%s %s%s", rows_count(rows, n), noun, n == 1 ? "" : "s");
}

const char *rows_time(struct rows *rows, uint64_t ns)
{
	return rows_str(rows, "%" PRIu64 ".%09" PRIu64 " s", ns / 1000000000, ns % 1000000000);
}

const char *rows_addr(struct rows *rows, uint64_t addr)
{
	return addr == EVENT_NO_ADDR ? "" : rows_str(rows, "0x%" PRIx64, addr);
}

const char *rows_fact(const struct rows *rows, const char *key)
{
	for (size_t i = 0; i < rows->nfacts; i++) {
		if (strcmp(rows->facts[i].key, key) == 0)
			return rows->facts[i].value;
	}
	return "";
}

static void fill_claims(struct rows *rows, const struct verdict *v)
{
	for (int i = 0; i < CLAIMS; i++) {
		const struct claim_verdict *c = &v->claims[i];
		bool in_verdict = c->required || claim_decides(i);

		rows->claims[i] = (struct row_claim){
			.id = i,
			.state_id = c->state,
			.in_verdict = in_verdict,
			.name = claim_name(i),
			.summary = claim_summary(i),
			.state = claim_state_name(c->state),
			.reason = text(rows, c->reason),
			.why = c->reason && *c->reason ? text(rows, c->reason) : claim_summary(i),
			.refutations = c->refutations,
		};
		rows->decided_by += in_verdict && c->state != CLAIM_NOT_JUDGED;
		rows->held += in_verdict && c->state == CLAIM_HOLDS;
	}
}

static void fill_conds(struct rows *rows, const struct verdict *v)
{
	for (int i = 0; i < CONDS; i++) {
		const struct cond_verdict *c = &v->conds[i];

		rows->conds[i] = (struct row_cond){
			.id = i,
			.state_id = c->state,
			.name = cond_name(i),
			.summary = cond_summary(i),
			.state = cond_state_name(c->state),
			.reason = text(rows, c->reason),
			.why = c->reason && *c->reason ? text(rows, c->reason) : cond_summary(i),
			.remedy = text(rows, c->remedy),
		};
		rows->applicable += c->state != COND_NOT_APPLICABLE && c->state != COND_NOT_JUDGED;
		rows->met += c->state == COND_MET;
	}
}

/* "map TO_DEVICE, 163 bytes" */
static const char *what_happened(struct rows *rows, const struct event *ev)
{
	const char *dir = ev->dir < EVENT_DIR_NONE && !(ev->flags & EVENT_F_NO_DIR)
				  ? event_dir_name(ev->dir)
				  : "";
	const char *size = ev->size ? rows_counted(rows, ev->size, "byte") : "";

	if (ev->kind == EVENT_NONE)
		return "";
	return rows_str(rows, "%s%s%s%s%s", event_kind_name(ev->kind), *dir ? " " : "", dir,
			*size ? ", " : "", size);
}

static const char *task(struct rows *rows, const struct counterexample *ex)
{
	const char *comm = ex->comm ? ex->comm : ex->event.pid == 0 ? "<idle>" : "<unknown>";

	return rows_str(rows, "%s-%d on CPU %u", comm, ex->event.pid, ex->event.cpu);
}

static void fill_examples(struct rows *rows, const struct verdict *v)
{
	rows->nexamples = v->nexamples;
	rows->examples = xcalloc(v->nexamples, sizeof(*rows->examples));
	for (size_t i = 0; i < v->nexamples; i++) {
		const struct counterexample *ex = &v->examples[i];
		bool reported = ex->event.kind != EVENT_NONE; /* by an event, not by a fact */

		rows->examples[i] = (struct row_example){
			.claim_id = ex->claim,
			.claim_bits = ex->claims,
			.finding = ex->finding,
			.seq = ex->seq,
			.ts_ns = ex->event.ts_ns,
			.claim = claim_name(ex->claim),
			.claims = rows_claims(rows, ex->claims),
			.event = ex->seq ? rows_count(rows, ex->seq) : "",
			.time = reported ? rows_time(rows, ex->event.ts_ns) : "",
			.what = what_happened(rows, &ex->event),
			.device = text(rows, ex->device),
			.orig = reported ? rows_addr(rows, ex->event.orig) : "",
			.dma = reported ? rows_addr(rows, ex->event.dma) : "",
			.memory = reported ? memory_state_name(ex->memory) : "",
			.task = reported ? task(rows, ex) : "",
			.text = text(rows, ex->text),
		};
	}
	rows->examples_note = "";
	if (rows->refutations > rows->nexamples)
		rows->examples_note = rows_str(rows, "%s of %s found are listed",
					       rows_count(rows, rows->nexamples),
					       rows_count(rows, rows->refutations));
}

static const char *findings(struct rows *rows, const struct device_verdict *d)
{
	const char *list = "";

	for (int i = 0; i < CLAIMS; i++) {
		if (d->claims[i] == CLAIM_HOLDS || d->claims[i] == CLAIM_NOT_JUDGED ||
		    !rows->claims[i].in_verdict)
			continue;
		list = rows_str(rows, "%s%s%s %s", list, *list ? ", " : "", claim_name(i),
				claim_state_name(d->claims[i]));
	}
	return list;
}

static enum claim_state worst_state(const struct rows *rows, const struct device_verdict *d)
{
	enum claim_state worst = CLAIM_HOLDS;

	for (int i = 0; i < CLAIMS; i++) {
		if (!rows->claims[i].in_verdict || d->claims[i] == CLAIM_HOLDS ||
		    d->claims[i] == CLAIM_NOT_JUDGED)
			continue;
		if (d->claims[i] == CLAIM_REFUTED)
			return CLAIM_REFUTED;
		worst = CLAIM_UNDECIDED;
	}
	return worst;
}

static uint64_t all_maps(const struct device_totals *t)
{
	return t->maps[0] + t->maps[1] + t->maps[2] + t->maps[3];
}

static const char *traffic(struct rows *rows, const struct device_totals *t)
{
	const char *direct = "", *failed = "", *allocs = "", *inherited = "", *live = "";

	if (!t->events)
		return "no DMA events";
	if (t->direct)
		direct = rows_str(rows, ", %s not bounced", rows_count(rows, t->direct));
	if (t->failed)
		failed = rows_str(rows, ", %s failed", rows_count(rows, t->failed));
	if (t->allocs)
		allocs = rows_str(rows, ", %s of %s", rows_counted(rows, t->allocs, "allocation"),
				  rows_counted(rows, t->alloc_bytes, "byte"));
	if (t->inherited)
		inherited = rows_str(rows, ", %s older than the window",
				     rows_counted(rows, t->inherited, "mapping"));
	if (t->live)
		live = rows_str(rows, ", %s live at the end", rows_count(rows, t->live));
	return rows_str(rows, "%s (%s bounced%s)%s, %s, %s%s%s%s",
			rows_counted(rows, all_maps(t), "map"), rows_count(rows, t->bounced),
			direct, failed, rows_counted(rows, t->unmaps, "unmap"),
			rows_counted(rows, t->syncs, "sync"), allocs, inherited, live);
}

static const char *egress(struct rows *rows, const struct device_totals *t)
{
	const char *extra = "";

	if (t->sync_out_bytes)
		extra = rows_str(rows, "; %s copied out again by syncs",
				 rows_counted(rows, t->sync_out_bytes, "byte"));
	if (t->excess_bytes)
		extra = rows_str(rows, "%s; %s beside the buffers of dynamically shared pages",
				 extra, rows_counted(rows, t->excess_bytes, "byte"));
	return rows_str(rows, "%s sent out; %s exposed needlessly%s",
			rows_counted(rows, t->out_bytes, "byte"),
			rows_counted(rows, t->stale_bytes, "stale byte"), extra);
}

static void fill_devices(struct rows *rows, const struct verdict *v)
{
	rows->ndevices = v->ndevices;
	rows->devices = xcalloc(v->ndevices, sizeof(*rows->devices));
	for (size_t i = 0; i < v->ndevices; i++) {
		const struct device_verdict *d = &v->devices[i];
		enum claim_state worst = worst_state(rows, d);

		rows->devices[i] = (struct row_device){
			.worst = worst,
			.name = text(rows, d->name),
			.driver = text(rows, d->driver),
			.what = text(rows, d->what),
			.state = claim_state_name(worst),
			.findings = findings(rows, d),
			.note = text(rows, d->note),
			.trusted = d->trusted,
			.out_of_scope = d->out_of_scope,
			.apart = d->out_of_scope ? "not in the verdict" : "",
			.maps = all_maps(&d->totals),
			.bounced = d->totals.bounced,
			.direct = d->totals.direct,
			.failed = d->totals.failed,
			.allocs = d->totals.allocs,
			.events = d->totals.events,
			.out_bytes = d->totals.out_bytes,
			.stale_bytes = d->totals.stale_bytes,
			.sync_out_bytes = d->totals.sync_out_bytes,
			.excess_bytes = d->totals.excess_bytes,
			.maps_count = rows_count(rows, all_maps(&d->totals)),
			.out_count = rows_count(rows, d->totals.out_bytes),
			.stale_count = rows_count(rows, d->totals.stale_bytes),
			.traffic = traffic(rows, &d->totals),
			.egress = egress(rows, &d->totals),
		};
	}
}

static void fill_ranges(struct rows *rows, const struct verdict *v)
{
	rows->ranges_complete = v->ranges_complete;
	rows->nranges = v->nranges;
	rows->ranges = xcalloc(v->nranges, sizeof(*rows->ranges));
	for (size_t i = 0; i < v->nranges; i++) {
		const struct published_range *r = &v->ranges[i];

		rows->ranges[i] = (struct row_range){
			.start = rows_str(rows, "0x%" PRIx64, r->range.start),
			.end = rows_str(rows, "0x%" PRIx64, r->range.end),
			.size = rows_counted(rows, r->range.end - r->range.start + 1, "byte"),
			.memory = memory_state_name(r->memory),
			.count = rows_count(rows, r->count),
			.start_addr = r->range.start,
			.bytes = r->range.end - r->range.start + 1,
			.times = r->count,
		};
	}
}

static const char *monitor(struct rows *rows, const struct verdict *v)
{
	size_t idle = 0;

	if (v->monitor.unusable)
		return rows_str(rows, "The log cannot be used: %s.", v->monitor.unusable);
	if (!v->monitor.used)
		return "";
	for (size_t i = 0; i < v->monitor.nranges; i++)
		idle += !v->monitor.ranges[i].published;
	return rows_str(
		rows,
		"Of what the kernel published, %s in memory that the monitor held as "
		"shared, %s in memory that it held as protected, %s in memory that it does "
		"not show as shared throughout. It recorded %s; %s of them never published. "
		"%s could not be read.",
		rows_counted(rows, v->monitor.agreed, "range"),
		rows_count(rows, v->monitor.refused), rows_count(rows, v->monitor.unknown),
		rows_counted(rows, v->monitor.nranges, "shared range"), rows_count(rows, idle),
		rows_counted(rows, v->monitor.cut_lines, "line"));
}

static void fill_witness(struct rows *rows, const struct verdict *v)
{
	rows->monitor = monitor(rows, v);
	rows->nwitness = v->monitor.nranges;
	rows->witness = xcalloc(v->monitor.nranges, sizeof(*rows->witness));
	for (size_t i = 0; i < v->monitor.nranges; i++) {
		const struct witness_range *w = &v->monitor.ranges[i];

		rows->witness[i] = (struct row_witness){
			.start = rows_str(rows, "0x%" PRIx64, w->range.start),
			.end = rows_str(rows, "0x%" PRIx64, w->range.end),
			.size = rows_counted(rows, w->range.end - w->range.start + 1, "byte"),
			.purpose = witness_purpose_name(w->purpose),
			.state = rmm_state_name(w->state),
			.published = w->published ? rows_str(rows, "%s times",
							     rows_count(rows, w->published))
						  : "never",
			.start_addr = w->range.start,
			.bytes = w->range.end - w->range.start + 1,
			.times = w->published,
		};
	}
}

static const char *headline(struct rows *rows, const struct report_input *in)
{
	const struct verdict *v = in->verdict;
	const struct run *run = in->run;
	const char *recorded = run && run->as_recorded
				       ? rows_str(rows, ", as recorded by %s, not judged again",
						  run->tool ? run->tool : "an unknown program")
				       : "";
	static const char *const scopes[] = {
		[SCOPE_WINDOW] = "for the window",
		[SCOPE_RUN] = "for the run",
		[SCOPE_SINCE_BOOT] = "since boot",
	};
	const char *setting = rows_str(rows, "in %s", verdict_guest(v)->one);

	if (v->setting == SETTING_UNKNOWN)
		setting = "setting unknown";
	else if (v->setting == SETTING_REHEARSAL)
		setting = "rehearsal";
	return rows_str(rows, "%s %s, %s%s%s%s%s", outcome_name(v->outcome), scopes[v->scope],
			setting, *rows->limit ? ", LIMITED to " : "", rows->limit,
			in->exchanges && in->exchanges->program.no_follow
				? ", WITHOUT child processes"
				: "",
			recorded);
}

struct rows *rows_empty(void)
{
	return xcalloc(1, sizeof(struct rows));
}

struct rows *rows_new(const struct report_input *in)
{
	struct rows *rows = rows_empty();
	const struct verdict *v = in->verdict;

	rows->outcome = v->outcome;
	rows->verdict = outcome_name(v->outcome);
	rows->scope = scope_name(v->scope);
	rows->setting = setting_name(v->setting);
	rows->guest =
		verdict_guest(v)->class == GUEST_CONFIDENTIAL ? verdict_guest(v)->noun : "Realm";
	rows->limit = rows_take(rows, limit_join(v->limit, v->nlimit));
	rows->headline = headline(rows, in);
	rows->reason = text(rows, v->reason);
	fill_claims(rows, v);
	fill_conds(rows, v);
	fill_devices(rows, v);
	rows_fill_findings(rows, v);
	fill_examples(rows, v);
	fill_ranges(rows, v);
	fill_witness(rows, v);
	rows_fill_facts(rows, in);
	rows_fill_totals(rows, v);
	rows_fill_cost(rows, in);
	rows_fill_trust(rows, in);
	rows_fill_exchanges(rows, in->exchanges);
	return rows;
}

void rows_free(struct rows *rows)
{
	if (!rows)
		return;
	for (size_t i = 0; i < rows->nstrings; i++)
		free(rows->strings[i]);
	free(rows->strings);
	for (size_t i = 0; i < rows->nfindings; i++)
		free(rows->findings[i].stack);
	free(rows->findings);
	free(rows->examples);
	free(rows->devices);
	free(rows->ranges);
	free(rows->witness);
	free(rows->facts);
	free(rows->totals);
	free(rows->cost);
	free(rows->cost_devices);
	free(rows->exchanges);
	free(rows->blocks);
	free(rows->others);
	free(rows->sums);
	free(rows->notes);
	free(rows->trust);
	free(rows);
}
