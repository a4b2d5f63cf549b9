/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exchanges as JSON, schema ccaio.exchanges/1: see ccaio-exchanges(5). */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/json.h"
#include "lib/json/long.h"
#include "lib/json/table.h"

#define MANY ((uint64_t)1 << 62)

JWORDS(grade_word, grade, grade_name)
JWORDS(protocol_word, exchange_protocol, exchange_protocol_name)
JWORDS(end_word, exchange_end, exchange_end_name)
JWORDS(conn_end_word, conn_end, conn_end_name)

static const char *dir_word(int i)
{
	return i == FLOW_OUT ? "out" : "in";
}

static const char *role_word(int server)
{
	return server ? "server" : "client";
}

/* What the correlation made of the events: written for readers, and made again by who judges. */
#define MADE (JF_DERIVED | JF_OMIT)
#define COUNT(K, S, M, ...) JNUMBER(K, S, M, MANY, __VA_ARGS__)
#define GRADE(K, S, M) JWORD(K, S, M, grade_word, GRADES)
static const struct jrow grade_row = {
	.type = JT_NUMBER, .size = 8, .max = MANY, .flags = JF_OMIT
};
#define BY_GRADE(K, S, M, F) JNAMED(K, S, M, grade_word, GRADES, &grade_row, .flags = F)

/* "10.0.2.15:43210" or "[fe80::1]:443" */
static bool parse_addr(const char *text, void *to)
{
	struct flow_addr *addr = to;
	const char *colon = strrchr(text, ':');
	char host[FLOW_TEXT], *end;
	unsigned long port;
	size_t len;

	*addr = (struct flow_addr){ .family = 4 };
	if (!colon || colon == text || colon[1] < '0' || colon[1] > '9')
		return false;
	port = strtoul(colon + 1, &end, 10);
	if (*end || port > UINT16_MAX)
		return false;
	addr->port = (uint16_t)port;
	if (*text == '[' && colon[-1] == ']') {
		addr->family = 6;
		text++;
		colon--;
	}
	len = (size_t)(colon - text);
	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	return inet_pton(addr->family == 6 ? AF_INET6 : AF_INET, host, addr->ip) == 1;
}

static void format_addr(const void *from, char text[JCODE_TEXT])
{
	flow_addr_text(from, text);
}

static const struct jcode addr_code = {
	.size = sizeof(struct flow_addr),
	.parse = parse_addr,
	.format = format_addr,
	.expected = "address:port",
	.pattern = ":[0-9]+$",
};

/* The name of a device stands for its index; a new name is entered. */
static void read_device(const struct jrow *row, const struct jval *object, void *what)
{
	struct jval val = jval_member(object, row->key);
	char *name = jval_name(&val);
	struct exchanges *x = jval_context(object);

	if (name)
		*(uint16_t *)(void *)((char *)what + row->offset) = exchanges_device(x, name);
	free(name);
}

static void write_device(const struct jrow *row, struct jwriter *w, const void *what)
{
	const struct exchanges *x = w->context;
	uint16_t device = *(const uint16_t *)(const void *)((const char *)what + row->offset);

	jwrite_string(w, row->key, device < x->ndevices ? x->devices[device].name : NULL);
}

static const struct jown device_own = {
	.read = read_device,
	.write = write_device,
	.schema = "{\"type\": \"string\"}",
};
#define IN_DEVICE(S) JOWN("device", S, device, &device_own, .flags = JF_REQUIRED)

#define IFACE struct exchange_iface
#define IFACE_COUNTER(K, M) JNUMBER(K, IFACE, M, UINT64_MAX, JKNOWN(IFACE, counters_known))
/* Version 0.1 wrote a negative difference where the interface began to count anew (a resume). */
static void check_iface(const struct jval *object, void *what)
{
	IFACE *i = what;

	(void)object;
	for (int dir = 0; dir < 2; dir++)
		if (i->counter_bytes[dir] > MANY || i->counter_packets[dir] > MANY)
			i->counters_known = false;
}

