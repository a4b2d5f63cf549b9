/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_DECODE_TABLE_H
#define CCAIO_COLLECTORS_DECODE_TABLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * decode_table - which kernel events are understood, and what their fields mean.
 *
 * Adding an event is adding a line to the table.
 */

/* Where a field's value goes. */
enum decode_member {
	DECODE_END, /* no further field */
	DECODE_ORIG,
	DECODE_DMA,
	DECODE_SIZE,
	DECODE_LINK,
	DECODE_ATTRS,
	DECODE_AUX,
	DECODE_DIR,
	DECODE_PID,
	DECODE_SPORT, /* these seven for DECODE_SOCK */
	DECODE_DPORT,
	DECODE_FAMILY,
	DECODE_OLDSTATE,
	DECODE_NEWSTATE,
	DECODE_SADDR, /* 4 bytes in network order */
	DECODE_DADDR,
	DECODE_FULL_NENTS, /* scatter-gather: entries before the event was cut: asked for … */
	DECODE_FULL_ENTS,  /* … and mapped */
	DECODE_TRUNCATED,  /* not 0: the event was cut */
	DECODE_CONTEXT,	   /* common_flags */
	DECODE_FLAGS,	   /* of a call on a socket */
	DECODE_NUMBERS,	   /* members up to here are numbers read by offset and size */

	DECODE_DEV = DECODE_NUMBERS, /* a device or interface name */
	DECODE_DEVT,		     /* a block device number, to become "major:minor" */
	DECODE_TEXT,		     /* the text of a print event */
	DECODE_PHYS_LIST,	     /* scatter-gather: array of 8-byte physical addresses */
	DECODE_DMA_LIST,	     /* array of 8-byte device addresses */
	DECODE_LEN_LIST,	     /* array of 4-byte lengths */
	DECODE_SADDR_V6,	     /* 16 bytes in network order */
	DECODE_DADDR_V6,
	DECODE_CALLERS, /* return addresses of 8 bytes up to the record's end */
	DECODE_RWBS,	/* letters that say what a block request does */
	DECODE_MEMBERS
};

/* What is done with the fields once read. */
enum decode_shape {
	DECODE_FLAT,	  /* nothing more */
	DECODE_REGISTERS, /* a device's own memory, which older kernels do not say in attrs */
	DECODE_BOUNCE,	  /* aux is the FORCE setting: becomes a flag */
	DECODE_ALLOC,	  /* link 0 is an allocation that failed */
	DECODE_LENGTH,	  /* size is a byte count or a negative error */
	DECODE_BLOCK,	  /* aux from the letters */
	DECODE_SECTORS,	  /* the same, and size counts sectors of 512 bytes */
	DECODE_CACHE,	  /* orig is a page's number; aux its order, if reported; dma goes */
	DECODE_PAGES,	  /* size counts pages; orig is the linear map's base, link the address */
	DECODE_MARK,	  /* a print event that may be ccaio's marker */
	DECODE_STACK,	  /* size counts callers; aux becomes the name of their text */
	/* inet_sock_set_state: packed as lib/net/flow.h says */
	DECODE_SOCK,
	DECODE_TCP, /* an IPv4 socket's addresses, packed as lib/net/flow.h says */
	DECODE_SG,  /* one event per entry of the lists */
	/* size is what a list's mapping returned: the event of one that did not fail goes */
	DECODE_LIST_RETURN,
	/* of these three kind is an enum decode_call: collectors/decode/call.h */
	DECODE_ENTER,	/* a function was entered */
	DECODE_LEAVE,	/* it returned dma */
	DECODE_RELEASE, /* a bounce buffer was released */
};

struct decode_source {
	const char *names; /* field name, or several to choose from: "a|b" */
	uint8_t member;	   /* enum decode_member */
	uint8_t optional;  /* the event means something without it */
};

#define DECODE_SOURCES 11 /* the last one of a rule is DECODE_END */

struct decode_rule {
	const char *system, *name;
	uint8_t kind;	/* enum event_kind, or enum decode_call */
	uint8_t shape;	/* enum decode_shape */
	uint16_t flags; /* struct event.flags to begin with */
	struct decode_source sources[DECODE_SOURCES];
};

/* The rule for system:name, or NULL.  System "ccaio" stands for every run's group of probes. */
const struct decode_rule *decode_rule_find(const char *system, const char *name);
/* All rules: what is decoded, and so what is switched on (collectors/tracefs/events.c). */
const struct decode_rule *decode_rules(size_t *count);

#endif
