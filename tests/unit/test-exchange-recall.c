/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/json.h"
#include "tests/unit/exchange-text.h"
#include "tests/unit/test.h"

static char *format(const struct exchanges *x)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	exchanges_write(out, x);
	fclose(out);
	return text;
}

static struct exchanges *sample(void)
{
	struct exchanges *x = exchanges_new();
	struct exchange_conn *c = exchanges_add_conn(x, EXCHANGES_MEMORY);
	struct exchange *r;
	uint16_t net = exchanges_device(x, "0000:00:01.0");

	c->local = c->remote =
		(struct flow_addr){ .ip = { 10, 0, 2, 15 }, .port = 8088, .family = 4 };
	c->owner = GRADE_EXACT;
	c->program = true;
	c->pid = 123;
	c->comm = xstrdup("keybroker-app");
	c->app_known = true;
	c->app_bytes[FLOW_OUT] = 408;
	c->carried[FLOW_IN][GRADE_SIZED] = 7;
	r = exchanges_add_row(x, EXCHANGES_MEMORY);
	r->protocol = EXCHANGE_HTTP;
	r->end = EXCHANGE_COMPLETE;
	r->method = xstrdup("POST");
	r->status = 201;
	r->clear = true;
	r->grade = GRADE_NESTED;
	r->half[FLOW_OUT].bytes[GRADE_NESTED] = 408;
	r->half[FLOW_OUT].transfers = 3;
	r->half[FLOW_OUT].slots = 4;
	r->half[FLOW_OUT].list = xcalloc(1, sizeof(struct transfer));
	r->half[FLOW_OUT].list[0] = (struct transfer){
		.ts_ns = 12, .dma = 0x7a99a800, .size = 163, .device = net, .grade = GRADE_EXACT
	};
	r->half[FLOW_OUT].nlist = 1;
	x->devices[net].iface = xstrdup("eth0");
	x->devices[net].program_bytes[FLOW_OUT] = 408;
	x->devices[net].unknown_bytes[FLOW_IN] = 9;
	exchanges_unattributed(x, net, FLOW_IN, "no TCP", 2, 120);
	sums_check(&x->sums, "payload = packets", "payload", 408, "packets", 409, false);
	exchanges_note(x, "a note");
	x->capture.on = x->result.correlated = x->result.program_known = true;
	x->result.clear_bytes = 408;
	return x;
}

/* Everything that is written comes back: written again, it is the same text. */
static void test_whole(void)
{
	struct exchanges *x = sample(), *y;
	struct err err = { "" };
	char *text = format(x), *again;

	y = exchanges_recall(text, strlen(text), "exchanges.json", &err);
	check(y != NULL);
	if (!y) {
		printf("# %s\n", err.text);
		return;
	}
	again = format(y);
	check(strcmp(text, again) == 0);
	check(y->rows[0].half[FLOW_OUT].list[0].dma == 0x7a99a800);
	check(y->nunattributed == 1 && y->unattributed[0].bytes == 120);
	exchanges_free(y);
	/* whoever judges gets only what packets reported */
	y = exchanges_parse(text, strlen(text), "exchanges.json", &err);
	check(y && y->rows[0].half[FLOW_OUT].transfers == 0 && y->nunattributed == 0);
	exchanges_free(y);
	exchanges_free(x);
	free(again);
	free(text);
}

static bool refused(const char *text, const char *from, const char *to, const char *why)
{
	const char *at = strstr(text, from);
	char *bad = xasprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	struct err err = { "" };
	struct exchanges *x = exchanges_recall(bad, strlen(bad), "x", &err);
	bool ok = !x && strstr(err.text, why);

	if (!ok)
		printf("# '%s'\n", err.text);
	exchanges_free(x);
	free(bad);
	return ok;
}

static void test_refused(void)
{
	struct exchanges *x = sample();
	char *text = format(x);

	check(refused(text, "\"grade\": \"nested\"", "\"grade\": \"sure\"", "unknown word 'sure'"));
	check(refused(text, "\"transfers\": 3", "\"transfers\": \"3\"", "transfers"));
	check(refused(text, "\"dma\": \"0x7a99a800\"", "\"dma\": 1", "dma"));
	check(refused(text, "\"device\": \"0000:00:01.0\"", "\"device\": null", "device"));
	free(text);
	exchanges_free(x);
}

int main(void)
{
	test_whole();
	test_refused();
	return done();
}
