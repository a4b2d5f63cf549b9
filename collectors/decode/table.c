/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/decode/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "collectors/decode/call.h"
#include "collectors/decode/probe-names.h"
#include "lib/evidence/event.h"

/* A field that the event needs, and one that it means something without. */
#define F(name, member)                  \
	{                                \
		name, DECODE_##member, 0 \
	}
#define O(name, member)                  \
	{                                \
		name, DECODE_##member, 1 \
	}
#define FIELDS(...)                         \
	{                                   \
		__VA_ARGS__,                \
		{                           \
			NULL, DECODE_END, 0 \
		}                           \
	}

/*
 * Field names as in the kernel's include/trace/events/{swiotlb,dma,net,sock,block,sched}.h,
 * 6.1 to 7.2.  Old and new names of one event are both listed; a kernel has one of them.
 */

#define MAP_FIELDS                                                                          \
	FIELDS(F("device", DEV), F("phys_addr", ORIG), F("dma_addr", DMA), F("size", SIZE), \
	       F("dir", DIR), F("attrs", ATTRS))
#define UNMAP_FIELDS \
	FIELDS(F("device", DEV), F("addr", DMA), F("size", SIZE), F("dir", DIR), F("attrs", ATTRS))
/* Early 6.12 reported the physical address and no direction; since then the virtual address. */
#define ALLOC_FIELDS                                                                             \
	FIELDS(F("device", DEV), O("virt_addr", LINK), O("phys_addr", ORIG), F("dma_addr", DMA), \
	       F("size", SIZE), O("dir", DIR), O("attrs", ATTRS))
#define SGT_FIELDS                                                                   \
	FIELDS(F("device", DEV), F("dma_addr", DMA), F("size", SIZE), O("dir", DIR), \
	       O("attrs", ATTRS))
/* argN: of a probe of the kernel command line whose arguments have no names */
#define PAGES_FIELDS                                                                           \
	FIELDS(F("addr|arg1", LINK), F("numpages|arg2", SIZE), O("base", ORIG), O("ret", AUX), \
	       O("device", DEV))
#define SYNC_FIELDS FIELDS(F("device", DEV), F("dma_addr", DMA), F("size", SIZE), F("dir", DIR))
#define SYNC_SG_FIELDS \
	FIELDS(F("device", DEV), F("dma_addrs", DMA_LIST), F("lengths", LEN_LIST), F("dir", DIR))

/* order came with Linux 6.6: until then each page of a folio has its own event */
#define CACHE_FIELDS FIELDS(F("pfn", ORIG), F("i_ino", LINK), F("s_dev", AUX), O("order", SIZE))

#define SYNC_PROBE_FIELDS FIELDS(F("device", DEV), F("addr", DMA), F("size", SIZE), F("dir", DIR))
#define TCP_FIELDS                                                                 \
	FIELDS(F("skb", LINK), F("sk", ORIG), F("len", SIZE), O("family", FAMILY), \
	       O("sport", SPORT), O("dport", DPORT), O("saddr", SADDR), O("daddr", DADDR))
#define CALL_SG_FIELDS FIELDS(F("device", DEV), F("nents", AUX), F("dir", DIR), F("attrs", ATTRS))
#define RETURN_FIELDS FIELDS(F("ret", DMA))
#define SKB_FIELDS FIELDS(F("name", DEV), F("skbaddr", LINK), F("len", SIZE))
#define SOCK_BYTES_FIELDS                                                                     \
	FIELDS(F("sk", LINK), F("ret|length", SIZE), O("family", FAMILY), O("protocol", AUX), \
	       O("flags", FLAGS))

/* One of ccaio's own dynamic events: collectors/decode/probe-names.h. */
#define PROBE(NAME, KIND, SHAPE, ...)                                                       \
	{                                                                                   \
		PROBE_GROUP, PROBE_##NAME, KIND, DECODE_##SHAPE, EVENT_F_PROBE, __VA_ARGS__ \
	}

