/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers about the kernel, kept in a file, and files that are not believed. */
#include "collectors/kernel/kept.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/xalloc.h"
#include "tests/unit/test.h"

#define BOOT "0b0d-1"

static char *path;

static void put_file(const char *text, mode_t mode)
{
	FILE *out;

	unlink(path);
	out = fopen(path, "we");
	check(out && fputs(text, out) >= 0 && fclose(out) == 0 && chmod(path, mode) == 0);
}

/* Is anything of this file believed? */
static bool believed(const char *boot_id)
{
	struct kept *kept = kept_open(path, boot_id);
	uint64_t value = 0;
	bool is = kept_get(kept, "device.parent", &value);

	check(!is || value == 64);
	kept_free(kept);
	return is;
}

static void test_round_trip(void)
{
	struct kept *kept = kept_open(path, BOOT);
	uint64_t value;
	struct stat st;

	check(!kept_get(kept, "device.parent", &value));
	kept_put(kept, "device.parent", 64);
	kept_put(kept, "device.none", UINT64_MAX);
	kept_put(kept, "two words", 1);
	kept_write(kept);
	kept_free(kept);
	check(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	kept = kept_open(path, BOOT);
	check(kept_get(kept, "device.parent", &value) && value == 64);
	check(kept_get(kept, "device.none", &value) && value == UINT64_MAX);
	check(!kept_get(kept, "two words", &value) && !kept_get(kept, "device", &value));
	check(!kept_get(NULL, "device.parent", &value));
	kept_forget(kept);
	check(!kept_get(kept, "device.parent", &value));
	kept_free(kept);
	check(believed(BOOT) && !believed("0b0d-2") && !believed(NULL));
}

#define FILE_OF(FIRST, LINES) FIRST "\n" LINES
#define FIRST "ccaio-kernel/1 " BOOT

static void test_refused(void)
{
	static const char *const wrong[] = {
		"",
		FIRST,
		FILE_OF(FIRST, "device.parent 40\n"),
		FILE_OF(FIRST, "device.parent 40\nend"),
		FILE_OF(FIRST, "device.parent 40\nend\nmore\n"),
		FILE_OF(FIRST, "device.parent 40\ndevice.parent 40\nend\n"),
		FILE_OF(FIRST, "device.parent 40\ndevice.kobj 4g\nend\n"),
		FILE_OF(FIRST, "device.parent 40\ndevice.kobj\nend\n"),
		FILE_OF(FIRST, "device.parent 40\ndevice.kobj 00000000000000000\nend\n"),
		FILE_OF("ccaio-kernel/2 " BOOT, "device.parent 40\nend\n"),
		FILE_OF(FIRST "0", "device.parent 40\nend\n"),
	};
	static const char right[] = FILE_OF(FIRST, "device.parent 40\nend\n");
	char *other;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		put_file(wrong[i], 0600);
		check(!believed(BOOT));
	}
	put_file(right, 0600);
	check(believed(BOOT));
	put_file(right, 0640);
	check(!believed(BOOT));
	put_file(right, 0602);
	check(!believed(BOOT));
	/* another name for the same file, and a link to it */
	put_file(right, 0600);
	other = xasprintf("%s.other", path);
	unlink(other);
	check(link(path, other) == 0 && !believed(BOOT));
	check(unlink(path) == 0 && symlink(other, path) == 0 && !believed(BOOT));
	unlink(other);
	free(other);
}

int main(void)
{
	char dir[] = "/tmp/ccaio-test-kept.XXXXXX";

	check(mkdtemp(dir) != NULL);
	path = xasprintf("%s/kernel", dir);
	test_round_trip();
	test_refused();
	unlink(path);
	rmdir(dir);
	free(path);
	return done();
}
