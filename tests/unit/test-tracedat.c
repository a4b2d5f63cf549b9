/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the writer wrote, the reader reads: containers, pages, merging, damage. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/tracedat/encode.h"
#include "collectors/tracedat/pack.h"
#include "collectors/tracedat/tracedat.h"
#include "collectors/tracedat/write.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/evidence/stream.h"
#include "tests/unit/test.h"

#define CPUS 4

static char dir[] = "/tmp/test-tracedat-XXXXXX";
static char path[64];

/* One recording in the making. */
struct making {
	struct tracedat_writer *writer;
	struct tracedat_pack packs[CPUS];
	struct names *names;
};

struct cpu_arg {
	struct tracedat_writer *writer;
	unsigned int cpu;
};

static struct cpu_arg args[CPUS];

static int page_out(void *arg, const void *page, size_t size, struct err *err)
{
	struct cpu_arg *a = arg;

	return tracedat_writer_pages(a->writer, a->cpu, page, size, err);
}

static struct making making_begin(void)
{
	struct making m = { .names = names_new() };

	m.writer = tracedat_writer_open(AT_FDCWD, path, CPUS, 4096, NULL);
	encode_formats(m.writer);
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		args[cpu] = (struct cpu_arg){ m.writer, cpu };
		tracedat_pack_init(&m.packs[cpu], page_out, &args[cpu]);
	}
	return m;
}

static void making_add(struct making *m, const struct event *event)
{
	struct tracedat_pack *pack = &m->packs[event->cpu];
	uint8_t buf[ENCODE_MAX];
	size_t len;

	if (event->kind == EVENT_LOST) {
		tracedat_pack_lost(pack, event->size, NULL);
		return;
	}
	len = encode_record(event, m->names, buf);
	check(len > 0);
	check(tracedat_pack_record(pack, event->ts_ns, buf, len, NULL) == 0);
}

static int making_end(struct making *m, struct err *err)
{
	static const char stats[] = "CPU: 1\nentries: 59\noverrun: 28276\ncommit overrun: 834\n"
				    "bytes: 4052\ndropped events: 7\nread events: 31827\n";
	static const char clock[] = "local [mono] boot\n";
	int rc;

	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		tracedat_pack_flush(&m->packs[cpu], err);
	tracedat_writer_cmdlines(m->writer, "77 keybroker-app\n1 init", 23);
	tracedat_writer_option(m->writer, TRACEDAT_OPTION_CPUSTAT, stats, sizeof(stats));
	tracedat_writer_option(m->writer, TRACEDAT_OPTION_TRACECLOCK, clock, sizeof(clock));
	tracedat_writer_option(m->writer, TRACEDAT_OPTION_UNAME, "Linux realm 7.2.1 aarch64", 26);
	tracedat_writer_option(m->writer, TRACEDAT_OPTION_VERSION, "ccaio 0.1", 10);
	rc = tracedat_writer_finish(m->writer, err);
	tracedat_writer_close(m->writer);
	names_free(m->names);
	return rc;
}

static struct event make(enum event_kind kind, uint64_t ts_ns, uint16_t cpu)
{
	return (struct event){ .kind = kind,
			       .ts_ns = ts_ns,
			       .cpu = cpu,
			       .pid = 77,
			       .orig = EVENT_NO_ADDR,
			       .dma = EVENT_NO_ADDR,
			       .dir = EVENT_DIR_NONE };
}

/* Read everything; returns the count, or what the reader said. */
static ssize_t read_all(struct event *events, size_t max, struct stream **stream,
			struct names *names, struct err *err)
{
	size_t total = 0;
	ssize_t n;

	*stream = tracedat_open(path, names, err);
	if (!*stream)
		return -EBADMSG;
	/* two at a time: scatter-gather records get cut in the middle */
	while ((n = stream_read(*stream, events + total, max - total < 2 ? max - total : 2, err)) >
	       0)
		total += (size_t)n;
	return n < 0 ? n : (ssize_t)total;
}

static void same(const struct event *a, const struct event *b)
{
	check(a->kind == b->kind);
	check(a->ts_ns == b->ts_ns && a->cpu == b->cpu && a->pid == b->pid);
	check(a->orig == b->orig);
	check(a->dma == b->dma);
	check(a->size == b->size);
	check(a->link == b->link);
	check(a->attrs == b->attrs && a->aux == b->aux && a->flags == b->flags && a->dir == b->dir);
	check(a->context == b->context);
}

