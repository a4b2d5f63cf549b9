/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json - the verdict for programs: the text of verdict.json.
 */
#include <stdlib.h>

#include "lib/verdict-json.h"
#include "reports/report.h"

static void write_json(FILE *out, const struct report_input *in)
{
	char *text = verdict_json_format(in->verdict, in->run);

	fputs(text, out);
	free(text);
}

const struct report report_json = {
	.name = "json",
	.summary = "verdict.json, for programs (ccaio-verdict(5))",
	.write = write_json,
};
