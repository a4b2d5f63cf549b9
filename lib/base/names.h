/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BASE_NAMES_H
#define CCAIO_LIB_BASE_NAMES_H

#include <stddef.h>
#include <stdint.h>

/*
 * names - device and task names, each kept once, known by a small number.
 *
 * Id 0 is the empty name.  Ids are given in order of first use and stay valid
 * for the life of the table, as do the strings.  Evidence may be hostile: past
 * NAMES_MAX names, every new one gets the id NAMES_OTHER (name "(other)").
 */
#define NAMES_MAX 65000
#define NAMES_OTHER 65535

struct names;

struct names *names_new(void);
void names_free(struct names *names); /* accepts NULL */

/* The id of the name of len bytes (need not end in NUL), entering it if new. */
uint16_t names_intern(struct names *names, const char *name, size_t len);

/* The id of a name already entered, or 0. */
uint16_t names_find(const struct names *names, const char *name);

/* The name of an id; "" for 0 and for unknown ids.  Borrowed. */
const char *names_get(const struct names *names, uint16_t id);

/* How many names there are, the empty one included: ids are 0 … count-1. */
size_t names_count(const struct names *names);

#endif
