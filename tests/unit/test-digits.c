/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers as text, against printf(). */
#include "lib/base/digits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/test.h"

static void check_number(uint64_t value)
{
	char want[32], text[32] = { 0 };

	snprintf(want, sizeof(want), "%" PRIu64, value);
	check(digits_decimal(text, value) == strlen(want) && strcmp(text, want) == 0);
	for (int width = 1; width <= 16; width += 15) {
		memset(text, 0, sizeof(text));
		snprintf(want, sizeof(want), "%0*" PRIx64, width, value);
		check(digits_hex(text, value, (size_t)width) == strlen(want) &&
		      strcmp(text, want) == 0);
	}
}

static void test_numbers(void)
{
	check_number(0);
	check_number(UINT64_MAX);
	for (int bit = 0; bit < 64; bit++) {
		check_number(UINT64_C(1) << bit);
		check_number((UINT64_C(1) << bit) - 1);
	}
	for (uint64_t ten = 1; ten < UINT64_MAX / 10; ten *= 10) {
		check_number(ten);
		check_number(ten * 10 - 1);
	}
}

int main(void)
{
	test_numbers();
	return done();
}
