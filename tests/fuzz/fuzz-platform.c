/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts from anywhere: what is accepted must be written and read again as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/evidence/platform.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { "" };
	struct platform *p = platform_parse((const char *)data, size, "fuzz", &err), *again;
	char *text, *twice;

	if (!p) {
		if (!err.text[0])
			abort();
		return 0;
	}
	text = platform_format(p);
	again = platform_parse(text, strlen(text), "again", &err);
	if (!again)
		abort();
	twice = platform_format(again);
	if (strcmp(text, twice) != 0)
		abort();
	for (size_t i = 0; i < p->nvirtio; i++)
		platform_virtio_active(&p->virtio[i]);
	free(text);
	free(twice);
	platform_free(p);
	platform_free(again);
	return 0;
}