/* Put events of the DMA API behind the first n.  Returns how many they are then. */
static size_t make_dma(struct event *in, size_t n, uint16_t dev)
{
	in[n] = make(EVENT_BOUNCE, 1000, 0);
	in[n].orig = 0x4375bb86, in[n].size = 98, in[n].flags = EVENT_F_FORCED;
	in[n].context = EVENT_CONTEXT_SOFTIRQ, in[n++].dev = dev;
	in[n] = make(EVENT_MAP, 1010, 0);
	in[n].orig = 0x4375bb86, in[n].dma = 0x72a9c800, in[n].size = 98,
	in[n].dir = EVENT_TO_DEVICE;
	in[n].attrs = 0x2000, in[n++].dev = dev;
	in[n] = make(EVENT_SYNC_CPU, 1020, 1);
	in[n].dma = 0x72a9c800, in[n].size = 9, in[n].dir = EVENT_FROM_DEVICE, in[n++].dev = dev;
	in[n] = make(EVENT_SYNC_DEVICE, 1030, 2);
	in[n].dma = 0x72a9c800, in[n].size = 9, in[n].dir = EVENT_BIDIRECTIONAL, in[n++].dev = dev;
	in[n] = make(EVENT_UNMAP, 1040, 3);
	in[n].dma = 0x72a9c800, in[n].size = 98, in[n].dir = EVENT_TO_DEVICE, in[n++].dev = dev;
	in[n] = make(EVENT_MAP, 1050, 0);
	in[n].orig = 0x1000, in[n].dma = 0x2000, in[n].size = 512, in[n].dir = EVENT_FROM_DEVICE;
	in[n].flags = EVENT_F_SG, in[n++].dev = dev;
	in[n] = make(EVENT_UNMAP, 1060, 0);
	in[n].orig = 0x1000, in[n].dir = EVENT_FROM_DEVICE;
	in[n].flags = EVENT_F_SG | EVENT_F_BY_ORIG, in[n++].dev = dev;
	in[n] = make(EVENT_ALLOC, 1070, 0);
	in[n].dma = 0x7bc20000, in[n].size = 6726, in[n].link = 0xfff0000003739a00, in[n].dir = 0;
	in[n++].dev = dev;
	in[n] = in[n - 1];
	in[n].kind = EVENT_FREE, in[n++].ts_ns = 1080;
	in[n] = make(EVENT_MAP_FAILED, 1090, 0);
	in[n].aux = (uint32_t)-ENOMEM, in[n].dir = EVENT_TO_DEVICE, in[n].flags = EVENT_F_SG;
	in[n].orig = 0x3000;
	in[n++].dev = dev;
	in[n] = make(EVENT_MAP_FAILED, 1095, 0);
	in[n].aux = 4, in[n].flags = EVENT_F_SG | EVENT_F_PROBE;
	in[n].context = EVENT_CONTEXT_HARDIRQ, in[n++].dev = dev;
	return n;
}

/* What becomes shared, and devices that are accepted. */
static size_t make_shared(struct event *in, size_t n, uint16_t dev)
{
	in[n] = make(EVENT_DECRYPT, 1100, 0);
	in[n].link = 0xffff000040100000, in[n].orig = 0x40100000, in[n].size = 8192;
	in[n++].flags = EVENT_F_PROBE;
	in[n] = make(EVENT_ENCRYPT, 1101, 0);
	in[n].link = 0xffff000040100000, in[n].orig = 0x40100000, in[n].size = 4096;
	in[n].flags = EVENT_F_PROBE, in[n++].dev = dev;
	in[n] = make(EVENT_DECRYPT, 1102, 0); /* where the linear map begins is not known */
	in[n].link = 0xffff000040200000, in[n].size = 4096;
	in[n++].flags = EVENT_F_PROBE | EVENT_F_VIRT;
	in[n] = make(EVENT_TSM, 1103, 0);
	in[n].aux = EVENT_TSM_RUN, in[n].flags = EVENT_F_PROBE, in[n++].dev = dev;
	return n;
}

