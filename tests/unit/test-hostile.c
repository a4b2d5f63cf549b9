/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hostile text in every free string of every file of a bundle, one member at a time and all at
 * once: no message and no report in any format holds a byte of it that a terminal acts on.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/manifest.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/policy.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/json.h"
#include "lib/verdict/json.h"
#include "reports/report.h"
#include "tests/unit/exchange-text.h"
#include "tests/unit/golden.h"
#include "tests/unit/test.h"

#define BUNDLE "tests/data/realm-offloads.ccaio/"

/* ---- what a terminal acts on; written apart from lib/base/printable.c ---- */

static bool is_control(unsigned long c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* The length of the UTF-8 character at s that is harmless; 0: it is not. */
static size_t harmless(const unsigned char *s)
{
	static const unsigned long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *s < 0x80   ? 1
		   : *s < 0xc0 ? 0
		   : *s < 0xe0 ? 2
		   : *s < 0xf0 ? 3
		   : *s < 0xf8 ? 4
			       : 0;
	unsigned long c = n == 1 ? *s : *s & (0x7fu >> n);

	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (n == 0 || c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) || is_control(c))
		return 0;
	return n;
}

/* The first byte that is not harmless nor one of allowed; NULL: none. */
static const char *raw_but(const char *text, const char *allowed)
{
	size_t n;

	for (; *text; text += n) {
		n = strchr(allowed, *text) ? 1 : harmless((const unsigned char *)text);
		if (!n)
			return text;
	}
	return NULL;
}

static const char *raw(const char *text)
{
	return raw_but(text, "\n");
}

/* ---- hostile strings ---- */

static char *hostile[256];
static size_t nhostile;

static void add(const char *bytes)
{
	hostile[nhostile++] = xasprintf("a%sb", bytes);
}

static void add_code(unsigned int c)
{
	char text[5] = { 0 };

	if (c < 0x80) {
		text[0] = (char)c;
	} else if (c < 0x800) {
		text[0] = (char)(0xc0 | c >> 6);
		text[1] = (char)(0x80 | (c & 0x3f));
	} else {
		text[0] = (char)(0xe0 | c >> 12);
		text[1] = (char)(0x80 | (c >> 6 & 0x3f));
		text[2] = (char)(0x80 | (c & 0x3f));
	}
	add(text);
}

static void make_hostile(void)
{
	static const char *const others[] = {
		"\033[2J",
		"\033[31m",
		"\033]0;title\a",
		"\033]52;c;aGk=\a",
		"\033P$q\"p\033\\",
		"\033[6n",
		"\x9b"
		"31m",
		"\xc2\x9b"
		"31m",
		"\xc0\x80",
		"\xc0\x9b[31m",
		"\xe0\x80\x9b",
		"\xf0\x80\x80\x9b",
		"\xe0\x82\x9b",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf8\x88\x80\x80",
		"\xfe",
		"\xff",
		"\xc2",
		"\xe2\x80",
		"\xf0\x9f\x92",
		"\r\nPROVEN",
		"\nPROVEN",
		"\b\b\b\bPROVEN",
		"<script>",
		"&amp;<b>'\"",
		"]]>",
		"| x | y |\n|---|",
		"::error::x",
		"ok 1 # SKIP",
		"%s%n%x",
		"\xf3\xa0\x81\x81",
		"$(id)`id`",
		"\\u001b[31m",
		"\xe2\x80\xae"
		"NEVORP",
	};

	for (unsigned int c = 1; c < 0x20; c++)
		add_code(c);
	for (unsigned int c = 0x7f; c < 0xa0; c++)
		add_code(c);
	for (unsigned int c = 0x200e; c < 0x2010; c++)
		add_code(c);
	for (unsigned int c = 0x2028; c < 0x202f; c++)
		add_code(c);
	for (unsigned int c = 0x2066; c < 0x206a; c++)
		add_code(c);
	add_code(0x61c);
	add_code(0xfeff);
	for (unsigned int c = 0x80; c < 0xc0; c++) /* alone, C1 in other encodings */
		add((const char[]){ (char)c, 0 });
	for (unsigned int c = 1; c < 0x20; c++) /* in two bytes where one is enough */
		add((const char[]){ (char)0xc0, (char)(0x80 | c), 0 });
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		add(others[i]);
}

/* ---- a file and its strings ---- */

