/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * jsonl - JSON Lines: one row of the report per line, its kind in "type", schema ccaio.lines/1.
 *
 * For log collectors and for grep.  Sentences are the words that people read; beside them stand
 * numbers, with their unit in the name.
 */
#include <inttypes.h>
#include <stdio.h>

#include "lib/exchange/exchange.h"
#include "lib/json/table.h"
#include "lib/net/flow.h"
#include "lib/verdict/table.h"
#include "reports/escape.h"
#include "reports/report.h"
#include "reports/rows/rows.h"

static void begin(FILE *out, const char *type)
{
	fprintf(out, "{\"schema\":\"" JSONL_SCHEMA "\",\"type\":\"%s\"", type);
}

/* Empty text is left out. */
static void text(FILE *out, const char *key, const char *value)
{
	if (!*value)
		return;
	fprintf(out, ",\"%s\":\"", key);
	escape_quoted(out, value);
	fputc('"', out);
}

static void number(FILE *out, const char *key, uint64_t value)
{
	fprintf(out, ",\"%s\":%" PRIu64, key, value);
}

static void flag(FILE *out, const char *key, bool value)
{
	fprintf(out, ",\"%s\":%s", key, value ? "true" : "false");
}

static void end(FILE *out)
{
	fputs("}\n", out);
}

/* A line with one or two texts. */
static void line(FILE *out, const char *type, const char *key, const char *value, const char *more,
		 const char *value_of_more)
{
	begin(out, type);
	text(out, key, value);
	if (more)
		text(out, more, value_of_more);
	end(out);
}

static void write_verdict(FILE *out, const struct rows *r)
{
	begin(out, "verdict");
	text(out, "verdict", r->verdict);
	text(out, "scope", r->scope);
	text(out, "setting", r->setting);
	text(out, "limit", r->limit);
	text(out, "reason", r->reason);
	text(out, "recheck", r->recheck);
	end(out);
}

static void write_states(FILE *out, const struct rows *r)
{
	for (size_t i = 0; i < r->nfacts; i++)
		line(out, "fact", "name", r->facts[i].key, "value", r->facts[i].value);
	for (int i = 0; i < CLAIMS; i++) {
		begin(out, "claim");
		text(out, "name", r->claims[i].name);
		text(out, "state", r->claims[i].state);
		text(out, "reason", r->claims[i].reason);
		flag(out, "decides", r->claims[i].in_verdict);
		number(out, "refutations", r->claims[i].refutations);
		end(out);
	}
	for (int i = 0; i < CONDS; i++) {
		begin(out, "condition");
		text(out, "name", r->conds[i].name);
		text(out, "state", r->conds[i].state);
		text(out, "reason", r->conds[i].reason);
		text(out, "remedy", r->conds[i].remedy);
		end(out);
	}
}

/* By the names that verdict.json has for them, the worst first. */
static void write_findings(FILE *out, const struct rows *r)
{
	for (size_t i = 0; i < r->nfindings; i++) {
		const struct row_finding *f = &r->findings[i];

		begin(out, "finding");
		number(out, "finding", i + 1);
		text(out, "claims", f->claims);
		text(out, "breaches", f->breaches);
		text(out, "device", f->device);
		text(out, "driver", f->driver);
		text(out, "operation", f->operation);
		text(out, "text", f->text);
		number(out, "count", f->count);
		if (f->first_event) {
			number(out, "first_event", f->first_event);
			number(out, "first_ns", f->first_ns);
			number(out, "last_ns", f->last_ns);
		}
		number(out, "largest_bytes", f->largest_bytes);
		for (size_t k = 0; k < f->nstack; k++) {
			fputs(k ? ",\"" : ",\"stack\":[\"", out);
			escape_quoted(out, f->stack[k]);
			fputc('"', out);
		}
		fputs(f->nstack ? "]" : "", out);
		end(out);
	}
}

static void write_examples(FILE *out, const struct rows *r, const struct verdict *v)
{
	for (size_t i = 0; i < r->nexamples; i++) {
		const struct row_example *ex = &r->examples[i];

		begin(out, "counterexample");
		number(out, "finding", ex->finding + 1);
		text(out, "claim", ex->claim);
		text(out, "text", ex->text);
		if (ex->seq)
			number(out, "event", ex->seq);
		if (ex->ts_ns)
			number(out, "time_ns", ex->ts_ns);
		text(out, "device", ex->device);
		text(out, "operation", ex->what);
		if (v->examples[i].event.size)
			number(out, "bytes", v->examples[i].event.size);
		text(out, "original", ex->orig);
		text(out, "dma", ex->dma);
		text(out, "memory", ex->memory);
		text(out, "task", ex->task);
		end(out);
	}
}

