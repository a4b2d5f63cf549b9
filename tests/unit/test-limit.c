/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A verdict about some of the machine's devices. */
#include "lib/evidence/limit.h"

#include "lib/base/err.h"
#include "lib/evidence/policy.h"
#include "lib/verdict/diff.h"
#include "tests/unit/judge-fixture.h"
#include "tests/unit/test.h"

static struct limit *limit;

/* A machine of which only this device is asked for. */
static void ask_for(const char *name)
{
	struct err err = { "" };

	machine();
	limit_free(limit);
	limit = limit_new(facts, &name, 1, &err);
	asked = limit;
}

static bool noted(const char *part)
{
	for (size_t i = 0; i < last->nnotes; i++) {
		if (strstr(last->notes[i], part))
			return true;
	}
	return false;
}

/* A transfer of the second device. */
static struct event *of_second(struct event *ev)
{
	ev->dev = dev2;
	return ev;
}

static void add_virtio(const char *name, const char *parent, const char *iface, bool platform)
{
	struct platform_virtio *d;

	facts->virtio = xrealloc(facts->virtio, facts->nvirtio + 1, sizeof(*facts->virtio));
	d = &facts->virtio[facts->nvirtio++];
	*d = (struct platform_virtio){
		.name = xstrdup(name),
		.device_id = 1,
		.features = xstrdup(platform ? "0000000000000000000000000000000011"
					     : "0000000000000000000000000000000010"),
		.status = 0xf,
		.parent = xstrdup(parent),
		.driver = xstrdup("virtio_net"),
		.activity_before = PLATFORM_UNKNOWN,
		.activity_after = PLATFORM_UNKNOWN,
		.iface = xstrdup(iface),
	};
}

static void test_names(void)
{
	static const char *const several[] = { "eth0", "virtio0", "0000:00:01.0", "0000:00:02.0" };
	static const char *const unknown[] = { "0000:00:01.0", "eth1" };
	struct err err = { "" };
	struct limit *l;
	char *text;

	machine();
	add_virtio("virtio0", "0000:00:01.0", "eth0", true);
	l = limit_new(facts, several, 4, &err);
	check(l && l->ndevices == 2);
	check(limit_has(l, "0000:00:01.0") && limit_has(l, "0000:00:02.0"));
	check(!limit_has(l, "0000:00:03.0") && !limit_has(l, NULL));
	check(limit_has(NULL, "0000:00:03.0"));
	text = limit_join(l->devices, l->ndevices);
	check(strcmp(text, "0000:00:01.0, 0000:00:02.0") == 0);
	free(text);
	limit_free(l);
	check(!limit_new(facts, unknown, 2, &err));
	check(strcmp(err.text, "no device is called 'eth1'; there are: 0000:00:01.0 (virtio0, "
			       "eth0), 0000:00:02.0") == 0);
}

static void test_aside(void)
{
	ask_for("0000:00:01.0"); /* the other one is given protected memory */
	bounced(0, BUF, SLOT(0), 163);
	of_second(map(0, BUF + 4096, BUF + 4096, 64));
	check(outcome() == OUTCOME_PROVEN);
	check(last->nlimit == 1 && strcmp(last->limit[0], "0000:00:01.0") == 0);
	check(strstr(last->reason, "all 1 DMA address ranges that the kernel published to "
				   "0000:00:01.0 lie in") != NULL);
	check(last->ndevices == 2 && !last->devices[0].out_of_scope &&
	      last->devices[1].out_of_scope);
	check(last->devices[1].claims[CLAIM_DMA_IN_SHARED] == CLAIM_REFUTED);
	check(noted("LIMITED: the verdict is about 0000:00:01.0 only"));
	check(noted("warning: 0000:00:02.0, which the verdict is not asked for, would be VIOLATED "
		    "for dma-in-shared: the device was given protected memory at 0x84001000"));
	check(last->nexamples == 0);

	ask_for("0000:00:02.0"); /* … and it is this one that was asked for */
	bounced(0, BUF, SLOT(0), 163);
	of_second(map(0, BUF + 4096, BUF + 4096, 64));
	check(outcome() == OUTCOME_VIOLATED);
	check(last->nexamples > 0 && strcmp(last->examples[0].device, "0000:00:02.0") == 0);
	check(!noted("would be VIOLATED"));

	ask_for("0000:00:02.0"); /* it has not one mapping: nothing is shown */
	bounced(0, BUF, SLOT(0), 163);
	check(outcome() == OUTCOME_INCONCLUSIVE);
	check(strstr(last->claims[CLAIM_DMA_IN_SHARED].reason, "0000:00:02.0 has no DMA mapping"));

	ask_for("0000:00:01.0"); /* open for the other one: no cycle of life fits */
	facts->trace.from_boot = TRI_NO;
	window_only = true;
	bounced(0, BUF, SLOT(0), 163);
	of_second(map(0, BUF, ALIAS + BUF, 64));
	check(outcome() == OUTCOME_PROVEN);
	check(noted("leaves dma-in-shared undecided"));
}

