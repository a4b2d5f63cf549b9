/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mutations of the kind of guest and its shared or protected bit. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "tests/property/mutate.h"

static bool no_setting(struct history *h, struct rng *r)
{
	(void)r;
	h->platform->realm.is_realm = TRI_UNKNOWN;
	return true;
}

static bool shared_bit_in_ram(struct history *h, struct rng *r)
{
	if (h->platform->realm.is_realm != TRI_YES || h->platform->realm.kind)
		return false;
	h->platform->realm.ipa_bits = 0;
	h->platform->realm.shared_bit = 1ull << (12 + rng_below(r, 20));
	return true;
}

/* The bit can only be inferred above RAM that is known. */
static bool no_ram(struct history *h, struct rng *r)
{
	bool carried = false;

	(void)r;
	for (size_t k = 0; k < h->count; k++)
		carried |= h->steps[k].ev.dma != EVENT_NO_ADDR && (h->steps[k].ev.dma & h->alias) &&
			   h->steps[k].ev.kind == EVENT_MAP;
	if (h->sharing != SHARING_INFERRED || !carried)
		return false;
	h->platform->nram = 0;
	return true;
}

static bool kind_nobody_knows(struct history *h, struct rng *r)
{
	(void)r;
	free(h->platform->realm.kind);
	h->platform->realm.kind = xstrdup("tdx9");
	return true;
}

/* A rehearsal's facts name a confidential guest. */
static bool kind_contradicts(struct history *h, struct rng *r)
{
	static const char *const kinds[] = { "tdx", "arm-cca", "sev-snp", "model" };

	if (h->platform->realm.is_realm != TRI_NO)
		return false;
	h->platform->realm.kind = xstrdup(kinds[rng_below(r, 4)]);
	return true;
}

static bool sign_missing(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;
	size_t i;

	if (!p->realm.nsigns)
		return false;
	i = rng_below(r, p->realm.nsigns);
	free(p->realm.signs[i]);
	p->realm.signs[i] = p->realm.signs[--p->realm.nsigns];
	return true;
}

static bool two_kinds(struct history *h, struct rng *r)
{
	static const char *const signs[] = { "tdx-cpuinfo", "tdx-device", "hyperv-log",
					     "hyperv-cpuid" };
	struct platform *p = h->platform;
	size_t i = p->realm.kind && strcmp(p->realm.kind, "tdx") == 0 ? 2 : 0;

	(void)r;
	p->realm.signs = xrealloc(p->realm.signs, p->realm.nsigns + 2, sizeof(*p->realm.signs));
	p->realm.signs[p->realm.nsigns++] = xstrdup(signs[i]);
	p->realm.signs[p->realm.nsigns++] = xstrdup(signs[i + 1]);
	return true;
}

/* The device is given the encrypted address of its bounce slot. */
static bool c_bit_published(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_untrusted_map);
	uint64_t dma;

	if (i == NOWHERE || behind_iommu(h, i) || !h->platform->realm.kind ||
	    strncmp(h->platform->realm.kind, "sev", 3) != 0)
		return false;
	dma = event_at(h, i)->dma;
	move_mapping(h, h->steps[i].map, dma, dma | C_BIT);
	return true;
}

const struct mutation mutations_guests[] = {
	{ "no-setting", no_setting },
	{ "shared-bit-in-ram", shared_bit_in_ram },
	{ "no-ram", no_ram },
	{ "kind-nobody-knows", kind_nobody_knows },
	{ "kind-contradicts", kind_contradicts },
	{ "sign-missing", sign_missing },
	{ "two-kinds", two_kinds },
	{ "c-bit-published", c_bit_published },
	{ NULL, NULL },
};
