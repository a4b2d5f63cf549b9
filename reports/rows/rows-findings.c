/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Findings in words: what is wrong, how often, when. */
#include "reports/rows/rows-findings.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/saturate.h"
#include "lib/base/xalloc.h"
#include "lib/verdict/breach.h"
#include "lib/verdict/finding.h"

const char *rows_claims(struct rows *rows, uint32_t claims)
{
	const char *list = "";

	for (int c = 0; c < CLAIMS; c++) {
		if (claims & 1u << c)
			list = rows_str(rows, "%s%s%s", list, *list ? ", " : "", claim_name(c));
	}
	return list;
}

static const char *breach_list(struct rows *rows, uint32_t breaches)
{
	const char *list = "";

	for (int b = 0; b < BREACHES; b++) {
		if (breaches & 1u << b)
			list = rows_str(rows, "%s%s%s", list, *list ? ", " : "", breach_name(b));
	}
	return list;
}

static const char *operation(struct rows *rows, const struct verdict_finding *f)
{
	if (f->kind == EVENT_NONE)
		return "";
	return rows_str(rows, "%s%s%s", event_kind_name(f->kind),
			f->dir < EVENT_DIR_NONE ? " " : "",
			f->dir < EVENT_DIR_NONE ? event_dir_name(f->dir) : "");
}

static const char *when(struct rows *rows, const struct verdict_finding *f)
{
	if (!f->first_event)
		return "";
	if (f->count == 1)
		return rows_str(rows, "at %s", rows_time(rows, f->first_ns));
	return rows_str(rows, "from %s to %s", rows_time(rows, f->first_ns),
			rows_time(rows, f->last_ns));
}

/* A fact is not counted. */
static const char *times(struct rows *rows, const struct verdict_finding *f)
{
	if (f->count == 1)
		return f->first_event ? "once" : "";
	return rows_counted(rows, f->count, "time");
}

static struct row_device *device_named(const struct rows *rows, const char *name)
{
	for (size_t i = 0; i < rows->ndevices; i++) {
		if (strcmp(rows->devices[i].name, name) == 0)
			return &rows->devices[i];
	}
	return NULL;
}

/* What the first example says where no breach is known; else the breach's own words. */
static const char *text(struct rows *rows, const struct verdict *v, const struct verdict_finding *f)
{
	const char *said = f->example < v->nexamples ? v->examples[f->example].text : NULL;

	if ((f->breaches == 1u << BREACH_OTHER || f->kind == EVENT_NONE) && said)
		return rows_str(rows, "%s", said);
	return finding_text(f);
}

/* Frames of the kernel's tracing and of the DMA API itself: not who called it. */
static bool is_caller(const char *frame)
{
	static const char *const inner[] = { "trace_event_raw_event_",
					     "do_trace_event_raw_event_",
					     "__dma_",
					     "__traceiter_",
					     "__do_trace_",
					     "event_triggers_",
					     "stacktrace_",
					     "ftrace_",
					     "__trace_",
					     "dma_",
					     "trace_event_buffer_" };

	for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++) {
		if (strncmp(frame, inner[i], strlen(inner[i])) == 0)
			return false;
	}
	return true;
}

/* All frames from the first caller on, and the first five without their offsets. */
static void fill_stack(struct rows *rows, const struct verdict_finding *f, struct row_finding *r)
{
	size_t skip = 0;

	while (skip < f->nstack && !is_caller(f->stack[skip]))
		skip++;
	if (skip == f->nstack)
		skip = 0;
	r->chain = "";
	r->nstack = f->nstack - skip;
	r->stack = xcalloc(r->nstack ? r->nstack : 1, sizeof(*r->stack));
	for (size_t i = 0; i < r->nstack; i++) {
		const char *frame = rows_str(rows, "%s", f->stack[skip + i]);
		const char *module = strstr(frame, " [");

		r->stack[i] = frame;
		/* ".part.0" is the compiler's */
		if (i < ROWS_FRAMES)
			r->chain =
				rows_str(rows, "%s%s%.*s%s", r->chain, i ? " < " : "",
					 (int)strcspn(frame, "+. "), frame, module ? module : "");
	}
}

