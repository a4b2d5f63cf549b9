/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * perfetto - the Trace Event Format that ui.perfetto.dev and chrome://tracing open.
 *
 * Tracks: exchanges (one line per connection), their packets (one line per connection and
 * direction), the transfers that carried them (one line per device), bytes copied for exchanges,
 * and bytes, mappings and pool occupancy of all devices as counters, findings (one line each).
 * Times are microseconds of the trace clock.  Those of packets are of CLOCK_MONOTONIC, which may be
 * another: they are moved to where their transfers are.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/saturate.h"
#include "lib/base/xalloc.h"
#include "lib/exchange/exchange.h"
#include "lib/verdict/timeline.h"
#include "lib/verdict/verdict.h"
#include "reports/escape.h"
#include "reports/report.h"
#include "reports/rows/rows.h"

enum { TRACK_EXCHANGES = 1, TRACK_TRANSFERS, TRACK_MEMORY, TRACK_PACKETS, TRACK_VIOLATIONS };

struct trace {
	FILE *out;
	struct rows *rows;
	bool begun;
	uint64_t start_ns; /* of the recording */
	int64_t shift_ns;  /* trace clock - packets' clock */
};

#define SAME_CLOCK_NS 50000000 /* a packet and its transfer are nearer to each other */
#define VISIBLE_NS 1000	       /* the viewer draws nothing of length 0 */

/* Opens an event; what is added to it follows, then close_event. */
static void open_event(struct trace *t, const char *phase, unsigned int pid, unsigned int tid,
		       uint64_t ns, const char *name)
{
	fprintf(t->out,
		"%s{\"ph\":\"%s\",\"pid\":%u,\"tid\":%u,\"ts\":%" PRIu64 ".%03" PRIu64
		",\"name\":\"",
		t->begun ? ",\n" : "", phase, pid, tid, ns / 1000, ns % 1000);
	escape_quoted(t->out, name);
	fputc('"', t->out);
	t->begun = true;
}

static void close_event(struct trace *t)
{
	fputc('}', t->out);
}

static void name_track(struct trace *t, const char *what, unsigned int pid, unsigned int tid,
		       const char *name)
{
	open_event(t, "M", pid, tid, 0, what);
	fputs(",\"args\":{\"name\":\"", t->out);
	escape_quoted(t->out, name);
	fputs("\"}", t->out);
	close_event(t);
}

/* Processes stand in the order of their numbers but this one. */
static void name_first(struct trace *t, unsigned int pid)
{
	open_event(t, "M", pid, 0, 0, "process_sort_index");
	fputs(",\"args\":{\"sort_index\":-1}", t->out);
	close_event(t);
}

static void write_exchange(struct trace *t, const struct exchange *e,
			   const struct row_exchange *row)
{
	if (!row->first_ns)
		return;
	open_event(t, "X", TRACK_EXCHANGES, e->conn, row->first_ns, row->what);
	fprintf(t->out, ",\"dur\":%" PRIu64 ".%03" PRIu64 ",\"args\":{\"out\":\"",
		(row->last_ns - row->first_ns) / 1000, (row->last_ns - row->first_ns) % 1000);
	escape_quoted(t->out, row->half[FLOW_OUT].what);
	fputs("\",\"in\":\"", t->out);
	escape_quoted(t->out, row->half[FLOW_IN].what);
	fputs("\",\"copied_out\":\"", t->out);
	escape_quoted(t->out, row->half[FLOW_OUT].copied);
	fputs("\",\"copied_in\":\"", t->out);
	escape_quoted(t->out, row->half[FLOW_IN].copied);
	fprintf(t->out, "\",\"link\":\"%s\",\"payload\":\"%s\"}", row->grade, row->secrecy);
	close_event(t);
}

static void write_transfers(struct trace *t, const struct exchange *e)
{
	for (int dir = 0; dir < 2; dir++) {
		for (size_t i = 0; i < e->half[dir].nlist; i++) {
			const struct transfer *x = &e->half[dir].list[i];

			open_event(t, "i", TRACK_TRANSFERS, x->device, x->ts_ns,
				   dir == FLOW_OUT ? "out" : "in");
			fprintf(t->out,
				",\"s\":\"t\",\"args\":{\"dma\":\"%s\",\"bytes\":%" PRIu64
				",\"bounced\":%s,\"link\":\"%s\"}",
				rows_addr(t->rows, x->dma), x->size, x->bounced ? "true" : "false",
				grade_name(x->grade));
			close_event(t);
		}
	}
}

static unsigned int packet_track(uint32_t conn, int dir)
{
	return conn * 2 + (unsigned int)dir;
}

