/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_MSG_FFA_H
#define CCAIO_LIB_BOUNCE_MSG_FFA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct realm;

/*
 * ffa - the relayer between endpoints: discovery, messages and memory sharing.
 *
 * A subset of Arm DEN0077 (FF-A) and DEN0140 (its memory management): partitions are
 * found by UUID (FFA_PARTITION_INFO_GET), talk by direct (FFA_MSG_SEND_DIRECT_REQ) or
 * indirect messages (FFA_MSG_SEND2 through a mailbox), and share memory: SHARE by the
 * owner, RETRIEVE_REQ and RELINQUISH by the borrower, RECLAIM by the owner.  The rules
 * are kept here: handles are unique, each is retrieved once, nothing is reclaimed
 * that is still retrieved, nobody uses a handle that is not his.
 *
 * Pages are counted per share, so that two buffers of one page can be shared at once
 * by the same owner with the same borrower.  Shared pages keep their content.
 */
enum ffa_status {
	FFA_SUCCESS = 0,
	FFA_NOT_SUPPORTED = -1,
	FFA_INVALID_PARAMETERS = -2,
	FFA_NO_MEMORY = -3,
	FFA_BUSY = -4,
	FFA_DENIED = -6,
	FFA_NO_DATA = -9,
};

#define FFA_UUID_SIZE 16u
#define FFA_DIRECT_MAX 104u /* bytes of a direct message in registers */
#define FFA_MAILBOX 4096u

struct ffa;

struct ffa_partition {
	uint16_t id;
	uint8_t uuid[FFA_UUID_SIZE];
	bool direct, indirect; /* messages that it receives */
	/* A message has come; the answer goes to reply (room bytes).  Returns its size, 0 none. */
	size_t (*receive)(void *ctx, uint16_t from, const uint8_t *msg, size_t size, uint8_t *reply,
			  size_t room);
	void *ctx;
};

struct ffa *ffa_new(struct realm *realm);
void ffa_free(struct ffa *ffa); /* accepts NULL */
void ffa_add_partition(struct ffa *ffa, const struct ffa_partition *partition);

/* Told when [ipa, ipa + size) becomes shared, or is protected again. */
void ffa_on_change(struct ffa *ffa,
		   void (*changed)(void *ctx, uint64_t ipa, uint64_t size, bool shared), void *ctx);

/* The partition with this UUID; NULL none.  Borrowed. */
const struct ffa_partition *ffa_partition_info(const struct ffa *ffa,
					       const uint8_t uuid[FFA_UUID_SIZE]);

/* The answer's size, or an enum ffa_status < 0. */
int ffa_direct(struct ffa *ffa, uint16_t from, uint16_t to, const uint8_t *msg, size_t size,
	       uint8_t *reply, size_t room);
/* Deliver through the mailbox; an answer waits in the sender's own (ffa_fetch). */
int ffa_send(struct ffa *ffa, uint16_t from, uint16_t to, const uint8_t *msg, size_t size);
int ffa_fetch(struct ffa *ffa, uint16_t id, uint8_t *msg, size_t room);

/* All return FFA_SUCCESS or an error; ipa and pages describe one run of pages. */
int ffa_share(struct ffa *ffa, uint16_t owner, uint16_t borrower, uint64_t ipa, uint32_t pages,
	      uint64_t *handle);
int ffa_retrieve(struct ffa *ffa, uint16_t borrower, uint64_t handle, uint64_t *ipa,
		 uint32_t *pages);
int ffa_relinquish(struct ffa *ffa, uint16_t borrower, uint64_t handle);
int ffa_reclaim(struct ffa *ffa, uint16_t owner, uint64_t handle);

/* Reclaim its pages, whoever still has them.  Only for the fault that does so. */
void ffa_force_reclaim(struct ffa *ffa, uint64_t handle);

/* Calls that broke a rule and were denied; pages shared now, and most at once. */
uint64_t ffa_denied(const struct ffa *ffa);
uint64_t ffa_pages(const struct ffa *ffa);
uint64_t ffa_pages_hiwater(const struct ffa *ffa);

#endif
