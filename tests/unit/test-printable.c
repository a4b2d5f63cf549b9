/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/printable.h"
#include "tests/unit/test.h"

static int becomes(const char *in, const char *want)
{
	char *once = printable(in);
	char *twice = printable(once);
	int ok = strcmp(once, want) == 0 && strcmp(twice, want) == 0;

	if (!ok)
		printf("# got '%s'\n", once);
	free(once);
	free(twice);
	return ok;
}

int main(void)
{
	check(printable(NULL) == NULL);
	check(becomes("", ""));
	check(becomes("0000:00:01.0", "0000:00:01.0"));
	check(becomes("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x92",
		      "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x92"));
	check(becomes("a\033[31mb\n\t\x7f", "a\\x1b[31mb\\x0a\\x09\\x7f"));
	check(becomes("\xc2\x9b", "\\u{009b}")); /* C1: CSI */
	check(becomes("\xe2\x80\xae"
		      "abc",
		      "\\u{202e}abc"));				    /* right-to-left override */
	check(becomes("\xef\xbb\xbf", "\\u{feff}"));		    /* byte-order mark */
	check(becomes("\xf3\xa0\x80\x81", "\\u{e0001}"));	    /* tag character */
	check(becomes("\xff\xc3", "\\xff\\xc3"));		    /* no UTF-8, cut */
	check(becomes("\xc0\xaf", "\\xc0\\xaf"));		    /* overlong "/" */
	check(becomes("\xed\xa0\x80", "\\xed\\xa0\\x80"));	    /* surrogate */
	check(becomes("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80")); /* past U+10FFFF */
	return done();
}
