/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd/selftest/plan.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/xalloc.h"
#include "lib/bounce/selftest/catalogue.h"

#define FORMATS 16	/* packed, indirect, event index, shared alias: each on or off */
#define FAULT_FORMATS 4 /* of them, for each fault on each device and transport */
#define TRICK_FORMATS 2
#define ROUNDS 4u

/* ---- what to run ---- */

static bool listed(const char *only, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = only; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
		if (strncmp(p, name, len) == 0 && (p[len] == ',' || !p[len]))
			return true;
	}
	return false;
}

static bool is_name(const char *name, size_t len)
{
	static const char *const words[] = { "clean", "hostile", "tdisp", "export" };
	char copy[64];

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, name, len);
	copy[len] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(copy, words[i]) == 0)
			return true;
	}
	for (int d = 0; d < MACHINE_DEVICES; d++) {
		if (strcmp(copy, machine_device_name(d)) == 0)
			return true;
	}
	for (int t = 0; t < MACHINE_TRANSPORTS; t++) {
		if (strcmp(copy, machine_transport_name(t)) == 0)
			return true;
	}
	return fault_case_find(copy) != NULL;
}

/* The three kinds of names narrow each other; a kind of which none is named is not narrowed. */
struct filter {
	const char *only;
	bool kinds, devices, transports;
};

static bool wants_kind(const struct filter *f, const char *name)
{
	return !f->kinds || listed(f->only, name);
}

static bool wants_place(const struct filter *f, int d, int t)
{
	return (!f->devices || listed(f->only, machine_device_name(d))) &&
	       (!f->transports || listed(f->only, machine_transport_name(t)));
}

static struct filter filter_of(const char *only)
{
	struct filter f = { .only = only };

	for (int d = 0; d < MACHINE_DEVICES; d++)
		f.devices |= listed(only, machine_device_name(d));
	for (int t = 0; t < MACHINE_TRANSPORTS; t++)
		f.transports |= listed(only, machine_transport_name(t));
	f.kinds = listed(only, "clean") || listed(only, "hostile") || listed(only, "tdisp") ||
		  listed(only, "export");
	for (size_t i = 0; i < nfault_cases; i++)
		f.kinds |= listed(only, fault_cases[i].name);
	return f;
}

static void add(struct plan *plan, enum plan_kind kind, int device, int transport,
		unsigned int format, uint64_t seed, const struct fault_case *fault,
		enum hostile_trick trick)
{
	struct plan_run r = { .kind = kind,
			      .run = { .fault = fault,
				       .rounds = ROUNDS,
				       .config = { .device = device,
						   .transport = transport,
						   .packed = format & 1,
						   .indirect = format & 2,
						   .event_idx = format & 4,
						   .alias = format & 8,
						   .seed = seed + plan->count,
						   .trick = trick,
						   .trick_skip = trick && (seed & 1) } } };

	if ((kind == PLAN_FAULT || kind == PLAN_TRICK) && !selftest_applies(&r.run))
		return;
	XGROW(plan->runs, plan->count, plan->cap);
	plan->runs[plan->count++] = r;
}

static bool is_tdisp(const struct fault_case *f)
{
	return strncmp(f->name, "tdisp", 5) == 0;
}

/* Everything that happens at one place. */
static void plan_place(struct plan *plan, const struct filter *f, int d, int t, uint64_t seed)
{
	if (wants_kind(f, "clean")) {
		for (unsigned int i = 0; i < FORMATS; i++)
			add(plan, PLAN_CLEAN, d, t, i, seed, NULL, HOSTILE_NONE);
	}
	for (size_t k = 0; k < nfault_cases; k++) {
		if (!wants_kind(f, fault_cases[k].name) || is_tdisp(&fault_cases[k]))
			continue;
		for (unsigned int i = 0; i < FAULT_FORMATS; i++) /* 5: meets all 16 in turn */
			add(plan, PLAN_FAULT, d, t, (seed + k + d + t + i) * 5, seed,
			    &fault_cases[k], HOSTILE_NONE);
	}
	if (wants_kind(f, "hostile")) {
		for (int k = HOSTILE_NONE + 1; k < HOSTILE_TRICKS; k++) {
			for (unsigned int i = 0; i < TRICK_FORMATS; i++)
				add(plan, PLAN_TRICK, d, t, (seed + k + d + t + i) * 5, seed, NULL,
				    k);
		}
	}
}

