/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEDAT_ZIP_H
#define CCAIO_COLLECTORS_TRACEDAT_ZIP_H

#include <stddef.h>

/*
 * tracedat_zip - the compressions that trace-cmd uses in trace.dat.
 *
 * Both are plain one-shot streams; their lengths, packed and unpacked, stand in
 * front of them in the file.
 */
enum tracedat_zip {
	TRACEDAT_ZIP_NONE,
	TRACEDAT_ZIP_ZLIB,
	TRACEDAT_ZIP_ZSTD,
	TRACEDAT_ZIP_UNKNOWN,
};

/* The compression that a file calls name. */
enum tracedat_zip tracedat_zip_find(const char *name);

/* What unpacks: start with { .kind = … }; not for two threads at once. */
struct tracedat_unzip {
	enum tracedat_zip kind;
	void *zstd; /* kept between calls: a context costs as much as a small chunk */
};

/*
 * Unpack into exactly out_len bytes.  Returns 0, or -EBADMSG when the input is
 * damaged or does not unpack to that length.  Writes nothing beyond out_len.
 */
int tracedat_unzip(struct tracedat_unzip *zip, void *out, size_t out_len, const void *in,
		   size_t in_len);
void tracedat_unzip_release(struct tracedat_unzip *zip);

#endif
