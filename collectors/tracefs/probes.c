/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracefs/probes.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracefs/tracefs.h>
#include <unistd.h>

#include "collectors/decode/probe-names.h"
#include "collectors/kernel/btf.h"
#include "collectors/tracefs/events.h"
#include "collectors/tracefs/instance.h"
#include "collectors/tracefs/tracefs.h"
#include "lib/base/xalloc.h"

#define FORMS 2

/*
 * One probe and its forms, best first.  Plain kprobes: their arguments are named by number, so that
 * the kernel need not search its types for each of them, which takes it far longer
 * than all the rest.  A return probe that knows the arguments needs Linux 6.10.
 * A form is "p" (entry) or "r" (return), the function, and the fields.  {structure.member}, a
 * member's offset, is filled in; {base} is the linear map's offset as one more field, or
 * nothing where it is unknown; {function/N} is nothing where that function takes N arguments,
 * and elsewhere it is no form for this kernel.
 */
#define PACKET "sk=$arg1 skb=$arg2 len=+{sk_buff.len}($arg2):u32"
/* Of an IPv4 socket, which may be older than the recording: its addresses, as they are in it. */
#define ADDRESSES                                                                              \
	" family=+{sock_common.skc_family}($arg1):u16 sport=+{sock_common.skc_num}($arg1):u16" \
	" dport=+{sock_common.skc_dport}($arg1):u16"                                           \
	" saddr=+{sock_common.skc_rcv_saddr}($arg1):u32"                                       \
	" daddr=+{sock_common.skc_daddr}($arg1):u32"

#define BUFFER "vq=$arg1 num=$arg3:u32 data="
#define QUEUE "queue=+0(+{virtqueue.name}($arg1)):string"

#define DEVICE                                                                            \
	"device=+0(+{device.kobj}($arg1)):string" /* the name is a kobject's first member \
						   */

static const struct probe {
	const char *name;
	const char *forms[FORMS];
} probes[] = {
	{ PROBE_DECRYPT,
	  { "r set_memory_decrypted addr=$arg1 numpages=$arg2:s32 "
	    "ret=$retval:s32{base}",
	    "p set_memory_decrypted addr=$arg1 numpages=$arg2:s32{base}" } },
	{ PROBE_ENCRYPT, { "p set_memory_encrypted addr=$arg1 numpages=$arg2:s32{base}" } },
	{ PROBE_TCP_TX, { "p __ip_queue_xmit " PACKET ADDRESSES, "p __ip_queue_xmit " PACKET } },
	{ PROBE_TCP_TX "__v6", { "p inet6_csk_xmit " PACKET } },
	{ PROBE_TCP_RX,
	  { "p tcp_rcv_established " PACKET ADDRESSES, "p tcp_rcv_established " PACKET } },
	{ PROBE_TCP_RX2, { "p tcp_v4_do_rcv " PACKET } },
	/* while a task holds the socket its segments queue up there, and may be joined */
	{ PROBE_TCP_RX "__backlog",
	  { "p tcp_add_backlog " PACKET ADDRESSES, "p tcp_add_backlog " PACKET } },
	/* by its return: it may refuse, and then lengths alone would not always tell */
	{ PROBE_GRO, { "r skb_gro_receive into=$arg1 skb=$arg2 ret=$retval:s32" } },
	{ PROBE_VQ_ADD "__out",
	  { "p virtqueue_add_outbuf " BUFFER "$arg4 " QUEUE " sk=+{sk_buff.sk}($arg4)",
	    "p virtqueue_add_outbuf " BUFFER "$arg4" } },
	{ PROBE_VQ_ADD "__in", { "p virtqueue_add_inbuf " BUFFER "$arg4" } },
	{ PROBE_VQ_ADD "__sgs",
	  { "p virtqueue_add_sgs " BUFFER "$arg5 " QUEUE, "p virtqueue_add_sgs " BUFFER "$arg5" } },
	{ PROBE_VQ_GET, { "r virtqueue_get_buf_ctx vq=$arg1 ret=$retval" } },
	{ PROBE_VQ_KICK, { "p virtqueue_notify vq=$arg1" } },
};