static void write_devices(FILE *out, const struct rows *r)
{
	for (size_t i = 0; i < r->ndevices; i++) {
		const struct row_device *d = &r->devices[i];

		begin(out, "device");
		text(out, "name", d->name);
		text(out, "driver", d->driver);
		text(out, "what", d->what);
		text(out, "state", d->state);
		text(out, "findings", d->findings);
		text(out, "note", d->note);
		flag(out, "aside", d->out_of_scope);
		number(out, "events", d->events);
		number(out, "maps", d->maps);
		number(out, "bounced_maps", d->bounced);
		number(out, "failed_maps", d->failed);
		number(out, "allocations", d->allocs);
		number(out, "out_bytes", d->out_bytes);
		number(out, "sync_out_bytes", d->sync_out_bytes);
		number(out, "stale_bytes", d->stale_bytes);
		number(out, "excess_bytes", d->excess_bytes);
		text(out, "traffic", d->traffic);
		text(out, "egress", d->egress);
		end(out);
	}
}

static void write_exchange(FILE *out, const struct row_exchange *e)
{
	begin(out, "exchange");
	text(out, "what", e->what);
	if (e->first_ns) {
		number(out, "first_ns", e->first_ns);
		number(out, "last_ns", e->last_ns);
	}
	text(out, "connection", e->connection);
	text(out, "owner", e->owner);
	flag(out, "program", e->program);
	text(out, "end", e->end);
	number(out, "out_bytes", e->half[FLOW_OUT].bytes);
	text(out, "out", e->half[FLOW_OUT].what);
	text(out, "out_buffers", e->half[FLOW_OUT].where_all);
	number(out, "in_bytes", e->half[FLOW_IN].bytes);
	text(out, "in", e->half[FLOW_IN].what);
	text(out, "in_buffers", e->half[FLOW_IN].where_all);
	text(out, "asked", e->asked);
	text(out, "answered", e->answered);
	text(out, "lasted", e->lasted);
	flag(out, "clear", e->clear);
	text(out, "payload", e->secrecy);
	text(out, "link", e->grade);
	end(out);
}

static void write_traffic(FILE *out, const struct rows *r, bool shown)
{
	for (size_t i = 0; !shown && i < r->nexchanges; i++)
		write_exchange(out, &r->exchanges[i]);
	if (*r->other_traffic)
		line(out, "beyond", "text", r->other_traffic, NULL, NULL);
	for (size_t i = 0; i < r->nblocks; i++) {
		begin(out, "block");
		text(out, "device", r->blocks[i].device);
		text(out, "owner", r->blocks[i].owner);
		flag(out, "program", r->blocks[i].program);
		text(out, "file", r->blocks[i].file);
		text(out, "grade", r->blocks[i].grade);
		text(out, "what", r->blocks[i].what);
		end(out);
	}
	for (size_t i = 0; i < r->nothers; i++) {
		begin(out, "unattributed");
		text(out, "device", r->others[i].device);
		text(out, "direction", r->others[i].direction);
		text(out, "reason", r->others[i].reason);
		number(out, "transfers", r->others[i].ntransfers);
		number(out, "bytes", r->others[i].nbytes);
		end(out);
	}
	for (size_t i = 0; i < r->nranges; i++) {
		begin(out, "range");
		text(out, "start", r->ranges[i].start);
		text(out, "end", r->ranges[i].end);
		text(out, "memory", r->ranges[i].memory);
		number(out, "bytes", r->ranges[i].bytes);
		number(out, "times", r->ranges[i].times);
		end(out);
	}
}

/* By their names in verdict.json. */
static void write_totals(FILE *out, const struct verdict *v)
{
	for (const struct jrow *row = verdict_totals; row->type; row++) {
		if (row->type != JT_NUMBER)
			continue;
		begin(out, "total");
		text(out, "name", row->key);
		number(out, "value", jrow_value(row, v));
		end(out);
	}
}

static void write_jsonl(FILE *out, const struct report_input *in)
{
	struct rows *r = rows_new(in);

	write_verdict(out, r);
	write_findings(out, r);
	write_states(out, r);
	write_examples(out, r, in->verdict);
	write_devices(out, r);
	write_traffic(out, r, in->exchanges_shown);
	write_totals(out, in->verdict);
	for (size_t i = 0; i < r->nsums; i++) {
		begin(out, "sum");
		flag(out, "agrees", r->sums[i].agrees);
		text(out, "text", r->sums[i].text);
		end(out);
	}
	for (size_t i = 0; i < r->nnotes; i++)
		line(out, "note", "text", r->notes[i], NULL, NULL);
	for (size_t i = 0; i < r->ntrust; i++)
		line(out, "trust", "text", r->trust[i], NULL, NULL);
	rows_free(r);
}

const struct report report_jsonl = {
	.name = "jsonl",
	.summary = "JSON Lines: one row of the report per line",
	.write = write_jsonl,
};