/* A device that takes another one's slot is that one's business. */
static void test_overlap(void)
{
	ask_for("0000:00:01.0"); /* the one asked for had it first */
	bounced(0, BUF, SLOT(0), 163);
	of_second(bounce(1, BUF + 4096, 64));
	of_second(map(1, BUF + 4096, SLOT(0), 64));
	transfer(0, EVENT_FORK, 0, 0, 0, 0);
	unmap(0, SLOT(0), 163);
	check(claim(CLAIM_SLOTS_DISJOINT) != CLAIM_HOLDS);

	ask_for("0000:00:02.0"); /* … or took it */
	bounced(0, BUF, SLOT(0), 163);
	of_second(bounce(0, BUF + 4096, 64));
	of_second(map(0, BUF + 4096, SLOT(0), 64));
	unmap(0, SLOT(0), 163);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_REFUTED);

	ask_for("0000:00:02.0"); /* both are of the other device; whose else it was is open */
	bounced(0, BUF, SLOT(0), 163);
	bounced(0, BUF + 4096, SLOT(0), 64);
	unmap(0, SLOT(0), 163);
	of_second(bounce(1, BUF + 8192, 64));
	of_second(map(1, BUF + 8192, SLOT(1), 64));
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_UNDECIDED);
	check(noted("would be VIOLATED for slots-disjoint"));
}

/* What facts say against a device that has no event, either. */
static void test_bypass(void)
{
	ask_for("0000:00:01.0");
	add_virtio("virtio5", "0000:00:05.0", NULL, false);
	bounced(0, BUF, SLOT(0), 163);
	check(outcome() == OUTCOME_PROVEN);
	check(noted("0000:00:05.0, which the verdict is not asked for, would be VIOLATED for "
		    "no-bypass"));
	check(last->ndevices == 2 && last->devices[1].out_of_scope);
	check(last->devices[1].claims[CLAIM_NO_BYPASS] == CLAIM_REFUTED);

	machine();
	add_virtio("virtio5", "0000:00:05.0", NULL, false);
	limit_free(limit);
	limit = limit_new(facts, (const char *const[]){ "virtio5" }, 1, NULL);
	asked = limit;
	bounced(0, BUF, SLOT(0), 163);
	check(outcome() == OUTCOME_VIOLATED);

	ask_for("0000:00:01.0"); /* a canary of another device */
	info.by_ccaio = true;
	facts->trace.nonce = 7;
	facts->trace.canaries = xcalloc(2, sizeof(*facts->trace.canaries));
	facts->trace.ncanaries = 2;
	for (int i = 0; i < 2; i++)
		facts->trace.canaries[i] = (struct platform_canary){
			.device = xstrdup(i ? "0000:00:02.0" : "0000:00:01.0"),
			.kind = xstrdup("net-datagram"),
			.size = 163
		};
	put((struct event){ .kind = EVENT_MARK, .aux = EVENT_MARK_START, .link = 7 });
	bounced(0, BUF, SLOT(0), 163);
	put((struct event){ .kind = EVENT_MARK, .aux = EVENT_MARK_STOP, .link = 7 });
	check(outcome() == OUTCOME_PROVEN);
	check(noted("ccaio caused on 0000:00:02.0, which the verdict is not asked for"));
	facts->trace.canaries[0].size = 99;
	check(cond(COND_CANARY_SEEN) == COND_UNMET);
}

