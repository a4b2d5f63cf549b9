/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json - the verdict for programs: the text of verdict.json, and the exchanges in it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/exchange/json.h"
#include "lib/verdict/json.h"
#include "reports/report.h"

static void write_json(FILE *out, const struct report_input *in)
{
	char *text = verdict_json_format(in->verdict, in->run);
	char *end = in->exchanges ? strrchr(text, '}') : NULL;

	/* the exchanges are the object's last member, as exchanges.json has them */
	if (end) {
		while (end > text && (end[-1] == '\n' || end[-1] == ' '))
			end--;
		*end = '\0';
	}
	fputs(text, out);
	if (end) {
		fputs(",\n  \"exchanges\":", out);
		exchanges_write(out, in->exchanges);
		fputs("}\n", out);
	}
	free(text);
}

const struct report report_json = {
	.draws = true,
	.name = "json",
	.summary = "verdict.json, for programs (ccaio-verdict(5))",
	.write = write_json,
};
