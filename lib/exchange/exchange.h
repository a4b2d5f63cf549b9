/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EXCHANGE_EXCHANGE_H
#define CCAIO_LIB_EXCHANGE_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/extents.h"
#include "lib/exchange/capture.h"
#include "lib/exchange/program.h"
#include "lib/exchange/result.h"
#include "lib/exchange/sums.h"
#include "lib/exchange/unlisted.h"
#include "lib/net/conn.h"
#include "lib/net/flow.h"

/*
 * exchanges - what the application said over the network, and which buffers carried it.
 *
 * lib/exchange/traffic.h fills connections and exchanges from packets; lib/correlate adds
 * from the kernel's events which process, which transfers, and how sure that is.
 * Nothing here points elsewhere; bodies and header values are never kept.
 * exchanges.json is this struct (lib/exchange/json.h).
 */

/* How sure a link is; a chain is as good as its weakest link. */
enum grade {
	GRADE_NONE = 0, /* not linked */
	GRADE_SIZED,	/* order, time and size agree */
	GRADE_NESTED,	/* inside a bracket on one CPU */
	GRADE_EXACT,	/* the same pointer, or the same range of bytes */
	GRADES
};

enum exchange_protocol {
	EXCHANGE_UNRECOGNISED = 0, /* a stream of bytes: one row per connection */
	EXCHANGE_HTTP,		   /* one request and its answer */
	EXCHANGE_TLS,		   /* a TLS connection: one row */
};

enum exchange_end {
	EXCHANGE_OPEN = 0, /* not over when the capture ended */
	EXCHANGE_COMPLETE,
	EXCHANGE_CUT,	  /* the connection ended in the middle */
	EXCHANGE_REFUSED, /* nobody accepted the connection */
};

/* One DMA transfer that carried bytes of an exchange. */
struct transfer {
	uint64_t ts_ns;	 /* trace clock */
	uint64_t dma;	 /* address that the device was given */
	uint64_t size;	 /* bytes mapped (out) or synced (in) */
	uint32_t slot;	 /* of the default bounce pool, where it begins; TRANSFER_NO_SLOT */
	uint16_t device; /* index into exchanges.devices */
	uint8_t grade;	 /* enum grade: weakest link from the socket to this transfer */
	bool bounced;	 /* its pair of bounce and map was seen, or the mapping's */
};

#define TRANSFER_NO_SLOT UINT32_MAX
#define EXCHANGE_TRANSFERS 32 /* listed per direction of an exchange; all are counted */

/* One direction of an exchange. */
struct exchange_half {
	struct extent stream;	    /* its bytes in the connection's stream */
	uint64_t header_bytes;	    /* start line and headers (HTTP), records' overhead (TLS) */
	uint64_t body_bytes;	    /* decoded body (HTTP), application data (TLS), all (else) */
	uint64_t first_ns, last_ns; /* packets' clock; 0 none */
	/* of the stream's bytes: how sure it is which transfer carried them; sums to its length */
	uint64_t bytes[GRADES];
	uint64_t retransmitted; /* bytes carried again */
	uint64_t packets;	/* with payload of this exchange */
	uint32_t first_packet,
		last_packet; /* of them, as packets.pcap has them, from 1; 0 unknown */
	uint64_t transfers;  /* DMA transfers that carried it */
	uint64_t dma_bytes;  /* of these transfers: headers, padding and all */
	uint64_t slots;	     /* swiotlb slots of 2 KiB that these transfers touch */
	/* between a buffer and a bounce pool: transfers of the above that were copied when they
	 * carried this, their bytes, and what that took at this machine's fastest; 0 unknown */
	uint64_t copies, copied_bytes, copy_ns;
	uint64_t descriptors; /* of the virtqueue, where its events are known */
	char queues[64]; /* virtqueues that its packets went by: "output.0 output.2", "input.0" */
	uint64_t kicks;	 /* doorbells rung while its packets were handed over */
	struct transfer *list;
	size_t nlist;
};

#define EXCHANGE_NAMES 24 /* JSON field names kept per body */

