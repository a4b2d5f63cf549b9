/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/blockio.h"

#include <stdlib.h>
#include <string.h>

#include "lib/event.h"
#include "lib/exchange.h"
#include "lib/names.h"
#include "lib/owners.h"
#include "lib/platform.h"
#include "lib/xalloc.h"

#define CPUS 4096
#define ISSUED 256 /* requests of one CPU that are not mapped yet */
#define HEADER 16
#define ROWS 4096
#define VIRTIO_ID_BLOCK 2

struct request {
	uint16_t device; /* names id; 0 until the first map */
	uint16_t comm;
	int32_t pid;
	uint64_t bytes, left;
	bool header, status, any;
	uint8_t dir; /* enum flow_dir, of the data */
	uint64_t transfers, dma_bytes[2];
};

struct issued {
	struct request ring[ISSUED];
	unsigned int first, count;
};

struct blockio {
	struct exchanges *x;
	const struct names *names;
	const struct platform *platform;
	const struct owners *owners;
	struct issued *cpus[CPUS];
	bool known[NAMES_MAX + 1]; /* devices that are disks */
};

struct blockio *blockio_new(struct exchanges *x, const struct names *names,
			    const struct platform *platform, const struct owners *owners)
{
	struct blockio *b = xcalloc(1, sizeof(*b));

	b->x = x;
	b->names = names;
	b->platform = platform;
	b->owners = owners;
	return b;
}

static bool is_disk(struct blockio *b, uint16_t device)
{
	const struct platform_virtio *v = NULL;

	if (device > NAMES_MAX)
		return false;
	if (b->known[device])
		return true;
	if (b->platform)
		v = platform_find_virtio(b->platform, names_get(b->names, device));
	return v && v->device_id == VIRTIO_ID_BLOCK;
}

static struct exchange_block *row_of(struct blockio *b, uint16_t device, const struct request *r)
{
	struct exchanges *x = b->x;
	const char *comm = names_get(b->names, r->comm);
	struct exchange_block *row;

	for (size_t i = 0; i < x->nblocks; i++) {
		row = &x->blocks[i];
		if (row->device == device && row->pid == r->pid && strcmp(row->comm, comm) == 0)
			return row;
	}
	if (x->nblocks == ROWS)
		return &x->blocks[ROWS - 1];
	XGROW(x->blocks, x->nblocks, x->cap_blocks);
	row = &x->blocks[x->nblocks++];
	memset(row, 0, sizeof(*row));
	row->device = device;
	row->pid = r->pid;
	row->comm = xstrdup(comm);
	row->program = owners_is_program(b->owners, r->pid);
	return row;
}

static void end_request(struct blockio *b, struct issued *issued)
{
	struct request *r = &issued->ring[issued->first];
	struct exchange_block *row;
	uint16_t device;

	issued->first = (issued->first + 1) % ISSUED;
	issued->count--;
	if (!r->device)
		return;
	device = exchanges_device(b->x, names_get(b->names, r->device));
	row = row_of(b, device, r);
	row->requests[r->dir]++;
	row->bytes[r->dir] += r->bytes;
	row->carried[r->dir][GRADE_NESTED] += r->bytes - r->left;
	row->carried[r->dir][GRADE_NONE] += r->left;
	row->transfers += r->transfers;
	row->dma_bytes += r->dma_bytes[0] + r->dma_bytes[1];
	for (int dir = 0; dir < 2; dir++) {
		struct exchange_device *d = &b->x->devices[device];

		*(row->program ? &d->program_bytes[dir] : &d->other_bytes[dir]) +=
			r->dma_bytes[dir];
	}
}

static void issue(struct blockio *b, const struct event *e)
{
	struct issued *issued;
	struct request *r;

	if (e->cpu >= CPUS)
		return;
	if (!b->cpus[e->cpu])
		b->cpus[e->cpu] = xcalloc(1, sizeof(*issued));
	issued = b->cpus[e->cpu];
	/* the one before has all it gets, unless a plug issues several before it maps any */
	if (issued->count && issued->ring[issued->first].left == 0 &&
	    issued->ring[issued->first].any)
		end_request(b, issued);
	if (issued->count == ISSUED)
		end_request(b, issued);
	r = &issued->ring[(issued->first + issued->count++) % ISSUED];
	*r = (struct request){ .pid = e->pid, .comm = e->comm, .bytes = e->size, .left = e->size };
	r->dir = FLOW_IN;
}

/* Does this map belong to the request that is being mapped?  Notes it if so. */
static bool take(struct request *r, const struct event *e)
{
	enum flow_dir dir = e->dir == EVENT_FROM_DEVICE ? FLOW_IN : FLOW_OUT;

	if (r->device && r->device != e->dev)
		return false;
	if (!r->any && !r->header && e->size == HEADER && e->dir == EVENT_TO_DEVICE) {
		r->header = true;
	} else if (r->left && e->size <= r->left && (!r->any || r->dir == dir)) {
		r->left -= e->size;
		r->dir = dir;
		r->any = true;
	} else if (!r->left && r->header && !r->status && e->size == 1 && dir == FLOW_IN) {
		r->status = true;
		r->any = true;
	} else if (!(r->status && e->dir == EVENT_TO_DEVICE && e->size % HEADER == 0)) {
		return false;
	}
	r->device = e->dev;
	r->transfers++;
	r->dma_bytes[dir] += e->size;
	return true;
}

static void map(struct blockio *b, const struct event *e)
{
	struct issued *issued = e->cpu < CPUS ? b->cpus[e->cpu] : NULL;
	enum flow_dir dir = e->dir == EVENT_FROM_DEVICE ? FLOW_IN : FLOW_OUT;
	bool taken = false;
	uint16_t device;

	while (issued && issued->count && !taken) {
		struct request *r = &issued->ring[issued->first];

		taken = take(r, e);
		if (taken && r->status && e->size != 1)
			end_request(b, issued); /* the table is the last */
		else if (!taken && r->device == e->dev && r->left == 0)
			end_request(b, issued);
		else if (!taken)
			break;
	}
	if (taken)
		b->known[e->dev] = true;
	if (!taken && !is_disk(b, e->dev))
		return;
	device = exchanges_device(b->x, names_get(b->names, e->dev));
	b->x->devices[device].block = true;
	b->x->devices[device].dma_transfers[dir]++;
	b->x->devices[device].dma_bytes[dir] += e->size;
	if (!taken) {
		b->x->devices[device].unknown_bytes[dir] += e->size;
		exchanges_unattributed(b->x, device, dir, "mapped for no request that is known", 1,
				       e->size);
	}
}

void blockio_event(struct blockio *b, const struct event *e)
{
	if (e->kind == EVENT_BLK_ISSUE)
		issue(b, e);
	else if (e->kind == EVENT_MAP && e->dma != EVENT_NO_ADDR && e->dev <= NAMES_MAX)
		map(b, e);
}

void blockio_free(struct blockio *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < CPUS; i++) {
		while (b->cpus[i] && b->cpus[i]->count)
			end_request(b, b->cpus[i]);
		free(b->cpus[i]);
	}
	free(b);
}
