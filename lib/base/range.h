/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BASE_RANGE_H
#define CCAIO_LIB_BASE_RANGE_H

#include <stdint.h>

#define PLATFORM_UNKNOWN UINT64_MAX

enum tri { TRI_UNKNOWN = 0, TRI_NO, TRI_YES };

/* Addresses, both ends inclusive. */
struct range {
	uint64_t start, end;
};

#endif
