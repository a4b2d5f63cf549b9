/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every device over every transport in every ring format: bytes arrive, nothing is refuted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/selftest/machine.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/stream.h"
#include "lib/judge/judge.h"
#include "lib/verdict/verdict.h"
#include "tests/unit/test.h"

static struct verdict *judged(struct machine *m)
{
	struct platform *p = machine_platform(m);
	struct judge *j = judge_new(p, m->names, NULL);
	struct stream_cpu cpus[4];
	struct stream_info info;
	struct verdict *v;

	judge_feed(j, m->events, m->nevents);
	machine_stream_info(m, &info, cpus);
	v = judge_finish(j, &info);
	judge_free(j);
	platform_free(p);
	return v;
}

static void explain(const struct machine *m, const struct verdict *v)
{
	printf("# %s over %s packed %d indirect %d event_idx %d alias %d: %s %s\n",
	       machine_device_name(m->config.device), machine_transport_name(m->config.transport),
	       m->config.packed, m->config.indirect, m->config.event_idx, m->config.alias,
	       outcome_name(v->outcome), v->reason);
	for (size_t i = 0; i < v->nexamples && i < 3; i++)
		printf("#   %s: %s\n", claim_name(v->examples[i].claim), v->examples[i].text);
	for (int c = 0; c < CONDS; c++) {
		if (v->conds[c].state == COND_UNMET)
			printf("#   %s: %s\n", cond_name(c), v->conds[c].reason);
	}
}

/* One bit per question; 0 is right. */
static unsigned int run(const struct machine_config *config)
{
	struct exercise x = { 0 };
	struct machine m;
	struct verdict *v;
	struct err err;
	bool open_claim = config->device == MACHINE_BALLOON || config->device == MACHINE_FS;
	unsigned int bad = 0;

	if (machine_open(&m, config, &err) < 0 || machine_start(&m, &err) < 0) {
		printf("# %s\n", err.text);
		machine_close(&m);
		return 1;
	}
	machine_exercise(&m, 4, &x);
	machine_stop(&m);
	v = judged(&m);
	bad |= (x.failed || x.damaged || x.zones) << 1;
	bad |= (x.transfers < 4) << 2;
	bad |= (m.host.guard.faults > 0) << 3;
	bad |= (v->outcome != (open_claim ? OUTCOME_INCONCLUSIVE : OUTCOME_PROVEN)) << 4;
	for (int c = 0; c < CLAIMS; c++)
		bad |= (v->claims[c].state == CLAIM_REFUTED) << 5;
	if (bad) {
		explain(&m, v);
		printf("#   %u damaged, %u failed (%s), %u zones, %u faults\n",
		       (unsigned int)x.damaged, (unsigned int)x.failed, x.why,
		       (unsigned int)x.zones, (unsigned int)m.host.guard.faults);
	}
	verdict_free(v);
	machine_close(&m);
	return bad;
}

int main(void)
{
	for (int d = 0; d < MACHINE_DEVICES; d++) {
		for (int t = 0; t < MACHINE_TRANSPORTS; t++) {
			unsigned int bad = 0;

			for (int f = 0; f < 16; f++) {
				struct machine_config c = { .device = d,
							    .transport = t,
							    .packed = f & 1,
							    .indirect = f & 2,
							    .event_idx = f & 4,
							    .alias = f & 8,
							    .seed = 1000 * d + 100 * t + f };

				bad |= run(&c);
			}
			printf("# %s over %s\n", machine_device_name(d), machine_transport_name(t));
			check(bad == 0);
		}
	}
	return done();
}
