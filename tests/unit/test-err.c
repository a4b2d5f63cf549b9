/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "lib/base/err.h"
#include "tests/unit/test.h"

int main(void)
{
	struct err err = { "" };

	check(err_set(&err, EINVAL, "bad %s", "thing") == -EINVAL);
	check(strcmp(err.text, "bad thing") == 0);
	check(err_set(NULL, ENOENT, "ignored") == -ENOENT);

	errno = EACCES;
	check(err_sys(&err, "cannot read %s", "x") == -EACCES);
	check(strcmp(err.text, "cannot read x: Permission denied") == 0);
	errno = 0;
	check(err_sys(&err, "x") == -EIO);

	err_set(&err, EINVAL, "name '%s'", "a\033[31m\n");
	check(strcmp(err.text, "name 'a?[31m?'") == 0);
	return done();
}
