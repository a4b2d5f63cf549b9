/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracedat/tracedat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collectors/decode/decode.h"
#include "collectors/tracedat/file.h"
#include "collectors/tracedat/page.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/stream.h"

/* Read at once per CPU: small enough for the second-level cache, less when there are many CPUs. */
#define WINDOW (128u << 10)
#define WINDOWS (16u << 20)

/* A task's name, by pid: an open table, a power of two in size. */
struct comm {
	int32_t pid; /* -1: empty */
	uint16_t name;
};

struct reader {
	struct tracedat_cpu cpu;
	struct stream_cpu *info;
	int32_t pid; /* of the last record, and its task's name */
	uint16_t comm;
	uint16_t number;
	uint16_t buffer; /* index in the file's buffers */
};

struct tracedat {
	struct stream stream; /* first */
	int own_fd;
	struct names *names;
	struct tracedat_file file;
	struct decode *decode;
	struct comm *comms;
	size_t comms_mask;
	struct tracedat_room room;
	struct tracedat_ahead *ahead; /* NULL where nothing is compressed */
	struct reader *readers;
	size_t nreaders;
	struct reader **heap; /* readers that hold a record, the earliest first */
	size_t nheap;
	/* with several buffers: which one has the DMA events of a type, plus 1; by common_type */
	uint16_t *owners;
	bool started;
	bool in_record;		     /* record was only partly delivered */
	struct decode_record record; /* of heap[0] */
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* ---- task names ---- */

static struct comm *comm_slot(const struct tracedat *td, int32_t pid)
{
	size_t i = ((uint32_t)pid * 2654435761u) & td->comms_mask;

	while (td->comms[i].pid != -1 && td->comms[i].pid != pid)
		i = (i + 1) & td->comms_mask;
	return &td->comms[i];
}

/* Lines "pid name". */
static void comms_read(struct tracedat *td)
{
	const char *p = td->file.cmdlines ? td->file.cmdlines : "",
		   *end = p + td->file.cmdlines_len;
	size_t lines = 2, size = 16;

	for (size_t i = 0; i < td->file.cmdlines_len; i++)
		lines += p[i] == '\n';
	/* the shortest line has 4 bytes: empty ones cost no memory */
	if (lines > td->file.cmdlines_len / 4 + 2)
		lines = td->file.cmdlines_len / 4 + 2;
	while (size < 2 * lines)
		size *= 2;
	td->comms = xcalloc(size, sizeof(*td->comms));
	td->comms_mask = size - 1;
	for (size_t i = 0; i < size; i++)
		td->comms[i].pid = -1;
	*comm_slot(td, 0) = (struct comm){ 0, names_intern(td->names, "<idle>", 6) };
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p)), *name;
		char *word_end;
		long pid = strtol(p, &word_end, 10);

		if (!eol)
			eol = end;
		name = word_end + 1;
		if (word_end > p && *word_end == ' ' && name < eol && pid > 0 && pid <= INT32_MAX)
			*comm_slot(td, (int32_t)pid) =
				(struct comm){ (int32_t)pid, names_intern(td->names, name,
									  (size_t)(eol - name)) };
		p = eol + 1;
	}
}

/* ---- merging ---- */

static bool earlier(const struct reader *a, const struct reader *b)
{
	return a->cpu.ts_ns < b->cpu.ts_ns || (a->cpu.ts_ns == b->cpu.ts_ns && a < b);
}

/* Restore the order of the heap below i. */
static void heap_sink(struct tracedat *td, size_t i)
{
	struct reader *reader = td->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= td->nheap)
			break;
		if (child + 1 < td->nheap && earlier(td->heap[child + 1], td->heap[child]))
			child++;
		if (!earlier(td->heap[child], reader))
			break;
		td->heap[i] = td->heap[child];
		i = child;
	}
	td->heap[i] = reader;
}

/* The second earliest reader, or NULL. */
static const struct reader *heap_second(const struct tracedat *td)
{
	if (td->nheap < 2)
		return NULL;
	if (td->nheap == 2 || earlier(td->heap[1], td->heap[2]))
		return td->heap[1];
	return td->heap[2];
}

static int merge_start(struct tracedat *td, struct err *err)
{
	td->started = true;
	for (size_t i = 0; i < td->nreaders; i++) {
		int rc = tracedat_cpu_next(&td->readers[i].cpu, err);

		if (rc < 0)
			return rc;
		if (rc)
			td->heap[td->nheap++] = &td->readers[i];
	}
	for (size_t i = td->nheap; i-- > 0;)
		heap_sink(td, i);
	return 0;
}

/* ---- events ---- */

