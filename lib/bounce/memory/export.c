/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/memory/export.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include "lib/base/err.h"
#include "lib/base/le.h"
#include "lib/bounce/memory/realm.h"

/* A notice: transfer 8, address 8, size 4, checksum 4. */
#define NOTICE 24u
#define OUT_OFF 0u
#define IN_OFF 64u /* the host's, in the same mailbox */

struct notice {
	uint64_t sequence, addr;
	uint32_t size, sum;
};

static void pack(uint8_t raw[NOTICE], const struct notice *n)
{
	put_le64(raw, n->sequence);
	put_le64(raw + 8, n->addr);
	put_le32(raw + 16, n->size);
	put_le32(raw + 20, n->sum);
}

static void unpack(const uint8_t raw[NOTICE], struct notice *n)
{
	n->sequence = get_le64(raw);
	n->addr = get_le64(raw + 8);
	n->size = get_le32(raw + 16);
	n->sum = get_le32(raw + 20);
}

static uint32_t checksum(const uint8_t *data, size_t size)
{
	return crc32(crc32(0, NULL, 0), data, size);
}

int export_init(struct export *e, struct dma_device *dma, struct guard *guard, struct err *err)
{
	memset(e, 0, sizeof(*e));
	e->dma = dma;
	e->guard = guard;
	if (dma_alloc(dma, 128, &e->mailbox) < 0)
		return err_set(err, ENOMEM, "no coherent memory for the mailbox");
	return 0;
}

void export_release(struct export *e)
{
	if (e->dma)
		dma_free(e->dma, &e->mailbox);
	e->dma = NULL;
}

/* The host is notified: it reads the notice and takes the data. */
static int host_take(struct export *e, uint8_t *taken, size_t room, struct err *err)
{
	uint8_t raw[NOTICE];
	struct notice n;

	guard_read(e->guard, e->mailbox.dma + OUT_OFF, raw, sizeof(raw));
	unpack(raw, &n);
	if (n.size > room || guard_read(e->guard, n.addr, taken, n.size) < 0)
		return err_set(err, EFAULT, "the host could not take transfer %" PRIu64,
			       n.sequence);
	if (checksum(taken, n.size) != n.sum)
		return err_set(err, EBADMSG, "the host took other bytes than transfer %" PRIu64,
			       n.sequence);
	return 0;
}

int export_out(struct export *e, uint64_t ipa, size_t size, uint8_t *taken, struct err *err)
{
	const uint8_t *data = realm_ptr(e->dma->realm, ipa, size);
	struct notice n = { .sequence = ++e->sequence, .size = size };
	int ret;

	if (!data || !size || size > EXPORT_MAX)
		return err_set(err, EINVAL, "%zu bytes cannot be exported at once", size);
	n.sum = checksum(data, size);
	n.addr = dma_map(e->dma, ipa, size, EVENT_TO_DEVICE, 0);
	if (n.addr == EVENT_NO_ADDR)
		return err_set(err, ENOMEM, "swiotlb buffer is full: nothing was exported");
	pack(realm_ptr(e->dma->realm, e->mailbox.ipa + OUT_OFF, NOTICE), &n);
	e->host_notices++;
	ret = host_take(e, taken, size, err);
	dma_unmap(e->dma, n.addr, size, EVENT_TO_DEVICE, 0);
	e->exported += ret == 0;
	return ret;
}

/* The host is told where it may place data, does so, and notifies the Realm. */
static void host_place(struct export *e, const uint8_t *placed, size_t size)
{
	uint8_t raw[NOTICE], changed;
	struct notice n;

	guard_read(e->guard, e->mailbox.dma + OUT_OFF, raw, sizeof(raw));
	unpack(raw, &n);
	if (size > n.size)
		size = n.size;
	guard_write(e->guard, n.addr, placed, size);
	n.sequence += e->lie_sequence;
	n.sum = checksum(placed, size);
	n.size = size + e->lie_size;
	if (e->lie_data) {
		changed = placed[0] ^ 1;
		guard_write(e->guard, n.addr, &changed, 1);
	}
	pack(raw, &n);
	guard_write(e->guard, e->mailbox.dma + IN_OFF, raw, sizeof(raw));
	e->realm_notices++;
}

int export_in(struct export *e, uint64_t ipa, size_t room, const uint8_t *placed, size_t size,
	      struct err *err)
{
	struct notice own = { .sequence = ++e->sequence, .size = room }, reported;
	uint64_t landing;
	uint8_t raw[NOTICE];
	int ret;

	if (!room || room > EXPORT_MAX || !realm_ptr(e->dma->realm, ipa, room))
		return err_set(err, EINVAL, "%zu bytes cannot be imported at once", room);
	/* not into the buffer itself: what does not validate must not reach it */
	landing = realm_alloc(e->dma->realm, room, 64);
	if (landing == REALM_NO_ADDR)
		return err_set(err, ENOMEM, "no Realm memory for an import");
	memset(realm_ptr(e->dma->realm, landing, room), 0, room);
	own.addr = dma_map(e->dma, landing, room, EVENT_FROM_DEVICE, 0);
	if (own.addr == EVENT_NO_ADDR) {
		realm_release(e->dma->realm, landing, room);
		return err_set(err, ENOMEM, "swiotlb buffer is full: nothing was imported");
	}
	pack(realm_ptr(e->dma->realm, e->mailbox.ipa + OUT_OFF, NOTICE), &own);
	e->host_notices++;
	host_place(e, placed, size);
	/* read once: the host may change it at any time */
	memcpy(raw, realm_ptr(e->dma->realm, e->mailbox.ipa + IN_OFF, NOTICE), NOTICE);
	unpack(raw, &reported);
	dma_unmap(e->dma, own.addr, room, EVENT_FROM_DEVICE, 0);
	if (reported.sequence != own.sequence)
		ret = err_set(err, EBADMSG,
			      "the host's notice is of transfer %" PRIu64 ", not %" PRIu64,
			      reported.sequence, own.sequence);
	else if (reported.size > room)
		ret = err_set(err, EBADMSG, "the host says it placed %u bytes in a buffer of %zu",
			      reported.size, room);
	else if (checksum(realm_ptr(e->dma->realm, landing, reported.size), reported.size) !=
		 reported.sum)
		ret = err_set(err, EBADMSG, "the bytes do not match the host's checksum");
	else
		ret = reported.size;
	if (ret >= 0)
		memcpy(realm_ptr(e->dma->realm, ipa, ret), realm_ptr(e->dma->realm, landing, ret),
		       ret);
	e->imported += ret >= 0;
	e->refused += ret < 0;
	realm_release(e->dma->realm, landing, room);
	return ret;
}
