/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEDAT_WRITE_H
#define CCAIO_COLLECTORS_TRACEDAT_WRITE_H

#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * tracedat_writer - makes a trace.dat (version 6, not compressed) that ccaio,
 * trace-cmd and KernelShark open.
 *
 * While recording, the raw pages of each CPU go to a spool file PATH.cpuN, so
 * that writing them costs no more than a splice.  finish() writes PATH.part:
 * metadata first, then the spooled pages, page-aligned; brings it to disk, renames it to
 * PATH and removes the spool files.  A crash leaves PATH.cpuN and perhaps PATH.part;
 * PATH is whole or is not there.
 *
 * Every function that can fail leaves a sentence in err; the first failure is kept
 * and finish() fails with it.
 */
struct tracedat_writer;

/* The number that stands for each option in the file: trace-cmd.dat.v6(5), v7(5). */
enum tracedat_option {
	/*
	 * "CPU: N\n" and per_cpu/cpuN/stats, with its NUL.  Behind one that is "\nBuffer: NAME\n\n"
	 * stand those of the second buffer.
	 */
	TRACEDAT_OPTION_CPUSTAT = 2,
	TRACEDAT_OPTION_TRACECLOCK = 4, /* trace_clock, with its NUL */
	TRACEDAT_OPTION_UNAME = 5,	/* "Linux host release machine", with its NUL */
	TRACEDAT_OPTION_VERSION = 9,	/* "ccaio 0.1", with its NUL */
	TRACEDAT_OPTION_TRACEID = 11,	/* 8 bytes */
};

/*
 * Begin PATH for ncpus CPUs (numbered from 0).  page_size: of the traced machine.  PATH is relative
 * to the folder dir (AT_FDCWD: the current one), which stays open until close().  Every file
 * is made anew, whatever is there under its name: neither links nor older files are written to.
 * Returns NULL on failure, with nothing left behind.
 */
struct tracedat_writer *tracedat_writer_open(int dir, const char *path, unsigned int ncpus,
					     uint32_t page_size, struct err *err);

/*
 * One more ring buffer of as many CPUs, in the file an instance called name.  Its CPUs go by the
 * numbers behind those of the first buffer: ncpus, ncpus + 1 …  Once, before any page of it.
 * Returns 0 or -errno.
 */
int tracedat_writer_second(struct tracedat_writer *writer, const char *name, struct err *err);

/* Drop everything not finished, spool files included.  Accepts NULL. */
void tracedat_writer_close(struct tracedat_writer *writer);

/*
 * The spool file of a CPU, to splice whole pages into.  Owned by the writer.  -1
 * when there is no such CPU.
 */
int tracedat_writer_fd(const struct tracedat_writer *writer, unsigned int cpu);

/* Append whole pages of a CPU; size is a multiple of the sub-buffer size. */
int tracedat_writer_pages(struct tracedat_writer *writer, unsigned int cpu, const void *pages,
			  size_t size, struct err *err);

/*
 * Metadata, any time before finish(); texts are copied, len bytes without NUL.
 * header_page and header_event are needed, the rest may be missing.
 */
void tracedat_writer_header(struct tracedat_writer *writer, const char *header_page,
			    size_t page_len, const char *header_event, size_t event_len);
/* A format text; system "ftrace" for those of events/ftrace. */
void tracedat_writer_format(struct tracedat_writer *writer, const char *system, const char *text,
			    size_t len);
void tracedat_writer_kallsyms(struct tracedat_writer *writer, const char *text, size_t len);
void tracedat_writer_printk(struct tracedat_writer *writer, const char *text, size_t len);
void tracedat_writer_cmdlines(struct tracedat_writer *writer, const char *text, size_t len);
void tracedat_writer_option(struct tracedat_writer *writer, enum tracedat_option option,
			    const void *data, size_t len);

/* Make PATH.  Returns 0 or -errno.  Afterwards only close() is allowed. */
int tracedat_writer_finish(struct tracedat_writer *writer, struct err *err);

#endif
