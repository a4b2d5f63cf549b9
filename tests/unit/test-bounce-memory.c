/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Realm memory and the guard in front of it. */
#include <errno.h>
#include <string.h>

#include "lib/bounce/memory/guard.h"
#include "lib/bounce/memory/realm.h"
#include "tests/unit/test.h"

#define BASE 0x80000000u
#define SIZE (1u << 20)
#define BIT ((uint64_t)1 << 32)

static struct guard_access last;

static void note(void *ctx, const struct guard_access *access)
{
	(void)ctx;
	last = *access;
}

static void states(void)
{
	struct realm *r = realm_new(BASE, SIZE, 0, 1);
	uint8_t *p = realm_ptr(r, BASE + 4096, 8192);

	check(realm_all(r, BASE, SIZE, REALM_PROTECTED));
	memset(p, 0x41, 8192);
	check(realm_set_state(r, BASE + 4096, 1, REALM_SHARED) == 0);
	check(realm_state(r, BASE + 4096) == REALM_SHARED);
	check(realm_state(r, BASE + 8192) == REALM_PROTECTED);
	check(p[0] == 0 && p[4095] == 0); /* scrubbed */
	check(p[4096] == 0x41);
	p[5] = 1;
	check(realm_set_state(r, BASE + 4096, 4096, REALM_SHARED) == 0);
	check(p[5] == 1); /* no change, no scrub */
	check(realm_set_state(r, BASE + 4096, 4096, REALM_PROTECTED) == 0);
	check(p[5] == 0);
	p[5] = 7;
	check(realm_set_state_keep(r, BASE + 4096, 4096, REALM_SHARED) == 0);
	check(p[5] == 7);
	check(!realm_all(r, BASE + 4096, 4097, REALM_SHARED));
	check(realm_all(r, BASE + 4096, 4096, REALM_SHARED));
	check(realm_set_state(r, BASE, 4096, REALM_DEVICE) == 0);
	check(realm_set_state(r, BASE, 8192, REALM_SHARED) == -EINVAL);
	check(realm_set_state(r, BASE + SIZE - 4096, 8192, REALM_SHARED) == -EINVAL);
	check(!realm_ptr(r, BASE + SIZE, 1) && !realm_ptr(r, BASE - 1, 1));
	check(!realm_ptr(r, BASE, UINT64_MAX) && realm_ptr(r, BASE, SIZE));
	realm_free(r);
}

static void guarded(void)
{
	struct realm *r = realm_new(BASE, SIZE, 0, 1);
	struct guard g = { .realm = r, .dev = 9, .observe = note };
	uint8_t secret[64], seen[8192];
	uint16_t v;

	memset(secret, 0x55, sizeof(secret));
	memcpy(realm_ptr(r, BASE, 64), secret, 64);
	check(guard_read(&g, BASE + 8, seen, 32) == -EFAULT);
	check(last.denied && !last.write && last.addr == BASE + 8 && last.dev == 9);
	check(last.fault == BASE + 8 && g.faults == 1);
	for (int i = 0; i < 32; i++) {
		if (seen[i] == 0x55) {
			check(!"a protected byte is visible");
			break;
		}
	}
	check(guard_write(&g, BASE, seen, 32) == -EFAULT);
	check(last.write && memcmp(realm_ptr(r, BASE, 64), secret, 64) == 0);

	realm_set_state(r, BASE + 4096, 4096, REALM_SHARED);
	check(guard_write16(&g, BASE + 4096, 0x1234) == 0);
	check(guard_read16(&g, BASE + 4096, &v) == 0 && v == 0x1234);
	check(*realm_ptr(r, BASE + 4096, 1) == 0x34); /* little endian */
	/* across the border: the shared part is written, the protected part is not */
	memset(seen, 0x77, sizeof(seen));
	check(guard_write(&g, BASE + 8192 - 8, seen, 16) == -EFAULT);
	check(last.fault == BASE + 8192);
	check(*realm_ptr(r, BASE + 8191, 1) == 0x77 && *realm_ptr(r, BASE + 8192, 1) == 0);
	check(guard_read(&g, BASE + SIZE + 5, seen, 4) == -EFAULT);
	g.trusted = true;
	check(guard_read(&g, BASE, seen, 64) == 0 && memcmp(seen, secret, 64) == 0);
	check(guard_read(&g, BASE + 4096, seen, 64) == -EFAULT); /* and shared memory not */
	realm_free(r);
}

static void aliased(void)
{
	struct realm *r = realm_new(BASE, SIZE, BIT, 1);
	struct guard g = { .realm = r };
	uint8_t b = 3;

	realm_set_state(r, BASE, 4096, REALM_SHARED);
	check(guard_write(&g, BASE | BIT, &b, 1) == 0);
	check(guard_write(&g, BASE, &b, 1) == -EFAULT); /* the protected alias */
	g.raw = true;
	check(guard_write(&g, BASE, &b, 1) == 0);
	check(guard_write(&g, (BASE + 4096) | BIT, &b, 1) == -EFAULT);
	check(realm_to_device(BIT, BASE) == (BASE | BIT));
	check(realm_from_device(BIT, BASE | BIT) == BASE);
	realm_free(r);
}

static void allocations(void)
{
	struct realm *r = realm_new(BASE, 64 * 4096, 0, 1);
	uint64_t a, b, c;

	realm_reserve(r, BASE, 32 * 4096);
	a = realm_alloc(r, 100, 64);
	b = realm_alloc(r, 4096, 4096);
	check(a >= BASE + 32 * 4096 && a % 64 == 0);
	check(b % 4096 == 0 && b > a);
	check(realm_alloc(r, 32 * 4096, 64) == REALM_NO_ADDR);
	check(realm_alloc(r, 0, 64) == REALM_NO_ADDR);
	memset(realm_ptr(r, a, 100), 0, 100);
	check(realm_damage(r) == 0);
	realm_release(r, a, 100);
	c = realm_alloc(r, 100, 64);
	check(c == a); /* the lowest is reused */
	realm_ptr(r, c, 128)[100] = 1;
	realm_release(r, c, 100);
	check(realm_damage(r) == 1); /* found when it is given back */
	realm_ptr(r, b, 8192)[4096 + 10] = 0;
	check(realm_damage(r) == 2); /* and while it is live */
	realm_free(r);
}

int main(void)
{
	states();
	guarded();
	aliased();
	allocations();
	return done();
}
