/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Credentials in command lines and URLs, replaced by a hash. */
#include "lib/evidence/text/redact.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/manifest.h"

static const char *const names[] = {
	"password",    "passwd",	"passphrase",  "pass",	      "pwd",
	"secret",      "token",		"apikey",      "api_key",     "api-key",
	"access_key",  "access-key",	"private_key", "private-key", "credential",
	"credentials", "authorization", "cookie",      "sig",	      "signature",
};

static const char *const starts[] = {
	"eyJ", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "sk-", "AKIA",
};

struct text {
	char *out;
	size_t len;
	uint64_t nonce;
};

static void put(struct text *t, const char *s, size_t len)
{
	t->out = xrealloc(t->out, t->len + len + 1, 1);
	memcpy(t->out + t->len, s, len);
	t->len += len;
	t->out[t->len] = '\0';
}

static void put_hash(struct text *t, const char *secret, size_t len)
{
	char *salted = xasprintf("%016" PRIx64 "%.*s", t->nonce, (int)len, secret), mark[32];
	unsigned char sum[MANIFEST_SHA256];

	manifest_sha256(salted, strlen(salted), sum);
	snprintf(mark, sizeof(mark), "[redacted:%02x%02x%02x%02x%02x%02x]", sum[0], sum[1], sum[2],
		 sum[3], sum[4], sum[5]);
	if (len)
		put(t, mark, strlen(mark));
	free(salted);
}

/* Does a name of len bytes end in one of the words, as a word of its own? */
static bool is_secret_name(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = strlen(names[i]);

		if (len >= n && strncasecmp(name + len - n, names[i], n) == 0 &&
		    (len == n || !isalnum((unsigned char)name[len - n - 1]) ||
		     strlen(names[i]) >= 5 || isupper((unsigned char)name[len - n])))
			return true;
	}
	return false;
}

static bool begins_as_token(const char *s)
{
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (strncmp(s, starts[i], strlen(starts[i])) == 0 && strlen(s) >= 20)
			return true;
	return false;
}

static size_t name_before(const char *from, const char *at)
{
	const char *p = at;

	while (p > from && (isalnum((unsigned char)p[-1]) || p[-1] == '_' || p[-1] == '-'))
		p--;
	return (size_t)(at - p);
}

/* "scheme://user:password@": the bytes of the password from at on, 0 where there is none. */
static size_t url_password(const char *at, const char **password)
{
	const char *end = at + strcspn(at, "/?# "), *host, *colon;

	host = memrchr(at, '@', (size_t)(end - at));
	colon = host ? memchr(at, ':', (size_t)(host - at)) : NULL;
	if (!colon)
		return 0;
	*password = colon + 1;
	return (size_t)(host - colon - 1);
}

/* The end of a value that begins at s: of a URL's query at "&" or "#". */
static size_t value_length(const char *text, const char *s)
{
	const char *url = strstr(text, "://");

	return (url && url < s) || text[0] == '/' ? strcspn(s, "&#; ") : strlen(s);
}

char *redact(const char *text, const char *previous, uint64_t nonce)
{
	struct text t = { xstrdup(""), 0, nonce };
	const char *at = text, *colon = strchr(text, ':'), *secret;
	size_t len;

	if (previous && previous[0] == '-' && previous[1] == '-' && !strchr(previous, '=') &&
	    is_secret_name(previous, strlen(previous)) && text[0] != '-') {
		put_hash(&t, text, strlen(text));
		return t.out;
	}
	if (previous && colon && colon[1] != '/' &&
	    (strcmp(previous, "-u") == 0 || strcmp(previous, "--user") == 0)) {
		put(&t, text, (size_t)(colon + 1 - text));
		put_hash(&t, colon + 1, strlen(colon + 1));
		return t.out;
	}
	while (*at) {
		len = 0;
		if (strncmp(at, "://", 3) == 0 && (len = url_password(at + 3, &secret))) {
			put(&t, at, (size_t)(secret - at));
			at = secret;
		} else if ((*at == '=' || (*at == ':' && at[1] == ' ')) &&
			   is_secret_name(at - name_before(text, at), name_before(text, at))) {
			put(&t, at, *at == '=' ? 1 : 2);
			at += *at == '=' ? 1 : 2;
			len = value_length(text, at);
		} else if (strncasecmp(at, "bearer ", 7) == 0 ||
			   strncasecmp(at, "basic ", 6) == 0) {
			put(&t, at, strcspn(at, " ") + 1);
			at += strcspn(at, " ") + 1;
			len = strcspn(at, " ");
		} else if (begins_as_token(at) && !name_before(text, at)) {
			len = strcspn(at, " &'\"");
		} else {
			put(&t, at++, 1);
			continue;
		}
		put_hash(&t, at, len);
		at += len;
	}
	return t.out;
}

char **redact_argv(char *const *argv, uint64_t nonce)
{
	char **copy;
	size_t n = 0;

	if (!argv)
		return NULL;
	while (argv[n])
		n++;
	copy = xcalloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = redact(argv[i], i ? argv[i - 1] : NULL, nonce);
	return copy;
}

void redact_free(char **argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}