/* "0000:00:05.0 (ahci), map TO_DEVICE, once at 8.1 s, 54 bytes: the device was given …" */
static const char *summary(struct rows *rows, const struct row_finding *f)
{
	const char *parts[] = {
		*f->driver ? rows_str(rows, "%s (%s)", f->device, f->driver) : f->device,
		f->operation,
		rows_str(rows, "%s%s%s", f->times, *f->times && *f->when ? " " : "", f->when),
		*f->largest && f->count > 1 ? rows_str(rows, "largest %s", f->largest) : f->largest,
	};
	const char *all = "";

	/* the sentence of a fact names its device itself, or its driver */
	if (*f->device && strncmp(f->text, f->device, strlen(f->device)) == 0)
		return f->text;
	if (!*f->operation && *f->driver && strstr(f->text, f->driver))
		parts[0] = f->device;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		all = rows_str(rows, "%s%s%s", all, *all && *parts[i] ? ", " : "", parts[i]);
	return rows_str(rows, "%s%s%s", all, *all ? ": " : "", f->text);
}

static void fill(struct rows *rows, const struct verdict *v, size_t i)
{
	const struct verdict_finding *f = &v->findings[i];
	struct row_finding *r = &rows->findings[i];
	struct row_device *d;

	*r = (struct row_finding){
		.claim_bits = f->claims,
		.claim_id = f->claims ? (enum claim_id)__builtin_ctz(f->claims) : 0,
		.count = f->count,
		.first_ns = f->first_ns,
		.last_ns = f->last_ns,
		.first_event = f->first_event,
		.claims = rows_claims(rows, f->claims),
		.breaches = breach_list(rows, f->breaches),
		.device = f->device ? rows_str(rows, "%s", f->device) : "",
		.driver = "",
		.operation = operation(rows, f),
		.text = text(rows, v, f),
		.times = times(rows, f),
		.when = when(rows, f),
		.largest = f->largest ? rows_counted(rows, f->largest, "byte") : "",
		.largest_bytes = f->largest,
		.example = f->example,
	};
	fill_stack(rows, f, r);
	for (int c = 0; c < CLAIMS; c++)
		r->in_verdict |= f->claims & 1u << c && rows->claims[c].in_verdict;
	d = device_named(rows, r->device);
	if (d) {
		d->violations = saturate_add(d->violations, f->count);
		r->driver = d->driver;
	}
	r->summary = summary(rows, r);
}

static int worst_first(const void *a, const void *b)
{
	const struct row_device *x = a, *y = b;

	if (x->out_of_scope != y->out_of_scope)
		return x->out_of_scope ? 1 : -1;
	if ((x->worst == CLAIM_REFUTED) != (y->worst == CLAIM_REFUTED))
		return x->worst == CLAIM_REFUTED ? -1 : 1;
	if (x->violations != y->violations)
		return x->violations > y->violations ? -1 : 1;
	return strcmp(x->name, y->name);
}

void rows_fill_findings(struct rows *rows, const struct verdict *v)
{
	bool grouped = false;

	rows->nfindings = v->nfindings;
	rows->findings = xcalloc(v->nfindings, sizeof(*rows->findings));
	for (size_t i = 0; i < v->nfindings; i++) {
		fill(rows, v, i);
		grouped |= v->findings[i].breaches != 1u << BREACH_OTHER;
	}
	if (rows->ndevices)
		qsort(rows->devices, rows->ndevices, sizeof(*rows->devices), worst_first);
	rows->findings_note =
		v->unlisted_findings
			? rows_str(rows, "%s more, of kinds for which the list has no room",
				   rows_counted(rows, v->unlisted_findings, "event"))
			: "";
	rows->refutations = findings_count(v);
	for (int c = 0; !grouped && c < CLAIMS; c++)
		rows->refutations = c ? saturate_add(rows->refutations, v->claims[c].refutations)
				      : v->claims[c].refutations;
}
