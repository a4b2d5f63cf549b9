/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cost as JSON: member "cost" of verdict.json. */
#include <stdlib.h>

#include "lib/cost/cost.h"
#include "lib/json/table.h"

#define MAX_DEVICES 65536

static const struct jrow copies_rows[] = {
	JCOUNT(struct cost_copies, copies),
	JCOUNT(struct cost_copies, bytes),
	JNUMBERS("sizes", struct cost_copies, sizes),
	JEND,
};

static const struct jrow metered_rows[] = {
	JCOUNT(struct cost_metered, copies),
	JCOUNT(struct cost_metered, bytes),
	JCOUNT(struct cost_metered, event_copies),
	JCOUNT(struct cost_metered, event_bytes),
	JEND,
};

static const struct jrow meter_rows[] = {
	JOBJECT("out", struct cost_meter, out, metered_rows, .flags = JF_REQUIRED),
	JOBJECT("in", struct cost_meter, in, metered_rows, .flags = JF_REQUIRED),
	JEND,
};

static const struct jrow metering_rows[] = {
	JTEXT("trouble", struct cost_metering, trouble),
	JCOUNT(struct cost_metering, missed),
	JCOUNT(struct cost_metering, call_ns),
	JCOUNT(struct cost_metering, busy_ns),
	JEND,
};

static const struct jrow device_rows[] = {
	JSTRING("name", struct cost_device, name, .flags = JF_TEXT | JF_REQUIRED),
	JCOUNT(struct cost_device, maps),
	JOBJECT("out", struct cost_device, out, copies_rows, .flags = JF_REQUIRED),
	JOBJECT("in", struct cost_device, in, copies_rows, .flags = JF_REQUIRED),
	JCOUNT(struct cost_device, stale),
	JNUMBERS("slots_most", struct cost_device, slots_most),
	JNUMBERS("slots_at_peak", struct cost_device, slots_at_peak),
	JPOINTER("meter", struct cost_device, meter, meter_rows),
	JEND,
};

static const struct jrow pool_rows[] = {
	JCOUNT(struct cost_pool, slots),
	JCOUNT(struct cost_pool, areas),
	JCOUNT(struct cost_pool, before),
	JCOUNT(struct cost_pool, peak),
	JCOUNT(struct cost_pool, peak_ns),
	JCOUNT(struct cost_pool, largest),
	JTEXT("largest_device", struct cost_pool, largest_device),
	JCOUNT(struct cost_pool, beyond),
	JCOUNT(struct cost_pool, failed),
	JCOUNT(struct cost_pool, full_at),
	JCOUNT(struct cost_pool, full_ns),
	JCOUNT(struct cost_pool, full_size),
	JTEXT("full_device", struct cost_pool, full_device),
	JCOUNT(struct cost_pool, holds),
	JBOOL("partial", struct cost_pool, partial),
	JEND,
};

static const struct jrow times_rows[] = {
	JCOUNT(struct cost_times, maps),   JCOUNT(struct cost_times, bytes),
	JCOUNT(struct cost_times, ns),	   JCOUNT(struct cost_times, map_ns),
	JCOUNT(struct cost_times, kib_ns), JEND,
};

const struct jrow cost_table[] = {
	JOBJECT("pool", struct cost, pool, pool_rows, .flags = JF_REQUIRED),
	JLIST("devices", struct cost, devices, ndevices, device_rows, MAX_DEVICES,
	      .flags = JF_REQUIRED),
	JBOOL("lost", struct cost, lost),
	JPOINTER("metering", struct cost, metering, metering_rows),
	JPOINTER("times", struct cost, times, times_rows),
	JCOUNT(struct cost, memcpy_bytes),
	JCOUNT(struct cost, memcpy_ns),
	JEND,
};

void cost_free(struct cost *c)
{
	jtable_delete(cost_table, c);
}
