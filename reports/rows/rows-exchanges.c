/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reports/rows/rows-exchanges.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/exchange/exchange.h"
#include "lib/net/tls.h"
#include "reports/rows/rows-meter.h"
#include "reports/rows/rows.h"

#define PLACES 6 /* addresses that `where` names */

static const char *const dir_words[2] = { [FLOW_OUT] = "out", [FLOW_IN] = "in" };

/* Foreign text, or a stand-in where there is none. */
static const char *or_else(const char *text, const char *otherwise)
{
	return text && *text ? text : otherwise;
}

static const char *device_name(const struct exchanges *x, uint16_t device)
{
	return or_else(device < x->ndevices ? x->devices[device].name : NULL, "?");
}

/* "POST /keys/v1/key/skywalker → 201" */
static const char *what(struct rows *rows, const struct exchange *e)
{
	const char *version = "";

	switch (e->protocol) {
	case EXCHANGE_HTTP:
		return rows_str(rows, "%s %s → %s", or_else(e->method, "?"),
				or_else(e->target, "?"),
				e->status ? rows_str(rows, "%u", e->status) : "no answer");
	case EXCHANGE_TLS:
		if (e->tls_version >= 0x0301 && e->tls_version <= 0x0304)
			version = rows_str(rows, " 1.%u", e->tls_version - 0x0301);
		return rows_str(
			rows, "TLS%s to %s%s%s%s%s", version, or_else(e->sni, "an unnamed server"),
			e->alpn ? ", " : "", or_else(e->alpn, ""),
			e->handshake_complete ? "" : ", handshake not completed",
			tls_suite_encrypts(e->tls_suite) == TRI_NO ? ", not encrypted" : "");
	default:
		return e->end == EXCHANGE_REFUSED ? "connection refused" : "unrecognised stream";
	}
}

static const char *end_of(const struct exchange *e)
{
	static const char *const ends[] = {
		[EXCHANGE_OPEN] = "not over",
		[EXCHANGE_COMPLETE] = "complete",
		[EXCHANGE_CUT] = "cut off",
		[EXCHANGE_REFUSED] = "refused",
	};

	return ends[e->end];
}

static const char *secrecy(const struct exchange *e)
{
	if (!exchange_half_bytes(&e->half[0]) && !exchange_half_bytes(&e->half[1]))
		return "no payload";
	if (e->protocol == EXCHANGE_TLS)
		return "TLS";
	return e->clear ? "clear" : "unknown form";
}

static const char *connection(struct rows *rows, const struct exchange_conn *c)
{
	char local[FLOW_TEXT], remote[FLOW_TEXT];

	return rows_str(rows, "%s %s %s%s", flow_addr_text(&c->local, local), c->server ? "←" : "→",
			flow_addr_text(&c->remote, remote),
			c->preexisting ? ", open before the window" : "");
}

static const char *task(struct rows *rows, const char *comm, int pid)
{
	return rows_str(rows, "%s[%d]", or_else(comm, "?"), pid);
}

static const char *owner(struct rows *rows, const struct exchange_conn *c)
{
	return c->owner == GRADE_NONE ? "an unknown process" : task(rows, c->comm, c->pid);
}

/* Nanoseconds; 0 unknown.  By the packets' clock: it also knows those that no transfer could be
 * found for. */
static uint64_t duration(const struct exchange *e)
{
	uint64_t a = e->half[0].first_ns, b = e->half[1].first_ns, first, last;

	first = a && (!b || a < b) ? a : b;
	last = e->half[0].last_ns > e->half[1].last_ns ? e->half[0].last_ns : e->half[1].last_ns;
	return last > first ? last - first : 0;
}

static const char *lasted(struct rows *rows, const struct exchange *e)
{
	uint64_t ns = duration(e);

	return ns ? rows_str(rows, "%.1f ms", (double)ns / 1e6) : "";
}

static const char *times(struct rows *rows, uint64_t n)
{
	if (n == 1)
		return "once";
	return n == 2 ? "twice" : rows_str(rows, "%s times", rows_count(rows, n));
}