/* All else: markers, tasks, sockets, packets, virtqueues. */
static size_t make_others(struct event *in, size_t n, uint16_t eth)
{
	in[n] = make(EVENT_MARK, 1110, 2);
	in[n].aux = EVENT_MARK_START, in[n++].link = 0x0123456789abcdef;
	in[n] = make(EVENT_NET_XMIT, 1120, 2);
	in[n].link = 0xffff1, in[n].size = 151, in[n++].dev = eth;
	in[n] = make(EVENT_SOCK_SEND, 1130, 2);
	in[n].link = 0xffff2, in[n++].size = 77;
	in[n] = make(EVENT_FORK, 1140, 2);
	in[n++].aux = 78;
	in[n] = make(EVENT_VQ_ADD, UINT64_C(1140) << 28, 2); /* a time extend */
	in[n].orig = 0xf00, in[n].link = 0xf01, in[n].aux = 2, in[n++].flags = EVENT_F_PROBE;
	in[n] = make(EVENT_NET_ENTER, UINT64_C(1141) << 28, 2);
	in[n].link = 0xffff1, in[n].size = 137, in[n].aux = 3, in[n++].dev = eth;
	in[n] = make(EVENT_NET_MERGE, UINT64_C(1142) << 28, 2);
	in[n].link = 0xffff3, in[n].orig = 0xffff1;
	in[n].aux = (uint32_t)-E2BIG, in[n++].flags = EVENT_F_PROBE;
	return n;
}

/* What making_end() says of the recording, and what was counted while it was read. */
static void check_info(const struct stream_info *info)
{
	check(info->by_ccaio && strcmp(info->recorder, "ccaio 0.1") == 0);
	check(strcmp(info->clock, "mono") == 0 && strcmp(info->arch, "aarch64") == 0);
	check(strcmp(info->release, "7.2.1") == 0);
	check(info->ncpus == CPUS && info->cpus[1].has_stats);
	check(info->cpus[1].overrun == 28276 && info->cpus[1].commit_overrun == 834);
	check(info->cpus[1].written == 59 + 31827);
	check(info->cpus[1].dropped == 7 && !info->cpus[1].from_start);
	check(info->cpus[1].has_read && info->cpus[1].read == 31827);
	check(info->cpus[1].left == 59 && !info->cpus[0].has_read);
	check(!info->cpus[0].has_stats && info->cpus[3].events == 1);
	check(info->cpus[3].first_ns == 1040 && info->cpus[3].last_ns == 1040);
	check(info->unordered == 0);
	for (size_t i = 0; i < info->nformats; i++)
		check(info->formats[i].decoded);
}

/* Each kind there and back. */
static void test_kinds(void)
{
	struct making m = making_begin();
	uint16_t dev = names_intern(m.names, "0000:00:01.0", 12),
		 eth = names_intern(m.names, "eth0", 4);
	struct names *names = names_new();
	struct event in[32], out[64];
	struct stream *stream;
	struct err err = { "" };
	size_t n = make_dma(in, 0, dev);

	n = make_shared(in, n, dev);
	n = make_others(in, n, eth);
	for (size_t i = 0; i < n; i++)
		making_add(&m, &in[i]);
	check(making_end(&m, &err) == 0);

	check(read_all(out, 64, &stream, names, &err) == (ssize_t)n);
	for (size_t i = 0; i < n; i++)
		same(&in[i], &out[i]);
	check(strcmp(names_get(names, out[0].dev), "0000:00:01.0") == 0);
	check(strcmp(names_get(names, out[12].dev), "0000:00:01.0") == 0);
	check(strcmp(names_get(names, out[14].dev), "0000:00:01.0") == 0);
	check(strcmp(names_get(names, out[16].dev), "eth0") == 0);
	check(strcmp(names_get(names, out[0].comm), "keybroker-app") == 0);
	check_info(&stream->info);
	stream_close(stream);
	names_free(names);
}

/* Lost pages are said where they were lost, with their number where the page has it. */
static void test_lost(void)
{
	struct making m = making_begin();
	struct names *names = names_new();
	struct stream *stream;
	struct event e, out[16];

	e = make(EVENT_SYNC_CPU, 10, 1);
	making_add(&m, &e);
	e = make(EVENT_LOST, 0, 1);
	e.size = 268;
	making_add(&m, &e);
	e = make(EVENT_SYNC_CPU, 30, 1);
	making_add(&m, &e);
	e = make(EVENT_LOST, 0, 1);
	making_add(&m, &e);
	check(making_end(&m, NULL) == 0);
	check(read_all(out, 16, &stream, names, NULL) == 4);
	check(out[1].kind == EVENT_LOST && out[1].size == 268 && out[1].ts_ns == 30 &&
	      out[1].cpu == 1);
	check(out[2].kind == EVENT_SYNC_CPU && out[3].kind == EVENT_LOST && out[3].size == 0);
	check(stream->info.cpus[1].lost == 268 && stream->info.cpus[1].lost_unknown);
	check(stream->info.cpus[1].events == 2);
	stream_close(stream);
	names_free(names);
}

