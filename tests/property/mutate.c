/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All mutations, and those of the stream: one event dropped, doubled, changed or moved. */
#include "tests/property/mutate.h"

static const struct mutation mutations_stream[] = {
	{ "drop-bounce", drop_bounce },
	{ "drop-bounced-map", drop_bounced_map },
	{ "drop-begin", drop_begin },
	{ "drop-unmap", drop_unmap },
	{ "drop-decrypt", drop_decrypt },
	{ "drop-mark", drop_mark },
	{ "duplicate", duplicate },
	{ "publish-protected", publish_protected },
	{ "publish-original", publish_original },
	{ "publish-unnamed", publish_unnamed },
	{ "past-end", past_end },
	{ "end-elsewhere", end_elsewhere },
	{ "size-of-pair", size_of_pair },
	{ "size-of-end", size_of_end },
	{ "sync-beyond", sync_beyond },
	{ "direction-of-end", direction_of_end },
	{ "direction-of-sync", direction_of_sync },
	{ "device-of-pair", device_of_pair },
	{ "device-of-end", device_of_end },
	{ "wrong-bit", wrong_bit },
	{ "end-without-bit", end_without_bit },
	{ "map-before-bounce", map_before_bounce },
	{ "sync-after-end", sync_after_end },
	{ "end-before-begin", end_before_begin },
	{ "overlap", overlap },
	{ "alloc-overlap", alloc_overlap },
	{ "late-encrypt", late_encrypt },
	{ "late-encrypt-virt", late_encrypt_virt },
	{ "trusted-in-pool", trusted_in_pool },
	{ "not-accepted", not_accepted },
	{ "lost", lost },
	{ "sg-cut", sg_cut },
	{ "undecoded", undecoded },
	{ "wrong-nonce", wrong_nonce },
	{ "swap-marks", swap_marks },
	{ "silence", silence },
	{ NULL, NULL },
};

static const struct mutation *const sets[] = {
	mutations_stream, mutations_facts, mutations_recording, mutations_memory, mutations_guests,
};

const struct mutation *mutation_at(size_t i)
{
	for (size_t s = 0; s < sizeof(sets) / sizeof(sets[0]); s++) {
		for (const struct mutation *m = sets[s]; m->name; m++) {
			if (i-- == 0)
				return m;
		}
	}
	return NULL;
}