enum kind { PLATFORM, EXCHANGES, VERDICT, MANIFEST, POLICY, KINDS };

struct place {
	json_object *in; /* object or array */
	const char *key; /* of an object; owned by it */
	size_t index;
	json_object *own; /* the member as it was */
	bool free;	  /* any text is taken */
	bool name;	  /* any but control characters */
};

struct file {
	enum kind kind;
	json_object *root;
	struct place *places;
	size_t count, cap;
};

struct parsed {
	struct platform *platform;
	struct exchanges *exchanges;
	struct verdict_record *verdict;
	struct manifest *manifest;
	struct policy *policy;
};

static void collect(struct file *f, json_object *v)
{
	if (json_object_is_type(v, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(v); i++) {
			json_object *item = json_object_array_get_idx(v, i);

			if (json_object_is_type(item, json_type_string)) {
				XGROW(f->places, f->count, f->cap);
				f->places[f->count++] = (struct place){
					.in = v, .index = i, .own = json_object_get(item)
				};
			}
			collect(f, item);
		}
	}
	if (!json_object_is_type(v, json_type_object))
		return;
	json_object_object_foreach(v, key, value)
	{
		if (json_object_is_type(value, json_type_string)) {
			XGROW(f->places, f->count, f->cap);
			f->places[f->count++] = (struct place){ .in = v,
								.key = key,
								.own = json_object_get(value) };
		}
		collect(f, value);
	}
}

static void put(const struct place *p, json_object *v)
{
	if (p->key)
		json_object_object_add(p->in, p->key, v);
	else
		json_object_array_put_idx(p->in, p->index, v);
}

/* Another one in each member, since some names may not stand twice. */
static void put_text(const struct file *f, size_t i, const char *text)
{
	char *own = xasprintf("%s%zu", text, i);

	put(&f->places[i], json_object_new_string(own));
	free(own);
	(void)f;
}

static bool parse(const struct file *f, struct parsed *p, struct err *err)
{
	const char *text = json_object_to_json_string_ext(f->root, JSON_C_TO_STRING_PLAIN);
	size_t len = strlen(text);

	switch (f->kind) {
	case PLATFORM:
		return (p->platform = platform_parse(text, len, "a file", err));
	case EXCHANGES:
		return (p->exchanges = exchanges_parse(text, len, "a file", err));
	case VERDICT:
		return (p->verdict = verdict_json_parse(text, len, "a file", err));
	case MANIFEST:
		return (p->manifest = manifest_parse(text, len, "a file", err));
	default:
		return (p->policy = policy_parse(text, len, "a file", err));
	}
}

static void release(struct parsed *p)
{
	platform_free(p->platform);
	exchanges_free(p->exchanges);
	verdict_record_free(p->verdict);
	manifest_free(p->manifest);
	policy_free(p->policy);
	*p = (struct parsed){ 0 };
}

static void load(struct file *f, enum kind kind, const char *path)
{
	*f = (struct file){ .kind = kind, .root = json_object_from_file(path) };
	check(f->root);
	if (f->root)
		collect(f, f->root);
}

static void unload(struct file *f)
{
	for (size_t i = 0; i < f->count; i++)
		json_object_put(f->places[i].own);
	free(f->places);
	json_object_put(f->root);
}

/* ---- messages: one member at a time ---- */

static unsigned long messages, shown;

static bool message_clean(const struct file *f, size_t i, size_t which)
{
	struct parsed p = { 0 };
	struct err err = { "" };
	bool clean;

	put_text(f, i, hostile[which % nhostile]);
	if (!parse(f, &p, &err))
		messages++;
	clean = !raw(err.text);
	if (!clean)
		printf("# member %s, string %zu: %s\n",
		       f->places[i].key ? f->places[i].key : "of a list", which % nhostile,
		       err.text);
	release(&p);
	put(&f->places[i], json_object_get(f->places[i].own));
	return clean;
}

static bool takes(struct file *f, size_t i, const char *text)
{
	struct parsed p = { 0 };
	struct err err = { "" };
	bool taken;

	put_text(f, i, text);
	taken = parse(f, &p, &err);
	release(&p);
	put(&f->places[i], json_object_get(f->places[i].own));
	return taken;
}

