/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_VIRTIO_DEVICES_H
#define CCAIO_LIB_BOUNCE_VIRTIO_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bounce/virtio/host-device.h"
#include "lib/bounce/virtio/virtio.h"

struct err;

/*
 * devices - six virtio devices (virtio 1.3 §5), each with its driver in the Realm
 * and its host half; every payload byte crosses a virtqueue.
 *
 * The host half is a struct host_ops with a struct <type>_host as its priv.
 * Driver functions return 0 or a count, or -errno with a sentence in err.  What a
 * device returns is taken into Realm memory before it is looked at.
 */

/* net (§5.1): frames between two endpoints; 12-byte header without offloads */
#define NET_MAX_FRAME 1514u
#define NET_HEADER 12u

struct net {
	struct virtio v;
	bool premapped; /* receive buffers stay mapped and are synced, as in Linux 7.x */
	bool whole;	/* a frame is one buffer, not its headers and the rest */
	struct net_buffer *rx;
	unsigned int nrx;
};

struct net_host {
	struct host_device *dev;
	void (*transmit)(void *ctx, const uint8_t *frame, size_t size); /* from the Realm */
	void *ctx;
};

typedef void (*net_deliver)(void *ctx, const uint8_t *frame, size_t size);

int net_start(struct net *net, struct transport *transport, struct dma_device *dma,
	      uint64_t features, bool premapped, struct err *err);
void net_stop(struct net *net);
int net_send(struct net *net, const uint8_t *frame, size_t size, struct err *err);
/* Hand received frames to deliver; returns how many. */
int net_poll(struct net *net, net_deliver deliver, void *ctx, struct err *err);
/* A frame for the Realm; false when it has no buffer ready (the frame is dropped). */
bool net_host_receive(struct net_host *host, const uint8_t *frame, size_t size);
extern const struct host_ops net_host_ops;

/* blk (§5.2): a file of 512-byte sectors */
#define BLK_SECTOR 512u

struct blk {
	struct virtio v;
	uint64_t sectors;
};

struct blk_host {
	int fd; /* the disk; sectors is its size */
	uint64_t sectors;
};

int blk_start(struct blk *blk, struct transport *transport, struct dma_device *dma,
	      uint64_t features, struct err *err);
void blk_stop(struct blk *blk);
/* size: a multiple of the sector, at most 128 KiB. */
int blk_read(struct blk *blk, uint64_t sector, void *data, size_t size, struct err *err);
int blk_write(struct blk *blk, uint64_t sector, const void *data, size_t size, struct err *err);
int blk_flush(struct blk *blk, struct err *err);
void blk_host_config(struct host_device *dev); /* puts the capacity in its configuration */
extern const struct host_ops blk_host_ops;

/* console (§5.3): bytes both ways, one port */
struct console {
	struct virtio v;
	struct console_buffer *rx;
	unsigned int nrx;
};

struct console_host {
	struct host_device *dev;
	void (*output)(void *ctx, const uint8_t *data, size_t size); /* from the Realm */
	void *ctx;
};

int console_start(struct console *console, struct transport *transport, struct dma_device *dma,
		  uint64_t features, struct err *err);
void console_stop(struct console *console);
int console_write(struct console *console, const void *data, size_t size, struct err *err);
int console_poll(struct console *console, net_deliver deliver, void *ctx, struct err *err);
/* Bytes for the Realm; returns how many found room in its buffers. */
size_t console_host_input(struct console_host *host, const void *data, size_t size);
extern const struct host_ops console_host_ops;

/* rng (§5.4): entropy in */
struct rng {
	struct virtio v;
};

struct rng_host {
	uint64_t state; /* of the generator: what the Realm gets is known to the test */
};

int rng_start(struct rng *rng, struct transport *transport, struct dma_device *dma,
	      uint64_t features, struct err *err);
void rng_stop(struct rng *rng);
int rng_read(struct rng *rng, void *data, size_t size, struct err *err); /* returns bytes */
extern const struct host_ops rng_host_ops;

/*
 * balloon (§5.5): pages given to the host and taken back.
 *
 * Linux's driver clears ACCESS_PLATFORM and hands the host page numbers of ordinary
 * memory: a bypass of the DMA API (dma->bypass; nothing is shared first).  The form
 * a Realm can allow: the page numbers are bounced like any buffer, and a page is
 * unprotected, which scrubs it, before the host is told of it; taken back, it is
 * protected again, which scrubs it again.
 */
#define BALLOON_MAX_PAGES 64u

struct balloon {
	struct virtio v;
	uint64_t pages[BALLOON_MAX_PAGES]; /* given away */
	unsigned int npages;
};

struct balloon_host {
	uint64_t held[BALLOON_MAX_PAGES]; /* page addresses */
	unsigned int nheld;
	uint64_t reported; /* bytes reported free */
};

int balloon_start(struct balloon *balloon, struct transport *transport, struct dma_device *dma,
		  uint64_t features, struct err *err);
void balloon_stop(struct balloon *balloon);
int balloon_inflate(struct balloon *balloon, unsigned int pages, struct err *err);
int balloon_deflate(struct balloon *balloon, unsigned int pages, struct err *err);
/* Free page reporting: the host may drop this page's content. */
int balloon_report(struct balloon *balloon, struct err *err);
extern const struct host_ops balloon_host_ops;

/* fs (§5.11): FUSE requests to a folder of the host, without subfolders */
struct fs {
	struct virtio v;
	uint64_t unique;
};

#define FS_MAX_NODES 64u
struct fs_host {
	int dir; /* the folder */
	char *names[FS_MAX_NODES];
	int files[FS_MAX_NODES]; /* open files by handle; -1 none */
};

int fs_start(struct fs *fs, struct transport *transport, struct dma_device *dma, uint64_t features,
	     struct err *err);
void fs_stop(struct fs *fs);
int fs_list(struct fs *fs, void (*entry)(void *ctx, const char *name), void *ctx, struct err *err);
/* writable: also for writing.  Returns the handle. */
int fs_open(struct fs *fs, const char *name, bool writable, uint64_t *handle, struct err *err);
int fs_read(struct fs *fs, uint64_t handle, uint64_t off, void *data, size_t size, struct err *err);
int fs_write(struct fs *fs, uint64_t handle, uint64_t off, const void *data, size_t size,
	     struct err *err);
int fs_close(struct fs *fs, uint64_t handle, struct err *err);
void fs_host_init(struct fs_host *host, int dir);
void fs_host_release(struct fs_host *host); /* closes files, not dir */
extern const struct host_ops fs_host_ops;

#endif
