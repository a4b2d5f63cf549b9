/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of guest kinds, and which of them the facts establish. */
#include "lib/evidence/guest-kind.h"

#include <stdio.h>
#include <string.h>

#include "lib/evidence/platform.h"

#define CONFIGFS_64 .challenge_min = 64, .challenge_max = 64
#define ONLY_SYNTHETIC "rewritten recordings of other guests only"
/* Linux kernel/dma/pool.c shares these at boot; what is taken from them has events. */
#define ATOMIC_POOLS "pools of coherent memory for interrupts (atomic DMA pools)"
#define ARM_UNTRACED "tables of the interrupt controller (GIC ITS), " ATOMIC_POOLS
#define X86_UNTRACED                                                                          \
	"kvmclock pages, " ATOMIC_POOLS ", what the kernel shares with the host to make its " \
	"calls, and under Hyper-V VMBus rings"
/* MSR_AMD64_SEV: bit 0 SEV, 1 SEV-ES, 2 SEV-SNP, 3 vTOM (Linux arch/x86/include/asm/msr-index.h) */
#define SEV_STATUS(name, bits)                                                                    \
	{                                                                                         \
		.id = name, .what = "register 0xc0010131 (load the module msr)",                  \
		.source = SIGN_REGISTER, .text = "/dev/cpu/0/msr", .at = 0xc0010131, .mask = 0xf, \
		.value = (bits), .decisive = true                                                 \
	}
#define SEV_LINE(name, features)                                                                 \
	{                                                                                        \
		.id = name,                                                                      \
		.what = "the kernel log line 'Memory Encryption Features active: " features "'", \
		.source = SIGN_LOG_WHOLE, .text = "Memory Encryption Features active: " features \
	}

#define PROVIDER(name, provider)                                                       \
	{                                                                              \
		.id = name, .what = "attestation reports of " provider " in configfs", \
		.source = SIGN_PROVIDER, .text = provider                              \
	}

static const struct guest_kind unknown = {
	.id = "unknown",
	.class = GUEST_UNKNOWN,
	.noun = "guest",
	.one = "a machine of unknown kind",
	.alias = ALIAS_SET_IS_SHARED,
	.coherent = COHERENT_DECRYPTED,
};

