/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A manifest from anywhere never names a file outside its folder. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/evidence/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { "" };
	struct manifest *m = manifest_parse((const char *)data, size, "fuzz", &err), *again;
	char *text;

	if (!m) {
		if (!err.text[0])
			abort();
		return 0;
	}
	for (size_t i = 0; i < m->nfiles; i++) {
		if (strchr(m->files[i].name, '/') || strcmp(m->files[i].name, "..") == 0)
			abort();
	}
	text = manifest_format(m);
	again = manifest_parse(text, strlen(text), "again", &err);
	if (!again || again->nfiles != m->nfiles)
		abort();
	free(text);
	manifest_free(m);
	manifest_free(again);
	return 0;
}
