/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EVIDENCE_TABLES_H
#define CCAIO_LIB_EVIDENCE_TABLES_H

#include "lib/json/table.h"

/* tables - the rows that read, write and free what a bundle holds. */
extern const struct jrow range_table[];	   /* struct range, of physical memory */
extern const struct jrow manifest_table[]; /* struct manifest */
extern const struct jrow platform_table[]; /* struct platform */
extern const struct jrow policy_table[];   /* struct policy */
extern const struct jrow snapshot_table[]; /* struct snapshot */

/* Complains of a struct range whose end is below its start. */
void range_check(const struct jval *object, void *range);

#endif
