/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/virtio/hostile.h"

enum hostile_outcome hostile_outcome(enum hostile_trick trick)
{
	static const uint8_t outcomes[HOSTILE_TRICKS] = {
		[HOSTILE_BAD_ID] = HOSTILE_NOTICED,	[HOSTILE_LONG_LENGTH] = HOSTILE_NOTICED,
		[HOSTILE_INDEX_JUMP] = HOSTILE_NOTICED, [HOSTILE_REWRITE] = HOSTILE_IN_VAIN,
		[HOSTILE_LOOP] = HOSTILE_IN_VAIN,	[HOSTILE_OVERRUN] = HOSTILE_IN_VAIN,
		[HOSTILE_TOCTOU] = HOSTILE_NO_LIE,
	};

	return outcomes[trick];
}

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
