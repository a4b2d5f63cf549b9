/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One snapshot of the kernel's memory, from its parts. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "collectors/memory/state.h"
#include "lib/base/xalloc.h"

void memory_trouble(struct taking *t, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (t->s->trouble)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	t->s->trouble = xstrdup(text);
}

uint64_t memory_u64(const struct taking *t, uint64_t address)
{
	uint64_t value;

	return core_read(t->core, address, &value, sizeof(value)) ? value : 0;
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static bool can_begin(struct taking *t, struct types *types)
{
	if (!t->core)
		memory_trouble(t, "/proc/kcore cannot be read");
	else if (!types)
		memory_trouble(t, "the kernel has no BTF (" BTF_KERNEL ")");
	else if (!t->symbols->bus_kset || !t->symbols->virtio_bus)
		memory_trouble(t, "/proc/kallsyms does not show where the virtio bus is");
	else
		return memory_layout(t, types);
	return false;
}

struct snapshot *memory_snapshot(const struct core *core, struct types *types,
				 const struct memory_symbols *symbols)
{
	struct taking t = { .core = core, .symbols = symbols, .s = snapshot_new() };
	uint64_t begun = cpu_ns();

	if (can_begin(&t, types)) {
		memory_virtio(&t);
		memory_pools(&t);
		memory_pages(&t);
	}
	t.s->cpu_ns = cpu_ns() - begun;
	return t.s;
}
