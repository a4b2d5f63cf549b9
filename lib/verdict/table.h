/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_VERDICT_TABLE_H
#define CCAIO_LIB_VERDICT_TABLE_H

#include "lib/json/table.h"

/* verdict-table - the rows that read, write, free and compare a verdict (lib/json/table.h). */

extern const struct jrow verdict_record_table[];  /* struct verdict_record: verdict.json */
extern const struct jrow verdict_totals[];	  /* of struct verdict */
extern const struct jrow verdict_device_totals[]; /* of struct device_totals */

#endif
