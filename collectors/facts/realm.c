/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which kind of guest is this, and who attests it? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/facts/state.h"
#include "lib/base/xalloc.h"

/*
 * The provider is reported by an entry in configfs only (Linux
 * Documentation/ABI/testing/configfs-tsm-report); making one fails with ENXIO
 * where there is none.  The name is fixed so that an entry left by a run that was
 * killed is used again, and removed.
 */
static char *tsm_provider(struct facts *facts)
{
	char *dir = facts_path(facts, "/sys/kernel/config/tsm/report/ccaio-facts");
	char *provider = NULL;

	if (mkdir(dir, 0700) == 0 || errno == EEXIST) {
		provider = facts_attr(facts, "/sys/kernel/config/tsm/report/ccaio-facts/provider");
		rmdir(dir);
	}
	free(dir);
	if (provider && !provider[0]) {
		free(provider);
		provider = NULL;
	}
	return provider;
}

/* What the kernel itself goes by, where its memory can be read. */
static enum tri kernel_says(struct facts *facts)
{
	int32_t enabled;

	if (facts_kernel_read(facts, FACTS_SYM_RSI_PRESENT, 0, &enabled, sizeof(enabled)))
		return enabled > 0 ? TRI_YES : TRI_NO;
	/* variables are listed and this one is not: a kernel that cannot be in a Realm */
	if (facts_find_symbol(facts, FACTS_SYM_POOL)->seen &&
	    !facts_find_symbol(facts, FACTS_SYM_RSI_PRESENT)->seen)
		return TRI_NO;
	return TRI_UNKNOWN;
}

/* No kind was recognised: which is it then?  TRI_YES: a Realm, TRI_NO: no confidential guest. */
static enum tri is_realm(struct facts *facts, const struct platform *p, bool suspected)
{
	if (p->kernel.machine && strcmp(p->kernel.machine, "aarch64") != 0)
		return !suspected && (facts->log.from_start || facts_guest_excluded(facts))
			       ? TRI_NO
			       : TRI_UNKNOWN;
	/* Older kernels have the line in the log only: its absence counts if the log is whole. */
	if (!facts->log.from_start && kernel_says(facts) != TRI_NO)
		return kernel_says(facts);
	return suspected ? TRI_UNKNOWN : TRI_NO;
}

/* The highest bit of an IPA marks what is shared (Linux arch/arm64/kernel/rsi.c). */
static void read_shared_bit(struct facts *facts, struct platform *p)
{
	uint64_t mask;

	if (!facts_kernel_read(facts, FACTS_SYM_SHARED_BIT, 0, &mask, sizeof(mask)) || mask == 0 ||
	    (mask & (mask - 1)))
		return;
	p->realm.shared_bit = mask;
	p->realm.ipa_bits = (uint32_t)__builtin_ctzll(mask) + 1;
}

/* CPUID leaf 0x8000001f, EBX bits 5:0: the number of the C-bit (AMD APM volume 3, E.4.17). */
static void read_protected_bit(struct facts *facts, struct platform *p)
{
	uint64_t value;

	if (facts_register(facts, "/dev/cpu/0/cpuid", 0x8000001f, &value))
		p->realm.protected_bit = UINT64_C(1) << (value >> 32 & 0x3f);
	else if (facts_kernel_read(facts, FACTS_SYM_SME_MASK, 0, &value, sizeof(value)) &&
		 !(value & (value - 1)))
		p->realm.protected_bit = value;
}

void facts_realm(struct facts *facts, struct platform *p)
{
	const struct guest_kind *kind;

	p->realm.tsm_provider = tsm_provider(facts);
	kind = facts_guest(facts, p, &p->realm.is_realm);
	if (p->realm.is_realm != TRI_YES) {
		p->realm.is_realm = is_realm(facts, p, kind != NULL);
		if (p->realm.is_realm == TRI_YES) {
			kind = guest_kind_find("arm-cca");
			facts_add_sign(p, "rsi-key");
		}
	}
	if (kind)
		p->realm.kind = xstrdup(kind->id);
	if (kind && kind->alias == ALIAS_SET_IS_SHARED)
		read_shared_bit(facts, p);
	if (kind && kind->alias == ALIAS_SET_IS_PROTECTED)
		read_protected_bit(facts, p);
	p->realm.rsi_version = xstrdup(facts->log.rsi_version);
}
