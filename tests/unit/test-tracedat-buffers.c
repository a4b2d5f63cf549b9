/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files with several ring buffers: which are read.  The files are made here, byte
 * by byte where the writer has no use for them, and libtracecmd must find the same instances.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <trace-cmd/trace-cmd.h>

#include "collectors/tracedat/encode.h"
#include "collectors/tracedat/pack.h"
#include "collectors/tracedat/tracedat.h"
#include "collectors/tracedat/write.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/evidence/event.h"
#include "lib/evidence/stream.h"
#include "tests/unit/test.h"

#define PAGE 4096

static char dir[] = "/tmp/test-buffers-XXXXXX";
static char path[64];
static uint8_t one_page[PAGE];

static int keep_page(void *arg, const void *page, size_t size, struct err *err)
{
	(void)arg;
	(void)err;
	memcpy(one_page, page, size);
	return 0;
}

/* one_page becomes a page with one event at ts_ns. */
static void make_page(enum event_kind kind, uint64_t ts_ns)
{
	struct event e = { .kind = kind, .orig = EVENT_NO_ADDR, .dma = ts_ns };
	struct names *names = names_new();
	struct tracedat_pack pack;
	uint8_t buf[ENCODE_MAX];

	tracedat_pack_init(&pack, keep_page, NULL);
	tracedat_pack_record(&pack, ts_ns, buf, encode_record(&e, names, buf), NULL);
	tracedat_pack_flush(&pack, NULL);
	names_free(names);
}

struct instance {
	const char *name;
	uint64_t ts_ns; /* of its only event, on CPU 0; 0: it holds none */
	enum event_kind kind;
};

static bool listed_twice; /* an instance's page is CPU 1's, too */

/* At the end of the file: "flyrecord", offset and size for two CPUs, the page. */
static uint64_t append_instance(FILE *file, const struct instance *inst)
{
	uint64_t table[4] = { 0 }, start;

	fseeko(file, 0, SEEK_END);
	start = (uint64_t)ftello(file);
	table[0] = (start + 42 + PAGE - 1) / PAGE * PAGE;
	table[1] = inst->ts_ns ? PAGE : 0;
	table[2] = listed_twice ? table[0] : table[0] + table[1];
	table[3] = listed_twice ? table[1] : 0;
	fwrite("flyrecord", 1, 10, file);
	fwrite(table, 8, 4, file);
	if (inst->ts_ns) {
		make_page(inst->kind, inst->ts_ns);
		fseeko(file, (off_t)table[0], SEEK_SET);
		fwrite(one_page, 1, PAGE, file);
	}
	return start;
}

/* Where in the file the option of this instance has its offset. */
static off_t option_place(FILE *file, const char *name)
{
	static char text[1 << 20];
	size_t len, name_len = strlen(name) + 1;

	rewind(file);
	len = fread(text, 1, sizeof(text), file);
	for (size_t i = 8; i + name_len < len; i++)
		if (memcmp(text + i, name, name_len) == 0 &&
		    memcmp(text + i - 8, "OFFSETXX", 8) == 0)
			return (off_t)i - 8;
	return -1;
}

/* A version 6 file: the top-level buffer and instances.  top_ns as instance.ts_ns. */
static void make_file(uint64_t top_ns, const struct instance *instances, size_t count)
{
	static const char stats[] = "CPU: 0\noverrun: 3\ncommit overrun: 0\ndropped events: 0\n",
			  header[] = "\nBuffer: foo\n\n",
			  foo_stats[] =
				  "CPU: 0\noverrun: 8\ncommit overrun: 0\ndropped events: 0\n";
	struct tracedat_writer *writer = tracedat_writer_open(AT_FDCWD, path, 2, PAGE, NULL);
	FILE *file;

	encode_formats(writer);
	tracedat_writer_option(writer, TRACEDAT_OPTION_CPUSTAT, stats, sizeof(stats));
	tracedat_writer_option(writer, TRACEDAT_OPTION_CPUSTAT, header, sizeof(header));
	tracedat_writer_option(writer, TRACEDAT_OPTION_CPUSTAT, foo_stats, sizeof(foo_stats));
	for (size_t i = 0; i < count; i++) {
		char option[64] = "OFFSETXX";

		strcpy(option + 8, instances[i].name);
		tracedat_writer_option(writer, 3, option, 8 + strlen(instances[i].name) + 1);
	}
	if (top_ns) {
		make_page(EVENT_SYNC_CPU, top_ns);
		tracedat_writer_pages(writer, 1, one_page, PAGE, NULL);
	}
	check(tracedat_writer_finish(writer, NULL) == 0);
	tracedat_writer_close(writer);
	file = fopen(path, "r+e");
	for (size_t i = 0; i < count; i++) {
		uint64_t at = append_instance(file, &instances[i]);

		fseeko(file, option_place(file, instances[i].name), SEEK_SET);
		fwrite(&at, 8, 1, file);
	}
	check(fclose(file) == 0);
}

/* libtracecmd's opinion of the file just made. */
static void check_instances(size_t count)
{
	struct tracecmd_input *file;

	file = tracecmd_open(path, 0);
	check(file && (size_t)tracecmd_buffer_instances(file) == count);
	if (file)
		tracecmd_close(file);
}

/* The times of the events read must be these, up to a 0. */
static struct stream *expect(const uint64_t *times, struct names *names)
{
	struct err err = { "" };
	struct stream *stream = tracedat_open(path, names, &err);
	struct event events[8];
	ssize_t n;

