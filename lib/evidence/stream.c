/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/evidence/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"

ssize_t stream_read(struct stream *stream, struct event *buf, size_t max, struct err *err)
{
	return stream->ops->read(stream, buf, max, err);
}

struct stream *stream_again(struct stream *stream, struct names *names, struct err *err)
{
	if (stream->ops->again)
		return stream->ops->again(stream, names, err);
	err_set(err, ENOTSUP, "this evidence can be read once only");
	return NULL;
}

void stream_close(struct stream *stream)
{
	if (stream)
		stream->ops->close(stream);
}

const struct stream_format *stream_info_format(const struct stream_info *info, const char *event)
{
	const char *name = strchr(event, ':') + 1;
	size_t system = (size_t)(name - event) - 1;

	for (size_t i = 0; i < info->nformats; i++) {
		const struct stream_format *f = &info->formats[i];

		if (strcmp(f->name, name) == 0 && strncmp(f->system, event, system) == 0 &&
		    !f->system[system])
			return f;
	}
	return NULL;
}

void stream_info_release(struct stream_info *info)
{
	for (size_t i = 0; i < info->nformats; i++) {
		free(info->formats[i].system);
		free(info->formats[i].name);
		free(info->formats[i].missing);
	}
	free(info->formats);
	free(info->cpus);
	free(info->recorder);
	free(info->clock);
	free(info->arch);
	free(info->release);
	free(info->boot_id);
	memset(info, 0, sizeof(*info));
}
