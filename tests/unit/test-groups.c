/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What breaks claims, put together: one event once, one example for each group, bounded memory. */
#include <stdlib.h>
#include <string.h>

#include "lib/judge/types/groups.h"
#include "lib/verdict/breach.h"
#include "lib/verdict/finding.h"
#include "tests/unit/test.h"

static struct {
	unsigned int calls;
	uint32_t facts, absences;
	uint64_t ts_ns;
} hooked;

static void hook(void *ctx, uint64_t ts_ns, uint32_t facts, uint32_t absences)
{
	(void)ctx;
	hooked.calls++;
	hooked.ts_ns = ts_ns;
	hooked.facts = facts;
	hooked.absences = absences;
}

static void add(struct groups *g, const struct group_part *part, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void add(struct groups *g, const struct group_part *part, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	groups_add(g, part, fmt, ap);
	va_end(ap);
}

static struct event map_of(uint64_t ts_ns, uint64_t size)
{
	return (struct event){ .ts_ns = ts_ns,
			       .dma = ts_ns << 12,
			       .size = size,
			       .kind = EVENT_MAP,
			       .dir = EVENT_TO_DEVICE };
}

static struct group_part part_of(enum breach b, const struct event *ev)
{
	return (struct group_part){
		.breach = b, .device = "0000:00:01.0", .event = ev, .seq = ev ? ev->ts_ns : 0
	};
}

/* Two breaches by one event are one; a million of them cost what twenty cost. */
static void test_one_event_once(void)
{
	struct groups *g = groups_new(hook, NULL);
	const struct group *q;

	for (uint64_t i = 1; i <= 1000000; i++) {
		struct event ev = map_of(i, i == 500 ? 4096 : 64);
		struct group_part part = part_of(BREACH_PROTECTED, &ev);

		add(g, &part, "event %llu got protected memory", (unsigned long long)i);
		part.breach = BREACH_NO_BOUNCE_SEEN;
		part.absence = true;
		add(g, &part, "no bounce");
	}
	groups_close(g);
	check(groups_count(g) == 1);
	q = groups_at(g, 0);
	check(q->count == 1000000 && q->first_event == 1 && q->last_event == 1000000);
	check(q->largest == 4096 && q->first_ns == 1 && q->last_ns == 1000000);
	check(q->facts == 1u << BREACH_PROTECTED && q->absences == 1u << BREACH_NO_BOUNCE_SEEN);
	check(q->nexamples == VERDICT_EXAMPLES);
	check(strcmp(q->examples[0].text, "event 1 got protected memory; no bounce") == 0);
	check(q->examples[0].seq == 1 && q->examples[0].event.size == 64);
	check(hooked.calls == 1000000 && hooked.ts_ns == 1000000);
	check(hooked.facts == q->facts && hooked.absences == q->absences);
	groups_free(g);
}

/* The rare one beside a million others has its example. */
static void test_rare(void)
{
	struct groups *g = groups_new(NULL, NULL);
	size_t found = 0;

	for (uint64_t i = 1; i <= 100000; i++) {
		struct event ev = map_of(i, 64);
		struct group_part part = part_of(BREACH_PROTECTED, &ev);

		if (i == 77777)
			part.device = "0000:00:05.0";
		add(g, &part, "event %llu", (unsigned long long)i);
	}
	groups_close(g);
	check(groups_count(g) == 2);
	for (size_t i = 0; i < groups_count(g); i++)
		found += strcmp(groups_at(g, i)->device, "0000:00:05.0") == 0 &&
			 groups_at(g, i)->count == 1 &&
			 strcmp(groups_at(g, i)->examples[0].text, "event 77777") == 0;
	check(found == 1);
	groups_free(g);
}

/* Facts have no event: each counts.  The same breach of one event twice is of two mappings. */
static void test_facts(void)
{
	struct groups *g = groups_new(hook, NULL);
	struct group_part part = part_of(BREACH_BYPASS, NULL);
	struct event ev = map_of(1, 64);

	hooked.calls = 0;
	add(g, &part, "queue 0");
	add(g, &part, "queue 1");
	part = part_of(BREACH_TAKEN_BACK, &ev);
	add(g, &part, "mapping 1");
	add(g, &part, "mapping 2");
	groups_close(g);
	check(groups_count(g) == 2 && groups_at(g, 0)->count == 2 && groups_at(g, 1)->count == 2);
	check(groups_at(g, 0)->first_event == 0 && groups_at(g, 0)->kind == EVENT_NONE);
	check(hooked.calls == 2);
	groups_free(g);
}

/* Devices without end: what finds no room is counted. */
static void test_bounded(void)
{
	struct groups *g = groups_new(NULL, NULL);
	uint64_t counted = 0;
	char name[32];

	for (int i = 0; i < 3000; i++) {
		struct event ev = map_of((uint64_t)i + 1, 64);
		struct group_part part = part_of(BREACH_PROTECTED, &ev);

		snprintf(name, sizeof(name), "device%d", i);
		part.device = name;
		add(g, &part, "x");
	}
	groups_close(g);
	for (size_t i = 0; i < groups_count(g); i++)
		counted += groups_at(g, i)->count;
	check(groups_count(g) == 1024 && groups_left_out(g) == 3000 - 1024);
	check(counted + groups_left_out(g) == 3000);
	groups_free(g);
}

/* A stack is of the event before it, if that breaks something; each group keeps one. */
static void test_stack(void)
{
	struct groups *g = groups_new(NULL, NULL);
	struct event ev = map_of(5, 64);
	struct group_part part = part_of(BREACH_PROTECTED, &ev);

	groups_stack(g, 4, "nobody's");
	add(g, &part, "x");
	groups_stack(g, 6, "another's");
	groups_stack(g, 5, "vring_map_one_sg+0x10\nvirtnet_poll+0x20");
	part.seq = 7;
	add(g, &part, "y");
	groups_stack(g, 7, "the second");
	groups_close(g);
	check(groups_count(g) == 1 && groups_at(g, 0)->count == 2);
	check(groups_at(g, 0)->stack_event == 5 &&
	      strncmp(groups_at(g, 0)->stack, "vring_map_one_sg", 16) == 0);
	groups_free(g);
}

static void test_order(void)
{
	struct verdict_finding many = { .claims = 1u << CLAIM_LIFECYCLE, .count = 1000 };
	struct verdict_finding leak = { .claims = 1u << CLAIM_DMA_IN_SHARED, .count = 2 };
	struct verdict_finding more = { .claims = 1u << CLAIM_NO_BYPASS, .count = 3 };
	struct verdict_finding limit = { .claims = 1u << CLAIM_EGRESS, .count = 5000 };

	check(finding_order(&leak, &many) < 0 && finding_order(&many, &leak) > 0);
	check(finding_order(&more, &leak) < 0);
	check(finding_order(&many, &limit) < 0);
	check(finding_order(&many, &many) == 0);
}

int main(void)
{
	test_one_event_once();
	test_rare();
	test_facts();
	test_bounded();
	test_stack();
	test_order();
	return done();
}