static const struct jrow iface_rows[] = {
	JNAME("name", IFACE, name, .flags = JF_REQUIRED | JF_UNIQUE),
	JNUMBER("index", IFACE, index, UINT32_MAX),
	COUNT("packets", IFACE, packets),
	COUNT("dropped", IFACE, dropped),
	JBOOL("broken", IFACE, broken, .flags = JF_OMIT),
	IFACE_COUNTER("tx_bytes", counter_bytes[FLOW_OUT]),
	IFACE_COUNTER("rx_bytes", counter_bytes[FLOW_IN]),
	IFACE_COUNTER("tx_packets", counter_packets[FLOW_OUT]),
	IFACE_COUNTER("rx_packets", counter_packets[FLOW_IN]),
	JWHOLE(.check = check_iface),
};

#define X struct exchanges
static const struct jrow capture_rows[] = {
	JBOOL("captured", X, capture.on),
	JBOOL("payload_read", X, capture.payload_read),
	COUNT("packets", X, capture.packets),
	COUNT("skipped", X, capture.skipped),
	COUNT("dropped", X, capture.dropped),
	/* modulo 2^64: the clock may have been set to before the boot */
	JNUMBER("realtime_offset_ns", X, capture.realtime_offset_ns, UINT64_MAX),
	COUNT("connections_left_out", X, capture.conns_left_out),
	COUNT("exchanges_left_out", X, capture.rows_left_out),
	JLIST("interfaces", X, capture.ifaces, capture.nifaces, iface_rows, EXCHANGES_IFACES,
	      .cap = offsetof(X, capture.cap_ifaces)),
	JEND,
};

static const struct jrow root_rows[] = {
	{ .key = "pid", .type = JT_NUMBER, .size = sizeof(int32_t), .max = INT32_MAX },
	JEND,
};

#define FILE_ struct exchange_file
static const struct jrow file_rows[] = {
	JNUMBER("dev", FILE_, dev, UINT32_MAX),
	JHEX("inode", FILE_, inode, UINT64_MAX),
	JSTRING("path", FILE_, path, .flags = JF_REQUIRED),
	JEND,
};

#define DEVICE struct exchange_device
#define DEVICE_HALF(D)                                                          \
	{                                                                       \
		COUNT("dma_transfers", DEVICE, dma_transfers[D]),               \
			COUNT("dma_bytes", DEVICE, dma_bytes[D]),               \
			COUNT("program_bytes", DEVICE, program_bytes[D]),       \
			COUNT("other_bytes", DEVICE, other_bytes[D]),           \
			COUNT("unknown_bytes", DEVICE, unknown_bytes[D]), JEND, \
	}
static const struct jrow device_out_rows[] = DEVICE_HALF(FLOW_OUT);
static const struct jrow device_in_rows[] = DEVICE_HALF(FLOW_IN);
static const struct jrow device_rows[] = {
	JNAME("name", DEVICE, name, .flags = JF_REQUIRED | JF_UNIQUE),
	JSTRING("interface", DEVICE, iface),
	JBOOL("block", DEVICE, block),
	JGROUP("out", device_out_rows),
	JGROUP("in", device_in_rows),
	JEND,
};

#define ALIVE JKNOWN(X, program.alive_known)
static const struct jrow result_rows[] = {
	JBOOL("correlated", X, result.correlated),
	JBOOL("program_known", X, result.program_known),
	JBOOL("conserved", X, sums.conserved),
	COUNT("sums_held", X, sums.held, .flags = JF_OMIT),
	COUNT("sums_failed", X, sums.failed, .flags = JF_OMIT),
	JBOOL("nothing_else", X, result.nothing_else),
	JSTRING("beyond", X, result.other_traffic),
	JNUMBER("alive", X, program.nalive, UINT64_MAX, ALIVE),
	JSTRINGS("alive_tasks", X, program.alive, program.nalive_listed, EXCHANGE_ALIVE, ALIVE),
	COUNT("others_bytes", X, program.others_bytes, .flags = JF_OMIT),
	JNUMBER("others_pid", X, program.others_pid, INT32_MAX, .flags = JF_OMIT),
	JBUFFER("others_comm", X, program.others_comm, .flags = JF_OMIT),
	COUNT("clear_bytes", X, result.clear_bytes),
	COUNT("tls_bytes", X, result.tls_bytes),
	COUNT("unrecognised_bytes", X, result.opaque_bytes),
	JSTRINGS("notes", X, notes, nnotes, EXCHANGES_NOTES, .cap = offsetof(X, cap_notes)),
	JEND,
};

