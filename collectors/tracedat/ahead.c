/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "collectors/tracedat/window.h"
#include "lib/base/xalloc.h"

/* Windows wait in the queue in the order in which they were posted, each at most once. */
struct tracedat_ahead {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t posted, filled;
	struct tracedat_window **queue;
	size_t size, head, count;
	bool stop;
};

static void *ahead_run(void *arg)
{
	struct tracedat_ahead *ahead = arg;

	pthread_mutex_lock(&ahead->lock);
	for (;;) {
		struct tracedat_window *window;

		while (!ahead->count && !ahead->stop)
			pthread_cond_wait(&ahead->posted, &ahead->lock);
		if (ahead->stop)
			break;
		window = ahead->queue[ahead->head];
		ahead->head = (ahead->head + 1) % ahead->size;
		ahead->count--;
		pthread_mutex_unlock(&ahead->lock);
		tracedat_window_fill(window, &window->next, &window->next_err);
		pthread_mutex_lock(&ahead->lock);
		window->filled = true;
		pthread_cond_signal(&ahead->filled);
	}
	pthread_mutex_unlock(&ahead->lock);
	return NULL;
}

struct tracedat_ahead *tracedat_ahead_new(size_t windows)
{
	struct tracedat_ahead *ahead = xcalloc(1, sizeof(*ahead));
	sigset_t all, old;
	int rc;

	ahead->size = windows;
	ahead->queue = xcalloc(windows, sizeof(struct tracedat_window *));
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->posted, NULL);
	pthread_cond_init(&ahead->filled, NULL);
	/* signals are the program's, not this thread's */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&ahead->thread, NULL, ahead_run, ahead);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		return ahead;
	free(ahead->queue);
	free(ahead);
	return NULL;
}

void tracedat_ahead_free(struct tracedat_ahead *ahead)
{
	if (!ahead)
		return;
	pthread_mutex_lock(&ahead->lock);
	ahead->stop = true;
	pthread_cond_signal(&ahead->posted);
	pthread_mutex_unlock(&ahead->lock);
	pthread_join(ahead->thread, NULL);
	pthread_mutex_destroy(&ahead->lock);
	pthread_cond_destroy(&ahead->posted);
	pthread_cond_destroy(&ahead->filled);
	free(ahead->queue);
	free(ahead);
}

void tracedat_ahead_post(struct tracedat_ahead *ahead, struct tracedat_window *window)
{
	pthread_mutex_lock(&ahead->lock);
	window->posted = true;
	window->filled = false;
	ahead->queue[(ahead->head + ahead->count++) % ahead->size] = window;
	pthread_cond_signal(&ahead->posted);
	pthread_mutex_unlock(&ahead->lock);
}

void tracedat_ahead_wait(struct tracedat_ahead *ahead, struct tracedat_window *window)
{
	pthread_mutex_lock(&ahead->lock);
	while (!window->filled)
		pthread_cond_wait(&ahead->filled, &ahead->lock);
	window->posted = false;
	pthread_mutex_unlock(&ahead->lock);
}
