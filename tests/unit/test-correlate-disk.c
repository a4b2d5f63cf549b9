/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose the requests of disks are. */
#include "tests/unit/correlate-fixture.h"
#include "tests/unit/test.h"

static void page(struct machine *m, enum event_kind kind, int32_t pid, uint64_t phys, uint64_t size,
		 uint64_t inode)
{
	struct event *e = emit(m, kind, pid);

	e->orig = phys;
	e->size = size;
	e->link = inode;
	e->aux = 254 << 20;
}

static const struct exchange_block *block_of(const struct exchanges *x, int32_t pid, uint64_t inode)
{
	for (size_t i = 0; i < x->nblocks; i++)
		if (x->blocks[i].pid == pid && x->blocks[i].inode == inode)
			return &x->blocks[i];
	return NULL;
}

/* Who asked, not who issued; and which file the memory was. */
static void disk_owners(void)
{
	const struct exchange_block *b;
	struct exchanges *x;
	struct machine m;

	begin(&m);
	/* two neighbours of the program's, and one of another task, in one request */
	bio(&m, APP, 100, 4096, "254:0");
	bio(&m, APP, 108, 4096, "254:0");
	bio(&m, OTHER, 116, 4096, "254:0");
	page(&m, EVENT_PAGE_IN, APP, 0x60000000, 8192, 12);
	page(&m, EVENT_PAGE_IN, OTHER, 0x60002000, 4096, 13);
	request(&m, 100, 12288, EVENT_FROM_DEVICE, 0x60000000);
	/* the same memory is no file's any more: a direct write of another's */
	page(&m, EVENT_PAGE_OUT, 0, 0x60000000, 8192, 12);
	bio(&m, OTHER, 200, 8192, "254:0");
	request(&m, 200, 8192, EVENT_TO_DEVICE, 0x60000000);
	/* what the program brought into memory is its own, whoever writes it back */
	page(&m, EVENT_PAGE_IN, APP, 0x61000000, 4096, 14);
	bio(&m, 8, 300, 4096, "254:0");
	request(&m, 300, 4096, EVENT_TO_DEVICE, 0x61000000);
	/* two ask for the same sectors: somebody of them */
	bio(&m, APP, 400, 4096, "254:0");
	bio(&m, OTHER, 400, 4096, "254:0");
	request(&m, 400, 4096, EVENT_FROM_DEVICE, 0x62000000);
	/* nobody is known to have asked: who issued it, as far as that goes */
	request(&m, 500, 4096, EVENT_FROM_DEVICE, 0x63000000);
	x = judge(&m, true);
	check(x->nblocks == 6 && x->sums.conserved);
	b = block_of(x, APP, 12);
	check(b && b->program && b->cached && b->owner == GRADE_EXACT && b->filler == 0);
	check(b && b->bytes[FLOW_IN] == 8192 && b->requests[FLOW_IN] == 1 && b->transfers == 4);
	b = block_of(x, OTHER, 13);
	check(b && !b->program && b->bytes[FLOW_IN] == 4096 && b->requests[FLOW_IN] == 0);
	b = block_of(x, 8, 14);
	check(b && b->program && b->filler == APP && b->bytes[FLOW_OUT] == 4096);
	b = block_of(x, 7, 0);
	check(b && !b->program && !b->cached && b->owner == GRADE_SIZED);
	for (size_t i = 0; i < x->nblocks; i++)
		if (x->blocks[i].pid == OTHER && !x->blocks[i].cached)
			check(x->blocks[i].bytes[FLOW_OUT] == 8192 ||
			      x->blocks[i].owner == GRADE_SIZED);
	end(&m, x);
}

/* A bio for a partition has the partition's number and the disk's sectors. */
static void disk_partitions(void)
{
	static char *partitions[] = { (char *)"254:1" };
	static struct platform_disk vda = { .name = (char *)"vda",
					    .number = (char *)"254:0",
					    .partitions = partitions,
					    .npartitions = 1 };
	struct platform *p = platform_new();
	struct exchanges *x;
	struct machine m;

	for (int known = 0; known < 2; known++) {
		begin(&m);
		p->disks = &vda;
		p->ndisks = (size_t)known;
		m.platform = p;
		bio(&m, APP, 2148, 4096, "254:1");
		request(&m, 2148, 4096, EVENT_FROM_DEVICE, 0x62000000);
		x = judge(&m, true);
		check(x->nblocks == 1 && x->blocks[0].program == known);
		check(x->blocks[0].owner == (known ? GRADE_EXACT : GRADE_SIZED));
		check(strcmp(x->blocks[0].disk, known ? "vda" : "254:0") == 0);
		end(&m, x);
	}
	p->disks = NULL;
	p->ndisks = 0;
	platform_free(p);
}

static void blk(struct machine *m, int32_t pid, uint64_t bytes)
{
	struct event *e = emit(m, EVENT_BLK_ISSUE, pid);

	e->size = bytes;
	e->comm = names_intern(m->names, "dd", 2);
}

static void disk(void)
{
	struct machine m;
	struct exchanges *x;

	begin(&m);
	/* two requests of a plug: issued first, mapped after */
	blk(&m, APP, 8192);
	blk(&m, OTHER, 4096);
	map(&m, m.disk, EVENT_TO_DEVICE, 16);
	map(&m, m.disk, EVENT_FROM_DEVICE, 4096);
	map(&m, m.disk, EVENT_FROM_DEVICE, 4096);
	map(&m, m.disk, EVENT_FROM_DEVICE, 1);
	map(&m, m.disk, EVENT_TO_DEVICE, 64);
	map(&m, m.disk, EVENT_TO_DEVICE, 16);
	map(&m, m.disk, EVENT_TO_DEVICE, 4096);
	map(&m, m.disk, EVENT_FROM_DEVICE, 1);
	map(&m, m.disk, EVENT_TO_DEVICE, 48);
	map(&m, m.disk, EVENT_TO_DEVICE, 512); /* for nobody */
	x = judge(&m, true);
	check(x->nblocks == 2 && x->ndevices == 1 && x->devices[0].block);
	check(x->blocks[0].program && x->blocks[0].bytes[FLOW_IN] == 8192);
	check(x->blocks[0].transfers == 5 && x->blocks[0].dma_bytes == 16 + 8192 + 1 + 64);
	check(x->blocks[0].carried[FLOW_IN][GRADE_NESTED] == 8192);
	check(!x->blocks[1].program && x->blocks[1].bytes[FLOW_OUT] == 4096);
	check(strcmp(x->blocks[1].comm, "dd") == 0);
	check(x->devices[0].unknown_bytes[FLOW_OUT] == 512 && x->nunattributed == 3);
	check(strcmp(x->unattributed[0].reason, "block requests of dd[200]") == 0);
	check(x->sums.conserved);
	end(&m, x);
}

int main(void)
{
	disk();
	disk_owners();
	disk_partitions();
	return done();
}
