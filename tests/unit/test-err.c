/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/utf8.h"
#include "tests/unit/test.h"

static bool valid(const char *text)
{
	size_t left = strlen(text), n;

	for (; left; text += n, left -= n) {
		n = utf8_sequence(text, left);
		if (!n)
			return false;
	}
	return true;
}

int main(void)
{
	struct err err = { "" };
	char filler[700] = { 0 };

	check(err_set(&err, EINVAL, "bad %s", "thing") == -EINVAL);
	check(strcmp(err.text, "bad thing") == 0);
	check(err_set(NULL, ENOENT, "ignored") == -ENOENT);

	errno = EACCES;
	check(err_sys(&err, "cannot read %s", "x") == -EACCES);
	check(strcmp(err.text, "cannot read x: Permission denied") == 0);
	errno = 0;
	check(err_sys(&err, "x") == -EIO);

	err_set(&err, EINVAL, "name '%s'", "a\033[31m\n");
	check(strcmp(err.text, "name 'a\\x1b[31m\\x0a'") == 0);
	/* C1, a turned reading direction, and what is no UTF-8 */
	err_set(&err, EINVAL, "%s",
		"\xc2\x9b"
		"1m \xe2\x80\xae \xff");
	check(strcmp(err.text, "\\u{009b}1m \\u{202e} \\xff") == 0);
	errno = ENOENT;
	err_sys(&err, "%s", "\xe2\x80\xae");
	check(strcmp(err.text, "\\u{202e}: No such file or directory") == 0);

	/* it ends at a whole character, whatever was put into it */
	for (size_t i = 0; i < sizeof(filler) - 1; i++)
		filler[i] = i % 2 ? '\x9b' : '\xc2';
	for (size_t from = 0; from < 4; from++) {
		err_set(&err, EINVAL, "%s", filler + from);
		check(strlen(err.text) < sizeof(err.text));
		check(valid(err.text));
	}
	return done();
}
