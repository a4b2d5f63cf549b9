/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/verdict/cause.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/nearest.h"
#include "tests/unit/test.h"
#include "tests/unit/verdict-fixture.h"

static struct platform *machine(const char *cmdline)
{
	struct platform *p = platform_new();

	p->kernel.cmdline = xstrdup(cmdline);
	p->swiotlb.force = TRI_YES;
	return p;
}

static bool says(const struct causes *c, const char *id, const char *part)
{
	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->list[i].id, id) == 0)
			return strstr(c->list[i].text, part) && *c->list[i].fix;
	}
	return false;
}

static void test_command_line(void)
{
	static const struct {
		const char *cmdline;
		bool named;
	} lines[] = {
		{ "quiet swiotlb=noforce", true }, { "swiotlb=65536,noforce quiet", true },
		{ "swiotlb=65536,force", false },  { "xswiotlb=noforce", false },
		{ "swiotlb=noforced", false },	   { "swiotlb=", false },
		{ "name=swiotlb=noforce", false },
	};
	struct verdict *v = fixture_violated();
	struct causes c;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct platform *p = machine(lines[i].cmdline);

		causes_find(&c, v, p);
		check(says(&c, "noforce", "swiotlb=noforce") == lines[i].named);
		causes_free(&c);
		platform_free(p);
	}
	verdict_free(v);
}

static void add_virtio(struct platform *p, uint32_t id, const char *features)
{
	p->virtio = xrealloc(p->virtio, p->nvirtio + 1, sizeof(*p->virtio));
	p->virtio[p->nvirtio++] = (struct platform_virtio){
		.name = xstrdup("virtio7"),
		.device_id = id,
		.features = xstrdup(features),
		.status = 0x0f,
		.driver = xstrdup("virtio_x"),
		.activity_before = PLATFORM_UNKNOWN,
		.activity_after = PLATFORM_UNKNOWN,
	};
}

static void test_bypass(void)
{
	struct verdict *v = fixture_violated();
	struct platform *p = machine("");
	struct causes c;

	v->claims[CLAIM_NO_BYPASS].state = CLAIM_REFUTED;
	causes_find(&c, v, p);
	check(says(&c, "bypass", "virtio0 is active without")); /* what the counterexample says */
	causes_free(&c);
	add_virtio(p, VIRTIO_ID_BALLOON, "0000000000000000000000000000000010");
	causes_find(&c, v, p);
	check(says(&c, "balloon", "virtio7 is a memory balloon"));
	check(!says(&c, "no-access-platform", "") && !says(&c, "bypass", ""));
	causes_free(&c);
	add_virtio(p, 1, "0000000000000000000000000000000010");
	causes_find(&c, v, p);
	check(says(&c, "no-access-platform", "virtio7 (virtio_x) works without"));
	causes_free(&c);
	platform_free(p);
	verdict_free(v);
}

/* What a program drives leaves the claim open: it explains no violation. */
static void test_open(void)
{
	struct verdict *v = fixture_proven();
	struct platform *p = machine("");
	struct causes c;

	p->pci = xcalloc(1, sizeof(*p->pci));
	p->npci = 1;
	p->pci[0].name = xstrdup("0000:00:07.0");
	p->pci[0].driver = xstrdup("vfio-pci");
	causes_find(&c, v, p);
	check(c.n == 0);
	v->claims[CLAIM_NO_BYPASS].state = CLAIM_UNDECIDED;
	causes_find(&c, v, p);
	check(c.n == 1 && says(&c, "handed-over", "0000:00:07.0 is driven by a program"));
	causes_free(&c);
	v->claims[CLAIM_NO_BYPASS].state = CLAIM_REFUTED;
	causes_find(&c, v, p);
	check(!says(&c, "handed-over", ""));
	causes_free(&c);
	platform_free(p);
	verdict_free(v);
}

/* The monitor's log is the cause where it alone refutes. */
static void test_monitor(void)
{
	struct verdict *v = fixture_violated();
	struct platform *p = machine("");
	struct causes c;

	v->findings[0].breaches = 1u << BREACH_MONITOR;
	causes_find(&c, v, p);
	check(says(&c, "monitor", "log has no line"));
	causes_free(&c);
	v->findings[0].breaches |= 1u << BREACH_PROTECTED;
	causes_find(&c, v, p);
	check(!says(&c, "monitor", ""));
	causes_free(&c);
	platform_free(p);
	verdict_free(v);
}

static void test_nothing_to_explain(void)
{
	struct verdict *v = fixture_proven();
	struct platform *p = machine("swiotlb=noforce");
	struct causes c;

	causes_find(&c, v, p);
	check(c.n == 0);
	causes_find(&c, v, NULL);
	check(c.n == 0);
	v->claims[CLAIM_DMA_IN_SHARED].state = CLAIM_REFUTED;
	causes_find(&c, v, NULL); /* without facts nothing is guessed */
	check(c.n == 0);
	for (int i = 0; i < REMEDIES; i++)
		check(remedy_text(i) && *remedy_text(i));
	platform_free(p);
	verdict_free(v);
}

static const char *nearest_of(const char *word)
{
	static const char *const names[] = { "verify", "trace", "top", "report" };
	struct nearest n;

	nearest_init(&n, word);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		nearest_try(&n, names[i]);
	return n.best ? n.best : "";
}

static void test_nearest(void)
{
	check(strcmp(nearest_of("verfy"), "verify") == 0);
	check(strcmp(nearest_of("tarce"), "trace") == 0);
	check(strcmp(nearest_of("reprot"), "report") == 0);
	check(strcmp(nearest_of("to"), "top") == 0);
	check(strcmp(nearest_of("xyzzy"), "") == 0);
	check(strcmp(nearest_of(""), "") == 0);
	check(strcmp(nearest_of("reportreportreportreportreportreportreport"), "") == 0);
}

int main(void)
{
	test_command_line();
	test_bypass();
	test_open();
	test_monitor();
	test_nothing_to_explain();
	test_nearest();
	return done();
}
