/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/packets/packet-file.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/exchange/exchange.h"
#include "lib/net/flow.h"

#define NSEC 1000000000ull
#define SLL2_HEADER 20
#define PACKET_OUTGOING_TYPE 4
#define ARPHRD_ETHERNET 1
#define MAX_LEN 262144
#define IFACES 64

/* ---- writing ---- */

static void le32(FILE *out, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	fwrite(b, 1, sizeof(b), out);
}

void packet_writer_begin(const struct packet_writer *w)
{
	le32(w->out, 0xa1b23c4d);  /* pcap, nanoseconds */
	le32(w->out, 2 | 4 << 16); /* version 2.4 */
	le32(w->out, 0);
	le32(w->out, 0);
	le32(w->out, MAX_LEN);
	le32(w->out, DLT_LINUX_SLL2);
}

/* How much of a packet is headers. */
static uint32_t headers(const struct packet *p)
{
	struct segment s;
	uint32_t ip = 0;

	if (segment_parse(&s, p))
		return s.ip_header + s.tcp_header;
	/* IP and UDP; nothing of what else there may be */
	if (p->ethertype == 0x0800 && p->cap >= 20)
		ip = (p->l3[0] & 15u) * 4 + 8;
	else if (p->ethertype == 0x86dd)
		ip = 48;
	return ip < p->cap ? ip : p->cap;
}

void packet_writer_add(const struct packet_writer *w, const struct packet *p, uint32_t iface)
{
	uint32_t cap = w->whole ? p->cap : headers(p);
	uint64_t ts = p->ts_ns + (uint64_t)w->offset_ns;
	uint8_t head[SLL2_HEADER] = { 0 };

	head[0] = (uint8_t)(p->ethertype >> 8);
	head[1] = (uint8_t)p->ethertype;
	for (int i = 0; i < 4; i++)
		head[4 + i] = (uint8_t)(iface >> 8 * (3 - i));
	head[9] = ARPHRD_ETHERNET;
	head[10] = p->dir == FLOW_OUT ? PACKET_OUTGOING_TYPE : 0;
	head[11] = 0; /* link addresses are left out */
	le32(w->out, (uint32_t)(ts / NSEC));
	le32(w->out, (uint32_t)(ts % NSEC));
	le32(w->out, SLL2_HEADER + cap);
	le32(w->out, SLL2_HEADER + p->len);
	fwrite(head, 1, sizeof(head), w->out);
	fwrite(p->l3, 1, cap, w->out);
}

/* ---- reading ---- */

struct packet_reader {
	pcap_t *pcap;
	char *path;
	int link;
	int64_t offset_ns;
	uint32_t read; /* packets so far */
	struct names *names;
	struct {
		uint32_t index;
		uint16_t name;
	} ifaces[IFACES];
	size_t nifaces;
};

struct packet_reader *packet_reader_open(FILE *in, const char *path, const struct exchanges *x,
					 struct names *names, struct err *err)
{
	struct packet_reader *r = xcalloc(1, sizeof(*r));
	char why[PCAP_ERRBUF_SIZE] = "";

	r->path = xstrdup(path);
	r->names = names;
	r->offset_ns = x ? x->capture.realtime_offset_ns : 0;
	for (size_t i = 0; x && i < x->capture.nifaces && i < IFACES; i++) {
		r->ifaces[r->nifaces].index = x->capture.ifaces[i].index;
		r->ifaces[r->nifaces++].name = names_intern(names, x->capture.ifaces[i].name,
							    strlen(x->capture.ifaces[i].name));
	}
	r->pcap = pcap_fopen_offline_with_tstamp_precision(in, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!r->pcap) {
		fclose(in);
		err_set(err, EINVAL, "cannot read packets of %s: %s", path, why);
		packet_reader_close(r);
		return NULL;
	}
	r->link = pcap_datalink(r->pcap);
	if (r->link != DLT_EN10MB && r->link != DLT_LINUX_SLL && r->link != DLT_LINUX_SLL2) {
		err_set(err, EINVAL, "cannot read packets of %s: link type %d is not supported",
			path, r->link);
		packet_reader_close(r);
		return NULL;
	}
	return r;
}

void packet_reader_close(struct packet_reader *r)
{
	if (!r)
		return;
	if (r->pcap)
		pcap_close(r->pcap);
	free(r->path);
	free(r);
}

static uint16_t iface_name(struct packet_reader *r, uint32_t index)
{
	char name[24];

	for (size_t i = 0; i < r->nifaces; i++)
		if (r->ifaces[i].index == index)
			return r->ifaces[i].name;
	snprintf(name, sizeof(name), r->link == DLT_LINUX_SLL2 ? "if%u" : "eth0", index);
	if (r->nifaces == IFACES)
		return r->ifaces[IFACES - 1].name;
	r->ifaces[r->nifaces].index = index;
	r->ifaces[r->nifaces].name = names_intern(r->names, name, strlen(name));
	return r->ifaces[r->nifaces++].name;
}

int packet_reader_next(struct packet_reader *r, struct packet *p, struct err *err)
{
	struct pcap_pkthdr *head;
	const u_char *data;
	uint32_t index = 0;
	bool ok;
	int ret;

	for (;;) {
		ret = pcap_next_ex(r->pcap, &head, &data);
		if (ret == PCAP_ERROR_BREAK)
			return 0;
		if (ret != 1)
			return err_set(err, EINVAL, "cannot read packets of %s: %s", r->path,
				       pcap_geterr(r->pcap));
		memset(p, 0, sizeof(*p));
		p->number = ++r->read;
		p->dir = FLOW_DIR_UNKNOWN;
		if (r->link == DLT_EN10MB)
			ok = packet_from_ethernet(p, data, head->caplen, head->len);
		else
			ok = packet_from_cooked(p, data, head->caplen, head->len,
						r->link == DLT_LINUX_SLL2, &index);
		if (!ok)
			continue; /* too short to be a packet of anybody */
		p->ts_ns = (uint64_t)head->ts.tv_sec * NSEC + (uint64_t)head->ts.tv_usec -
			   (uint64_t)r->offset_ns;
		p->iface = iface_name(r, index);
		return 1;
	}
}