#define CONN struct exchange_conn
#define CONN_HALF(D)                                                                         \
	{                                                                                    \
		COUNT("packets", CONN, packets[D], .flags = JF_OMIT),                        \
			COUNT("frame_bytes", CONN, frame_bytes[D], .flags = JF_OMIT),        \
			COUNT("payload", CONN, payload[D], .flags = JF_OMIT),                \
			COUNT("retransmitted", CONN, retransmitted[D], .flags = JF_OMIT),    \
			COUNT("lost", CONN, lost[D], .flags = JF_OMIT),                      \
			COUNT("program_bytes", CONN, app_bytes[D],                           \
			      JWHERE(JF_KNOWN | JF_DERIVED, CONN, app_known)),               \
			BY_GRADE("carried", CONN, carried[D], MADE),                         \
			COUNT("control_packets", CONN, control_packets[D], .flags = MADE),   \
			COUNT("control_bytes", CONN, control_bytes[D], .flags = MADE), JEND, \
	}
static const struct jrow conn_out_rows[] = CONN_HALF(FLOW_OUT);
static const struct jrow conn_in_rows[] = CONN_HALF(FLOW_IN);

/* Known through /proc when the capture began: no event tells it again. */
static void check_conn(const struct jval *object, void *what)
{
	struct jval program = jval_member(object, "program"), pid = jval_member(object, "pid");
	CONN *c = what;

	if (!c->preexisting || jval_derived(object))
		return;
	c->program = jval_bool(&program, false);
	c->pid = (int32_t)jval_number(&pid, INT32_MAX, 0);
	c->comm = jval_string(object, "comm");
	c->owner = c->pid ? GRADE_EXACT : GRADE_NONE;
}

#define REST struct exchange_rest
static const struct jrow rest_rows[] = {
	COUNT("exchanges", REST, exchanges),
	COUNT("clear", REST, out[FORM_CLEAR], .flags = JF_OMIT),
	COUNT("tls", REST, out[FORM_TLS], .flags = JF_OMIT),
	COUNT("tls_unknown_suite", REST, out[FORM_TLS_UNSURE], .flags = JF_OMIT),
	COUNT("unrecognised", REST, out[FORM_OPAQUE], .flags = JF_OMIT),
	COUNT("in", REST, in, .flags = JF_OMIT),
	JEND,
};

JWORDS(conn_owner_word, conn_owner, conn_owner_name)
static const struct jrow rest_row = { .type = JT_OBJECT, .size = sizeof(REST), .of = rest_rows };
static const struct jrow unlisted_rows[] = {
	COUNT("connections", X, unlisted.conns),
	JNAMED("by_owner", X, unlisted.by, conn_owner_word, CONN_OWNERS, &rest_row),
	JEND,
};

static const struct jrow conn_rows[] = {
	JCODED("local", CONN, local, &addr_code, .flags = JF_REQUIRED),
	JCODED("remote", CONN, remote, &addr_code, .flags = JF_REQUIRED),
	JSTRING("interface", CONN, iface),
	JWORD("role", CONN, server, role_word, 2),
	JBOOL("from_start", CONN, from_start, .flags = JF_OMIT),
	JBOOL("preexisting", CONN, preexisting, .flags = JF_OMIT),
	JWORD("end", CONN, end, conn_end_word, CONN_REFUSED + 1, .flags = JF_REQUIRED),
	JNUMBER("opened_ns", CONN, opened_ns, UINT64_MAX),
	JNUMBER("last_ns", CONN, last_ns, UINT64_MAX),
	JBOOL("program", CONN, program, .flags = JF_DERIVED),
	JWORD("owner", CONN, owner, grade_word, GRADES, .flags = JF_DERIVED),
	JNUMBER("pid", CONN, pid, INT32_MAX, .flags = MADE),
	JSTRING("comm", CONN, comm, .flags = MADE),
	JHEX("socket", CONN, socket, UINT64_MAX, .flags = MADE),
	JGROUP("out", conn_out_rows),
	JGROUP("in", conn_in_rows),
	JOBJECT("not_listed", CONN, rest, rest_rows, .flags = JF_OMIT),
	JWHOLE(.check = check_conn),
};