/* "twice, through 3 slots, 1,514 bytes, at least 90 ns, 2% of its 2.8 ms" */
static const char *half_copied(struct rows *rows, const struct exchange *e,
			       const struct exchange_half *h)
{
	const char *least = "", *share = "";
	uint64_t ns = duration(e);

	if (!h->copies)
		return "";
	if (h->copy_ns)
		least = rows_str(rows, ", at least %s", rows_span(rows, h->copy_ns));
	if (h->copy_ns && ns)
		share = rows_str(rows, ", %.2g%% of its %s",
				 100.0 * (double)h->copy_ns / (double)ns, rows_span(rows, ns));
	return rows_str(rows, "%s, through %s, %s%s%s", times(rows, h->copies),
			rows_counted(rows, h->slots, "slot"),
			rows_counted(rows, h->copied_bytes, "byte"), least, share);
}

/* "356 bytes (228 body) in 1 packet, 1 transfer of 422 bytes, 1 slot" */
static const char *half_what(struct rows *rows, const struct exchange_half *h)
{
	const char *again = "", *unknown = "", *which = "";

	if (h->retransmitted)
		again = rows_str(rows, ", %s carried again",
				 rows_counted(rows, h->retransmitted, "byte"));
	if (h->bytes[GRADE_NONE])
		unknown = rows_str(rows, "; %s of them in no known transfer",
				   rows_count(rows, h->bytes[GRADE_NONE]));
	if (h->first_packet && h->first_packet == h->last_packet)
		which = rows_str(rows, " (no. %u)", h->first_packet);
	else if (h->first_packet)
		which = rows_str(rows, " (no. %u to %u)", h->first_packet, h->last_packet);
	return rows_str(rows, "%s (%s body) in %s%s, %s of %s, %s%s%s",
			rows_counted(rows, exchange_half_bytes(h), "byte"),
			rows_count(rows, h->body_bytes), rows_counted(rows, h->packets, "packet"),
			which, rows_counted(rows, h->transfers, "transfer"),
			rows_counted(rows, h->dma_bytes, "byte"),
			rows_counted(rows, h->slots, "slot"), again, unknown);
}

static const char *places(struct rows *rows, const struct exchanges *x,
			  const struct exchange_half *h, size_t most)
{
	char *text;
	size_t len;
	FILE *f;

	if (!h->nlist)
		return "";
	f = rows_open(&text, &len);
	fputs(device_name(x, h->list[0].device), f);
	if (h->queues[0])
		fprintf(f, " %s", h->queues);
	for (size_t i = 0; i < h->nlist && i < most; i++) {
		if (h->list[i].dma == EVENT_NO_ADDR)
			fputs(" unknown", f);
		else
			fprintf(f, " 0x%" PRIx64, h->list[i].dma);
		if (h->list[i].slot != TRANSFER_NO_SLOT)
			fprintf(f, " (slot %u)", h->list[i].slot);
	}
	if (h->transfers > (h->nlist < most ? h->nlist : most))
		fputs(" …", f);
	fclose(f);
	return rows_take(rows, text);
}

static const char *names(struct rows *rows, char *const *list, size_t n)
{
	char *text;
	size_t len;
	FILE *f;

	if (!n)
		return "";
	f = rows_open(&text, &len);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%s", i ? ", " : "JSON members ", or_else(list[i], "?"));
	fclose(f);
	return rows_take(rows, text);
}

static void half(struct rows *rows, const struct exchanges *x, const struct exchange *e, int dir,
		 struct row_half *row)
{
	const struct exchange_half *h = &e->half[dir];

	row->bytes = exchange_half_bytes(h);
	row->what = row->bytes ? half_what(rows, h) : "";
	row->copied = half_copied(rows, e, h);
	row->where = places(rows, x, h, PLACES);
	row->where_all = places(rows, x, h, SIZE_MAX);
}

/* First and last transfer on the trace clock; 0 where no transfer is known. */
static void span(const struct exchange *e, uint64_t *first, uint64_t *last)
{
	*first = *last = 0;
	for (int d = 0; d < 2; d++) {
		for (size_t i = 0; i < e->half[d].nlist; i++) {
			uint64_t ts = e->half[d].list[i].ts_ns;

			if (!*first || ts < *first)
				*first = ts;
			if (ts > *last)
				*last = ts;
		}
	}
}

