/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_VERDICT_TABLE_H
#define CCAIO_LIB_VERDICT_TABLE_H

/* verdict-table - the rows that read, write, free and compare a verdict (lib/json/table.h). */
struct jtable;

extern const struct jtable verdict_record_table;  /* struct verdict_record: verdict.json */
extern const struct jtable verdict_totals;	  /* of struct verdict */
extern const struct jtable verdict_device_totals; /* of struct device_totals */

#endif
