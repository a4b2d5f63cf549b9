/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/tools/boot-probes.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "collectors/tracedat/pack.h"
#include "collectors/tracedat/tracedat.h"
#include "collectors/tracedat/write.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/evidence/event.h"
#include "lib/evidence/stream.h"
#include "tests/tools/rewrite.h"

#define DECRYPT_ID 60001
#define ENCRYPT_ID 60002
#define AGO 1000 /* nanoseconds */

/* As Linux 6.12 describes them: kernel/trace/trace_kprobe.c. */
static const char format[] =
	"name: %s\nID: %d\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
	"\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 addr;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\tfield:s32 numpages;\toffset:24;\tsize:4;\tsigned:1;\n\n"
	"print fmt: \"(%%lx) addr=0x%%Lx numpages=%%d\", REC->__probe_ip, "
	"REC->addr, REC->numpages\n";

struct second {
	struct tracedat_writer *writer;
	struct tracedat_pack pack;
	unsigned int cpu; /* the writer's number of it */
};

static int write_page(void *arg, const void *page, size_t size, struct err *err)
{
	struct second *s = arg;

	return tracedat_writer_pages(s->writer, s->cpu, page, size, err);
}

static void put_format(struct tracedat_writer *writer, const char *name, int id)
{
	char text[1024];
	int len = snprintf(text, sizeof(text), format, name, id);

	tracedat_writer_format(writer, "ccaio", text, (size_t)len);
}

static int put(struct second *s, uint16_t id, uint64_t ts_ns, const struct event *alloc,
	       struct err *err)
{
	uint64_t addr = alloc->orig | REWRITE_LINEAR;
	int32_t pages = (int32_t)((alloc->size + 4095) / 4096);
	uint8_t record[28] = { 0 };

	memcpy(record, &id, sizeof(id));
	memcpy(record + 4, &alloc->pid, sizeof(alloc->pid));
	memcpy(record + 16, &addr, sizeof(addr));
	memcpy(record + 24, &pages, sizeof(pages));
	return tracedat_pack_record(&s->pack, ts_ns, record, sizeof(record), err);
}

int boot_probes_write(const struct boot_probes *probes, const char *in,
		      struct tracedat_writer *writer, struct err *err)
{
	struct names *names = names_new();
	struct stream *stream = tracedat_open(in, names, err);
	struct second s = { .writer = writer };
	struct event ev, last = { 0 };
	unsigned long allocs = 0;
	ssize_t rc = -EIO;

	put_format(writer, "decrypt", DECRYPT_ID);
	put_format(writer, "encrypt", ENCRYPT_ID);
	if (stream)
		rc = tracedat_writer_second(writer, "boot-probes", err);
	if (rc == 0 && stream->info.ncpus != 1)
		rc = err_set(err, ENOTSUP, "%s is not of one CPU", in);
	s.cpu = 1; /* behind the only one of the first buffer */
	tracedat_pack_init(&s.pack, write_page, &s);
	while (rc >= 0 && (rc = stream_read(stream, &ev, 1, err)) > 0) {
		if (ev.kind != EVENT_ALLOC || allocs++ < probes->but)
			continue;
		rc = put(&s, DECRYPT_ID, ev.ts_ns - AGO, &ev, err);
		last = ev;
	}
	if (rc >= 0 && probes->again)
		rc = put(&s, ENCRYPT_ID, last.ts_ns + AGO, &last, err);
	if (rc >= 0)
		rc = tracedat_pack_flush(&s.pack, err);
	stream_close(stream);
	names_free(names);
	return (int)rc;
}
