/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Manifests and bundles: written, read again, and changed behind their back. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/bundle.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/manifest.h"
#include "tests/unit/test.h"

static char dir[] = "/tmp/ccaio-test-bundle-XXXXXX";

static void shell(const char *command)
{
	char *line = xasprintf("cd %s && { %s; }", dir, command);

	if (system(line) != 0) {
		printf("Bail out! cannot run: %s\n", line);
		exit(1);
	}
	free(line);
}

static char *bundle_at(void)
{
	return xasprintf("%s/x.ccaio", dir);
}

/* A finished bundle with two files. */
static void make_bundle(void)
{
	char *path = bundle_at();
	struct err err = { "" };
	struct bundle *b;

	shell("rm -rf x.ccaio");
	b = bundle_create(path, &err);
	if (!b || bundle_write(b, "trace.dat", "abc", 3, &err) < 0 ||
	    bundle_write(b, "platform.json", "{}\n", 3, &err) < 0 ||
	    bundle_finish(b, 0x1234, &err) < 0) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	bundle_close(b);
	free(path);
}

static bool exists(const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	bool is = access(path, F_OK) == 0;

	free(path);
	return is;
}

static void test_whole(void)
{
	/* SHA-256 of "abc": FIPS 180-2, appendix B.1 */
	static const unsigned char abc[4] = { 0xba, 0x78, 0x16, 0xbf };
	char *path = bundle_at(), *text;
	const struct manifest *m;
	struct err err = { "" };
	struct bundle *b;
	size_t len = 0;

	make_bundle();
	check(exists("x.ccaio/MANIFEST.json") && !exists("x.ccaio/UNFINISHED"));
	check(!exists("x.ccaio/MANIFEST.json.new"));
	b = bundle_open(path, 0, &err);
	check(b != NULL);
	m = b ? bundle_manifest(b) : NULL;
	check(m && m->nfiles == 2 && m->nonce == 0x1234);
	check(m && strncmp(m->tool, "ccaio ", 6) == 0 && strlen(m->created) == 20);
	check(m && manifest_find(m, "trace.dat")->size == 3);
	check(m && memcmp(manifest_find(m, "trace.dat")->sha256, abc, 4) == 0);
	text = bundle_read(b, "platform.json", 1024, &len, &err);
	check(text && len == 3 && strcmp(text, "{}\n") == 0);
	free(text);
	check(!bundle_read(b, "verdict.json", 1024, &len, &err) && errno == ENOENT);
	check(!bundle_read(b, "platform.json", 2, &len, &err) && strstr(err.text, "larger than 2"));
	/* changed after it was opened */
	shell("printf '[]\\n' >x.ccaio/platform.json");
	check(!bundle_read(b, "platform.json", 1024, &len, &err));
	check(strstr(err.text, "platform.json changed while it was read") != NULL);
	bundle_close(b);
	free(path);
}