static void test_policy(void)
{
	static const char both[] = "{\"schema\":\"ccaio.policy/1\",\"expected_devices\":"
				   "[\"0000:00:01.0\",\"0000:00:02.0\"]}";
	static const char nothing[] = "{\"schema\":\"ccaio.policy/1\"}";
	struct policy *p = policy_parse(both, strlen(both), "p", NULL);

	ask_for("0000:00:01.0");
	site = p;
	bounced(0, BUF, SLOT(0), 163);
	check(outcome() == OUTCOME_INCONCLUSIVE);
	check(strcmp(last->reason, "the policy expects device 0000:00:02.0, which the verdict is "
				   "not asked for") == 0);
	policy_free(p);

	ask_for("0000:00:01.0"); /* bytes of another device do not count */
	p = policy_parse(nothing, strlen(nothing), "x", NULL);
	p->max_out_bytes = 200;
	site = p;
	bounced(0, BUF, SLOT(0), 163);
	of_second(bounce(0, BUF + 4096, 64));
	of_second(map(0, BUF + 4096, SLOT(1), 64));
	check(outcome() == OUTCOME_PROVEN);
	asked = NULL;
	check(outcome() == OUTCOME_VIOLATED);
	policy_free(p);
}

/* Limits of single devices: one that is kept, one that is not, one of no device. */
static void test_device_limits(void)
{
	static const char form[] = "{\"schema\":\"ccaio.policy/1\",\"limits\":{\"devices\":["
				   "{\"device\":\"0000:00:01.0\",\"out_bytes\":163},"
				   "{\"device\":\"%s\",\"out_bytes\":%d}]}}";
	static const struct {
		const char *device;
		int out;
		enum outcome outcome;
		const char *only;
	} cases[] = {
		{ "0000:00:02.0", 64, OUTCOME_PROVEN, NULL },
		{ "0000:00:02.0", 63, OUTCOME_VIOLATED, NULL },
		{ "0000:00:02.0", 63, OUTCOME_PROVEN, "0000:00:01.0" },
		{ "0000:00:20.0", 63, OUTCOME_INCONCLUSIVE, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = xasprintf(form, cases[i].device, cases[i].out);
		struct policy *p = policy_parse(text, strlen(text), "p", NULL);

		check(p && p->nlimits == 2);
		machine();
		if (cases[i].only)
			ask_for(cases[i].only);
		site = p;
		bounced(0, BUF, SLOT(0), 163);
		of_second(bounce(0, BUF + 4096, 64));
		of_second(map(0, BUF + 4096, SLOT(1), 64));
		check(outcome() == cases[i].outcome);
		check(last->claims[CLAIM_EGRESS].required);
		if (cases[i].outcome == OUTCOME_VIOLATED)
			check(last->nfindings == 1 &&
			      strcmp(last->findings[0].device, "0000:00:02.0") == 0);
		asked = NULL;
		site = NULL;
		policy_free(p);
		free(text);
	}
}

static size_t worse(const struct verdict *a, const struct verdict *b)
{
	struct verdict_diff *d = verdict_diff_new(&(struct verdict_side){ .verdict = a },
						  &(struct verdict_side){ .verdict = b });
	size_t n = d->worse;

	verdict_diff_free(d);
	return n;
}

static void test_comparison(void)
{
	char *one[] = { (char *)"a" }, *two[] = { (char *)"a", (char *)"b" },
	     *other[] = { (char *)"b" };
	struct verdict whole = { .outcome = OUTCOME_PROVEN }, a = whole, ab = whole, b = whole;
	struct err err = { "" };

	a.limit = one, a.nlimit = 1;
	ab.limit = two, ab.nlimit = 2;
	b.limit = other, b.nlimit = 1;
	check(worse(&whole, &a) == 1 && worse(&a, &whole) == 0);
	check(worse(&ab, &a) == 1 && worse(&a, &ab) == 0);
	check(worse(&a, &b) == 1 && worse(&a, &a) == 0);
	check(verdict_agrees(&a, &a, &err) == 0);
	check(verdict_agrees(&a, &whole, &err) < 0);
	check(strcmp(err.text, "what it is limited to is recorded as a, but judged again it is "
			       "nothing") == 0);
}

int main(void)
{
	test_names();
	test_aside();
	test_overlap();
	test_bypass();
	test_policy();
	test_device_limits();
	test_comparison();
	limit_free(limit);
	machine_release();
	return done();
}
