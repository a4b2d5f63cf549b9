/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which libraries this is, and of which commit. */
#include "lib/base/version.h"

#include <http_parser.h>
#include <json-c/json_c_version.h>
#include <openssl/crypto.h>
#include <pcap/pcap.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

/* <bpf/libbpf.h> and <pcap.h> name the same things */
const char *libbpf_version_string(void);

#ifndef COMMIT
#define COMMIT "unknown"
#endif
#ifndef TRACEFS_VERSION
#define TRACEFS_VERSION "unknown"
#endif
#ifndef TRACEEVENT_VERSION
#define TRACEEVENT_VERSION "unknown"
#endif

const char *version_commit(void)
{
	return COMMIT;
}

/* "libpcap version 1.10.3 (with TPACKET_V3)" */
static const char *pcap_version(void)
{
	static char version[32];
	const char *at = strstr(pcap_lib_version(), "version ");

	snprintf(version, sizeof(version), "%.*s", at ? (int)strcspn(at + 8, " ") : 7,
		 at ? at + 8 : "unknown");
	return version;
}

static const char *bpf_version(void)
{
	const char *version = libbpf_version_string();

	return version + (*version == 'v');
}

static const char *http_version(void)
{
	static char version[32];
	unsigned long v = http_parser_version();

	snprintf(version, sizeof(version), "%lu.%lu.%lu", v >> 16 & 0xff, v >> 8 & 0xff, v & 0xff);
	return version;
}

/* These two do not say it themselves: what they were when ccaio was built. */
static const char *tracefs_version(void)
{
	return TRACEFS_VERSION;
}

static const char *traceevent_version(void)
{
	return TRACEEVENT_VERSION;
}

static const char *openssl_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
}

static const struct {
	const char *name;
	const char *(*version)(void);
} libraries[] = {
	{ "json-c", json_c_version },	   { "openssl", openssl_version },
	{ "zlib", zlibVersion },	   { "zstd", ZSTD_versionString },
	{ "libtracefs", tracefs_version }, { "libtraceevent", traceevent_version },
	{ "libbpf", bpf_version },	   { "libpcap", pcap_version },
	{ "http-parser", http_version },
};

const char *version_library(unsigned int i, const char **version)
{
	if (i >= sizeof(libraries) / sizeof(libraries[0]))
		return NULL;
	*version = libraries[i].version();
	return libraries[i].name;
}
