/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/msg/ffa.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/bounce/memory/realm.h"

#define MAX_PARTITIONS 4

/* One share, from SHARE to RECLAIM.  Handles are never used again. */
struct grant {
	uint64_t handle, ipa;
	uint32_t pages;
	uint16_t owner, borrower;
	bool retrieved;
};

struct mailbox {
	uint8_t msg[FFA_MAILBOX];
	size_t size;
};

struct ffa {
	struct realm *realm;
	struct ffa_partition partitions[MAX_PARTITIONS];
	struct mailbox mailboxes[MAX_PARTITIONS];
	unsigned int npartitions;
	struct grant *grants;
	size_t ngrants, grants_cap;
	uint64_t next_handle;
	uint16_t *users; /* by granule: shares that hold it */
	void (*changed)(void *ctx, uint64_t ipa, uint64_t size, bool shared);
	void *changed_ctx;
	uint64_t denied, pages, hiwater;
};

struct ffa *ffa_new(struct realm *realm)
{
	struct ffa *f = xcalloc(1, sizeof(*f));

	f->realm = realm;
	f->users = xcalloc(realm_size(realm) / REALM_GRANULE, sizeof(*f->users));
	f->next_handle = 0x100000001u;
	return f;
}

void ffa_free(struct ffa *f)
{
	if (!f)
		return;
	free(f->users);
	free(f->grants);
	free(f);
}

void ffa_add_partition(struct ffa *f, const struct ffa_partition *partition)
{
	if (f->npartitions < MAX_PARTITIONS)
		f->partitions[f->npartitions++] = *partition;
}

void ffa_on_change(struct ffa *f,
		   void (*changed)(void *ctx, uint64_t ipa, uint64_t size, bool shared), void *ctx)
{
	f->changed = changed;
	f->changed_ctx = ctx;
}

const struct ffa_partition *ffa_partition_info(const struct ffa *f,
					       const uint8_t uuid[FFA_UUID_SIZE])
{
	for (unsigned int i = 0; i < f->npartitions; i++) {
		if (memcmp(f->partitions[i].uuid, uuid, FFA_UUID_SIZE) == 0)
			return &f->partitions[i];
	}
	return NULL;
}

static int index_of(const struct ffa *f, uint16_t id)
{
	for (unsigned int i = 0; i < f->npartitions; i++) {
		if (f->partitions[i].id == id)
			return i;
	}
	return -1;
}

int ffa_direct(struct ffa *f, uint16_t from, uint16_t to, const uint8_t *msg, size_t size,
	       uint8_t *reply, size_t room)
{
	int i = index_of(f, to);

	if (i < 0 || size > FFA_DIRECT_MAX)
		return FFA_INVALID_PARAMETERS;
	if (!f->partitions[i].direct)
		return FFA_NOT_SUPPORTED;
	return f->partitions[i].receive(f->partitions[i].ctx, from, msg, size, reply,
					room < FFA_DIRECT_MAX ? room : FFA_DIRECT_MAX);
}

int ffa_send(struct ffa *f, uint16_t from, uint16_t to, const uint8_t *msg, size_t size)
{
	int i = index_of(f, to), back = index_of(f, from);
	uint8_t reply[FFA_MAILBOX];
	size_t n;

	if (i < 0 || back < 0 || size > FFA_MAILBOX)
		return FFA_INVALID_PARAMETERS;
	if (!f->partitions[i].indirect)
		return FFA_NOT_SUPPORTED;
	if (f->mailboxes[back].size)
		return FFA_BUSY; /* the sender has not read its last answer */
	n = f->partitions[i].receive(f->partitions[i].ctx, from, msg, size, reply, sizeof(reply));
	memcpy(f->mailboxes[back].msg, reply, n);
	f->mailboxes[back].size = n;
	return FFA_SUCCESS;
}

int ffa_fetch(struct ffa *f, uint16_t id, uint8_t *msg, size_t room)
{
	int i = index_of(f, id);
	size_t n;

	if (i < 0)
		return FFA_INVALID_PARAMETERS;
	n = f->mailboxes[i].size;
	if (!n)
		return FFA_NO_DATA;
	if (n > room)
		return FFA_NO_MEMORY;
	memcpy(msg, f->mailboxes[i].msg, n);
	f->mailboxes[i].size = 0;
	return n;
}

