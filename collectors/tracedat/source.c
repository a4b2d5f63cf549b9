/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracedat/source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"

int source_cut(struct source *src)
{
	if (!src->rc)
		src->rc = err_set(src->err, EBADMSG,
				  "%s: %s is cut short or damaged at offset %" PRIu64
				  "; record it again or copy the file again",
				  src->file->path, src->what, src->pos);
	return src->rc;
}

int source_get(struct source *src, void *buf, uint64_t size)
{
	if (src->rc)
		return src->rc;
	if (size > src->end - src->pos)
		return source_cut(src);
	if (src->mem)
		memcpy(buf, src->mem + src->pos, size);
	else
		src->rc = tracedat_file_pread(src->file, buf, size, src->pos, src->err);
	src->pos += size;
	return src->rc;
}

int source_skip(struct source *src, uint64_t size)
{
	if (src->rc)
		return src->rc;
	if (size > src->end - src->pos)
		return source_cut(src);
	src->pos += size;
	return 0;
}

uint64_t source_num(struct source *src, unsigned int size)
{
	uint8_t bytes[8] = { 0 };
	uint64_t value = 0;

	if (source_get(src, bytes, size) < 0)
		return 0;
	for (unsigned int i = size; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

int source_str(struct source *src, char *buf, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (source_get(src, &buf[i], 1) < 0)
			return src->rc;
		if (!buf[i])
			return 0;
	}
	return source_cut(src);
}

char *source_text(struct source *src, uint64_t size, uint64_t max)
{
	char *text;

	if (src->rc)
		return NULL;
	if (size > max || size > src->end - src->pos) {
		source_cut(src);
		return NULL;
	}
	text = xcalloc(1, size + 1);
	if (source_get(src, text, size) < 0) {
		free(text);
		return NULL;
	}
	return text;
}

int source_expect(struct source *src, const char *word, size_t size)
{
	char buf[16];

	if (source_get(src, buf, size) < 0)
		return src->rc;
	return memcmp(buf, word, size) == 0 ? 0 : source_cut(src);
}
