/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * exchange-recall - exchanges.json back with what the correlation made of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/json.h"
#include "lib/json/json.h"

#define MANY ((uint64_t)1 << 62)

static const char *const dir_keys[2] = { "out", "in" };

static uint64_t count_of(const struct jval *v, const char *key)
{
	return jval_number(v, key, MANY, 0);
}

static enum grade read_grade(const struct jval *v, const char *key)
{
	char *word = jval_string(v, key);
	int g = GRADE_NONE;

	while (word && g < GRADES && strcmp(grade_name((enum grade)g), word) != 0)
		g++;
	if (g == GRADES)
		jval_fail_at(v, key, "unknown grade '%.32s'", word);
	free(word);
	return g < GRADES ? (enum grade)g : GRADE_NONE;
}

static void read_grades(const struct jval *v, const char *key, uint64_t bytes[GRADES])
{
	struct jval object = jval_object(v, key);

	for (int g = 0; g < GRADES; g++)
		bytes[g] = count_of(&object, grade_name((enum grade)g));
}

/* The device at key, entered if new; the first one where the name is missing. */
static uint16_t read_device(struct exchanges *x, const struct jval *v, const char *key)
{
	char *name = jval_name_required(v, key);
	uint16_t device = name ? exchanges_device(x, name) : 0;

	free(name);
	return device;
}

static void read_transfers(struct exchanges *x, struct exchange_half *h, const struct jval *half)
{
	struct jval list = jval_array(half, "transfer_list");
	size_t n = jval_count(&list);

	if (n > EXCHANGE_TRANSFERS) {
		jval_fail(&list, "more than %d entries", EXCHANGE_TRANSFERS);
		return;
	}
	h->list = xcalloc(n, sizeof(*h->list));
	for (h->nlist = 0; h->nlist < n; h->nlist++) {
		struct jval v = jval_item_object(&list, h->nlist);

		h->list[h->nlist] = (struct transfer){
			.ts_ns = count_of(&v, "ts_ns"),
			.dma = jval_hex(&v, "dma", UINT64_MAX, EVENT_NO_ADDR),
			.size = count_of(&v, "size"),
			.slot = (uint32_t)jval_number(&v, "slot", TRANSFER_NO_SLOT - 1,
						      TRANSFER_NO_SLOT),
			.device = read_device(x, &v, "device"),
			.grade = (uint8_t)read_grade(&v, "grade"),
			.bounced = jval_bool(&v, "bounced", false),
		};
	}
}

static void read_queues(struct exchange_half *h, const struct jval *half)
{
	char *queues = jval_string(half, "queues");

	snprintf(h->queues, sizeof(h->queues), "%s", queues ? queues : "");
	free(queues);
}

static void read_row(struct exchanges *x, struct exchange *r, const struct jval *v)
{
	r->grade = read_grade(v, "grade");
	for (int dir = 0; dir < 2; dir++) {
		struct jval half = jval_object(v, dir_keys[dir]);
		struct exchange_half *h = &r->half[dir];

		read_grades(&half, "bytes", h->bytes);
		h->retransmitted = count_of(&half, "retransmitted");
		h->packets = count_of(&half, "packets");
		h->first_packet = (uint32_t)jval_number(&half, "first_packet", UINT32_MAX, 0);
		h->last_packet = (uint32_t)jval_number(&half, "last_packet", UINT32_MAX, 0);
		h->transfers = count_of(&half, "transfers");
		h->dma_bytes = count_of(&half, "dma_bytes");
		h->slots = count_of(&half, "slots");
		h->descriptors = count_of(&half, "descriptors");
		h->kicks = count_of(&half, "kicks");
		read_queues(h, &half);
		read_transfers(x, h, &half);
	}
}

static void read_conn(struct exchange_conn *c, const struct jval *v)
{
	c->program = jval_bool(v, "program", false);
	c->owner = read_grade(v, "owner");
	c->pid = (int32_t)jval_number(v, "pid", INT32_MAX, 0);
	free(c->comm);
	c->comm = jval_string(v, "comm");
	for (int dir = 0; dir < 2; dir++) {
		struct jval half = jval_object(v, dir_keys[dir]);

		c->app_known |= jval_has(&half, "program_bytes");
		c->app_bytes[dir] = count_of(&half, "program_bytes");
		read_grades(&half, "carried", c->carried[dir]);
		c->control_packets[dir] = count_of(&half, "control_packets");
		c->control_bytes[dir] = count_of(&half, "control_bytes");
	}
}

static void read_devices(struct exchanges *x, const struct jval *root)
{
	struct jval devices = jval_array(root, "devices");
	struct jval others = jval_array(root, "unattributed");

	for (size_t i = 0; i < jval_count(&devices); i++) {
		struct jval v = jval_item_object(&devices, i);
		uint16_t id = read_device(x, &v, "name");
		struct exchange_device *d;

		if (id >= x->ndevices)
			return; /* it has no name: told already */
		d = &x->devices[id];
		if (!d->iface)
			d->iface = jval_string(&v, "interface");
		d->block = jval_bool(&v, "block", false);
		for (int dir = 0; dir < 2; dir++) {
			struct jval half = jval_object(&v, dir_keys[dir]);

			d->dma_transfers[dir] = count_of(&half, "dma_transfers");
			d->dma_bytes[dir] = count_of(&half, "dma_bytes");
			d->program_bytes[dir] = count_of(&half, "program_bytes");
			d->other_bytes[dir] = count_of(&half, "other_bytes");
			d->unknown_bytes[dir] = count_of(&half, "unknown_bytes");
		}
	}
	for (size_t i = 0; i < jval_count(&others); i++) {
		struct jval v = jval_item_object(&others, i);
		char *dir = jval_string(&v, "direction"), *reason = jval_string(&v, "reason");

		exchanges_unattributed(x, read_device(x, &v, "device"),
				       dir && strcmp(dir, "out") == 0 ? FLOW_OUT : FLOW_IN,
				       reason ? reason : "unknown", count_of(&v, "transfers"),
				       count_of(&v, "bytes"));
		free(dir);
		free(reason);
	}
}

