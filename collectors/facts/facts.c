/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/facts/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "collectors/facts/state.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"

struct facts *facts_new(const char *root)
{
	struct facts *facts = xcalloc(1, sizeof(*facts));

	if (!root)
		root = getenv("CCAIO_ROOT");
	facts->root = xstrdup(root ? root : "");
	facts_log_open(facts);
	return facts;
}

void facts_free(struct facts *facts)
{
	if (!facts)
		return;
	facts_log_close(facts);
	facts_watch_forget(facts);
	facts_touched_forget(facts);
	facts_kernel_close(facts);
	free(facts->root);
	free(facts);
}

/* A tree of files has no uname(2): there, /proc/sys/kernel/osrelease and arch answer. */
static void read_kernel(struct facts *facts, struct platform *p)
{
	struct utsname name;

	p->kernel.release = facts_attr(facts, "/proc/sys/kernel/osrelease");
	p->kernel.machine = facts_attr(facts, "/proc/sys/kernel/arch"); /* since Linux 6.1 */
	p->kernel.cmdline = facts_attr(facts, "/proc/cmdline");
	p->kernel.boot_id = facts_attr(facts, "/proc/sys/kernel/random/boot_id");
	if (facts->root[0] || uname(&name) < 0)
		return;
	if (!p->kernel.release)
		p->kernel.release = xstrdup(name.release);
	if (!p->kernel.machine)
		p->kernel.machine = xstrdup(name.machine);
}

struct platform *facts_collect(struct facts *facts)
{
	struct platform *p = platform_new();

	facts_log_drain(facts);
	read_kernel(facts, p);
	facts_realm(facts, p);
	facts_ram(facts, p);
	facts_swiotlb(facts, p);
	facts_virtio(facts, p);
	facts_pci(facts, p);
	facts_other(facts, p);
	facts_disks(facts, p);
	facts_net(facts, p);
	return p;
}

void facts_count_before(struct facts *facts, struct platform *p)
{
	for (size_t i = 0; i < p->nvirtio; i++)
		p->virtio[i].activity_before = facts_virtio_activity(facts, p->virtio[i].name);
	facts_pci_count(facts, p, true);
	facts_disks_count(facts, p, true);
	facts_net_count(facts, p, true);
}

void facts_count_after(struct facts *facts, struct platform *p)
{
	for (size_t i = 0; i < p->nvirtio; i++)
		p->virtio[i].activity_after = facts_virtio_activity(facts, p->virtio[i].name);
	facts_pci_count(facts, p, false);
	facts_disks_count(facts, p, false);
	facts_net_count(facts, p, false);
	facts->counted = true;
}

void facts_before(struct facts *facts, struct platform *p)
{
	facts_log_drain(facts);
	facts_free_list(facts->log.lines, facts->log.nlines);
	facts->log.lines = NULL;
	facts->log.nlines = facts->log.lines_cap = 0;
	facts->log.lost = facts->log.cpu_line = false;
	facts->log.keep = true;
	facts_watch_begin(facts);
	facts_touched_begin(facts, p);
	facts_count_before(facts, p);
	facts->counted = false;
	p->swiotlb.used_before = facts_swiotlb_sum(facts, "io_tlb_used");
}

static void take_lines(struct facts_log *log, struct platform *p)
{
	p->window.kernel_log = log->lines;
	p->window.nkernel_log = log->nlines;
	p->window.log_known = log->fd >= 0 && !log->lost;
	log->lines = NULL;
	log->nlines = log->lines_cap = 0;
	log->keep = false;
}

/* The kernel moves the mark only when slots are taken: what was in use counts as well. */
static uint64_t hiwater(uint64_t mark, const struct platform *p)
{
	if (mark == PLATFORM_UNKNOWN)
		return mark;
	if (p->swiotlb.used_before != PLATFORM_UNKNOWN && p->swiotlb.used_before > mark)
		mark = p->swiotlb.used_before;
	if (p->swiotlb.used_after != PLATFORM_UNKNOWN && p->swiotlb.used_after > mark)
		mark = p->swiotlb.used_after;
	return mark;
}

void facts_after(struct facts *facts, struct platform *p)
{
	p->swiotlb.used_after = facts_swiotlb_sum(facts, "io_tlb_used");
	p->swiotlb.used_hiwater = hiwater(facts_swiotlb_sum(facts, "io_tlb_used_hiwater"), p);
	if (!facts->counted)
		facts_count_after(facts, p);
	facts_log_drain(facts);
	facts_watch_end(facts, p);
	facts_touched_end(facts, p);
	take_lines(&facts->log, p);
}

static int write_zero(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return err_sys(err, "cannot open %s", path);
	if (write(fd, "0\n", 2) != 2)
		ret = err_sys(err, "cannot write to %s", path);
	close(fd);
	return ret;
}

int facts_reset_hiwater(struct facts *facts, struct err *err)
{
	static const char dir[] = "/sys/kernel/debug/swiotlb", file[] = "io_tlb_used_hiwater";
	char *path = facts_path(facts, "%s/%s", dir, file);
	int ret = write_zero(path, err);
	size_t count;
	char **names = facts_list(facts, &count, "%s", dir);

	free(path);
	for (size_t i = 0; i < count && ret == 0; i++) {
		if (!facts_exists(facts, "%s/%s/%s", dir, names[i], file))
			continue;
		path = facts_path(facts, "%s/%s/%s", dir, names[i], file);
		ret = write_zero(path, err);
		free(path);
	}
	facts_free_list(names, count);
	return ret;
}
