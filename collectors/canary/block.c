/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collectors/canary/canary.h"
#include "lib/base/xalloc.h"

#define ARENA_PAGES 256
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

uint64_t canary_read_block(const char *disk, uint64_t nonce, char **reason)
{
	size_t page = sysconf(_SC_PAGESIZE), bytes = ARENA_PAGES * page;
	char *path = xasprintf("/dev/%s", disk), *arena;
	int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	uint64_t size = 0;

	if (fd < 0) {
		*reason = xasprintf("cannot open %s: %s", path, strerror(errno));
		goto out;
	}
	arena = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (arena == MAP_FAILED) {
		*reason = xasprintf("no memory for a read of %s", path);
		goto out;
	}
	size = read_once(fd, path, arena, page, nonce, reason);
	munmap(arena, bytes);
out:
	if (fd >= 0)
		close(fd);
	free(path);
	return size;
}