static void test_messages(struct file *f)
{
	/* each member with some, each string in some */
	size_t step = 1 + f->count / 40;
	bool clean = true;

	for (size_t i = 0; i < f->count; i++) {
		f->places[i].name = takes(f, i, "any text \xe2\x80\xae");
		f->places[i].free = takes(f, i, "any text\n \033 \xc2\x9b");
		for (size_t k = i % step; k < nhostile; k += step * 5)
			clean &= message_clean(f, i, k + i);
	}
	check(clean);
}

/* ---- reports: all members at once ---- */

static bool report_clean(const struct report *format, const struct report_input *in)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	const char *bad;

	format->write(out, in);
	fclose(out);
	/* a page's own style is indented by tabs */
	bad = strlen(text) != len		  ? text
	      : strcmp(format->name, "html") == 0 ? raw_but(text, "\n\t")
						  : raw(text);
	if (bad)
		printf("# %s: byte %02x at %td: %.60s\n", format->name, (unsigned char)*bad,
		       bad - text, bad - (bad - text > 30 ? 30 : bad - text));
	free(text);
	shown++;
	return !bad;
}

/* What is no UTF-8 no file may hold: it is refused whole, with a message. */
static bool is_utf8[256];

static void try_strings(struct file *f)
{
	size_t i = 0, refused = 0;

	while (i < f->count && !f->places[i].free)
		i++;
	for (size_t k = 0; i < f->count && k < nhostile; k++) {
		struct parsed p = { 0 };
		struct err err = { "" };

		put_text(f, i, hostile[k]);
		is_utf8[k] = parse(f, &p, &err);
		refused += !is_utf8[k];
		release(&p);
	}
	put(&f->places[i], json_object_get(f->places[i].own));
	check(refused > 80 && refused < 120);
}

static void fill(struct file *f, size_t which)
{
	for (size_t i = 0; i < f->count; i++) {
		size_t k = (which + i) % nhostile;

		while (!is_utf8[k])
			k = (k + 1) % nhostile;
		if (f->places[i].free)
			put_text(f, i, hostile[k]);
		else if (f->places[i].name)
			put_text(f, i, "name\xe2\x80\xae\xe2\x81\xa6");
	}
}

static bool reports_clean(struct file *files, size_t which)
{
	struct parsed p = { 0 };
	struct err err = { "" };
	struct report_input in = { 0 };
	bool clean = true;

	for (int k = PLATFORM; k <= VERDICT; k++) {
		fill(&files[k], which);
		if (!parse(&files[k], &p, &err)) {
			printf("# %s\n", err.text);
			clean = false;
		}
	}
	if (p.verdict) {
		in = (struct report_input){ .verdict = p.verdict->verdict,
					    .platform = p.platform,
					    .run = &p.verdict->run,
					    .exchanges = p.exchanges };
		for (in.verbosity = 0; in.verbosity < 2; in.verbosity++)
			for (unsigned int i = 0; report_at(i); i++)
				clean &= report_clean(report_at(i), &in);
	}
	release(&p);
	return clean;
}

static void test_reports(struct file *files)
{
	bool clean = true;

	try_strings(&files[PLATFORM]);
	for (size_t k = 0; k < nhostile; k++)
		clean &= reports_clean(files, k);
	check(clean);
}

int main(void)
{
	static const char *const paths[KINDS] = {
		[PLATFORM] = BUNDLE "platform.json",	    [EXCHANGES] = BUNDLE "exchanges.json",
		[VERDICT] = BUNDLE "verdict.json",	    [MANIFEST] = BUNDLE "MANIFEST.json",
		[POLICY] = "tests/data/policy/strict.json",
	};
	struct file files[KINDS];
	size_t nfree = 0;

	make_hostile();
	check(nhostile >= 200);
	check(raw("a\033b") && raw("\xc2\x9b") && raw("\xe2\x80\xae") && raw("\xc0\x9b"));
	for (int k = 0; k < KINDS; k++) {
		load(&files[k], k, paths[k]);
		test_messages(&files[k]);
		for (size_t i = 0; i < files[k].count; i++)
			nfree += files[k].places[i].free;
	}
	test_reports(files);
	check(messages > 1000 && nfree > 100 && shown > 2000);
	printf("# %zu strings, %zu free members, %lu messages, %lu reports\n", nhostile, nfree,
	       messages, shown);
	for (int k = 0; k < KINDS; k++)
		unload(&files[k]);
	for (size_t i = 0; i < nhostile; i++)
		free(hostile[i]);
	return done();
}
