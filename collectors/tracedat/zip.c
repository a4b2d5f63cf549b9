/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracedat/zip.h"

#include <errno.h>
#include <string.h>

#include <zlib.h>
#include <zstd.h>

enum tracedat_zip tracedat_zip_find(const char *name)
{
	if (strcmp(name, "none") == 0)
		return TRACEDAT_ZIP_NONE;
	if (strcmp(name, "zlib") == 0)
		return TRACEDAT_ZIP_ZLIB;
	if (strcmp(name, "zstd") == 0)
		return TRACEDAT_ZIP_ZSTD;
	return TRACEDAT_ZIP_UNKNOWN;
}

static int unzip_zstd(struct tracedat_unzip *zip, void *out, size_t out_len, const void *in,
		      size_t in_len)
{
	size_t got;

	if (!zip->zstd)
		zip->zstd = ZSTD_createDCtx();
	if (!zip->zstd)
		return -ENOMEM;
	got = ZSTD_decompressDCtx(zip->zstd, out, out_len, in, in_len);
	return ZSTD_isError(got) || got != out_len ? -EBADMSG : 0;
}

int tracedat_unzip(struct tracedat_unzip *zip, void *out, size_t out_len, const void *in,
		   size_t in_len)
{
	uLongf got = out_len;

	switch (zip->kind) {
	case TRACEDAT_ZIP_ZSTD:
		return unzip_zstd(zip, out, out_len, in, in_len);
	case TRACEDAT_ZIP_ZLIB:
		return uncompress(out, &got, in, in_len) != Z_OK || got != out_len ? -EBADMSG : 0;
	default:
		return -EBADMSG;
	}
}

void tracedat_unzip_release(struct tracedat_unzip *zip)
{
	ZSTD_freeDCtx(zip->zstd);
	zip->zstd = NULL;
}
