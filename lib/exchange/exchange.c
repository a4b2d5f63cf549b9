/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/exchange/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"
#include "lib/net/tls.h"

struct exchange_conn *exchanges_add_conn(struct exchanges *x)
{
	if (x->nconns == EXCHANGES_ROWS) {
		x->conns_left_out++;
		return NULL;
	}
	XGROW(x->conns, x->nconns, x->cap_conns);
	memset(&x->conns[x->nconns], 0, sizeof(*x->conns));
	return &x->conns[x->nconns++];
}

struct exchange *exchanges_add_row(struct exchanges *x)
{
	if (x->nrows == EXCHANGES_ROWS) {
		x->rows_left_out++;
		return NULL;
	}
	XGROW(x->rows, x->nrows, x->cap_rows);
	memset(&x->rows[x->nrows], 0, sizeof(*x->rows));
	return &x->rows[x->nrows++];
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

	for (size_t n = 0; n < x->nifaces; n++)
		if (strcmp(x->ifaces[n].name, name) == 0)
			return &x->ifaces[n];
	if (x->nifaces == EXCHANGES_IFACES)
		return NULL;
	XGROW(x->ifaces, x->nifaces, x->cap_ifaces);
	i = &x->ifaces[x->nifaces++];
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

void exchanges_check(struct exchanges *x, const char *what, const char *left_name, uint64_t left,
		     const char *right_name, uint64_t right, bool ok)
{
	struct conservation *c;

	/* what failed is never left out for want of room */
	if (x->nchecks >= EXCHANGES_CHECKS && (ok || x->nchecks >= 2 * EXCHANGES_CHECKS)) {
		if (!ok)
			x->checks[x->nchecks - 1].ok = false;
		return;
	}
	XGROW(x->checks, x->nchecks, x->cap_checks);
	c = &x->checks[x->nchecks++];
	*c = (struct conservation){ .left = left, .right = right, .ok = ok };
	c->what = xstrdup(what);
	c->left_name = xstrdup(left_name);
	c->right_name = xstrdup(right_name);
}

char *exchanges_broken(const struct exchanges *x)
{
	for (size_t i = 0; i < x->nchecks; i++) {
		const struct conservation *c = &x->checks[i];

		if (!c->ok)
			return xasprintf("%s: %s %llu, %s %llu", c->what, c->left_name,
					 (unsigned long long)c->left, c->right_name,
					 (unsigned long long)c->right);
	}
	return NULL;
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

uint64_t exchanges_kernel_bytes(const struct exchanges *x)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < x->nrows; i++) {
		const struct exchange *r = &x->rows[i];
		const struct exchange_conn *c = r->conn < x->nconns ? &x->conns[r->conn] : NULL;

		if (c && !c->program && c->comm && strncmp(c->comm, "kworker/", 8) == 0 &&
		    r->protocol != EXCHANGE_TLS)
			bytes += exchange_half_bytes(&r->half[FLOW_OUT]);
	}
	return bytes;
}

/* What left by the network without being known to be under TLS, or another's; NULL: nothing. */
static char *left_unseen(const struct exchanges *x)
{
	for (size_t i = 0; i < x->nconns; i++) {
		const struct exchange_conn *c = &x->conns[i];

		if (c->owner == GRADE_NONE && (c->payload[FLOW_OUT] || c->lost[FLOW_OUT]))
			return xstrdup("it is not known whose payload left by some connections");
	}
	if (!x->calls_known)
		return xstrdup("it is not known what the program sent by sockets other than TCP");
	if (x->other_calls[FLOW_OUT])
		return xasprintf("the program sent %llu bytes by sockets other than TCP, in a form "
				 "that was not looked at",
				 (unsigned long long)x->other_call_bytes[FLOW_OUT]);
	if (x->unseen_bytes)
		return xasprintf("the program sent %llu bytes by TCP that no captured connection "
				 "of its own shows",
				 (unsigned long long)x->unseen_bytes);
	if (exchanges_kernel_bytes(x))
		return xasprintf("the kernel sent %llu bytes by TCP for itself, which may be what "
				 "the program wrote to a file or disk on another machine",
				 (unsigned long long)exchanges_kernel_bytes(x));
	return NULL;
}

/*
 * What else left: bytes that carried nobody's known packet or request may have carried the
 * program's.  To disks it writes through memory that others have written back, too.
 */
static char *left_by_devices(const struct exchanges *x)
{
	uint64_t written[2] = { 0 }; /* by others, by the program */

	for (size_t i = 0; i < x->ndevices; i++) {
		const struct exchange_device *d = &x->devices[i];

		if (d->unknown_bytes[FLOW_OUT])
			return xasprintf("%llu bytes left through %s from an unknown sender",
					 (unsigned long long)d->unknown_bytes[FLOW_OUT], d->name);
	}
	for (size_t i = 0; i < x->nblocks; i++)
		written[x->blocks[i].program] += x->blocks[i].bytes[FLOW_OUT];
	if (written[true])
		return xasprintf("the program's writes brought %llu bytes to disks, in a form "
				 "that was not looked at",
				 (unsigned long long)written[true]);
	if (written[false])
		return xasprintf("%llu bytes that others wrote to disks may hold what the program "
				 "changed in memory",
				 (unsigned long long)written[false]);
	return NULL;
}

