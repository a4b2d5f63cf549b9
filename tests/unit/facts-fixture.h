/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine that is a tree of files: a copy of tests/data/root, to be changed. */
#ifndef CCAIO_TESTS_UNIT_FACTS_FIXTURE_H
#define CCAIO_TESTS_UNIT_FACTS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/facts/facts.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"
#include "tests/unit/test.h"

static char root[] = "/tmp/ccaio-test-facts-XXXXXX";

/* Change the tree by a shell command that runs in it. */
static inline void change(const char *command)
{
	char *line = xasprintf("cd %s && { %s; }", root, command);

	if (system(line) != 0) {
		printf("Bail out! cannot run: %s\n", line);
		exit(1);
	}
	free(line);
}

static inline void fresh_tree(void)
{
	char *line = xasprintf("rm -rf %s && cp -a tests/data/root %s", root, root);

	if (system(line) != 0) {
		printf("Bail out! cannot copy tests/data/root\n");
		exit(1);
	}
	free(line);
}

static inline struct platform *collected(void)
{
	struct facts *facts = facts_new(root);
	struct platform *p = facts_collect(facts);

	facts_free(facts);
	return p;
}

static inline bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Each test program makes a tree of its own, and removes it. */
static inline void make_tree(void)
{
	if (!mkdtemp(root)) {
		printf("Bail out! cannot make a folder in /tmp\n");
		exit(1);
	}
	fresh_tree();
}

static inline void remove_tree(void)
{
	char *line = xasprintf("rm -rf %s", root);

	check(system(line) == 0);
	free(line);
}

#endif