static void lost_event(struct reader *reader, struct event *out)
{
	struct stream_cpu *info = reader->info;

	*out = (struct event){
		.ts_ns = reader->cpu.ts_ns,
		.orig = EVENT_NO_ADDR,
		.dma = EVENT_NO_ADDR,
		.size = reader->cpu.lost,
		.cpu = reader->number,
		.kind = EVENT_LOST,
		.dir = EVENT_DIR_NONE,
	};
	info->lost += reader->cpu.lost;
	info->lost_unknown |= !reader->cpu.lost;
	info->from_start = false;
}

/* The reader's record becomes the current one; what its reader has in common is there already. */
static inline void record_begin(struct tracedat *td, const struct reader *reader)
{
	struct decode_record *record = &td->record;
	int32_t pid = reader->cpu.len >= 8 ? decode_pid(reader->cpu.data) : 0;

	record->data = reader->cpu.data;
	record->len = reader->cpu.len;
	record->ts_ns = reader->cpu.ts_ns;
	record->resume = 0;
	if (record->pid != pid) {
		record->pid = pid;
		record->comm = comm_slot(td, pid)->name;
	}
}

/*
 * An event that is on in two buffers is recorded twice, and a second map of one address looks like
 * a violation: then which is which is unknown.
 */
static int owner_check(struct tracedat *td, const struct reader *reader, struct err *err)
{
	const struct tracedat_buffer *buffers = td->file.buffers;
	uint16_t type, *owner;

	memcpy(&type, reader->cpu.data, sizeof(type));
	owner = &td->owners[type];
	if (*owner == 0)
		*owner = reader->buffer + 1;
	if (*owner == reader->buffer + 1)
		return 0;
	return err_set(err, ENOTSUP,
		       "%s has the same kind of DMA event in two buffers, '%s' and '%s'; record "
		       "them in one",
		       td->file.path, buffers[*owner - 1].name, buffers[reader->buffer].name);
}

static bool is_dma(const struct event *event)
{
	return event_group(event->kind) != EVENT_GROUP_OTHER;
}

static void run_begin(struct tracedat *td, const struct reader *reader)
{
	if (td->in_record)
		return;
	td->record.cpu = reader->number;
	td->record.pid = reader->pid;
	td->record.comm = reader->comm;
}

/* first_ns: when the first of these records was. */
static void run_end(const struct tracedat *td, struct reader *reader, uint64_t records,
		    uint64_t first_ns)
{
	struct stream_cpu *info = reader->info;

	reader->pid = td->record.pid;
	reader->comm = td->record.comm;
	if (!records)
		return;
	if (!info->events)
		info->first_ns = first_ns;
	info->events += records;
	info->last_ns = td->record.ts_ns;
}

/*
 * Deliver from the earliest reader for as long as it stays the earliest; mostly
 * one CPU has many records before another has one.
 */
static ssize_t read_run(struct tracedat *td, struct event *buf, size_t max, struct err *err)
{
	struct reader *reader = td->heap[0];
	const struct reader *second = heap_second(td);
	uint64_t records = 0, first_ns = 0;
	bool in_record = td->in_record;
	size_t n = 0, got;
	int rc = 0;

	run_begin(td, reader);
	do {
		if (!in_record && !reader->cpu.data) {
			lost_event(reader, buf + n);
			got = 1;
		} else {
			if (!in_record) {
				record_begin(td, reader);
				first_ns = records++ ? first_ns : td->record.ts_ns;
			}
			got = decode_record(td->decode, &td->record, buf + n, max - n);
			in_record = td->record.resume != 0;
		}
		if (td->owners && got && is_dma(&buf[n])) {
			rc = owner_check(td, reader, err);
			if (rc < 0)
				break;
		}
		n += got;
		if (in_record)
			break;
		rc = tracedat_cpu_next(&reader->cpu, err);
	} while (rc > 0 && n < max && (!second || earlier(reader, second)));
	run_end(td, reader, records, first_ns);
	td->in_record = in_record;
	if (rc < 0)
		return rc;
	if (in_record) /* out is full */
		return (ssize_t)n;
	if (!rc)
		td->heap[0] = td->heap[--td->nheap];
	if (td->nheap)
		heap_sink(td, 0);
	return (ssize_t)n;
}

static ssize_t tracedat_read(struct stream *stream, struct event *buf, size_t max, struct err *err)
{
	struct tracedat *td = (struct tracedat *)stream;
	uint64_t start = now_ns();
	ssize_t n = 0;
	int rc = 0;

	if (!td->started)
		rc = merge_start(td, err);
	while (rc >= 0 && td->nheap && (size_t)n < max) {
		ssize_t got = read_run(td, buf + n, max - (size_t)n, err);

		if (got < 0)
			rc = (int)got;
		else
			n += got;
	}
	stream->info.unordered = 0;
	for (size_t i = 0; i < td->nreaders; i++)
		stream->info.unordered += td->readers[i].cpu.unordered;
	stream->info.read_ns += now_ns() - start;
	return rc < 0 ? rc : n;
}

