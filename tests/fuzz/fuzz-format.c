/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An event's format text, by our parser and by libtraceevent's.  The library does not survive this
 * (ARCHITECTURE.md has what was seen): FUZZ_LIBRARY=1 in the environment takes it in.
 */
#include <event-parse.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collectors/decode/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The library is not instrumented: a text that ends at a forbidden page shows reads behind it. */
static char *guarded(const uint8_t *data, size_t size, size_t *mapped)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (size + page - 1) / page * page;
	char *base =
		mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED || mprotect(base + room, page, PROT_NONE) < 0)
		abort();
	*mapped = room + page;
	memcpy(base + room - size, data, size);
	return base + room - size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t mapped = 0;
	char *text = guarded(data, size, &mapped);
	struct decode_format ours;

	decode_format_parse(&ours, text, size);
	if (getenv("FUZZ_LIBRARY") && size > 0) {
		struct tep_handle *tep = tep_alloc();

		tep_set_loglevel(TEP_LOG_NONE);
		tep_set_long_size(tep, 8);
		tep_parse_event(tep, text, size, "dma");
		tep_free(tep);
	}
	decode_format_release(&ours);
	munmap(text - ((uintptr_t)text & (uintptr_t)(sysconf(_SC_PAGESIZE) - 1)), mapped);
	return 0;
}
