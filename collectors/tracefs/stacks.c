/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who maps what will be refuted: conditional stack traces of the kernel. */
#include "collectors/tracefs/stacks.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <tracefs/tracefs.h>

#include "collectors/decode/format.h"
#include "collectors/tracedat/page.h"
#include "collectors/tracedat/write.h"
#include "collectors/tracefs/gaps.h"
#include "collectors/tracefs/instance.h"
#include "collectors/tracefs/state.h"
#include "collectors/tracefs/tracefs.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"

#define SYMBOLS_MOST 8192 /* addresses that are looked up */
#define WINDOW (128u << 10)
#define KALLSYMS_MAX ((size_t)256 << 20)

/* Events that name what a device is given. */
static const struct {
	const char *name;
	enum stacks_event event;
} wanted[] = {
	{ "dma_map_phys", STACKS_MAP },	     { "dma_map_page", STACKS_MAP },
	{ "dma_map_sg", STACKS_LIST },	     { "dma_alloc", STACKS_ALLOC },
	{ "dma_alloc_pages", STACKS_ALLOC },
};

/* ---- arming ---- */

static bool is_translated(const struct platform *p)
{
	for (size_t i = 0; i < p->npci; i++) {
		const struct platform_pci *dev = &p->pci[i];

		if (dev->iommu_group && (!dev->iommu_type || strcmp(dev->iommu_type, "identity")))
			return true;
	}
	return false;
}

static char *outside_pools(const struct platform *p)
{
	uint64_t bit = p->realm.shared_bit;
	char *text = NULL;

	for (size_t i = 0; i < p->swiotlb.npools; i++) {
		const struct range *r = &p->swiotlb.pools[i].range;
		char *more = xasprintf("%s%s(dma_addr < 0x%" PRIx64 " || dma_addr > 0x%" PRIx64 ")",
				       text ? text : "", text ? " && " : "", r->start | bit,
				       r->end | bit);

		free(text);
		text = more;
	}
	return text;
}

/* Without any pool, as with swiotlb=noforce, every map is one of protected memory. */
static bool bounces_nothing(const struct platform *p)
{
	return p->realm.is_realm == TRI_NO && !p->swiotlb.npools &&
	       (p->swiotlb.slots == 0 ||
		(p->swiotlb.slots == PLATFORM_UNKNOWN && p->swiotlb.force == TRI_NO));
}

char *stacks_condition(const struct platform *p, enum stacks_event event)
{
	char *outside, *text;

	if (!p || is_translated(p))
		return NULL;
	/* an allocation is decrypted wherever it lies; where addresses have a bit for it, that
	 * shows */
	if (event == STACKS_ALLOC)
		return p->realm.shared_bit ? xasprintf("dma_addr < 0x%" PRIx64, p->realm.shared_bit)
					   : NULL;
	/* one that is always true: without a condition the stack comes before its event */
	if (event == STACKS_LIST)
		return bounces_nothing(p) ? xstrdup("dir >= 0") : NULL;
	outside = p->realm.is_realm == TRI_YES && !p->realm.shared_bit ? NULL : outside_pools(p);
	if (!outside && !bounces_nothing(p))
		return NULL;
	/* a failed map gives nothing away */
	text = xasprintf("%s%sdma_addr != 0x%" PRIx64, outside ? outside : "",
			 outside ? " && " : "", UINT64_MAX);
	free(outside);
	return text;
}

/* ! takes a trigger off: by its name alone, whatever its count and condition are. */
static int set(const struct instance *instance, const char *event, const char *text)
{
	return tracefs_event_file_append(instance->files, "dma", event, "trigger", text) < 0 ? -1
											     : 0;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static void arm_one(struct stacks *s, const struct instance *instance, const char *event,
		    const char *condition, struct state *state)
{
	char *path = xasprintf("events/dma/%s/trigger", event);
	char *text = xasprintf("stacktrace:%d if %s\n", STACKS_A_SECOND, condition);
	char *noted = xasprintf("instances/%s/%s", instance->name, path);

	if (tracing_exists(instance->files, path) &&
	    (instance->own || state_note(state, "trigger", noted, NULL) == 0) &&
	    set(instance, event, text) == 0) {
		s->armed = xrealloc(s->armed, s->narmed + 1, sizeof(*s->armed));
		s->armed[s->narmed++] = (struct stack_trigger){ xstrdup(event), text };
		text = NULL;
	}
	free(noted);
	free(text);
	free(path);
}

void stacks_arm(struct stacks *s, const struct instance *instance, const struct platform *platform,
		struct state *state)
{
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		char *condition = stacks_condition(platform, wanted[i].event);

		if (condition)
			arm_one(s, instance, wanted[i].name, condition, state);
		free(condition);
	}
	s->looked_ns = now_ns();
}

/* How many more this trigger will write; as if none was written where that is not known. */
static long left(const struct instance *instance, const char *event)
{
	static const char count[] = "stacktrace:count=";
	char *path = xasprintf("events/dma/%s/trigger", event);
	char *text = tracing_read(instance->files, path);
	const char *at = text ? strstr(text, count) : NULL;
	long n = at ? strtol(at + strlen(count), NULL, 10) : STACKS_A_SECOND;

	free(text);
	free(path);
	return n;
}

int stacks_pause(const struct stacks *s)
{
	return s->narmed && s->written < STACKS_MOST ? 1000 : -1;
}

