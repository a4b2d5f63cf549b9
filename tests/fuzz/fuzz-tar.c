/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An archive from anywhere names plain files that lie in it, or is refused with a sentence. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collectors/tar.h"
#include "lib/base/err.h"
#include "lib/base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int member(void *ctx, const char *name, uint64_t at, uint64_t size, struct err *err)
{
	uint64_t end = *(uint64_t *)ctx;

	(void)err;
	if (!*name || strchr(name, '/') || strcmp(name, "..") == 0 || strcmp(name, ".") == 0 ||
	    at > end || size > end - at)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct err err = { "" };
	uint64_t end = size;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
	    file_write_all(fd, data, size) < 0)
		abort();
	if (tar_list(fd, end, "fuzz", member, &end, &err) < 0 && !err.text[0])
		abort();
	return 0;
}
