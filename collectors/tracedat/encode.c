/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracedat/encode.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "collectors/decode/probe-names.h"
#include "collectors/decode/table.h"
#include "collectors/tracedat/pack.h"
#include "collectors/tracedat/write.h"
#include "lib/base/names.h"

/* A field: its C declaration as the kernel prints it, and what it holds. */
struct field {
	const char *decl, *name;
	uint8_t size;
	uint8_t member; /* enum decode_member */
};

#define FIELDS 10

struct layout {
	const char *system, *name;
	uint16_t id;
	uint8_t kind;	/* enum event_kind */
	uint16_t flags; /* flags that choose this layout among those of the kind */
	struct field fields[FIELDS];
};

#define FIELD(TYPE, NAME, LEN, MEMBER)           \
	{                                        \
		TYPE, NAME, LEN, DECODE_##MEMBER \
	}
#define DEVICE(name) FIELD("__data_loc char[]", name, 4, DEV)
#define U64(name, member) FIELD("u64", name, 8, member)
#define BYTES FIELD("size_t", "size", 8, SIZE)
#define DIRECTION FIELD("enum dma_data_direction", "dir", 4, DIR)
#define ATTRIBUTES FIELD("unsigned long", "attrs", 8, ATTRS)
#define POINTER(name, member) FIELD("void *", name, 8, member)
#define INT(name, member) FIELD("int", name, 4, member)
#define LIST(decl, name, member) FIELD("__data_loc " decl "[]", name, 4, member)

#define SKB_FIELDS POINTER("skbaddr", LINK), FIELD("unsigned int", "len", 4, SIZE), DEVICE("name")
#define TCP_FIELDS U64("skb", LINK), U64("sk", ORIG), FIELD("u32", "len", 4, SIZE)
#define PAGES U64("addr", LINK), FIELD("u32", "numpages", 4, SIZE), INT("ret", AUX)
#define VIRT_FIELDS PAGES
#define PAGES_FIELDS PAGES, U64("base", ORIG), DEVICE("device")

#define ALLOC_FIELDS                                                               \
	DEVICE("device"), POINTER("virt_addr", LINK), U64("dma_addr", DMA), BYTES, \
		FIELD("gfp_t", "flags", 4, END), DIRECTION, ATTRIBUTES
#define FREE_FIELDS                                                                           \
	DEVICE("device"), POINTER("virt_addr", LINK), U64("dma_addr", DMA), BYTES, DIRECTION, \
		ATTRIBUTES
#define SGT_FIELDS \
	DEVICE("device"), LIST("u64", "phys_addrs", END), U64("dma_addr", DMA), BYTES, DIRECTION

#define LAYOUT(SYSTEM, NAME, ID, KIND, FLAGS, ...)     \
	{                                              \
		SYSTEM, NAME, ID, EVENT_##KIND, FLAGS, \
		{                                      \
			__VA_ARGS__                    \
		}                                      \
	}

