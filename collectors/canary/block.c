/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collectors/canary/canary.h"
#include "lib/base/xalloc.h"

#define ARENA_PAGES 256
#define READ_SECONDS 30
#define CANARY_BLOCKS 31 /* lengths 1 … 31 blocks: rarely a power of two */

/* Page frame number of the page at addr (Documentation/admin-guide/mm/pagemap.rst); 0 unknown. */
static uint64_t frame_of(int pagemap, const char *addr, size_t page)
{
	uint64_t entry;

	if (pread(pagemap, &entry, sizeof(entry), (uintptr_t)addr / page * sizeof(entry)) !=
	    sizeof(entry))
		return 0;
	return entry >> 63 ? entry & ((1ull << 55) - 1) : 0;
}

/*
 * A place in the arena whose first `want` bytes are contiguous in memory, so that
 * the transfer is one mapping.  The arena's start and a smaller want if there is none.
 */
static char *contiguous(char *arena, size_t page, size_t *want)
{
	size_t pages = (*want + page - 1) / page, run = 0;
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t last = 0;
	char *place = NULL;

	for (size_t i = 0; pagemap >= 0 && i < ARENA_PAGES && !place; i++) {
		uint64_t frame = frame_of(pagemap, arena + i * page, page);

		run = frame && frame == last + 1 ? run + 1 : 1;
		last = frame;
		if (frame && run == pages)
			place = arena + (i + 1 - pages) * page;
	}
	if (pagemap >= 0)
		close(pagemap);
	if (place)
		return place;
	if (*want > page)
		*want = page;
	return arena;
}

/* The nonce's number of blocks, as far as the device is large enough for it. */
static size_t choose_length(uint64_t nonce, size_t block, uint64_t device)
{
	uint64_t length = (1 + nonce % CANARY_BLOCKS) * block;

	return length < device ? length : block;
}

static uint64_t read_once(int fd, const char *disk, char *arena, size_t page, uint64_t nonce,
			  char **reason)
{
	uint64_t device = 0;
	size_t length;
	int block = 0;
	char *place;
	ssize_t n;

	if (ioctl(fd, BLKSSZGET, &block) < 0 || ioctl(fd, BLKGETSIZE64, &device) < 0 ||
	    block <= 0) {
		*reason = xasprintf("cannot learn the size of %s: %s", disk, strerror(errno));
		return 0;
	}
	if (device < (uint64_t)block || (size_t)block > page) {
		*reason = xasprintf("%s has no block to read", disk);
		return 0;
	}
	length = choose_length(nonce, block, device);
	place = contiguous(arena, page, &length);
	n = pread(fd, place, length, 0);
	if (n == (ssize_t)length)
		return length;
	*reason = xasprintf("cannot read %s: %s", disk, n < 0 ? strerror(errno) : "short read");
	return 0;
}

static uint64_t read_block(const char *path, uint64_t nonce, char **reason)
{
	size_t page = sysconf(_SC_PAGESIZE), bytes = ARENA_PAGES * page;
	int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	uint64_t size = 0;
	char *arena;

	if (fd < 0) {
		*reason = xasprintf("cannot open %s: %s", path, strerror(errno));
		return 0;
	}
	arena = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (arena == MAP_FAILED) {
		*reason = xasprintf("no memory for a read of %s", path);
	} else {
		size = read_once(fd, path, arena, page, nonce, reason);
		munmap(arena, bytes);
	}
	close(fd);
	return size;
}

/* What the reading process says; short enough for a pipe to take it at once. */
struct answer {
	uint64_t size;
	char reason[256];
};

/* The reading process keeps nothing open of ours: it may stay for as long as the disk hangs. */
static void read_apart(const char *path, uint64_t nonce, int answers)
{
	struct answer answer = { 0 };
	char *reason = NULL;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (dup2(answers, 0) < 0 || close_range(1, ~0u, 0) < 0)
		_exit(1);
	answer.size = read_block(path, nonce, &reason);
	if (reason)
		snprintf(answer.reason, sizeof(answer.reason), "%s", reason);
	if (write(0, &answer, sizeof(answer)) != sizeof(answer))
		_exit(1);
	_exit(0);
}

/* The answer of process pid; it is ended, and its read with it as soon as the kernel can. */
static void take_answer(struct answer *answer, int answers, pid_t pid, const char *path)
{
	struct pollfd ready = { .fd = answers, .events = POLLIN };
	int n;

	do {
		n = poll(&ready, 1, READ_SECONDS * 1000);
	} while (n < 0 && errno == EINTR);
	if (n > 0 && read(answers, answer, sizeof(*answer)) == sizeof(*answer)) {
		waitpid(pid, NULL, 0);
		return;
	}
	*answer = (struct answer){ 0 };
	snprintf(answer->reason, sizeof(answer->reason),
		 n == 0 ? "a read of %s did not end within %d seconds" : "cannot read %s", path,
		 READ_SECONDS);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, WNOHANG);
}

/*
 * The read is another process's: where the bounce pool is full it does not end, and nobody can
 * interrupt it.
 */
uint64_t canary_read_block(const char *disk, uint64_t nonce, char **reason)
{
	char *path = xasprintf("/dev/%s", disk);
	struct answer answer = { 0 };
	int answers[2];
	pid_t pid = -1;

	if (pipe2(answers, O_CLOEXEC) < 0) {
		*reason = xasprintf("cannot make a pipe to read %s: %s", path, strerror(errno));
		free(path);
		return 0;
	}
	pid = fork();
	if (pid == 0)
		read_apart(path, nonce, answers[1]);
	close(answers[1]);
	if (pid < 0)
		snprintf(answer.reason, sizeof(answer.reason), "cannot fork to read %s: %s", path,
			 strerror(errno));
	else
		take_answer(&answer, answers[0], pid, path);
	close(answers[0]);
	if (!answer.size)
		*reason = xstrdup(answer.reason);
	free(path);
	return answer.size;
}
