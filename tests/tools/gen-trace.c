/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gen-trace - write a trace.dat as a confidential VM at work would: for benchmarks and tests.
 *
 * A legal history: devices map, sync and unmap bounce buffers of one pool, on
 * several CPUs, beside network and block events.  The same seed gives the same bytes.
 */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/tracedat/encode.h"
#include "collectors/tracedat/pack.h"
#include "collectors/tracedat/write.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "tests/tools/trace-v7.h"

static const char usage[] =
	"usage: gen-trace [options] OUT.dat\n"
	"\n"
	"  -n, --events=N    about how many events (default 1000000)\n"
	"  -c, --cpus=N      CPUs (default 4)\n"
	"  -s, --seed=N      seed (default 1)\n"
	"  -l, --lost=N      say N times that events were lost\n"
	"  -7, --v7=ZIP      version 7 with ZIP: none, zlib, zstd (default: version 6)\n"
	"  -p, --platform=F  write the facts that go with it to F\n"
	"  -h, --help        show this help\n";

#define POOL_START UINT64_C(0x72900000)
#define SLOT 2048
#define SLOTS 65536
#define LIVE 256 /* mappings at once */
#define MAX_CPUS 64
#define DEVICES 4

static const char *const devices[DEVICES] = { "0000:00:01.0", "0000:00:02.0", "0000:00:03.0",
					      "0000:00:04.0" };

struct live {
	uint64_t orig, dma;
	uint32_t size, slot, slots;
	uint16_t dev;
	uint8_t dir;
};

struct gen {
	struct tracedat_writer *writer;
	struct tracedat_pack packs[MAX_CPUS];
	unsigned int ncpus;
	struct names *names;
	uint16_t devices[DEVICES], eth;
	uint64_t random, ts_ns, events, nonce;
	struct live live[LIVE];
	unsigned int nlive;
	uint8_t used[SLOTS];
	uint32_t hand; /* where the search for free slots goes on */
	uint16_t cpu;
	int32_t pid;
};

struct cpu_arg {
	struct tracedat_writer *writer;
	unsigned int cpu;
};

static void fail(const struct err *err)
{
	fprintf(stderr, "gen-trace: %s\n", err->text);
	exit(1);
}

/* xorshift64*: the same everywhere */
static uint64_t pick(struct gen *gen, uint64_t below)
{
	gen->random ^= gen->random >> 12;
	gen->random ^= gen->random << 25;
	gen->random ^= gen->random >> 27;
	return (gen->random * UINT64_C(2685821657736338717) >> 33) % below;
}

static int page_out(void *arg, const void *page, size_t size, struct err *err)
{
	struct cpu_arg *a = arg;

	return tracedat_writer_pages(a->writer, a->cpu, page, size, err);
}

static void emit(struct gen *gen, struct event *event)
{
	uint8_t buf[ENCODE_MAX];
	struct err err = { "" };
	size_t len;

	gen->ts_ns += 40 + pick(gen, 400);
	event->ts_ns = gen->ts_ns;
	event->cpu = gen->cpu;
	event->pid = gen->pid;
	len = encode_record(event, gen->names, buf);
	if (tracedat_pack_record(&gen->packs[gen->cpu], event->ts_ns, buf, len, &err) < 0)
		fail(&err);
	gen->events++;
}

static struct event dma_event(enum event_kind kind, const struct live *live)
{
	return (struct event){
		.kind = kind,
		.orig = EVENT_NO_ADDR,
		.dma = live->dma,
		.size = live->size,
		.dir = live->dir,
		.dev = live->dev,
	};
}

/* First fit from the hand on, as swiotlb does within an area. */
static bool slots_take(struct gen *gen, struct live *live)
{
	uint32_t run = 0;

	live->slots = (live->size + SLOT - 1) / SLOT;
	for (uint32_t tried = 0; tried < 2 * SLOTS; tried++) {
		uint32_t at = gen->hand++ % SLOTS;

		if (at == 0)
			run = 0;
		run = gen->used[at] ? 0 : run + 1;
		if (run == live->slots) {
			live->slot = at + 1 - run;
			memset(gen->used + live->slot, 1, live->slots);
			return true;
		}
	}
	return false;
}

static void map(struct gen *gen)
{
	static const uint32_t sizes[] = {
		54, 66, 98, 151, 266, 1526, 1536, 4096, 16, 1, 32, 65536
	};
	struct live live = {
		.size = sizes[pick(gen, 12)],
		.dir = (uint8_t)(1 + pick(gen, 2)),
		.dev = gen->devices[pick(gen, DEVICES)],
		.orig = 0x40000000 + pick(gen, 0x30000000),
	};
	struct event e;

	if (!slots_take(gen, &live))
		return;
	live.dma = POOL_START + (uint64_t)live.slot * SLOT;
	e = dma_event(EVENT_BOUNCE, &live);
	e.orig = live.orig;
	e.flags = EVENT_F_FORCED;
	emit(gen, &e);
	e = dma_event(EVENT_MAP, &live);
	e.orig = live.orig;
	emit(gen, &e);
	gen->live[gen->nlive++] = live;
}

