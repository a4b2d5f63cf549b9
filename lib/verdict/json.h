/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_VERDICT_JSON_H
#define CCAIO_LIB_VERDICT_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/evidence/run.h"
#include "lib/verdict/verdict.h"

struct err;
struct jwriter;

/*
 * verdict-json - a verdict as JSON text and back (verdict.json, see ccaio-verdict(5)).
 *
 * Schema ccaio.verdict/1: members may be added, not changed.  Addresses are hex
 * strings, times are nanoseconds, strings are printable (lib/base/printable.h).  What is written
 * is read back whole, but for ids that mean something only inside one process
 * (event.dev, event.comm).
 */
#define VERDICT_SCHEMA "ccaio.verdict/1"
#define VERDICT_FILE_MAX (64u << 20) /* bytes of a verdict.json that is still read */

/* What a verdict.json holds; everything owned. */
struct verdict_record {
	struct verdict *verdict;
	struct run run;
	bool has_run; /* the file says what was run */
	enum outcome
		said;  /* the file's word; verdict->outcome may be less (lib/verdict/version.h) */
	char *unknown; /* members that this version does not know; NULL none */
};

/* The members of verdict.json, into an object that the caller opens and ends; run may be NULL. */
void verdict_json_write(struct jwriter *w, const struct verdict *v, const struct run *run);
/* JSON text, ended by a newline and NUL; the caller frees.  run may be NULL. */
char *verdict_json_format(const struct verdict *v, const struct run *run);

/*
 * Read JSON text of len bytes; name is for messages.  Returns NULL with err set for
 * text that is no JSON, another schema, wrong types, unknown words, and for a verdict that the
 * file's own claims or conditions contradict.  Claims and conditions may be missing, or more than
 * this version knows, where another version of ccaio recorded them: see lib/verdict/version.h.
 */
struct verdict_record *verdict_json_parse(const char *text, size_t len, const char *name,
					  struct err *err);

void verdict_record_free(struct verdict_record *record); /* accepts NULL */

#endif
