/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loads libcurl. */
#include "collectors/canary/libcurl.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#include "lib/base/err.h"

#ifdef CCAIO_STATIC

const struct libcurl *libcurl_load(struct err *err)
{
	err_set(err, ENOSYS,
		"this static build of ccaio cannot send HTTP requests of its own: leave out "
		"--canary, or use the build with shared libraries");
	return NULL;
}

#else

/* Where a name of the library goes. */
#define PLACE(member, symbol)                            \
	{                                                \
		symbol, offsetof(struct libcurl, member) \
	}

static const struct {
	const char *symbol;
	size_t at;
} places[] = {
	PLACE(init, "curl_easy_init"),
	PLACE(setopt, "curl_easy_setopt"),
	PLACE(getinfo, "curl_easy_getinfo"),
	PLACE(perform, "curl_easy_perform"),
	PLACE(cleanup, "curl_easy_cleanup"),
	PLACE(strerror, "curl_easy_strerror"),
	PLACE(slist_append, "curl_slist_append"),
	PLACE(slist_free_all, "curl_slist_free_all"),
	PLACE(version_info, "curl_version_info"),
};

const struct libcurl *libcurl_load(struct err *err)
{
	static struct libcurl libcurl;
	void *handle;

	if (libcurl.init)
		return &libcurl;
	handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		err_set(err, ENOENT, "--canary needs libcurl, which cannot be loaded: %s",
			dlerror());
		return NULL;
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		void *symbol = dlsym(handle, places[i].symbol);

		if (!symbol) {
			err_set(err, ENOENT, "--canary: this libcurl has no %s", places[i].symbol);
			libcurl.init = NULL;
			return NULL;
		}
		*(void **)((char *)&libcurl + places[i].at) = symbol;
	}
	return &libcurl;
}

#endif

const char *libcurl_version(void)
{
	const struct libcurl *curl = libcurl_load(NULL);

	return curl ? curl->version_info(CURLVERSION_FIRST)->version : NULL;
}
