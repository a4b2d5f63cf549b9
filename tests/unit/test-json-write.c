/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/json/json.h"
#include "tests/unit/test.h"

/* Whatever a foreign name holds: nothing steers a terminal, and a reader gets the same name. */
static void there_and_back(const char *name, const char *written)
{
	char *text = NULL, *again;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct err err = { "" };
	struct jwriter w;
	struct jdoc *doc;
	struct jval root;

	jwriter_init(&w, out);
	jwrite_object(&w, NULL);
	jwrite_string(&w, "name", name);
	jwrite_end_object(&w);
	fclose(out);
	check(strstr(text, written));
	doc = jdoc_parse(text, len, "test", &err);
	check(doc);
	root = jdoc_root(doc);
	again = jval_string(&root, "name");
	check(again && strcmp(again, name) == 0);
	free(again);
	jdoc_free(doc);
	free(text);
}

int main(void)
{
	there_and_back("plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		       "\"plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
	there_and_back("\"\\", "\"\\\"\\\\\"");
	there_and_back("\x1b[31m\n\x7f", "\"\\u001b[31m\\u000a\\u007f\"");
	there_and_back("\xc2\x9b"
		       "2J",
		       "\"\\u009b2J\""); /* CSI in one character */
	there_and_back("a\xe2\x80\xae"
		       "b",
		       "\"a\\u202eb\"");			  /* right to left from here */
	there_and_back("\xf3\xa0\x81\x81", "\"\\udb40\\udc41\""); /* a tag: nobody sees it */
	return done();
}
