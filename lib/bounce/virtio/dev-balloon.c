/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-balloon (virtio 1.3 §5.5): inflate queue 0, deflate queue 1, reporting queue 2. */
#include <errno.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/le.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/virtio/devices.h"

#define ID_BALLOON 5
#define F_REPORTING (1u << 5)
#define PAGE 4096u
#define PFN_SHIFT 12

enum { INFLATE, DEFLATE, REPORT };

int balloon_start(struct balloon *b, struct transport *transport, struct dma_device *dma,
		  uint64_t features, struct err *err)
{
	memset(b, 0, sizeof(*b));
	return virtio_start(&b->v, transport, dma, ID_BALLOON, features | F_REPORTING, 3, 16, err);
}

/* Take one page back into the Realm, scrubbed. */
static void take_back(struct balloon *b, uint64_t page)
{
	if (!b->v.dma->bypass)
		dma_encrypt(b->v.dma, page, PAGE);
	realm_release(b->v.dma->realm, page, PAGE);
}

void balloon_stop(struct balloon *b)
{
	virtio_stop(&b->v);
	while (b->npages > 0)
		take_back(b, b->pages[--b->npages]);
}

/* Tell the host the numbers of pages[from…to). */
static int tell(struct balloon *b, unsigned int queue, unsigned int from, unsigned int to,
		struct err *err)
{
	size_t size = (to - from) * sizeof(uint32_t);
	uint64_t list = virtio_buffer(&b->v, NULL, size);
	struct virtq_buf buf = { .ipa = list, .size = size };
	uint8_t *p = virtio_ptr(&b->v, list, size);
	int ret;

	if (!p)
		return err_set(err, ENOMEM, "no Realm memory for %u page numbers", to - from);
	for (unsigned int i = from; i < to; i++)
		put_le32(p + 4 * (i - from), b->pages[i] >> PFN_SHIFT);
	ret = virtio_request(&b->v, queue, &buf, 1, NULL, err);
	if (!virtq_in_flight(&b->v.queues[queue]))
		virtio_buffer_free(&b->v, list, size);
	return ret;
}

int balloon_inflate(struct balloon *b, unsigned int pages, struct err *err)
{
	unsigned int from = b->npages;

	if (!pages || pages > BALLOON_MAX_PAGES - from)
		return err_set(err, EINVAL, "the balloon holds at most %u pages",
			       BALLOON_MAX_PAGES);
	for (unsigned int i = 0; i < pages; i++) {
		uint64_t page = realm_alloc(b->v.dma->realm, PAGE, PAGE);

		if (page == REALM_NO_ADDR)
			return err_set(err, ENOMEM, "no page left to give away");
		memset(realm_ptr(b->v.dma->realm, page, PAGE), 0x5e, PAGE); /* old content */
		if (!b->v.dma->bypass)
			dma_decrypt(b->v.dma, page, PAGE);
		b->pages[b->npages++] = page;
	}
	return tell(b, INFLATE, from, b->npages, err);
}

int balloon_deflate(struct balloon *b, unsigned int pages, struct err *err)
{
	unsigned int to = b->npages;
	int ret;

	if (!pages || pages > to)
		return err_set(err, EINVAL, "the balloon holds %u pages", to);
	ret = tell(b, DEFLATE, to - pages, to, err);
	if (ret < 0)
		return ret;
	while (b->npages > to - pages)
		take_back(b, b->pages[--b->npages]);
	return 0;
}

int balloon_report(struct balloon *b, struct err *err)
{
	struct dma_device *dma = b->v.dma;
	struct virtq_buf buf = { .size = PAGE, .in = true, .premapped = !dma->bypass };
	int ret;

	if (dma->restricted)
		return err_set(err, EOPNOTSUPP,
			       "with static sharing the host reaches the pool only, no free page");
	buf.ipa = realm_alloc(dma->realm, PAGE, PAGE);
	if (buf.ipa == REALM_NO_ADDR)
		return err_set(err, ENOMEM, "no free page to report");
	if (!dma->bypass) {
		/* the page itself must reach the host, not a slot: share it, then map it as it is
		 */
		if (!dma->ops)
			dma_decrypt(dma, buf.ipa, PAGE);
		buf.dma = dma_map(dma, buf.ipa, PAGE, EVENT_FROM_DEVICE,
				  dma->ops ? 0 : EVENT_ATTR_CC_SHARED);
		if (buf.dma == EVENT_NO_ADDR)
			return err_set(err, ENOMEM, "a free page was not mapped");
	}
	ret = virtio_request(&b->v, REPORT, &buf, 1, NULL, err);
	if (buf.premapped) {
		dma_unmap(dma, buf.dma, PAGE, EVENT_FROM_DEVICE,
			  EVENT_ATTR_SKIP_CPU_SYNC | (dma->ops ? 0 : EVENT_ATTR_CC_SHARED));
		if (!dma->ops)
			dma_encrypt(dma, buf.ipa, PAGE);
	}
	realm_release(dma->realm, buf.ipa, PAGE);
	return ret;
}

/* The host's half: a page it was given is its own, and it uses it. */

static void hold(struct host_device *dev, uint64_t page)
{
	static const uint8_t zeros[PAGE];
	struct balloon_host *host = dev->priv;
	struct guard own = dev->guard; /* the host itself: by page number, not through the bus */

	own.translate = NULL;
	if (!own.raw)
		own.observe = NULL; /* no access of a device: nobody published this address */
	own.raw = true;
	if (guard_write(&own, page, zeros, PAGE) < 0)
		dev->malformed++;
	dev->guard.faults = own.faults;
	dev->guard.accesses = own.accesses;
	if (host->nheld < BALLOON_MAX_PAGES)
		host->held[host->nheld++] = page;
}

static void release(struct balloon_host *host, uint64_t page)
{
	for (unsigned int i = 0; i < host->nheld; i++) {
		if (host->held[i] == page) {
			host->held[i] = host->held[--host->nheld];
			return;
		}
	}
}

static void handle(struct host_device *dev, unsigned int i)
{
	static const uint8_t zeros[PAGE];
	struct balloon_host *host = dev->priv;
	struct hostq_chain c;
	uint8_t pfn[4];

	while (host_device_pop(dev, i, &c)) {
		for (uint32_t off = 0; i != REPORT && off + 4 <= c.out_size; off += 4) {
			hostq_read(&dev->queues[i], &c, off, pfn, sizeof(pfn));
			if (i == INFLATE)
				hold(dev, (uint64_t)get_le32(pfn) << PFN_SHIFT);
			else
				release(host, (uint64_t)get_le32(pfn) << PFN_SHIFT);
		}
		if (i == REPORT) {
			host->reported += c.in_size;
			hostq_write(&dev->queues[i], &c, 0, zeros,
				    c.in_size < PAGE ? c.in_size : PAGE);
		}
		host_device_push(dev, i, &c, 0);
	}
}

const struct host_ops balloon_host_ops = {
	.name = "balloon",
	.device_id = ID_BALLOON,
	.features = F_REPORTING,
	.nqueues = 3,
	.config_size = 8,
	.handle = handle,
};
