/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/version.h"

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
		*version = OpenSSL_version(OPENSSL_VERSION_STRING);
		return "openssl";
	case 2:
		*version = zlibVersion();
		return "zlib";
	case 3:
		*version = ZSTD_versionString();
		return "zstd";
	default:
		return NULL;
	}
}