#define TRANSFER struct transfer
static const struct jrow transfer_rows[] = {
	JNUMBER("ts_ns", TRANSFER, ts_ns, UINT64_MAX),
	IN_DEVICE(TRANSFER),
	JHEX("dma", TRANSFER, dma, UINT64_MAX, .flags = JF_OMIT, .unknown = EVENT_NO_ADDR),
	COUNT("size", TRANSFER, size),
	JNUMBER("slot", TRANSFER, slot, TRANSFER_NO_SLOT - 1, .flags = JF_OMIT,
		.unknown = TRANSFER_NO_SLOT),
	JBOOL("bounced", TRANSFER, bounced, .flags = JF_OMIT),
	GRADE("grade", TRANSFER, grade),
	JEND,
};

#define HALF struct exchange_half

static void check_half(const struct jval *object, void *what)
{
	const HALF *h = what;

	if (h->stream.end < h->stream.start)
		jval_fail_at(object, "stream_end", "before stream_start");
}

static const struct jrow half_rows[] = {
	COUNT("stream_start", HALF, stream.start, .flags = JF_OMIT),
	COUNT("stream_end", HALF, stream.end, .flags = JF_OMIT),
	COUNT("header_bytes", HALF, header_bytes, .flags = JF_OMIT),
	COUNT("body_bytes", HALF, body_bytes, .flags = JF_OMIT),
	JNUMBER("first_ns", HALF, first_ns, UINT64_MAX, .flags = JF_OMIT),
	JNUMBER("last_ns", HALF, last_ns, UINT64_MAX, .flags = JF_OMIT),
	BY_GRADE("bytes", HALF, bytes, MADE),
	COUNT("retransmitted", HALF, retransmitted, .flags = MADE),
	COUNT("packets", HALF, packets, .flags = MADE),
	JNUMBER("first_packet", HALF, first_packet, UINT32_MAX, .flags = MADE),
	JNUMBER("last_packet", HALF, last_packet, UINT32_MAX, .flags = MADE),
	COUNT("transfers", HALF, transfers, .flags = MADE),
	COUNT("dma_bytes", HALF, dma_bytes, .flags = MADE),
	COUNT("slots", HALF, slots, .flags = MADE),
	COUNT("copies", HALF, copies, .flags = MADE),
	COUNT("copied_bytes", HALF, copied_bytes, .flags = MADE),
	COUNT("copy_ns", HALF, copy_ns, .flags = MADE),
	COUNT("descriptors", HALF, descriptors, .flags = MADE),
	COUNT("kicks", HALF, kicks, .flags = MADE),
	JBUFFER("queues", HALF, queues, .flags = MADE),
	JLIST("transfer_list", HALF, list, nlist, transfer_rows, EXCHANGE_TRANSFERS,
	      .flags = JF_DERIVED),
	JWHOLE(.check = check_half),
};

#define ROW struct exchange
#define ROW_FLAG(M) JBOOL(#M, ROW, M, .flags = JF_OMIT)
#define ROW_TEXT(M) JSTRING(#M, ROW, M, .flags = JF_OMIT)
#define ROW_NAMES(M, N) JSTRINGS(#M, ROW, M, N, EXCHANGE_NAMES, .flags = JF_OMIT)
static void check_row(const struct jval *object, void *what)
{
	const struct exchanges *x = jval_context(object);

	if (((const ROW *)what)->conn >= x->nconns)
		jval_fail_at(object, "connection", "there is no such connection");
}

static const struct jrow row_rows[] = {
	JNUMBER("connection", ROW, conn, UINT32_MAX, .flags = JF_REQUIRED),
	JWORD("protocol", ROW, protocol, protocol_word, EXCHANGE_TLS + 1, .flags = JF_REQUIRED),
	JWORD("end", ROW, end, end_word, EXCHANGE_REFUSED + 1, .flags = JF_REQUIRED),
	JBOOL("clear", ROW, clear),
	JWORD("grade", ROW, grade, grade_word, GRADES, .flags = JF_DERIVED),
	ROW_TEXT(method),
	ROW_TEXT(target),
	JNUMBER("status", ROW, status, 999, .flags = JF_OMIT),
	ROW_FLAG(keep_alive),
	ROW_FLAG(chunked_request),
	ROW_FLAG(chunked_response),
	ROW_FLAG(continued),
	ROW_FLAG(pipelined),
	ROW_TEXT(request_type),
	ROW_TEXT(response_type),
	ROW_NAMES(request_names, nrequest_names),
	ROW_NAMES(response_names, nresponse_names),
	ROW_TEXT(sni),
	ROW_TEXT(alpn),
	JNUMBER("tls_version", ROW, tls_version, 0xffff, .flags = JF_OMIT),
	JNUMBER("tls_suite", ROW, tls_suite, 0xffff, .flags = JF_OMIT),
	ROW_FLAG(handshake_complete),
	JOBJECT("out", ROW, half[FLOW_OUT], half_rows),
	JOBJECT("in", ROW, half[FLOW_IN], half_rows),
	JWHOLE(.check = check_row),
};