uint64_t exchanges_others_bytes(const struct exchanges *x, const struct exchange_conn **first)
{
	uint64_t bytes = 0;

	*first = NULL;
	for (size_t i = 0; i < x->nconns; i++) {
		const struct exchange_conn *c = &x->conns[i];

		/* whoever recorded caused traffic of its own to see it recorded */
		if (c->program || c->owner == GRADE_NONE || !c->pid || !c->payload[FLOW_OUT] ||
		    (c->comm && strcmp(c->comm, "ccaio") == 0))
			continue;
		bytes += c->payload[FLOW_OUT];
		if (!*first)
			*first = c;
	}
	return bytes;
}

/* What the program handed to another process of this machine leaves with that one's. */
static char *left_by_others(const struct exchanges *x)
{
	const struct exchange_conn *c;
	uint64_t bytes = exchanges_others_bytes(x, &c);

	if (x->start_unseen)
		return xstrdup(
			"the events do not show the program start: its number may be that of "
			"another process (a PID namespace)");
	if (!bytes)
		return NULL;
	return xasprintf("other processes sent %llu bytes, the first %s[%d], which may be what the "
			 "program handed to them (loopback, UNIX socket, pipe, memory)",
			 (unsigned long long)bytes, c->comm ? c->comm : "?", c->pid);
}

/* What left otherwise than over the program's known connections, as a reason; NULL: nothing. */
static char *left_otherwise(const struct exchanges *x)
{
	char *why = left_unseen(x);

	if (!why && x->launched && x->nalive)
		why = xasprintf("what %llu of the program's processes or threads sent later is not "
				"known: they went on when the recording had ended",
				(unsigned long long)x->nalive);
	if (!why)
		why = left_by_others(x);
	return why ? why : left_by_devices(x);
}

/*
 * Is the program's payload under TLS encrypted?  Asked of each connection, since a file of another
 * version may not say which cipher suite its server chose.
 */
static int under_tls(const struct exchanges *x, char **why)
{
	int answer = TRI_YES;

	for (size_t i = 0; i < x->nrows; i++) {
		const struct exchange *r = &x->rows[i];
		enum tri encrypts = tls_suite_encrypts(r->tls_suite);

		if (r->protocol != EXCHANGE_TLS || !x->conns[r->conn].program ||
		    !exchange_half_bytes(&r->half[FLOW_OUT]) || encrypts == TRI_YES)
			continue;
		if (encrypts == TRI_NO) {
			free(*why);
			*why = xasprintf("payload left under TLS with cipher suite 0x%04x, which "
					 "does not encrypt",
					 r->tls_suite);
			return TRI_NO;
		}
		answer = TRI_UNKNOWN;
		if (!*why)
			*why = xstrdup("payload left under TLS, but it is not known with which "
				       "cipher suite");
	}
	return answer;
}

int exchanges_clear_payload(const struct exchanges *x, char **why)
{
	char *of_tls = NULL;
	int tls;

	*why = NULL;
	if (!x->captured || !x->payload_read) {
		*why = xstrdup("no packet's payload was looked at");
		return TRI_UNKNOWN;
	}
	if (x->clear_bytes) {
		*why = xasprintf("%llu bytes of the program's payload left in clear text",
				 (unsigned long long)x->clear_bytes);
		return TRI_YES;
	}
	tls = under_tls(x, &of_tls);
	if (tls == TRI_NO) {
		*why = of_tls;
		return TRI_YES;
	}
	free(of_tls);
	if (!x->correlated || (x->nconns && !x->program_known)) {
		*why = xstrdup("it is not known which connections are the program's");
		return TRI_UNKNOWN;
	}
	if (x->opaque_bytes) {
		*why = xasprintf("%llu bytes left in a form that is not recognised",
				 (unsigned long long)x->opaque_bytes);
		return TRI_UNKNOWN;
	}
	if (x->capture_dropped || x->conns_left_out || x->rows_left_out) {
		*why = xstrdup("the capture missed packets");
		return TRI_UNKNOWN;
	}
	for (size_t i = 0; i < x->nifaces; i++) {
		if (!x->ifaces[i].broken)
			continue;
		*why = xasprintf("the capture on %s broke off, the interface went away",
				 x->ifaces[i].name);
		return TRI_UNKNOWN;
	}
	*why = left_otherwise(x);
	if (*why)
		return TRI_UNKNOWN;
	if (tls == TRI_UNKNOWN) {
		under_tls(x, why);
		return TRI_UNKNOWN;
	}
	*why = x->tls_bytes ? xasprintf("all %llu bytes of the program's payload left under TLS",
					(unsigned long long)x->tls_bytes)
			    : xstrdup("the program sent no payload");
	return TRI_NO;
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
