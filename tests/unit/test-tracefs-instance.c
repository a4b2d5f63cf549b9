/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>

#include "collectors/tracefs/instance.h"
#include "tests/unit/test.h"

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
	test_stats();
	test_stats_need_every_counter();
	return done();
}
