/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* exchanges.json: what can be read can be written, and comes back the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/correlate/correlate.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/json.h"
#include "tests/unit/exchange-text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *format(const struct exchanges *x, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	exchanges_write(out, x);
	fclose(out);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { "" };
	struct exchanges *x = exchanges_parse((const char *)data, size, "fuzz", &err), *again;
	struct names *names;
	char *first, *second;
	size_t n1, n2;

	if (!x)
		return 0;
	first = format(x, &n1);
	again = exchanges_parse(first, n1, "again", &err);
	if (!again)
		abort();
	second = format(again, &n2);
	if (n1 != n2 || memcmp(first, second, n1) != 0)
		abort();
	free(first);
	free(second);
	exchanges_free(again);
	names = names_new();
	correlate_finish(correlate_new(x, names, NULL));
	names_free(names);
	exchanges_free(x);
	return 0;
}
