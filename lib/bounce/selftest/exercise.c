/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Payload through each device, both ways, compared byte by byte. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/bounce/memory/random.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/selftest/machine-state.h"

#define BIG 8192u

/* What one transfer should deliver, and what it did. */
struct parcel {
	uint8_t expect[BIG];
	size_t size;
	uint8_t got[2 * BIG];
	size_t ngot;
	unsigned int count;
};

static void deliver(void *ctx, const uint8_t *data, size_t size)
{
	struct parcel *p = ctx;
	size_t room = sizeof(p->got) - p->ngot;

	p->count++;
	if (size > room)
		size = room;
	memcpy(p->got + p->ngot, data, size);
	p->ngot += size;
}

static void prepare(struct machine *m, struct parcel *p, size_t size)
{
	p->size = size;
	p->ngot = 0;
	p->count = 0;
	random_fill(&m->random, p->expect, size);
}

static void compare(struct exercise *x, const struct parcel *p)
{
	x->transfers++;
	x->bytes += p->size;
	x->damaged += p->ngot != p->size || memcmp(p->expect, p->got, p->size) != 0;
}

/* Sizes from a few bytes to the largest, the borders among them. */
static size_t pick(struct machine *m, const struct exercise *x, size_t max)
{
	if (x->transfers < 2)
		return max;
	switch (random_below(&m->random, 4)) {
	case 0:
		return 1 + random_below(&m->random, 66);
	case 1:
		return max;
	default:
		return 1 + random_below(&m->random, max);
	}
}

static int net(struct machine *m, struct exercise *x, struct parcel *p, struct err *err)
{
	int ret;

	m->hst.net.transmit = deliver;
	m->hst.net.ctx = p;
	prepare(m, p, pick(m, x, NET_MAX_FRAME));
	ret = net_send(&m->drv.net, p->expect, p->size, err);
	if (ret < 0)
		return ret;
	compare(x, p);
	prepare(m, p, pick(m, x, NET_MAX_FRAME));
	net_host_receive(&m->hst.net, p->expect, p->size);
	ret = net_poll(&m->drv.net, deliver, p, err);
	if (ret >= 0)
		compare(x, p);
	return ret;
}

static int blk(struct machine *m, struct exercise *x, struct parcel *p, struct err *err)
{
	uint64_t sector = random_below(&m->random, 200);
	int ret;

	prepare(m, p, BLK_SECTOR * (x->transfers < 2 || random_below(&m->random, 3) ? 8 : 1));
	ret = blk_write(&m->drv.blk, sector, p->expect, p->size, err);
	if (ret == 0)
		ret = blk_flush(&m->drv.blk, err);
	if (ret < 0)
		return ret;
	p->ngot = p->size;
	if (pread(m->disk, p->got, p->size, (off_t)(sector * BLK_SECTOR)) != (ssize_t)p->size)
		p->ngot = 0;
	compare(x, p);
	/* another content, so that a buffer that never left cannot look right */
	prepare(m, p, p->size);
	if (pwrite(m->disk, p->expect, p->size, (off_t)(sector * BLK_SECTOR)) != (ssize_t)p->size)
		return err_sys(err, "cannot write to the disk");
	ret = blk_read(&m->drv.blk, sector, p->got, p->size, err);
	p->ngot = p->size;
	if (ret == 0)
		compare(x, p);
	return ret;
}

static int console(struct machine *m, struct exercise *x, struct parcel *p, struct err *err)
{
	int ret;

	m->hst.console.output = deliver;
	m->hst.console.ctx = p;
	prepare(m, p, pick(m, x, 3000));
	ret = console_write(&m->drv.console, p->expect, p->size, err);
	if (ret < 0)
		return ret;
	compare(x, p);
	prepare(m, p, pick(m, x, 3000));
	console_host_input(&m->hst.console, p->expect, p->size);
	ret = console_poll(&m->drv.console, deliver, p, err);
	if (ret >= 0)
		compare(x, p);
	return ret;
}