static void plan_once(struct plan *plan, const struct filter *f, uint64_t seed)
{
	bool anywhere = !f->devices && !f->transports;

	for (int d = 0; d < MACHINE_DEVICES; d++) {
		for (int t = 0; t < MACHINE_TRANSPORTS; t++) {
			if (wants_place(f, d, t))
				plan_place(plan, f, d, t, seed);
		}
	}
	for (unsigned int i = 0; i < 2 && anywhere; i++) {
		if (wants_kind(f, "tdisp"))
			add(plan, PLAN_TDISP, 0, 0, 8 * i, seed, NULL, HOSTILE_NONE);
		for (size_t k = 0; k < nfault_cases; k++) {
			if (is_tdisp(&fault_cases[k]) &&
			    (wants_kind(f, "tdisp") || wants_kind(f, fault_cases[k].name)))
				add(plan, PLAN_TDISP, 0, 0, 8 * i, seed, &fault_cases[k],
				    HOSTILE_NONE);
		}
		if (wants_kind(f, "export"))
			add(plan, PLAN_EXPORT, 0, 0, 8 * i, seed, NULL, HOSTILE_NONE);
	}
}

const char *plan_make(struct plan *plan, uint64_t seed, unsigned int iterations, const char *only)
{
	struct filter f = filter_of(only);

	memset(plan, 0, sizeof(*plan));
	for (const char *p = only; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
		if (!is_name(p, strcspn(p, ",")))
			return p;
	}
	for (unsigned int i = 0; i < iterations; i++)
		plan_once(plan, &f, seed + 1000003ull * i);
	return NULL;
}

void plan_release(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		free(plan->runs[i].why);
	free(plan->runs);
}

/* ---- running ---- */

struct work {
	struct plan *plan;
	pthread_mutex_t lock; /* of the sums, of next and done */
	size_t next, done;
	void (*tick)(void *ctx, size_t done, size_t of);
	void *ctx;
};

void plan_run_execute(struct plan_run *r, struct selftest_result *result)
{
	switch (r->kind) {
	case PLAN_TRICK:
		selftest_trick(&r->run, result);
		break;
	case PLAN_TDISP:
		selftest_tdisp(&r->run, result);
		break;
	case PLAN_EXPORT:
		selftest_export(&r->run, result);
		break;
	default:
		selftest_run(&r->run, result);
		break;
	}
	r->passed = result->passed;
	r->why = result->passed ? NULL : xstrdup(result->why);
}

static void *worker(void *arg)
{
	struct work *w = arg;
	struct selftest_result result;

	pthread_mutex_lock(&w->lock);
	while (w->next < w->plan->count) {
		struct plan_run *r = &w->plan->runs[w->next++];

		pthread_mutex_unlock(&w->lock);
		plan_run_execute(r, &result);
		pthread_mutex_lock(&w->lock);
		w->plan->events += result.events;
		w->plan->accesses += result.accesses;
		w->plan->denied += result.denied;
		w->plan->transfers += result.transfers;
		w->plan->bytes += result.bytes;
		w->plan->damaged += result.damaged;
		w->done++;
		if (w->tick)
			w->tick(w->ctx, w->done, w->plan->count);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

void plan_execute(struct plan *plan, void (*tick)(void *ctx, size_t done, size_t of), void *ctx)
{
	struct work w = { .plan = plan, .tick = tick, .ctx = ctx };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t threads[4];
	int n = 0;

	pthread_mutex_init(&w.lock, NULL);
	while (n < 3 && n + 1 < cpus && pthread_create(&threads[n], NULL, worker, &w) == 0)
		n++;
	worker(&w); /* this thread works, too */
	while (n > 0)
		pthread_join(threads[--n], NULL);
	pthread_mutex_destroy(&w.lock);
}

char *plan_describe(const struct plan_run *r)
{
	const struct machine_config *c = &r->run.config;
	const char *what = r->run.fault		    ? r->run.fault->name
			   : r->kind == PLAN_TRICK  ? hostile_name(c->trick)
			   : r->kind == PLAN_TDISP  ? "the trusted device"
			   : r->kind == PLAN_EXPORT ? "export and import"
						    : "no fault";

	if (r->kind == PLAN_TDISP || r->kind == PLAN_EXPORT)
		return xasprintf("%s (%s, seed %llu)", what, c->alias ? "alias" : "plain",
				 (unsigned long long)c->seed);
	return xasprintf("%s on %s over %s (%s%s%s, %s, seed %llu)", what,
			 machine_device_name(c->device), machine_transport_name(c->transport),
			 c->packed ? "packed" : "split", c->indirect ? ", indirect" : "",
			 c->event_idx ? ", event index" : "", c->alias ? "alias" : "plain",
			 (unsigned long long)c->seed);
}
