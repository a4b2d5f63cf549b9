/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ratios of workloads that were measured in several ways, as the tables of docs/cost.md. */
#include "cmd/bench/compare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bench/workload.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"

/* Figures of one workload, one for each run, in the order of files and runs. */
struct series {
	double *values;
	size_t n, cap;
};

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Sorts values. */
static struct bench_spread spread(double *values, size_t n)
{
	if (n == 0)
		return (struct bench_spread){ 0 };
	qsort(values, n, sizeof(*values), ascending);
	return (struct bench_spread){
		.median = n & 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2,
		.low = values[0],
		.high = values[n - 1],
		.n = n,
	};
}

/* instruction_ns: of a clock that counts them, 0 of any other. */
static uint64_t cost_ns(const struct bench_run *run, uint64_t instruction_ns)
{
	if (instruction_ns == 0)
		return run->ns;
	return run->instructions ? run->instructions * instruction_ns : run->busy_ns;
}

static void add_runs(struct series *s, const struct bench_run *runs, size_t n, uint64_t operations,
		     uint64_t instruction_ns)
{
	for (size_t i = 0; i < n; i++) {
		XGROW(s->values, s->n, s->cap);
		s->values[s->n++] =
			operations ? (double)cost_ns(&runs[i], instruction_ns) / operations : 0;
	}
}

struct bench_spread bench_spread_of(const struct bench_load *load, bool busy)
{
	double *values = xcalloc(load->nruns + 1, sizeof(*values));
	struct bench_spread of;

	for (size_t i = 0; i < load->nruns && load->operations; i++)
		values[i] = (double)(busy ? load->runs[i].busy_ns : load->runs[i].ns) /
			    load->operations;
	of = spread(values, load->nruns);
	free(values);
	return of;
}

/* Run by run, so that a machine whose speed drifts does not favour one side. */
static struct bench_spread ratio(const struct series *a, const struct series *b)
{
	size_t n = a->n < b->n ? a->n : b->n, used = 0;
	double *values = xcalloc(n ? n : 1, sizeof(*values));
	struct bench_spread of;

	for (size_t i = 0; i < n; i++)
		if (b->values[i] > 0)
			values[used++] = a->values[i] / b->values[i];
	of = spread(values, used);
	free(values);
	return of;
}

static const struct bench_load *find_load(const struct bench_results *r, const char *name)
{
	for (size_t i = 0; i < r->nloads; i++)
		if (strcmp(r->loads[i].name, name) == 0)
			return &r->loads[i];
	return NULL;
}

static void print_ratio(FILE *out, const struct bench_spread *r)
{
	if (r->n)
		fprintf(out, " %.3f (%.3f-%.3f) |", r->median, r->low, r->high);
	else
		fprintf(out, " not measured |");
}

static void print_published(FILE *out, const struct workload *w)
{
	double time;

	if (!w->published[0]) {
		fprintf(out, " - |\n");
		return;
	}
	time = w->published_is_time ? w->published[1] / w->published[0]
				    : w->published[0] / w->published[1];
	fprintf(out, " %.3f (%g and %g %s)%s%s |\n", time, w->published[0], w->published[1],
		w->published_is_time ? "s" : "per s", w->caveat ? "; " : "",
		w->caveat ? w->caveat : "");
}

/* A row; nothing where the workload was not measured in two ways. */
static bool print_row(FILE *out, const struct workload *w, struct series of[BENCH_WAYS],
		      double unit_ns)
{
	struct bench_spread base, way[3];
	double *copy;
	size_t least = SIZE_MAX, measured = 0;

	for (int i = 0; i < BENCH_WAYS; i++) {
		measured += of[i].n > 0;
		if (of[i].n && of[i].n < least)
			least = of[i].n;
	}
	if (measured < 2)
		return false;
	way[0] = ratio(&of[BENCH_DMA_API], &of[BENCH_DIRECT]);
	way[1] = ratio(&of[BENCH_BOUNCED], &of[BENCH_DMA_API]);
	way[2] = ratio(&of[BENCH_BOUNCED], &of[BENCH_DIRECT]);
	copy = xcalloc(of[BENCH_DIRECT].n + 1, sizeof(*copy));
	for (size_t i = 0; i < of[BENCH_DIRECT].n; i++)
		copy[i] = of[BENCH_DIRECT].values[i];
	base = spread(copy, of[BENCH_DIRECT].n);
	free(copy);
	fprintf(out, "| %s | %s | %.0f | %zu |", w->name, w->unit, base.median / unit_ns, least);
	for (int i = 0; i < 3; i++)
		print_ratio(out, &way[i]);
	print_published(out, w);
	return true;
}