/*
 * For kernels with dma events, whose dma_map_sg_err is for strange errors only: of a list that did
 * not fit in the pool only the bounces are reported, and that it failed is seen by what is
 * returned.
 */
static const struct probe list_failed = {
	PROBE_LIST_FAILED,
	{ "r __dma_map_sg_attrs " DEVICE " nents=$arg3:u32 ret=$retval:s32",
	  "r dma_direct_map_sg " DEVICE " nents=$arg3:u32 ret=$retval:s32" },
};

/*
 * For kernels without dma events (before 6.12): entries and returns of the DMA API, which
 * the decoder puts together (collectors/decode/call.h).
 */
static const struct probe dma_probes[] = {
	{ PROBE_MAP_IN,
	  { "p dma_map_page_attrs " DEVICE " size=$arg4 dir=$arg5:u32 attrs=$arg6" } },
	{ PROBE_MAP, { "r dma_map_page_attrs ret=$retval" } },
	{ PROBE_BOUNCE_IN,
	  { "p swiotlb_map " DEVICE " paddr=$arg2 size=$arg3 dir=$arg4:u32 attrs=$arg5" } },
	{ PROBE_BOUNCE, { "r swiotlb_map ret=$retval" } },
	{ PROBE_UNMAP,
	  { "p dma_unmap_page_attrs " DEVICE " addr=$arg2 size=$arg3 dir=$arg4:u32 attrs=$arg5" } },
	/* before Linux 5.12 the size of the slots came before the direction */
	{ PROBE_RELEASE,
	  { "p swiotlb_tbl_unmap_single{swiotlb_tbl_unmap_single/6} " DEVICE
	    " addr=$arg2 size=$arg3 dir=$arg5:u32 attrs=$arg6",
	    "p swiotlb_tbl_unmap_single " DEVICE
	    " addr=$arg2 size=$arg3 dir=$arg4:u32 attrs=$arg5" } },
	{ PROBE_MAP_SG_IN,
	  { "p dma_direct_map_sg " DEVICE " nents=$arg3:u32 dir=$arg4:u32 attrs=$arg5" } },
	{ PROBE_MAP_SG, { "r dma_direct_map_sg ret=$retval:s32" } },
	{ PROBE_UNMAP_SG_IN,
	  { "p dma_unmap_sg_attrs " DEVICE " nents=$arg3:u32 dir=$arg4:u32 attrs=$arg5" } },
	{ PROBE_UNMAP_SG, { "r dma_unmap_sg_attrs ret=$retval" } },
	{ PROBE_ALLOC_IN, { "p dma_alloc_attrs " DEVICE " size=$arg2" } },
	{ PROBE_ALLOC, { "r dma_alloc_attrs ret=$retval" } },
	{ PROBE_FREE, { "p dma_free_attrs " DEVICE " size=$arg2 virt=$arg3 addr=$arg4" } },
	/* seen, but not followed: a run in which one of these is called stays undecided */
	{ PROBE_BLIND "__resource", { "p dma_map_resource " DEVICE } },
	{ PROBE_BLIND "__pages", { "p dma_alloc_pages " DEVICE } },
	/* since Linux 5.12; what there was before could be an IOMMU's own, too */
	{ PROBE_BLIND "__noncontiguous",
	  { "p dma_alloc_noncontiguous " DEVICE, "p dma_alloc_noncoherent " DEVICE } },
	{ PROBE_BLIND "__iommu", { "p iommu_dma_map_sg " DEVICE } },
	{ PROBE_BLIND "__sync_sg", { "p dma_sync_sg_for_cpu " DEVICE } },
	{ PROBE_BLIND "__sync_sg_device", { "p dma_sync_sg_for_device " DEVICE } },
	{ PROBE_SYNC_CPU,
	  { "p dma_sync_single_for_cpu " DEVICE " addr=$arg2 size=$arg3 dir=$arg4:u32" } },
	{ PROBE_SYNC_DEVICE,
	  { "p dma_sync_single_for_device " DEVICE " addr=$arg2 size=$arg3 dir=$arg4:u32" } },
};

