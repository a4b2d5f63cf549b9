/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_MODEL_STREAM_H
#define CCAIO_COLLECTORS_MODEL_STREAM_H

#include "lib/evidence/stream.h"

/*
 * model-stream - events from the model's thread to whoever reads the stream.
 */
struct model_stream;

struct model_stream *model_stream_new(void);
struct stream *model_stream_base(struct model_stream *s);
/* Append one event (a bounce_sink). */
void model_stream_add(void *s, const struct event *event);
/* No more will come. */
void model_stream_end(struct model_stream *s);

#endif
