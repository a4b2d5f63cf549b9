/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A recorded verdict from anywhere: what is accepted is written and read again as the
 * same, agrees with itself, and can be shown in every format.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/verdict/diff.h"
#include "lib/verdict/json.h"
#include "lib/verdict/verdict.h"
#include "reports/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show(const struct verdict_record *record)
{
	const struct report_input in = { .verdict = record->verdict, .run = &record->run };
	const struct report *report;

	for (unsigned int i = 0; (report = report_at(i)); i++) {
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);

		if (!out)
			abort();
		report->write(out, &in);
		if (fclose(out) != 0 || len == 0)
			abort();
		free(text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { "" };
	struct verdict_record *record = verdict_json_parse((const char *)data, size, "fuzz", &err);
	struct verdict_record *again;
	char *text, *twice;

	if (!record) {
		if (!err.text[0])
			abort();
		return 0;
	}
	text = verdict_json_format(record->verdict, &record->run);
	again = verdict_json_parse(text, strlen(text), "again", &err);
	if (!again || verdict_agrees(record->verdict, again->verdict, &err) < 0)
		abort();
	twice = verdict_json_format(again->verdict, &again->run);
	if (strcmp(text, twice) != 0)
		abort();
	show(record);
	free(text);
	free(twice);
	verdict_record_free(record);
	verdict_record_free(again);
	return 0;
}
