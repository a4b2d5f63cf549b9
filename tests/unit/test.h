/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The whole unit-test framework: check, done.  Output is TAP. */
#ifndef CCAIO_TESTS_UNIT_TEST_H
#define CCAIO_TESTS_UNIT_TEST_H

#include <stdio.h>

static int test_count, test_failures;

#define check(cond)                                                                       \
	do {                                                                              \
		int ok_ = !!(cond);                                                       \
		printf("%sok %d - %s:%d %s\n", ok_ ? "" : "not ", ++test_count, __FILE__, \
		       __LINE__, #cond);                                                  \
		test_failures += !ok_;                                                    \
	} while (0)

/* The last line of main(): a test that checked nothing has failed. */
static inline int done(void)
{
	printf("1..%d\n", test_count);
	return test_failures != 0 || test_count == 0;
}

#endif
