/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of the kinds of events. */
#include "lib/evidence/event.h"

static const char *const kinds[] = {
#define EVENT_KIND(name, text, group) text,
#include "lib/evidence/event-kinds.def"
#undef EVENT_KIND
};

const char *event_kind_name(unsigned int kind)
{
	return kind < EVENT_KINDS ? kinds[kind] : "?";
}

const char *event_dir_name(unsigned int dir)
{
	static const char *const names[] = { "BIDIRECTIONAL", "TO_DEVICE", "FROM_DEVICE", "NONE" };

	return dir < 4 ? names[dir] : "?";
}