/* Layouts with flags stand before those of the same kind without. */
static const struct layout layouts[] = {
	LAYOUT("swiotlb", "swiotlb_bounced", 315, BOUNCE, 0, DEVICE("dev_name"),
	       U64("dma_mask", END), FIELD("dma_addr_t", "dev_addr", 8, ORIG), BYTES,
	       FIELD("bool", "force", 1, AUX)),
	LAYOUT("dma", "dma_map_sg", 305, MAP, EVENT_F_SG, DEVICE("device"),
	       INT("full_nents", FULL_NENTS), INT("full_ents", FULL_ENTS),
	       FIELD("bool", "truncated", 1, TRUNCATED), LIST("u64", "phys_addrs", PHYS_LIST),
	       LIST("u64", "dma_addrs", DMA_LIST), LIST("unsigned int", "lengths", LEN_LIST),
	       DIRECTION, ATTRIBUTES),
	LAYOUT(PROBE_GROUP, PROBE_SWM, 1602, MAP, EVENT_F_PROBE, DEVICE("device"),
	       U64("paddr", ORIG), U64("size", SIZE), FIELD("u32", "dir", 4, DIR), U64("ret", DMA)),
	LAYOUT("dma", "dma_map_phys", 314, MAP, 0, DEVICE("device"), U64("phys_addr", ORIG),
	       U64("dma_addr", DMA), BYTES, DIRECTION, ATTRIBUTES),
	LAYOUT("dma", "dma_unmap_sg", 303, UNMAP, EVENT_F_SG, DEVICE("device"),
	       LIST("u64", "addrs", PHYS_LIST), DIRECTION, ATTRIBUTES),
	LAYOUT("dma", "dma_unmap_phys", 313, UNMAP, 0, DEVICE("device"), U64("addr", DMA), BYTES,
	       DIRECTION, ATTRIBUTES),
	LAYOUT("dma", "dma_sync_sg_for_cpu", 300, SYNC_CPU, EVENT_F_SG, DEVICE("device"),
	       LIST("u64", "dma_addrs", DMA_LIST), LIST("unsigned int", "lengths", LEN_LIST),
	       DIRECTION),
	LAYOUT("dma", "dma_sync_single_for_cpu", 302, SYNC_CPU, 0, DEVICE("device"),
	       U64("dma_addr", DMA), BYTES, DIRECTION),
	LAYOUT("dma", "dma_sync_sg_for_device", 299, SYNC_DEVICE, EVENT_F_SG, DEVICE("device"),
	       LIST("u64", "dma_addrs", DMA_LIST), LIST("unsigned int", "lengths", LEN_LIST),
	       DIRECTION),
	LAYOUT("dma", "dma_sync_single_for_device", 301, SYNC_DEVICE, 0, DEVICE("device"),
	       U64("dma_addr", DMA), BYTES, DIRECTION),
	LAYOUT("dma", "dma_alloc", 312, ALLOC, 0, ALLOC_FIELDS),
	LAYOUT("dma", "dma_free", 308, FREE, 0, FREE_FIELDS),
	/* Never written; a kernel that has those above has these, and the judge asks for them. */
	LAYOUT("dma", "dma_alloc_pages", 311, ALLOC, 0, ALLOC_FIELDS),
	LAYOUT("dma", "dma_free_pages", 307, FREE, 0, FREE_FIELDS),
	LAYOUT("dma", "dma_alloc_sgt", 309, ALLOC, 0, SGT_FIELDS),
	LAYOUT("dma", "dma_free_sgt", 306, FREE, 0, SGT_FIELDS),
	LAYOUT(PROBE_GROUP, PROBE_LIST_FAILED, 1612, MAP_FAILED, EVENT_F_PROBE | EVENT_F_SG,
	       DEVICE("device"), FIELD("u32", "nents", 4, AUX), INT("ret", SIZE)),
	LAYOUT("dma", "dma_map_sg_err", 304, MAP_FAILED, 0, DEVICE("device"),
	       LIST("u64", "phys_addrs", PHYS_LIST), INT("err", AUX), DIRECTION, ATTRIBUTES),
	LAYOUT(PROBE_GROUP, PROBE_DECRYPT "__virt", 1608, DECRYPT, EVENT_F_VIRT, VIRT_FIELDS),
	LAYOUT(PROBE_GROUP, PROBE_ENCRYPT "__virt", 1609, ENCRYPT, EVENT_F_VIRT, VIRT_FIELDS),
	LAYOUT(PROBE_GROUP, PROBE_DECRYPT, 1600, DECRYPT, 0, PAGES_FIELDS),
	LAYOUT(PROBE_GROUP, PROBE_ENCRYPT, 1601, ENCRYPT, 0, PAGES_FIELDS),
	LAYOUT(PROBE_GROUP, PROBE_TSM, 1610, TSM, 0, DEVICE("device"),
	       FIELD("u32", "state", 4, AUX)),
	LAYOUT("ftrace", "print", 5, MARK, 0, FIELD("unsigned long", "ip", 8, END),
	       FIELD("char", "buf[]", 0, TEXT)),
	LAYOUT("net", "net_dev_start_xmit", 1449, NET_XMIT_START, 0, SKB_FIELDS),
	LAYOUT("net", "net_dev_xmit", 1448, NET_XMIT, 0, POINTER("skbaddr", LINK),
	       FIELD("unsigned int", "len", 4, SIZE), INT("rc", AUX), DEVICE("name")),
	LAYOUT("net", "netif_receive_skb", 1446, NET_RX, 0, SKB_FIELDS),
	LAYOUT("net", "napi_gro_receive_entry", 1441, NET_ENTER, 0, SKB_FIELDS,
	       FIELD("u16", "queue_mapping", 2, AUX)),
	LAYOUT("sock", "inet_sock_set_state", 1427, SOCK_STATE, 0, POINTER("skaddr", LINK),
	       INT("oldstate", OLDSTATE), INT("newstate", NEWSTATE),
	       FIELD("__u16", "sport", 2, SPORT), FIELD("__u16", "dport", 2, DPORT),
	       FIELD("__u16", "family", 2, FAMILY), FIELD("__u8", "saddr[4]", 4, SADDR),
	       FIELD("__u8", "daddr[4]", 4, DADDR), FIELD("__u8", "saddr_v6[16]", 16, SADDR_V6),
	       FIELD("__u8", "daddr_v6[16]", 16, DADDR_V6)),
	LAYOUT("sock", "sock_send_length", 1426, SOCK_SEND, 0, POINTER("sk", LINK),
	       INT("ret", SIZE)),
	LAYOUT("sock", "sock_recv_length", 1425, SOCK_RECV, 0, POINTER("sk", LINK),
	       INT("ret", SIZE)),
	LAYOUT(PROBE_GROUP, PROBE_TCP_TX, 1603, TCP_TX, 0, TCP_FIELDS),
	LAYOUT(PROBE_GROUP, PROBE_TCP_RX, 1604, TCP_RX, 0, TCP_FIELDS),
	LAYOUT(PROBE_GROUP, PROBE_VQ_ADD, 1605, VQ_ADD, 0, U64("vq", ORIG), U64("data", LINK),
	       FIELD("u32", "num", 4, AUX)),
	LAYOUT(PROBE_GROUP, PROBE_VQ_GET, 1606, VQ_GET, 0, U64("vq", ORIG), U64("ret", LINK)),
	LAYOUT(PROBE_GROUP, PROBE_VQ_KICK, 1607, VQ_KICK, 0, U64("vq", ORIG)),
	LAYOUT(PROBE_GROUP, PROBE_GRO, 1611, NET_MERGE, 0, U64("into", ORIG), U64("skb", LINK),
	       INT("ret", AUX)),
	LAYOUT("sched", "sched_process_fork", 260, FORK, 0, FIELD("pid_t", "parent_pid", 4, PID),
	       FIELD("pid_t", "child_pid", 4, AUX)),
	LAYOUT("sched", "sched_process_exec", 259, EXEC, 0, FIELD("pid_t", "pid", 4, PID)),
	LAYOUT("sched", "sched_process_exit", 263, EXIT, 0, FIELD("pid_t", "pid", 4, PID)),
};