/* Many events on four CPUs, over many pages, with equal times. */
static void test_merge(void)
{
	enum { COUNT = 20000 };
	struct making m = making_begin();
	struct names *names = names_new();
	struct event *out = xcalloc(COUNT + 1, sizeof(*out));
	uint64_t next[CPUS] = { 0 }, ts = 5;
	unsigned int seed = 1;
	struct stream *stream;
	bool order = true, cpu_order = true, ties = true;

	for (unsigned int i = 0; i < COUNT; i++) {
		struct event e = make(EVENT_MAP, ts, (uint16_t)(rand_r(&seed) % CPUS));

		e.orig = next[e.cpu]++;
		making_add(&m, &e);
		ts += (unsigned int)rand_r(&seed) % 3;
	}
	check(making_end(&m, NULL) == 0);
	memset(next, 0, sizeof(next));
	check(read_all(out, COUNT + 1, &stream, names, NULL) == COUNT);
	for (unsigned int i = 0; i < COUNT; i++) {
		order &= !i || out[i - 1].ts_ns <= out[i].ts_ns;
		ties &= !i || out[i - 1].ts_ns < out[i].ts_ns || out[i - 1].cpu <= out[i].cpu;
		cpu_order &= out[i].orig == next[out[i].cpu]++;
	}
	check(order);
	check(cpu_order);
	check(ties);
	stream_close(stream);
	names_free(names);
	free(out);
}

/* A time that goes back is counted, and does not disorder the stream. */
static void test_unordered(void)
{
	struct making m = making_begin();
	struct names *names = names_new();
	struct stream *stream;
	struct event e, out[4];

	e = make(EVENT_SYNC_CPU, 100, 0);
	making_add(&m, &e);
	e.ts_ns = 50;
	making_add(&m, &e);
	check(making_end(&m, NULL) == 0);
	check(read_all(out, 4, &stream, names, NULL) == 2);
	check(out[1].ts_ns == 100 && stream->info.unordered == 1);
	stream_close(stream);
	names_free(names);
}

/* The file cut at every place, and garbage: never events short of an error. */
static void test_damage(void)
{
	struct making m = making_begin();
	struct names *names = names_new();
	struct err err = { "" };
	struct stream *stream;
	struct event e, out[4];
	unsigned int silent = 0;
	struct stat st;

	e = make(EVENT_SYNC_CPU, 100, 0);
	making_add(&m, &e);
	check(making_end(&m, NULL) == 0);
	check(stat(path, &st) == 0);
	for (off_t size = st.st_size - 1; size >= 0; size -= size > 20000 ? 97 : 1) {
		check(truncate(path, size) == 0);
		err.text[0] = '\0';
		if (read_all(out, 4, &stream, names, &err) >= 0 || !strstr(err.text, path))
			silent++;
		stream_close(stream);
	}
	check(silent == 0);
	check(!tracedat_open("/nonexistent/trace.dat", names, &err));
	check(strcmp(err.text, "cannot open /nonexistent/trace.dat: No such file or directory") ==
	      0);
	check(!tracedat_open("/tmp", names, &err) && strstr(err.text, "is not a file"));
	names_free(names);
}

/* Nothing half-written: on failure and before the end there is no file of that name. */
static void test_writer(void)
{
	char spool[80];
	struct err err = { "" };
	struct making m;

	unlink(path);
	m = making_begin();
	snprintf(spool, sizeof(spool), "%s.cpu3", path);
	check(access(path, F_OK) < 0 && access(spool, F_OK) == 0);
	check(tracedat_writer_fd(m.writer, 3) >= 0 && tracedat_writer_fd(m.writer, 4) == -1);
	check(tracedat_writer_pages(m.writer, 4, "", 0, &err) == -EINVAL);
	/* that failure is not forgotten */
	check(making_end(&m, &err) == -EINVAL && strstr(err.text, "no CPU 4"));
	check(access(path, F_OK) < 0 && access(spool, F_OK) < 0);
	check(!tracedat_writer_open(AT_FDCWD, "/nonexistent/trace.dat", 1, 4096, &err));
	check(strstr(err.text, "/nonexistent/trace.dat.cpu0: No such file"));
	check(!tracedat_writer_open(AT_FDCWD, path, 0, 4096, &err) &&
	      !tracedat_writer_open(AT_FDCWD, path, 1, 4095, &err));
}

