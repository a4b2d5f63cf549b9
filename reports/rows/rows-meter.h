/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_ROWS_ROWS_METER_H
#define CCAIO_REPORTS_ROWS_ROWS_METER_H

#include <stdint.h>

struct cost;
struct cost_device;
struct rows;

/* rows-meter - how long bouncing took: as the kernel summed it up, or at least. */

/* "1.52 ms"; ns are below a microsecond. */
const char *rows_span(struct rows *rows, uint64_t ns);

/* One sentence for all devices; "" nothing is known. */
const char *rows_cost_time(struct rows *rows, const struct cost *c);

/* What of the kernel's sums is not as the events tell, and why that may be; "" there are none. */
const char *rows_cost_check(struct rows *rows, const struct cost *c);

/* What the kernel's sums themselves took; "" unknown. */
const char *rows_cost_counting(struct rows *rows, const struct cost *c);

/* What copying and finding slots took one device: "1.2 ms", "at least 90 ns"; "" unknown. */
const char *rows_cost_device_time(struct rows *rows, const struct cost *c,
				  const struct cost_device *d);

#endif
