/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_DIAGNOSIS_H
#define CCAIO_REPORTS_DIAGNOSIS_H

#include <stdbool.h>
#include <stdio.h>

struct diagnosis;

/*
 * One line per check, then what it comes to.  wrapped: a line that is longer than the terminal goes
 * on below (reports/wrap.h).  The caller checks out for errors.
 */
void diagnosis_write_text(FILE *out, const struct diagnosis *d, bool wrapped);

/* Schema ccaio.doctor/1, see ccaio-doctor(1). */
void diagnosis_write_json(FILE *out, const struct diagnosis *d);

#endif
