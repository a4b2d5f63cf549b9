/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/property/recorded.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/tracedat/tracedat.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/stream.h"
#include "lib/judge/judge.h"
#include "tests/property/pairs.h"
#include "tests/property/slow-judge.h"

struct recording {
	struct names *names;
	struct stream *stream;
	struct event *events;
	size_t count, cap;
};

static int load(struct recording *r, const char *path)
{
	struct event batch[512];
	struct err err = { "" };
	ssize_t n = -1;

	r->names = names_new();
	r->stream = tracedat_open(path, r->names, &err);
	while (r->stream && (n = stream_read(r->stream, batch, 512, &err)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			XGROW(r->events, r->count, r->cap);
			r->events[r->count++] = batch[i];
		}
	}
	if (n < 0)
		printf("cannot read %s: %s\n", path, err.text);
	return n < 0 ? -1 : 0;
}

static void release(struct recording *r)
{
	stream_close(r->stream);
	names_free(r->names);
	free(r->events);
}

static int compare(const struct recording *r, const struct platform *p, bool window,
		   const char *path)
{
	struct judge_options options = { .window_only = window };
	struct judge *j = judge_new(p, r->names, &options);
	struct slow_verdict slow;
	struct verdict *v;
	int differ = 0;

	judge_feed(j, r->events, r->count);
	v = judge_finish(j, &r->stream->info);
	slow_judge(r->events, r->count, p, r->names, &r->stream->info, &options, &slow);
	for (int c = CLAIM_DMA_IN_SHARED; c <= CLAIM_NO_BYPASS; c++) {
		if (slow.claims[c] != v->claims[c].state)
			printf("%s: %s is %s, for the slow judge %s\n", path, claim_name(c),
			       claim_state_name(v->claims[c].state),
			       claim_state_name(slow.claims[c]));
		differ |= slow.claims[c] != v->claims[c].state;
	}
	for (int c = 0; c < CONDS; c++) {
		if (slow.conds[c] != v->conds[c].state)
			printf("%s: %s is %s (%s), for the slow judge %s\n", path, cond_name(c),
			       cond_state_name(v->conds[c].state), v->conds[c].reason,
			       cond_state_name(slow.conds[c]));
		differ |= slow.conds[c] != v->conds[c].state;
	}
	differ |= slow.outcome != v->outcome;
	verdict_free(v);
	judge_free(j);
	return differ;
}

/* trace.dat goes with platform.json, NAME.dat with NAME.json; NULL: none.  The caller frees. */
static char *facts_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	int dir = slash ? slash - path + 1 : 0;
	char *name = xasprintf("%.*s.json", (int)strlen(path) - 4, path);

	if (access(name, R_OK) == 0)
		return name;
	free(name);
	name = xasprintf("%.*splatform.json", dir, path);
	if (access(name, R_OK) == 0)
		return name;
	free(name);
	return NULL;
}

static enum outcome outcome_of(void *ctx, const struct platform *p, bool window)
{
	const struct recording *r = ctx;
	struct judge_options options = { .window_only = window };
	struct judge *j = judge_new(p, r->names, &options);
	enum outcome outcome;
	struct verdict *v;

	judge_feed(j, r->events, r->count);
	v = judge_finish(j, &r->stream->info);
	outcome = v->outcome;
	verdict_free(v);
	judge_free(j);
	return outcome;
}

/* With its own facts by both judges; with each of them edited, and others', by the fast one. */
static int compare_facts(struct recording *r, const char *path, const char *facts,
			 const struct pairs *pairs)
{
	struct err err = { "" };
	struct platform *p = platform_load(facts, &err);
	uint64_t edits = 0, foreign = 0;
	int differ;

	if (!p) {
		printf("%s\n", err.text);
		return 1;
	}
	differ = compare(r, p, false, path) + compare(r, p, true, path);
	platform_free(p);
	differ += edits_of(path, facts, outcome_of, r, &edits);
	differ += pairs_judge(pairs, path, facts, outcome_of, r, &foreign);
	printf("%s: %" PRIu64 " edits of its facts, %" PRIu64 " times the facts of others\n", path,
	       edits, foreign);
	return differ;
}

static int compare_file(const char *path, const struct pairs *pairs)
{
	struct recording r = { 0 };
	char *facts = NULL;
	int differ = load(&r, path);

	if (differ == 0) {
		facts = facts_of(path);
		differ = compare(&r, NULL, false, path) + compare(&r, NULL, true, path);
		if (facts)
			differ += compare_facts(&r, path, facts, pairs);
	}
	free(facts);
	release(&r);
	return differ;
}

struct files {
	char **at;
	size_t count, cap;
};

static void add_file(struct files *files, const char *path)
{
	XGROW(files->at, files->count, files->cap);
	files->at[files->count++] = xstrdup(path);
}

/* The *.dat of a folder, or the file itself. */
static void find_files(struct files *files, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;

	if (!dir)
		add_file(files, path);
	while (dir && (d = readdir(dir))) {
		size_t len = strlen(d->d_name);
		char *name;

		if (len < 5 || strcmp(d->d_name + len - 4, ".dat") != 0)
			continue;
		name = xasprintf("%s/%s", path, d->d_name);
		add_file(files, name);
		free(name);
	}
	if (dir)
		closedir(dir);
}

int recorded_compare(char **paths, unsigned int *judged)
{
	struct pairs *pairs = pairs_new();
	struct files files = { 0 };
	int differ = 0;

	for (; *paths; paths++)
		find_files(&files, *paths);
	for (size_t i = 0; i < files.count; i++) {
		char *facts = facts_of(files.at[i]);

		differ += facts && !pairs_add(pairs, facts);
		free(facts);
	}
	for (size_t i = 0; i < files.count; i++) {
		int n = compare_file(files.at[i], pairs);

		differ += n < 0 ? 1 : n;
		*judged += n >= 0;
		free(files.at[i]);
	}
	free(files.at);
	pairs_free(pairs);
	return differ;
}
