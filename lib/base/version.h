/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BASE_VERSION_H
#define CCAIO_LIB_BASE_VERSION_H

/*
 * The i-th library that ccaio runs with: its name, and its version in *version.
 * NULL behind the last one.  Borrowed.
 */
const char *version_library(unsigned int i, const char **version);

/* The commit that ccaio was built of, "unknown" outside a repository. */
const char *version_commit(void);

#endif
