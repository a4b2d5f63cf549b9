/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/apps/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/xalloc.h"

#define TSM_DIR "/sys/kernel/config/tsm/report"
#define REPORT_MAX (64 * 1024)

const uint8_t example_challenge[CHALLENGE_SIZE] = {
	0x6e, 0x86, 0xd6, 0xd9, 0x7c, 0xc7, 0x13, 0xbc, 0x6d, 0xd4, 0x3d, 0xbc, 0xe4,
	0x91, 0xa6, 0xb4, 0x03, 0x11, 0xc0, 0x27, 0xa8, 0xbf, 0x85, 0xa3, 0x9d, 0xa6,
	0x3e, 0x9c, 0xe4, 0x4c, 0x13, 0x2a, 0x8a, 0x11, 0x9d, 0x29, 0x6f, 0xae, 0x6a,
	0x69, 0x99, 0xe9, 0xbf, 0x3e, 0x44, 0x71, 0xb0, 0xce, 0x01, 0x24, 0x5d, 0x88,
	0x94, 0x24, 0xc3, 0x1e, 0x89, 0x79, 0x3b, 0x3b, 0x1d, 0x6b, 0x15, 0x04,
};

static uint8_t *put(uint8_t *to, const void *data, size_t len)
{
	memcpy(to, data, len);
	return to + len;
}

void evidence_mock(const uint8_t challenge[static CHALLENGE_SIZE],
		   uint8_t token[static MOCK_TOKEN_SIZE])
{
	/* CBOR: tag 399, a map of two: 44234 the platform's token, 44241 the Realm's. */
	static const uint8_t platform[] = { 0xd9, 0x01, 0x8f, 0xa2, 0x19,
					    0xac, 0xca, 0x59, 0x05, 0xe7 };
	static const uint8_t realm[] = { 0x19, 0xac, 0xd1, 0x59, 0x02, 0x23 };
	/* In the Realm's: 10 the challenge, 44238 the initial measurement. */
	static const uint8_t challenge_claim[] = { 0x0a, 0x58, CHALLENGE_SIZE };
	static const uint8_t rim_claim[] = { 0x19, 0xac, 0xce, 0x58, sizeof(MOCK_RIM) - 1 };
	uint32_t noise = 1;
	uint8_t *p;

	/* What a real token has of hashes and signatures does not compress either. */
	for (p = token; p < token + MOCK_TOKEN_SIZE; p++) {
		noise = noise * 1664525 + 1013904223;
		*p = noise >> 24;
	}
	p = put(token, platform, sizeof(platform)) + 0x5e7;
	p = put(p, realm, sizeof(realm));
	p = put(p, challenge_claim, sizeof(challenge_claim));
	p = put(p, challenge, CHALLENGE_SIZE);
	p = put(p, rim_claim, sizeof(rim_claim));
	put(p, MOCK_RIM, sizeof(MOCK_RIM) - 1);
}

static int write_attribute(int dir, const char *name, const void *data, size_t len)
{
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, data, len) != (ssize_t)len)
		ret = -errno;
	close(fd);
	return ret;
}

static long read_attribute(int dir, const char *name, uint8_t **data)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	uint8_t *buf;
	ssize_t n;
	long len = 0;

	if (fd < 0)
		return -errno;
	buf = xcalloc(REPORT_MAX, 1);
	while ((n = read(fd, buf + len, REPORT_MAX - (size_t)len)) > 0)
		len += n;
	if (n < 0)
		len = -errno;
	close(fd);
	if (len > 0)
		*data = buf;
	else
		free(buf);
	return len;
}

long evidence_report(const uint8_t challenge[static CHALLENGE_SIZE], uint8_t **report)
{
	char path[sizeof(TSM_DIR) + 32];
	long ret;
	int dir;

	snprintf(path, sizeof(path), TSM_DIR "/keybroker-%d", (int)getpid());
	if (mkdir(path, 0700) != 0)
		/* No folder: no TSM support; ENXIO: support, but no provider in this machine. */
		return errno == ENOENT || errno == ENXIO ? 0 : -errno;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ret = dir < 0 ? -errno : write_attribute(dir, "inblob", challenge, CHALLENGE_SIZE);
	if (ret == 0)
		ret = read_attribute(dir, "outblob", report);
	if (ret == 0)
		ret = -ENODATA;
	if (dir >= 0)
		close(dir);
	rmdir(path);
	return ret;
}
