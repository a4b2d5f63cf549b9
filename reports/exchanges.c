/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reports/exchanges.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/event.h"
#include "lib/exchange.h"
#include "lib/json.h"
#include "lib/printable.h"
#include "lib/xalloc.h"
#include "reports/wrap.h"

#define LABEL 13 /* columns before a label's text */
#define ROWS 100 /* exchanges listed without -v */
#define SLOTS 6	 /* addresses listed without -v */
#define MS 1000000.0

static const char *const dir_names[2] = { "out", "in" };

/* Foreign text, or a stand-in; written and forgotten. */
static void put(FILE *out, const char *text, const char *otherwise)
{
	char *shown = printable(text);

	fputs(shown && *shown ? shown : otherwise, out);
	free(shown);
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static uint64_t first_ns(const struct exchange *r)
{
	uint64_t a = r->half[0].first_ns, b = r->half[1].first_ns;

	return a && (!b || a < b) ? a : b;
}

static uint64_t last_ns(const struct exchange *r)
{
	return r->half[0].last_ns > r->half[1].last_ns ? r->half[0].last_ns : r->half[1].last_ns;
}

static const char *secrecy(const struct exchange *r)
{
	if (!exchange_half_bytes(&r->half[0]) && !exchange_half_bytes(&r->half[1]))
		return "no payload";
	if (r->protocol == EXCHANGE_TLS)
		return "TLS";
	return r->clear ? "clear" : "unknown form";
}

static void title(FILE *out, const struct exchange *r)
{
	switch (r->protocol) {
	case EXCHANGE_HTTP:
		put(out, r->method, "?");
		fputc(' ', out);
		put(out, r->target, "?");
		if (r->status)
			fprintf(out, " → %u", r->status);
		else
			fputs(" → no answer", out);
		break;
	case EXCHANGE_TLS:
		fputs("TLS", out);
		if (r->tls_version >= 0x0301 && r->tls_version <= 0x0304)
			fprintf(out, " 1.%u", r->tls_version - 0x0301);
		fputs(" to ", out);
		put(out, r->sni, "an unnamed server");
		if (r->alpn) {
			fputs(", ", out);
			put(out, r->alpn, "");
		}
		break;
	default:
		fputs(r->end == EXCHANGE_REFUSED ? "connection refused" : "unrecognised stream",
		      out);
	}
}

static void end_of(FILE *out, const struct exchange *r)
{
	static const char *const ends[] = { "not over", "complete", "cut off", "refused" };

	fputs(ends[r->end], out);
	if (exchange_half_bytes(&r->half[0]) || exchange_half_bytes(&r->half[1]))
		fprintf(out, ", %s, grade %s", secrecy(r), grade_name(r->grade));
}

/* A text of several parts, wrapped behind its label. */
struct line {
	char *text;
	size_t len;
	FILE *f;
};

static FILE *line_begin(struct line *l)
{
	l->text = NULL;
	l->f = open_memstream(&l->text, &l->len);
	return l->f;
}

static void line_end(struct line *l, FILE *out, const char *label)
{
	fclose(l->f);
	if (l->len) {
		fprintf(out, "    %-*s", LABEL - 4, label);
		wrap(out, LABEL, LABEL, l->text);
	}
	free(l->text);
}

static void half(FILE *out, const struct exchanges *x, const struct exchange *r, int dir,
		 int verbosity)
{
	const struct exchange_half *h = &r->half[dir];
	uint64_t bytes = exchange_half_bytes(h);
	size_t shown = verbosity > 0 ? h->nlist : h->nlist < SLOTS ? h->nlist : SLOTS;
	struct line l;
	FILE *f;

	if (!bytes)
		return;
	f = line_begin(&l);
	fprintf(f,
		"%" PRIu64 " byte%s (%" PRIu64 " body) in %" PRIu64 " packet%s, %" PRIu64
		" transfer%s of %" PRIu64 " bytes, %" PRIu64 " slot%s",
		bytes, plural(bytes), h->body_bytes, h->packets, plural(h->packets), h->transfers,
		plural(h->transfers), h->dma_bytes, h->slots, plural(h->slots));
	if (h->retransmitted)
		fprintf(f, ", %" PRIu64 " bytes carried again", h->retransmitted);
	if (h->bytes[GRADE_NONE])
		fprintf(f, "; %" PRIu64 " of them in no known transfer", h->bytes[GRADE_NONE]);
	if (h->nlist) {
		fputs("; ", f);
		put(f, x->devices[h->list[0].device].name, "?");
	}
	for (size_t i = 0; i < shown; i++) {
		if (h->list[i].dma == EVENT_NO_ADDR)
			fputs(" unknown", f);
		else
			fprintf(f, " 0x%" PRIx64, h->list[i].dma);
	}
	if (shown < h->transfers)
		fputs(" …", f);
	line_end(&l, out, dir_names[dir]);
}

static void names(FILE *out, char *const *list, size_t n, const char *label)
{
	struct line l;
	FILE *f = line_begin(&l);

	for (size_t i = 0; i < n; i++) {
		fputs(i ? ", " : "JSON members ", f);
		put(f, list[i], "?");
	}
	line_end(&l, out, label);
}

static void who(FILE *f, const struct exchange_conn *c)
{
	char local[FLOW_TEXT], remote[FLOW_TEXT];

	if (c->owner == GRADE_NONE) {
		fputs("an unknown process", f);
	} else {
		put(f, c->comm, "?");
		fprintf(f, "[%d]", c->pid);
	}
	fprintf(f, ", %s %s %s", flow_addr_text(&c->local, local), c->server ? "←" : "→",
		flow_addr_text(&c->remote, remote));
	if (c->preexisting)
		fputs(", open before the window", f);
}

static void row(FILE *out, const struct exchanges *x, const struct exchange *r, int verbosity)
{
	struct line l;
	FILE *f = line_begin(&l);

	title(f, r);
	fputs(": ", f);
	end_of(f, r);
	fclose(f);
	fputs("  ", out);
	wrap(out, 2, 4, l.text);
	free(l.text);
	f = line_begin(&l);
	who(f, &x->conns[r->conn]);
	if (last_ns(r) > first_ns(r))
		fprintf(f, ", %.1f ms", (double)(last_ns(r) - first_ns(r)) / MS);
	line_end(&l, out, "by");
	for (int dir = 0; dir < 2; dir++)
		half(out, x, r, dir, verbosity);
	if (r->clear) {
		names(out, r->request_names, r->nrequest_names, "asked");
		names(out, r->response_names, r->nresponse_names, "answered");
	}
}

static void rows(FILE *out, const struct exchanges *x, int verbosity)
{
	size_t shown = 0, left = 0, others = 0;

	for (size_t i = 0; i < x->nrows; i++) {
		if (!x->conns[x->rows[i].conn].program && verbosity <= 0) {
			others++;
		} else if (shown == ROWS && verbosity <= 0) {
			left++;
		} else {
			row(out, x, &x->rows[i], verbosity);
			shown++;
		}
	}
	if (left)
		fprintf(out, "  … and %zu more of the program (-v lists all)\n", left);
	if (others)
		fprintf(out, "  %zu of other processes (-v lists them)\n", others);
	if (!x->nrows)
		fputs("  none\n", out);
}

static void blocks(FILE *out, const struct exchanges *x, int verbosity)
{
	for (size_t i = 0; i < x->nblocks; i++) {
		const struct exchange_block *b = &x->blocks[i];

		if (!b->program && verbosity <= 0)
			continue;
		fputs("  block requests of ", out);
		put(out, b->comm, "?");
		fprintf(out, "[%d] on ", b->pid);
		put(out, x->devices[b->device].name, "?");
		fprintf(out,
			": %" PRIu64 " read (%" PRIu64 " bytes), %" PRIu64 " written (%" PRIu64
			" bytes), %" PRIu64 " transfers of %" PRIu64 " bytes\n",
			b->requests[FLOW_IN], b->bytes[FLOW_IN], b->requests[FLOW_OUT],
			b->bytes[FLOW_OUT], b->transfers, b->dma_bytes);
	}
}

static void unattributed(FILE *out, const struct exchanges *x)
{
	if (!x->nunattributed)
		return;
	fputs("  UNATTRIBUTED\n", out);
	for (size_t i = 0; i < x->nunattributed; i++) {
		const struct unattributed *u = &x->unattributed[i];

		fputs("    ", out);
		put(out, x->devices[u->device].name, "?");
		fprintf(out,
			" %-3s  %" PRIu64 " bytes in %" PRIu64 " transfer%s: ", dir_names[u->dir],
			u->bytes, u->transfers, plural(u->transfers));
		put(out, u->reason, "?");
		fputc('\n', out);
	}
}

/* All sums; those that do not agree are among the report's notes, too. */
static void checks(FILE *out, const struct exchanges *x)
{
	for (size_t i = 0; i < x->nchecks; i++) {
		const struct conservation *c = &x->checks[i];

		fprintf(out, "  sum %s  ", c->ok ? "agrees" : "BROKEN");
		put(out, c->what, "?");
		fputs(": ", out);
		put(out, c->left_name, "?");
		fprintf(out, " %" PRIu64 ", ", c->left);
		put(out, c->right_name, "?");
		fprintf(out, " %" PRIu64 "\n", c->right);
	}
}

void exchanges_text(FILE *out, const struct exchanges *x, int verbosity)
{
	rows(out, x, verbosity);
	blocks(out, x, verbosity);
	unattributed(out, x);
	if (verbosity > 0)
		checks(out, x);
	if (x->capture_dropped)
		fprintf(out, "  %" PRIu64 " packet%s could not be captured\n", x->capture_dropped,
			plural(x->capture_dropped));
	if (x->rows_left_out || x->conns_left_out)
		fprintf(out, "  %" PRIu64 " exchanges and %" PRIu64 " connections did not fit\n",
			x->rows_left_out, x->conns_left_out);
}

void exchanges_line(FILE *out, const struct exchanges *x, const struct exchange *r)
{
	char local[FLOW_TEXT], remote[FLOW_TEXT];
	const struct exchange_conn *c = &x->conns[r->conn];

	fprintf(out, "%.6f %s %s %s  ", (double)first_ns(r) / 1e9, flow_addr_text(&c->local, local),
		c->server ? "←" : "→", flow_addr_text(&c->remote, remote));
	title(out, r);
	fprintf(out, ": %s, %s, %" PRIu64 " out, %" PRIu64 " in, %.1f ms\n",
		exchange_end_name(r->end), secrecy(r), exchange_half_bytes(&r->half[FLOW_OUT]),
		exchange_half_bytes(&r->half[FLOW_IN]), (double)(last_ns(r) - first_ns(r)) / MS);
}

/* jwriter writes one value per line: the same without the line breaks, which strings cannot hold.
 */
void exchanges_json_line(FILE *out, const struct exchanges *x, const struct exchange *r)
{
	char addr[FLOW_TEXT], *text = NULL;
	const struct exchange_conn *c = &x->conns[r->conn];
	struct jwriter w;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	jwriter_init(&w, f);
	jwrite_object(&w, NULL);
	jwrite_string(&w, "type", "exchange");
	jwrite_number(&w, "first_ns", first_ns(r));
	jwrite_number(&w, "last_ns", last_ns(r));
	jwrite_string(&w, "local", flow_addr_text(&c->local, addr));
	jwrite_string(&w, "remote", flow_addr_text(&c->remote, addr));
	jwrite_string(&w, "protocol", exchange_protocol_name(r->protocol));
	jwrite_string(&w, "method", r->method);
	jwrite_string(&w, "target", r->target);
	jwrite_number(&w, "status", r->status);
	jwrite_string(&w, "sni", r->sni);
	jwrite_string(&w, "end", exchange_end_name(r->end));
	jwrite_bool(&w, "clear", r->clear);
	for (int dir = 0; dir < 2; dir++) {
		jwrite_object(&w, dir_names[dir]);
		jwrite_number(&w, "bytes", exchange_half_bytes(&r->half[dir]));
		jwrite_number(&w, "header_bytes", r->half[dir].header_bytes);
		jwrite_number(&w, "body_bytes", r->half[dir].body_bytes);
		jwrite_end_object(&w);
	}
	jwrite_end_object(&w);
	fclose(f);
	for (size_t i = 0; i < len; i++)
		if (text[i] != '\n')
			fputc(text[i], out);
	fputc('\n', out);
	free(text);
}
