/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reports/report.h"

#include <string.h>

/* One line per format, in the order of --help.  A new one is a file and a line. */
static const struct report *const reports[] = {
	&report_text,	  &report_json,	 &report_html,	&report_junit,	  &report_tap,
	&report_markdown, &report_sarif, &report_jsonl, &report_perfetto, NULL,
};

const struct report *report_find(const char *name)
{
	for (const struct report *const *r = reports; *r; r++) {
		if (strcmp((*r)->name, name) == 0)
			return *r;
	}
	return NULL;
}

const struct report *report_at(unsigned int i)
{
	return i < sizeof(reports) / sizeof(reports[0]) ? reports[i] : NULL;
}