	check(stream != NULL);
	if (!stream) {
		printf("# %s\n", err.text);
		exit(1);
	}
	n = stream_read(stream, events, 8, &err);
	for (ssize_t i = 0; i < n; i++)
		check(events[i].ts_ns == times[i]);
	check(n >= 0 && times[n] == 0);
	check(stream_read(stream, events, 8, &err) == 0);
	return stream;
}

static void test_choice(void)
{
	static const struct instance foo[] = { { "foo", 50, EVENT_SYNC_CPU } };
	static const struct instance two[] = { { "foo", 50, EVENT_UNMAP },
					       { "bar", 30, EVENT_SYNC_DEVICE } };
	static const struct instance own[] = { { "foo", 50, EVENT_SYNC_CPU },
					       { "ccaio", 30, EVENT_SYNC_CPU } };
	static const struct instance empty[] = { { "foo", 50, EVENT_UNMAP }, { "ccaio", 0, 0 } };
	struct names *names = names_new();
	struct stream *stream;

	make_file(0, foo, 1);
	check_instances(1);
	stream = expect((uint64_t[]){ 50, 0 }, names);
	/* the buffer that was read is the one described, with its own statistics */
	check(stream->info.ncpus == 2 && stream->info.cpus[0].events == 1);
	check(stream->info.cpus[0].has_stats && stream->info.cpus[0].overrun == 8);
	stream_close(stream);

	make_file(40, two, 2);
	check_instances(2);
	stream = expect((uint64_t[]){ 30, 40, 50, 0 }, names);
	check(stream->info.ncpus == 6 && stream->info.cpus[0].overrun == 3);
	stream_close(stream);

	make_file(40, own, 2);
	stream = expect((uint64_t[]){ 30, 0 }, names);
	check(stream->info.ncpus == 2);
	stream_close(stream);

	make_file(40, empty, 2);
	stream_close(expect((uint64_t[]){ 40, 50, 0 }, names));

	make_file(0, NULL, 0);
	stream = expect((uint64_t[]){ 0 }, names);
	check(stream->info.ncpus == 2 && stream->info.cpus[1].events == 0);
	stream_close(stream);
	names_free(names);
}

/* What is on in two buffers is in the file twice. */
static void test_twice(void)
{
	static const struct instance same[] = { { "foo", 50, EVENT_SYNC_CPU } };
	static const struct instance net[] = { { "foo", 50, EVENT_NET_RX },
					       { "bar", 60, EVENT_NET_RX } };
	struct names *names = names_new();
	struct err err = { "" };
	struct stream *stream;
	struct event events[8];
	ssize_t n;

	make_file(40, same, 1);
	stream = tracedat_open(path, names, &err);
	n = stream_read(stream, events, 8, &err);
	check(n == -ENOTSUP);
	check(strstr(err.text, "the same kind of DMA event in two buffers, '' and 'foo'"));
	stream_close(stream);

	/* packets twice do no harm to a verdict */
	make_file(0, net, 2);
	stream_close(expect((uint64_t[]){ 50, 60, 0 }, names));
	names_free(names);
}

/* A CPU whose data is not in the file, although the kernel counted what it wrote. */
static void test_no_data(void)
{
	static const char gone[] = "CPU: 5\nentries: 4\noverrun: 0\ncommit overrun: 0\n"
				   "dropped events: 0\nread events: 3\n";
	struct tracedat_writer *writer = tracedat_writer_open(AT_FDCWD, path, 2, PAGE, NULL);
	struct names *names = names_new();
	struct stream *stream;

	encode_formats(writer);
	for (int i = 0; i < 2; i++) /* reported twice it is one CPU all the same */
		tracedat_writer_option(writer, TRACEDAT_OPTION_CPUSTAT, gone, sizeof(gone));
	make_page(EVENT_SYNC_CPU, 40);
	tracedat_writer_pages(writer, 1, one_page, PAGE, NULL);
	check(tracedat_writer_finish(writer, NULL) == 0);
	tracedat_writer_close(writer);
	stream = expect((uint64_t[]){ 40, 0 }, names);
	check(stream->info.ncpus == 3);
	check(stream->info.cpus[2].cpu == 5 && stream->info.cpus[2].events == 0);
	check(stream->info.cpus[2].has_stats && stream->info.cpus[2].written == 7);
	stream_close(stream);
	names_free(names);
}

/* CPU 1's data is that of CPU 0: each event would come twice. */
static void test_one_place(void)
{
	static const struct instance foo = { "foo", 50, EVENT_SYNC_CPU };
	struct names *names = names_new();
	struct err err = { "" };

	listed_twice = true;
	make_file(0, &foo, 1);
	listed_twice = false;
	check(!tracedat_open(path, names, &err));
	check(strstr(err.text, "has the events of CPU 0 and CPU 1 in one place"));
	names_free(names);
}

/* Three buffers in a version 7 file, made by trace-cmd 3.1.6 from one of make_file()'s. */
static void test_v7(void)
{
	struct names *names = names_new();

	snprintf(path, sizeof(path), "tests/data/trace/buffers-v7.dat");
	check_instances(2);
	stream_close(expect((uint64_t[]){ 30, 40, 50, 0 }, names));
	names_free(names);
}

int main(int argc, char **argv)
{
	static const struct instance two[] = { { "foo", 50, EVENT_UNMAP },
					       { "bar", 30, EVENT_SYNC_DEVICE } };

	tracecmd_set_loglevel(TEP_LOG_NONE);
	if (argc == 2) { /* make what test_v7() reads, before trace-cmd convert */
		snprintf(path, sizeof(path), "%s", argv[1]);
		make_file(40, two, 2);
		return 0;
	}
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/trace.dat", dir);
	test_choice();
	test_twice();
	test_no_data();
	test_one_place();
	unlink(path);
	check(rmdir(dir) == 0);
	test_v7();
	return done();
}
