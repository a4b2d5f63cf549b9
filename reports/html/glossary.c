/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The report's glossary: reports/rows/glossary.h as a list. */
#include "reports/rows/glossary.h"
#include "reports/html/parts.h"

void html_glossary(FILE *out)
{
	const struct glossary_word *w;

	fputs("<dl class=\"glossary\">\n", out);
	for (size_t i = 0; (w = glossary_at(i)); i++)
		fprintf(out, "<dt id=\"word-%zu\">%s</dt><dd>%s</dd>\n", i, w->term, w->meaning);
	fputs("</dl>\n", out);
}
