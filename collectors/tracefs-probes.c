/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracefs-probes.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/probes.h"
#include "collectors/tracefs-events.h"
#include "collectors/tracefs-instance.h"
#include "collectors/tracefs.h"
#include "lib/xalloc.h"

#define FORMS 3
#define NEEDS_BASE 1 /* the form ends in the linear map's offset */

/*
 * One probe and its forms, best first.  fprobes cost least (Linux 6.5 and later, where the
 * architecture has them); argument names need BTF (6.6); a kretprobe's arguments 6.10.
 * "%s" is the group.
 */
static const struct probe {
	const char *name;
	int flags;
	const char *forms[FORMS];
} probes[] = {
	{ PROBE_DECRYPT,
	  NEEDS_BASE,
	  { "f:%s/decrypt set_memory_decrypted%%return addr=addr numpages=numpages ret=$retval",
	    "r:%s/decrypt set_memory_decrypted addr=$arg1 numpages=$arg2 ret=$retval",
	    "p:%s/decrypt set_memory_decrypted addr=$arg1 numpages=$arg2" } },
	{ PROBE_ENCRYPT,
	  NEEDS_BASE,
	  { "f:%s/encrypt set_memory_encrypted addr=addr numpages=numpages",
	    "p:%s/encrypt set_memory_encrypted addr=$arg1 numpages=$arg2" } },
	{ PROBE_TCP_TX,
	  0,
	  { "f:%s/tcp_tx __ip_queue_xmit sk=sk skb=skb sport=sk->__sk_common.skc_num "
	    "dport=sk->__sk_common.skc_dport len=skb->len",
	    "p:%s/tcp_tx __ip_queue_xmit sk=sk skb=skb sport=sk->__sk_common.skc_num "
	    "dport=sk->__sk_common.skc_dport len=skb->len" } },
	{ PROBE_TCP_RX,
	  0,
	  { "f:%s/tcp_rx tcp_rcv_established sk=sk skb=skb len=skb->len",
	    "p:%s/tcp_rx tcp_rcv_established sk=sk skb=skb len=skb->len" } },
	{ PROBE_TCP_RX2,
	  0,
	  { "f:%s/tcp_rx2 tcp_v4_do_rcv sk=sk skb=skb len=skb->len",
	    "p:%s/tcp_rx2 tcp_v4_do_rcv sk=sk skb=skb len=skb->len" } },
	{ PROBE_VQ_ADD,
	  0,
	  { "f:%s/vq_add virtqueue_add_outbuf vq=vq name=vq->name:string idx=vq->index num=num "
	    "data=data",
	    "p:%s/vq_add virtqueue_add_outbuf vq=vq name=vq->name:string idx=vq->index num=num "
	    "data=data" } },
	{ PROBE_VQ_GET,
	  0,
	  { "f:%s/vq_get virtqueue_get_buf_ctx%%return vq=_vq ret=$retval",
	    "r:%s/vq_get virtqueue_get_buf_ctx vq=$arg1 ret=$retval" } },
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

/* "p:%s/name ..." with its group and, where the form wants it, the base. */
static char *format_probe(const struct probe *probe, const char *form, const char *group,
			  uint64_t base)
{
	const char *rest = strstr(form, "%s");
	char *text, *out;
	size_t len = 0;

	/* by hand: the forms are data, not format strings; "%%" is one '%' */
	text = xasprintf("%.*s%s%s", (int)(rest - form), form, group, rest + 2);
	for (char *p = text; *p; p++) {
		text[len++] = *p;
		if (p[0] == '%' && p[1] == '%')
			p++;
	}
	text[len] = '\0';
	if (!(probe->flags & NEEDS_BASE) || base == 0)
		return text;
	out = xasprintf("%s base=\\0x%" PRIx64 ":x64", text, base);
	free(text);
	return out;
}

static void arm_probe(const struct probe *probe, const struct tracing *tracing,
		      const struct instance *instance, const char *group, uint64_t base,
		      struct arming *arming)
{
	int ret = -ENOENT;

	for (int i = 0; i < FORMS && probe->forms[i] && ret < 0; i++) {
		char *text = format_probe(probe, probe->forms[i], group, base);

		ret = tracing_append(tracing->fd, "dynamic_events", text);
		free(text);
	}
	if (ret == 0)
		ret = arming_enable(arming, instance, group, probe->name);
	if (ret < 0)
		arming_failed(arming, "%s:%s: %s", group, probe->name,
			      ret == -ENOENT ? "no such function or dynamic events in this kernel"
					     : strerror(-ret));
}

void probes_arm(const struct tracing *tracing, const struct instance *instance, const char *group,
		struct arming *arming)
{
	uint64_t base;

	if (!tracing_exists(tracing->fd, "dynamic_events")) {
		arming_failed(arming, "%s: this kernel has no dynamic events", group);
		return;
	}
	base = linear_base();
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		arm_probe(&probes[i], tracing, instance, group, base, arming);
}

/* "p:group/name function ...": remove this one if it is of the group.  Cuts line. */
static int remove_line(const struct tracing *tracing, const char *group, char *line)
{
	char *name = strchr(line, ':'), *command;
	size_t len = strlen(group);
	int ret;

	if (!name || strncmp(name + 1, group, len) != 0 || name[1 + len] != '/')
		return 0;
	name++;
	name[strcspn(name, " \t")] = '\0';
	command = xasprintf("-:%s", name);
	ret = tracing_append(tracing->fd, "dynamic_events", command);
	free(command);
	return ret;
}

int probes_remove(const struct tracing *tracing, const char *group)
{
	char *text = tracing_read(tracing->fd, "dynamic_events"), *rest = text, *line;
	int ret = 0;

	if (!text)
		return errno == ENOENT ? 0 : -errno;
	while ((line = strsep(&rest, "\n")) != NULL) {
		int one = remove_line(tracing, group, line);

		if (one < 0)
			ret = one;
	}
	free(text);
	return ret;
}