/* What somebody does to a finished bundle, and what is said about it. */
static const struct {
	const char *command, *says;
} changes[] = {
	{ "printf abd >x.ccaio/trace.dat", "trace.dat was changed after" },
	{ "printf abcd >x.ccaio/trace.dat", "it has 4 bytes, not 3" },
	{ "rm x.ccaio/trace.dat", "trace.dat is missing, but MANIFEST.json lists it" },
	{ "echo >x.ccaio/extra", "extra was added after" },
	{ "echo >x.ccaio/.hidden", ".hidden was added after" },
	{ "mkdir x.ccaio/sub", "sub was added after" },
	{ "mv x.ccaio/trace.dat y && ln -s ../y x.ccaio/trace.dat", "is a symbolic link" },
	{ "rm x.ccaio/trace.dat && mkdir x.ccaio/trace.dat", "is not a regular file" },
	{ "rm x.ccaio/trace.dat && mkfifo x.ccaio/trace.dat", "is not a regular file" },
	{ "echo >x.ccaio/UNFINISHED", "is unfinished" },
	{ "rm x.ccaio/MANIFEST.json", "holds no MANIFEST.json" },
	{ "truncate -s 100 x.ccaio/MANIFEST.json", "ends too early" },
	{ "truncate -s 2M x.ccaio/MANIFEST.json",
	  "MANIFEST.json: it is larger than 1048576 bytes" },
	{ "sed -i s,ccaio.manifest/1,ccaio.manifest/2, x.ccaio/MANIFEST.json",
	  "not 'ccaio.manifest/2', which another version of ccaio writes" },
	{ "sed -i s,ccaio.manifest/1,ccaio.platform/1, x.ccaio/MANIFEST.json",
	  "not 'ccaio.platform/1'" },
	{ "sed -i s,trace.dat,../y, x.ccaio/MANIFEST.json", "not '../y'" },
	{ "sed -i s,trace.dat,/etc/passwd, x.ccaio/MANIFEST.json", "not '/etc/passwd'" },
	{ "sed -i s,trace.dat,.., x.ccaio/MANIFEST.json", "not '..'" },
	{ "sed -i 's,\"trace.dat,\"a\\\\u001bb,' x.ccaio/MANIFEST.json", "printable characters" },
	{ "sed -i s,trace.dat,MANIFEST.json, x.ccaio/MANIFEST.json", "cannot be listed" },
	{ "sed -i s,trace.dat,platform.json, x.ccaio/MANIFEST.json", "listed twice" },
	/* json-c 0.18 says "number expected", others leave it to ccaio: "number up to" */
	{ "sed -i '/\"size\"/s/3/99999999999999999999/' x.ccaio/MANIFEST.json", "number " },
	{ "sed -i '/\"size\"/s/3/-3/' x.ccaio/MANIFEST.json", "not negative" },
	{ "sed -i '/\"size\"/d' x.ccaio/MANIFEST.json", "files[0].size: missing" },
	{ "sed -i 's/\"sha256\": \"./&g/' x.ccaio/MANIFEST.json", "64 hexadecimal digits" },
	{ "echo '{\"schema\":\"ccaio.manifest/1\",\"files\":[]}' >x.ccaio/MANIFEST.json",
	  "expected a list of files" },
};

static void test_changed(void)
{
	char *path = bundle_at();

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct err err = { "" };
		struct bundle *b;

		make_bundle();
		shell(changes[i].command);
		b = bundle_open(path, 0, &err);
		if (b || !strstr(err.text, changes[i].says))
			printf("# %s\n# says: %s\n", changes[i].command, err.text);
		check(!b && strstr(err.text, changes[i].says));
		check(strncmp(err.text, path, strlen(path)) == 0 ||
		      strstr(err.text, "cannot read"));
		bundle_close(b);
	}
	free(path);
}

/* What is being written beside the bundle's place. */
#define WORK "x.ccaio.unfinished-*"

static bool holds(const char *command)
{
	char *line = xasprintf("cd %s && { %s; }", dir, command);
	bool yes = system(line) == 0;

	free(line);
	return yes;
}