/* Real recordings with bytes changed: read to an error or an ordered end, whatever they say. */
static void test_flips(const char *name, unsigned int rounds)
{
	char *file = xasprintf("tests/data/trace/%s.dat", name);
	FILE *in = fopen(file, "re");
	static char bytes[1 << 18];
	size_t size = in ? fread(bytes, 1, sizeof(bytes), in) : 0;
	unsigned int seed = 1, errors = 0, disorder = 0;

	check(size > 1000 && size < sizeof(bytes));
	for (unsigned int i = 0; size && i < rounds; i++) {
		struct names *names = names_new();
		struct err err = { "" };
		struct stream *stream;
		struct event events[64];
		uint64_t last = 0;
		size_t at = i % 2 ? (size_t)rand_r(&seed) % 1000 : (size_t)rand_r(&seed) % size;
		char old = bytes[at];
		int fd = memfd_create("flip", MFD_CLOEXEC);
		ssize_t n;

		bytes[at] = (char)rand_r(&seed);
		check(write(fd, bytes, size) == (ssize_t)size);
		stream = tracedat_open_fd(fd, "flip", names, &err);
		while (stream && (n = stream_read(stream, events, 64, &err)) > 0)
			for (ssize_t k = 0; k < n; k++) {
				disorder += events[k].ts_ns < last;
				last = events[k].ts_ns;
			}
		errors += err.text[0] != '\0';
		stream_close(stream);
		names_free(names);
		close(fd);
		bytes[at] = old;
	}
	/* format texts and addresses may say anything, lengths and offsets may not */
	check(errors > rounds / 20 && disorder == 0);
	fclose(in);
	free(file);
}

/* A recording with one string replaced by another of the same length is refused with this sentence.
 */
static void refused(const char *name, size_t at, const char *new, size_t len, const char *sentence)
{
	char *file = xasprintf("tests/data/trace/%s.dat", name);
	static char bytes[1 << 18];
	FILE *in = fopen(file, "re");
	size_t size = in ? fread(bytes, 1, sizeof(bytes), in) : 0;
	struct names *names = names_new();
	struct err err = { "" };
	int fd = memfd_create("refused", MFD_CLOEXEC);

	check(size > at + len);
	memcpy(bytes + at, new, len);
	check(write(fd, bytes, size) == (ssize_t)size);
	check(!tracedat_open_fd(fd, "x.dat", names, &err));
	check(strcmp(err.text, sentence) == 0);
	if (strcmp(err.text, sentence) != 0)
		printf("# %s\n", err.text);
	names_free(names);
	close(fd);
	fclose(in);
	free(file);
}

static void test_refused(void)
{
	refused("generated-v6", 0, "X", 1,
		"x.dat is not a trace.dat: it does not begin as trace-cmd's files do");
	refused("generated-v6", 10, "8", 1,
		"x.dat has version 8 of the trace.dat format; ccaio reads 6 and 7");
	refused("generated-v6", 12, "\1", 1,
		"x.dat was recorded on a big-endian machine, which ccaio does not read");
	refused("linux-7.2-forced", 18, "lzma", 4,
		"x.dat is compressed with 'lzma', which ccaio cannot read; record with trace-cmd "
		"record --compression zstd, zlib or none");
	refused("generated-v6", 26, "#", 1,
		"x.dat: the ring-buffer description (header_page) is cut short or damaged at "
		"offset "
		"30; record it again or copy the file again");
}

/* What once crashed the reader, found by tests/fuzz/fuzz-tracedat.c. */
static void test_crashers(void)
{
	static const char *const files[] = { "no-task-names" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *file = xasprintf("tests/data/fuzz/tracedat/%s.dat", files[i]);
		struct names *names = names_new();
		struct err err = { "" };
		struct stream *stream = tracedat_open(file, names, &err);
		struct event events[16];

		while (stream && stream_read(stream, events, 16, &err) > 0)
			;
		check(!strstr(err.text, "No such file"));
		stream_close(stream);
		names_free(names);
		free(file);
	}
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/trace.dat", dir);
	test_kinds();
	test_lost();
	test_merge();
	test_unordered();
	test_damage();
	test_writer();
	test_flips("linux-7.2-forced", 300);
	test_flips("linux-7.2-sg", 100);
	test_flips("generated-v6", 300);
	test_refused();
	test_crashers();
	unlink(path);
	check(rmdir(dir) == 0);
	return done();
}
