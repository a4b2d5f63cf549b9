/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trim-trace - make a small test file of a real recording: same pages, formats and task names, but
 * no kernel symbols, which are nine tenths of a short recording.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/tracedat/file.h"
#include "collectors/tracedat/pack.h"
#include "collectors/tracedat/window.h"
#include "collectors/tracedat/write.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "tests/tools/boot-probes.h"
#include "tests/tools/rewrite.h"
#include "tests/tools/trace-v7.h"

struct format {
	char *system, *text;
	size_t len;
};

struct formats {
	struct format *list;
	size_t count, cap;
};

/* Systems whose formats ccaio reads; a boot-armed recording holds those of the whole kernel. */
static int wanted(const char *system)
{
	static const char *const systems[] = { "ftrace", "swiotlb", "dma", "net",  "sock", "block",
					       "sched",	 "tcp",	    "skb", "napi", "ccaio" };

	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++)
		if (strcmp(systems[i], system) == 0)
			return 1;
	return strncmp(system, "ccaio_", 6) == 0; /* a run's own probes */
}

static void keep(void *arg, const char *system, const char *text, size_t len)
{
	struct formats *formats = arg;

	rewrite_format(system, text, len);
	XGROW(formats->list, formats->count, formats->cap);
	formats->list[formats->count++] =
		(struct format){ xstrdup(system), xstrndup(text, len), len };
}

static void formats_release(struct formats *formats)
{
	for (size_t i = 0; i < formats->count; i++) {
		free(formats->list[i].system);
		free(formats->list[i].text);
	}
	free(formats->list);
}

static int is_named(const char *text, const char *name)
{
	size_t len = strlen(name);

	return strncmp(text, "name: ", 6) == 0 && strncmp(text + 6, name, len) == 0 &&
	       text[6 + len] == '\n';
}

static void write_formats(struct tracedat_writer *writer, const struct formats *formats, int all,
			  const struct rewrite *rewrite)
{
	for (size_t i = 0; i < formats->count; i++) {
		const struct format *f = &formats->list[i];
		char *text;

		if (!all && !wanted(f->system))
			continue;
		if (strcmp(f->system, "ftrace") == 0 && !is_named(f->text, "print"))
			continue;
		text = rewrite_text(rewrite, f->text, f->len);
		tracedat_writer_format(writer, f->system, text, f->len);
		free(text);
	}
}

static void write_options(struct tracedat_writer *writer, const struct tracedat_file *file)
{
	const char *clock = file->buffers[0].clock ? file->buffers[0].clock : file->clock;

	if (file->uname)
		tracedat_writer_option(writer, TRACEDAT_OPTION_UNAME, file->uname,
				       strlen(file->uname) + 1);
	if (file->recorder)
		tracedat_writer_option(writer, TRACEDAT_OPTION_VERSION, file->recorder,
				       strlen(file->recorder) + 1);
	if (clock) {
		char *text = xasprintf("[%s]\n", clock);

		tracedat_writer_option(writer, TRACEDAT_OPTION_TRACECLOCK, text, strlen(text) + 1);
		free(text);
	}
	for (size_t i = 0; i < file->nstats; i++) {
		const struct tracedat_stat *s = &file->stats[i];
		char *text = xasprintf("CPU: %u\noverrun: %" PRIu64 "\ncommit overrun: %" PRIu64
				       "\ndropped events: %" PRIu64 "\n",
				       s->cpu, s->overrun, s->commit_overrun, s->dropped);

		tracedat_writer_option(writer, TRACEDAT_OPTION_CPUSTAT, text, strlen(text) + 1);
		free(text);
	}
}

static int write_piece(struct tracedat_writer *writer, const struct tracedat_file *file,
		       unsigned int cpu, const uint8_t *data, size_t size, struct rewrite *rewrite,
		       struct err *err)
{
	uint8_t *copy = xcalloc(size, 1);
	int rc;

	memcpy(copy, data, size);
	for (size_t at = 0; at + TRACEDAT_PACK_PAGE <= size; at += TRACEDAT_PACK_PAGE)
		rewrite_page(rewrite, copy + at, &file->layout);
	rc = tracedat_writer_pages(writer, cpu, copy, size, err);
	free(copy);
	return rc;
}

static int write_pages(struct tracedat_writer *writer, const struct tracedat_file *file,
		       size_t pages, struct rewrite *rewrite, struct err *err)
{
	const struct tracedat_buffer *buffer = &file->buffers[0];
	int rc = 0;

	for (size_t i = 0; i < buffer->ndata && rc >= 0; i++) {
		struct tracedat_room room = { TRACEDAT_ROOM };
		struct tracedat_window window;
		size_t left = pages * TRACEDAT_PACK_PAGE;

		tracedat_window_init(&window, file, buffer, &buffer->data[i], 1 << 16, &room, NULL);
		while (left && (rc = tracedat_window_next(&window, err)) > 0) {
			size_t size = window.piece.len < left ? window.piece.len : left;

			left -= size;
			rc = write_piece(writer, file, buffer->data[i].cpu, window.piece.data, size,
					 rewrite, err);
			if (rc < 0)
				break;
		}
		tracedat_window_release(&window);
	}
	return rc;
}

