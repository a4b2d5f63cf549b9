/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program, the time and the bounce pool, while ccaio trace records. */
#include "cmd/trace/watch.h"

#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "cmd/common/cmd.h"
#include "lib/base/err.h"

#define AGAIN_US 10000000 /* between two lines about a pool that is full */

static int add(struct watch *w, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(w->fd, EPOLL_CTL_ADD, fd, &event);
}

int watch_open(struct watch *w, int program_fd, struct err *err)
{
	w->fd = epoll_create1(EPOLL_CLOEXEC);
	w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->fd < 0 || w->timer < 0 || add(w, program_fd) < 0 || add(w, w->timer) < 0)
		return err_sys(err, "cannot wait for the program");
	pool_full_open(&w->pool);
	if (w->pool.fd >= 0 && add(w, w->pool.fd) < 0)
		pool_full_close(&w->pool);
	return 0;
}

int watch_within(struct watch *w, uint64_t ms, struct err *err)
{
	struct itimerspec now,
		when = { .it_value = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 } };

	if (timerfd_gettime(w->timer, &now) < 0)
		return err_sys(err, "cannot set a timer");
	if ((now.it_value.tv_sec || now.it_value.tv_nsec) &&
	    (uint64_t)now.it_value.tv_sec * 1000 + (uint64_t)now.it_value.tv_nsec / 1000000 <= ms)
		return 0;
	return timerfd_settime(w->timer, 0, &when, NULL) < 0 ? err_sys(err, "cannot set a timer")
							     : 0;
}

static void say_full(struct watch *w, const struct pool_full_line *line)
{
	w->complaints++;
	if (!w->first_us) {
		w->first_us = line->ts_us;
		cmd_say(&cmd_trace,
			"the bounce pool is full: %s cannot map %" PRIu64 " bytes, %" PRIu64
			" of %" PRIu64 " slots of 2 KiB in use; the program may wait for this for "
			"ever (interrupt twice to end and judge what was recorded; boot with a "
			"larger swiotlb=)",
			line->device, line->bytes, line->used, line->total);
	} else if (line->ts_us - w->said_us >= AGAIN_US) {
		cmd_say(&cmd_trace,
			"the bounce pool is still full, for %" PRIu64 " s now: %s, %" PRIu64
			" bytes, %" PRIu64 " of %" PRIu64 " slots in use",
			(line->ts_us - w->first_us) / 1000000, line->device, line->bytes,
			line->used, line->total);
	} else {
		return;
	}
	w->said_us = line->ts_us;
}

void watch_look(struct watch *w)
{
	struct pool_full_line line;
	uint64_t times;

	if (read(w->timer, &times, sizeof(times)) == sizeof(times))
		w->expired = true;
	while (pool_full_next(&w->pool, &line))
		if (!w->quiet)
			say_full(w, &line);
}

void watch_close(struct watch *w)
{
	pool_full_close(&w->pool);
	if (w->timer >= 0)
		close(w->timer);
	if (w->fd >= 0)
		close(w->fd);
	*w = (struct watch)WATCH_NONE;
}
