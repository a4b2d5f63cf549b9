/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_TESTS_UNIT_EXCHANGE_TEXT_H
#define CCAIO_TESTS_UNIT_EXCHANGE_TEXT_H

#include <stdio.h>

#include "lib/base/err.h"
#include "lib/exchange/json.h"

/* exchanges.json that is a text in memory: what packets reported, and (recall) all of it. */
struct exchange_text {
	const char *text;
	size_t len;
};

static inline FILE *exchange_text_open(void *ctx, struct err *err)
{
	const struct exchange_text *t = ctx;
	FILE *in = fmemopen((char *)t->text, t->len, "r");

	if (!in)
		err_sys(err, "cannot read");
	return in;
}

static inline struct exchanges *exchanges_parse(const char *text, size_t len, const char *name,
						struct err *err)
{
	struct exchange_text t = { text, len };

	return exchanges_load(exchange_text_open, &t, name, false, err);
}

static inline struct exchanges *exchanges_recall(const char *text, size_t len, const char *name,
						 struct err *err)
{
	struct exchange_text t = { text, len };

	return exchanges_load(exchange_text_open, &t, name, true, err);
}

#endif
