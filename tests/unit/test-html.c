/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/evidence/run.h"
#include "lib/exchange/exchange.h"
#include "reports/html/parts.h"
#include "reports/report.h"
#include "tests/unit/test.h"
#include "tests/unit/verdict-fixture.h"

static char *render(const struct report_input *in)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	report_find("html")->write(out, in);
	fclose(out);
	return text;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

/* Elements that are opened are closed, as often. */
static bool balanced(const char *text)
{
	static const char *const tags[] = { "section", "table", "tbody", "tr", "td",   "ul",
					    "li",      "svg",	"dl",	 "dd", "main", "details",
					    "ol",      "h3",	"p",	 "dt" };

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		char open1[32], open2[32], shut[32];

		snprintf(open1, sizeof(open1), "<%s>", tags[i]);
		snprintf(open2, sizeof(open2), "<%s ", tags[i]);
		snprintf(shut, sizeof(shut), "</%s>", tags[i]);
		if (count(text, open1) + count(text, open2) != count(text, shut)) {
			printf("# <%s> %zu, closed %zu\n", tags[i],
			       count(text, open1) + count(text, open2), count(text, shut));
			return false;
		}
	}
	return true;
}

static void test_content(void)
{
	static const char *const sections[] = { "claims",	  "coverage",  "examples",
						"timeline",	  "exchanges", "devices",
						"mappings",	  "totals",    "notes",
						"monitor",	  "trust",     "glossary",
						"recheck-section" };
	struct verdict *v = fixture_violated();
	struct run run = fixture_run();
	struct exchanges *x = fixture_exchanges();
	struct report_input in = { .verdict = v, .run = &run, .exchanges = x };
	char *text = render(&in);
	char id[64];

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		snprintf(id, sizeof(id), "<h2 id=\"%s\">", sections[i]);
		check(count(text, id) == 1);
		snprintf(id, sizeof(id), "<a href=\"#%s\">", sections[i]);
		check(count(text, id) >= 1);
	}
	check(balanced(text));
	check(strstr(text, "<span class=\"word\">VIOLATED</span>") != NULL);
	check(strstr(text, "<b>To fix:</b> boot with trace_instance=") != NULL);
	check(strstr(text, "ccaio verify &#39;/tmp/run one.ccaio&#39;") != NULL);
	/* the names of this run try to break out */
	check(strstr(text, "<script>alert") == NULL);
	check(strstr(text, "evil\\x1b[2J&lt;script&gt;alert(1)&lt;/script&gt;") != NULL);
	check(count(text, "<h2 id=\"cost\">") == 1);
	check(count(text, "class=\"t-full\" x1") == 1 && count(text, "class=\"t-holds\" x1") == 1);
	check(count(text, "bytes useful</title>") == 2);
	check(count(text, "class=\"t-bad\"") == 1); /* the other one has no time */
	check(count(text, "class=\"card bad\" id=\"finding-") == v->nfindings);
	check(strstr(text, "<a href=\"#finding-1\">") != NULL);
	check(strstr(text, "<img") == NULL);
	check(strstr(text, "POST /evil\\x1b[2J&lt;script&gt;") != NULL);
	check(strstr(text, "JSON members key.evil") != NULL);
	check(strstr(text, "2 read (8,192 bytes), 1 written (512 bytes)") != NULL);
	/* nothing is loaded from anywhere */
	check(count(text, "src=") == 1 && strstr(text, "&lt;img src=x&gt;") != NULL);
	check(strstr(text, "<link") == NULL);
	check(count(text, "href=\"") == count(text, "href=\"#"));
	check(strstr(text, "@import") == NULL && strstr(text, "url(") == NULL);
	free(text);
	exchanges_free(x);
	verdict_free(v);
}

static void test_without(void)
{
	struct verdict *v = fixture_proven();
	struct report_input in = { .verdict = v };
	char *text;

	free(v->timeline);
	v->timeline = NULL;
	text = render(&in);
	check(balanced(text));
	check(strstr(text, "There is nothing to draw") != NULL);
	check(strstr(text, "id=\"examples\"") == NULL && strstr(text, "#examples") == NULL);
	check(strstr(text, "id=\"recheck\"") == NULL);
	free(text);
	verdict_free(v);
}

/* Bands of the timeline that nothing is in are left out. */
static void test_bands(void)
{
	struct verdict *v = fixture_proven();
	struct exchanges *x = fixture_exchanges();
	struct report_input in = { .verdict = v };
	char *text = render(&in);

	check(strstr(text, " 84 1000.0000 210\" style=\"height:210px\"") != NULL);
	check(strstr(text, "%\">exchanges</span>") == NULL && strstr(text, "key t-ex") == NULL);
	check(strstr(text, "%\">violations</span>") == NULL && strstr(text, "key t-bad") == NULL);
	check(strstr(text, "<span style=\"top:1.90%\">bytes out</span>") != NULL);
	free(text);
	in.exchanges = x;
	text = render(&in);
	check(strstr(text, " 0 1000.0000 294\"") != NULL);
	check(strstr(text, "%\">exchanges</span>") != NULL && strstr(text, "key t-ex") != NULL);
	free(text);
	verdict_free(v);
	in.verdict = v = fixture_violated();
	text = render(&in);
	check(strstr(text, " 0 1000.0000 350\"") != NULL);
	check(strstr(text, "%\">violations</span>") != NULL && strstr(text, "key t-bad") != NULL);
	free(text);
	exchanges_free(x);
	verdict_free(v);
}

static void test_bounded(void)
{
	struct verdict *v = fixture_largest('&');
	struct exchanges *x = exchanges_new();
	char *longest = xcalloc((1 << 21) + 1, 1);
	char *argv[] = { longest, NULL };
	struct run run = { .argv = argv, .evidence = "run.ccaio" };
	struct report_input in = { .verdict = v, .exchanges = x, .run = &run };
	char *text, more[80];

	memset(longest, '<', 1 << 21);
	for (int i = 0; i < 4000; i++)
		verdict_note(v, "%s", v->reason);
	exchanges_add_conn(x, EXCHANGES_MEMORY);
	for (int i = 0; i < 20000; i++) {
		struct exchange *e = exchanges_add_row(x, EXCHANGES_MEMORY);

		if (!e)
			break; /* as many as are ever kept */
		e->protocol = EXCHANGE_HTTP;
		e->method = xstrdup("POST");
		e->target = xcalloc(1001, 1);
		memset(e->target, '<', 1000);
	}
	text = render(&in);
	printf("# %zu bytes\n", strlen(text));
	check(strlen(text) < 2 << 20);
	check(balanced(text));
	snprintf(more, sizeof(more), "%zu more are not listed here; exchanges.json has them",
		 x->nrows - HTML_MOST_EXCHANGES);
	check(x->nrows > HTML_MOST_EXCHANGES && strstr(text, more) != NULL);
	check(strstr(text, "more are not listed here; the report as text has them") != NULL);
	free(text);
	free(longest);
	exchanges_free(x);
	verdict_free(v);
}

int main(void)
{
	test_content();
	test_without();
	test_bands();
	test_bounded();
	return done();
}
