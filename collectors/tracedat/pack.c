/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracedat/pack.h"

#include <errno.h>
#include <string.h>

#include "lib/base/err.h"

#define HEADER 16
#define PADDING 29
#define TIME_EXTEND 30
#define TIME_STAMP 31
#define LOST_EVENTS (UINT32_C(1) << 31)
#define LOST_STORED (UINT32_C(1) << 30)

const char tracedat_pack_header_page[] = "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
					 "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
					 "\tfield: char overwrite;\toffset:8;\tsize:1;\tsigned:0;\n"
					 "\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;\n";

const char tracedat_pack_header_event[] = "# compressed entry header\n"
					  "\ttype_len    :    5 bits\n"
					  "\ttime_delta  :   27 bits\n"
					  "\tarray       :   32 bits\n"
					  "\n"
					  "\tpadding     : type == 29\n"
					  "\ttime_extend : type == 30\n"
					  "\ttime_stamp : type == 31\n"
					  "\tdata max type_len  == 28\n";

void tracedat_pack_init(struct tracedat_pack *pack, tracedat_page_fn page_fn, void *arg)
{
	memset(pack, 0, sizeof(*pack));
	pack->page_fn = page_fn;
	pack->arg = arg;
}

static void put(struct tracedat_pack *pack, const void *p, size_t len)
{
	memcpy(pack->page + pack->used, p, len);
	pack->used += len;
}

static void put_word(struct tracedat_pack *pack, uint32_t word)
{
	put(pack, &word, sizeof(word));
}

static void page_begin(struct tracedat_pack *pack, uint64_t ts_ns)
{
	memcpy(pack->page, &ts_ns, sizeof(ts_ns));
	pack->used = HEADER;
	pack->clock = ts_ns;
}

int tracedat_pack_flush(struct tracedat_pack *pack, struct err *err)
{
	uint64_t commit, size;
	int rc;

	if (!pack->used && !pack->lost)
		return 0;
	if (!pack->used)
		page_begin(pack,
			   pack->clock); /* nothing came after the loss: an empty page says it */
	size = pack->used - HEADER;
	commit = size;
	if (pack->lost) {
		commit |= LOST_EVENTS;
		if (pack->lost_count && TRACEDAT_PACK_PAGE - pack->used >= 8) {
			commit |= LOST_STORED;
			memcpy(pack->page + pack->used, &pack->lost_count, 8);
		}
	}
	memcpy(pack->page + 8, &commit, sizeof(commit));
	rc = pack->page_fn(pack->arg, pack->page, sizeof(pack->page), err);
	memset(pack->page, 0, sizeof(pack->page));
	pack->used = 0;
	pack->lost = false;
	return rc;
}

int tracedat_pack_lost(struct tracedat_pack *pack, uint64_t count, struct err *err)
{
	int rc = tracedat_pack_flush(pack, err);

	pack->lost = true;
	pack->lost_count = count;
	return rc;
}

int tracedat_pack_record(struct tracedat_pack *pack, uint64_t ts_ns, const void *record, size_t len,
			 struct err *err)
{
	size_t padded = (len + 3) & ~(size_t)3, need = 8 + 8 + padded;
	uint64_t delta;
	int rc;

	if (len > TRACEDAT_PACK_MAX)
		return err_set(err, EINVAL, "a record of %zu bytes does not fit a page", len);
	/* a page that says how many were lost keeps room for the number */
	if (pack->used && pack->used + need + (pack->lost ? 8 : 0) > TRACEDAT_PACK_PAGE) {
		rc = tracedat_pack_flush(pack, err);
		if (rc < 0)
			return rc;
	}
	if (!pack->used)
		page_begin(pack, ts_ns);
	delta = ts_ns - pack->clock;
	if (ts_ns < pack->clock) {
		put_word(pack, TIME_STAMP | (uint32_t)(ts_ns << 5));
		put_word(pack, (uint32_t)(ts_ns >> 27));
		delta = 0;
	} else if (delta >> 27) {
		put_word(pack, TIME_EXTEND | (uint32_t)(delta << 5));
		put_word(pack, (uint32_t)(delta >> 27));
		delta = 0;
	}
	pack->clock = ts_ns;
	if (padded && padded <= 28 * 4) {
		put_word(pack, (uint32_t)(padded / 4) | (uint32_t)(delta << 5));
	} else {
		put_word(pack, (uint32_t)(delta << 5));
		put_word(pack, (uint32_t)padded + 4);
	}
	put(pack, record, len);
	pack->used += padded - len;
	return 0;
}
