/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/evidence/limit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"

static bool is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

/* The name that a virtio device's DMA events carry. */
static const char *dma_name(const struct platform_virtio *d)
{
	return d->parent ? d->parent : d->name;
}

/* The DMA device that somebody calls name; NULL: no device is called so. */
static const char *resolve(const struct platform *p, const char *name)
{
	for (size_t i = 0; i < p->nvirtio; i++) {
		const struct platform_virtio *d = &p->virtio[i];

		if (is(d->parent, name) || is(d->name, name) || is(d->iface, name))
			return dma_name(d);
	}
	for (size_t i = 0; i < p->npci; i++) {
		if (is(p->pci[i].name, name) && strcmp(name, "*") != 0)
			return name;
	}
	for (size_t i = 0; i < p->nother; i++) {
		if (is(p->other[i].name, name))
			return name;
	}
	return NULL;
}

static void add(struct limit *l, const char *device)
{
	if (limit_has(l, device))
		return;
	l->devices = xrealloc(l->devices, l->ndevices + 1, sizeof(*l->devices));
	l->devices[l->ndevices++] = xstrdup(device);
}

/* "0000:00:01.0 (virtio0, eth0), 0000:00:02.0 …", as much as a message holds. */
static char *all_devices(const struct platform *p)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	const char *sep = "";

	if (!f)
		abort(); /* no memory for a message: as fatal as in lib/base/xalloc.c */
	for (size_t i = 0; i < p->nvirtio; i++) {
		const struct platform_virtio *d = &p->virtio[i];

		fprintf(f, "%s%s", sep, dma_name(d));
		if (d->parent)
			fprintf(f, " (%s%s%s)", d->name, d->iface ? ", " : "",
				d->iface ? d->iface : "");
		sep = ", ";
	}
	for (size_t i = 0; i < p->npci; i++) {
		if (platform_find_virtio(p, p->pci[i].name))
			continue;
		fprintf(f, "%s%s", sep, p->pci[i].name);
		sep = ", ";
	}
	for (size_t i = 0; i < p->nother; i++) {
		fprintf(f, "%s%s", sep, p->other[i].name ? p->other[i].name : "?");
		sep = ", ";
	}
	fclose(f);
	return text;
}

struct limit *limit_new(const struct platform *facts, const char *const *names, size_t count,
			struct err *err)
{
	struct limit *l = xcalloc(1, sizeof(*l));

	for (size_t i = 0; i < count; i++) {
		const char *device = resolve(facts, names[i]);
		char *there;

		if (device) {
			add(l, device);
			continue;
		}
		there = all_devices(facts);
		err_set(err, EINVAL, "no device is called '%.60s'; %s%.340s%s", names[i],
			*there ? "there are: " : "the facts list none", there,
			strlen(there) > 340 ? "…" : "");
		free(there);
		limit_free(l);
		return NULL;
	}
	return l;
}

struct limit *limit_recall(char *const *devices, size_t count)
{
	struct limit *l = count ? xcalloc(1, sizeof(*l)) : NULL;

	for (size_t i = 0; i < count; i++)
		add(l, devices[i]);
	return l;
}

void limit_free(struct limit *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->ndevices; i++)
		free(l->devices[i]);
	free(l->devices);
	free(l);
}

bool limit_has(const struct limit *l, const char *device)
{
	for (size_t i = 0; l && i < l->ndevices; i++) {
		if (is(device, l->devices[i]))
			return true;
	}
	return !l;
}

char *limit_join(char *const *devices, size_t count)
{
	char *text = xstrdup("");

	for (size_t i = 0; i < count; i++) {
		char *more = xasprintf("%s%s%s", text, i ? ", " : "", devices[i]);

		free(text);
		text = more;
	}
	return text;
}