static void unmap(struct gen *gen)
{
	struct live *live = &gen->live[pick(gen, gen->nlive)];
	struct event e = dma_event(EVENT_UNMAP, live);

	emit(gen, &e);
	memset(gen->used + live->slot, 0, live->slots);
	*live = gen->live[--gen->nlive];
}

static void sync(struct gen *gen)
{
	const struct live *live = &gen->live[pick(gen, gen->nlive)];
	struct event e = dma_event(pick(gen, 2) ? EVENT_SYNC_CPU : EVENT_SYNC_DEVICE, live);

	e.size = 1 + pick(gen, live->size);
	emit(gen, &e);
}

static void packet(struct gen *gen)
{
	static const uint8_t kinds[] = { EVENT_NET_XMIT_START, EVENT_NET_XMIT, EVENT_NET_RX };
	struct event e = { .kind = kinds[pick(gen, 3)],
			   .dev = gen->eth,
			   .link = UINT64_C(0xfff0000003700000) + 256 * pick(gen, 4096),
			   .size = 60 + pick(gen, 1400),
			   .orig = EVENT_NO_ADDR,
			   .dma = EVENT_NO_ADDR,
			   .dir = EVENT_DIR_NONE };

	emit(gen, &e);
}

/* One burst on one CPU, then on to another: as interrupts and tasks do. */
static void burst(struct gen *gen)
{
	static const int32_t pids[] = { 0, 0, 42, 222, 223 };

	gen->cpu = (uint16_t)pick(gen, gen->ncpus);
	gen->pid = pids[pick(gen, 5)];
	for (uint64_t i = 1 + pick(gen, 8); i > 0; i--) {
		uint64_t what = pick(gen, 10);

		if (gen->nlive < 16 || (what < 3 && gen->nlive < LIVE))
			map(gen);
		else if (what < 6)
			unmap(gen);
		else if (what < 9)
			sync(gen);
		else
			packet(gen);
	}
}

static void mark(struct gen *gen, enum event_mark what)
{
	for (unsigned int cpu = 0; cpu < gen->ncpus; cpu++) {
		struct event e = { .kind = EVENT_MARK, .aux = what, .link = gen->nonce };

		gen->cpu = (uint16_t)cpu;
		gen->pid = 200;
		emit(gen, &e);
	}
}

static void lose(struct gen *gen, uint64_t times)
{
	struct err err = { "" };

	for (uint64_t i = 0; i < times; i++)
		if (tracedat_pack_lost(&gen->packs[i % gen->ncpus], 1 + i, &err) < 0)
			fail(&err);
}

static void metadata(struct gen *gen, uint64_t lost)
{
	static const char cmdlines[] = "42 kworker/u4:2\n200 ccaio\n222 keybroker-app\n223 curl\n";
	static const char printk[] = "0xffff800081a00000 : \"nothing\"\n";
	static const char kallsyms[] = "ffff800080000000 T _text\nffff800082000000 T _end\n";
	static const char uname[] = "Linux realm 7.2.13 aarch64", version[] = "ccaio gen-trace";
	static const char clock[] = "[local] global counter uptime perf mono mono_raw boot tai\n";

	encode_formats(gen->writer);
	tracedat_writer_cmdlines(gen->writer, cmdlines, strlen(cmdlines));
	tracedat_writer_printk(gen->writer, printk, strlen(printk));
	tracedat_writer_kallsyms(gen->writer, kallsyms, strlen(kallsyms));
	tracedat_writer_option(gen->writer, TRACEDAT_OPTION_UNAME, uname, sizeof(uname));
	tracedat_writer_option(gen->writer, TRACEDAT_OPTION_VERSION, version, sizeof(version));
	tracedat_writer_option(gen->writer, TRACEDAT_OPTION_TRACECLOCK, clock, sizeof(clock));
	tracedat_writer_option(gen->writer, TRACEDAT_OPTION_TRACEID, &gen->nonce, 8);
	for (unsigned int cpu = 0; cpu < gen->ncpus; cpu++) {
		char *text =
			xasprintf("CPU: %u\nentries: 0\noverrun: %" PRIu64 "\ncommit overrun: 0\n"
				  "bytes: 0\ndropped events: 0\n",
				  cpu, cpu == 0 ? lost * (lost + 1) / 2 : 0);

		tracedat_writer_option(gen->writer, TRACEDAT_OPTION_CPUSTAT, text,
				       strlen(text) + 1);
		free(text);
	}
}