/* Change the pages' counts and tell of each run of pages whose state changed. */
static void account(struct ffa *f, uint64_t ipa, uint32_t pages, int by)
{
	uint64_t run = 0, start = ipa;

	for (uint32_t i = 0; i <= pages; i++) {
		uint64_t at = ipa + (uint64_t)i * REALM_GRANULE;
		bool turns = false;

		if (i < pages) {
			uint16_t *users = &f->users[(at - realm_base(f->realm)) / REALM_GRANULE];

			turns = by > 0 ? *users == 0 : *users == 1;
			if (by > 0 || *users) /* 0: reclaimed by force */
				*users += by;
		}
		if (turns) {
			start = run ? start : at;
			run += REALM_GRANULE;
		} else if (run) {
			realm_set_state_keep(f->realm, start, run,
					     by > 0 ? REALM_SHARED : REALM_PROTECTED);
			f->pages += by * (int64_t)(run / REALM_GRANULE);
			if (f->changed)
				f->changed(f->changed_ctx, start, run, by > 0);
			run = 0;
		}
	}
	if (f->pages > f->hiwater)
		f->hiwater = f->pages;
}

static struct grant *find(struct ffa *f, uint64_t handle)
{
	for (size_t i = 0; i < f->ngrants; i++) {
		if (f->grants[i].handle == handle)
			return &f->grants[i];
	}
	return NULL;
}

static int deny(struct ffa *f)
{
	f->denied++;
	return FFA_DENIED;
}

int ffa_share(struct ffa *f, uint16_t owner, uint16_t borrower, uint64_t ipa, uint32_t pages,
	      uint64_t *handle)
{
	if (!pages || ipa % REALM_GRANULE ||
	    !realm_ptr(f->realm, ipa, (uint64_t)pages * REALM_GRANULE))
		return FFA_INVALID_PARAMETERS;
	if (index_of(f, borrower) < 0 || owner == borrower)
		return FFA_INVALID_PARAMETERS;
	for (uint32_t i = 0; i < pages; i++) {
		uint64_t at = ipa + (uint64_t)i * REALM_GRANULE;

		/* who gave a page away by other means has no right to share it */
		if (realm_state(f->realm, at) != REALM_PROTECTED &&
		    !f->users[(at - realm_base(f->realm)) / REALM_GRANULE])
			return deny(f);
	}
	XGROW(f->grants, f->ngrants, f->grants_cap);
	*handle = f->next_handle++;
	f->grants[f->ngrants++] = (struct grant){
		.handle = *handle, .ipa = ipa, .pages = pages, .owner = owner, .borrower = borrower
	};
	account(f, ipa, pages, 1);
	return FFA_SUCCESS;
}

int ffa_retrieve(struct ffa *f, uint16_t borrower, uint64_t handle, uint64_t *ipa, uint32_t *pages)
{
	struct grant *g = find(f, handle);

	if (!g)
		return FFA_INVALID_PARAMETERS;
	if (g->borrower != borrower || g->retrieved)
		return deny(f);
	g->retrieved = true;
	*ipa = g->ipa;
	*pages = g->pages;
	return FFA_SUCCESS;
}

int ffa_relinquish(struct ffa *f, uint16_t borrower, uint64_t handle)
{
	struct grant *g = find(f, handle);

	if (!g)
		return FFA_INVALID_PARAMETERS;
	if (g->borrower != borrower || !g->retrieved)
		return deny(f);
	g->retrieved = false;
	return FFA_SUCCESS;
}

static void drop(struct ffa *f, struct grant *g)
{
	account(f, g->ipa, g->pages, -1);
	*g = f->grants[--f->ngrants];
}

int ffa_reclaim(struct ffa *f, uint16_t owner, uint64_t handle)
{
	struct grant *g = find(f, handle);

	if (!g)
		return FFA_INVALID_PARAMETERS;
	if (g->owner != owner || g->retrieved)
		return deny(f);
	drop(f, g);
	return FFA_SUCCESS;
}

void ffa_force_reclaim(struct ffa *f, uint64_t handle)
{
	struct grant *g = find(f, handle);
	uint64_t size;

	if (!g)
		return;
	size = (uint64_t)g->pages * REALM_GRANULE;
	for (uint32_t i = 0; i < g->pages; i++)
		f->users[(g->ipa - realm_base(f->realm)) / REALM_GRANULE + i] = 0;
	realm_set_state_keep(f->realm, g->ipa, size, REALM_PROTECTED);
	if (f->changed)
		f->changed(f->changed_ctx, g->ipa, size, false);
	*g = f->grants[--f->ngrants];
}

uint64_t ffa_denied(const struct ffa *f)
{
	return f->denied;
}

uint64_t ffa_pages(const struct ffa *f)
{
	return f->pages;
}

uint64_t ffa_pages_hiwater(const struct ffa *f)
{
	return f->hiwater;
}
