/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names and groups of the kinds of events. */
#include "lib/evidence/event.h"

static const struct {
	const char *name;
	enum event_group group;
} kinds[] = {
#define EVENT_KIND(name, text, group) { text, EVENT_GROUP_##group },
#include "lib/evidence/event-kinds.def"
#undef EVENT_KIND
};

enum event_group event_group(unsigned int kind)
{
	return kind < EVENT_KINDS ? kinds[kind].group : EVENT_GROUP_OTHER;
}

const char *event_kind_name(unsigned int kind)
{
	return kind < EVENT_KINDS ? kinds[kind].name : "?";
}

const char *event_dir_name(unsigned int dir)
{
	static const char *const names[] = { "BIDIRECTIONAL", "TO_DEVICE", "FROM_DEVICE", "NONE" };

	return dir < 4 ? names[dir] : "?";
}
