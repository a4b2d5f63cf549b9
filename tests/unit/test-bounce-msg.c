/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* FF-A's ownership rules, the layouts of both revisions, and the bus between the two ends. */
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/le.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/msg/backend.h"
#include "lib/bounce/msg/bus.h"
#include "lib/bounce/msg/ffa.h"
#include "lib/bounce/selftest/machine.h"
#include "tests/unit/test.h"

#define BASE 0x80000000u

static unsigned int changes;
static uint64_t changed_ipa, changed_size;
static bool changed_shared;

static void changed(void *ctx, uint64_t ipa, uint64_t size, bool shared)
{
	(void)ctx;
	changes++;
	changed_ipa = ipa;
	changed_size = size;
	changed_shared = shared;
}

static void ownership(void)
{
	struct realm *r = realm_new(BASE, 1u << 20, 0, 1);
	struct ffa *f = ffa_new(r);
	struct ffa_partition a = { .id = 1 }, b = { .id = 2, .uuid = { 7 } };
	uint64_t h, h2, ipa;
	uint32_t pages;

	ffa_add_partition(f, &a);
	ffa_add_partition(f, &b);
	ffa_on_change(f, changed, NULL);
	check(ffa_partition_info(f, b.uuid)->id == 2);
	memset(realm_ptr(r, BASE, 4096), 'x', 4096);
	check(ffa_share(f, 1, 2, BASE, 2, &h) == FFA_SUCCESS && ffa_pages(f) == 2);
	check(changes == 1 && changed_ipa == BASE && changed_size == 8192 && changed_shared);
	check(*realm_ptr(r, BASE, 1) == 'x'); /* content is kept */
	/* no reclaim before relinquish, no double retrieve, nobody else's handle */
	check(ffa_retrieve(f, 1, h, &ipa, &pages) == FFA_DENIED);
	check(ffa_retrieve(f, 2, h, &ipa, &pages) == FFA_SUCCESS && ipa == BASE && pages == 2);
	check(ffa_retrieve(f, 2, h, &ipa, &pages) == FFA_DENIED);
	check(ffa_reclaim(f, 1, h) == FFA_DENIED);
	check(ffa_reclaim(f, 2, h) == FFA_DENIED);
	check(ffa_relinquish(f, 1, h) == FFA_DENIED);
	check(ffa_relinquish(f, 2, h) == FFA_SUCCESS);
	check(ffa_relinquish(f, 2, h) == FFA_DENIED);
	/* a page of two shares stays until the second is reclaimed */
	check(ffa_share(f, 1, 2, BASE + 4096, 2, &h2) == FFA_SUCCESS && h2 != h);
	check(changes == 2 && changed_ipa == BASE + 8192 && changed_size == 4096);
	check(ffa_reclaim(f, 1, h) == FFA_SUCCESS);
	check(changes == 3 && changed_ipa == BASE && changed_size == 4096 && !changed_shared);
	check(realm_state(r, BASE + 4096) == REALM_SHARED);
	check(ffa_reclaim(f, 1, h) == FFA_INVALID_PARAMETERS);
	check(ffa_reclaim(f, 1, h2) == FFA_SUCCESS && ffa_pages(f) == 0);
	check(ffa_pages_hiwater(f) == 3 && realm_all(r, BASE, 12288, REALM_PROTECTED));
	check(ffa_share(f, 1, 1, BASE, 1, &h) == FFA_INVALID_PARAMETERS);
	check(ffa_share(f, 1, 2, BASE + 5, 1, &h) == FFA_INVALID_PARAMETERS);
	check(ffa_share(f, 1, 2, BASE, 1000, &h) == FFA_INVALID_PARAMETERS);
	realm_set_state(r, BASE, 4096, REALM_SHARED); /* given away by other means */
	check(ffa_share(f, 1, 2, BASE, 1, &h) == FFA_DENIED);
	check(ffa_denied(f) == 7);
	ffa_free(f);
	realm_free(r);
}

/* The bytes of both revisions, as the public drafts lay them out. */
static void layouts(void)
{
	struct msg_device_info in = { 1, 2, 64, 12, 3 }, out;
	struct msg_vqueue q = { .index = 1,
				.max = 9,
				.num = 8,
				.enabled = true,
				.desc = 0x11,
				.driver = 0x22,
				.device = 0x33 },
			  got;
	struct msg_devices d = { .offset = 0, .count = 8, .next = 3, .bitmap = 1 }, dd;
	uint8_t raw[64] = { 0 };
	struct msg m;

	msg_init(&m, MSG_BUS, MSG_FFA_AREA_SHARE, 5, 0x1234, MSG_AREA_SIZE);
	check(m.size == 34 && m.bytes[0] == 2 && m.bytes[1] == 0x81 && m.bytes[2] == 5);
	check(get_le16(m.bytes + 4) == 0x1234 && get_le16(m.bytes + 6) == 34);
	check(msg_device_info_size(MSG_REVISION_1) == 24 &&
	      msg_device_info_size(MSG_REVISION_2) == 44);
	msg_put_device_info(MSG_REVISION_1, raw, &in);
	check(get_le32(raw + 8) == 64 && get_le32(raw + 12) == 12);
	msg_get_device_info(MSG_REVISION_1, raw, &out);
	check(out.feature_bits == 64 && out.queues == 3);
	memset(raw, 0, sizeof(raw));
	msg_put_device_info(MSG_REVISION_2, raw, &in);
	check(get_le64(raw + 8) == 0 && get_le32(raw + 24) == 2 && get_le32(raw + 28) == 12);
	msg_get_device_info(MSG_REVISION_2, raw, &out);
	check(out.feature_bits == 64 && out.config_size == 12);
	msg_get_device_info(MSG_REVISION_1, raw, &out);
	check(out.feature_bits == 0); /* why they must not be mixed */
	for (int rev = 1; rev <= 2; rev++) {
		for (int answer = 0; answer < 2; answer++) {
			msg_put_vqueue(rev, raw, &q, answer);
			msg_get_vqueue(rev, raw, &got, answer);
			check(got.index == 1 && got.num == 8 && got.enabled && got.desc == 0x11 &&
			      got.device == 0x33 && got.max == (answer ? 9u : 0u));
		}
		msg_put_devices(rev, raw, &d);
		check(get_le16(raw + 2) == (rev == 1 ? 8 : 3));
		msg_get_devices(rev, raw, &dd);
		check(dd.count == 8 && dd.next == 3 && dd.bitmap == 1);
	}
	check(msg_area_shift(MSG_REVISION_1) == 56 && msg_area_shift(MSG_REVISION_2) == 48);
}