static const struct guest_kind kinds[] = {
	{
		.id = "none",
		.class = GUEST_ORDINARY,
		.noun = "guest",
		.one = "an ordinary machine",
		.alias = ALIAS_NONE,
		.coherent = COHERENT_STANDS,
		.pool = POOL_ASKED,
		.seen = "Linux under QEMU, arm64 and amd64",
	},
	{
		.id = "model",
		.class = GUEST_MODEL,
		.noun = "guest",
		.one = "a model of a guest",
		.alias = ALIAS_SET_IS_SHARED,
		.coherent = COHERENT_DECRYPTED,
		.pool = POOL_KERNEL,
		.accepts = true,
		.seen = "itself",
	},
	{
		/* Linux arch/arm64/kernel/rsi.c */
		.id = "arm-cca",
		.machine = "aarch64",
		.class = GUEST_CONFIDENTIAL,
		.noun = "Realm",
		.one = "a Realm",
		.monitor = "the RMM",
		.needs = 2,
		.signs = { { .id = "rsi-log",
			     .what = "the kernel log line 'RME: Using RSI version'",
			     .source = SIGN_LOG,
			     .text = "RME: Using RSI version " },
			   { .id = "rsi-device",
			     .what = "/sys/devices/platform/arm-cca-dev",
			     .source = SIGN_PATH,
			     .text = "/sys/devices/platform/arm-cca-dev" },
			   { .id = "rsi-key",
			     .what = "the kernel's variable rsi_present",
			     .source = SIGN_KEY,
			     .text = "rsi_present" },
			   PROVIDER("rsi-provider", "arm_cca_guest") },
		.older = true,
		.alias = ALIAS_SET_IS_SHARED,
		.coherent = COHERENT_DECRYPTED,
		.pool = POOL_KERNEL,
		.accepts = true,
		.untraced = ARM_UNTRACED,
		.provider = "arm_cca_guest",
		.challenge_min = 32,
		.challenge_max = 64,
		.seen = "Realms on a model",
	},
	{
		/* Linux arch/x86/coco/tdx/tdx.c, drivers/virt/coco/tdx-guest */
		.id = "tdx",
		.machine = "x86_64",
		.class = GUEST_CONFIDENTIAL,
		.noun = "TDX guest",
		.one = "a TDX guest",
		.monitor = "the TDX module",
		.needs = 2,
		.signs = { { .id = "tdx-log",
			     .what = "the kernel log line 'tdx: Guest detected'",
			     .source = SIGN_LOG,
			     .text = "tdx: Guest detected" },
			   { .id = "tdx-cpuinfo",
			     .what = "the flag tdx_guest in /proc/cpuinfo",
			     .source = SIGN_WORD,
			     .text = "/proc/cpuinfo",
			     .line = "flags",
			     .word = "tdx_guest" },
			   { .id = "tdx-device",
			     .what = "/sys/devices/virtual/misc/tdx_guest",
			     .source = SIGN_PATH,
			     .text = "/sys/devices/virtual/misc/tdx_guest" },
			   PROVIDER("tdx-provider", "tdx_guest") },
		.alias = ALIAS_NONE,
		.coherent = COHERENT_DECRYPTED,
		.pool = POOL_KERNEL,
		.enforces = true,
		.untraced = "the quote buffer, " X86_UNTRACED,
		.provider = "tdx_guest",
		CONFIGFS_64,
		.seen = ONLY_SYNTHETIC,
	},
	{
		/* Linux arch/x86/mm/mem_encrypt.c, arch/x86/coco/sev */
		.id = "sev",
		.machine = "x86_64",
		.class = GUEST_CONFIDENTIAL,
		.noun = "SEV guest",
		.one = "an SEV guest",
		.monitor = "the AMD secure processor",
		.needs = 2,
		.signs = { SEV_LINE("sev-log", "AMD SEV"), SEV_STATUS("sev-msr", 1) },
		.alias = ALIAS_SET_IS_PROTECTED,
		.coherent = COHERENT_DECRYPTED,
		.pool = POOL_KERNEL,
		.enforces = true,
		.untraced = X86_UNTRACED,
		.seen = ONLY_SYNTHETIC,
	},
	{
		.id = "sev-es",
		.machine = "x86_64",
		.class = GUEST_CONFIDENTIAL,
		.noun = "SEV-ES guest",
		.one = "an SEV-ES guest",
		.monitor = "the AMD secure processor",
		.needs = 2,
		.signs = { SEV_LINE("sev-es-log", "AMD SEV SEV-ES"), SEV_STATUS("sev-es-msr", 3) },
		.alias = ALIAS_SET_IS_PROTECTED,
		.coherent = COHERENT_DECRYPTED,
		.pool = POOL_KERNEL,
		.enforces = true,
		.untraced = "GHCB pages, " X86_UNTRACED,
		.seen = ONLY_SYNTHETIC,
	},
	{
		.id = "sev-snp",
		.machine = "x86_64",
		.class = GUEST_CONFIDENTIAL,
		.noun = "SNP guest",
		.one = "an SNP guest",
		.monitor = "the AMD secure processor",
		.needs = 2,
		.signs = { SEV_LINE("sev-snp-log", "AMD SEV SEV-ES SEV-SNP"),
			   SEV_STATUS("sev-snp-msr", 7),
			   { .id = "sev-snp-device",
			     .what = "/dev/sev-guest",
			     .source = SIGN_PATH,
			     .text = "/dev/sev-guest" },
			   PROVIDER("sev-snp-provider", "sev_guest") },
		.alias = ALIAS_SET_IS_PROTECTED,
		.coherent = COHERENT_DECRYPTED,
		.pool = POOL_KERNEL,
		.enforces = true,
		.untraced = "GHCB pages, pages of report requests, " X86_UNTRACED,
		.provider = "sev_guest",
		CONFIGFS_64,
		.seen = ONLY_SYNTHETIC,
	},
	{
		/* Linux arch/x86/hyperv/ivm.c, arch/x86/kernel/cpu/mshyperv.c */
		.id = "hyperv-isolated",
		.machine = "x86_64",
		.class = GUEST_CONFIDENTIAL,
		.noun = "isolated Hyper-V guest",
		.one = "an isolated Hyper-V guest",
		.monitor = "the paravisor and the processor",
		.needs = 2,
		.signs = { { .id = "hyperv-log",
			     .what = "the kernel log line 'Hyper-V: Isolation Config'",
			     .source = SIGN_LOG,
			     .text = "Hyper-V: Isolation Config: " },
			   { .id = "hyperv-cpuid",
			     .what = "CPUID leaf 0x4000000c (load the module cpuid)",
			     .source = SIGN_REGISTER,
			     .text = "/dev/cpu/0/cpuid",
			     .at = 0x4000000c,
			     /* EAX bit 0: there is a paravisor; EBX: 2 SNP (vTOM), 3 TDX.  Without
				a paravisor it is one of the rows above. */
			     .mask = 0xfull << 32 | 1,
			     .value = 2ull << 32 | 1,
			     .other = 3ull << 32 | 1,
			     .decisive = true } },
		.alias = ALIAS_NONE,
		.coherent = COHERENT_DECRYPTED,
		.pool = POOL_KERNEL,
		.enforces = true,
		.untraced = "VMBus rings and buffers, " ATOMIC_POOLS
			    ", and what the kernel shares with the host to make its calls",
		.seen = ONLY_SYNTHETIC,
	},
	{
		/* Linux drivers/virt/coco/pkvm-guest */
		.id = "pkvm",
		.machine = "aarch64",
		.class = GUEST_CONFIDENTIAL,
		.noun = "pKVM guest",
		.one = "a protected pKVM guest",
		.monitor = "pKVM",
		.needs = 2,
		.signs = { { .id = "pkvm-pool",
			     .what = "a restricted-dma-pool in the device tree",
			     .source = SIGN_GLOB,
			     .text = "/proc/device-tree/reserved-memory/*/compatible",
			     .word = "restricted-dma-pool" },
			   { .id = "pkvm-key",
			     .what = "the kernel's variable pkvm_guest",
			     .source = SIGN_KEY,
			     .text = "pkvm_guest",
			     .decisive = true } },
		.alias = ALIAS_NONE,
		.coherent = COHERENT_DECRYPTED,
		.pool = POOL_GIVEN,
		.untraced = ARM_UNTRACED,
		.seen = ONLY_SYNTHETIC,
	},
	{
		/* Linux arch/s390/kernel/uv.c, arch/s390/mm/init.c */
		.id = "s390-se",
		.machine = "s390x",
		.class = GUEST_CONFIDENTIAL,
		.noun = "Secure Execution guest",
		.one = "a Secure Execution guest",
		.monitor = "the Ultravisor",
		.needs = 2,
		.signs = { { .id = "s390-guest",
			     .what = "1 in /sys/firmware/uv/prot_virt_guest",
			     .source = SIGN_VALUE,
			     .text = "/sys/firmware/uv/prot_virt_guest",
			     .word = "1" },
			   { .id = "s390-facility",
			     .what = "facility 158 in /proc/cpuinfo",
			     .source = SIGN_WORD,
			     .text = "/proc/cpuinfo",
			     .line = "facilities",
			     .word = "158" } },
		.alias = ALIAS_NONE,
		.coherent = COHERENT_DECRYPTED,
		.pool = POOL_KERNEL,
		.enforces = true,
		.seen = ONLY_SYNTHETIC,
	},
	{
		/* openEuler arch/arm64/kernel/virtcca_cvm_guest.c; the log line alone proves
		   nothing */
		.id = "virtcca",
		.machine = "aarch64",
		.class = GUEST_CONFIDENTIAL,
		.noun = "virtCCA guest",
		.one = "a virtCCA guest",
		.monitor = "the TMM",
		.needs = 3,
		.signs = { { .id = "virtcca-device",
			     .what = "/dev/tsi",
			     .source = SIGN_PATH,
			     .text = "/dev/tsi" },
			   { .id = "virtcca-log",
			     .what = "the kernel log line 'RME: TSI version'",
			     .source = SIGN_LOG,
			     .text = "RME: TSI version " },
			   { .id = "virtcca-cmdline",
			     .what = "virtcca_cvm_guest=1 on the kernel command line",
			     .source = SIGN_WORD,
			     .text = "/proc/cmdline",
			     .word = "virtcca_cvm_guest=1" } },
		.alias = ALIAS_NONE,
		.coherent = COHERENT_POOL,
		.pool = POOL_ASKED,
		.assigned = true,
		.untraced = "none beside the pool: tables of the interrupt controller come from it",
		.challenge_min = 64,
		.challenge_max = 64,
		.seen = ONLY_SYNTHETIC,
	},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const struct guest_kind *guest_kinds(size_t *count)
{
	*count = KINDS;
	return kinds;
}

const struct guest_kind *guest_kind_find(const char *id)
{
	for (size_t i = 0; id && i < KINDS; i++) {
		if (strcmp(kinds[i].id, id) == 0)
			return &kinds[i];
	}
	return &unknown;
}

static bool has_sign(const struct platform *p, const char *id)
{
	for (size_t i = 0; i < p->realm.nsigns; i++) {
		if (strcmp(p->realm.signs[i], id) == 0)
			return true;
	}
	return false;
}

static unsigned int signs_seen(const struct platform *p, const struct guest_kind *k,
			       const struct guest_sign **missing)
{
	unsigned int n = 0;

	*missing = NULL;
	for (size_t i = 0; i < GUEST_SIGNS && k->signs[i].id; i++) {
		if (has_sign(p, k->signs[i].id))
			n++;
		else if (!*missing)
			*missing = &k->signs[i];
	}
	return n;
}

/*
 * Another kind than k of which the facts show enough signs, or NULL.  Against a machine without any
 * protection one is enough.
 */
static const struct guest_kind *other_kind(const struct platform *p, const struct guest_kind *k)
{
	const struct guest_sign *missing;

	for (size_t i = 0; i < KINDS; i++) {
		unsigned int enough = k->class == GUEST_ORDINARY ? 1 : kinds[i].needs;

		if (&kinds[i] != k && kinds[i].needs &&
		    signs_seen(p, &kinds[i], &missing) >= enough)
			return &kinds[i];
	}
	return NULL;
}

/* What only a Realm has. */
static bool speaks_of_realm(const struct platform *p)
{
	return p->realm.rsi_version || p->realm.ipa_bits || p->realm.shared_bit ||
	       p->realm.tsm_provider;
}

/* Which row do the facts claim?  NULL: none, or they contradict one another. */
static const struct guest_kind *claimed(const struct platform *p, char *why, size_t size)
{
	const struct guest_kind *k = guest_kind_find(p->realm.kind);

	if (!p->realm.kind)
		k = guest_kind_find(p->realm.is_realm == TRI_YES ? "arm-cca" : "none");
	if (k == &unknown)
		snprintf(why, size, "this version knows no kind of guest '%.64s'", p->realm.kind);
	else if (p->realm.is_realm == TRI_UNKNOWN && !p->realm.nsigns)
		snprintf(why, size, "the facts do not say whether this is %s",
			 p->realm.kind && k->class == GUEST_CONFIDENTIAL ? k->one : "a Realm");
	else if (k->class == GUEST_ORDINARY && (p->realm.is_realm == TRI_YES || speaks_of_realm(p)))
		snprintf(why, size,
			 "the facts contradict each other about whether this is a Realm");
	else if (k->class != GUEST_ORDINARY && p->realm.is_realm == TRI_NO)
		snprintf(why, size, "the facts contradict each other about whether this is %s",
			 k->one);
	else
		return k;
	return NULL;
}

const struct guest_kind *guest_kind_of(const struct platform *p, char *why, size_t size)
{
	const struct guest_kind *k, *other;
	const struct guest_sign *missing;
	unsigned int n;

	if (size)
		why[0] = '\0';
	if (!p) {
		snprintf(why, size, "the facts do not say whether this is a Realm");
		return &unknown;
	}
	k = claimed(p, why, size);
	if (!k)
		return &unknown;
	n = signs_seen(p, k, &missing);
	other = other_kind(p, k);
	if (other) {
		snprintf(why, size, "the facts show signs of %s, too", other->one);
		return &unknown;
	}
	if (n < k->needs && (p->realm.nsigns || !k->older)) {
		snprintf(why, size, "the facts show %u of %u signs of %s; missing: %s", n, k->needs,
			 k->one, missing->what);
		return &unknown;
	}
	if (p->realm.is_realm == TRI_UNKNOWN) {
		snprintf(why, size, "the facts do not say whether this is %s", k->one);
		return &unknown;
	}
	return k;
}

static bool is_line(const struct guest_sign *s, const char *text, size_t len)
{
	size_t n = strlen(s->text);

	if (len < n || memcmp(text, s->text, n) != 0)
		return false;
	if (s->source == SIGN_LOG)
		return true;
	while (n < len && text[n] == ' ')
		n++;
	return s->source == SIGN_LOG_WHOLE && n == len;
}

const struct guest_sign *guest_sign_of_line(const char *text, size_t len)
{
	for (size_t k = 0; k < KINDS; k++) {
		for (size_t i = 0; i < GUEST_SIGNS && kinds[k].signs[i].id; i++) {
			const struct guest_sign *s = &kinds[k].signs[i];

			if ((s->source == SIGN_LOG || s->source == SIGN_LOG_WHOLE) &&
			    is_line(s, text, len))
				return s;
		}
	}
	return NULL;
}
