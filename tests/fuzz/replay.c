/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Takes the inputs that were kept of a fuzzer once more, without it: usage: replay-NAME FILE...
 * A crash or an abort() ends it before its plan is out, which is a failure.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	uint8_t *data = NULL;
	size_t size = 0, got;
	FILE *f = fopen(path, "re");

	if (!f)
		return -1;
	do {
		data = realloc(data, size + 4096);
		if (!data)
			abort();
		got = fread(data + size, 1, 4096, f);
		size += got;
	} while (got);
	if (ferror(f))
		size = 0;
	fclose(f);
	/* of its own size, so that a sanitizer sees what reads beyond the end */
	data = realloc(data, size ? size : 1);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return size ? 0 : -1;
}

int main(int argc, char **argv)
{
	int failed = argc < 2;

	for (int i = 1; i < argc; i++) {
		int ok;

		fflush(stdout);
		ok = replay(argv[i]) == 0;
		printf("%sok %d - %s\n", ok ? "" : "not ", i, argv[i]);
		failed |= !ok;
	}
	printf("1..%d\n", argc - 1);
	return failed;
}
