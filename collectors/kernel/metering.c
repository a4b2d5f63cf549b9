/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's own sums of what bouncing copies, by a BPF program. */
#include "collectors/kernel/metering.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/kernel/btf.h"
#include "collectors/kernel/copy-program.h"
#include "lib/base/file.h"
#include "lib/base/printable.h"
#include "lib/base/saturate.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/evidence/meter.h"

#define COPY "swiotlb_bounce"
#define NAME_MOST 255	  /* bytes of a device's name in the facts */
#define NOT_SUPPORTED 524 /* ENOTSUPP, which the kernel keeps to itself */

static void cannot(struct metering *m, const char *why)
{
	free(m->trouble);
	m->trouble = xasprintf("copies (" COPY "): %s", why);
}

void metering_open(struct metering *m, struct types *types)
{
	int function = types ? btf_function(types, COPY) : -1;
	long name_at = types ? btf_offset(types, "device", "kobj.name") : -1;

	*m = (struct metering)METERING_INIT;
	if (function < 0 || name_at < 0)
		return cannot(m, types ? "this kernel has no such function"
				       : "this kernel does not describe its types "
					 "(CONFIG_DEBUG_INFO_BTF)");
	m->map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ccaio_meter", sizeof(uint32_t),
				sizeof(struct copy_table), 1, NULL);
	if (m->map < 0)
		return cannot(m, strerror(errno));
	m->program = copy_program_load(m->map, (uint32_t)function, name_at);
	if (m->program < 0)
		return cannot(m, errno == EINVAL ? "this kernel does not know such BPF programs"
						 : strerror(errno));
	m->at = bpf_raw_tracepoint_open(NULL, m->program);
	if (m->at < 0)
		return cannot(m, errno == NOT_SUPPORTED || errno == EINVAL
					 ? "this kernel cannot call BPF programs from functions"
					 : strerror(errno));
	m->counts = true;
	metering_price_open(&m->price, types);
}

uint64_t metering_busy_ns(const char *stat, long ticks)
{
	uint64_t user, nice, system, irq, softirq;

	if (!stat || ticks <= 0 ||
	    sscanf(stat, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %*u %*u %" SCNu64 " %" SCNu64,
		   &user, &nice, &system, &irq, &softirq) != 5)
		return 0;
	return (user + nice + system + irq + softirq) * (UINT64_C(1000000000) / (uint64_t)ticks);
}

static uint64_t busy_ns(void)
{
	char *text = file_read("/proc/stat", 1u << 20, NULL, NULL);
	uint64_t ns = metering_busy_ns(text, sysconf(_SC_CLK_TCK));

	free(text);
	return ns;
}

/* Calls in which the program did not run, since it ran already on that CPU. */
static uint64_t recursion_misses(const struct metering *m)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(m->program, &info, &len) == 0 ? info.recursion_misses : 0;
}

static void take(struct meter *meter, const struct copy_place *p)
{
	bool in = (p->key & COPY_DIRS) == EVENT_FROM_DEVICE;
	char *raw = xstrndup(p->name, sizeof(p->name)), *name = printable(raw);
	struct meter_copies *c;

	if (!*name || strlen(name) > NAME_MOST) {
		meter->missed = saturate_add(meter->missed, p->copies);
	} else {
		c = meter_copies_of(meter, name, in ? METER_IN : METER_OUT);
		c->copies = saturate_add(c->copies, p->copies);
		c->bytes = saturate_add(c->bytes, p->bytes);
	}
	free(raw);
	free(name);
}

struct meter *metering_sums(const struct copy_table *table)
{
	struct meter *meter = xcalloc(1, sizeof(*meter));

	meter->missed = table->full;
	for (size_t i = 0; i < sizeof(table->places) / sizeof(table->places[0]); i++)
		if (table->places[i].copies)
			take(meter, &table->places[i]);
	return meter;
}

/* NULL: they cannot be read, which trouble says. */
static struct meter *read_sums(struct metering *m)
{
	struct copy_table *table = xcalloc(1, sizeof(*table));
	struct meter *meter = NULL;
	uint32_t only = 0;

	if (bpf_map_lookup_elem(m->map, &only, table) == 0) {
		meter = metering_sums(table);
		meter->missed = saturate_add(meter->missed, recursion_misses(m));
	} else {
		cannot(m, strerror(errno));
	}
	free(table);
	return meter;
}

void metering_begin(struct metering *m)
{
	if (!m->counts)
		return;
	m->busy_ns = busy_ns();
	m->before = read_sums(m);
}

void metering_end(struct metering *m)
{
	uint64_t busy;

	if (!m->counts || !m->before)
		return;
	m->meter = read_sums(m);
	busy = busy_ns();
	if (!m->meter)
		return;
	meter_subtract(m->meter, m->before);
	m->meter->call_ns = m->price.ns;
	m->meter->busy_ns = busy > m->busy_ns && m->busy_ns ? busy - m->busy_ns : 0;
}

struct meter *metering_describe(struct metering *m)
{
	struct meter *meter = m->meter;

	if (!meter && m->trouble)
		meter = xcalloc(1, sizeof(*meter));
	if (meter && m->trouble)
		meter->trouble = xstrdup(m->trouble);
	m->meter = NULL;
	return meter;
}

void metering_close(struct metering *m)
{
	if (m->counts || m->trouble) {
		const int fds[] = { m->at, m->program, m->map };

		for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
			if (fds[i] >= 0)
				close(fds[i]);
	}
	metering_price_close(&m->price);
	meter_free(m->before);
	meter_free(m->meter);
	free(m->trouble);
	*m = (struct metering)METERING_INIT;
}
