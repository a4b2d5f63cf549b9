/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdint.h>

#include "collectors/tracefs/instance.h"
#include "tests/unit/test.h"

struct seen {
	unsigned int cpus[16];
	unsigned int count, stop_at;
};

static int note(void *arg, unsigned int cpu)
{
	struct seen *seen = arg;

	if (seen->stop_at && seen->count == seen->stop_at)
		return -ECANCELED;
	seen->cpus[seen->count++] = cpu;
	return 0;
}

static void test_cpu_lists(void)
{
	struct seen seen = { 0 };

	check(instance_each_cpu("0-3,5\n", note, &seen) == 0);
	check(seen.count == 5 && seen.cpus[0] == 0 && seen.cpus[3] == 3 && seen.cpus[4] == 5);
	seen = (struct seen){ 0 };
	check(instance_each_cpu("0", note, &seen) == 0 && seen.count == 1);
	seen = (struct seen){ .stop_at = 2 };
	check(instance_each_cpu("0-9", note, &seen) == -ECANCELED && seen.count == 2);
}

static void test_bad_cpu_lists(void)
{
	static const char *const bad[] = { "",	   "\n",  "a",	"1-", "3-1",
					   "0,,1", "0 1", "0,", "-1", "0-99999999" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct seen seen = { 0 };

		check(instance_each_cpu(bad[i], note, &seen) == -EBADMSG);
	}
}

static const char stats_text[] = "entries: 12\noverrun: 3\ncommit overrun: 4\nbytes: 5088\n"
				 "oldest event ts:   141.131\nnow ts:   160.001\n"
				 "dropped events: 5\nread events: 129\n";

static void test_stats(void)
{
	struct instance_stats stats = { 0 };

	check(instance_parse_stats(stats_text, &stats));
	check(stats.entries == 12 && stats.overrun == 3 && stats.commit_overrun == 4);
	check(stats.dropped == 5 && stats.read == 129);
}

static void test_stats_need_every_counter(void)
{
	struct instance_stats stats = { 0 };

	check(!instance_parse_stats("", &stats));
	check(!instance_parse_stats("entries: 1\noverrun: 2\ncommit overrun: 3\nread events: 4\n",
				    &stats));
	check(!instance_parse_stats("entries: 1\noverrun: x\ncommit overrun: 3\n"
				    "dropped events: 1\nread events: 4\n",
				    &stats));
	/* one line twice does not stand for another one */
	check(!instance_parse_stats("entries: 1\noverrun: 2\noverrun: 2\ncommit overrun: 3\n"
				    "read events: 4\n",
				    &stats));
}

int main(void)
{
	test_cpu_lists();
	test_bad_cpu_lists();
	test_stats();
	test_stats_need_every_counter();
	return done();
}
