/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/evidence/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { "" };
	struct policy *p = policy_parse((const char *)data, size, "fuzz", &err);

	if (!p && !err.text[0])
		abort(); /* refused without a word */
	policy_free(p);
	return 0;
}