static int trim(const char *in, const char *out, const char *zip, int all, size_t pages,
		struct rewrite *rewrite, const struct boot_probes *probes, struct err *err)
{
	struct tracedat_writer *writer = NULL;
	struct formats formats = { 0 };
	struct tracedat_file file = { 0 };
	int fd = open(in, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return err_sys(err, "cannot open %s", in);
	rc = tracedat_file_read(&file, fd, in, keep, &formats, err);
	if (rc == 0 && file.buffers[0].page_size != TRACEDAT_PACK_PAGE)
		rc = err_set(err, ENOTSUP, "%s has pages of %u bytes", in,
			     file.buffers[0].page_size);
	if (rc == 0) {
		writer = tracedat_writer_open(AT_FDCWD, out, (unsigned int)file.buffers[0].ndata,
					      file.page_size, err);
		if (!writer)
			rc = -EIO;
	}
	if (rc < 0)
		goto out;
	tracedat_writer_header(writer, tracedat_pack_header_page, strlen(tracedat_pack_header_page),
			       tracedat_pack_header_event, strlen(tracedat_pack_header_event));
	write_formats(writer, &formats, all, rewrite);
	write_options(writer, &file);
	if (file.cmdlines)
		tracedat_writer_cmdlines(writer, file.cmdlines, file.cmdlines_len);
	rc = write_pages(writer, &file, pages, rewrite, err);
	if (rc >= 0 && rewrite->virtual)
		rc = boot_probes_write(probes, in, writer, err);
	if (rc >= 0)
		rc = tracedat_writer_finish(writer, err);
	tracedat_writer_close(writer);
	if (rc >= 0 && zip)
		rc = trace_v7_convert(out, zip, err);
out:
	tracedat_file_release(&file);
	formats_release(&formats);
	close(fd);
	return rc;
}

int main(int argc, char **argv)
{
	struct err err = { "" };
	size_t pages = SIZE_MAX / TRACEDAT_PACK_PAGE;
	struct rewrite rewrite = { 0 };
	struct boot_probes probes = { 0 };
	int opt, all = 0;
	const char *zip = NULL;

	while ((opt = getopt(argc, argv, "a7:p:AB:M:NC:K:D:E")) != -1) {
		if (opt == '7')
			zip = optarg;
		else if (opt == 'a')
			all = 1;
		else if (opt == 'p')
			pages = strtoul(optarg, NULL, 10);
		else if (opt == 'A')
			rewrite.alloc_shared = true;
		else if (opt == 'B')
			rewrite.bounce_bit = strtoull(optarg, NULL, 0);
		else if (opt == 'M')
			rewrite.map_bit = strtoull(optarg, NULL, 0);
		else if (opt == 'N')
			rewrite.unbounced = true;
		else if (opt == 'C')
			rewrite.pool = strtoull(optarg, NULL, 0);
		else if (opt == 'K')
			rewrite.keep = strtoul(optarg, NULL, 0);
		else if (opt == 'D') {
			rewrite.virtual = true;
			probes.but = strtoul(optarg, NULL, 10);
		} else if (opt == 'E')
			probes.again = true;
		else
			return 1;
	}
	if (argc - optind != 2) {
		fputs("usage: trim-trace [-a] [-7 none|zlib|zstd] [-p PAGES] [REWRITE...] IN.dat "
		      "OUT.dat\n"
		      "  -a  keep the formats of all systems\n"
		      "  -p  keep so many pages of each CPU\n"
		      "Rewriting it as another kind of guest would have it:\n"
		      "  -A  allocations say that their pages were decrypted (ALLOC_CC_SHARED)\n"
		      "  -B BIT      set BIT in the buffer's address of each bounce\n"
		      "  -M BIT      set BIT in the address that the 100th map publishes\n"
		      "  -N          do not bounce the 100th map: publish the buffer itself\n"
		      "  -C ADDRESS  move allocations to ADDRESS, one after the other\n"
		      "  -K N        but the first N\n"
		      "  -D N        probes of boot tell of all allocations but the first N, by "
		      "virtual addresses\n"
		      "  -E          and that the last one became protected again\n",
		      stderr);
		return 1;
	}
	if (trim(argv[optind], argv[optind + 1], zip, all, pages, &rewrite, &probes, &err) < 0) {
		fprintf(stderr, "trim-trace: %s\n", err.text);
		return 1;
	}
	return 0;
}