/* The files whose clock counts instructions, or the others. */
static size_t print_table(FILE *out, struct bench_results *const *results, size_t n, bool counted,
			  struct err *err)
{
	size_t rows = 0;
	double unit_ns = 1000;

	for (size_t i = 0; i < n; i++)
		if (counted && results[i]->instruction_ns)
			unit_ns = results[i]->instruction_ns;
	for (const struct workload *w = workloads; w->name && !*err->text; w++) {
		struct series of[BENCH_WAYS] = { 0 };
		uint64_t operations = 0;

		for (size_t i = 0; i < n; i++) {
			const struct bench_load *load = find_load(results[i], w->name);

			if (!load || counted != (results[i]->instruction_ns > 0))
				continue;
			if (operations && load->operations != operations)
				err_set(err, EINVAL,
					"%s: the results are of %llu and of %llu operations: "
					"measure "
					"them with one version of ccaio",
					w->name, (unsigned long long)operations,
					(unsigned long long)load->operations);
			operations = load->operations;
			add_runs(&of[results[i]->way], load->runs, load->nruns, operations,
				 counted ? results[i]->instruction_ns : 0);
		}
		if (rows == 0 && of[0].n + of[1].n + of[2].n > 0)
			fprintf(out,
				"| workload | operation | %s | runs | DMA API / direct | bounced / "
				"DMA API | bounced / direct | virtCCA / vanilla, published |\n"
				"|---|---|---|---|---|---|---|---|\n",
				counted ? "instructions, direct" : "us, direct");
		rows += print_row(out, w, of, unit_ns);
		for (int i = 0; i < BENCH_WAYS; i++)
			free(of[i].values);
	}
	return rows;
}

static const char metered_head[] =
	"\nThe kernel's own meter (*ccaio trace --cost*) counted in the bounced guests, by "
	"operation,\nwhat was copied into the pool and back from it, those copies included that "
	"only carry\nold contents of a buffer. The runs with it alternate with those without: "
	"their "
	"ratio is\nwhat the meter costs.\n\n"
	"| workload | operation | runs | copies in | bytes in | copies back | bytes back | "
	"with the meter / without | missed |\n"
	"|---|---|---|---|---|---|---|---|---|\n";

/* What the meter counted of one workload where it was bounced, in all results together. */
struct metered {
	struct series with, without;
	struct bench_meter sum;
	double operations;
};

static void add_metered(struct metered *m, const struct bench_results *r,
			const struct bench_load *load)
{
	const struct bench_meter *meter = load->meter;

	add_runs(&m->with, meter->runs, meter->nruns, load->operations, r->instruction_ns);
	add_runs(&m->without, load->runs, load->nruns, load->operations, r->instruction_ns);
	m->operations += (double)load->operations * meter->nruns;
	m->sum.out_copies += meter->out_copies;
	m->sum.out_bytes += meter->out_bytes;
	m->sum.in_copies += meter->in_copies;
	m->sum.in_bytes += meter->in_bytes;
	m->sum.missed += meter->missed;
}

static void print_metered(FILE *out, struct bench_results *const *results, size_t n, bool counted)
{
	size_t rows = 0;

	for (const struct workload *w = workloads; w->name; w++) {
		struct metered m = { 0 };

		for (size_t i = 0; i < n; i++) {
			const struct bench_load *load = find_load(results[i], w->name);

			if (load && load->meter && counted == (results[i]->instruction_ns > 0))
				add_metered(&m, results[i], load);
		}
		if (m.operations > 0) {
			struct bench_spread meter = ratio(&m.with, &m.without);

			fprintf(out, "%s| %s | %s | %zu | %.2f | %.0f | %.2f | %.0f |",
				rows++ ? "" : metered_head, w->name, w->unit, m.with.n,
				m.sum.out_copies / m.operations, m.sum.out_bytes / m.operations,
				m.sum.in_copies / m.operations, m.sum.in_bytes / m.operations);
			print_ratio(out, &meter);
			fprintf(out, " %llu |\n", (unsigned long long)m.sum.missed);
		}
		free(m.with.values);
		free(m.without.values);
	}
}