static void tracedat_close(struct stream *stream)
{
	struct tracedat *td = (struct tracedat *)stream;

	tracedat_ahead_free(td->ahead);
	for (size_t i = 0; i < td->nreaders; i++)
		tracedat_cpu_release(&td->readers[i].cpu);
	free(td->readers);
	free(td->heap);
	free(td->comms);
	free(td->owners);
	decode_free(td->decode);
	tracedat_file_release(&td->file);
	if (td->own_fd >= 0)
		close(td->own_fd);
	stream_info_release(&stream->info);
	free(td);
}

static struct stream *tracedat_again(struct stream *stream, struct names *names, struct err *err)
{
	struct tracedat *td = (struct tracedat *)stream;

	return tracedat_open_fd(td->file.fd, td->file.path, names, err);
}

static const struct stream_ops tracedat_ops = { .read = tracedat_read,
						.again = tracedat_again,
						.close = tracedat_close };

/* ---- opening ---- */

static bool holds_data(const struct tracedat_buffer *buffer)
{
	for (size_t i = 0; i < buffer->ndata; i++)
		if (buffer->data[i].size)
			return true;
	return false;
}

static const struct tracedat_stat *stat_find(const struct tracedat_file *file, const char *buffer,
					     uint32_t cpu)
{
	for (size_t i = 0; i < file->nstats; i++)
		if (file->stats[i].cpu == cpu && strcmp(file->stats[i].buffer, buffer) == 0)
			return &file->stats[i];
	return NULL;
}

static void cpu_describe(struct stream_cpu *info, const struct tracedat_file *file,
			 const struct tracedat_buffer *buffer, const struct tracedat_data *data)
{
	const struct tracedat_stat *stat = stat_find(file, buffer->name, data->cpu);

	info->cpu = data->cpu;
	if (!stat)
		return;
	info->has_stats = stat->complete;
	info->overrun = stat->overrun;
	info->commit_overrun = stat->commit_overrun;
	info->dropped = stat->dropped;
	info->written = stat->written;
	info->has_read = stat->has_read;
	info->read = stat->read;
	info->left = stat->left;
	info->from_start = !stat->overrun;
}

/* A CPU of which the file has statistics and no data at all: events of it may be missing. */
static void cpus_without_data(struct stream_info *info, const struct tracedat_file *file,
			      const struct tracedat_buffer *buffer)
{
	for (size_t i = 0; i < file->nstats; i++) {
		const struct tracedat_stat *stat = &file->stats[i];
		const struct tracedat_data where = { .cpu = stat->cpu };
		bool has = !stat->has_read || stat->cpu > UINT16_MAX ||
			   strcmp(stat->buffer, buffer->name) != 0;

		for (size_t k = 0; k < buffer->ndata && !has; k++)
			has = buffer->data[k].cpu == stat->cpu;
		for (size_t k = 0; k < i && !has; k++)
			has = file->stats[k].cpu == stat->cpu &&
			      strcmp(file->stats[k].buffer, stat->buffer) == 0;
		if (!has)
			cpu_describe(&info->cpus[info->ncpus++], file, buffer, &where);
	}
}

/* Is this one of the buffers to read?  See tracedat.h. */
static bool is_chosen(const struct tracedat_buffer *buffer, bool ccaio_only)
{
	return ccaio_only ? strcmp(buffer->name, "ccaio") == 0 : holds_data(buffer);
}

