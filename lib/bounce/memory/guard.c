/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/memory/guard.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "lib/bounce/memory/realm.h"

/*
 * The guest-physical address behind one byte of the bus, and in *run how many of
 * the next bytes lie behind it in the same granule.  REALM_NO_ADDR: nothing there.
 */
static uint64_t resolve(struct guard *g, uint64_t bus, uint64_t *run)
{
	uint64_t bit = realm_shared_bit(g->realm);
	uint64_t ipa = bus;

	if (g->translate) {
		ipa = g->translate(g->translate_ctx, bus, run);
		if (ipa == REALM_NO_ADDR)
			*run = 1;
	}
	uint64_t left = REALM_GRANULE - (bus & (REALM_GRANULE - 1));

	if (*run > left)
		*run = left;
	if (g->translate || !bit)
		return ipa;
	if (ipa & bit)
		return realm_from_device(bit, ipa);
	/* Without the bit this is the protected alias: only a trusted device may follow it. */
	return g->trusted || g->raw ? ipa : REALM_NO_ADDR;
}

static bool allowed(const struct guard *g, uint64_t ipa)
{
	switch (realm_state(g->realm, ipa)) {
	case REALM_SHARED: /* an accepted device has no business in shared memory */
		return !g->trusted;
	case REALM_PROTECTED:
		return g->trusted;
	default:
		return false;
	}
}

static int transfer(struct guard *g, uint64_t bus, uint8_t *buf, size_t size, bool write)
{
	struct guard_access a = {
		.addr = bus, .size = size, .dev = g->dev, .write = write, .fault = REALM_NO_ADDR
	};
	size_t done = 0;

	while (done < size) {
		uint64_t run = size - done;
		uint64_t ipa = resolve(g, bus + done, &run);
		uint8_t *p = ipa == REALM_NO_ADDR ? NULL : realm_ptr(g->realm, ipa, run);

		if (p && allowed(g, ipa)) {
			if (write)
				memcpy(p, buf + done, run);
			else
				memcpy(buf + done, p, run);
		} else {
			if (!a.denied)
				a.fault = bus + done;
			a.denied = true;
			if (!write)
				realm_host_view(g->realm, ipa == REALM_NO_ADDR ? bus + done : ipa,
						buf + done, run);
		}
		done += run;
	}
	g->accesses++;
	g->faults += a.denied;
	*(write ? &g->bytes_written : &g->bytes_read) += size;
	if (g->observe)
		g->observe(g->observe_ctx, &a);
	return a.denied ? -EFAULT : 0;
}

int guard_read(struct guard *g, uint64_t bus, void *buf, size_t size)
{
	return transfer(g, bus, buf, size, false);
}

int guard_write(struct guard *g, uint64_t bus, const void *buf, size_t size)
{
	/* transfer() only reads from buf when it writes */
	return transfer(g, bus, (uint8_t *)(uintptr_t)buf, size, true);
}

int guard_read16(struct guard *g, uint64_t bus, uint16_t *value)
{
	uint16_t le = 0;
	int ret = guard_read(g, bus, &le, sizeof(le));

	*value = le16toh(le);
	return ret;
}

int guard_write16(struct guard *g, uint64_t bus, uint16_t value)
{
	uint16_t le = htole16(value);

	return guard_write(g, bus, &le, sizeof(le));
}