#define OTHER struct unattributed
static const struct jrow other_rows[] = {
	IN_DEVICE(OTHER),
	JWORD("direction", OTHER, dir, dir_word, 2, .flags = JF_REQUIRED),
	JSTRING("reason", OTHER, reason, .flags = JF_REQUIRED),
	COUNT("transfers", OTHER, transfers),
	COUNT("bytes", OTHER, bytes),
	JEND,
};

#define BLOCK struct exchange_block
static const struct jrow cached_rows[] = {
	JHEX("inode", BLOCK, inode, UINT64_MAX),
	JNUMBER("dev", BLOCK, file_dev, UINT32_MAX),
	JSTRING("path", BLOCK, path, .flags = JF_OMIT),
	JNUMBER("filled_by", BLOCK, filler, INT32_MAX, .flags = JF_OMIT),
	JSTRING("filled_by_comm", BLOCK, filler_comm, .flags = JF_OMIT),
	JEND,
};

static const struct jrow block_rows[] = {
	IN_DEVICE(BLOCK),
	JSTRING("disk", BLOCK, disk),
	JNUMBER("pid", BLOCK, pid, INT32_MAX),
	JSTRING("comm", BLOCK, comm),
	JWORD("owner", BLOCK, owner, grade_word, GRADES, .unknown = GRADE_SIZED),
	JBOOL("program", BLOCK, program),
	JGROUP("file", cached_rows, JKNOWN(BLOCK, cached)),
	COUNT("writes", BLOCK, requests[FLOW_OUT]),
	COUNT("written", BLOCK, bytes[FLOW_OUT]),
	COUNT("reads", BLOCK, requests[FLOW_IN]),
	COUNT("read", BLOCK, bytes[FLOW_IN]),
	COUNT("transfers", BLOCK, transfers),
	COUNT("dma_bytes", BLOCK, dma_bytes),
	BY_GRADE("written_by_grade", BLOCK, carried[FLOW_OUT], JF_OMIT),
	BY_GRADE("read_by_grade", BLOCK, carried[FLOW_IN], JF_OMIT),
	JEND,
};

#define CHECK struct conservation
static const struct jrow check_rows[] = {
	JSTRING("what", CHECK, what, .flags = JF_REQUIRED),
	JSTRING("left_name", CHECK, left_name, .flags = JF_REQUIRED),
	COUNT("left", CHECK, left),
	JSTRING("right_name", CHECK, right_name, .flags = JF_REQUIRED),
	COUNT("right", CHECK, right),
	JBOOL("holds", CHECK, ok),
	JEND,
};

/* A list that grows by XGROW(). */
#define GROWN(K, M, N, CAP, OF, MAX, F) \
	JLIST(K, X, M, N, OF, MAX, .flags = F, .cap = offsetof(X, CAP))
static void check_exchanges(const struct jval *object, void *what)
{
	struct exchanges *x = what;

	x->unknown = xstrdup(jdoc_unknown(object->doc));
	/* up to version 0.2 all of them were listed */
	if (!x->sums.held && !x->sums.failed)
		for (size_t i = 0; i < x->sums.n; i++)
			*(x->sums.list[i].ok ? &x->sums.held : &x->sums.failed) += 1;
}

