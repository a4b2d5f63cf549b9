/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>

#include "lib/evidence/text/klog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct klog_record record;
	struct klog_fact fact = klog_read(text, size);

	if (fact.range.end < fact.range.start)
		abort();
	if (!klog_parse(text, size, &record))
		return 0;
	if (record.text < text || record.text + record.len > text + size)
		abort();
	klog_read(record.text, record.len);
	return 0;
}
