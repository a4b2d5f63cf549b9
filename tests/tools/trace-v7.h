/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_TESTS_TOOLS_TRACE_V7_H
#define CCAIO_TESTS_TOOLS_TRACE_V7_H

struct err;

/*
 * Rewrite a version 6 trace.dat with one top-level buffer in place as version 7:
 * trace-cmd.dat.v7(5). zip: "none", "zlib" or "zstd".  Returns 0 or -errno.
 */
int trace_v7_convert(const char *path, const char *zip, struct err *err);

#endif