struct exchange {
	uint32_t conn; /* index into exchanges.conns */
	enum exchange_protocol protocol;
	enum exchange_end end;
	struct exchange_half half[2]; /* by enum flow_dir: what left, what came in */
	/* HTTP */
	char *method, *target; /* NULL: not readable */
	unsigned int status;   /* 0 none */
	bool keep_alive, chunked_request, chunked_response, continued, pipelined;
	char *request_type, *response_type; /* Content-Type */
	/* JSON member names, "a.b" when nested; at most EXCHANGE_NAMES, NULL: none */
	char **request_names, **response_names;
	size_t nrequest_names, nresponse_names;
	/* TLS */
	char *sni, *alpn;
	unsigned int tls_version; /* 0x0303 is 1.2, 0x0304 is 1.3; 0 unknown */
	unsigned int tls_suite;	  /* the cipher suite that the server chose; 0 unknown */
	bool handshake_complete;
	/* the result */
	bool clear;	  /* payload of it was readable outside */
	enum grade grade; /* weakest link of all its bytes */
};

struct exchange_conn {
	struct flow_addr local, remote;
	char *iface;
	bool server;	  /* the other side opened it */
	bool from_start;  /* its beginning was captured */
	bool preexisting; /* open before the window: found through /proc */
	bool program;	  /* of the traced program: see owner */
	enum grade owner; /* how the process is known; NONE: it is not */
	int32_t pid;
	char *comm;	 /* NULL unknown */
	uint64_t socket; /* address of the kernel's socket; 0 unknown */
	enum conn_end end;
	uint64_t opened_ns, last_ns; /* packets' clock */
	/* by enum flow_dir */
	uint64_t packets[2], frame_bytes[2];
	uint64_t payload[2], retransmitted[2];
	uint64_t lost[2];      /* payload bytes that the capture missed */
	uint64_t app_bytes[2]; /* what the program's send and receive calls moved, as events say */
	bool app_known;
	/* of the payload: carried by known transfers, by grade */
	uint64_t carried[2][GRADES];
	/* without payload, and the DMA bytes that carried these packets */
	uint64_t control_packets[2], control_bytes[2];
	struct exchange_rest rest; /* its exchanges that are not listed */
};

/* One network device: every byte of its streaming DMA in the window has one owner. */
struct exchange_device {
	char *name;  /* DMA device */
	char *iface; /* NULL unknown */
	bool block;  /* a disk */
	/* by enum flow_dir: mapped for sending (write), synced or unmapped on arrival (read) */
	uint64_t dma_transfers[2], dma_bytes[2];
	uint64_t program_bytes[2]; /* carried the traced program's connections or requests */
	uint64_t other_bytes[2];   /* carried connections or requests of others */
	uint64_t unknown_bytes[2]; /* nobody knows */
	/* network: the kernel's own count over the window, /proc/net/dev; block:
	 * /sys/block/.../stat */
	bool counters_known;
	uint64_t counter_bytes[2], counter_packets[2];
	/* what events and capture counted of the same */
	uint64_t event_bytes[2], event_packets[2];
	uint64_t captured_bytes[2], captured_packets[2];
};

/* A reason of unattributed bytes: the kernel stirs its random numbers by itself. */
extern const char exchanges_entropy_of_others[];

/* Bytes that went through a device and belong to no exchange of the program. */
struct unattributed {
	uint16_t device; /* index */
	enum flow_dir dir;
	char *reason; /* "connection of curl[123]", "no TCP", "no packet seen for it" … */
	uint64_t transfers, bytes;
};

/* What one task had read from or written to one disk, for one file. */
struct exchange_block {
	uint16_t device;
	char *disk; /* "vda", or its number "254:0"; NULL unknown */
	/* the task that asked for these sectors; where none is known, the one that issued the
	 * request */
	int32_t pid;
	char *comm;
	enum grade owner; /* EXACT: the same sectors; SIZED: it issued the request; see
			     lib/correlate/disk/requests.h */
	bool program; /* it is the program's, or the program brought the memory into the page cache
		       */
	/* the memory was a file's: the same address in the page cache */
	bool cached;
	uint64_t inode;
	uint32_t file_dev; /* major << 20 | minor, of its file system */
	char *path;	   /* NULL unknown */
	int32_t filler;	   /* the task that brought it there, where it is not pid; 0 */
	char *filler_comm;
	uint64_t requests[2], bytes[2]; /* written, read */
	uint64_t transfers, dma_bytes;	/* data, headers, status and tables */
	uint64_t carried[2][GRADES];	/* of bytes */
};