#define LAYOUTS (sizeof(layouts) / sizeof(layouts[0]))
#define COMMON_SIZE 8
#define GUEST_PAGE 4096 /* the page size that a recording of encode's gives */

/* Offset of field i of a layout; with i one past the last, the length of the fixed part. */
static uint32_t field_offset(const struct layout *layout, unsigned int i)
{
	uint32_t off = COMMON_SIZE;

	for (unsigned int k = 0; k < FIELDS && layout->fields[k].decl; k++) {
		uint32_t size = layout->fields[k].size;

		if (size)
			off = (off + size - 1) & ~(size - 1);
		if (k == i)
			return off;
		off += size;
	}
	return off;
}

/* ---- format texts ---- */

struct text {
	char buf[4096];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text->buf + text->len, sizeof(text->buf) - text->len, fmt, ap);
	va_end(ap);
	/* The texts come from the table above and are a tenth of this. */
	text->len += n > 0 ? (size_t)n : 0;
}

static void add_fields(struct text *text, const struct layout *layout)
{
	for (unsigned int i = 0; i < FIELDS && layout->fields[i].decl; i++) {
		const struct field *field = &layout->fields[i];

		add(text, "\tfield:%s %s;\toffset:%u;\tsize:%u;\tsigned:%d;\n", field->decl,
		    field->name, field_offset(layout, i), field->size,
		    strcmp(field->decl, "int") == 0);
	}
}