static const struct decode_rule rules[] = {
	{ "swiotlb", "swiotlb_bounced", EVENT_BOUNCE, DECODE_BOUNCE, 0,
	  FIELDS(F("dev_name", DEV), F("dev_addr", ORIG), F("size", SIZE),
		 O("force|swiotlb_force", AUX), O("common_flags", CONTEXT)) },

	{ "dma", "dma_map_page", EVENT_MAP, DECODE_FLAT, 0, MAP_FIELDS },
	{ "dma", "dma_map_phys", EVENT_MAP, DECODE_FLAT, 0, MAP_FIELDS },
	{ "dma", "dma_map_resource", EVENT_MAP, DECODE_REGISTERS, 0, MAP_FIELDS },
	{ "dma", "dma_unmap_page", EVENT_UNMAP, DECODE_FLAT, 0, UNMAP_FIELDS },
	{ "dma", "dma_unmap_phys", EVENT_UNMAP, DECODE_FLAT, 0, UNMAP_FIELDS },
	{ "dma", "dma_unmap_resource", EVENT_UNMAP, DECODE_REGISTERS, 0, UNMAP_FIELDS },
	{ "dma", "dma_alloc", EVENT_ALLOC, DECODE_ALLOC, 0, ALLOC_FIELDS },
	{ "dma", "dma_alloc_pages", EVENT_ALLOC, DECODE_ALLOC, 0, ALLOC_FIELDS },
	{ "dma", "dma_alloc_sgt", EVENT_ALLOC, DECODE_FLAT, 0, SGT_FIELDS },
	{ "dma", "dma_alloc_sgt_err", EVENT_MAP_FAILED, DECODE_FLAT, 0, ALLOC_FIELDS },
	{ "dma", "dma_free", EVENT_FREE, DECODE_FLAT, 0, ALLOC_FIELDS },
	{ "dma", "dma_free_pages", EVENT_FREE, DECODE_FLAT, 0, ALLOC_FIELDS },
	{ "dma", "dma_free_sgt", EVENT_FREE, DECODE_FLAT, 0, SGT_FIELDS },
	{ "dma", "dma_map_sg", EVENT_MAP, DECODE_SG, EVENT_F_SG,
	  FIELDS(F("device", DEV), F("phys_addrs", PHYS_LIST), F("dma_addrs", DMA_LIST),
		 F("lengths", LEN_LIST), F("dir", DIR), F("attrs", ATTRS),
		 O("full_nents", FULL_NENTS), O("full_ents", FULL_ENTS),
		 O("truncated", TRUNCATED)) },
	/* These addresses are physical: sg_phys() of each entry. */
	{ "dma", "dma_unmap_sg", EVENT_UNMAP, DECODE_SG, EVENT_F_SG | EVENT_F_BY_ORIG,
	  FIELDS(F("device", DEV), F("addrs", PHYS_LIST), F("dir", DIR), F("attrs", ATTRS)) },
	/*
	 * All entries; those before the one that failed were bounced.  Told of strange errors only:
	 * of a list that did not fit in the pool (EIO, ENOMEM) the kernel reports nothing
	 * (__dma_map_sg_attrs(), kernel/dma/mapping.c), but the probe does that is below.
	 */
	{ "dma", "dma_map_sg_err", EVENT_MAP_FAILED, DECODE_SG, EVENT_F_SG,
	  FIELDS(F("device", DEV), F("phys_addrs", PHYS_LIST), F("err", AUX), F("dir", DIR),
		 O("attrs", ATTRS)) },
	{ "dma", "dma_sync_single_for_cpu", EVENT_SYNC_CPU, DECODE_FLAT, 0, SYNC_FIELDS },
	{ "dma", "dma_sync_single_for_device", EVENT_SYNC_DEVICE, DECODE_FLAT, 0, SYNC_FIELDS },
	{ "dma", "dma_sync_sg_for_cpu", EVENT_SYNC_CPU, DECODE_SG, EVENT_F_SG, SYNC_SG_FIELDS },
	{ "dma", "dma_sync_sg_for_device", EVENT_SYNC_DEVICE, DECODE_SG, EVENT_F_SG,
	  SYNC_SG_FIELDS },

	{ "ftrace", "kernel_stack", EVENT_STACK, DECODE_STACK, 0,
	  FIELDS(F("size", SIZE), F("caller", CALLERS)) },
	{ "ftrace", "print", EVENT_MARK, DECODE_MARK, 0, FIELDS(F("buf", TEXT)) },

	{ "net", "net_dev_start_xmit", EVENT_NET_XMIT_START, DECODE_FLAT, 0, SKB_FIELDS },
	{ "net", "net_dev_xmit", EVENT_NET_XMIT, DECODE_FLAT, 0,
	  FIELDS(F("name", DEV), F("skbaddr", LINK), F("len", SIZE), F("rc", AUX)) },
	{ "net", "netif_receive_skb", EVENT_NET_RX, DECODE_FLAT, 0, SKB_FIELDS },
	{ "net", "napi_gro_receive_entry", EVENT_NET_ENTER, DECODE_FLAT, 0,
	  FIELDS(F("name", DEV), F("skbaddr", LINK), F("len", SIZE), O("queue_mapping", AUX)) },

	{ "sock", "inet_sock_set_state", EVENT_SOCK_STATE, DECODE_SOCK, 0,
	  FIELDS(F("skaddr", LINK), F("oldstate", OLDSTATE), F("newstate", NEWSTATE),
		 F("sport", SPORT), F("dport", DPORT), F("family", FAMILY), F("saddr", SADDR),
		 F("daddr", DADDR), F("saddr_v6", SADDR_V6), F("daddr_v6", DADDR_V6)) },
	{ "sock", "sock_send_length", EVENT_SOCK_SEND, DECODE_LENGTH, 0, SOCK_BYTES_FIELDS },
	{ "sock", "sock_recv_length", EVENT_SOCK_RECV, DECODE_LENGTH, 0, SOCK_BYTES_FIELDS },

	{ "block", "block_bio_queue", EVENT_BLK_QUEUE, DECODE_SECTORS, 0,
	  FIELDS(F("dev", DEVT), F("sector", DMA), F("nr_sector", SIZE), O("rwbs", RWBS)) },
	{ "block", "block_rq_issue", EVENT_BLK_ISSUE, DECODE_BLOCK, 0,
	  FIELDS(F("dev", DEVT), F("sector", DMA), F("bytes", SIZE), O("rwbs", RWBS)) },
	{ "block", "block_rq_complete", EVENT_BLK_COMPLETE, DECODE_SECTORS, 0,
	  FIELDS(F("dev", DEVT), F("sector", DMA), F("nr_sector", SIZE), O("rwbs", RWBS)) },

	{ "filemap", "mm_filemap_add_to_page_cache", EVENT_PAGE_IN, DECODE_CACHE, 0, CACHE_FIELDS },
	{ "filemap", "mm_filemap_delete_from_page_cache", EVENT_PAGE_OUT, DECODE_CACHE, 0,
	  CACHE_FIELDS },

	{ "sched", "sched_process_fork", EVENT_FORK, DECODE_FLAT, 0,
	  FIELDS(F("parent_pid", PID), F("child_pid", AUX)) },
	{ "sched", "sched_process_exec", EVENT_EXEC, DECODE_FLAT, 0,
	  FIELDS(F("pid", PID), O("old_pid", AUX)) },
	{ "sched", "sched_process_exit", EVENT_EXIT, DECODE_FLAT, 0, FIELDS(F("pid", PID)) },

	PROBE(SWM, EVENT_MAP, FLAT,
	      FIELDS(F("device", DEV), F("paddr", ORIG), F("ret", DMA), F("size", SIZE),
		     F("dir", DIR))),
	{ PROBE_GROUP, PROBE_LIST_FAILED, EVENT_MAP_FAILED, DECODE_LIST_RETURN,
	  EVENT_F_PROBE | EVENT_F_SG,
	  FIELDS(F("device", DEV), F("nents", AUX), F("ret", SIZE), F("common_flags", CONTEXT)) },
	PROBE(DECRYPT, EVENT_DECRYPT, PAGES, PAGES_FIELDS),
	PROBE(ENCRYPT, EVENT_ENCRYPT, PAGES, PAGES_FIELDS),
	PROBE(TSM, EVENT_TSM, FLAT, FIELDS(F("device", DEV), F("state", AUX))),
	PROBE(TCP_TX, EVENT_TCP_TX, TCP, TCP_FIELDS),
	PROBE(TCP_RX, EVENT_TCP_RX, TCP, TCP_FIELDS),
	PROBE(TCP_RX2, EVENT_TCP_RX, TCP, TCP_FIELDS),
	PROBE(GRO, EVENT_NET_MERGE, FLAT, FIELDS(F("into", ORIG), F("skb", LINK), O("ret", AUX))),
	PROBE(VQ_ADD, EVENT_VQ_ADD, FLAT,
	      FIELDS(F("vq", ORIG), F("data", LINK), O("num", AUX), O("queue", DEV), O("sk", DMA))),
	PROBE(VQ_GET, EVENT_VQ_GET, FLAT, FIELDS(F("vq", ORIG), F("ret", LINK))),
	PROBE(VQ_KICK, EVENT_VQ_KICK, FLAT, FIELDS(F("vq", ORIG))),
	/* for kernels without dma events */
	PROBE(MAP_IN, DECODE_CALL_MAP, ENTER,
	      FIELDS(F("device", DEV), F("size", SIZE), F("dir", DIR), F("attrs", ATTRS))),
	PROBE(MAP, DECODE_CALL_MAP, LEAVE, RETURN_FIELDS),
	PROBE(BOUNCE_IN, DECODE_CALL_BOUNCE, ENTER,
	      FIELDS(F("device", DEV), F("paddr", ORIG), F("size", SIZE), F("dir", DIR),
		     F("attrs", ATTRS))),
	PROBE(BOUNCE, DECODE_CALL_BOUNCE, LEAVE, RETURN_FIELDS),
	PROBE(UNMAP, EVENT_UNMAP, FLAT, UNMAP_FIELDS),
	PROBE(RELEASE, EVENT_UNMAP, RELEASE, UNMAP_FIELDS),
	PROBE(MAP_SG_IN, DECODE_CALL_MAP_SG, ENTER, CALL_SG_FIELDS),
	PROBE(MAP_SG, DECODE_CALL_MAP_SG, LEAVE, RETURN_FIELDS),
	PROBE(UNMAP_SG_IN, DECODE_CALL_UNMAP_SG, ENTER, CALL_SG_FIELDS),
	PROBE(UNMAP_SG, DECODE_CALL_UNMAP_SG, LEAVE, RETURN_FIELDS),
	PROBE(ALLOC_IN, DECODE_CALL_ALLOC, ENTER, FIELDS(F("device", DEV), F("size", SIZE))),
	PROBE(ALLOC, DECODE_CALL_ALLOC, LEAVE, RETURN_FIELDS),
	PROBE(FREE, EVENT_FREE, FLAT,
	      FIELDS(F("device", DEV), F("addr", DMA), F("size", SIZE), F("virt", LINK))),
	PROBE(BLIND, EVENT_UNDECODED, FLAT, FIELDS(F("device", DEV))),
	PROBE(SYNC_CPU, EVENT_SYNC_CPU, FLAT, SYNC_PROBE_FIELDS),
	PROBE(SYNC_DEVICE, EVENT_SYNC_DEVICE, FLAT, SYNC_PROBE_FIELDS),
};

/* Is this name the rule's, or for a probe a variant of it: "vq_add__sgs"? */
static bool is_called(const struct decode_rule *rule, const char *name)
{
	size_t len = strlen(rule->name);

	if (strncmp(rule->name, name, len) != 0)
		return false;
	return name[len] == '\0' ||
	       (strcmp(rule->system, PROBE_GROUP) == 0 && strncmp(name + len, "__", 2) == 0);
}

const struct decode_rule *decode_rule_find(const char *system, const char *name)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strcmp(rules[i].system, system) == 0 && is_called(&rules[i], name))
			return &rules[i];
	return NULL;
}

const struct decode_rule *decode_rules(size_t *count)
{
	*count = sizeof(rules) / sizeof(rules[0]);
	return rules;
}
