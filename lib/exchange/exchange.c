/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/exchange/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

/* Is there room for one more of this size? */
static bool take_memory(struct exchanges *x, size_t size, size_t most)
{
	if (x->memory + size > most)
		return false;
	x->memory += size;
	return true;
}

struct exchange_conn *exchanges_add_conn(struct exchanges *x, size_t memory)
{
	if (!take_memory(x, sizeof(*x->conns), memory))
		return NULL;
	XGROW(x->conns, x->nconns, x->cap_conns);
	memset(&x->conns[x->nconns], 0, sizeof(*x->conns));
	return &x->conns[x->nconns++];
}

struct exchange *exchanges_add_row(struct exchanges *x, size_t memory)
{
	if (!take_memory(x, sizeof(*x->rows), memory))
		return NULL;
	XGROW(x->rows, x->nrows, x->cap_rows);
	memset(&x->rows[x->nrows], 0, sizeof(*x->rows));
	return &x->rows[x->nrows++];
}

#define ALLOCATION 16 /* what the allocator keeps beside each */

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 + ALLOCATION : 0;
}

static size_t names_size(char *const *names, size_t n)
{
	size_t size = n * sizeof(*names);

	for (size_t i = 0; i < n; i++)
		size += text_size(names[i]);
	return size;
}

void exchanges_row_done(struct exchanges *x, const struct exchange *r)
{
	const char *const texts[] = { r->method,	r->target, r->request_type,
				      r->response_type, r->sni,	   r->alpn };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		x->memory += text_size(texts[i]);
	x->memory += names_size(r->request_names, r->nrequest_names) +
		     names_size(r->response_names, r->nresponse_names);
	for (int dir = 0; dir < 2; dir++)
		x->memory += r->half[dir].nlist * sizeof(*r->half[dir].list);
}

uint16_t exchanges_device(struct exchanges *x, const char *name)
{
	for (size_t i = 0; i < x->ndevices; i++)
		if (strcmp(x->devices[i].name, name) == 0)
			return (uint16_t)i;
	if (x->ndevices == EXCHANGES_DEVICES)
		return EXCHANGES_DEVICES - 1;
	XGROW(x->devices, x->ndevices, x->cap_devices);
	memset(&x->devices[x->ndevices], 0, sizeof(*x->devices));
	x->devices[x->ndevices].name = xstrdup(name);
	return (uint16_t)x->ndevices++;
}

const char *exchanges_path(const struct exchanges *x, uint32_t dev, uint64_t inode)
{
	for (size_t i = 0; i < x->nfiles; i++)
		if (x->files[i].dev == dev && x->files[i].inode == inode)
			return x->files[i].path;
	return NULL;
}

void exchanges_file(struct exchanges *x, uint32_t dev, uint64_t inode, const char *path)
{
	if (x->nfiles == EXCHANGES_FILES || exchanges_path(x, dev, inode))
		return;
	XGROW(x->files, x->nfiles, x->cap_files);
	x->files[x->nfiles++] = (struct exchange_file){ dev, inode, xstrdup(path) };
}

struct exchange_iface *exchanges_iface(struct exchanges *x, const char *name)
{
	struct exchange_iface *i;

	for (size_t n = 0; n < x->capture.nifaces; n++)
		if (strcmp(x->capture.ifaces[n].name, name) == 0)
			return &x->capture.ifaces[n];
	if (x->capture.nifaces == EXCHANGES_IFACES)
		return NULL;
	XGROW(x->capture.ifaces, x->capture.nifaces, x->capture.cap_ifaces);
	i = &x->capture.ifaces[x->capture.nifaces++];
	memset(i, 0, sizeof(*i));
	i->name = xstrdup(name);
	return i;
}

const char exchanges_entropy_of_others[] = "random numbers that others asked for";

void exchanges_unattributed(struct exchanges *x, uint16_t device, enum flow_dir dir,
			    const char *reason, uint64_t transfers, uint64_t bytes)
{
	struct unattributed *u;

	if (x->nunattributed >= EXCHANGES_REASONS)
		reason = "other";
	for (size_t i = 0; i < x->nunattributed; i++) {
		u = &x->unattributed[i];
		if (u->device == device && u->dir == dir && strcmp(u->reason, reason) == 0) {
			u->transfers += transfers;
			u->bytes += bytes;
			return;
		}
	}
	XGROW(x->unattributed, x->nunattributed, x->cap_unattributed);
	u = &x->unattributed[x->nunattributed++];
	*u = (struct unattributed){ .device = device, .dir = dir, .transfers = transfers };
	u->bytes = bytes;
	u->reason = xstrdup(reason);
}

void exchanges_note(struct exchanges *x, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < x->nnotes; i++)
		if (strcmp(x->notes[i], text) == 0)
			return;
	if (x->nnotes == EXCHANGES_NOTES)
		return;
	XGROW(x->notes, x->nnotes, x->cap_notes);
	x->notes[x->nnotes++] = xstrdup(text);
}

uint64_t exchange_half_bytes(const struct exchange_half *half)
{
	return half->stream.end - half->stream.start;
}

const char *grade_name(enum grade g)
{
	static const char *const names[] = { "none", "sized", "nested", "exact" };

	return g < GRADES ? names[g] : "?";
}

const char *exchange_protocol_name(enum exchange_protocol p)
{
	static const char *const names[] = { "unrecognised", "http", "tls" };

	return p <= EXCHANGE_TLS ? names[p] : "?";
}

const char *exchange_end_name(enum exchange_end e)
{
	static const char *const names[] = { "open", "complete", "cut", "refused" };

	return e <= EXCHANGE_REFUSED ? names[e] : "?";
}

const char *conn_end_name(enum conn_end e)
{
	static const char *const names[] = { "open", "finished", "reset", "refused" };

	return e <= CONN_REFUSED ? names[e] : "?";
}
