/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/evidence/text/klog.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A decimal number of up to 19 digits at *pos, which moves behind it. */
static bool take_number(const char **pos, const char *end, uint64_t *number)
{
	const char *start = *pos;

	*number = 0;
	while (*pos < end && **pos >= '0' && **pos <= '9' && *pos - start < 19)
		*number = *number * 10 + (uint64_t)(*(*pos)++ - '0');
	return *pos > start;
}

static bool take_char(const char **pos, const char *end, char c)
{
	if (*pos == end || **pos != c)
		return false;
	(*pos)++;
	return true;
}

bool klog_parse(const char *line, size_t len, struct klog_record *record)
{
	const char *pos = line, *end = line + len, *text;
	uint64_t priority;

	if (!take_number(&pos, end, &priority) || !take_char(&pos, end, ',') ||
	    !take_number(&pos, end, &record->seq) || !take_char(&pos, end, ',') ||
	    !take_number(&pos, end, &record->ts_us) || !take_char(&pos, end, ','))
		return false;
	/* Fields may be added before the semicolon. */
	text = memchr(pos, ';', (size_t)(end - pos));
	if (!text)
		return false;
	record->kernel = priority >> 3 == 0;
	record->text = text + 1;
	record->len = (size_t)(end - text - 1);
	while (record->len > 0 && record->text[record->len - 1] == '\n')
		record->len--;
	return true;
}

/* Behind the first occurrence of what, or NULL. */
static const char *behind(const char *text, size_t len, const char *what)
{
	const char *found = memmem(text, len, what, strlen(what));

	return found ? found + strlen(what) : NULL;
}

static bool begins(const char *text, size_t len, const char *what)
{
	return len >= strlen(what) && memcmp(text, what, strlen(what)) == 0;
}

static bool take_hex(const char **pos, const char *end, uint64_t *number)
{
	const char *start;

	if (!take_char(pos, end, '0') || !take_char(pos, end, 'x'))
		return false;
	*number = 0;
	for (start = *pos; *pos < end && *pos - start < 16; (*pos)++) {
		char c = **pos;

		if (c >= '0' && c <= '9')
			*number = *number << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*number = *number << 4 | (uint64_t)(c - 'a' + 10);
		else
			break;
	}
	return *pos > start;
}

/* "0x97400000-0x9b400000]": the kernel prints the first byte behind the pool as its end. */
static bool read_pool(const char *pos, const char *end, struct range *range)
{
	uint64_t start, behind_end;

	if (!take_hex(&pos, end, &start) || !take_char(&pos, end, '-') ||
	    !take_hex(&pos, end, &behind_end) || !take_char(&pos, end, ']') || behind_end <= start)
		return false;
	*range = (struct range){ start, behind_end - 1 };
	return true;
}

/* "0x50000000, size 4 MiB" */
static bool read_restricted(const char *pos, const char *end, struct range *range)
{
	static const char size[] = ", size ";
	uint64_t start, mib;

	if (!take_hex(&pos, end, &start) || !begins(pos, (size_t)(end - pos), size))
		return false;
	pos += strlen(size);
	if (!take_number(&pos, end, &mib) || mib == 0 || mib > (UINT64_MAX - start) >> 20)
		return false;
	*range = (struct range){ start, start + (mib << 20) - 1 };
	return true;
}

static bool read_version(const char *pos, const char *end, char version[16])
{
	size_t n = 0;

	while (pos + n < end && n < 15 && (pos[n] == '.' || (pos[n] >= '0' && pos[n] <= '9')))
		n++;
	memcpy(version, pos, n);
	version[n] = '\0';
	return n > 0;
}

/* Does text hold one of the words, in whatever case? */
static bool has_word(const char *text, size_t len, const char *const *words)
{
	for (; *words; words++) {
		size_t n = strlen(*words);

		for (size_t i = 0; i + n <= len; i++) {
			if (strncasecmp(text + i, *words, n) == 0)
				return true;
		}
	}
	return false;
}

/*
 * The kernel has many sentences for it; rather one line too many, which a person
 * then reads, than the one that mattered missing.
 */
static bool tells_of_trouble(const char *text, size_t len)
{
	static const char *const about[] = { "swiotlb", "software IO TLB", "SW-IOMMU",
					     "dma",	"iommu",	   "smmu",
					     "decrypt", "encrypt",	   "bounce",
					     NULL };
	static const char *const wrong[] = { "full",  "overflow",  "fail",    "fault",
					     "error", "cannot",	   "unable",  "out of",
					     "leak",  "warning",   "invalid", "bug",
					     "bad ",  "unhandled", NULL };

	return has_word(text, len, about) && has_word(text, len, wrong);
}

/* "CPU1: Booted secondary processor", "psci: CPU1 killed", "smpboot: CPU 1 is now offline" … */
static bool tells_of_cpu(const char *text, size_t len)
{
	return begins(text, len, "psci: CPU") || begins(text, len, "smpboot: ") ||
	       behind(text, len, ": Booted secondary processor") ||
	       behind(text, len, " is now offline");
}

struct klog_fact klog_read(const char *text, size_t len)
{
	const char *end = text + len, *pos;
	struct klog_fact fact = { .kind = KLOG_OTHER };

	pos = behind(text, len, "software IO TLB: mapped [mem ");
	if (pos && read_pool(pos, end, &fact.range)) {
		fact.kind = KLOG_POOL;
		return fact;
	}
	pos = behind(text, len, "created restricted DMA pool at ");
	if (pos && read_restricted(pos, end, &fact.range)) {
		fact.kind = KLOG_RESTRICTED;
		return fact;
	}
	pos = behind(text, len, "RME: Using RSI version ");
	if (pos && read_version(pos, end, fact.version))
		fact.kind = KLOG_RSI;
	else if (behind(text, len, "software IO TLB: tearing down default memory pool"))
		fact.kind = KLOG_TEARDOWN;
	else if (tells_of_cpu(text, len))
		fact.kind = KLOG_CPU;
	else if (tells_of_trouble(text, len))
		fact.kind = KLOG_TROUBLE;
	return fact;
}
