/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reports/escape.h"

#include <string.h>

void escape_xml(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

void escape_markdown(FILE *out, const char *text)
{
	for (; *text; text++) {
		/* entities for what HTML reads too; '@' and ':' so that no name or address links */
		if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '@')
			fputs("&#64;", out);
		else if (strncmp(text, "://", 3) == 0)
			fputs("&#58;", out);
		else if (strchr("\\`*_[]()#|~>!$", *text))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

void escape_quoted(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
}
