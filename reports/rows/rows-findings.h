/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_ROWS_ROWS_FINDINGS_H
#define CCAIO_REPORTS_ROWS_ROWS_FINDINGS_H

#include "reports/rows/rows.h"

/* Findings in words; sorts the devices, which are there already, the worst first. */
void rows_fill_findings(struct rows *rows, const struct verdict *v);

/* Bits of enum claim_id: "dma-in-shared, bounce-paired". */
const char *rows_claims(struct rows *rows, uint32_t claims);

#endif
