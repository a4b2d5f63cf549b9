/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Results of ccaio bench workload as JSON, and which way this machine's devices take. */
#include "cmd/bench/results.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "collectors/facts/facts.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"

#define MANY 10000 /* runs of a load, loads of a file */

const char *bench_way_name(enum bench_way way)
{
	static const char *const names[BENCH_WAYS] = { "direct", "dma-api", "bounced" };

	return names[way];
}

JWORDS(way_word, bench_way, bench_way_name)

static const struct jrow run_rows[] = {
	JNUMBER("ns", struct bench_run, ns, INT64_MAX, .flags = JF_REQUIRED),
	JNUMBER("busy_ns", struct bench_run, busy_ns, INT64_MAX, .flags = JF_REQUIRED),
	JNUMBER("instructions", struct bench_run, instructions, INT64_MAX, .flags = JF_OMIT),
	JEND,
};

#define METER struct bench_meter
static const struct jrow meter_rows[] = {
	JLIST("runs", METER, runs, nruns, run_rows, MANY, .flags = JF_REQUIRED),
	JNUMBER("out_copies", METER, out_copies, INT64_MAX, .flags = JF_REQUIRED),
	JNUMBER("out_bytes", METER, out_bytes, INT64_MAX, .flags = JF_REQUIRED),
	JNUMBER("in_copies", METER, in_copies, INT64_MAX, .flags = JF_REQUIRED),
	JNUMBER("in_bytes", METER, in_bytes, INT64_MAX, .flags = JF_REQUIRED),
	JNUMBER("missed", METER, missed, INT64_MAX, .flags = JF_REQUIRED),
	JEND,
};

static const struct jrow load_rows[] = {
	JNAME("name", struct bench_load, name, .flags = JF_REQUIRED | JF_UNIQUE),
	JNUMBER("operations", struct bench_load, operations, INT64_MAX, .flags = JF_REQUIRED),
	JLIST("runs", struct bench_load, runs, nruns, run_rows, MANY, .flags = JF_REQUIRED),
	JPOINTER("meter", struct bench_load, meter, meter_rows),
	JEND,
};

const struct jrow bench_results_table[] = {
	JWORD("way", struct bench_results, way, way_word, BENCH_WAYS, .flags = JF_REQUIRED),
	JNAME("machine", struct bench_results, machine),
	JNAME("kernel", struct bench_results, kernel),
	JNUMBER("cpus", struct bench_results, cpus, 65536, .flags = JF_REQUIRED),
	JNUMBER("instruction_ns", struct bench_results, instruction_ns, 1000000),
	JLIST("workloads", struct bench_results, loads, nloads, load_rows, MANY,
	      .flags = JF_REQUIRED),
	JEND,
};

/* Of the virtio devices with a driver: all, none, or some have ACCESS_PLATFORM. */
static int find_way(const struct platform *p, unsigned int *way, struct err *err)
{
	size_t with = 0, without = 0;

	for (size_t i = 0; i < p->nvirtio; i++) {
		if (!p->virtio[i].driver)
			continue;
		if (platform_virtio_feature(&p->virtio[i], VIRTIO_F_ACCESS_PLATFORM) == TRI_YES)
			with++;
		else
			without++;
	}
	if (with && without)
		return err_set(err, EINVAL,
			       "%zu virtio devices use the DMA API and %zu do not: set "
			       "iommu_platform alike for all of them",
			       with, without);
	if (without)
		*way = BENCH_DIRECT;
	else if (p->swiotlb.force == TRI_YES || p->realm.is_realm == TRI_YES)
		*way = BENCH_BOUNCED;
	else
		*way = BENCH_DMA_API;
	return 0;
}

struct bench_results *bench_results_new(struct err *err)
{
	struct bench_results *r = xcalloc(1, sizeof(*r));
	struct facts *facts = facts_new(NULL);
	struct platform *p = facts_collect(facts);
	int ret = find_way(p, &r->way, err);

	r->kernel = xstrdup(p->kernel.release);
	r->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	platform_free(p);
	facts_free(facts);
	if (ret == 0)
		return r;
	bench_results_free(r);
	return NULL;
}

struct bench_results *bench_results_load(const char *path, struct err *err)
{
	return jtable_load(bench_results_table, sizeof(struct bench_results), jdoc_load(path, err),
			   BENCH_WORKLOAD_SCHEMA);
}

void bench_results_free(struct bench_results *results)
{
	jtable_delete(bench_results_table, results);
}

void bench_load_free(struct bench_load *load)
{
	jtable_free(load_rows, load);
}