void rows_exchange(struct rows *rows, const struct exchanges *x, const struct exchange *e,
		   struct row_exchange *r)
{
	static const struct exchange_conn none;
	const struct exchange_conn *c = e->conn < x->nconns ? &x->conns[e->conn] : &none;

	*r = (struct row_exchange){
		.program = c->program,
		.clear = e->clear,
		.what = what(rows, e),
		.connection = connection(rows, c),
		.owner = owner(rows, c),
		.end = end_of(e),
		.secrecy = secrecy(e),
		.grade = grade_name(e->grade),
		.lasted = lasted(rows, e),
		.asked = e->clear ? names(rows, e->request_names, e->nrequest_names) : "",
		.answered = e->clear ? names(rows, e->response_names, e->nresponse_names) : "",
	};
	span(e, &r->first_ns, &r->last_ns);
	r->time = r->first_ns ? rows_time(rows, r->first_ns) : "";
	for (int dir = 0; dir < 2; dir++)
		half(rows, x, e, dir, &r->half[dir]);
}

static void fill_rows(struct rows *rows, const struct exchanges *x)
{
	rows->exchanges = xcalloc(x->nrows, sizeof(*rows->exchanges));
	for (size_t i = 0; i < x->nrows; i++)
		rows_exchange(rows, x, &x->rows[i], &rows->exchanges[rows->nexchanges++]);
}

/* "/etc/passwd", "inode 12 of 254:1"; who brought it into memory, where that was another task */
static const char *block_file(struct rows *rows, const struct exchange_block *b)
{
	const char *name;

	if (!b->cached)
		return "";
	name = b->path ? rows_str(rows, "%s", b->path)
		       : rows_str(rows, "inode %" PRIu64 " of %u:%u", b->inode, b->file_dev >> 20,
				  b->file_dev & 0xfffff);
	if (!b->filler)
		return name;
	return rows_str(rows, "%s, in memory since %s had it", name,
			task(rows, b->filler_comm, b->filler));
}

/* The weakest link from the task to the transfers. */
static const char *block_grade(const struct exchange_block *b)
{
	enum grade worst = b->owner;

	for (int dir = 0; dir < 2; dir++)
		for (int g = 0; g < GRADES; g++)
			if (b->carried[dir][g] && g < (int)worst)
				worst = (enum grade)g;
	return grade_name(worst);
}

static void fill_blocks(struct rows *rows, const struct exchanges *x)
{
	rows->blocks = xcalloc(x->nblocks, sizeof(*rows->blocks));
	for (size_t i = 0; i < x->nblocks; i++) {
		const struct exchange_block *b = &x->blocks[i];

		rows->blocks[rows->nblocks++] = (struct row_block){
			.program = b->program,
			.owner = task(rows, b->comm, b->pid),
			.device = b->disk ? rows_str(rows, "%s (%s)", device_name(x, b->device),
						     b->disk)
					  : rows_str(rows, "%s", device_name(x, b->device)),
			.file = block_file(rows, b),
			.grade = block_grade(b),
			.what = rows_str(rows, "%s read (%s), %s written (%s), %s of %s",
					 rows_count(rows, b->requests[FLOW_IN]),
					 rows_counted(rows, b->bytes[FLOW_IN], "byte"),
					 rows_count(rows, b->requests[FLOW_OUT]),
					 rows_counted(rows, b->bytes[FLOW_OUT], "byte"),
					 rows_counted(rows, b->transfers, "transfer"),
					 rows_counted(rows, b->dma_bytes, "byte")),
		};
	}
}

