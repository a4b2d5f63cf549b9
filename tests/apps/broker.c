/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/apps/broker.h"

#include <json-c/json.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "tests/apps/b64.h"

/* Clients that never answer must not fill the memory: the oldest challenge goes. */
#define PENDING_MAX 1024

struct pending {
	struct broker_challenge challenge;
	char *key_name;
	char *alg, *n, *e; /* of the client's public key */
};

struct measurement {
	uint8_t *bytes;
	size_t len;
};

struct broker {
	bool mock_challenge;
	struct pending pending[PENDING_MAX];
	size_t next; /* to be overwritten */
	struct measurement *accepted;
	size_t accepted_count, accepted_cap;
	bool check_measurement;
};

static const struct {
	const char *name, *key;
} keystore[] = {
	{ "skywalker", "May the force be with you." },
};

struct broker *broker_new(bool mock_challenge)
{
	struct broker *broker = xcalloc(1, sizeof(*broker));

	broker->mock_challenge = mock_challenge;
	return broker;
}

static void pending_clear(struct pending *pending)
{
	free(pending->key_name);
	free(pending->alg);
	free(pending->n);
	free(pending->e);
	memset(pending, 0, sizeof(*pending));
}

void broker_free(struct broker *broker)
{
	if (!broker)
		return;
	for (size_t i = 0; i < PENDING_MAX; i++)
		pending_clear(&broker->pending[i]);
	for (size_t i = 0; i < broker->accepted_count; i++)
		free(broker->accepted[i].bytes);
	free(broker->accepted);
	free(broker);
}

static bool add_measurement(struct broker *broker, const char *text)
{
	struct measurement m = { 0 };
	size_t len = text ? strlen(text) : 0;
	long n;

	/* These files come in padded base64. */
	while (len > 0 && text[len - 1] == '=')
		len--;
	n = len ? b64_decode(text, len, &m.bytes) : -1;
	if (n <= 0)
		return false;
	m.len = (size_t)n;
	XGROW(broker->accepted, broker->accepted_count, broker->accepted_cap);
	broker->accepted[broker->accepted_count++] = m;
	return true;
}

bool broker_read_reference_values(struct broker *broker, const char *path)
{
	struct json_object *root = json_object_from_file(path), *list;
	bool ok = json_object_object_get_ex(root, "reference-values", &list) &&
		  json_object_is_type(list, json_type_array);

	broker->check_measurement = true;
	for (size_t i = 0; ok && i < json_object_array_length(list); i++)
		ok = add_measurement(broker,
				     json_object_get_string(json_object_array_get_idx(list, i)));
	json_object_put(root);
	return ok;
}

static char *take(struct json_object *object, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, name, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return xstrdup(json_object_get_string(value));
}

static struct pending *find(struct broker *broker, uint32_t id)
{
	for (size_t i = 0; id && i < PENDING_MAX; i++)
		if (broker->pending[i].challenge.id == id)
			return &broker->pending[i];
	return NULL;
}

bool broker_request(struct broker *broker, const char *key_name, const char *json,
		    struct broker_challenge *issued)
{
	struct json_object *root = json_tokener_parse(json), *pubkey = NULL;
	struct pending p = { .key_name = xstrdup(key_name) };
	bool ok;

	json_object_object_get_ex(root, "pubkey", &pubkey);
	p.alg = take(pubkey, "alg");
	p.n = take(pubkey, "n");
	p.e = take(pubkey, "e");
	json_object_put(root);
	ok = p.alg && p.n && p.e;
	do {
		if (RAND_bytes((unsigned char *)&p.challenge.id, sizeof(p.challenge.id)) != 1 ||
		    RAND_bytes(p.challenge.value, CHALLENGE_SIZE) != 1)
			ok = false;
	} while (ok && (p.challenge.id == 0 || find(broker, p.challenge.id)));
	if (!ok) {
		pending_clear(&p);
		return false;
	}
	if (broker->mock_challenge)
		memcpy(p.challenge.value, example_challenge, CHALLENGE_SIZE);
	*issued = p.challenge;
	pending_clear(&broker->pending[broker->next]);
	broker->pending[broker->next] = p;
	broker->next = (broker->next + 1) % PENDING_MAX;
	return true;
}

static BIGNUM *number(const char *text)
{
	uint8_t *bytes = NULL;
	long len = b64_decode(text, strlen(text), &bytes);
	BIGNUM *n = len > 0 ? BN_bin2bn(bytes, (int)len, NULL) : NULL;

	free(bytes);
	return n;
}

static EVP_PKEY *public_key(const struct pending *pending)
{
	BIGNUM *n = number(pending->n), *e = number(pending->e);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (n && e && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
		params = OSSL_PARAM_BLD_to_param(build);
	if (params && EVP_PKEY_fromdata_init(ctx) > 0)
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(n);
	BN_free(e);
	return key;
}

static char *wrap(const struct pending *pending, const char *secret)
{
	EVP_PKEY *key = public_key(pending);
	EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	bool oaep = strcmp(pending->alg, "OAEP") == 0;
	size_t len = key ? (size_t)EVP_PKEY_get_size(key) : 0;
	uint8_t *sealed = xcalloc(len + 1, 1);
	char *text = NULL;

	if (ctx && (oaep || strcmp(pending->alg, "RSA1_5") == 0) &&
	    EVP_PKEY_encrypt_init(ctx) > 0 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, oaep ? RSA_PKCS1_OAEP_PADDING : RSA_PKCS1_PADDING) >
		    0 &&
	    EVP_PKEY_encrypt(ctx, sealed, &len, (const uint8_t *)secret, strlen(secret)) > 0)
		text = b64_encode(sealed, len);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	free(sealed);
	return text;
}

static bool convincing(const struct broker *broker, const struct pending *pending,
		       const uint8_t *evidence, size_t len)
{
	if (!memmem(evidence, len, pending->challenge.value, CHALLENGE_SIZE))
		return false;
	for (size_t i = 0; i < broker->accepted_count; i++)
		if (memmem(evidence, len, broker->accepted[i].bytes, broker->accepted[i].len))
			return true;
	return !broker->check_measurement;
}

enum broker_answer broker_submit(struct broker *broker, uint32_t id, const char *evidence,
				 size_t len, char **wrapped)
{
	enum broker_answer answer = BROKER_NOT_IN_POLICY;
	struct pending *pending = find(broker, id);
	uint8_t *bytes = NULL;
	long n;

	if (!pending)
		return BROKER_NO_CHALLENGE;
	n = b64_decode(evidence, len, &bytes);
	if (n < 0) {
		answer = BROKER_BAD_EVIDENCE;
	} else if (convincing(broker, pending, bytes, (size_t)n)) {
		answer = BROKER_CANNOT_WRAP;
		for (size_t i = 0; i < sizeof(keystore) / sizeof(keystore[0]); i++)
			if (strcmp(keystore[i].name, pending->key_name) == 0)
				*wrapped = wrap(pending, keystore[i].key);
		if (*wrapped)
			answer = BROKER_KEY;
	}
	free(bytes);
	pending_clear(pending);
	return answer;
}