/* Devices stand before what names them. */
const struct jrow exchanges_table[] = {
	JGROUP("capture", capture_rows),
	JLIST("roots", X, program.roots, program.nroots, root_rows, EXCHANGE_ROOTS,
	      .flags = JF_FIXED),
	JBOOL("no_follow", X, program.no_follow, .flags = JF_OMIT),
	JBOOL("launched", X, program.launched, .flags = JF_OMIT),
	GROWN("files", files, nfiles, cap_files, file_rows, EXCHANGES_FILES, 0),
	GROWN("devices", devices, ndevices, cap_devices, device_rows, EXCHANGES_DEVICES,
	      JF_DERIVED),
	JGROUP("result", result_rows, .flags = JF_DERIVED),
	GROWN("connections", conns, nconns, cap_conns, conn_rows, UINT32_MAX, 0),
	GROWN("exchanges", rows, nrows, cap_rows, row_rows, UINT32_MAX, 0),
	JGROUP("not_listed", unlisted_rows, .flags = JF_OMIT),
	GROWN("unattributed", unattributed, nunattributed, cap_unattributed, other_rows,
	      EXCHANGES_UNATTRIBUTED, JF_DERIVED),
	GROWN("block_requests", blocks, nblocks, cap_blocks, block_rows, EXCHANGES_BLOCKS,
	      JF_DERIVED),
	GROWN("conservation", sums.list, sums.n, sums.cap, check_rows, 2 * EXCHANGES_CHECKS,
	      JF_DERIVED),
	JWHOLE(.check = check_exchanges),
};

struct exchanges *exchanges_new(void)
{
	return xcalloc(1, sizeof(struct exchanges));
}

void exchanges_free(struct exchanges *x)
{
	if (!x)
		return;
	free(x->unknown);
	free(x->unlisted.each);
	jtable_delete(exchanges_table, x);
}

void exchange_release(struct exchange *row)
{
	jtable_free(row_rows, row);
}

void exchanges_write_member(struct jwriter *w, const char *key, const struct exchanges *x)
{
	const void *outer = w->context;

	w->context = x;
	jwrite_object(w, key);
	jtable_write_members(exchanges_table, w, EXCHANGES_SCHEMA, x);
	jwrite_end_object(w);
	w->context = outer;
}

void exchanges_write(FILE *out, const struct exchanges *x)
{
	struct jwriter w;

	jwriter_init(&w, out);
	exchanges_write_member(&w, NULL, x);
}

/* ---- reading: the two lists that grow with the run are read element by element ---- */

enum { CONNECTIONS, EXCHANGES };
static const char *const long_lists[] = { "connections", "exchanges", NULL };

struct loading {
	struct exchanges *x;
	bool derived;
	struct err *err;
};

static void note_unknown(struct exchanges *x, size_t list, size_t index, const struct jdoc *item)
{
	const char *unknown = jdoc_unknown(item);

	if (unknown && !x->unknown)
		x->unknown = xasprintf("%s[%zu]: %s", long_lists[list], index, unknown);
}

static int take_item(void *ctx, size_t list, size_t index, struct jdoc *item)
{
	struct loading *l = ctx;
	struct jval root = jdoc_root(item);
	void *what;
	int ret;

	if (list == CONNECTIONS)
		what = exchanges_add_conn(l->x, 2 * EXCHANGES_MEMORY);
	else
		what = exchanges_add_row(l->x, 2 * EXCHANGES_MEMORY);
	if (!what) {
		jdoc_free(item);
		return err_set(l->err, EINVAL,
			       "more connections and exchanges than fit into %zu MiB of memory",
			       2 * EXCHANGES_MEMORY >> 20);
	}
	jdoc_set_context(item, l->x, l->derived);
	jtable_read(list == CONNECTIONS ? conn_rows : row_rows, &root, what);
	if (list == EXCHANGES)
		exchanges_row_done(l->x, what);
	note_unknown(l->x, list, index, item);
	ret = jdoc_status(item);
	jdoc_free(item);
	return ret;
}

struct exchanges *exchanges_load(FILE *(*open)(void *ctx, struct err *err), void *ctx,
				 const char *name, bool derived, struct err *err)
{
	const struct jlong source = { open, ctx, name, long_lists };
	struct loading l = { exchanges_new(), derived, err };
	struct jdoc *doc = jlong_rest(&source, err);

	if (!doc) {
		exchanges_free(l.x);
		return NULL;
	}
	jdoc_set_context(doc, l.x, derived);
	if (jtable_load_into(exchanges_table, doc, EXCHANGES_SCHEMA, l.x) == 0 &&
	    jlong_items(&source, take_item, &l, err) == 0)
		return l.x;
	exchanges_free(l.x);
	return NULL;
}