void stacks_go_on(struct stacks *s, const struct instance *instance, struct gaps *gaps)
{
	int64_t now = now_ns();

	if (stacks_pause(s) < 0 || now - s->looked_ns < 1000000000)
		return;
	s->looked_ns = now;
	for (size_t i = 0; i < s->narmed; i++) {
		const struct stack_trigger *t = &s->armed[i];
		char *path;

		if (left(instance, t->event) > 0)
			continue;
		path = xasprintf("events/dma/%s/trigger", t->event);
		gaps_look(gaps);
		set(instance, t->event, "!stacktrace\n");
		set(instance, t->event, t->text);
		gaps_own(gaps, path);
		free(path);
		s->written += STACKS_A_SECOND;
	}
}

void stacks_disarm(struct stacks *s, const struct instance *instance)
{
	s->found |= s->written > 0;
	for (size_t i = 0; i < s->narmed; i++) {
		if (instance->files) {
			s->found |= left(instance, s->armed[i].event) < STACKS_A_SECOND;
			set(instance, s->armed[i].event, "!stacktrace\n");
		}
		free(s->armed[i].event);
		free(s->armed[i].text);
	}
	free(s->armed);
	s->armed = NULL;
	s->narmed = 0;
}

/* ---- symbols ---- */

struct addresses {
	uint64_t *list;
	size_t count, cap;
};

struct layout {
	uint64_t id, caller; /* common_type, offset of the first return address */
};

/* The number and layout of ftrace:kernel_stack. */
static bool read_layout(const struct instance *instance, struct layout *l)
{
	char *text = tracing_read(instance->files, "events/ftrace/kernel_stack/format");
	struct decode_format format;
	const struct decode_field *caller;
	bool ok = false;

	if (!text)
		return false;
	if (decode_format_parse(&format, text, strlen(text)) &&
	    (caller = decode_format_field(&format, "caller")) != NULL) {
		*l = (struct layout){ format.id, caller->offset };
		ok = true;
	}
	decode_format_release(&format);
	free(text);
	return ok;
}

static void take_record(struct addresses *a, const struct layout *l, const uint8_t *data,
			uint32_t len)
{
	uint16_t type;

	if (!data || len < 8)
		return;
	memcpy(&type, data, sizeof(type));
	if (type != l->id)
		return;
	for (uint64_t at = l->caller; at + 8 <= len && a->count < SYMBOLS_MOST; at += 8) {
		XGROW(a->list, a->count, a->cap);
		memcpy(&a->list[a->count++], data + at, 8);
	}
}

/* The pages of one CPU as they were spliced from a 64-bit kernel's ring buffer. */
static void take_pages(struct addresses *a, const struct layout *l, int fd, uint32_t page_size)
{
	struct tracedat_file file = {
		.fd = fd,
		.path = "spooled pages",
		.layout = { 0, 8, 8, 16, page_size - 16 },
		.long_size = 8,
	};
	struct tracedat_buffer buffer = { .page_size = page_size };
	struct tracedat_room room = { .left = TRACEDAT_ROOM };
	struct tracedat_data where = { 0 };
	struct tracedat_cpu cpu;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < page_size)
		return;
	file.size = where.size = (uint64_t)st.st_size;
	tracedat_cpu_init(&cpu, &file, &buffer, &where, WINDOW, &room, NULL);
	while (a->count < SYMBOLS_MOST && tracedat_cpu_next(&cpu, NULL) > 0)
		take_record(a, l, cpu.data, cpu.len);
	tracedat_cpu_release(&cpu);
}

struct symbol {
	uint64_t address;
	const char *line; /* of /proc/kallsyms */
	bool wanted;
};

/* Names of one address in the kernel's order. */
static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->address == y->address)
		return x->line < y->line ? -1 : 1;
	return x->address < y->address ? -1 : 1;
}

/* The kernel's symbols of code by address; text is cut into lines. */
static struct symbol *code_symbols(char *text, size_t *count)
{
	struct symbol *list = NULL;
	size_t cap = 0;
	char *line, *end;

	while ((line = strsep(&text, "\n")) != NULL) {
		uint64_t address = strtoull(line, &end, 16);

		if (!address || end[0] != ' ' || !end[1] || !strchr("tTwW", end[1]))
			continue;
		XGROW(list, *count, cap);
		list[(*count)++] = (struct symbol){ address, line, false };
	}
	if (list)
		qsort(list, *count, sizeof(*list), by_address);
	return list;
}

/* Mark the last symbol that is not behind the address, by all its names. */
static void want(struct symbol *list, size_t count, uint64_t address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (list[mid].address <= address)
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t i = low; i > 0 && list[i - 1].address == list[low - 1].address; i--)
		list[i - 1].wanted = true;
}

/* The lines of kallsyms that name the addresses; to be freed. */
static char *symbols_of(const struct addresses *a, char *kallsyms, size_t *len)
{
	size_t count = 0;
	struct symbol *list = code_symbols(kallsyms, &count);
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	for (size_t i = 0; i < a->count; i++)
		want(list, count, a->list[i]);
	for (size_t i = 0; out && i < count; i++)
		if (list[i].wanted)
			fprintf(out, "%s\n", list[i].line);
	if (out)
		fclose(out);
	free(list);
	return text;
}

void stacks_symbols(const struct instance *instance, struct tracedat_writer *writer)
{
	struct addresses a = { NULL };
	struct layout layout;
	char *kallsyms, *text = NULL;
	size_t len = 0;

	if (!read_layout(instance, &layout))
		return;
	for (unsigned int cpu = 0; cpu < instance->cpus; cpu++)
		take_pages(&a, &layout, tracedat_writer_fd(writer, cpu), instance->subbuf_size);
	kallsyms = a.count ? file_read("/proc/kallsyms", KALLSYMS_MAX, NULL, NULL) : NULL;
	if (kallsyms)
		text = symbols_of(&a, kallsyms, &len);
	if (text)
		tracedat_writer_kallsyms(writer, text, len);
	free(text);
	free(kallsyms);
	free(a.list);
}
