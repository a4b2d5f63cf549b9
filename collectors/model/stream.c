/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/model/stream.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

struct model_stream {
	struct stream base;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct event *events; /* not read yet: [head, count) */
	size_t head, count, cap;
	bool ended;
	struct stream_cpu cpu;
};

static ssize_t stream_read_events(struct stream *base, struct event *buf, size_t max,
				  struct err *err)
{
	struct model_stream *s = (struct model_stream *)base;
	size_t n;

	(void)err;
	pthread_mutex_lock(&s->lock);
	while (s->head == s->count && !s->ended)
		pthread_cond_wait(&s->more, &s->lock);
	n = s->count - s->head < max ? s->count - s->head : max;
	memcpy(buf, s->events + s->head, n * sizeof(*buf));
	s->head += n;
	if (s->head == s->count)
		s->head = s->count = 0;
	if (n == 0) { /* the end: what the stream was */
		s->base.info.cpus = xcalloc(1, sizeof(s->cpu));
		s->base.info.cpus[0] = s->cpu;
		s->base.info.ncpus = 1;
	}
	pthread_mutex_unlock(&s->lock);
	return n;
}

static void stream_close_events(struct stream *base)
{
	struct model_stream *s = (struct model_stream *)base;

	stream_info_release(&s->base.info);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->more);
	free(s->events);
	free(s);
}

struct model_stream *model_stream_new(void)
{
	static const struct stream_ops ops = { .read = stream_read_events,
					       .close = stream_close_events };
	struct model_stream *s = xcalloc(1, sizeof(*s));

	s->base.ops = &ops;
	s->base.info.is_model = true;
	s->base.info.recorder = xstrdup("the bounce path");
	s->base.info.clock = xstrdup("mono");
	s->cpu.from_start = true;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	return s;
}

struct stream *model_stream_base(struct model_stream *s)
{
	return &s->base;
}

void model_stream_add(void *arg, const struct event *event)
{
	struct model_stream *s = arg;

	pthread_mutex_lock(&s->lock);
	XGROW(s->events, s->count, s->cap);
	s->events[s->count++] = *event;
	if (!s->cpu.events++)
		s->cpu.first_ns = event->ts_ns;
	s->cpu.last_ns = event->ts_ns;
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
}

void model_stream_end(struct model_stream *s)
{
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
}
