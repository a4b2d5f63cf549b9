/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_ROWS_ROWS_H
#define CCAIO_REPORTS_ROWS_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/verdict/verdict.h"

struct report_input;

/*
 * rows - every fact of a report, put into words once.
 *
 * Formats lay rows out; they never format a number, an address or a state
 * themselves, so that all of them say the same.  Strings are printable (see
 * lib/base/printable.h), never NULL ("" where there is nothing to say), and owned by the rows.
 * Escaping for HTML, XML and the like is the format's own duty.
 */

/* A fact with a stable key ("kernel") and a label for people ("Kernel"). */
struct row_fact {
	const char *key, *label, *value;
};

struct row_claim {
	enum claim_id id;
	enum claim_state state_id;
	bool in_verdict; /* decides the verdict, or is only reported */
	const char *name, *summary, *state, *reason;
	const char *why; /* the reason, or what it says where none is known */
	uint64_t refutations;
};

struct row_cond {
	enum cond_id id;
	enum cond_state state_id;
	const char *name, *summary, *state, *reason, *remedy;
	const char *why; /* likewise */
};

#define ROWS_FRAMES 5 /* of a stack, that people read */

/* All that is wrong in one way: the worst first. */
struct row_finding {
	uint32_t claim_bits;	/* all claims that it refutes */
	enum claim_id claim_id; /* the first of them */
	bool in_verdict;	/* one of them decides the verdict */
	uint64_t count;
	uint64_t first_ns, last_ns, first_event; /* trace clock; 0: a fact */
	const char *claims;			 /* "dma-in-shared, bounce-paired" */
	const char *breaches;			 /* stable names: "protected-memory, not-bounced" */
	const char *device;			 /* "0000:00:05.0"; "" none */
	const char *driver;			 /* "ahci"; "" unknown */
	const char *operation;			 /* "map TO_DEVICE"; "" a fact */
	const char *text;			 /* "the device was given protected memory" */
	const char *times;			 /* "1,580 times" */
	const char *when;			 /* "from 8.085 s to 9.1 s"; "" a fact */
	const char *largest;			 /* "4,096 bytes"; "" none */
	const char *summary;			 /* all of it in one sentence, without the claims */
	size_t example;				 /* its first counterexample */
	uint64_t largest_bytes;
	/* who did it: the kernel's call chain at one of its events, from the DMA API's caller on */
	const char **stack; /* "start_xmit+0x2b8 [virtio_net]" */
	size_t nstack;
	const char *chain; /* ROWS_FRAMES of them: "vring_map_one_sg < virtqueue_add_sgs"; "" */
};

struct row_example {
	enum claim_id claim_id;
	uint32_t claim_bits;
	size_t finding;
	uint64_t seq, ts_ns; /* for sorting and linking; 0 none */
	const char *claim;   /* the first of its claims: "dma-in-shared" */
	const char *claims;  /* all: "dma-in-shared, bounce-paired" */
	const char *event;   /* "4,711", "" for a fact */
	const char *time;    /* "12.345678901 s" */
	const char *what;    /* "map TO_DEVICE, 163 bytes" */
	const char *device;  /* "0000:00:01.0" */
	const char *orig;    /* "0x455794fe"; "" */
	const char *dma;     /* "0x7a99a800"; "" */
	const char *memory;  /* "protected" */
	const char *task;    /* "keybroker-app-123 on CPU 0" */
	const char *text;    /* one sentence: what is wrong */
};

struct row_device {
	enum claim_state worst; /* over the claims that decide the verdict */
	uint64_t violations;	/* events and facts of its findings */
	const char *name, *driver, *what;
	const char *state;    /* worst, in words */
	const char *findings; /* "dma-in-shared refuted, lifecycle undecided"; "" all hold */
	const char *note;
	bool trusted;
	bool out_of_scope;					/* not in the verdict */
	const char *apart;					/* "not in the verdict"; "" it is */
	uint64_t maps, bounced, direct, failed, allocs, events; /* raw, for sorting */
	uint64_t out_bytes, stale_bytes, sync_out_bytes, excess_bytes;
	const char *maps_count, *out_count, *stale_count; /* the same in words */
	const char *traffic; /* "1,234 maps (1,230 bounced, 4 direct), 1,100 unmaps …" */
	const char *egress;  /* "12,345 bytes left on purpose, …" */
};

struct row_range {
	const char *start, *end, *size, *memory, *count;
	uint64_t start_addr, bytes, times; /* raw, for sorting */
};

/* Memory that the monitor recorded as shared. */
struct row_witness {
	const char *start, *end, *size, *purpose, *state, *published;
	uint64_t start_addr, bytes, times; /* raw, for sorting */
};

/* What bouncing for one device cost: bytes, raw and in words. */
struct row_cost {
	const char *name;
	uint64_t copied_bytes, useful_bytes, stale_bytes, slots_at_peak;
	const char *copied, *useful, *stale, *slots;
	const char *ratio;    /* copied to useful, "2.00"; "" nothing was useful */
	const char *out, *in; /* "1,048,592 in 64": bytes, copies */
	const char *time;     /* "1.2 ms out, …", "at least 90 ns"; "" unknown */
};

/* One direction of an exchange. */
struct row_half {
	uint64_t bytes;
	const char *what;      /* "356 bytes (228 body) in 1 packet, 1 transfer of 422 bytes …" */
	const char *where;     /* "0000:00:01.0 0x7a99a800 …": what carried it, the first few */
	const char *where_all; /* as many as are kept */
	const char *copied; /* "twice, through 3 slots, 1,514 bytes, at least 90 ns …"; "" not */
};

