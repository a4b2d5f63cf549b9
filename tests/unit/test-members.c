/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bundles in folders, tars, compressed tars and pipes; and what is none. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/bundle.h"
#include "collectors/members.h"
#include "collectors/tar.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/manifest.h"
#include "tests/unit/test.h"

static char dir[] = "/tmp/ccaio-test-members-XXXXXX";

static void shell(const char *command)
{
	char *line = xasprintf("cd %s && { %s; }", dir, command);

	if (system(line) != 0) {
		printf("Bail out! cannot run: %s\n", line);
		exit(1);
	}
	free(line);
}

static bool write_bundle(const char *path, struct err *err)
{
	struct bundle *b = bundle_create(path, err);
	bool ok = b && bundle_write(b, "trace.dat", "abc", 3, err) == 0 &&
		  bundle_write(b, "a", "", 0, err) == 0 && bundle_finish(b, 0x1234, err) == 0;

	bundle_close(b);
	return ok;
}

/* Opened and read, or why not. */
static bool opens(const char *path, uint64_t max, struct err *err)
{
	struct bundle *b = bundle_open(path, max, err);
	char *text = b ? bundle_read(b, "trace.dat", 100, NULL, err) : NULL;
	FILE *f = b ? bundle_stream(b, "trace.dat", err) : NULL;
	bool ok = text && strcmp(text, "abc") == 0 && f && getc(f) == 'a' && getc(f) == 'b' &&
		  getc(f) == 'c' && getc(f) == EOF;

	if (f)
		fclose(f);
	free(text);
	bundle_close(b);
	return ok;
}

static bool opens_stdin(const char *path, struct err *err)
{
	int saved = dup(STDIN_FILENO), fd = open(path, O_RDONLY);
	bool ok;

	dup2(fd, STDIN_FILENO);
	ok = opens("-", 0, err);
	dup2(saved, STDIN_FILENO);
	close(saved);
	close(fd);
	return ok;
}

static void test_shapes(void)
{
	struct err err = { "" };

	check(write_bundle("x.ccaio", &err) && write_bundle("y.ccaio.tar", &err));
	check(opens("x.ccaio", 0, &err) && opens("y.ccaio.tar", 0, &err));
	/* what other tars make of it, and what zstd does */
	shell("tar xf y.ccaio.tar && test -d y.ccaio && cmp y.ccaio/trace.dat x.ccaio/trace.dat && "
	      "test $(stat -c %a y.ccaio/a) = 600 && ! ls -d *.unfinished* 2>/dev/null");
	check(opens("y.ccaio", 0, &err));
	shell("tar cf gnu.tar x.ccaio && tar --format=pax -cf pax.tar x.ccaio && "
	      "tar cf bare.tar -C x.ccaio . && zstd -q y.ccaio.tar -o z.tar.zst");
	check(opens("gnu.tar", 0, &err) && opens("pax.tar", 0, &err) && opens("bare.tar", 0, &err));
	check(opens("z.tar.zst", 0, &err));
	check(opens_stdin("y.ccaio.tar", &err) && opens_stdin("z.tar.zst", &err));
	/* the same files are the same archive, in the same order */
	shell("tar tf y.ccaio.tar | tr '\\n' ' ' | grep -qx 'y.ccaio/MANIFEST.json y.ccaio/a "
	      "y.ccaio/trace.dat '");
	/* what is there stays */
	check(!write_bundle("y.ccaio.tar", &err) && strstr(err.text, "exists"));
}