static void fill_unattributed(struct rows *rows, const struct exchanges *x)
{
	rows->others = xcalloc(x->nunattributed, sizeof(*rows->others));
	for (size_t i = 0; i < x->nunattributed; i++) {
		const struct unattributed *u = &x->unattributed[i];

		rows->others[rows->nothers++] = (struct row_other){
			.device = rows_str(rows, "%s", device_name(x, u->device)),
			.direction = dir_words[u->dir],
			.reason = rows_str(rows, "%s", or_else(u->reason, "?")),
			.transfers = rows_count(rows, u->transfers),
			.bytes = rows_count(rows, u->bytes),
			.amount = rows_str(rows, "%s in %s", rows_counted(rows, u->bytes, "byte"),
					   rows_counted(rows, u->transfers, "transfer")),
			.ntransfers = u->transfers,
			.nbytes = u->bytes,
		};
	}
}

/* All of them for who asks; what does not hold is among the notes of every report. */
static void fill_sums(struct rows *rows, const struct exchanges *x)
{
	rows->sums = xcalloc(x->sums.n, sizeof(*rows->sums));
	for (size_t i = 0; i < x->sums.n; i++) {
		const struct conservation *c = &x->sums.list[i];

		rows->sums[rows->nsums++] = (struct row_sum){
			.agrees = c->ok,
			.text = rows_str(rows, "%s: %s %s, %s %s", or_else(c->what, "?"),
					 or_else(c->left_name, "?"), rows_count(rows, c->left),
					 or_else(c->right_name, "?"), rows_count(rows, c->right)),
		};
	}
	if (x->sums.n)
		rows_note(rows,
			  rows_str(rows, "%s of %s byte and packet cross-checks agree%s",
				   rows_count(rows, x->sums.held),
				   rows_count(rows, x->sums.held + x->sums.failed),
				   x->sums.failed ? ": not every byte is accounted for" : ""));
	for (size_t i = 0; i < rows->nsums; i++) {
		if (!rows->sums[i].agrees)
			rows_note(rows, rows_str(rows, "does not hold: %s", rows->sums[i].text));
	}
}

static const char *attributed(struct rows *rows, const struct exchange_device *d, int dir)
{
	return rows_str(rows, "%s: %s of the program, %s of others, %s unknown", dir_words[dir],
			rows_count(rows, d->program_bytes[dir]),
			rows_count(rows, d->other_bytes[dir]),
			rows_counted(rows, d->unknown_bytes[dir], "byte"));
}

void rows_fill_exchanges(struct rows *rows, const struct exchanges *x)
{
	rows->other_traffic = "";
	if (!x)
		return;
	fill_rows(rows, x);
	fill_blocks(rows, x);
	fill_unattributed(rows, x);
	rows->other_traffic =
		x->result.other_traffic
			? rows_str(rows, "%c%s", toupper((unsigned char)x->result.other_traffic[0]),
				   x->result.other_traffic + (x->result.other_traffic[0] != 0))
			: "";
	fill_sums(rows, x);
	for (size_t i = 0; i < x->ndevices; i++) {
		const struct exchange_device *d = &x->devices[i];

		rows_note(rows,
			  rows_str(rows, "%s %s; %s", or_else(d->name, "?"),
				   attributed(rows, d, FLOW_OUT), attributed(rows, d, FLOW_IN)));
	}
	if (x->capture.rows_left_out || x->capture.conns_left_out)
		rows_note(rows,
			  rows_str(rows, "for %s and %s there was no memory",
				   rows_counted(rows, x->capture.rows_left_out, "exchange"),
				   rows_counted(rows, x->capture.conns_left_out, "connection")));
	if (exchanges_rest_count(x) || x->unlisted.conns)
		rows_note(rows,
			  rows_str(rows, "%s and %s are not listed; their bytes are in all sums",
				   rows_counted(rows, exchanges_rest_count(x), "exchange"),
				   rows_counted(rows, x->unlisted.conns, "connection")));
	if (x->capture.dropped)
		rows_note(rows, rows_str(rows, "%s could not be captured",
					 rows_counted(rows, x->capture.dropped, "packet")));
	for (size_t i = 0; i < x->capture.nifaces; i++) {
		if (x->capture.ifaces[i].broken)
			rows_note(rows, rows_str(rows,
						 "the capture on %s broke off, the interface went "
						 "away: its later packets are not known",
						 x->capture.ifaces[i].name));
	}
	for (size_t i = 0; i < x->nnotes; i++)
		rows_note(rows, rows_str(rows, "%s", x->notes[i]));
}