/* One exchange of an application, and what carried it. */
struct row_exchange {
	uint64_t first_ns, last_ns; /* of its transfers, trace clock; 0 unknown */
	bool program, clear;
	const char *time;	/* of its first transfer */
	const char *what;	/* "POST /keys/v1/key/skywalker → 201" */
	const char *connection; /* "10.0.2.15:43210 → 10.0.2.2:8088" */
	const char *owner;	/* "keybroker-app[124]" */
	const char *end;	/* "complete" */
	const char *secrecy;	/* "clear", "TLS" … */
	const char *grade;	/* how sure the link from exchange to buffers is */
	const char *lasted;	/* "2.8 ms"; "" unknown */
	/* "JSON members pubkey, kty": of a request, an answer that could be read */
	const char *asked, *answered;
	struct row_half half[2]; /* by enum flow_dir */
};

/* Requests of one task to one disk, for one file. */
struct row_block {
	bool program;
	const char *owner, *device, *file, *what, *grade; /* file "" unknown */
};

/* Traffic that belongs to no exchange of the program. */
struct row_other {
	const char *device, *direction, *reason, *transfers, *bytes;
	const char *amount;	     /* "1,294 bytes in 4 transfers" */
	uint64_t ntransfers, nbytes; /* raw, for sorting */
};

/* One equation that has to hold. */
struct row_sum {
	bool agrees;
	const char *text;
};

struct rows {
	enum outcome outcome;
	const char *verdict; /* "PROVEN" */
	const char *scope, *setting;
	const char *guest;    /* whose memory is at stake: "Realm"; of a rehearsal the same */
	const char *limit;    /* "0000:00:01.0": the verdict is about these devices only; "" */
	const char *headline; /* "PROVEN since boot, rehearsal", "…, LIMITED to 0000:00:01.0" */
	const char *reason;
	struct row_claim claims[CLAIMS];
	struct row_cond conds[CONDS];
	size_t held, decided_by; /* claims of the verdict that hold, and how many there are */
	size_t met, applicable;	 /* conditions */
	struct row_finding *findings;
	size_t nfindings;
	const char *findings_note;    /* "12 events more, of kinds that are not listed"; "" */
	struct row_example *examples; /* finding by finding */
	size_t nexamples;
	uint64_t refutations;	    /* events and facts that refute; nexamples are shown */
	const char *examples_note;  /* "16 of 1,234 found are listed"; "" all are */
	struct row_device *devices; /* the worst first */
	size_t ndevices;
	struct row_range *ranges;
	size_t nranges;
	bool ranges_complete;
	const char *monitor; /* what the monitor's log says, in one sentence; "" none was given */
	struct row_witness *witness;
	size_t nwitness;
	struct row_fact *facts; /* the run and the machine */
	size_t nfacts;
	struct row_fact *totals;
	size_t ntotals;
	struct row_fact *cost; /* the pool, the forecast, what was copied and how long it took */
	size_t ncost;
	const char *cost_pool, *cost_copied; /* the same for one screen; "" nothing to say */
	struct row_cost *cost_devices;
	size_t ncost_devices;
	struct row_exchange *exchanges;
	size_t nexchanges;
	struct row_block *blocks;
	size_t nblocks;
	const char
		*other_traffic; /* is that all of the program that touched a device?  "" unknown */
	struct row_other *others;
	size_t nothers;
	struct row_sum *sums;
	size_t nsums;
	const char **notes;
	size_t nnotes, cap_notes;
	const char *versions; /* what other versions of ccaio know or said; NULL nothing */
	const char **trust;   /* what is taken for granted */
	size_t ntrust;
	const char *recheck; /* command that judges the evidence again; "" none */
	/* private */
	char **strings;
	size_t nstrings, cap_strings;
};

/* Never fails.  in is not needed afterwards. */
struct rows *rows_new(const struct report_input *in);
void rows_free(struct rows *rows); /* accepts NULL */

/* Nothing but room for strings. */
struct rows *rows_empty(void);

/* The value of a fact, "" where there is none. */
const char *rows_fact(const struct rows *rows, const char *key);

/* Keep a formatted string for the life of the rows (made printable). */
const char *rows_str(struct rows *rows, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same for a finished string, which is freed here. */
const char *rows_take(struct rows *rows, char *raw);

/*
 * Write a long string piece by piece: lists out of evidence are not joined pair by pair.
 * fclose, then rows_take(rows, *text).
 */
FILE *rows_open(char **text, size_t *len);

/* Add a note (kept by the rows already). */
void rows_note(struct rows *rows, const char *note);

/* Both texts, the second on a line of its own; the first may be "". */
const char *rows_lines(struct rows *rows, const char *first, const char *second);

/* Whole numbers with thousands separators: "1,234,567". */
const char *rows_count(struct rows *rows, uint64_t n);

/* "1,234 maps", "1 map": plural is noun + "s". */
const char *rows_counted(struct rows *rows, uint64_t n, const char *noun);

/* Seconds with nanoseconds, as the trace clock has them: "12.345678901 s". */
const char *rows_time(struct rows *rows, uint64_t ns);

/* "0x7a99a800"; "" for EVENT_NO_ADDR. */
const char *rows_addr(struct rows *rows, uint64_t addr);

#endif
