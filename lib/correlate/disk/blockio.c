/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/correlate/disk/blockio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/correlate/disk/pagecache.h"
#include "lib/correlate/disk/requests.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/owners.h"

#define CPUS 4096
#define ISSUED 256 /* requests of one CPU that are not mapped yet */
#define HEADER 16
#define RANGES (256 * HEADER) /* what a discard says instead of data */
#define PIECES 4096	      /* of one map, by file and task; what is behind them is one */
#define PAGE 4096
#define VIRTIO_ID_BLOCK 2

struct request {
	uint16_t device; /* names id; 0 until the first map */
	uint16_t disk;	 /* names id of its number */
	uint16_t comm;
	int32_t pid;
	uint64_t start; /* byte of the disk */
	uint64_t bytes, left;
	bool header, status, any;
	bool ranges;			     /* has no data, but says which sectors */
	uint8_t dir;			     /* enum flow_dir, of the data */
	uint64_t transfers[2], dma_bytes[2]; /* of all but the data */
	uint32_t row;			     /* of its first byte; NO_ROW until then */
};

#define NO_ROW UINT32_MAX

struct issued {
	struct request ring[ISSUED];
	unsigned int first, count;
};

struct blockio {
	struct exchanges *x;
	const struct names *names;
	const struct platform *platform;
	const struct owners *owners;
	struct block_requests *requests;
	struct pagecache *cache;
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
	b->requests = block_requests_new(names, platform);
	b->cache = pagecache_new();
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

static const char *disk_name(const struct blockio *b, uint16_t number)
{
	const char *name = names_get(b->names, number);

	for (size_t i = 0; b->platform && i < b->platform->ndisks; i++)
		if (strcmp(b->platform->disks[i].number, name) == 0)
			return b->platform->disks[i].name;
	return name;
}

static bool is_program(const struct blockio *b, int32_t pid, uint16_t comm)
{
	return owners_is_task(b->owners, pid, names_get(b->names, comm));
}

/* ---- rows ---- */

/* A disk's own pages are an inode of no file system, which is numbered as the disk is. */
static char *path_of(const struct blockio *b, const struct cached *file)
{
	const char *path = exchanges_path(b->x, file->dev, file->inode);

	if (path)
		return xstrdup(path);
	for (size_t i = 0; b->platform && i < b->platform->ndisks && file->dev >> 20 == 0; i++) {
		const struct platform_disk *disk = &b->platform->disks[i];
		unsigned int major, minor;

		if (sscanf(disk->number, "%u:%u", &major, &minor) == 2 &&
		    file->inode == ((uint64_t)major << 20 | minor))
			return xasprintf("/dev/%s", disk->name);
	}
	return NULL;
}

static bool same_row(const struct exchange_block *row, uint16_t device, const char *disk,
		     const struct bio_owner *who, const char *comm, const struct cached *file)
{
	int32_t filler = file && file->pid != who->pid ? file->pid : 0;

	return row->device == device && row->pid == who->pid && row->owner == who->grade &&
	       row->program == (who->program || (file && file->program)) &&
	       row->cached == (file != NULL) &&
	       (!file || (row->inode == file->inode && row->file_dev == file->dev)) &&
	       row->filler == filler && strcmp(row->disk, disk) == 0 &&
	       strcmp(row->comm, comm) == 0;
}

/* Index of the row; NO_ROW when there are too many. */
static uint32_t row_of(struct blockio *b, uint16_t device, uint16_t number,
		       const struct bio_owner *who, const struct cached *file)
{
	const char *disk = disk_name(b, number), *comm = names_get(b->names, who->comm);
	struct exchanges *x = b->x;
	struct exchange_block *row;

	for (size_t i = x->nblocks; i > 0; i--)
		if (same_row(&x->blocks[i - 1], device, disk, who, comm, file))
			return (uint32_t)(i - 1);
	if (x->nblocks == EXCHANGES_BLOCKS)
		return NO_ROW;
	XGROW(x->blocks, x->nblocks, x->cap_blocks);
	row = &x->blocks[x->nblocks];
	*row = (struct exchange_block){ .device = device,
					.disk = xstrdup(disk),
					.pid = who->pid,
					.comm = xstrdup(comm),
					.owner = who->grade,
					.program = who->program };
	if (file) {
		row->cached = true;
		row->inode = file->inode;
		row->file_dev = file->dev;
		row->path = path_of(b, file);
		row->program |= file->program;
	}
	if (file && file->pid != who->pid) {
		row->filler = file->pid;
		row->filler_comm = xstrdup(names_get(b->names, file->comm));
	}
	return (uint32_t)x->nblocks++;
}

/* Bytes that a device was given for a row, or for nobody. */
static void share(struct blockio *b, uint16_t device, uint32_t row, enum flow_dir dir,
		  uint64_t transfers, uint64_t bytes)
{
	struct exchange_device *d = &b->x->devices[device];
	char why[96];

	if (!transfers && !bytes)
		return;
	if (row == NO_ROW) {
		d->unknown_bytes[dir] += bytes;
		exchanges_unattributed(b->x, device, dir,
				       "requests of more tasks and files than are listed",
				       transfers, bytes);
		return;
	}
	b->x->blocks[row].transfers += transfers;
	b->x->blocks[row].dma_bytes += bytes;
	if (b->x->blocks[row].program) {
		d->program_bytes[dir] += bytes;
		return;
	}
	d->other_bytes[dir] += bytes;
	snprintf(why, sizeof(why), "block requests of %s[%d]", b->x->blocks[row].comm,
		 b->x->blocks[row].pid);
	exchanges_unattributed(b->x, device, dir, why, transfers, bytes);
}

/* ---- requests ---- */

/* Who asked for this byte of the disk?  *end: up to there it is the same. */
static struct bio_owner asker(const struct blockio *b, const struct request *r, uint64_t byte,
			      uint64_t *end)
{
	struct bio_owner who;

	if (block_requests_find(b->requests, r->disk, byte, &who, end))
		return who;
	return (struct bio_owner){ r->pid, r->comm, is_program(b, r->pid, r->comm), GRADE_SIZED };
}

static void end_request(struct blockio *b, struct issued *issued)
{
	struct request *r = &issued->ring[issued->first];
	uint16_t device;
	uint64_t end;

	issued->first = (issued->first + 1) % ISSUED;
	issued->count--;
	if (!r->device)
		return;
	device = exchanges_device(b->x, names_get(b->names, r->device));
	if (r->row == NO_ROW) {
		/* without data: a flush, a discard */
		struct bio_owner who = asker(b, r, r->start, &end);

		r->row = row_of(b, device, r->disk, &who, NULL);
	}
	if (r->row != NO_ROW) {
		b->x->blocks[r->row].requests[r->dir]++;
		b->x->blocks[r->row].bytes[r->dir] += r->ranges ? 0 : r->left;
		b->x->blocks[r->row].carried[r->dir][GRADE_NONE] += r->ranges ? 0 : r->left;
	}
	for (int dir = 0; dir < 2; dir++)
		share(b, device, r->row, dir, r->transfers[dir], r->dma_bytes[dir]);
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
	*r = (struct request){ .pid = e->pid,
			       .comm = e->comm,
			       .disk = e->dev,
			       .start =
				       e->sector <= UINT64_MAX / 512 ? e->sector * 512 : UINT64_MAX,
			       .bytes = e->size,
			       .left = e->size,
			       .row = NO_ROW };
	r->dir = e->aux == EVENT_BLK_WRITE || e->aux == EVENT_BLK_FLUSH ? FLOW_OUT : FLOW_IN;
	if (e->aux == EVENT_BLK_DISCARD) {
		r->dir = FLOW_OUT;
		r->ranges = true;
		r->bytes = r->left = RANGES;
	}
	block_requests_issued(b->requests, e->dev, r->start, e->size);
}

/* How much from here on is of one file, and of which (NULL: of none). */
static const struct cached *piece(const struct blockio *b, uint64_t phys, uint64_t most,
				  uint64_t *len)
{
	const struct cached *file = pagecache_find(b->cache, phys);
	uint64_t n = file ? file->key.a + file->size - phys : PAGE - phys % PAGE;

	*len = n < most ? n : most;
	return file;
}

/* Data that was mapped: each piece of it is somebody's, and maybe a file's. */
static void take_data(struct blockio *b, struct request *r, const struct event *e)
{
	uint16_t device = exchanges_device(b->x, names_get(b->names, e->dev));
	uint64_t at = r->start + (r->bytes - r->left), done = 0, end = 0;
	uint32_t counted = NO_ROW;
	struct bio_owner who;

	for (unsigned int i = 0; done < e->size; i++) {
		uint64_t most = e->size - done, len;
		const struct cached *file;
		uint32_t row;

		if (i == 0 || at + done >= end)
			who = asker(b, r, at + done, &end);
		if (end > at + done && end - at - done < most)
			most = end - at - done;
		file = piece(b, e->orig == EVENT_NO_ADDR ? 0 : e->orig + done, most, &len);
		if (e->orig == EVENT_NO_ADDR)
			file = NULL;
		if (i >= PIECES) {
			len = e->size - done;
			file = NULL;
		}
		row = row_of(b, device, r->disk, &who, file);
		if (r->row == NO_ROW)
			r->row = row;
		if (row != NO_ROW) {
			b->x->blocks[row].bytes[r->dir] += len;
			b->x->blocks[row].carried[r->dir][GRADE_NESTED] += len;
		}
		share(b, device, row, r->dir, row != counted || row == NO_ROW, len);
		counted = row;
		done += len;
	}
	r->left -= e->size;
}

/* Does this map belong to the request that is being mapped?  Notes it if so. */
static bool take(struct blockio *b, struct request *r, const struct event *e)
{
	enum flow_dir dir = e->dir == EVENT_FROM_DEVICE ? FLOW_IN : FLOW_OUT;

	if (r->device && r->device != e->dev)
		return false;
	if (!r->any && !r->header && e->size == HEADER && e->dir == EVENT_TO_DEVICE) {
		r->header = true;
	} else if (r->left && e->size <= r->left && (!r->any || r->dir == dir) &&
		   !(r->ranges && r->header && e->size == 1)) {
		r->device = e->dev;
		r->dir = dir;
		r->any = true;
		if (!r->ranges) {
			take_data(b, r, e);
			return true;
		}
	} else if ((!r->left || r->ranges) && r->header && !r->status && e->size == 1 &&
		   dir == FLOW_IN) {
		r->status = true;
		r->any = true;
		if (r->ranges)
			r->left = 0;
	} else if (!(r->status && e->dir == EVENT_TO_DEVICE && e->size % HEADER == 0)) {
		return false;
	}
	r->device = e->dev;
	r->transfers[dir]++;
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

		taken = take(b, r, e);
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

void blockio_learn(struct blockio *b, const struct event *e)
{
	if (e->kind == EVENT_PAGE_IN || e->kind == EVENT_PAGE_OUT)
		pagecache_event(b->cache, e, is_program(b, e->pid, e->comm));
	else if (e->kind == EVENT_BLK_QUEUE)
		block_requests_queue(b->requests, e, is_program(b, e->pid, e->comm));
	else if (e->kind == EVENT_BLK_COMPLETE && e->sector <= UINT64_MAX / 512)
		block_requests_completed(b->requests, e->dev, e->sector * 512, e->size);
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
	block_requests_free(b->requests);
	pagecache_free(b->cache);
	free(b);
}