static const char page_head[] =
	"# What bouncing costs\n\n"
	"*ccaio bench compare* wrote this page from recorded results, see ccaio-bench(1).\n"
	"`make bench-workloads` measures them anew.\n\n"
	"Each workload ran on one machine in three ways: **direct**, virtio devices without\n"
	"`VIRTIO_F_ACCESS_PLATFORM`, which pass the DMA API by; **DMA API**, with it and\n"
	"`swiotlb=noforce`; **bounced**, with it and `swiotlb=N,force`, as in a Realm. So the "
	"second\n"
	"against the first is what the DMA API costs, and the third against the second what\n"
	"bouncing costs. A ratio is of what one operation takes, run by run: the median, and the\n"
	"smallest and largest in parentheses; above 1 is slower. The servers ran on the measured\n"
	"machine, their clients on another one.\n\n";

static const char published_head[] =
	"## The published figures\n\n"
	"The last column has what the authors of virtCCA measured on real hardware (arXiv\n"
	"2306.11011, Figure 4, vanilla-SEL2 and virtCCA-SEL2), as a ratio of time. Theirs compares "
	"a\n"
	"confidential VM with a plain one: world switches and other costs of being confidential\n"
	"are in it, not only bouncing. Their hackbench does no I/O, so its difference is none of\n"
	"bouncing. Their figures of MongoDB repeat those of MySQL, so they are left out.\n";

static bool has_counter(const struct bench_results *r)
{
	return r->nloads && r->loads[0].nruns && r->loads[0].runs[0].instructions;
}

static void print_machines(FILE *out, struct bench_results *const *results, size_t n, bool counted)
{
	const struct bench_results *first = NULL;

	for (size_t i = 0; i < n && !first; i++)
		if (counted == (results[i]->instruction_ns > 0))
			first = results[i];
	if (!first)
		return;
	fprintf(out, "%s\n\nMachine: %s, kernel %s, CPUs: %llu. ",
		counted ? "## By instructions" : "## By the clock",
		first->machine ? first->machine : "unknown",
		first->kernel ? first->kernel : "unknown", (unsigned long long)first->cpus);
	if (counted)
		fprintf(out,
			"%s\nSo these are ratios of instructions that the machine executed, not of "
			"seconds: a copy\nof 64 KiB counts as many instructions as it has, "
			"whatever "
			"memory and caches would take.\n\n",
			has_counter(first)
				? "The instructions\nare what the CPUs' own counters say."
				: "Its clock\ngoes on with each instruction; time in which a CPU "
				  "idles is left out.");
	else
		fprintf(out, "These are ratios of time, in\nwhich other work on the same host is "
			     "included.\n\n");
}

/* A reader must not take a row that is missing for one without a cost. */
static void print_missing(FILE *out, struct bench_results *const *results, size_t n)
{
	size_t missing = 0;

	for (const struct workload *w = workloads; w->name; w++) {
		bool found = false;

		for (size_t i = 0; i < n && !found; i++)
			found = find_load(results[i], w->name);
		if (found)
			continue;
		fprintf(out, "%s%s", missing++ ? ", " : "Not measured: ", w->name);
	}
	if (missing)
		fprintf(out, ".\n\n");
}

int bench_compare(FILE *out, char *const paths[], struct err *err)
{
	struct bench_results **results = NULL;
	size_t n = 0, cap = 0, rows = 0;
	int ret = 0;

	for (size_t i = 0; paths[i] && ret == 0; i++) {
		XGROW(results, n, cap);
		results[n] = bench_results_load(paths[i], err);
		if (results[n])
			n++;
		else
			ret = -EINVAL;
	}
	if (ret == 0)
		fputs(page_head, out);
	for (int counted = 1; counted >= 0 && ret == 0; counted--) {
		print_machines(out, results, n, counted);
		rows += print_table(out, results, n, counted, err);
		print_metered(out, results, n, counted);
		fprintf(out, "\n");
		ret = *err->text ? -EINVAL : 0;
	}
	if (ret == 0) {
		print_missing(out, results, n);
		fputs(published_head, out);
	}
	if (ret == 0 && rows == 0)
		ret = err_set(err, EINVAL, "no workload was measured in two ways");
	while (n > 0)
		bench_results_free(results[--n]);
	free(results);
	return ret;
}
