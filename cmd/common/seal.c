/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd/common/seal.h"

#include <stdio.h>
#include <stdlib.h>

#include "cmd/common/judge.h"
#include "cmd/common/traffic.h"
#include "collectors/bundle.h"
#include "lib/base/err.h"
#include "lib/evidence/run.h"
#include "reports/report.h"

/* A report in one format, as a file of the bundle. */
static int put_report(struct bundle *bundle, const char *format, const char *name,
		      const struct report_input *in, struct err *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int ret;

	if (!out)
		return err_sys(err, "no memory for %s", name);
	report_find(format)->write(out, in);
	fclose(out);
	ret = bundle_write(bundle, name, text, len, err);
	free(text);
	return ret;
}

/* The page for people, which says that it is a copy, and of what. */
static int put_copy(struct bundle *bundle, const struct report_input *in, struct err *err)
{
	char digest[65];
	struct run run = *in->run;
	struct report_input copy = *in;
	int ret = bundle_digest(bundle, digest, err);

	if (ret < 0)
		return ret;
	run.digest = digest;
	run.copy = true;
	copy.run = &run;
	return put_report(bundle, "html", BUNDLE_REPORT, &copy, err);
}

int seal_bundle(struct bundle *bundle, const struct judging *g, struct exchanging *exchanging,
		const struct report_input *in, uint64_t nonce, struct err *err)
{
	struct report_input alone = *in; /* the bundle has its exchanges in a file of their own */
	int ret;

	alone.exchanges = NULL;
	ret = put_report(bundle, "json", BUNDLE_VERDICT, &alone, err);

	if (ret == 0 && g->policy_text)
		ret = bundle_write(bundle, BUNDLE_POLICY, g->policy_text, g->policy_len, err);
	if (ret == 0 && g->rmm_text)
		ret = bundle_write(bundle, BUNDLE_RMM, g->rmm_text, g->rmm_len, err);
	if (ret == 0 && exchanging)
		ret = exchanging_write(exchanging, bundle, err);
	if (ret == 0)
		ret = put_copy(bundle, in, err);
	if (ret == 0)
		ret = bundle_finish(bundle, nonce, err);
	return ret;
}