/* The offset of the linear map: of the first RAM segment that /proc/kcore describes.  0 unknown. */
static uint64_t linear_base(void)
{
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	uint64_t base = 0;
	Elf64_Ehdr head;

	if (fd < 0)
		return 0;
	if (pread(fd, &head, sizeof(head), 0) != sizeof(head) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_phentsize != sizeof(Elf64_Phdr))
		head.e_phnum = 0;
	for (unsigned int i = 0; i < head.e_phnum && base == 0; i++) {
		Elf64_Phdr phdr;

		if (pread(fd, &phdr, sizeof(phdr), head.e_phoff + i * sizeof(phdr)) != sizeof(phdr))
			break;
		/* -1 (older: 0) marks what has no physical address: vmalloc, modules */
		if (phdr.p_type == PT_LOAD && phdr.p_paddr != 0 && phdr.p_paddr != (Elf64_Addr)-1)
			base = phdr.p_vaddr - phdr.p_paddr;
	}
	close(fd);
	return base;
}

/* What probes are written with. */
struct words {
	const char *group;
	uint64_t base;	     /* 0 unknown */
	struct types *types; /* NULL: none, or not yet loaded */
	struct types *own;   /* loaded here */
	bool tried;
};

/* What stands for the word of len bytes, in braces in a form.  NULL where it is unknown. */
static char *fill(struct words *words, const char *word, size_t len)
{
	size_t first = strcspn(word, "./}");
	char *of, *what, *value = NULL;
	long offset;

	if (first >= len && words->base == 0)
		return xstrdup("");
	if (first >= len)
		return xasprintf(" base=\\0x%" PRIx64 ":x64", words->base);
	if (!words->types && !words->tried)
		words->types = words->own = btf_load(BTF_KERNEL, NULL);
	words->tried = true;
	if (!words->types)
		return NULL;
	of = xstrndup(word, first);
	what = xstrndup(word + first + 1, len - first - 1);
	if (word[first] == '/') {
		value = btf_arguments(words->types, of) == atoi(what) ? xstrdup("") : NULL;
	} else {
		offset = btf_offset(words->types, of, what);
		value = offset < 0 ? NULL : xasprintf("%ld", offset);
	}
	free(of);
	free(what);
	return value;
}

/* The form with its words filled in (caller frees); NULL where one is unknown. */
static char *write_form(struct words *words, const char *form)
{
	char *text = xstrdup("");

	while (*form) {
		size_t plain = strcspn(form, "{"), len = 0;
		char *value = NULL, *longer;

		if (form[plain] == '{') {
			len = strcspn(form + plain, "}");
			value = fill(words, form + plain + 1, len - 1);
			if (!value) {
				free(text);
				return NULL;
			}
		}
		longer = xasprintf("%s%.*s%s", text, (int)plain, form, value ? value : "");
		free(text);
		free(value);
		text = longer;
		form += plain + len + (len > 0);
	}
	return text;
}

/* What alone is to be recorded of a probe in this form (from 0); NULL everything. */
static const char *filter_of(const struct probe *probe, int form)
{
	/*
	 * Packets only: with other drivers the token may be what they send, of which no byte is to
	 * be recorded as if it were a socket.
	 */
	if (strcmp(probe->name, PROBE_VQ_ADD "__out") == 0 && form == 0)
		return "queue ~ \"output.*\"";
	/* the others have an event of their own */
	if (strcmp(probe->name, PROBE_LIST_FAILED) == 0)
		return "ret <= 0";
	return NULL;
}

/* Create the probe in this form, filled in: "p function fields".  Returns 0 or -errno.  Cuts form.
 */
