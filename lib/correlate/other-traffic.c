/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * correlate-beyond - did anything of the program touch a device beyond what is listed?
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/correlate/state.h"
#include "lib/evidence/platform.h"
#include "lib/exchange/clear.h"

bool correlate_calls_known(const struct correlate *c)
{
	return platform_event_on(c->platform, "sock:sock_send_length") &&
	       platform_event_on(c->platform, "sock:sock_recv_length") &&
	       (c->x->program.nroots || c->x->nconns);
}

/* Reasons why not, one behind the other. */
struct doubts {
	char *text;
	size_t len;
	FILE *out;
};

__attribute__((format(printf, 2, 3))) static void doubt(struct doubts *d, const char *fmt, ...)
{
	va_list ap;

	if (ftell(d->out) > 0)
		fputs("; ", d->out);
	va_start(ap, fmt);
	vfprintf(d->out, fmt, ap);
	va_end(ap);
}

static void doubt_capture(struct doubts *d, const struct exchanges *x)
{
	bool unknown = x->unlisted.no_owner;

	if (!x->capture.on)
		doubt(d, "no packets were captured");
	if (x->capture.dropped)
		doubt(d, "packets could not be captured");
	if (x->capture.conns_left_out || x->capture.rows_left_out)
		doubt(d, "not all connections and exchanges could be kept");
	if (!x->program.nroots)
		doubt(d, "it is not known which processes are the program's");
	if (x->sums.failed)
		doubt(d, "sums do not agree");
	for (size_t i = 0; i < x->nconns; i++)
		unknown |= x->conns[i].owner == GRADE_NONE;
	if (unknown)
		doubt(d, "the process of a connection is not known");
}

static void doubt_calls(struct doubts *d, const struct exchanges *x)
{
	if (!x->program.calls_known)
		doubt(d, "this kernel does not report what it sent by sockets other than TCP");
	else if (x->program.other_calls[FLOW_OUT] || x->program.other_calls[FLOW_IN])
		doubt(d,
		      "by sockets other than TCP it sent %" PRIu64 " bytes and received %" PRIu64,
		      x->program.other_call_bytes[FLOW_OUT], x->program.other_call_bytes[FLOW_IN]);
	if (x->program.unseen_bytes)
		doubt(d,
		      "by TCP it sent %" PRIu64
		      " bytes that no captured connection of its own shows",
		      x->program.unseen_bytes);
	if (exchanges_kernel_bytes(x))
		doubt(d,
		      "%" PRIu64
		      " bytes that the kernel sent by TCP for itself may be of a file or "
		      "disk on another machine",
		      exchanges_kernel_bytes(x));
}

static void doubt_devices(struct doubts *d, const struct exchanges *x)
{
	uint64_t unknown[2] = { 0 };

	for (size_t i = 0; i < x->ndevices; i++)
		for (int dir = 0; dir < 2; dir++)
			unknown[dir] += x->devices[i].unknown_bytes[dir];
	if (unknown[FLOW_OUT] || unknown[FLOW_IN])
		doubt(d,
		      "%" PRIu64 " bytes out and %" PRIu64
		      " in are of an unknown sender or receiver",
		      unknown[FLOW_OUT], unknown[FLOW_IN]);
}

/* What it hands to another process leaves with that one's. */
static void doubt_others(struct doubts *d, const struct exchanges *x)
{
	struct exchanges_sender sender = exchanges_others(x);

	if (x->program.start_unseen)
		doubt(d, "the events do not show the program start");
	if (sender.bytes)
		doubt(d,
		      "other processes, the first %s[%d], sent %" PRIu64 " bytes that it may have "
		      "handed to them",
		      sender.comm ? sender.comm : "?", sender.pid, sender.bytes);
	if (x->program.others_bytes)
		doubt(d,
		      "other processes, the first %s[%d], sent %" PRIu64
		      " bytes by sockets other than TCP that it may have handed to them",
		      x->program.others_comm[0] ? x->program.others_comm : "?",
		      x->program.others_pid, x->program.others_bytes);
}

static void doubt_disks(struct doubts *d, const struct exchanges *x)
{
	uint64_t unknown = 0, back = 0;

	for (size_t i = 0; i < x->nblocks; i++) {
		const struct exchange_block *b = &x->blocks[i];

		if (b->program)
			continue;
		if (b->owner != GRADE_EXACT)
			unknown += b->bytes[FLOW_OUT] + b->bytes[FLOW_IN];
		else
			back += b->bytes[FLOW_OUT];
	}
	if (unknown)
		doubt(d, "%" PRIu64 " bytes of disks were asked for by an unknown process",
		      unknown);
	if (back)
		doubt(d,
		      "%" PRIu64
		      " bytes that others wrote to disks may hold what it changed in memory",
		      back);
}

static int by_pid(const void *a, const void *b)
{
	const struct owner_task *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/*
 * Who went on.  Of a program that ccaio launched the first process has ended: where the events do
 * not tell that, they do not tell of others either.
 */
void correlate_alive(struct correlate *c)
{
	struct exchanges *x = c->x;
	size_t n = owners_alive(c->owners, NULL, 0);
	struct owner_task *tasks = xcalloc(n, sizeof(*tasks));

	x->program.alive_known =
		x->program.nroots && platform_event_on(c->platform, "sched:sched_process_fork") &&
		platform_event_on(c->platform, "sched:sched_process_exit") &&
		!(x->program.launched && owners_is_program(c->owners, x->program.roots[0]));
	if (x->program.alive_known) {
		x->program.nalive = owners_alive(c->owners, tasks, n);
		qsort(tasks, n, sizeof(*tasks), by_pid);
		x->program.nalive_listed = n < EXCHANGE_ALIVE ? n : EXCHANGE_ALIVE;
		x->program.alive = xcalloc(x->program.nalive_listed, sizeof(*x->program.alive));
	}
	for (size_t i = 0; i < x->program.nalive_listed; i++)
		x->program.alive[i] = xasprintf(
			"%s[%d]", tasks[i].comm ? names_get(c->names, tasks[i].comm) : "?",
			tasks[i].pid);
	free(tasks);
}

void correlate_other_traffic(struct correlate *c)
{
	struct exchanges *x = c->x;
	uint64_t packets = x->unlisted.control_packets, bytes = x->unlisted.control_bytes;
	struct doubts d = { 0 };
	const char *besides = "";

	d.out = open_memstream(&d.text, &d.len);
	if (!d.out)
		return;
	doubt_capture(&d, x);
	x->program.calls_known = correlate_calls_known(c);
	doubt_calls(&d, x);
	doubt_devices(&d, x);
	x->program.start_unseen = x->program.launched && !c->began_ns &&
				  platform_event_on(c->platform, "sched:sched_process_exec");
	doubt_others(&d, x);
	doubt_disks(&d, x);
	fclose(d.out);
	x->result.nothing_else = d.len == 0;
	for (size_t i = 0; i < x->nconns; i++) {
		for (int dir = 0; x->conns[i].program && dir < 2; dir++) {
			packets += x->conns[i].control_packets[dir];
			bytes += x->conns[i].control_bytes[dir];
		}
	}
	if (packets)
		besides =
			xasprintf("also %" PRIu64
				  " packets without payload on the program's connections (%" PRIu64
				  " bytes); ",
				  packets, bytes);
	x->result.other_traffic =
		d.len ? xasprintf("%sit is not known whether anything else of the program touched "
				  "a device: %s",
				  besides, d.text)
		      : xasprintf("%snothing else of the program touched a device", besides);
	if (packets)
		free((char *)besides);
	free(d.text);
}
