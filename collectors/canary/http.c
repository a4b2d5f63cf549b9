/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The canary of --canary: an HTTP request. */
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "collectors/canary/canary.h"
#include "collectors/canary/libcurl.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"

#define ETHER_HEADER 14
#define TCP_HEADER 20
#define TCP_TIMESTAMPS 12
#define SPREAD 337 /* keeps request and headers within one segment */
#define TIMEOUT_MS 3000L

static size_t drop(char *data, size_t size, size_t count, void *arg)
{
	(void)data;
	(void)arg;
	return size * count;
}

/* What goes in front of the request's bytes in its frame: as the connection was set up. */
static uint64_t frame_overhead(const struct libcurl *lib, CURL *curl)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	uint64_t bytes = ETHER_HEADER + TCP_HEADER;
	struct tcp_info info;
	curl_socket_t fd;

	if (lib->getinfo(curl, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK || fd == CURL_SOCKET_BAD ||
	    getpeername(fd, (struct sockaddr *)&peer, &len) < 0)
		return 0;
	bytes += peer.ss_family == AF_INET6 ? 40 : 20;
	len = sizeof(info);
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return 0;
	if (info.tcpi_options & TCPI_OPT_TIMESTAMPS)
		bytes += TCP_TIMESTAMPS;
	return bytes;
}

static uint64_t request(const struct libcurl *lib, CURL *curl, const char *url,
			uint32_t header_size, char **reason)
{
	char error[CURL_ERROR_SIZE] = "";
	uint64_t overhead;
	long bytes = 0;
	CURLcode code;

	lib->setopt(curl, CURLOPT_ERRORBUFFER, error);
	code = lib->perform(curl);
	if (code != CURLE_OK) {
		*reason = xasprintf("no answer from %s: %s", url,
				    error[0] ? error : lib->strerror(code));
		return 0;
	}
	overhead = frame_overhead(lib, curl);
	if (overhead == 0 || lib->getinfo(curl, CURLINFO_REQUEST_SIZE, &bytes) != CURLE_OK ||
	    bytes <= 0) {
		*reason = xasprintf("cannot learn how long the request to %s was", url);
		return 0;
	}
	return header_size + overhead + bytes;
}

uint64_t canary_send_http(const char *iface, uint32_t header_size, const char *url, uint64_t nonce,
			  char **reason)
{
	char *header = xasprintf("X-Ccaio-Canary: %016" PRIx64 "%0*d", nonce,
				 (int)(1 + nonce % SPREAD), 0);
	char *bind = xasprintf("if!%s", iface);
	struct err err = { "" };
	const struct libcurl *lib = libcurl_load(&err);
	struct curl_slist *headers = lib ? lib->slist_append(NULL, header) : NULL;
	CURL *curl = lib ? lib->init() : NULL;
	uint64_t size = 0;

	if (!curl || !headers) {
		*reason = xstrdup(err.text[0] ? err.text : "libcurl cannot be used");
		goto out;
	}
	lib->setopt(curl, CURLOPT_URL, url);
	lib->setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	lib->setopt(curl, CURLOPT_INTERFACE, bind);
	lib->setopt(curl, CURLOPT_PROXY, "");
	lib->setopt(curl, CURLOPT_HTTPHEADER, headers);
	lib->setopt(curl, CURLOPT_WRITEFUNCTION, drop);
	lib->setopt(curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
	lib->setopt(curl, CURLOPT_NOSIGNAL, 1L);
	size = request(lib, curl, url, header_size, reason);
out:
	if (lib) {
		lib->cleanup(curl);
		lib->slist_free_all(headers);
	}
	free(header);
	free(bind);
	return size;
}

bool canary_can_http(struct err *err)
{
	return libcurl_load(err);
}
