/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is this a Realm, and who attests it? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/facts-local.h"
#include "lib/xalloc.h"

/*
 * The provider is told by an entry in configfs only (Linux
 * Documentation/ABI/testing/configfs-tsm-report); making one fails with ENXIO
 * where there is none.  The name is fixed so that an entry left by a run that was
 * killed is used again, and removed.
 */
static char *tsm_provider(struct facts *facts)
{
	char *dir = facts_path(facts, "/sys/kernel/config/tsm/report/ccaio-facts");
	char *provider = NULL;

	if (mkdir(dir, 0700) == 0 || errno == EEXIST) {
		provider = facts_attr(facts, "/sys/kernel/config/tsm/report/ccaio-facts/provider");
		rmdir(dir);
	}
	free(dir);
	if (provider && !provider[0]) {
		free(provider);
		provider = NULL;
	}
	return provider;
}

static enum tri is_realm(struct facts *facts, const struct platform *p)
{
	if (facts->log.rsi_version || facts_exists(facts, "/sys/devices/platform/arm-cca-dev"))
		return TRI_YES;
	if (p->kernel.machine && strcmp(p->kernel.machine, "aarch64") != 0)
		return TRI_NO;
	/* Older kernels have the line in the log only: its absence counts if the log is whole. */
	return facts->log.from_start ? TRI_NO : TRI_UNKNOWN;
}

void facts_realm(struct facts *facts, struct platform *p)
{
	p->realm.is_realm = is_realm(facts, p);
	if (p->realm.is_realm == TRI_YES)
		p->realm.kind = xstrdup("arm-cca");
	p->realm.rsi_version = xstrdup(facts->log.rsi_version);
	p->realm.tsm_provider = tsm_provider(facts);
}
