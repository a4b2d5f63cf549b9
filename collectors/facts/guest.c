/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looking for the signs of each kind of guest (lib/evidence/guest-kind.h). */
#include <ctype.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/facts/state.h"
#include "lib/base/xalloc.h"

bool facts_register(struct facts *facts, const char *file, uint64_t at, uint64_t *value)
{
	char *path = facts_path(facts, "%s", file);
	uint64_t regs[2]; /* cpuid gives no less than its four registers */
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool done;

	free(path);
	if (fd < 0)
		return false;
	done = pread(fd, regs, sizeof(regs), (off_t)at) == (ssize_t)sizeof(regs);
	close(fd);
	*value = regs[0];
	return done;
}

/* Does a line that begins so (NULL: any) have the word? */
static bool has_word(struct facts *facts, const char *file, const char *begin, const char *word)
{
	char *path = facts_path(facts, "%s", file), *line = NULL, *save, *each;
	FILE *in = fopen(path, "re");
	bool found = false;
	size_t cap = 0;

	while (in && !found && getline(&line, &cap, in) > 0) {
		if (begin && strncmp(line, begin, strlen(begin)) != 0)
			continue;
		for (each = strtok_r(line, " \t\n", &save); each && !found;
		     each = strtok_r(NULL, " \t\n", &save))
			found = strcmp(each, word) == 0;
	}
	free(line);
	free(path);
	if (in)
		fclose(in);
	return found;
}

static bool has_value(struct facts *facts, const char *file, const char *value)
{
	char *text = facts_attr(facts, "%s", file);
	bool is = text && strcmp(text, value) == 0;

	free(text);
	return is;
}

/* Does a file that matches the pattern hold the string?  (Files of a device tree end in NUL.) */
static bool glob_holds(struct facts *facts, const char *pattern, const char *string)
{
	char *path = facts_path(facts, "%s", pattern);
	size_t len = strlen(string);
	bool found = false;
	glob_t list;

	if (glob(path, 0, NULL, &list) == 0) {
		for (size_t i = 0; i < list.gl_pathc && !found; i++) {
			char text[256] = "";
			FILE *in = fopen(list.gl_pathv[i], "re");
			size_t n = in ? fread(text, 1, sizeof(text) - 1, in) : 0;

			found = n >= len && memcmp(text, string, len) == 0 &&
				(text[len] == '\0' || isspace((unsigned char)text[len]));
			if (in)
				fclose(in);
		}
		globfree(&list);
	}
	free(path);
	return found;
}

/* A static key of the kernel: its first int is > 0 where it is on. */
static enum tri key_is_on(struct facts *facts, enum facts_symbol symbol)
{
	int32_t enabled;

	if (facts_kernel_read(facts, symbol, 0, &enabled, sizeof(enabled)))
		return enabled > 0 ? TRI_YES : TRI_NO;
	/* symbols are listed and this one is not: the kernel was built without it */
	if ((facts_find_symbol(facts, FACTS_SYM_MAP)->seen ||
	     facts_find_symbol(facts, FACTS_SYM_POOL)->seen) &&
	    !facts_find_symbol(facts, symbol)->seen)
		return TRI_NO;
	return TRI_UNKNOWN;
}

static enum tri register_is(struct facts *facts, const struct guest_sign *s)
{
	uint64_t value;

	if (!facts_register(facts, s->text, s->at, &value))
		return TRI_UNKNOWN;
	value &= s->mask;
	return value == s->value || (s->other && value == s->other) ? TRI_YES : TRI_NO;
}

static enum tri in_log(const struct facts *facts, const struct guest_sign *s)
{
	for (size_t i = 0; i < facts->log.nsigns; i++) {
		if (facts->log.signs[i] == s)
			return TRI_YES;
	}
	return facts->log.from_start ? TRI_NO : TRI_UNKNOWN;
}

static enum tri is_there(struct facts *facts, const struct platform *p, const struct guest_sign *s)
{
	const char *provider = p->realm.tsm_provider;

	switch (s->source) {
	case SIGN_LOG:
	case SIGN_LOG_WHOLE:
		return in_log(facts, s);
	case SIGN_PATH:
		return facts_exists(facts, "%s", s->text) ? TRI_YES : TRI_NO;
	case SIGN_VALUE:
		return has_value(facts, s->text, s->word) ? TRI_YES : TRI_NO;
	case SIGN_WORD:
		return has_word(facts, s->text, s->line, s->word) ? TRI_YES : TRI_NO;
	case SIGN_GLOB:
		return glob_holds(facts, s->text, s->word) ? TRI_YES : TRI_NO;
	case SIGN_REGISTER:
		return register_is(facts, s);
	case SIGN_KEY:
		return key_is_on(facts, strcmp(s->text, "rsi_present") == 0 ? FACTS_SYM_RSI_PRESENT
									    : FACTS_SYM_PKVM_GUEST);
	case SIGN_PROVIDER:
		return provider && strcmp(provider, s->text) == 0 ? TRI_YES : TRI_NO;
	}
	return TRI_UNKNOWN;
}

void facts_add_sign(struct platform *p, const char *id)
{
	p->realm.signs = xrealloc(p->realm.signs, p->realm.nsigns + 1, sizeof(*p->realm.signs));
	p->realm.signs[p->realm.nsigns++] = xstrdup(id);
}

/*
 * How many signs of this kind are here?  0 where a decisive one is not; it is looked at only where
 * others are (the kernel's symbols take longer to read than all other facts).
 */
static unsigned int count_signs(struct facts *facts, const struct guest_kind *k, struct platform *p)
{
	const char *seen[GUEST_SIGNS];
	unsigned int n = 0;

	for (int decisive = 0; decisive <= 1; decisive++) {
		for (size_t i = 0; i < GUEST_SIGNS && k->signs[i].id; i++) {
			const struct guest_sign *s = &k->signs[i];
			enum tri is;

			if (s->decisive != decisive || (s->source == SIGN_KEY && !n))
				continue;
			is = is_there(facts, p, s);
			if (is == TRI_NO && s->decisive)
				return 0;
			if (is == TRI_YES)
				seen[n++] = s->id;
		}
	}
	for (unsigned int i = 0; i < n; i++)
		facts_add_sign(p, seen[i]);
	return n;
}

const struct guest_kind *facts_guest(struct facts *facts, struct platform *p, enum tri *is)
{
	const struct guest_kind *found = NULL, *suspected = NULL, *kinds;
	size_t count;
	bool several = false;

	kinds = guest_kinds(&count);
	*is = TRI_UNKNOWN;
	for (size_t i = 0; i < count; i++) {
		const struct guest_kind *k = &kinds[i];
		unsigned int n;

		if (!k->needs ||
		    (k->machine && p->kernel.machine && strcmp(k->machine, p->kernel.machine) != 0))
			continue;
		n = count_signs(facts, k, p);
		several |= found && n >= k->needs;
		if (n >= k->needs && !found)
			found = k;
		else if (n && !suspected)
			suspected = k;
	}
	if (found && !several)
		*is = TRI_YES;
	return found ? found : suspected;
}

bool facts_guest_excluded(struct facts *facts)
{
	return !has_word(facts, "/proc/cpuinfo", "flags", "sev") &&
	       !has_value(facts, "/sys/class/dmi/id/sys_vendor", "Microsoft Corporation");
}
