/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A second opinion on real recordings: libtracecmd and libtraceevent must see the same
 * records, times, losses and field values in every file as ccaio's own reader.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trace-cmd/trace-cmd.h>

#include "collectors/decode/decode.h"
#include "collectors/tracedat/file.h"
#include "collectors/tracedat/page.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/evidence/stream.h"
#include "tests/unit/test.h"

#define DATA "tests/data/trace/"

struct both {
	struct tracecmd_input *theirs;
	struct tep_handle *tep;
	struct tracedat_file file;
	struct decode *decode;
	struct names *names;
	size_t records, lost, compared, differ;
};

static void add_format(void *arg, const char *system, const char *text, size_t len)
{
	decode_add(((struct both *)arg)->decode, system, text, len);
}

/* Which field of which event becomes which member: written down again, not taken from decode's
 * table. */
static const struct {
	const char *event, *field;
	size_t offset, size;
} members[] = {
#define M(name, from, to)                                                               \
	{                                                                               \
		name, from, offsetof(struct event, to), sizeof(((struct event *)0)->to) \
	}
	M("swiotlb_bounced", "dev_addr", orig),
	M("swiotlb_bounced", "size", size),
	M("dma_map_page", "phys_addr", orig),
	M("dma_map_page", "dma_addr", dma),
	M("dma_map_page", "size", size),
	M("dma_map_page", "dir", dir),
	M("dma_map_phys", "phys_addr", orig),
	M("dma_map_phys", "dma_addr", dma),
	M("dma_map_phys", "size", size),
	M("dma_map_phys", "dir", dir),
	M("dma_map_phys", "attrs", attrs),
	M("dma_unmap_page", "addr", dma),
	M("dma_unmap_phys", "addr", dma),
	M("dma_unmap_phys", "size", size),
	M("dma_alloc", "dma_addr", dma),
	M("dma_alloc", "size", size),
	M("dma_sync_single_for_cpu", "dma_addr", dma),
	M("dma_sync_single_for_cpu", "size", size),
	M("dma_sync_single_for_device", "dma_addr", dma),
	M("dma_sync_single_for_device", "dir", dir),
	M("net_dev_start_xmit", "skbaddr", link),
	M("net_dev_start_xmit", "len", size),
	M("netif_receive_skb", "len", size),
	M("sock_send_length", "sk", link),
	M("block_rq_issue", "sector", dma),
	M("block_rq_issue", "bytes", size),
	M("block_rq_complete", "sector", dma),
	M("sched_process_fork", "child_pid", aux),
#undef M
};

static uint64_t member(const struct event *event, size_t offset, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, (const char *)event + offset, size);
	return value;
}

static void compare_fields(struct both *b, struct tep_record *theirs, const struct event *ours)
{
	struct tep_event *event = tep_find_event_by_record(b->tep, theirs);

	b->differ += tep_data_pid(b->tep, theirs) != ours->pid;
	for (size_t i = 0; event && i < sizeof(members) / sizeof(members[0]); i++) {
		struct tep_format_field *field;
		uint64_t value;

		if (strcmp(event->name, members[i].event) != 0)
			continue;
		field = tep_find_field(event, members[i].field);
		if (!field)
			continue;
		value = tep_read_number(b->tep, (char *)theirs->data + field->offset, field->size);
		b->compared++;
		b->differ += value != member(ours, members[i].offset, members[i].size);
	}
}

static void compare_device(struct both *b, struct tep_record *theirs, const struct event *ours)
{
	struct tep_event *event = tep_find_event_by_record(b->tep, theirs);
	struct tep_format_field *field = event ? tep_find_field(event, "device") : NULL;
	uint32_t loc;

	if (!field)
		return;
	memcpy(&loc, (char *)theirs->data + field->offset, 4);
	b->compared++;
	b->differ +=
		strcmp((char *)theirs->data + (loc & 0xffff), names_get(b->names, ours->dev)) != 0;
}

