/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Snapshots as part of the facts: written, read again, and refused where they are malformed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/snapshot.h"
#include "tests/unit/test.h"

#define FACTS "{\"schema\":\"ccaio.platform/1\",\"memory\":{\"start\":%s,\"end\":null}}"
#define QUEUE                                                                                   \
	"{\"name\":\"input.0\",\"index\":0,\"size\":256,\"dma_api\":true,\"layout\":\"split\"," \
	"\"rings\":[\"0x7bc20000 6726\"],\"unread\":1,\"descriptors\":[\"255 in 0x72a43600 "    \
	"2560\","                                                                               \
	"\"3 table 0x72a50000 32\",\"3 out 0x72a51000 16\"]}"
#define WHOLE                                                                                 \
	"{\"trouble\":null,\"devices\":[{\"name\":\"virtio0\",\"parent\":\"0000:00:01.0\","   \
	"\"features\":\"0x10330af8024\",\"queues\":[" QUEUE                                   \
	"]}],\"pools\":[{\"start\":\"0x72a00000\","                                           \
	"\"end\":\"0x7a9fffff\",\"slots\":65536,\"areas\":1,\"used\":2,\"live\":["            \
	"\"0x72a43000 4096 0xffffffffffffffff\"]}],\"page_mask\":\"0x100000000\",\"pages\":[" \
	"\"0x72a00000 0x7a9fffff set 0x00e8000172a00407\",\"0x7aa00000 0x7aa00fff set "       \
	"0x0000000000000001\","                                                               \
	"\"0x7bc20000 0x7bc20fff clear 0x0000000000000000\"],\"cpu_ns\":18}"

static struct platform *parse(const char *start, struct err *err)
{
	char *text = xasprintf(FACTS, start);
	struct platform *p = platform_parse(text, strlen(text), "facts", err);

	free(text);
	return p;
}

static void check_whole(const struct snapshot *s)
{
	const struct snapshot_device *d = snapshot_find(s, "virtio0");

	check(d && !snapshot_find(s, "virtio1") && !s->trouble);
	check(strcmp(d->parent, "0000:00:01.0") == 0 && d->features == 0x10330af8024);
	check(d->nqueues == 1 && d->queues[0].dma_api == TRI_YES && !d->queues[0].packed);
	check(d->queues[0].nrings == 1 && d->queues[0].rings[0].size == 6726);
	check(d->queues[0].unread == 1 && d->queues[0].ndescriptors == 3);
	check(d->queues[0].descriptors[0].use == SNAPSHOT_IN &&
	      d->queues[0].descriptors[0].length == 2560 &&
	      d->queues[0].descriptors[0].head == 255);
	check(d->queues[0].descriptors[1].use == SNAPSHOT_TABLE);
	check(s->npools == 1 && s->pools[0].range.end == 0x7a9fffff && s->pools[0].nlive == 1);
	check(s->pools[0].live[0].orig == UINT64_MAX && s->pools[0].live[0].size == 4096);
	check(s->npages == 3 && s->cpu_ns == 18 && s->page_mask == UINT64_C(1) << 32);
	check(snapshot_queues(s) == 1 && snapshot_descriptors(s) == 3 &&
	      snapshot_slots_used(s) == 2);
}

static void test_round_trip(void)
{
	struct err err = { "" };
	struct platform *p = parse(WHOLE, &err), *again;
	char *text;

	check(p && p->start && !p->end);
	check_whole(p->start);
	text = platform_format(p);
	again = platform_parse(text, strlen(text), "facts", &err);
	check(again && again->start);
	check_whole(again->start);
	free(text);
	platform_free(again);
	platform_free(p);
}

static void test_marks(void)
{
	struct err err = { "" };
	struct platform *p = parse(WHOLE, &err);

	check(snapshot_mark_of(p->start, 0x72a00800, 100) == SNAPSHOT_SET);
	check(snapshot_mark_of(p->start, 0x7a9ff000, 8192) == SNAPSHOT_SET); /* two ranges */
	check(snapshot_mark_of(p->start, 0x7bc20000, 4096) == SNAPSHOT_CLEAR);
	check(snapshot_mark_of(p->start, 0x7bc20000, 4097) == -1); /* beyond the end */
	check(snapshot_mark_of(p->start, 0x7aa00000, 0x1221000) == -1);
	check(snapshot_mark_of(p->start, 0x100, 1) == -1);
	check(snapshot_mark_of(p->start, UINT64_MAX, 2) == -1);
	check(snapshot_mark_of(NULL, 0x72a00800, 1) == -1);
	platform_free(p);
}

/* What is wrong in one place of it is refused, with the place named. */
static void refused(const char *from, const char *to, const char *where)
{
	char *text = xstrdup(WHOLE), *at = strstr(text, from), *wrong;
	struct err err = { "" };
	struct platform *p;

	check(at);
	*at = '\0';
	wrong = xasprintf("%s%s%s", text, to, at + strlen(from));
	p = parse(wrong, &err);
	check(!p && strstr(err.text, where));
	if (!strstr(err.text, where))
		printf("# %s\n", err.text);
	platform_free(p);
	free(wrong);
	free(text);
}

static void test_refused(void)
{
	refused("255 in 0x72a43600 2560", "255 in 0x72a43600", "descriptors");
	refused("255 in 0x72a43600 2560", "65536 in 0x72a43600 2560", "descriptors");
	refused("255 in 0x72a43600 2560", "255 on 0x72a43600 2560", "descriptors");
	refused("255 in 0x72a43600 2560", "255 in 0x72a43600 2560 ", "descriptors");
	refused("255 in 0x72a43600 2560", "255 in 0x72a43600 -1", "descriptors");
	refused("255 in 0x72a43600 2560", "255 in 0xfffffffffffffffe 2560", "descriptors");
	refused("0x7bc20000 6726", "0x7bc20000 0", "rings");
	refused("\"0x7bc20000 6726\"", "\"0x1 1\",\"0x1 1\",\"0x1 1\",\"0x1 1\"", "rings");
	refused("split", "spilt", "layout");
	refused("\"size\":256", "\"size\":65536", "size");
	refused("0x72a43000 4096", "0x72a43000 0", "live");
	refused("0x7bc20000 0x7bc20fff clear", "0x7a000000 0x7bc20fff clear", "pages");
	refused("0x7bc20000 0x7bc20fff clear", "0x7bc20000 0x7bc1ffff clear", "pages");
	refused("0x7bc20fff clear", "0x7bc20fff dull", "pages");
	refused("\"name\":\"virtio0\"", "\"name\":null", "name");
}

int main(void)
{
	test_round_trip();
	test_marks();
	test_refused();
	return done();
}