static int create(const char *group, const char *name, char *form)
{
	char *fields = strchr(form + 2, ' ');
	struct tracefs_dynevent *event;
	int ret = -ENOMEM;

	if (fields)
		*fields++ = '\0';
	if (form[0] == 'r')
		event = tracefs_kretprobe_alloc(group, name, form + 2, fields, 0);
	else
		event = tracefs_kprobe_alloc(group, name, form + 2, fields);
	if (event) {
		errno = 0;
		ret = tracefs_dynevent_create(event) == 0 ? 0 : errno ? -errno : -EINVAL;
		tracefs_dynevent_free(event);
	}
	return ret;
}

static void arm_probe(const struct probe *probe, const struct instance *instance,
		      struct words *words, struct arming *arming)
{
	const char *why = NULL, *filter;
	int ret = -ENOENT, i;

	for (i = 0; i < FORMS && probe->forms[i] && ret < 0; i++) {
		char *text = write_form(words, probe->forms[i]);

		why = text ? NULL : "this kernel does not describe its types (BTF)";
		if (text)
			ret = create(words->group, probe->name, text);
		free(text);
	}
	filter = ret == 0 ? filter_of(probe, i - 1) : NULL;
	if (filter)
		ret = tracefs_event_file_write(instance->files, words->group, probe->name, "filter",
					       filter) < 0
			      ? -errno
			      : 0;
	if (ret == 0)
		ret = arming_enable(arming, instance, words->group, probe->name);
	if (ret == -ENOENT && !why)
		why = "no such function in this kernel";
	if (ret < 0)
		arming_failed(arming, "%s:%s: %s", words->group, probe->name,
			      why ? why : strerror(-ret));
}

/* Has the kernel no dma events, so that probes must stand in for them? */
static bool stand_in(const struct tracing *tracing)
{
	return !tracing_exists(tracing->files, "events/dma");
}

void probes_arm(const struct tracing *tracing, const struct instance *instance, const char *group,
		struct types *types, struct arming *arming)
{
	struct words words = { .group = group, .types = types };

	if (!tracing_exists(tracing->files, "kprobe_events")) {
		arming_failed(arming, "%s: this kernel has no kprobe events", group);
		return;
	}
	words.base = linear_base();
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		arm_probe(&probes[i], instance, &words, arming);
	if (stand_in(tracing))
		for (size_t i = 0; i < sizeof(dma_probes) / sizeof(dma_probes[0]); i++)
			arm_probe(&dma_probes[i], instance, &words, arming);
	else
		arm_probe(&list_failed, instance, &words, arming);
	btf_free(words.own);
}

static bool is_dma_probe(const char *name)
{
	for (size_t i = 0; i < sizeof(dma_probes) / sizeof(dma_probes[0]); i++) {
		if (strcmp(dma_probes[i].name, name) == 0)
			return true;
	}
	return false;
}

struct probes_profile probes_profile(const char *text, bool (*is_asked)(const char *name))
{
	struct probes_profile sum = { 0, 0 }, of;
	char name[128];

	while (text && *text) {
		if (sscanf(text, " %127s %llu %llu", name, &of.hits, &of.misses) == 3 &&
		    is_asked(name)) {
			sum.hits += of.hits;
			sum.misses += of.misses;
		}
		text = strchr(text, '\n');
		text += text != NULL;
	}
	return sum;
}

unsigned long long probes_parse_missed(const char *profile)
{
	return probes_profile(profile, is_dma_probe).misses;
}

unsigned long long probes_missed(const struct tracing *tracing)
{
	char *text = stand_in(tracing) ? tracing_read(tracing->files, "kprobe_profile") : NULL;
	unsigned long long sum = probes_parse_missed(text);

	free(text);
	return sum;
}

int probes_remove(const char *group)
{
	struct tracefs_dynevent **events;
	int ret = 0;

	errno = 0;
	events = tracefs_dynevent_get_all(TRACEFS_DYNEVENT_KPROBE | TRACEFS_DYNEVENT_KRETPROBE,
					  group);
	for (size_t i = 0; events && events[i]; i++) {
		if (tracefs_dynevent_destroy(events[i], false) < 0)
			ret = errno ? -errno : -EBUSY;
	}
	tracefs_dynevent_list_free(events);
	return ret;
}
