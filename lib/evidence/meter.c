/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel summed up of bouncing: the facts' member "meter". */
#include "lib/evidence/meter.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

#define MAX_COUNT ((uint64_t)INT64_MAX)
#define MAX_DEVICES 65536

static const char *meter_way_name(enum meter_way way)
{
	static const char *const names[METER_WAYS] = { "out", "in" };

	return (unsigned int)way < METER_WAYS ? names[way] : NULL;
}

JWORDS(way_word, meter_way, meter_way_name)

static const struct jrow copies_rows[] = {
	JNAME("device", struct meter_copies, device, .flags = JF_REQUIRED),
	JWORD("way", struct meter_copies, way, way_word, METER_WAYS, .flags = JF_REQUIRED),
	JNUMBER("copies", struct meter_copies, copies, MAX_COUNT, .flags = JF_REQUIRED),
	JNUMBER("bytes", struct meter_copies, bytes, MAX_COUNT, .flags = JF_REQUIRED),
	JEND,
};

const struct jrow meter_table[] = {
	JSTRING("trouble", struct meter, trouble),
	JLIST("copies", struct meter, copies, ncopies, copies_rows, MAX_DEVICES),
	JNUMBER("missed", struct meter, missed, MAX_COUNT),
	JNUMBER("call_ns", struct meter, call_ns, MAX_COUNT),
	JNUMBER("busy_ns", struct meter, busy_ns, MAX_COUNT),
	JEND,
};

void meter_free(struct meter *meter)
{
	jtable_delete(meter_table, meter);
}

uint64_t meter_least_ns(uint64_t memcpy_bytes, uint64_t memcpy_ns, uint64_t bytes)
{
	double most = (double)(UINT64_C(1) << 62), ns;

	if (!memcpy_bytes)
		return 0;
	ns = (double)bytes * (double)memcpy_ns / (double)memcpy_bytes;
	return (uint64_t)(ns < most ? ns : most);
}

struct meter_copies *meter_copies_of(struct meter *m, const char *device, enum meter_way way)
{
	struct meter_copies *c;

	for (size_t i = 0; i < m->ncopies; i++)
		if (m->copies[i].way == way && strcmp(m->copies[i].device, device) == 0)
			return &m->copies[i];
	m->copies = xrealloc(m->copies, m->ncopies + 1, sizeof(*m->copies));
	c = &m->copies[m->ncopies++];
	*c = (struct meter_copies){ .device = xstrdup(device), .way = way };
	return c;
}

void meter_subtract(struct meter *m, const struct meter *before)
{
	size_t kept = 0;

	for (size_t i = 0; i < before->ncopies; i++) {
		const struct meter_copies *b = &before->copies[i];
		struct meter_copies *c = meter_copies_of(m, b->device, b->way);

		c->copies -= b->copies < c->copies ? b->copies : c->copies;
		c->bytes -= b->bytes < c->bytes ? b->bytes : c->bytes;
	}
	for (size_t i = 0; i < m->ncopies; i++) {
		if (m->copies[i].copies)
			m->copies[kept++] = m->copies[i];
		else
			free(m->copies[i].device);
	}
	m->ncopies = kept;
	m->missed -= before->missed < m->missed ? before->missed : m->missed;
}
