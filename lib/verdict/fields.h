/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_VERDICT_FIELDS_H
#define CCAIO_LIB_VERDICT_FIELDS_H

#include <stddef.h>
#include <stdint.h>

/*
 * verdict-fields - the counters of a verdict by their names in verdict.json.
 *
 * One table for the writer, the reader and the comparison, so that a counter that is added is
 * written, read and compared.  Ends with a NULL name.
 */
struct verdict_field {
	const char *name;
	size_t offset; /* of a uint64_t, or of count of them in a row */
	unsigned int count;
};

extern const struct verdict_field verdict_total_fields[];  /* of struct verdict */
extern const struct verdict_field verdict_device_fields[]; /* of struct device_totals */

#endif
