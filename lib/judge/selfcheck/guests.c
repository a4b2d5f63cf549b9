/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The same machine as other kinds of guests, and where their shared or protected bit is. */
#include "lib/judge/selfcheck/scene.h"

#define C_BIT (1ull << 51)

static void past_alias(struct scene *s)
{
	s->ev[AT_RX].dma = s->ev[AT_RX_SYNC].dma = 2 * ALIAS - 2048;
}

void scene_plain_ring(struct scene *s)
{
	s->facts.realm.ipa_bits = 0;
	for (size_t i = 0; i < s->n; i++) {
		if (s->ev[i].dma != EVENT_NO_ADDR)
			s->ev[i].dma &= ~ALIAS;
	}
}

void scene_plain_ring_decrypted(struct scene *s)
{
	scene_plain_ring(s);
	scene_insert(s, AT_RING,
		     (struct event){ .kind = EVENT_DECRYPT,
				     .flags = EVENT_F_VIRT,
				     .link = RING_VIRT,
				     .size = RING_SIZE });
}

/* That the rings became protected again would not be reported. */
static void no_encrypts(struct scene *s)
{
	scene_plain_ring_decrypted(s);
	s->facts.trace.nevents--;
}

static void no_list_of_events(struct scene *s)
{
	scene_plain_ring_decrypted(s);
	s->facts.trace.events_known = false;
}

static void guest(struct scene *s, const char *kind, const char *first, const char *second)
{
	s->signs[0] = (char *)first;
	s->signs[1] = (char *)second;
	s->facts.realm.kind = (char *)kind;
	s->facts.realm.signs = s->signs;
	s->facts.realm.nsigns = second ? 2 : 1;
}

/* Buffers of bounces carry the C-bit, and what the device is given does not. */
static void sev_guest(struct scene *s)
{
	scene_plain_ring_decrypted(s);
	guest(s, "sev", "sev-log", "sev-msr");
	for (size_t i = 0; i < s->n; i++) {
		if (s->ev[i].kind == EVENT_BOUNCE)
			s->ev[i].orig |= C_BIT;
	}
}

static void sev_encrypted(struct scene *s)
{
	sev_guest(s);
	s->facts.realm.protected_bit = C_BIT;
	for (size_t i = 0; i < s->n; i++) {
		if (s->ev[i].kind == EVENT_ALLOC)
			s->ev[i].dma |= C_BIT;
	}
}

static void tdx_guest(struct scene *s)
{
	scene_plain_ring_decrypted(s);
	guest(s, "tdx", "tdx-log", "tdx-cpuinfo");
}

static void tdx_half(struct scene *s)
{
	scene_plain_ring_decrypted(s);
	guest(s, "tdx", "tdx-log", NULL);
}

static void unknown_guest(struct scene *s)
{
	scene_plain_ring_decrypted(s);
	s->facts.realm.kind = (char *)"tdx9";
}

static void called_ordinary(struct scene *s)
{
	scene_plain_ring_decrypted(s);
	s->facts.realm.is_realm = TRI_NO;
	s->facts.realm.kind = (char *)"tdx";
}

/* Coherent memory of a virtCCA guest comes from the pool, or is protected. */
static void virtcca_ring(struct scene *s)
{
	scene_plain_ring_decrypted(s);
	guest(s, "virtcca", "virtcca-device", "virtcca-log");
	s->signs[2] = (char *)"virtcca-cmdline";
	s->facts.realm.nsigns = 3;
}

static void inferred_alias(struct scene *s)
{
	s->facts.realm.ipa_bits = 0;
}

static void another_bit(struct scene *s)
{
	s->facts.realm.ipa_bits = 0;
	s->ev[AT_RING].dma ^= ALIAS ^ (ALIAS << 1);
}

static void bit_of_buffers(struct scene *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->ev[i].kind == EVENT_MAP || s->ev[i].kind == EVENT_BOUNCE)
			s->ev[i].orig |= ALIAS;
	}
}

const struct scene_case scene_guest_cases[] = {
	{ "plain addresses, the rings seen decrypted", scene_plain_ring_decrypted, OUTCOME_PROVEN,
	  ANY, ANY },
	{ "the shared bit inferred", inferred_alias, OUTCOME_PROVEN, ANY, ANY },
	{ "an SEV guest", sev_guest, OUTCOME_PROVEN, ANY, ANY },
	{ "a TDX guest", tdx_guest, OUTCOME_PROVEN, ANY, ANY },
	{ "an SEV guest's encrypted ring", sev_encrypted, OUTCOME_VIOLATED, CLAIM_DMA_IN_SHARED,
	  ANY },
	{ "a virtCCA guest's ring outside the pool", virtcca_ring, OUTCOME_VIOLATED,
	  CLAIM_DMA_IN_SHARED, ANY },
	{ "one sign of a TDX guest", tdx_half, OUTCOME_INCONCLUSIVE, ANY, ANY },
	{ "an unknown kind of guest", unknown_guest, OUTCOME_INCONCLUSIVE, ANY, ANY },
	{ "a TDX guest called no confidential one", called_ordinary, OUTCOME_INCONCLUSIVE, ANY,
	  ANY },
	{ "a shared bit that buffers carry", bit_of_buffers, OUTCOME_INCONCLUSIVE,
	  CLAIM_DMA_IN_SHARED, COND_FACTS_CONSISTENT },
	{ "a mapping past the alias' end", past_alias, OUTCOME_VIOLATED, CLAIM_DMA_IN_SHARED, ANY },
	{ "plain addresses, the rings' decryption not seen", scene_plain_ring, OUTCOME_INCONCLUSIVE,
	  CLAIM_DMA_IN_SHARED, ANY },
	{ "decrypted rings, and encrypts that would not be reported", no_encrypts,
	  OUTCOME_INCONCLUSIVE, CLAIM_DMA_IN_SHARED, ANY },
	{ "decrypted rings, and no list of the events that were on", no_list_of_events,
	  OUTCOME_INCONCLUSIVE, CLAIM_DMA_IN_SHARED, ANY },
	{ "an address bit that nothing explains", another_bit, OUTCOME_INCONCLUSIVE,
	  CLAIM_DMA_IN_SHARED, ANY },
	{ NULL, NULL, OUTCOME_INCONCLUSIVE, ANY, ANY },
};
