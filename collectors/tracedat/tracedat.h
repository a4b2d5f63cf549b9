/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEDAT_TRACEDAT_H
#define CCAIO_COLLECTORS_TRACEDAT_TRACEDAT_H

#include <stdint.h>

struct err;
struct names;
struct stream;

/*
 * tracedat - the events of a trace.dat, made by ccaio or by trace-cmd, as a stream.
 *
 * Versions 6 and 7, plain, zlib or zstd; kernels of any version whose formats
 * are in the file; little-endian.  CPUs are merged by time; at equal times the CPU
 * that the file names first comes first.  A time that goes back within one CPU is counted
 * in info.unordered and raised to the time before it.
 *
 * Buffers: an instance named "ccaio" that holds data is used alone.
 * Otherwise all buffers that hold data are used, merged by time, each CPU of each being
 * its own entry in info.cpus.  The same kind of DMA event in two buffers fails the read: one
 * event would be counted twice.
 *
 * names is borrowed until close.  Returns NULL with a sentence in err when the
 * file cannot be opened or is malformed; malformed pages found later fail the read.
 */
struct stream *tracedat_open(const char *path, struct names *names, struct err *err);

/* The same for a file open for reading.  fd is borrowed until close; path is for messages. */
struct stream *tracedat_open_fd(int fd, const char *path, struct names *names, struct err *err);

/* The same for size bytes from at on, as it lies in an archive. */
struct stream *tracedat_open_part(int fd, uint64_t at, uint64_t size, const char *path,
				  struct names *names, struct err *err);

/* What begins the version in a recording that lib/bounce made, and no kernel. */
#define TRACEDAT_MODEL "the model of ccaio "

#endif