static void compare_record(struct both *b, struct tep_record *theirs,
			   const struct tracedat_cpu *ours)
{
	struct decode_record record = { .data = ours->data,
					.len = ours->len,
					.ts_ns = ours->ts_ns,
					.pid = decode_pid(ours->data) };
	struct event events[1];

	b->records++;
	b->differ += theirs->ts != ours->ts_ns || theirs->size != (int)ours->len ||
		     memcmp(theirs->data, ours->data, ours->len) != 0;
	if (decode_record(b->decode, &record, events, 1) == 0)
		return;
	b->differ += events[0].kind == EVENT_UNDECODED;
	/* the first entry of a scatter-gather event has no field to compare with */
	if (!(events[0].flags & EVENT_F_SG))
		compare_fields(b, theirs, &events[0]);
	compare_device(b, theirs, &events[0]);
}

static void compare_cpu(struct both *b, const struct tracedat_data *data)
{
	struct tep_record *theirs;
	struct tracedat_room room = { TRACEDAT_ROOM };
	struct tracedat_cpu ours;
	struct err err = { "" };
	int rc;

	tracedat_cpu_init(&ours, &b->file, &b->file.buffers[0], data, 10000, &room, NULL);
	while ((theirs = tracecmd_read_data(b->theirs, (int)data->cpu)) != NULL) {
		rc = tracedat_cpu_next(&ours, &err);
		if (rc == 1 && !ours.data) {
			long long lost = ours.lost ? (long long)ours.lost : -1;

			b->lost++;
			b->differ += theirs->missed_events != lost;
			rc = tracedat_cpu_next(&ours, &err);
		} else {
			b->differ += theirs->missed_events != 0;
		}
		if (rc == 1)
			compare_record(b, theirs, &ours);
		else
			b->differ++;
		tracecmd_free_record(theirs);
	}
	b->differ += tracedat_cpu_next(&ours, &err) != 0;
	tracedat_cpu_release(&ours);
}

/* Returns the number of records in the file. */
static size_t compare_file(const char *path, size_t *lost)
{
	struct both b = { .names = names_new() };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct err err = { "" };

	b.decode = decode_new(b.names, 4096);
	check(tracedat_file_read(&b.file, fd, path, add_format, &b, &err) == 0);
	b.theirs = tracecmd_open(path, 0);
	check(b.theirs != NULL);
	if (b.theirs && b.file.nbuffers == 1) {
		b.tep = tracecmd_get_tep(b.theirs);
		for (size_t i = 0; i < b.file.buffers[0].ndata; i++)
			compare_cpu(&b, &b.file.buffers[0].data[i]);
		tracecmd_close(b.theirs);
	}
	check(b.records > 0);
	check(b.compared > 0);
	check(b.differ == 0);
	if (b.differ)
		printf("# %s: %zu of %zu differ\n", path, b.differ, b.records);
	*lost = b.lost;
	tracedat_file_release(&b.file);
	decode_free(b.decode);
	names_free(b.names);
	close(fd);
	return b.records;
}

int main(void)
{
	static const struct {
		const char *name;
		size_t records, lost;
	} files[] = {
		{ "generated-v6", 1504, 3 },
		{ "linux-5.10-probes", 776, 0 },
		{ "linux-5.10-probes-noforce", 459, 0 },
		{ "linux-6.1-forced", 575, 0 },
		{ "linux-6.1-probes", 267, 0 },
		{ "linux-6.12-forced", 1428, 0 },
		{ "linux-7.2-forced-since-boot", 1627, 0 },
		{ "linux-7.2-lost", 5928, 5 },
		{ "linux-7.2-no-access-platform", 232, 0 },
		{ "linux-7.2-noforce", 995, 0 },
		{ "linux-7.2-sg", 3639, 0 },
		{ "realm-6.12", 5651, 0 },
		{ "realm-7.2", 5446, 0 },
	};

	/* Debian's libtracecmd has no zlib: linux-7.2-forced is compared through its content below.
	 */
	tracecmd_set_loglevel(TEP_LOG_NONE);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = xasprintf(DATA "%s.dat", files[i].name);
		size_t lost, records = compare_file(path, &lost);

		printf("# %s: %zu records, %zu losses\n", path, records, lost);
		check(records == files[i].records);
		check(lost == files[i].lost);
		free(path);
	}
	return done();
}
