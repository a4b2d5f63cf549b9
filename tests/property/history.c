/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/property/history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"

void history_insert(struct history *h, size_t at, const struct step *s)
{
	struct step copy = *s;

	XGROW(h->steps, h->count, h->cap);
	memmove(&h->steps[at + 1], &h->steps[at], (h->count - at) * sizeof(*h->steps));
	h->steps[at] = copy;
	h->count++;
}

void history_remove(struct history *h, size_t at)
{
	memmove(&h->steps[at], &h->steps[at + 1], (h->count - at - 1) * sizeof(*h->steps));
	h->count--;
}

void history_settle(struct history *h)
{
	uint64_t ts = 0;

	for (size_t c = 0; c < h->info.ncpus; c++) {
		h->info.cpus[c].events = 0;
		h->info.cpus[c].lost = 0;
		h->info.cpus[c].lost_unknown = false;
	}
	for (size_t i = 0; i < h->count; i++) {
		struct event *ev = &h->steps[i].ev;
		struct stream_cpu *cpu = &h->info.cpus[ev->cpu];

		if (ev->ts_ns < ts)
			ev->ts_ns = ts;
		ts = ev->ts_ns;
		if (!cpu->events++)
			cpu->first_ns = ts;
		cpu->last_ns = ts;
		if (ev->kind == EVENT_LOST) {
			cpu->lost += ev->size;
			cpu->lost_unknown |= !ev->size;
		}
	}
}

/* Platform facts travel as JSON anyway: a copy by text also tests that path. */
static struct platform *copy_platform(const struct platform *p)
{
	char *text = platform_format(p);
	struct err err = { "" };
	struct platform *copy = platform_parse(text, strlen(text), "copy", &err);

	if (!copy) {
		fprintf(stderr, "property: facts do not survive their JSON: %s\n%s\n", err.text,
			text);
		abort();
	}
	free(text);
	return copy;
}

static void copy_info(struct stream_info *to, const struct stream_info *from)
{
	*to = *from;
	to->recorder = xstrdup(from->recorder);
	to->clock = xstrdup(from->clock);
	to->arch = xstrdup(from->arch);
	to->release = xstrdup(from->release);
	to->boot_id = from->boot_id ? xstrdup(from->boot_id) : NULL;
	to->cpus = xcalloc(from->ncpus, sizeof(*to->cpus));
	memcpy(to->cpus, from->cpus, from->ncpus * sizeof(*to->cpus));
	to->formats = xcalloc(from->nformats, sizeof(*to->formats));
	for (size_t i = 0; i < from->nformats; i++) {
		to->formats[i] = from->formats[i];
		to->formats[i].system = xstrdup(from->formats[i].system);
		to->formats[i].name = xstrdup(from->formats[i].name);
		to->formats[i].missing = xstrdup(from->formats[i].missing);
	}
}

struct history *history_copy(const struct history *h)
{
	struct history *c = xcalloc(1, sizeof(*c));

	*c = *h;
	c->cap = h->count + 8;
	c->steps = xcalloc(c->cap, sizeof(*c->steps));
	memcpy(c->steps, h->steps, h->count * sizeof(*c->steps));
	c->platform = copy_platform(h->platform);
	copy_info(&c->info, &h->info);
	c->names = names_new();
	for (size_t i = 1; i < names_count(h->names); i++) {
		const char *name = names_get(h->names, i);

		names_intern(c->names, name, strlen(name));
	}
	return c;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	free(h->steps);
	platform_free(h->platform);
	names_free(h->names);
	stream_info_release(&h->info);
	free(h);
}

struct verdict *history_judge(const struct history *h)
{
	struct judge *j = judge_new(h->platform, h->names, &h->options);
	struct verdict *v;

	for (size_t i = 0; i < h->count; i++)
		judge_feed(j, &h->steps[i].ev, 1);
	v = judge_finish(j, &h->info);
	judge_free(j);
	return v;
}

static void print_event(const struct history *h, size_t i, FILE *out)
{
	const struct step *s = &h->steps[i];
	const struct event *ev = &s->ev;

	fprintf(out, "%5zu cpu%u pid%-4d %-12s", i + 1, ev->cpu, ev->pid,
		event_kind_name(ev->kind));
	if (ev->dev)
		fprintf(out, " %s", names_get(h->names, ev->dev));
	if (ev->kind != EVENT_MARK && ev->dir != EVENT_DIR_NONE)
		fprintf(out, " %s", event_dir_name(ev->dir));
	if (ev->orig != EVENT_NO_ADDR && ev->orig)
		fprintf(out, " orig=%" PRIx64, ev->orig);
	if (ev->dma == EVENT_NO_ADDR && ev->kind == EVENT_MAP)
		fprintf(out, " dma=failed");
	else if (ev->dma != EVENT_NO_ADDR && ev->dma)
		fprintf(out, " dma=%" PRIx64, ev->dma);
	fprintf(out, " size=%" PRIu64, ev->size);
	if (ev->link)
		fprintf(out, " link=%" PRIx64, ev->link);
	if (ev->aux)
		fprintf(out, " aux=%u", ev->aux);
	if (ev->attrs)
		fprintf(out, " attrs=%x", ev->attrs);
	if (ev->flags)
		fprintf(out, " flags=%x", ev->flags);
	fprintf(out, "  #%u\n", s->map);
}

void history_print(const struct history *h, FILE *out)
{
	char *facts = platform_format(h->platform);

	fprintf(out, "recorder %s, %zu CPUs%s\n%s\n", h->info.recorder ? h->info.recorder : "?",
		h->info.ncpus, h->options.window_only ? ", --scope window" : "", facts);
	free(facts);
	for (size_t i = 0; i < h->count; i++)
		print_event(h, i, out);
}