static void read_block(struct exchanges *x, const struct jval *v, struct exchange_block *b)
{
	struct jval file = jval_object(v, "file");

	b->device = read_device(x, v, "device");
	b->disk = jval_string(v, "disk");
	b->pid = (int32_t)jval_number(v, "pid", INT32_MAX, 0);
	b->comm = jval_string(v, "comm");
	b->owner = jval_has(v, "owner") ? read_grade(v, "owner") : GRADE_SIZED;
	b->program = jval_bool(v, "program", false);
	b->requests[FLOW_OUT] = count_of(v, "writes");
	b->bytes[FLOW_OUT] = count_of(v, "written");
	b->requests[FLOW_IN] = count_of(v, "reads");
	b->bytes[FLOW_IN] = count_of(v, "read");
	b->transfers = count_of(v, "transfers");
	b->dma_bytes = count_of(v, "dma_bytes");
	read_grades(v, "written_by_grade", b->carried[FLOW_OUT]);
	read_grades(v, "read_by_grade", b->carried[FLOW_IN]);
	b->cached = jval_known(&file);
	b->inode = jval_hex(&file, "inode", UINT64_MAX, 0);
	b->file_dev = (uint32_t)jval_number(&file, "dev", UINT32_MAX, 0);
	b->path = jval_string(&file, "path");
	b->filler = (int32_t)jval_number(&file, "filled_by", INT32_MAX, 0);
	b->filler_comm = jval_string(&file, "filled_by_comm");
}

static void read_blocks(struct exchanges *x, const struct jval *root)
{
	struct jval blocks = jval_array(root, "block_requests");
	size_t n = jval_count(&blocks);

	if (n > EXCHANGES_BLOCKS) {
		jval_fail(&blocks, "more than %d entries", EXCHANGES_BLOCKS);
		return;
	}
	x->blocks = xcalloc(n, sizeof(*x->blocks));
	for (x->nblocks = 0; x->nblocks < n; x->nblocks++) {
		struct jval v = jval_item_object(&blocks, x->nblocks);

		read_block(x, &v, &x->blocks[x->nblocks]);
	}
}

static void read_checks(struct exchanges *x, const struct jval *root)
{
	struct jval checks = jval_array(root, "conservation");

	for (size_t i = 0; i < jval_count(&checks); i++) {
		struct jval v = jval_item_object(&checks, i);
		char *what = jval_string(&v, "what"), *left = jval_string(&v, "left_name");
		char *right = jval_string(&v, "right_name");

		exchanges_check(x, what ? what : "", left ? left : "", count_of(&v, "left"),
				right ? right : "", count_of(&v, "right"),
				jval_bool(&v, "holds", false));
		free(what);
		free(left);
		free(right);
	}
}

static void read_result(struct exchanges *x, const struct jval *root)
{
	struct jval result = jval_object(root, "result");
	size_t n = 0;
	char **notes = jval_strings(&result, "notes", JDOC_MAX_VALUES, &n);

	x->nalive = jval_number(&result, "alive", UINT64_MAX, UINT64_MAX);
	x->alive_known = x->nalive != UINT64_MAX;
	if (!x->alive_known)
		x->nalive = 0;
	x->alive = jval_strings(&result, "alive_tasks", JDOC_MAX_VALUES, &x->nalive_listed);
	x->correlated = jval_bool(&result, "correlated", false);
	x->program_known = jval_bool(&result, "program_known", false);
	x->conserved = jval_bool(&result, "conserved", false);
	x->nothing_else = jval_bool(&result, "nothing_else", false);
	x->beyond = jval_string(&result, "beyond");
	x->clear_bytes = count_of(&result, "clear_bytes");
	x->tls_bytes = count_of(&result, "tls_bytes");
	x->opaque_bytes = count_of(&result, "unrecognised_bytes");
	for (size_t i = 0; i < n; i++) {
		exchanges_note(x, "%s", notes[i]);
		free(notes[i]);
	}
	free(notes);
}

struct exchanges *exchanges_recall(const char *text, size_t len, const char *name, struct err *err)
{
	struct exchanges *x = exchanges_parse(text, len, name, err);
	struct jdoc *doc = x ? jdoc_parse_large(text, len, name, err) : NULL;
	struct jval root, conns, rows;
	int status;

	if (!doc) {
		exchanges_free(x);
		return NULL;
	}
	root = jdoc_root(doc);
	conns = jval_array(&root, "connections");
	rows = jval_array(&root, "exchanges");
	read_devices(x, &root);
	for (size_t i = 0; i < x->nconns; i++) {
		struct jval v = jval_item_object(&conns, i);

		read_conn(&x->conns[i], &v);
	}
	for (size_t i = 0; i < x->nrows; i++) {
		struct jval v = jval_item_object(&rows, i);

		read_row(x, &x->rows[i], &v);
	}
	read_blocks(x, &root);
	read_checks(x, &root);
	read_result(x, &root);
	status = jdoc_status(doc);
	jdoc_free(doc);
	if (status < 0) {
		exchanges_free(x);
		return NULL;
	}
	return x;
}
