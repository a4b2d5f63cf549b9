/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JSON_STATE_H
#define CCAIO_LIB_JSON_STATE_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct json_object;

/* json - a parsed document, as lib/json/json.c makes it and lib/json/value.c asks it. */
struct jdoc {
	struct json_object *root;
	struct err *err;
	char *name;
	bool failed;
	void *context;
	bool derived;
	char *unknown; /* members that no reader knows; NULL none */
	size_t nunknown;
};

#endif
