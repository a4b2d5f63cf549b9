/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json - the verdict for programs: the members of verdict.json, and the exchanges as the last.
 */
#include "lib/exchange/json.h"
#include "lib/json/json.h"
#include "lib/verdict/json.h"
#include "reports/compare.h"
#include "reports/report.h"

static void write_json(FILE *out, const struct report_input *in)
{
	struct jwriter w;

	jwriter_init(&w, out);
	jwrite_object(&w, NULL);
	verdict_json_write(&w, in->verdict, in->run);
	if (in->exchanges)
		exchanges_write_member(&w, "exchanges", in->exchanges);
	jwrite_end_object(&w);
}

const struct report report_json = {
	.draws = true,
	.name = "json",
	.summary = "verdict.json, for programs (ccaio-verdict(5))",
	.write = write_json,
	.compare = compare_json,
};
