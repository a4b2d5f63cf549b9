/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/hostile.h"

const char *hostile_name(enum hostile_trick trick)
{
	static const char *const names[HOSTILE_TRICKS] = {
		[HOSTILE_NONE] = "none",
		[HOSTILE_REPLAY] = "replay",
		[HOSTILE_TWICE] = "complete-twice",
		[HOSTILE_NEVER] = "never-complete",
		[HOSTILE_BAD_ID] = "bad-id",
		[HOSTILE_LONG_LENGTH] = "long-length",
		[HOSTILE_TOCTOU] = "toctou",
		[HOSTILE_INDEX_JUMP] = "index-jump",
		[HOSTILE_REWRITE] = "rewrite-descriptor",
		[HOSTILE_LOOP] = "descriptor-loop",
		[HOSTILE_OVERRUN] = "overrun",
	};

	return trick < HOSTILE_TRICKS ? names[trick] : "?";
}
