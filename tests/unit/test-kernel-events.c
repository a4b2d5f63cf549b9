/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each kernel event that the claims need can be decoded, to the kind that the table says. */
#include <stdlib.h>
#include <string.h>

#include "collectors/decode/call.h"
#include "collectors/decode/table.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/evidence/kernel-events.h"
#include "tests/unit/test.h"

static void test_name(const struct kernel_event *e, const char *name)
{
	const char *colon = strchr(name, ':');
	char *system = xstrndup(name, colon ? (size_t)(colon - name) : 0);
	const struct decode_rule *rule = decode_rule_find(system, kernel_event_short(name));
	bool call = rule && (rule->shape == DECODE_ENTER || rule->shape == DECODE_LEAVE);
	bool blind = rule && rule->kind == EVENT_UNDECODED;

	if (!rule)
		printf("# no rule of collectors/decode/table.c decodes %s\n", name);
	else if (!call && !blind && rule->kind != e->kind)
		printf("# %s is decoded to %s, lib/evidence/kernel-events.c says %s\n", name,
		       event_kind_name(rule->kind), event_kind_name(e->kind));
	check(colon && rule && (call || blind || rule->kind == e->kind));
	free(system);
}

/* Each kind is made of a kernel's event or probe, but for those of the stream itself. */
static void test_decoded(void)
{
	bool decoded[EVENT_KINDS] = {
		[EVENT_NONE] = true, [EVENT_SG_TRUNCATED] = true, [EVENT_LOST] = true
	};
	size_t count;
	const struct decode_rule *rules = decode_rules(&count);

	for (size_t i = 0; i < count; i++)
		if (rules[i].shape != DECODE_ENTER && rules[i].shape != DECODE_LEAVE)
			decoded[rules[i].kind] = true;
	for (int kind = 0; kind < EVENT_KINDS; kind++) {
		if (!decoded[kind])
			printf("# no rule of collectors/decode/table.c makes events of kind %s, so "
			       "nothing switches them on\n",
			       event_kind_name(kind));
		check(decoded[kind]);
	}
}

int main(void)
{
	bool needed[EVENT_KINDS] = { false };
	size_t count;
	const struct kernel_event *e = kernel_events(&count);

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < KERNEL_EVENT_NAMES && e[i].names[k]; k++)
			test_name(&e[i], e[i].names[k]);
		needed[e[i].kind] = true;
		check(strncmp(e[i].names[0], e[i].system, strlen(e[i].system)) == 0);
	}
	/* a kind of the DMA API that nothing asks for: its absence would go unnoticed */
	for (int kind = 0; kind < EVENT_KINDS; kind++) {
		bool extra = kind == EVENT_MAP_FAILED || kind == EVENT_SG_TRUNCATED;

		if (event_group(kind) != EVENT_GROUP_DMA || extra)
			continue;
		if (!needed[kind])
			printf("# lib/evidence/kernel-events.c names no event of kind %s\n",
			       event_kind_name(kind));
		check(needed[kind]);
	}
	test_decoded();
	return done();
}
