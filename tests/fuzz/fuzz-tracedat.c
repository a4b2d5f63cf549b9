/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a trace.dat: an error or a stream in order, never anything else. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collectors/tracedat/tracedat.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/evidence/event.h"
#include "lib/evidence/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct stream *stream, const struct names *names, struct err *err)
{
	struct event buf[7];
	uint64_t last = 0;
	ssize_t n;

	while ((n = stream_read(stream, buf, sizeof(buf) / sizeof(buf[0]), err)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			assert(buf[i].ts_ns >= last);
			last = buf[i].ts_ns;
			assert(buf[i].kind > EVENT_NONE && buf[i].kind < EVENT_KINDS);
			assert(buf[i].dir <= EVENT_DIR_NONE);
			assert(buf[i].dev < names_count(names) || buf[i].dev == NAMES_OTHER);
			assert(buf[i].comm < names_count(names) || buf[i].comm == NAMES_OTHER);
		}
	}
	assert(n == 0 || err->text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct names *names = names_new();
	struct err err = { "" };
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct stream *stream;

	assert(write(fd, data, size) == (ssize_t)size);
	stream = tracedat_open_fd(fd, "fuzz", names, &err);
	if (stream)
		read_all(stream, names, &err);
	else
		assert(err.text[0]);
	stream_close(stream);
	close(fd);
	names_free(names);
	return 0;
}
