/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_ESCAPE_H
#define CCAIO_REPORTS_ESCAPE_H

#include <stdio.h>

/*
 * escape - printable text (lib/base/printable.h) written so that a syntax reads it as text.
 */

/* XML and HTML, as content or inside a quoted attribute. */
void escape_xml(FILE *out, const char *text);

/* Markdown, inline or in a table's cell: nothing in it starts a link, an entity or a tag. */
void escape_markdown(FILE *out, const char *text);

/* The inside of a JSON or YAML double-quoted string. */
void escape_quoted(FILE *out, const char *text);

#endif
