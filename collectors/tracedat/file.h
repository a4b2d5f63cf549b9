/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEDAT_FILE_H
#define CCAIO_COLLECTORS_TRACEDAT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collectors/tracedat/zip.h"

struct err;

/*
 * tracedat_file - what a trace.dat says about itself: everything but the events.
 *
 * Versions 6 and 7 of the format (man pages trace-cmd.dat.v6(5) and
 * trace-cmd.dat.v7(5) of trace-cmd).  The file is hostile until it has been
 * checked: every offset and size is compared with the file's size, and nothing
 * is allocated that the file is too small to justify.
 */

/* Where things lie in a ring-buffer page: the file's header_page text. */
struct tracedat_layout {
	uint32_t time_off;    /* 8-byte time of the page */
	uint32_t commit_off;  /* length of the data, with the LOST flags */
	uint32_t commit_size; /* 4 or 8: a long of the traced kernel */
	uint32_t data_off;    /* first record */
	uint32_t data_size;   /* room for records */
};

/* The pages of one CPU in one buffer. */
struct tracedat_data {
	uint32_t cpu;
	uint64_t offset; /* in the file */
	uint64_t size;	 /* in the file; with compression the size of the compressed chunks */
};

/* One ring buffer: the top-level one (name "") or an instance. */
struct tracedat_buffer {
	char *name;
	char *clock;	    /* NULL where the file keeps none for this buffer */
	uint32_t page_size; /* of a sub-buffer */
	bool compressed;
	struct tracedat_data *data;
	size_t ndata;
};

/* The recorder's own counters for one CPU of one buffer (option CPUSTAT). */
struct tracedat_stat {
	char *buffer; /* name of the buffer, "" the top-level one */
	uint32_t cpu;
	bool complete; /* it has the three counters that tell of losses */
	uint64_t overrun, commit_overrun, dropped;
	uint64_t written; /* read from the buffer or still in it; 0 unknown */
	bool has_read;	  /* both are there */
	uint64_t read, left;
};

struct tracedat_file {
	int fd;
	char *path;  /* as the user named it, for messages */
	uint64_t at; /* of its first byte in fd: it may lie in an archive */
	uint64_t size;
	unsigned int version;	/* 6 or 7 */
	unsigned int long_size; /* 4 or 8 */
	uint32_t page_size;	/* of the traced machine */
	enum tracedat_zip zip;	/* version 7 */
	uint32_t sections;	/* version 7: bit N is set when section N was read */
	struct tracedat_layout layout;
	char *recorder; /* option VERSION; NULL absent */
	char *uname;	/* option UNAME: "Linux host release machine"; NULL absent */
	char *clock;	/* option TRACECLOCK, the chosen one only; NULL absent */
	char *cmdlines; /* saved_cmdlines: lines "pid name"; NULL absent */
	size_t cmdlines_len;
	char *kallsyms; /* /proc/kallsyms, or lines of it; NULL absent */
	size_t kallsyms_len;
	struct tracedat_buffer *buffers;
	size_t nbuffers;
	size_t ndata; /* of all buffers together */
	struct tracedat_stat *stats;
	size_t nstats;
};

/* Called for each event format in the file.  text has len bytes and is not NUL-terminated. */
typedef void (*tracedat_format_fn)(void *arg, const char *system, const char *text, size_t len);

/*
 * Read the metadata of the trace.dat open at fd.  fd is borrowed and must be
 * a regular file.  Returns 0; -EBADMSG for malformed evidence, -ENOTSUP for a kind of
 * trace.dat that cannot be read, or what the system said.  Release in any case.
 */
int tracedat_file_read(struct tracedat_file *file, int fd, const char *path,
		       tracedat_format_fn format, void *arg, struct err *err);
/* The same of size bytes from at on of what is open at fd. */
int tracedat_file_read_part(struct tracedat_file *file, int fd, uint64_t at, uint64_t size,
			    const char *path, tracedat_format_fn format, void *arg,
			    struct err *err);
void tracedat_file_release(struct tracedat_file *file);

/* Read exactly size bytes at offset.  Returns 0 or -errno. */
int tracedat_file_pread(const struct tracedat_file *file, void *buf, size_t size, uint64_t offset,
			struct err *err);

#endif