static void test_unfinished(void)
{
	char *path = bundle_at();
	struct err err = { "" };
	struct bundle *b;
	int fd;

	shell("rm -rf x.ccaio");
	b = bundle_create(path, &err);
	check(b && !exists("x.ccaio") && holds("test -e " WORK "/UNFINISHED"));
	/* nobody else gets in, whatever the umask */
	check(holds("test $(stat -c %a " WORK ") = 700 && test $(stat -c %a " WORK "/*) = 600"));
	fd = bundle_new_file(b, "trace.dat", &err);
	check(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
	check(bundle_new_file(b, "trace.dat", &err) == -EEXIST);
	bundle_close(b); /* as if the program had been killed */
	shell("mv " WORK " x.ccaio");
	check(!bundle_open(path, 0, &err) && strstr(err.text, "is unfinished"));
	/* what is there is never overwritten */
	check(!bundle_create(path, &err));
	check(strstr(err.text, "x.ccaio exists: remove it, or name another with -o") != NULL);
	shell("rm -rf x.ccaio && echo >x.ccaio");
	check(!bundle_create(path, &err) && strstr(err.text, "exists"));
	check(!bundle_open(path, 0, &err) && strstr(err.text, "neither a folder nor a tar"));
	shell("rm x.ccaio");
	check(!bundle_open(path, 0, &err) && strstr(err.text, "No such file"));
	check(!bundle_create("/nonexistent/x.ccaio", &err));
	check(strstr(err.text, "cannot create /nonexistent/x.ccaio: No such file") != NULL);
	b = bundle_create(path, &err);
	check(b && bundle_write(b, "a", "a", 1, &err) == 0);
	bundle_discard(b);
	bundle_close(b);
	check(!exists("x.ccaio") && !holds("ls -d " WORK " 2>/dev/null"));
	free(path);
}

/* What somebody does who can write to the folder around a bundle, between its start and its end. */
static void test_around(void)
{
	static const struct {
		const char *does, *says;
	} cases[] = {
		{ "mkdir x.ccaio && touch x.ccaio/theirs", "cannot rename" },
		{ "ln -s victim x.ccaio", "cannot rename" },
		{ "mv " WORK " moved", "the evidence is whole and now in" },
		{ "w=$(echo " WORK "); mv $w moved; mkdir $w; touch $w/theirs", "and now in" },
		{ "w=$(echo " WORK "); mv $w moved; ln -s victim $w", "and now in" },
	};
	char *path = bundle_at(), *found = xasprintf("%s/moved", dir);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { "" };
		struct bundle *b;

		shell("rm -rf x.ccaio* moved victim; mkdir victim; echo kept >victim/trace.dat");
		b = bundle_create(path, &err);
		check(b && bundle_write(b, "trace.dat", "a", 1, &err) == 0);
		shell(cases[i].does);
		check(bundle_write(b, "platform.json", "{}", 2, &err) == 0);
		check(bundle_finish(b, 1, &err) < 0 && strstr(err.text, cases[i].says));
		bundle_discard(b); /* what is whole stays */
		bundle_close(b);
		check(holds("test $(cat victim/*) = kept && test $(ls victim) = trace.dat"));
		shell("test -e moved || mv " WORK " moved");
		b = bundle_open(found, 0, &err);
		check(b != NULL);
		bundle_close(b);
	}
	shell("rm -rf x.ccaio* moved victim");
	free(found);
	free(path);
}

/* Nobody else sees it. */
static void test_modes(void)
{
	make_bundle();
	check(holds(
		"test $(stat -c %a x.ccaio) = 700 && test \"$(stat -c %a x.ccaio/* | sort -u)\" "
		"= 600"));
	shell("rm -rf x.ccaio");
}

/* A disk that takes no more, played by the limit on a file's size. */
static void test_full(void)
{
	struct rlimit before, tight = { 1000, RLIM_INFINITY };
	char *path = bundle_at(), *big = xcalloc(5000, 1);
	struct err err = { "" };
	struct bundle *b;

	getrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_IGN);
	shell("rm -rf x.ccaio");
	b = bundle_create(path, &err);
	tight.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_FSIZE, &tight);
	check(bundle_write(b, "platform.json", big, 5000, &err) == -EFBIG);
	setrlimit(RLIMIT_FSIZE, &before);
	check(strstr(err.text, "x.ccaio/platform.json: File too large") != NULL);
	check(!holds("test -e " WORK "/platform.json"));
	tight.rlim_cur = 10;
	setrlimit(RLIMIT_FSIZE, &tight);
	check(bundle_finish(b, 1, &err) < 0);
	setrlimit(RLIMIT_FSIZE, &before);
	check(strstr(err.text, "x.ccaio/MANIFEST.json: File too large") != NULL);
	check(holds("cd " WORK " && test -e UNFINISHED && test ! -e MANIFEST.json"));
	bundle_close(b);
	free(path);
	free(big);
}

int main(void)
{
	char *line;

	if (!mkdtemp(dir)) {
		printf("Bail out! cannot make a folder in /tmp\n");
		return 1;
	}
	test_whole();
	test_changed();
	test_unfinished();
	test_around();
	test_modes();
	test_full();
	line = xasprintf("rm -rf %s", dir);
	check(system(line) == 0);
	free(line);
	return done();
}
