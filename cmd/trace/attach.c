/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd/trace/attach.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lib/base/err.h"

static int watch(struct attach *a, int fd, uint32_t index)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = index };

	return epoll_ctl(a->fd, EPOLL_CTL_ADD, fd, &event);
}

enum { TIMER = PROCESSES_MAX, SIGNAL };

static int open_signals(struct attach *a, struct err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	a->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	/* for a command they would be passed on; here they are nobody's, and must not end ccaio */
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	if (a->signal_fd < 0 || watch(a, a->signal_fd, SIGNAL) < 0)
		return err_sys(err, "cannot wait for signals");
	return 0;
}

int attach_open(struct attach *a, const int32_t *pids, unsigned int npids, const char *comm,
		uint64_t duration_ms, struct err *err)
{
	int ret = 0;

	for (int i = 0; i < PROCESSES_MAX; i++)
		a->pid_fds[i] = -1;
	for (unsigned int i = 0; ret == 0 && i < npids; i++)
		ret = processes_add_pid(&a->processes, pids[i], err);
	if (ret == 0 && comm)
		ret = processes_add_comm(&a->processes, comm, err);
	if (ret < 0)
		return ret;
	a->fd = epoll_create1(EPOLL_CLOEXEC);
	if (a->fd < 0)
		return err_sys(err, "cannot wait for processes");
	for (size_t i = 0; i < a->processes.npids; i++) {
		a->pid_fds[i] = (int)syscall(SYS_pidfd_open, a->processes.pids[i], 0);
		if (a->pid_fds[i] < 0 || watch(a, a->pid_fds[i], (uint32_t)i) < 0)
			return err_sys(err, "cannot wait for process %d", a->processes.pids[i]);
	}
	a->duration_ms = duration_ms;
	return open_signals(a, err);
}

int attach_start(struct attach *a, struct err *err)
{
	const struct itimerspec when = {
		.it_value = { (time_t)(a->duration_ms / 1000),
			      (long)(a->duration_ms % 1000) * 1000000 },
	};

	processes_look(&a->processes);
	if (!a->duration_ms)
		return 0;
	a->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (a->timer_fd < 0 || timerfd_settime(a->timer_fd, 0, &when, NULL) < 0 ||
	    watch(a, a->timer_fd, TIMER) < 0)
		return err_sys(err, "cannot wait for the duration");
	return 0;
}

bool attach_handle(struct attach *a)
{
	struct epoll_event events[8];
	int n = epoll_wait(a->fd, events, 8, 0);
	bool alive = false, ended = false;

	for (int i = 0; i < n; i++) {
		uint32_t index = events[i].data.u32;

		if (index >= PROCESSES_MAX)
			return true;
		epoll_ctl(a->fd, EPOLL_CTL_DEL, a->pid_fds[index], NULL);
		close(a->pid_fds[index]);
		a->pid_fds[index] = -1;
		ended = true;
	}
	for (int i = 0; i < PROCESSES_MAX; i++)
		alive |= a->pid_fds[i] >= 0;
	return ended && !alive;
}

void attach_release(struct attach *a)
{
	for (int i = 0; a->fd >= 0 && i < PROCESSES_MAX; i++)
		if (a->pid_fds[i] >= 0)
			close(a->pid_fds[i]);
	if (a->timer_fd >= 0)
		close(a->timer_fd);
	if (a->signal_fd >= 0)
		close(a->signal_fd);
	if (a->fd >= 0)
		close(a->fd);
	processes_release(&a->processes);
	a->fd = a->timer_fd = a->signal_fd = -1;
}
