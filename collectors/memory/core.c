/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's memory through the segments of /proc/kcore. */
#include "collectors/memory/core.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/xalloc.h"

#define SEGMENTS_MAX 4096
#define NOTES_MAX (1u << 20)

struct core {
	int fd;
	Elf64_Phdr *segments; /* those that are loaded */
	size_t count;
	Elf64_Phdr notes;
};

static bool read_segments(struct core *core)
{
	Elf64_Ehdr head;
	size_t bytes;

	if (pread(core->fd, &head, sizeof(head), 0) != sizeof(head) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
	    head.e_phentsize != sizeof(*core->segments) || head.e_phnum > SEGMENTS_MAX ||
	    head.e_phoff > INT64_MAX / 2)
		return false;
	bytes = head.e_phnum * sizeof(*core->segments);
	core->segments = xcalloc(head.e_phnum ? head.e_phnum : 1, sizeof(*core->segments));
	if (pread(core->fd, core->segments, bytes, (off_t)head.e_phoff) != (ssize_t)bytes)
		return false;
	for (size_t i = 0; i < head.e_phnum; i++) {
		const Elf64_Phdr *s = &core->segments[i];

		if (s->p_type == PT_NOTE)
			core->notes = *s;
		if (s->p_type == PT_LOAD && s->p_memsz &&
		    s->p_vaddr + (s->p_memsz - 1) >= s->p_vaddr)
			core->segments[core->count++] = *s;
	}
	return true;
}

struct core *core_open(const char *path)
{
	struct core *core = xcalloc(1, sizeof(*core));

	core->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (core->fd >= 0 && read_segments(core))
		return core;
	core_close(core);
	return NULL;
}

void core_close(struct core *core)
{
	if (!core)
		return;
	if (core->fd >= 0)
		close(core->fd);
	free(core->segments);
	free(core);
}

static size_t padded(uint32_t len)
{
	return ((size_t)len + 3) & ~(size_t)3;
}

char *core_note(const struct core *core)
{
	static const char name[] = "VMCOREINFO";
	size_t size = core->notes.p_filesz;
	char *notes, *text = NULL;

	if (size > NOTES_MAX || core->notes.p_offset > (uint64_t)INT64_MAX)
		return NULL;
	notes = xcalloc(1, size + 1);
	if (pread(core->fd, notes, size, (off_t)core->notes.p_offset) != (ssize_t)size)
		size = 0;
	for (size_t at = 0; !text && size - at >= sizeof(Elf64_Nhdr);) {
		Elf64_Nhdr head;
		size_t left;

		memcpy(&head, notes + at, sizeof(head));
		at += sizeof(head);
		left = size - at;
		if (padded(head.n_namesz) > left || head.n_descsz > left - padded(head.n_namesz))
			break;
		if (head.n_namesz == sizeof(name) && memcmp(notes + at, name, sizeof(name)) == 0)
			text = xstrndup(notes + at + padded(head.n_namesz), head.n_descsz);
		left -= padded(head.n_namesz);
		at += padded(head.n_namesz) +
		      (padded(head.n_descsz) < left ? padded(head.n_descsz) : left);
	}
	free(notes);
	return text;
}

bool core_read(const struct core *core, uint64_t address, void *buf, size_t len)
{
	for (size_t i = 0; i < core->count; i++) {
		const Elf64_Phdr *s = &core->segments[i];
		uint64_t at = address - s->p_vaddr;

		if (address < s->p_vaddr || at >= s->p_memsz || len > s->p_memsz - at ||
		    s->p_offset > (uint64_t)INT64_MAX - at)
			continue;
		if (pread(core->fd, buf, len, (off_t)(s->p_offset + at)) == (ssize_t)len)
			return true;
	}
	return false;
}

/*
 * RAM has its physical address in its segment, and so has the kernel's own image, which may stand
 * before: its addresses are no linear map's.  vmalloc's segments have none (all bits set).
 */
bool core_virtual(const struct core *core, uint64_t physical, uint64_t *address)
{
	bool found = false;

	for (size_t i = 0; i < core->count; i++) {
		const Elf64_Phdr *s = &core->segments[i];

		if (s->p_paddr == UINT64_MAX || physical < s->p_paddr ||
		    physical - s->p_paddr >= s->p_memsz)
			continue;
		/* the linear map lies below the image on every architecture */
		if (!found || s->p_vaddr + (physical - s->p_paddr) < *address)
			*address = s->p_vaddr + (physical - s->p_paddr);
		found = true;
	}
	return found;
}
