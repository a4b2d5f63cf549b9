/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEDAT_ENCODE_H
#define CCAIO_COLLECTORS_TRACEDAT_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/evidence/event.h"

struct names;
struct tracedat_writer;

/*
 * encode - struct event into binary trace records, the way back of decode.
 *
 * For recordings that no kernel made.  The formats are those of Linux 7.2, as
 * far as struct event has what they hold.  An entry of a scatter-gather operation
 * becomes an operation of one entry.
 */

/* A record is never longer. */
#define ENCODE_MAX 256

/* Add the formats that encode_record() uses, and header_page and header_event of tracedat_pack. */
void encode_formats(struct tracedat_writer *writer);

/*
 * Encode into buf of ENCODE_MAX bytes.  Returns the length; 0 for kinds that no record can
 * carry (EVENT_LOST: see tracedat_pack_lost(); EVENT_UNDECODED).
 */
size_t encode_record(const struct event *event, const struct names *names, uint8_t *buf);

#endif