static int compare_shifts(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/*
 * How far the trace clock is ahead of the packets': in the middle of what exchanges tell that
 * sent something, which left as a transfer and as a packet at nearly the same time.
 */
static int64_t clock_shift(const struct exchanges *x)
{
	int64_t *shifts = xcalloc(x->nrows, sizeof(*shifts)), shift;
	size_t n = 0;

	for (size_t i = 0; i < x->nrows; i++) {
		const struct exchange_half *h = &x->rows[i].half[FLOW_OUT];

		if (h->first_ns && h->nlist)
			shifts[n++] = (int64_t)(h->list[0].ts_ns - h->first_ns);
	}
	qsort(shifts, n, sizeof(*shifts), compare_shifts);
	shift = n ? shifts[n / 2] : 0;
	free(shifts);
	return shift > SAME_CLOCK_NS || shift < -SAME_CLOCK_NS ? shift : 0;
}

/* From the first packet with payload of each direction to the last. */
static void write_packets(struct trace *t, const struct exchange *e, const struct row_exchange *row)
{
	for (int dir = 0; dir < 2; dir++) {
		const struct exchange_half *h = &e->half[dir];

		uint64_t ns = h->last_ns - h->first_ns;

		if (!h->first_ns || h->last_ns < h->first_ns)
			continue;
		ns = ns < VISIBLE_NS ? VISIBLE_NS : ns;
		open_event(t, "X", TRACK_PACKETS, packet_track(e->conn, dir),
			   h->first_ns + (uint64_t)t->shift_ns,
			   rows_counted(t->rows, h->packets, "packet"));
		fprintf(t->out, ",\"dur\":%" PRIu64 ".%03" PRIu64 ",\"args\":{\"of\":\"", ns / 1000,
			ns % 1000);
		escape_quoted(t->out, row->what);
		fputs("\"}", t->out);
		close_event(t);
	}
}

static void name_connections(struct trace *t, const struct exchanges *x)
{
	for (size_t i = 0; i < x->nrows; i++) {
		const char *name = t->rows->exchanges[i].connection;
		uint32_t conn = x->rows[i].conn;

		if (i && x->rows[i - 1].conn == conn)
			continue; /* a second name is the same name */
		name_track(t, "thread_name", TRACK_EXCHANGES, conn, name);
		for (int dir = 0; dir < 2; dir++)
			name_track(
				t, "thread_name", TRACK_PACKETS, packet_track(conn, dir),
				rows_str(t->rows, "%s, %s", name, dir == FLOW_OUT ? "out" : "in"));
	}
}

static void counter(struct trace *t, uint64_t ns, const char *name, const char *unit, uint64_t n)
{
	open_event(t, "C", TRACK_MEMORY, 0, ns, name);
	fprintf(t->out, ",\"args\":{\"%s\":%" PRIu64 "}", unit, n);
	close_event(t);
}

struct copied {
	uint64_t ts_ns, bytes;
};

static int compare_copied(const void *a, const void *b)
{
	const struct copied *x = a, *y = b;

	return (x->ts_ns > y->ts_ns) - (x->ts_ns < y->ts_ns);
}

/* What bouncing cost the exchanges: bytes copied up to each transfer that is listed. */
static void write_cost(struct trace *t, const struct exchanges *x)
{
	struct copied *list = NULL;
	size_t n = 0;
	uint64_t sum = 0;

	for (size_t i = 0; i < x->nrows * 2; i++) {
		const struct exchange_half *h = &x->rows[i / 2].half[i % 2];

		list = xrealloc(list, n + h->nlist + 1, sizeof(*list));
		for (size_t k = 0; k < h->nlist; k++)
			if (h->list[k].bounced)
				list[n++] = (struct copied){ h->list[k].ts_ns, h->list[k].size };
	}
	if (n)
		qsort(list, n, sizeof(*list), compare_copied);
	for (size_t i = 0; i < n; i++) {
		sum = saturate_add(sum, list[i].bytes);
		counter(t, list[i].ts_ns, "copied for exchanges", "bytes", sum);
	}
	free(list);
}

static void write_traffic(struct trace *t, const struct exchanges *x)
{
	t->shift_ns = clock_shift(x);
	name_connections(t, x);
	for (size_t i = 0; i < x->ndevices; i++)
		name_track(t, "thread_name", TRACK_TRANSFERS, (unsigned int)i,
			   x->devices[i].name ? rows_str(t->rows, "%s", x->devices[i].name) : "?");
	for (size_t i = 0; i < x->nrows; i++) {
		write_exchange(t, &x->rows[i], &t->rows->exchanges[i]);
		write_packets(t, &x->rows[i], &t->rows->exchanges[i]);
		write_transfers(t, &x->rows[i]);
	}
	write_cost(t, x);
}

/* A level holds for its bucket; a count that is 0 twice in a row says nothing new. */
static void write_counters(struct trace *t, const struct timeline *line)
{
	static const struct {
		enum timeline_series series;
		const char *name, *unit;
	} counters[] = {
		{ TIMELINE_OUT_BYTES, "towards devices", "bytes" },
		{ TIMELINE_IN_BYTES, "towards the CPU", "bytes" },
		{ TIMELINE_MAPS, "maps", "maps" },
		{ TIMELINE_POOL_SLOTS, "pool", "slots" },
		{ TIMELINE_VIOLATIONS, "violations", "events" },
	};

	for (size_t c = 0; c < sizeof(counters) / sizeof(counters[0]); c++) {
		const uint64_t *n = line->series[counters[c].series];

		for (size_t i = 0; i < line->used; i++) {
			if (!i || n[i] != n[i - 1])
				counter(t, line->start_ns + i * line->bucket_ns, counters[c].name,
					counters[c].unit, n[i]);
		}
	}
}

/* A line for each finding, the worst first: from its first event to its last. */
static void write_finding(struct trace *t, size_t i)
{
	const struct row_finding *f = &t->rows->findings[i];
	unsigned int tid = (unsigned int)i + 1;
	uint64_t ns = f->last_ns - f->first_ns;

	name_track(t, "thread_name", TRACK_VIOLATIONS, tid,
		   rows_str(t->rows, "%zu. %s %s", i + 1, f->device, f->operation));
	ns = ns < VISIBLE_NS ? VISIBLE_NS : ns;
	/* a fact has no time: it is as old as the recording */
	open_event(t, "X", TRACK_VIOLATIONS, tid, f->first_ns ? f->first_ns : t->start_ns, f->text);
	fprintf(t->out,
		",\"dur\":%" PRIu64 ".%03" PRIu64 ",\"args\":{\"claims\":\"%s\",\"count\":%" PRIu64
		",\"largest_bytes\":%" PRIu64 ",\"device\":\"",
		ns / 1000, ns % 1000, f->claims, f->count, f->largest_bytes);
	escape_quoted(t->out, f->device);
	for (size_t k = 0; k < f->nstack; k++) {
		fputs(k ? "; " : "\",\"stack\":\"", t->out);
		escape_quoted(t->out, f->stack[k]);
	}
	fputs("\"}", t->out);
	close_event(t);
}

static void write_violations(struct trace *t)
{
	for (size_t i = 0; i < t->rows->nfindings; i++)
		write_finding(t, i);
	for (size_t i = 0; i < t->rows->nexamples; i++) {
		const struct row_example *ex = &t->rows->examples[i];

		if (!ex->ts_ns)
			continue;
		open_event(t, "i", TRACK_VIOLATIONS, (unsigned int)ex->finding + 1, ex->ts_ns,
			   ex->claims);
		fputs(",\"s\":\"t\",\"args\":{\"what\":\"", t->out);
		escape_quoted(t->out, ex->text);
		fputs("\",\"device\":\"", t->out);
		escape_quoted(t->out, ex->device);
		fputs("\"}", t->out);
		close_event(t);
	}
}

static void write_perfetto(FILE *out, const struct report_input *in)
{
	struct trace t = {
		.out = out,
		.rows = rows_new(in),
		.start_ns = in->verdict->totals.first_ns,
	};

	fputs("{\"displayTimeUnit\":\"ns\",\"otherData\":{\"verdict\":\"", out);
	escape_quoted(out, t.rows->headline);
	fputs("\"},\"traceEvents\":[\n", out);
	name_track(&t, "process_name", TRACK_EXCHANGES, 0, "exchanges, by connection");
	name_track(&t, "process_name", TRACK_TRANSFERS, 0, "DMA transfers of exchanges, by device");
	name_track(&t, "process_name", TRACK_MEMORY, 0, "shared memory");
	if (t.rows->nfindings) {
		name_track(&t, "process_name", TRACK_VIOLATIONS, 0, "violations, the worst first");
		name_first(&t, TRACK_VIOLATIONS);
	}
	name_track(&t, "process_name", TRACK_PACKETS, 0, "packets of exchanges, by connection");
	if (in->exchanges)
		write_traffic(&t, in->exchanges);
	if (in->verdict->timeline)
		write_counters(&t, in->verdict->timeline);
	write_violations(&t);
	fputs("\n]}\n", out);
	rows_free(t.rows);
}

const struct report report_perfetto = {
	.draws = true,
	.name = "perfetto",
	.summary = "for ui.perfetto.dev and chrome://tracing",
	.write = write_perfetto,
};
