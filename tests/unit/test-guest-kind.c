/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each row of the table of guest kinds: so many signs establish it, and no fewer. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/guest-kind.h"
#include "lib/evidence/platform.h"
#include "tests/unit/test.h"

/* The kind that those signs of row k establish whose bits are set; the platform frees nothing. */
static const char *established(const struct guest_kind *k, unsigned int bits, char *why,
			       size_t size)
{
	char *signs[GUEST_SIGNS];
	struct platform p = { .realm = { .is_realm = TRI_YES, .kind = (char *)k->id } };

	for (size_t i = 0; i < GUEST_SIGNS && k->signs[i].id; i++) {
		if (bits & 1u << i)
			signs[p.realm.nsigns++] = (char *)k->signs[i].id;
	}
	p.realm.signs = signs;
	return guest_kind_of(&p, why, size)->id;
}

static const char *first_missing(const struct guest_kind *k, unsigned int bits)
{
	size_t i = 0;

	while (bits & 1u << i)
		i++;
	return k->signs[i].what;
}

/* Does the file have the word, between those two? */
static bool is_in(const char *path, const char *before, const char *word, const char *after)
{
	struct err err;
	char *text = file_read(path, 1u << 20, NULL, &err);
	char *between = xasprintf("%s%s%s", before, word, after);
	bool found = text && strstr(text, between);

	free(text);
	free(between);
	return found;
}

/* What a row of a confidential guest must have, and where its name must be. */
static bool is_complete(const struct guest_kind *k)
{
	const struct {
		const char *what;
		bool there;
	} parts[] = {
		{ "noun", k->noun },
		{ "one", k->one },
		{ "monitor", k->monitor },
		{ "machine", k->machine },
		{ "seen", k->seen },
		{ "second sign", k->signs[0].id && k->signs[1].id },
		{ "text of each sign", k->signs[0].what && k->signs[1].what },
		{ "place in man/ccaio-platform.5.scd",
		  is_in("man/ccaio-platform.5.scd", "\"", k->id, "\"") },
		{ "recording in tests/cli/guests.bats, kinds()",
		  is_in("tests/cli/guests.bats", "\n\t\t", k->id, " ") },
	};
	bool complete = true;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!parts[i].there)
			printf("# the guest kind %s has no %s\n", k->id, parts[i].what);
		complete &= parts[i].there;
	}
	return complete;
}

static void test_row(const struct guest_kind *k)
{
	unsigned int signs = 0;
	char why[512];

	while (signs < GUEST_SIGNS && k->signs[signs].id)
		signs++;
	check(k->needs >= 2 && signs >= k->needs);
	for (unsigned int bits = 1; bits < 1u << signs; bits++) {
		const char *id = established(k, bits, why, sizeof(why));

		if ((unsigned int)__builtin_popcount(bits) >= k->needs) {
			check(strcmp(id, k->id) == 0 && !*why);
			continue;
		}
		check(strcmp(id, "unknown") == 0);
		check(strstr(why, k->one) && strstr(why, "; missing: ") &&
		      strstr(why, first_missing(k, bits)));
	}
	/* only facts of older versions, which knew one kind, list none */
	check(strcmp(established(k, 0, why, sizeof(why)), k->older ? k->id : "unknown") == 0);
}

int main(void)
{
	const struct guest_kind *kinds;
	size_t count, confidential = 0;

	kinds = guest_kinds(&count);
	for (size_t i = 0; i < count; i++) {
		if (kinds[i].class != GUEST_CONFIDENTIAL)
			continue;
		confidential++;
		check(is_complete(&kinds[i]));
		if (!is_complete(&kinds[i]))
			continue;
		test_row(&kinds[i]);
		/* signs belong to one kind each */
		for (size_t j = 0; j < i; j++)
			check(!kinds[j].signs[0].id ||
			      strcmp(kinds[i].signs[0].id, kinds[j].signs[0].id) != 0);
	}
	check(confidential == 9);
	return done();
}