static void test_refused(void)
{
	static const struct {
		const char *make, *says;
	} cases[] = {
		{ "head -c 2000 y.ccaio.tar >bad", "cut short" },
		{ "head -c 512 y.ccaio.tar >bad", "cut short" },
		{ "cp y.ccaio.tar bad; printf x | dd of=bad bs=1 seek=5 conv=notrunc status=none",
		  "a header is malformed" },
		{ "cp y.ccaio.tar bad; echo more >>bad", "something stands behind its end" },
		{ "cp -r x.ccaio l; ln -s /etc/passwd l/link; tar cf bad l; rm -r l",
		  "a member is a link" },
		{ "cp -r x.ccaio l; ln l/a l/b; tar cf bad l; rm -r l", "a member is a link" },
		{ "mkdir l; mkfifo l/f; tar cf bad l; rm -r l", "a member is a link" },
		{ "tar cf bad x.ccaio; tar rf bad x.ccaio/a", "holds a twice" },
		{ "tar cf bad x.ccaio y.ccaio", "not in the bundle's folder" },
		{ "tar cPf bad ../../../../../../etc/hostname", "not in the bundle's folder" },
		{ "tar cPf bad /etc/hostname", "not in the bundle's folder" },
		{ "tar cf bad -C .. $(basename $PWD)/x.ccaio", "not in the bundle's folder" },
		{ "cp -r x.ccaio l; echo >l/more; tar cf bad l; rm -r l", "was added after" },
		{ "cp -r x.ccaio l; rm l/a; tar cf bad l; rm -r l", "a is missing" },
		{ "cp -r x.ccaio l; echo d >l/a; tar cf bad l; rm -r l", "it has 2 bytes, not 0" },
		{ "tar cf bad -T /dev/null", "neither a folder nor a tar" },
		{ "head -c 70 z.tar.zst >bad", "cannot be unpacked: it is cut short" },
		{ "cp z.tar.zst bad; printf abcdefgh | dd of=bad bs=1 seek=20 conv=notrunc "
		  "status=none",
		  "cannot be unpacked" },
		{ "echo hello >bad", "neither a folder nor a tar" },
		{ ": >bad", "neither a folder nor a tar" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { "" };

		shell(cases[i].make);
		check(!opens("bad", 0, &err));
		if (!strstr(err.text, cases[i].says))
			printf("# %s: %s\n", cases[i].make, err.text);
		check(strstr(err.text, cases[i].says) != NULL);
		shell("rm bad");
	}
}

/* More than is wanted is not read: a claim of a lot, and a little that unpacks to a lot. */
static void test_limits(void)
{
	struct err err = { "" };

	check(!opens("x.ccaio", 2, &err) && strstr(err.text, "give a larger --max-size"));
	shell("head -c 50000000 /dev/zero | zstd -q >bomb");
	check(!opens("bomb", 1000000, &err) &&
	      strstr(err.text, "unpacks to more than 1000000 bytes"));
	shell("cp -r x.ccaio s; truncate -s 1T s/trace.dat; "
	      "sed -i 's/\"size\": *3\\b/\"size\":1099511627776/' s/MANIFEST.json");
	check(!opens("s", 0, &err) && strstr(err.text, "give a larger --max-size"));
	check(!opens("/dev/zero", 0, &err) && strstr(err.text, "standard input is called -"));
}

/* What is read is what was compared, whatever becomes of the names. */
static void test_swapped(void)
{
	struct err err = { "" };
	struct bundle *b;
	char *text;

	shell("cp -r x.ccaio w");
	b = bundle_open("w", 0, &err);
	check(b != NULL);
	shell("cd w && rm trace.dat && echo other >trace.dat");
	text = bundle_read(b, "trace.dat", 100, NULL, &err);
	check(text && strcmp(text, "abc") == 0);
	free(text);
	bundle_close(b);
	shell("rm -r w && cp -r x.ccaio w");
	b = bundle_open("w", 0, &err);
	check(b && bundle_unchanged(b, &err) == 0);
	shell("printf x >>w/trace.dat");
	check(bundle_unchanged(b, &err) < 0 && strstr(err.text, "changed while it was judged"));
	bundle_close(b);
}

static void test_digest(void)
{
	char hex[2 * MANIFEST_SHA256 + 1], *line;
	struct err err = { "" };
	struct bundle *b = bundle_open("x.ccaio", 0, &err);

	manifest_digest(bundle_manifest(b), "report.html", hex);
	line = xasprintf("cd x.ccaio && test $(LC_ALL=C sha256sum a trace.dat | sha256sum | "
			 "cut -d' ' -f1) = %s",
			 hex);
	shell(line);
	manifest_digest(bundle_manifest(b), "a", hex);
	free(line);
	line = xasprintf(
		"cd x.ccaio && test $(sha256sum trace.dat | sha256sum | cut -d' ' -f1) = %s", hex);
	shell(line);
	check(strlen(hex) == 64);
	free(line);
	bundle_close(b);
}

int main(void)
{
	char *line;

	if (!mkdtemp(dir) || chdir(dir) < 0) {
		printf("Bail out! cannot make a folder in /tmp\n");
		return 1;
	}
	test_shapes();
	test_refused();
	test_limits();
	test_swapped();
	test_digest();
	line = xasprintf("rm -rf %s", dir);
	check(system(line) == 0);
	free(line);
	return done();
}