static void readers_make(struct tracedat *td)
{
	struct stream_info *info = &td->stream.info;
	bool ccaio_only = false, any = false, packed = false;
	size_t count = 0, chosen = 0, window;

	for (size_t i = 0; i < td->file.nbuffers; i++) {
		const struct tracedat_buffer *buffer = &td->file.buffers[i];

		ccaio_only |= strcmp(buffer->name, "ccaio") == 0 && holds_data(buffer);
		any |= holds_data(buffer);
		packed |= buffer->compressed && holds_data(buffer);
		count += buffer->ndata;
	}
	window = count ? WINDOWS / count : WINDOW;
	window = window < WINDOW ? window : WINDOW;
	if (packed)
		td->ahead = tracedat_ahead_new(count);
	td->readers = xcalloc(count + 1, sizeof(*td->readers));
	td->heap = xcalloc(count + 1, sizeof(*td->heap));
	info->cpus = xcalloc(count + td->file.nstats + 1, sizeof(*info->cpus));
	for (size_t i = 0; i < td->file.nbuffers; i++) {
		const struct tracedat_buffer *buffer = &td->file.buffers[i];

		if (any && !is_chosen(buffer, ccaio_only))
			continue;
		chosen += holds_data(buffer);
		if (buffer->clock && !info->clock)
			info->clock = xstrdup(buffer->clock);
		for (size_t k = 0; k < buffer->ndata; k++) {
			struct reader *reader = &td->readers[td->nreaders++];

			reader->info = &info->cpus[info->ncpus++];
			reader->number = (uint16_t)buffer->data[k].cpu;
			reader->buffer = (uint16_t)i;
			reader->pid = 0;
			reader->comm = comm_slot(td, 0)->name;
			cpu_describe(reader->info, &td->file, buffer, &buffer->data[k]);
			tracedat_cpu_init(&reader->cpu, &td->file, buffer, &buffer->data[k], window,
					  &td->room, buffer->compressed ? td->ahead : NULL);
		}
		cpus_without_data(info, &td->file, buffer);
	}
	if (chosen > 1)
		td->owners = xcalloc(UINT16_MAX + 1, sizeof(*td->owners));
}

/*
 * "Linux host 7.2.1 aarch64": the last two words.  A host name of ccaio's has the boot's number
 * behind a slash, which no host name holds.
 */
static void uname_describe(struct stream_info *info, const char *uname)
{
	const char *machine = strrchr(uname, ' '), *release = machine;
	const char *boot = info->by_ccaio ? strchr(uname, '/') : NULL;

	if (!machine)
		return;
	while (release > uname && release[-1] != ' ')
		release--;
	info->arch = xstrdup(machine + 1);
	info->release = xstrndup(release, (size_t)(machine - release));
	if (boot && boot < release)
		info->boot_id = xstrndup(boot + 1, strcspn(boot + 1, " "));
}

static void describe(struct tracedat *td)
{
	struct stream_info *info = &td->stream.info;
	const char *recorder = td->file.recorder;

	if (recorder && strncmp(recorder, "ccaio ", 6) == 0) {
		info->by_ccaio = true;
		info->recorder = xstrdup(recorder);
	} else if (recorder && strncmp(recorder, TRACEDAT_MODEL, strlen(TRACEDAT_MODEL)) == 0) {
		info->recorder = xstrdup(recorder);
	} else if (recorder) {
		info->recorder =
			xasprintf("trace-cmd %.*s", (int)strcspn(recorder, " \n"), recorder);
	}
	if (td->file.uname)
		uname_describe(info, td->file.uname);
	if (!info->clock && td->file.clock)
		info->clock = xstrdup(td->file.clock);
	info->formats = decode_take_formats(td->decode, &info->nformats);
}

static void format_add(void *arg, const char *system, const char *text, size_t len)
{
	struct tracedat *td = arg;

	/* the page size stands in front of the formats in every file */
	if (!td->decode)
		td->decode = decode_new(td->names, td->file.page_size);
	decode_add(td->decode, system, text, len);
}

static struct tracedat *tracedat_new(struct names *names)
{
	struct tracedat *td = xcalloc(1, sizeof(*td));

	td->stream.ops = &tracedat_ops;
	td->own_fd = -1;
	td->room.left = TRACEDAT_ROOM;
	td->names = names;
	return td;
}

/* rc: of reading what the file says about itself. */
static struct stream *tracedat_opened(struct tracedat *td, int rc)
{
	if (rc < 0) {
		tracedat_close(&td->stream);
		return NULL;
	}
	if (!td->decode)
		td->decode = decode_new(td->names, td->file.page_size);
	if (td->file.kallsyms)
		decode_set_symbols(td->decode, td->file.kallsyms, td->file.kallsyms_len);
	comms_read(td);
	readers_make(td);
	describe(td);
	return &td->stream;
}

struct stream *tracedat_open_fd(int fd, const char *path, struct names *names, struct err *err)
{
	struct tracedat *td = tracedat_new(names);

	return tracedat_opened(td, tracedat_file_read(&td->file, fd, path, format_add, td, err));
}

struct stream *tracedat_open_part(int fd, uint64_t at, uint64_t size, const char *path,
				  struct names *names, struct err *err)
{
	struct tracedat *td = tracedat_new(names);

	return tracedat_opened(
		td, tracedat_file_read_part(&td->file, fd, at, size, path, format_add, td, err));
}

struct stream *tracedat_open(const char *path, struct names *names, struct err *err)
{
	struct stream *stream;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		err_sys(err, "cannot open %s", path);
		return NULL;
	}
	stream = tracedat_open_fd(fd, path, names, err);
	if (stream)
		((struct tracedat *)stream)->own_fd = fd;
	else
		close(fd);
	return stream;
}
