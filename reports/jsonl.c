/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * jsonl - JSON Lines: one row of the report per line, its kind in "type".
 *
 * For log collectors and for grep.  Values are the words that people read;
 * programs that want numbers take the format json.
 */
#include <stdarg.h>
#include <stdio.h>

#include "lib/net/flow.h"
#include "reports/escape.h"
#include "reports/report.h"
#include "reports/rows/rows.h"

/* One line: pairs of key and value, ended by NULL.  Empty values are left out. */
static void line(FILE *out, const char *type, ...)
{
	const char *key;
	va_list ap;

	fprintf(out, "{\"type\":\"%s\"", type);
	va_start(ap, type);
	while ((key = va_arg(ap, const char *))) {
		const char *value = va_arg(ap, const char *);

		if (!*value)
			continue;
		fprintf(out, ",\"%s\":\"", key);
		escape_quoted(out, value);
		fputc('"', out);
	}
	va_end(ap);
	fputs("}\n", out);
}

static void write_states(FILE *out, const struct rows *r)
{
	line(out, "verdict", "verdict", r->verdict, "scope", r->scope, "setting", r->setting,
	     "limit", r->limit, "reason", r->reason, "recheck", r->recheck, NULL);
	for (size_t i = 0; i < r->nfacts; i++)
		line(out, "fact", "name", r->facts[i].key, "value", r->facts[i].value, NULL);
	for (int i = 0; i < CLAIMS; i++)
		line(out, "claim", "name", r->claims[i].name, "state", r->claims[i].state, "reason",
		     r->claims[i].reason, "decides", r->claims[i].in_verdict ? "yes" : "no", NULL);
	for (int i = 0; i < CONDS; i++)
		line(out, "condition", "name", r->conds[i].name, "state", r->conds[i].state,
		     "reason", r->conds[i].reason, "remedy", r->conds[i].remedy, NULL);
}

static void write_lists(FILE *out, const struct rows *r, bool shown)
{
	for (size_t i = 0; i < r->nexamples; i++) {
		const struct row_example *ex = &r->examples[i];

		line(out, "counterexample", "claim", ex->claim, "text", ex->text, "event",
		     ex->event, "time", ex->time, "device", ex->device, "operation", ex->what,
		     "original", ex->orig, "dma", ex->dma, "memory", ex->memory, "task", ex->task,
		     NULL);
	}
	for (size_t i = 0; i < r->ndevices; i++) {
		const struct row_device *d = &r->devices[i];

		line(out, "device", "name", d->name, "driver", d->driver, "what", d->what, "state",
		     d->state, "findings", d->findings, "traffic", d->traffic, "egress", d->egress,
		     "note", d->note, "aside", d->aside ? "yes" : "", NULL);
	}
	for (size_t i = 0; !shown && i < r->nexchanges; i++) {
		const struct row_exchange *e = &r->exchanges[i];

		line(out, "exchange", "what", e->what, "time", e->time, "connection", e->connection,
		     "owner", e->owner, "program", e->program ? "yes" : "no", "end", e->end, "out",
		     e->half[FLOW_OUT].what, "out_buffers", e->half[FLOW_OUT].where_all, "in",
		     e->half[FLOW_IN].what, "in_buffers", e->half[FLOW_IN].where_all, "asked",
		     e->asked, "answered", e->answered, "lasted", e->lasted, "payload", e->secrecy,
		     "link", e->grade, NULL);
	}
	if (*r->beyond)
		line(out, "beyond", "text", r->beyond, NULL);
	for (size_t i = 0; i < r->nblocks; i++)
		line(out, "block", "device", r->blocks[i].device, "owner", r->blocks[i].owner,
		     "program", r->blocks[i].program ? "yes" : "no", "file", r->blocks[i].file,
		     "grade", r->blocks[i].grade, "what", r->blocks[i].what, NULL);
	for (size_t i = 0; i < r->nothers; i++)
		line(out, "unattributed", "device", r->others[i].device, "direction",
		     r->others[i].direction, "reason", r->others[i].reason, "transfers",
		     r->others[i].transfers, "bytes", r->others[i].bytes, NULL);
	for (size_t i = 0; i < r->nranges; i++)
		line(out, "range", "start", r->ranges[i].start, "end", r->ranges[i].end, "memory",
		     r->ranges[i].memory, "times", r->ranges[i].count, NULL);
}

static void write_jsonl(FILE *out, const struct report_input *in)
{
	struct rows *r = rows_new(in);

	write_states(out, r);
	write_lists(out, r, in->exchanges_shown);
	for (size_t i = 0; i < r->ntotals; i++)
		line(out, "total", "name", r->totals[i].key, "value", r->totals[i].value, NULL);
	for (size_t i = 0; i < r->nsums; i++)
		line(out, "sum", "agrees", r->sums[i].agrees ? "yes" : "no", "text",
		     r->sums[i].text, NULL);
	for (size_t i = 0; i < r->nnotes; i++)
		line(out, "note", "text", r->notes[i], NULL);
	for (size_t i = 0; i < r->ntrust; i++)
		line(out, "trust", "text", r->trust[i], NULL);
	rows_free(r);
}

const struct report report_jsonl = {
	.name = "jsonl",
	.summary = "JSON Lines: one row of the report per line",
	.write = write_jsonl,
};