/* How trace-cmd shall print the event: device first, then the numbers in hexadecimal. */
static void add_print(struct text *text, const struct layout *layout)
{
	struct text args = { .len = 0 };

	if (layout->kind == EVENT_MARK) {
		add(text, "\nprint fmt: \"%%ps: %%s\", (void *)REC->ip, REC->buf\n");
		return;
	}
	add(text, "\nprint fmt: \"");
	for (unsigned int i = 0; i < FIELDS && layout->fields[i].decl; i++) {
		const struct field *field = &layout->fields[i];

		if (field->member == DECODE_DEV) {
			add(text, "%s%%s", i ? " " : "");
			add(&args, ", __get_str(%s)", field->name);
		} else if (strncmp(field->decl, "__data_loc", 10) != 0) {
			add(text, "%s%s=%%llx", i ? " " : "", field->name);
			add(&args, ", (unsigned long long)REC->%s", field->name);
		}
	}
	add(text, "\"%s\n", args.buf);
}

void encode_formats(struct tracedat_writer *writer)
{
	tracedat_writer_header(writer, tracedat_pack_header_page, strlen(tracedat_pack_header_page),
			       tracedat_pack_header_event, strlen(tracedat_pack_header_event));
	for (size_t i = 0; i < LAYOUTS; i++) {
		struct text text = { .len = 0 };

		add(&text,
		    "name: %s\nID: %u\nformat:\n"
		    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
		    "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
		    "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
		    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n",
		    layouts[i].name, layouts[i].id);
		add_fields(&text, &layouts[i]);
		add_print(&text, &layouts[i]);
		tracedat_writer_format(writer, layouts[i].system, text.buf, text.len);
	}
}

/* ---- records ---- */

static const struct layout *layout_find(const struct event *event)
{
	unsigned int kind = event->kind == EVENT_SG_TRUNCATED ? EVENT_MAP : event->kind;
	unsigned int flags = event->flags | (event->kind == EVENT_SG_TRUNCATED ? EVENT_F_SG : 0);

	for (size_t i = 0; i < LAYOUTS; i++)
		if (layouts[i].kind == kind && (layouts[i].flags & flags) == layouts[i].flags)
			return &layouts[i];
	return NULL;
}

/* Put bytes behind the fixed part; returns the __data_loc that points there. */
static uint32_t append(uint8_t *buf, size_t *len, const void *p, size_t size, size_t align)
{
	uint32_t at = (uint32_t)((*len + align - 1) & ~(align - 1));

	memcpy(buf + at, p, size);
	*len = at + size;
	return at | (uint32_t)size << 16;
}