/* A file that the command names or that the program had open: what an inode is called. */
struct exchange_file {
	uint32_t dev; /* major << 20 | minor */
	uint64_t inode;
	char *path;
};

struct exchanges {
	struct exchange_capture capture;
	struct exchange_program program;
	struct exchange_sums sums;
	struct exchange_result result;
	struct exchange_unlisted unlisted;
	struct exchange_conn *conns; /* in the order of their first packets: conn.id */
	size_t nconns, cap_conns;
	struct exchange *rows; /* in order of their first byte */
	size_t nrows, cap_rows;
	struct exchange_device *devices;
	size_t ndevices, cap_devices;
	struct unattributed *unattributed;
	size_t nunattributed, cap_unattributed;
	struct exchange_block *blocks;
	size_t nblocks, cap_blocks;
	struct exchange_file *files;
	size_t nfiles, cap_files;
	size_t nlisted; /* transfers in all lists */
	size_t memory;	/* bytes that connections and rows take, with their texts */
	char **notes;
	size_t nnotes, cap_notes;
	char *unknown; /* members of exchanges.json that this version does not know; NULL none */
};

/*
 * What listed connections and exchanges may take: some 250,000 of each.  What comes then is not
 * listed, see lib/exchange/unlisted.h.  A reader of exchanges.json takes twice as much, so that
 * it reads whatever was written.
 */
#define EXCHANGES_MEMORY ((size_t)256 << 20)
#define EXCHANGES_BLOCKS                                                                         \
	1024		     /* rows of block requests; the rest is UNATTRIBUTED, with its bytes \
			      */
#define EXCHANGES_FILES 1024 /* names of files */
#define EXCHANGES_DEVICES 1024
#define EXCHANGES_REASONS 256 /* of unattributed bytes; then "other", once per device and way */
#define EXCHANGES_UNATTRIBUTED (EXCHANGES_REASONS + 2 * EXCHANGES_DEVICES)
#define EXCHANGES_NOTES 64
#define EXCHANGES_LISTED 4000 /* transfers listed in all; the rest is counted */

#define EXCHANGES_SCHEMA "ccaio.exchanges/1"
struct exchanges *exchanges_new(void);
void exchanges_free(struct exchanges *x); /* accepts NULL */

/* A new connection, NULL when all take more than memory bytes.  Valid until the next one. */
struct exchange_conn *exchanges_add_conn(struct exchanges *x, size_t memory);
/* A new row; NULL likewise. */
struct exchange *exchanges_add_row(struct exchanges *x, size_t memory);
/* Frees what a row holds. */
void exchange_release(struct exchange *row);
/* A row is complete: its texts take memory as well. */
void exchanges_row_done(struct exchanges *x, const struct exchange *row);
/* The device called name, entered if new (at most 1024; then the last one). */
uint16_t exchanges_device(struct exchanges *x, const char *name);
/* What this inode is called; path is copied.  More than EXCHANGES_FILES stay without a name. */
void exchanges_file(struct exchanges *x, uint32_t dev, uint64_t inode, const char *path);
/* NULL unknown; borrowed */
const char *exchanges_path(const struct exchanges *x, uint32_t dev, uint64_t inode);
/* The interface called name, entered if new; NULL when there are more than 64. */
struct exchange_iface *exchanges_iface(struct exchanges *x, const char *name);
/* Count bytes to an UNATTRIBUTED row; reason is copied.  At most 256 reasons, then "other". */
void exchanges_unattributed(struct exchanges *x, uint16_t device, enum flow_dir dir,
			    const char *reason, uint64_t transfers, uint64_t bytes);
void exchanges_note(struct exchanges *x, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

uint64_t exchange_half_bytes(const struct exchange_half *half);

/* "exact" …, "http" …, "complete" …, "finished" … */
const char *grade_name(enum grade g);
const char *exchange_protocol_name(enum exchange_protocol p);
const char *exchange_end_name(enum exchange_end e);
const char *conn_end_name(enum conn_end e);

#endif