static int rng(struct machine *m, struct exercise *x, struct parcel *p, struct err *err)
{
	uint64_t state = m->hst.rng.state;
	size_t size = pick(m, x, 2000);
	int ret = rng_read(&m->drv.rng, p->got, size, err);

	if (ret < 0)
		return ret;
	p->size = size;
	p->ngot = ret;
	random_fill(&state, p->expect, size);
	compare(x, p);
	return 0;
}

/* The pages that the Realm gave away are the ones that the host holds, and no others. */
static void compare_pages(struct machine *m, struct exercise *x)
{
	const struct balloon *b = &m->drv.balloon;
	const struct balloon_host *h = &m->hst.balloon;
	unsigned int same = 0;

	for (unsigned int i = 0; i < b->npages; i++) {
		for (unsigned int k = 0; k < h->nheld; k++)
			same += h->held[k] == b->pages[i];
	}
	x->transfers++;
	x->bytes += 4 * b->npages;
	x->damaged += same != b->npages || h->nheld != b->npages || m->host.malformed;
}

static int balloon(struct machine *m, struct exercise *x, struct parcel *p, struct err *err)
{
	uint64_t before = m->hst.balloon.reported;
	unsigned int pages = 20 + random_below(&m->random, 8); /* more than 64 bytes of numbers */
	int ret = balloon_inflate(&m->drv.balloon, pages, err);

	(void)p;
	if (ret < 0)
		return ret;
	compare_pages(m, x);
	if (!m->dma.restricted) { /* static sharing has no place for a free page */
		ret = balloon_report(&m->drv.balloon, err);
		if (ret < 0)
			return ret;
		x->damaged += m->hst.balloon.reported != before + 4096;
	}
	ret = balloon_deflate(&m->drv.balloon, pages, err);
	if (ret == 0)
		compare_pages(m, x);
	return ret;
}

static void count_name(void *ctx, const char *name)
{
	*(unsigned int *)ctx += strcmp(name, MACHINE_FILE) == 0;
}

static int fs(struct machine *m, struct exercise *x, struct parcel *p, struct err *err)
{
	struct fs *fs = &m->drv.fs;
	unsigned int found = 0;
	uint64_t handle;
	int fd, ret;

	prepare(m, p, pick(m, x, 6000));
	fd = openat(m->disk, MACHINE_FILE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, p->expect, p->size) != (ssize_t)p->size) {
		ret = err_sys(err, "cannot write %s/%s", m->folder, MACHINE_FILE);
		goto out;
	}
	ret = fs_list(fs, count_name, &found, err);
	if (ret < 0)
		goto out;
	x->damaged += found != 1;
	ret = fs_open(fs, MACHINE_FILE, true, &handle, err);
	if (ret < 0)
		goto out;
	ret = fs_read(fs, handle, 0, p->got, BIG, err);
	if (ret < 0)
		goto out;
	p->ngot = ret;
	compare(x, p);
	prepare(m, p, pick(m, x, 6000));
	ret = fs_write(fs, handle, 100, p->expect, p->size, err);
	if (ret < 0)
		goto out;
	p->ngot = pread(fd, p->got, p->size, 100) == (ssize_t)p->size ? p->size : 0;
	compare(x, p);
	ret = fs_close(fs, handle, err);
out:
	if (fd >= 0)
		close(fd);
	return ret;
}

void machine_exercise(struct machine *m, unsigned int rounds, struct exercise *x)
{
	static int (*const exercises[MACHINE_DEVICES])(struct machine *, struct exercise *,
						       struct parcel *, struct err *) = {
		net, blk, console, rng, balloon, fs,
	};
	struct parcel parcel;
	struct err err = { "" };

	memset(&parcel, 0, sizeof(parcel));
	for (unsigned int i = 0; i < rounds; i++) {
		if (exercises[m->config.device](m, x, &parcel, &err) < 0) {
			x->failed++;
			snprintf(x->why, sizeof(x->why), "%s", err.text);
			break;
		}
	}
	x->zones = realm_damage(m->realm);
}
