/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EVIDENCE_TEXT_REDACT_H
#define CCAIO_LIB_EVIDENCE_TEXT_REDACT_H

#include <stdint.h>

/*
 * redact - what looks like a credential in a command line or a URL.
 *
 * A bundle is made to be given away.  These are replaced by "[redacted:HASH]", HASH being
 * the first 12 hexadecimal digits of the SHA-256 of the run's nonce (16 hexadecimal digits) and
 * the text: equal secrets of a run look equal, and who knows one can compare.
 *
 *   - a value of a name that ends in password, passwd, passphrase, pass, pwd, secret, token,
 * apikey, api_key, api-key, access_key, private_key, credential, authorization, cookie, sig or
 * signature: NAME=VALUE, --NAME=VALUE, --NAME VALUE, "NAME: VALUE", and ?NAME=VALUE&... of a URL
 *   - the password of a URL (scheme://user:PASSWORD@host), and of curl's -u, --user USER:PASSWORD
 *   - what follows "Bearer " or "Basic "
 *   - words that begin as well-known tokens do: eyJ (JWT), ghp_, gho_, ghs_, github_pat_, glpat-,
 * xoxb-, xoxp-, sk-, AKIA
 */

/* A copy of text, the word that stands before it being previous (NULL none).  The caller frees. */
char *redact(const char *text, const char *previous, uint64_t nonce);

/* A copy of argv, NULL-terminated; each word and the array are to be freed: redact_free. */
char **redact_argv(char *const *argv, uint64_t nonce);
void redact_free(char **argv); /* accepts NULL */

#endif
