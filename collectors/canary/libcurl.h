/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_CANARY_LIBCURL_H
#define CCAIO_COLLECTORS_CANARY_LIBCURL_H

#include <curl/curl.h>

struct err;

/*
 * libcurl, loaded when somebody asks for an HTTP request: it brings some thirty other libraries,
 * and nothing else in ccaio needs them.
 */
struct libcurl {
	CURL *(*init)(void);
	CURLcode (*setopt)(CURL *curl, CURLoption option, ...);
	CURLcode (*getinfo)(CURL *curl, CURLINFO info, ...);
	CURLcode (*perform)(CURL *curl);
	void (*cleanup)(CURL *curl);
	const char *(*strerror)(CURLcode code);
	struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
	void (*slist_free_all)(struct curl_slist *list);
	curl_version_info_data *(*version_info)(CURLversion age);
};

/*
 * The library, loaded at the first call and kept.  NULL with err set (it may be NULL) where it is
 * not installed, and in the static build, which cannot load any.
 */
const struct libcurl *libcurl_load(struct err *err);

/* Its version; NULL where it cannot be loaded. */
const char *libcurl_version(void);

#endif
