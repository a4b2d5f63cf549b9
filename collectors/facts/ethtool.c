/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A network driver's own counters, as ethtool -S shows them (Linux uapi/linux/ethtool.h). */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collectors/facts/state.h"
#include "lib/base/xalloc.h"

#define COUNTERS 4096 /* some hundred queues */

static int ask(int fd, const char *iface, void *what)
{
	struct ifreq request = { .ifr_data = what };

	strncpy(request.ifr_name, iface, sizeof(request.ifr_name) - 1);
	return ioctl(fd, SIOCETHTOOL, &request);
}

static size_t how_many(int fd, const char *iface)
{
	struct ethtool_sset_info *sets = xcalloc(1, sizeof(*sets) + sizeof(sets->data[0]));
	size_t n = 0;

	sets->cmd = ETHTOOL_GSSET_INFO;
	sets->sset_mask = 1u << ETH_SS_STATS;
	if (ask(fd, iface, sets) == 0 && sets->sset_mask && sets->data[0] <= COUNTERS)
		n = sets->data[0];
	free(sets);
	return n;
}

/* Numbers that move without a packet, or that the device itself would have to be asked for. */
static bool is_wanted(const char *name)
{
	return strncmp(name, "rx", 2) == 0 || strncmp(name, "tx", 2) == 0;
}

struct platform_counter *facts_ethtool(const char *iface, size_t *count)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t n = fd >= 0 ? how_many(fd, iface) : 0;
	/* numbers may be more when asked for them than they were: the kernel reports, and writes
	 * all
	 */
	struct ethtool_gstrings *names =
		xcalloc(1, sizeof(*names) + 2 * COUNTERS * ETH_GSTRING_LEN);
	struct ethtool_stats *values =
		xcalloc(1, sizeof(*values) + 2 * COUNTERS * sizeof(uint64_t));
	struct platform_counter *counters = NULL;

	*count = 0;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_STATS;
	names->len = (uint32_t)n;
	values->cmd = ETHTOOL_GSTATS;
	values->n_stats = (uint32_t)n;
	if (n && ask(fd, iface, names) == 0 && ask(fd, iface, values) == 0 && names->len == n &&
	    values->n_stats == n)
		counters = xcalloc(n, sizeof(*counters));
	for (size_t i = 0; counters && i < n; i++) {
		const char *name = (const char *)names->data + i * ETH_GSTRING_LEN;

		if (!is_wanted(name))
			continue;
		counters[(*count)++] = (struct platform_counter){
			.name = xstrndup(name, strnlen(name, ETH_GSTRING_LEN)),
			.before = values->data[i],
		};
	}
	free(names);
	free(values);
	if (fd >= 0)
		close(fd);
	return counters;
}
