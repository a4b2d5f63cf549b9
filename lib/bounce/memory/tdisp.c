/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/memory/tdisp.h"

#include <errno.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/bounce/memory/fault.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/memory/trace.h"

static void enter(struct tdisp *t, enum tdisp_state state)
{
	static const uint8_t reported[] = { EVENT_TSM_UNLOCKED, EVENT_TSM_LOCKED, EVENT_TSM_RUN,
					    EVENT_TSM_ERROR };

	t->state = state;
	t->dma->trusted = t->guard->trusted = state == TDISP_RUN;
	bounce_trace_emit(t->dma->trace, (struct event){ .kind = EVENT_TSM,
							 .dev = t->dma->name,
							 .aux = reported[state],
							 .orig = EVENT_NO_ADDR,
							 .dma = EVENT_NO_ADDR,
							 .dir = EVENT_DIR_NONE });
}

void tdisp_init(struct tdisp *t, struct dma_device *dma, struct guard *guard,
		const uint8_t measurement[TDISP_MEASUREMENT])
{
	t->dma = dma;
	t->guard = guard;
	memcpy(t->measurement, measurement, TDISP_MEASUREMENT);
	enter(t, TDISP_UNLOCKED);
}

int tdisp_lock(struct tdisp *t, struct err *err)
{
	if (t->state != TDISP_UNLOCKED)
		return err_set(err, EPERM, "only an unlocked device can be locked");
	enter(t, TDISP_LOCKED);
	return 0;
}

int tdisp_accept(struct tdisp *t, const uint8_t expected[TDISP_MEASUREMENT], struct err *err)
{
	if (t->state != TDISP_LOCKED)
		return err_set(err, EPERM, "only a locked device can be accepted");
	if (memcmp(t->measurement, expected, TDISP_MEASUREMENT) != 0) {
		enter(t, TDISP_ERROR);
		return err_set(err, EACCES, "the device's measurement is not the expected one");
	}
	enter(t, TDISP_RUN);
	return 0;
}

int tdisp_unlock(struct tdisp *t, struct err *err)
{
	if (t->state == TDISP_UNLOCKED)
		return err_set(err, EPERM, "the device is not locked");
	enter(t, TDISP_UNLOCKED);
	return 0;
}

void tdisp_reconfigure(struct tdisp *t)
{
	if (t->state == TDISP_LOCKED || t->state == TDISP_RUN)
		enter(t, TDISP_ERROR);
}

/* The address that the driver gives to the device. */
static uint64_t publish(struct tdisp *t, uint64_t ipa, size_t size, enum event_dir dir)
{
	struct dma_device *dma = t->dma;
	uint64_t addr;

	if (t->state != TDISP_RUN)
		return dma_map_unbounced(dma, ipa, size, dir); /* only a defect comes here */
	if (fault_once(dma->fault, FAULT_TDISP_POOL)) {
		addr = swiotlb_map(dma->pools[0], ipa, size, NULL);
		return addr == EVENT_NO_ADDR ? addr : dma_map_at(dma, ipa, addr, size, dir);
	}
	return dma_map(dma, ipa, size, dir, 0);
}

int tdisp_transfer(struct tdisp *t, uint64_t ipa, uint8_t *data, size_t size, bool in,
		   struct err *err)
{
	enum event_dir dir = in ? EVENT_FROM_DEVICE : EVENT_TO_DEVICE;
	struct fault_plan *fault = t->dma->fault;
	uint64_t addr;
	int ret;

	if (t->state != TDISP_RUN &&
	    !(t->state == TDISP_LOCKED && fault_once(fault, FAULT_TDISP_EARLY)) &&
	    !(t->state != TDISP_LOCKED && fault_once(fault, FAULT_TDISP_LATE)))
		return err_set(err, EPERM, "the device is not accepted: it gets no memory");
	addr = publish(t, ipa, size, dir);
	if (addr == EVENT_NO_ADDR)
		return err_set(err, ENOMEM, "the buffer was not mapped");
	ret = in ? guard_write(t->guard, addr, data, size) : guard_read(t->guard, addr, data, size);
	dma_unmap(t->dma, addr, size, dir, 0);
	return ret < 0 ? err_set(err, EFAULT, "the device does not reach the buffer") : 0;
}
