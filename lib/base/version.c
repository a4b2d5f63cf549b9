/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/version.h"

#include <curl/curl.h>
#include <json-c/json_c_version.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <zlib.h>
#include <zstd.h>

const char *version_library(unsigned int i, const char **version)
{
	switch (i) {
	case 0:
		*version = json_c_version();
		return "json-c";
	case 1:
		*version = curl_version_info(CURLVERSION_NOW)->version;
		return "libcurl";
	case 2:
		*version = OpenSSL_version(OPENSSL_VERSION_STRING);
		return "openssl";
	case 3:
		*version = zlibVersion();
		return "zlib";
	case 4:
		*version = ZSTD_versionString();
		return "zstd";
	default:
		return NULL;
	}
}
