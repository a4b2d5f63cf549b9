/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What left otherwise than under TLS, and whose it was. */
#include "lib/exchange/clear.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"
#include "lib/exchange/exchange.h"
#include "lib/net/tls.h"

uint64_t exchanges_kernel_bytes(const struct exchanges *x)
{
	struct exchange_rest rest = exchanges_rest(x, OWNER_KERNEL);
	uint64_t bytes = rest.out[FORM_CLEAR] + rest.out[FORM_OPAQUE];

	for (size_t i = 0; i < x->nrows; i++) {
		const struct exchange *r = &x->rows[i];

		if (r->conn < x->nconns && conn_owner(&x->conns[r->conn]) == OWNER_KERNEL &&
		    r->protocol != EXCHANGE_TLS)
			bytes += exchange_half_bytes(&r->half[FLOW_OUT]);
	}
	return bytes;
}

/* What left by the network without being known to be under TLS, or another's; NULL: nothing. */
static char *left_unseen(const struct exchanges *x)
{
	bool unknown = x->unlisted.no_sender;

	for (size_t i = 0; i < x->nconns; i++) {
		const struct exchange_conn *c = &x->conns[i];

		unknown |= c->owner == GRADE_NONE && (c->payload[FLOW_OUT] || c->lost[FLOW_OUT]);
	}
	if (unknown)
		return xstrdup("it is not known whose payload left by some connections");
	if (!x->program.calls_known)
		return xstrdup("it is not known what the program sent by sockets other than TCP");
	if (x->program.other_calls[FLOW_OUT])
		return xasprintf("the program sent %llu bytes by sockets other than TCP, in a form "
				 "that was not looked at",
				 (unsigned long long)x->program.other_call_bytes[FLOW_OUT]);
	if (x->program.unseen_bytes)
		return xasprintf("the program sent %llu bytes by TCP that no captured connection "
				 "of its own shows",
				 (unsigned long long)x->program.unseen_bytes);
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

struct exchanges_sender exchanges_others(const struct exchanges *x)
{
	const struct exchange_unlisted *u = &x->unlisted;
	struct exchanges_sender sender = { u->sent_by_others, u->others_pid, u->others_comm };
	bool first = true;

	for (size_t i = 0; i < x->nconns; i++) {
		const struct exchange_conn *c = &x->conns[i];

		if (!conn_sent_by_others(x, c))
			continue;
		sender.bytes += c->payload[FLOW_OUT];
		if (first) {
			sender.pid = c->pid;
			sender.comm = c->comm;
		}
		first = false;
	}
	return sender;
}

/* What the program handed to another process of this machine leaves with that one's. */
static char *left_by_others(const struct exchanges *x)
{
	struct exchanges_sender by_tcp = exchanges_others(x);
	uint64_t bytes = by_tcp.bytes + x->program.others_bytes;
	const char *comm = by_tcp.bytes ? by_tcp.comm : x->program.others_comm;

	if (x->program.start_unseen)
		return xstrdup(
			"the events do not show the program start: its number may be that of "
			"another process (a PID namespace)");
	if (!bytes)
		return NULL;
	return xasprintf("other processes sent %llu bytes, among them %s[%d], which may be what "
			 "the program handed to them (loopback, UNIX socket, pipe, memory)",
			 (unsigned long long)bytes, comm && *comm ? comm : "?",
			 by_tcp.bytes ? by_tcp.pid : x->program.others_pid);
}

/* What left otherwise than over the program's known connections, as a reason; NULL: nothing. */
static char *left_otherwise(const struct exchanges *x)
{
	char *why = left_unseen(x);

	if (!why && x->program.launched && x->program.nalive)
		why = xasprintf("what %llu of the program's processes or threads sent later is not "
				"known: they went on when the recording had ended",
				(unsigned long long)x->program.nalive);
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
	static const char unsure[] = "payload left under TLS, but it is not known with which "
				     "cipher suite";
	int answer = TRI_YES;

	if (exchanges_rest(x, OWNER_PROGRAM).out[FORM_TLS_UNSURE]) {
		answer = TRI_UNKNOWN;
		*why = xstrdup(unsure);
	}
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
			*why = xstrdup(unsure);
	}
	return answer;
}

int exchanges_clear_payload(const struct exchanges *x, char **why)
{
	char *of_tls = NULL;
	int tls;

	*why = NULL;
	if (!x->capture.on || !x->capture.payload_read) {
		*why = xstrdup("no packet's payload was looked at");
		return TRI_UNKNOWN;
	}
	if (x->result.clear_bytes) {
		*why = xasprintf("%llu bytes of the program's payload left in clear text",
				 (unsigned long long)x->result.clear_bytes);
		return TRI_YES;
	}
	tls = under_tls(x, &of_tls);
	if (tls == TRI_NO) {
		*why = of_tls;
		return TRI_YES;
	}
	free(of_tls);
	if (!x->result.correlated || (x->nconns + x->unlisted.conns && !x->result.program_known)) {
		*why = xstrdup("it is not known which connections are the program's");
		return TRI_UNKNOWN;
	}
	if (x->result.opaque_bytes) {
		*why = xasprintf("%llu bytes left in a form that is not recognised",
				 (unsigned long long)x->result.opaque_bytes);
		return TRI_UNKNOWN;
	}
	if (x->capture.dropped || x->capture.conns_left_out || x->capture.rows_left_out) {
		*why = xstrdup("the capture missed packets");
		return TRI_UNKNOWN;
	}
	for (size_t i = 0; i < x->capture.nifaces; i++) {
		if (!x->capture.ifaces[i].broken)
			continue;
		*why = xasprintf("the capture on %s broke off, the interface went away",
				 x->capture.ifaces[i].name);
		return TRI_UNKNOWN;
	}
	*why = left_otherwise(x);
	if (*why)
		return TRI_UNKNOWN;
	if (tls == TRI_UNKNOWN) {
		under_tls(x, why);
		return TRI_UNKNOWN;
	}
	*why = x->result.tls_bytes
		       ? xasprintf("all %llu bytes of the program's payload left under TLS",
				   (unsigned long long)x->result.tls_bytes)
		       : xstrdup("the program sent no payload");
	return TRI_NO;
}
