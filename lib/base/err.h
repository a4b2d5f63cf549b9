/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BASE_ERR_H
#define CCAIO_LIB_BASE_ERR_H

/*
 * err - why an operation failed, in one sentence the user can act on.
 *
 * Whatever can fail returns 0 (or a count) on success and a negative errno on
 * failure, and describes the failure in the caller's err.  Only cmd/ prints it.
 */
struct err {
	char text[512]; /* finished sentence without full stop, printable; "" when none */
};

/* Describe a failure.  Returns -code (code > 0); err may be NULL. */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * The same for a failed system or library call: appends strerror(errno) and
 * returns -errno, or -EIO where the library left errno at 0.
 */
int err_sys(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