static uint64_t member_value(const struct event *event, unsigned int member)
{
	bool cut = event->kind == EVENT_SG_TRUNCATED;
	bool pages = event->kind == EVENT_DECRYPT || event->kind == EVENT_ENCRYPT;

	switch (member) {
	case DECODE_ORIG:
		return pages ? event->link - event->orig : event->orig;
	case DECODE_DMA:
		return event->dma;
	case DECODE_SIZE:
		return pages ? event->size / GUEST_PAGE : event->size;
	case DECODE_LINK:
		return event->link;
	case DECODE_ATTRS:
		return event->attrs;
	case DECODE_AUX:
		return event->kind == EVENT_BOUNCE ? !!(event->flags & EVENT_F_FORCED) : event->aux;
	case DECODE_DIR:
		return event->dir;
	case DECODE_PID:
		return (uint32_t)event->pid;
	case DECODE_OLDSTATE:
		return event->aux >> 8 & 0xff;
	case DECODE_NEWSTATE:
		return event->aux & 0xff;
	case DECODE_FAMILY:
		return AF_INET; /* the model has no other */
	case DECODE_SPORT:
		return event->size >> 16;
	case DECODE_DPORT:
		return event->size & 0xffff;
	case DECODE_SADDR:
		return htonl((uint32_t)event->orig);
	case DECODE_DADDR:
		return htonl((uint32_t)event->dma);
	case DECODE_FULL_NENTS:
	case DECODE_FULL_ENTS:
		return cut ? event->aux : 1;
	case DECODE_TRUNCATED:
		return cut;
	}
	return 0;
}

/* A list of one entry; of none where entries are missing. */
static uint32_t append_list(const struct event *event, unsigned int member, uint8_t *buf,
			    size_t *len)
{
	uint32_t length = (uint32_t)event->size;
	bool cut = event->kind == EVENT_SG_TRUNCATED;

	switch (member) {
	case DECODE_PHYS_LIST:
		return append(buf, len, &event->orig, cut ? 0 : 8, 8);
	case DECODE_DMA_LIST:
		return append(buf, len, &event->dma, cut ? 0 : 8, 8);
	case DECODE_LEN_LIST:
		return append(buf, len, &length, cut ? 0 : 4, 4);
	default:
		return append(buf, len, &length, 0, 4);
	}
}

static const char *mark_word(uint32_t mark)
{
	switch (mark) {
	case EVENT_MARK_START:
		return "start";
	case EVENT_MARK_COUNT:
		return "count";
	case EVENT_MARK_REST:
		return "rest";
	case EVENT_MARK_SNAPSHOT:
		return "memory";
	default:
		return "stop";
	}
}

size_t encode_record(const struct event *event, const struct names *names, uint8_t *buf)
{
	const struct layout *layout = layout_find(event);
	const char *dev = names_get(names, event->dev);
	size_t dev_len = strnlen(dev, 64), len;
	char name[65];

	if (!layout)
		return 0;
	memset(buf, 0, ENCODE_MAX);
	memcpy(buf, &layout->id, 2);
	buf[2] = event->context; /* common_flags */
	memcpy(buf + 4, &event->pid, 4);
	memcpy(name, dev, dev_len);
	name[dev_len] = '\0';
	len = field_offset(layout, FIELDS);
	for (unsigned int i = 0; i < FIELDS && layout->fields[i].decl; i++) {
		const struct field *field = &layout->fields[i];
		uint32_t off = field_offset(layout, i);
		uint64_t value;

		if (field->member == DECODE_TEXT) {
			len = off + 1 +
			      (size_t)sprintf((char *)buf + off,
					      "ccaio: %s nonce=%016" PRIx64 " cpu=%u\n",
					      mark_word(event->aux), event->link, event->cpu);
			continue;
		}
		if (field->member == DECODE_DEV)
			value = append(buf, &len, name, dev_len + 1, 1);
		else if (strncmp(field->decl, "__data_loc", 10) == 0)
			value = append_list(event, field->member, buf, &len);
		else
			value = member_value(event, field->member);
		/* an IPv6 address stays 0 */
		memcpy(buf + off, &value,
		       field->size < sizeof(value) ? field->size : sizeof(value));
	}
	return len;
}
