/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keybroker-app - asks a key broker for a key, as the Realm key broker demo's client does.
 *
 * Same requests, command line, exit status and messages as veraison/keybroker-demo's
 * (keybroker-app and keybroker-client).  Beyond it: --ca for servers with a certificate of one's
 * own, and a mock token also without -m where the machine can't report on itself.
 */
#include <curl/curl.h>
#include <getopt.h>
#include <json-c/json.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/xalloc.h"
#include "tests/apps/b64.h"
#include "tests/apps/evidence.h"

enum { GOT_KEY = 0, REFUSED = 1, TROUBLE = 2 };

#define ANSWER_MAX (1024 * 1024)
#define EVIDENCE_TYPE "application/eat-collection; profile=\"http://arm.com/CCA-SSD/1.0.0\""

struct app {
	const char *endpoint, *key_name, *ca;
	bool mock;
	int verbosity; /* -1 quiet, 0 errors, 1 and more: information */
	CURL *curl;
	EVP_PKEY *key;
};

struct answer {
	char *body; /* NUL-terminated */
	size_t len;
	long status;
	char *location; /* NULL without that header */
};

static void __attribute__((format(printf, 3, 4)))
say(const struct app *app, bool error, const char *fmt, ...)
{
	va_list ap;

	if (app->verbosity < (error ? 0 : 1))
		return;
	fputs(error ? "ERROR " : "INFO ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct answer *answer = arg;

	if (n > ANSWER_MAX - answer->len)
		return 0;
	answer->body = xrealloc(answer->body, answer->len + n + 1, 1);
	memcpy(answer->body + answer->len, data, n);
	answer->len += n;
	answer->body[answer->len] = '\0';
	return n * size;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	static const char name[] = "location:";
	struct answer *answer = arg;
	size_t skip = sizeof(name) - 1, end = n;

	if (n < skip || strncasecmp(data, name, skip) != 0)
		return n * size;
	while (skip < end && data[skip] == ' ')
		skip++;
	while (end > skip && (data[end - 1] == '\r' || data[end - 1] == '\n'))
		end--;
	free(answer->location);
	answer->location = xcalloc(end - skip + 1, 1);
	memcpy(answer->location, data + skip, end - skip);
	return n * size;
}

/* POSTs on the session's connection; false and said when no answer came. */
static bool post(const struct app *app, const char *url, const char *type, const char *body,
		 struct answer *answer)
{
	char header[128], why[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers;
	CURLcode rc;

	snprintf(header, sizeof(header), "Content-Type: %s", type);
	headers = curl_slist_append(NULL, header);
	curl_easy_setopt(app->curl, CURLOPT_URL, url);
	curl_easy_setopt(app->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(app->curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(app->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	curl_easy_setopt(app->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(app->curl, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(app->curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(app->curl, CURLOPT_HEADERDATA, answer);
	curl_easy_setopt(app->curl, CURLOPT_ERRORBUFFER, why);
	rc = curl_easy_perform(app->curl);
	curl_easy_setopt(app->curl, CURLOPT_ERRORBUFFER, NULL);
	curl_slist_free_all(headers);
	if (rc != CURLE_OK) {
		say(app, true,
		    "The key request failed with: HTTP connection to %s failed with error: %s", url,
		    *why ? why : curl_easy_strerror(rc));
		return false;
	}
	curl_easy_getinfo(app->curl, CURLINFO_RESPONSE_CODE, &answer->status);
	return true;
}

static void answer_release(struct answer *answer)
{
	free(answer->body);
	free(answer->location);
}

/* The text of a member of the JSON object in the answer; NULL when there is none.  The caller frees
 * it. */
static char *member(const struct answer *answer, const char *name)
{
	struct json_object *root = json_tokener_parse(answer->body ? answer->body : ""), *value;
	char *text = NULL;

	if (json_object_object_get_ex(root, name, &value) &&
	    json_object_is_type(value, json_type_string))
		text = xstrdup(json_object_get_string(value));
	json_object_put(root);
	return text;
}

static char *number_b64(const EVP_PKEY *key, const char *name)
{
	BIGNUM *number = NULL;
	uint8_t bytes[128];
	int len;

	if (!EVP_PKEY_get_bn_param(key, name, &number))
		return NULL;
	len = BN_num_bytes(number);
	if ((size_t)len > sizeof(bytes))
		len = 0;
	else
		BN_bn2bin(number, bytes);
	BN_free(number);
	return b64_encode(bytes, (size_t)len);
}

static char *key_request(const struct app *app)
{
	char *n = number_b64(app->key, OSSL_PKEY_PARAM_RSA_N);
	char *e = number_b64(app->key, OSSL_PKEY_PARAM_RSA_E);
	char *text;

	text = xasprintf(
		"{\"pubkey\":{\"kty\":\"RSA\",\"alg\":\"RSA1_5\",\"n\":\"%s\",\"e\":\"%s\"}}", n,
		e);
	free(n);
	free(e);
	return text;
}

static void say_challenge(const struct app *app, const uint8_t challenge[static CHALLENGE_SIZE])
{
	char text[CHALLENGE_SIZE * 4 + 1];

	for (int i = 0; i < CHALLENGE_SIZE; i++)
		sprintf(text + 4 * i, "%02x, ", challenge[i]);
	text[CHALLENGE_SIZE * 4 - 2] = '\0';
	say(app, false, "Challenge (%d bytes) = [%s]", CHALLENGE_SIZE, text);
}

/* The evidence for the challenge, as text for the broker; NULL and said on failure. */
static char *evidence_text(const struct app *app, const char *challenge_b64)
{
	uint8_t mock[MOCK_TOKEN_SIZE], *challenge = NULL, *report = NULL;
	long len = b64_decode(challenge_b64, strlen(challenge_b64), &challenge);
	char *text = NULL;

	if (len != CHALLENGE_SIZE) {
		say(app, true,
		    "The key request failed with: Challenge length error, expecting %d but got %ld "
		    "instead",
		    CHALLENGE_SIZE, len);
		goto out;
	}
	say_challenge(app, challenge);
	len = app->mock ? 0 : evidence_report(challenge, &report);
	if (len < 0) {
		say(app, true, "The key request failed with: Evidence generation error: %s",
		    strerror((int)-len));
		goto out;
	}
	/* The example token answers one challenge only; a broker started with -m sends that one. */
	evidence_mock(app->mock ? example_challenge : challenge, mock);
	text = len > 0 ? b64_encode(report, (size_t)len) : b64_encode(mock, sizeof(mock));
out:
	free(challenge);
	free(report);
	return text;
}

/* Decrypts the wrapped key with the ephemeral one and says what it is. */
static int unwrap_key(const struct app *app, const char *data_b64)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(app->key, NULL);
	uint8_t *wrapped = NULL, plain[128];
	long len = b64_decode(data_b64, strlen(data_b64), &wrapped);
	size_t plain_len = sizeof(plain);
	int ret = TROUBLE;

	if (len < 0) {
		say(app, true,
		    "The key request failed with: Failed to base64-decode the wrapped data from "
		    "the server");
	} else if (EVP_PKEY_decrypt_init(ctx) <= 0 ||
		   EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) <= 0 ||
		   EVP_PKEY_decrypt(ctx, plain, &plain_len, wrapped, (size_t)len) <= 0) {
		say(app, true, "The key request failed with: Failed to decrypt ciphertext");
	} else {
		say(app, false,
		    "Attestation success :-) ! The key returned from the keybroker is '%.*s'",
		    (int)plain_len, (const char *)plain);
		ret = GOT_KEY;
	}
	EVP_PKEY_CTX_free(ctx);
	free(wrapped);
	return ret;
}

/* The broker's last word: a wrapped key, a refusal, or something else. */
static int conclude(const struct app *app, const struct answer *answer)
{
	char *data = member(answer, "data"), *type = member(answer, "type");
	char *detail = member(answer, "detail");
	int ret = TROUBLE;

	if (answer->status == 200 && data) {
		ret = unwrap_key(app, data);
	} else if (answer->status == 403 && type && detail) {
		say(app, false, "Attestation failure :-( ! %s: %s", type, detail);
		ret = REFUSED;
	} else if (answer->status == 200 || answer->status == 403) {
		say(app, true,
		    "The key request failed with: Failed to JSON-deserialize the answer to the "
		    "evidence");
	} else {
		say(app, true, "The key request failed with: Unhandled HTTP response: %ld",
		    answer->status);
	}
	free(data);
	free(type);
	free(detail);
	return ret;
}

static int get_key(const struct app *app)
{
	struct answer issued = { 0 }, result = { 0 };
	char *url = xasprintf("%s/keys/v1/key/%s", app->endpoint, app->key_name);
	char *request = key_request(app), *challenge = NULL, *evidence = NULL;
	int ret = TROUBLE;

	say(app, false, "Requesting key named '%s' from the keybroker server with URL %s",
	    app->key_name, url);
	if (!post(app, url, "application/json", request, &issued))
		goto out;
	challenge = member(&issued, "challenge");
	if (!issued.location || !challenge) {
		say(app, true, "The key request failed with: Challenge retrieval error: %s",
		    issued.location ? "no challenge in the answer" : "Missing location field");
		goto out;
	}
	evidence = evidence_text(app, challenge);
	if (!evidence)
		goto out;
	say(app, false, "Submitting evidence to URL %s", issued.location);
	if (post(app, issued.location, EVIDENCE_TYPE, evidence, &result))
		ret = conclude(app, &result);
out:
	answer_release(&issued);
	answer_release(&result);
	free(url);
	free(request);
	free(challenge);
	free(evidence);
	return ret;
}

static int usage(FILE *to)
{
	fputs("usage: keybroker-app [-e URL] [-m] [-v...] [-q] KEY\n"
	      "  -e, --endpoint URL   where the broker is (default: http://127.0.0.1:8088)\n"
	      "  -m, --mock-evidence  show the example token, not a report of this machine\n"
	      "  -v, --verbosity      say what happens\n"
	      "  -q, --quiet          say nothing\n"
	      "      --ca FILE        trust the certificates in FILE (PEM) for https\n",
	      to);
	return to == stdout ? GOT_KEY : TROUBLE;
}

/* Returns 0, or 1 + the status to exit with. */
static int parse(struct app *app, int argc, char **argv)
{
	static const struct option options[] = {
		{ "endpoint", required_argument, NULL, 'e' },
		{ "mock-evidence", no_argument, NULL, 'm' },
		{ "verbosity", no_argument, NULL, 'v' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "ca", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "e:mvqh", options, NULL)) != -1) {
		if (c == 'e')
			app->endpoint = optarg;
		else if (c == 'm')
			app->mock = true;
		else if (c == 'v')
			app->verbosity++;
		else if (c == 'q')
			app->verbosity = -100;
		else if (c == 'c')
			app->ca = optarg;
		else
			return 1 + usage(c == 'h' ? stdout : stderr);
	}
	if (optind != argc - 1)
		return 1 + usage(stderr);
	app->key_name = argv[optind];
	return 0;
}

int main(int argc, char **argv)
{
	struct app app = { .endpoint = "http://127.0.0.1:8088" };
	int ret = parse(&app, argc, argv);

	if (ret)
		return ret - 1;
	ret = TROUBLE;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	app.curl = curl_easy_init();
	app.key = EVP_RSA_gen(1024);
	if (!app.curl || !app.key) {
		say(&app, true, "The key request failed with: cannot make an ephemeral key");
	} else {
		curl_easy_setopt(app.curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
		curl_easy_setopt(app.curl, CURLOPT_NOSIGNAL, 1L);
		if (app.ca)
			curl_easy_setopt(app.curl, CURLOPT_CAINFO, app.ca);
		ret = get_key(&app);
	}
	EVP_PKEY_free(app.key);
	curl_easy_cleanup(app.curl);
	curl_global_cleanup();
	return ret;
}