/* seed: odd ones use direct messages. */
static void bus(enum machine_transport transport, uint64_t seed)
{
	struct machine_config config = { .device = MACHINE_RNG,
					 .transport = transport,
					 .seed = seed };
	struct machine m;
	struct err err = { "" };
	struct msg_bus_counters c;
	bool present = true;
	uint64_t buf, dma;
	uint8_t got[100];
	bool dynamic = transport == MACHINE_MSG1_DYNAMIC || transport == MACHINE_MSG2_DYNAMIC;

	check(machine_open(&m, &config, &err) == 0);
	check(msg_bus_ping(m.bus, 0xdeadbeef, &err) == 0);
	buf = realm_alloc(m.realm, 100, 64) + 3;
	memset(realm_ptr(m.realm, buf, 90), 'k', 90);
	dma = dma_map(&m.dma, buf, 90, EVENT_TO_DEVICE, 0);
	check(dma != EVENT_NO_ADDR);
	check(guard_read(&m.host.guard, dma, got, 90) == 0 && got[89] == 'k');
	dma_unmap(&m.dma, dma, 90, EVENT_TO_DEVICE, 0);
	c = msg_bus_counters(m.bus);
	if (dynamic) {
		check(guard_read(&m.host.guard, dma, got, 90) < 0); /* relinquished */
		check(c.shares == 1 && c.unshares == 1 && c.pages == 1 && c.excess == 4006);
		check(ffa_pages(m.ffa) == 0);
		/* a backend that needs a little longer */
		m.backend->busy = true;
		dma = dma_map(&m.dma, buf, 90, EVENT_TO_DEVICE, 0);
		dma_unmap(&m.dma, dma, 90, EVENT_TO_DEVICE, 0);
		check(ffa_pages(m.ffa) == 1);
		check(msg_bus_poll(m.bus, &present, &err) == 1 && ffa_pages(m.ffa) == 0);
	} else {
		check(c.shares == 1 && c.unshares == 0 && c.pages == 128);
		check(guard_read(&m.host.guard, buf, got, 90) < 0); /* outside the pool */
	}
	/* hotplug */
	msg_backend_plug(m.backend, false);
	check(msg_bus_poll(m.bus, &present, &err) == 1 && !present);
	check(machine_start(&m, &err) < 0 && err.text[0]); /* who it is, and the reset after that */
	msg_backend_plug(m.backend, true);
	check(msg_bus_poll(m.bus, &present, &err) == 1 && present);
	check(machine_start(&m, &err) == 0);
	machine_stop(&m);
	check(ffa_denied(m.ffa) == 0 && m.backend->refused == 2);
	machine_close(&m);
}

/* A driver of the other revision is turned away; garbage is answered with an error. */
static void strangers(void)
{
	struct machine_config config = { .device = MACHINE_RNG,
					 .transport = MACHINE_MSG1_DYNAMIC,
					 .seed = 1 };
	struct machine m;
	struct err err = { "" };
	uint8_t msg[104] = { 0 }, reply[104];
	int n;

	check(machine_open(&m, &config, &err) == 0);
	check(!msg_bus_open(m.ffa, 3, MSG_REVISION_2, &m.dma, true, &err));
	check(strstr(err.text, "revision 1"));
	for (int i = 0; i < 256; i++) {
		msg[0] = i & 2;
		msg[1] = i;
		msg[6] = 8 + i % 90;
		n = ffa_direct(m.ffa, 1, 2, msg, i & 1 ? 8 + i % 90 : 8, reply, sizeof(reply));
		if (n > 0 && (n < 8 || get_le16(reply + 6) != n))
			break;
	}
	check(n >= 0);
	check(ffa_direct(m.ffa, 1, 2, msg, 3, reply, sizeof(reply)) == 8 && reply[1] == 0x87);
	check(ffa_direct(m.ffa, 1, 9, msg, 8, reply, sizeof(reply)) == FFA_INVALID_PARAMETERS);
	check(ffa_send(m.ffa, 1, 2, msg, 8) == FFA_NOT_SUPPORTED);
	machine_close(&m);
}

int main(void)
{
	ownership();
	layouts();
	for (int t = MACHINE_MSG1_STATIC; t <= MACHINE_MSG2_DYNAMIC; t++) {
		bus(t, 1);
		bus(t, 2);
	}
	strangers();
	return done();
}