static void platform(const char *path, uint64_t nonce)
{
	FILE *out = fopen(path, "we");

	if (!out) {
		fprintf(stderr, "gen-trace: cannot write %s\n", path);
		exit(1);
	}
	fprintf(out, "{\"schema\":\"ccaio.platform/1\",\n"
		     " \"kernel\":{\"release\":\"7.2.13\",\"machine\":\"aarch64\",\"cmdline\":"
		     "\"swiotlb=65536,force\"},\n"
		     " \"realm\":{\"is_realm\":false,\"kind\":null,\"rsi_version\":null,\"ipa_"
		     "bits\":null,"
		     "\"shared_bit\":null},\n"
		     " \"ram\":[{\"start\":\"0x40000000\",\"end\":\"0x7fffffff\"}],\n"
		     " \"swiotlb\":{\"pools\":[{\"name\":\"default\",\"start\":\"0x72900000\","
		     "\"end\":\"0x7a8fffff\"}],"
		     "\"slots\":65536,\"force\":true,\"dynamic\":false,\"used_before\":0,\"used_"
		     "after\":0,"
		     "\"used_hiwater\":65536},\n"
		     " \"virtio\":[");
	for (unsigned int i = 0; i < DEVICES; i++)
		fprintf(out,
			"%s{\"name\":\"virtio%u\",\"device_id\":%u,\"features\":\"%033u1%030u\","
			"\"status\":\"0x0000000f\",\"bus\":\"pci\",\"parent\":\"%s\",\"driver\":\"%"
			"s\"}",
			i ? ",\n  " : "", i, i % 2 + 1, 0, 0, devices[i],
			i % 2 ? "virtio_blk" : "virtio_net");
	fprintf(out, "],\n \"pci\":[");
	for (unsigned int i = 0; i < DEVICES; i++)
		fprintf(out,
			"%s{\"name\":\"%s\",\"vendor\":\"0x1af4\",\"device\":\"0x104%u\",\"class\":"
			"\"0x020000\","
			"\"driver\":\"virtio-pci\",\"iommu_group\":null}",
			i ? ",\n  " : "", devices[i], i % 2 + 1);
	fprintf(out,
		"],\n "
		"\"window\":{\"devices_changed\":false,\"cpus_changed\":false,\"kernel_log\":[]},\n"
		" \"trace\":{\"lost\":[],\"from_boot\":false,\"nonce\":\"0x%016" PRIx64 "\"}}\n",
		nonce);
	if (fclose(out) != 0) {
		fprintf(stderr, "gen-trace: cannot write %s\n", path);
		exit(1);
	}
}

static void generate(struct gen *gen, const char *path, uint64_t events, uint64_t lost)
{
	static struct cpu_arg args[MAX_CPUS];
	struct err err = { "" };

	gen->names = names_new();
	for (unsigned int i = 0; i < DEVICES; i++)
		gen->devices[i] = names_intern(gen->names, devices[i], strlen(devices[i]));
	gen->eth = names_intern(gen->names, "eth0", 4);
	gen->ts_ns = 4000000000;
	gen->nonce = gen->random;
	gen->writer = tracedat_writer_open(AT_FDCWD, path, gen->ncpus, 4096, &err);
	if (!gen->writer)
		fail(&err);
	for (unsigned int cpu = 0; cpu < gen->ncpus; cpu++) {
		args[cpu] = (struct cpu_arg){ gen->writer, cpu };
		tracedat_pack_init(&gen->packs[cpu], page_out, &args[cpu]);
	}
	metadata(gen, lost);
	mark(gen, EVENT_MARK_START);
	while (gen->events + gen->nlive + gen->ncpus < events) {
		burst(gen);
		if (lost && gen->events > events / 2) {
			lose(gen, lost);
			lost = 0;
		}
	}
	while (gen->nlive)
		unmap(gen);
	mark(gen, EVENT_MARK_STOP);
	for (unsigned int cpu = 0; cpu < gen->ncpus; cpu++)
		if (tracedat_pack_flush(&gen->packs[cpu], &err) < 0)
			fail(&err);
	if (tracedat_writer_finish(gen->writer, &err) < 0)
		fail(&err);
	tracedat_writer_close(gen->writer);
	names_free(gen->names);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "events", required_argument, NULL, 'n' },
		{ "cpus", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 's' },
		{ "lost", required_argument, NULL, 'l' },
		{ "v7", required_argument, NULL, '7' },
		{ "platform", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static struct gen gen = { .ncpus = 4 };
	uint64_t events = 1000000, seed = 1, lost = 0;
	const char *v7 = NULL, *facts = NULL;
	struct err err = { "" };
	int opt;

	while ((opt = getopt_long(argc, argv, "n:c:s:l:7:p:h", options, NULL)) != -1) {
		switch (opt) {
		case 'n':
			events = strtoull(optarg, NULL, 10);
			break;
		case 'c':
			gen.ncpus = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 10);
			break;
		case 'l':
			lost = strtoull(optarg, NULL, 10);
			break;
		case '7':
			v7 = optarg;
			break;
		case 'p':
			facts = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return 1;
		}
	}
	if (argc - optind != 1 || !gen.ncpus || gen.ncpus > MAX_CPUS) {
		fputs(usage, stderr);
		return 1;
	}
	gen.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	if (facts)
		platform(facts, gen.random);
	generate(&gen, argv[optind], events, lost);
	if (v7 && trace_v7_convert(argv[optind], v7, &err) < 0)
		fail(&err);
	return 0;
}
