/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The workloads: which server, which load, and what virtCCA published of it. */
#include <string.h>

#include "cmd/bench/workload.h"

#define FIO(RW, BS)                                                                                \
	"exec fio --name=load --filename=data --size=32m --direct=1 --thread --rw=" RW " --bs=" BS \
	"k --io_size=$((OPERATIONS * " BS "))k --minimal --output=fio.out"
#define FIO_SETUP "exec dd if=/dev/zero of=data bs=1M count=32 conv=fsync"
#define FIO_ROW(NAME, WHAT, N, RW, BS)                                                             \
	{                                                                                          \
		.name = NAME, .what = WHAT, .unit = "request", .operations = N, .packages = "fio", \
		.setup = FIO_SETUP, .load = FIO(RW, BS)                                            \
	}

#define REDIS "exec redis-server --save '' --appendonly no --protected-mode no"
#define REDIS_LOAD(TEST) \
	"exec $CLIENT redis-benchmark -h $HOST -p 6379 -t " TEST " -n $OPERATIONS -c 10 -q"
#define REDIS_ROW(NAME, WHAT, TEST)                                                         \
	.name = NAME, .what = WHAT, .unit = "request", .operations = 3000,                  \
	.packages = "redis-server", .client = "redis-tools", .server = REDIS, .port = 6379, \
	.load = REDIS_LOAD(TEST), .expect = "requests per second"

#define APACHE_SETUP                                                                 \
	"mkdir -p www && head -c 16384 /dev/zero >www/page && chmod 755 . www && "   \
	"printf '%s\\n' 'ServerName bench' 'Listen 8080' \"PidFile $PWD/pid\" "      \
	"\"ErrorLog $PWD/error.log\" 'User nobody' 'Group nogroup' "                 \
	"'LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so' "   \
	"'LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so' " \
	"\"DocumentRoot $PWD/www\" >httpd.conf"

#define MARIADB                                                                    \
	"exec mariadbd --no-defaults --datadir=\"$PWD/data\" --skip-grant-tables " \
	"--user=root --port=3306 --bind-address=0.0.0.0 --socket=\"$PWD/socket\" " \
	"--skip-name-resolve --innodb-buffer-pool-size=32M --innodb-log-file-size=8M"
#define SYSBENCH                                                                      \
	"exec $CLIENT sysbench oltp_read_write --db-driver=mysql --mysql-host=$HOST " \
	"--mysql-user=root --mysql-db=sbtest --tables=1 --table-size=1000 "

const struct workload workloads[] = {
	{ .name = "hackbench",
	  .what = "processes that send to one another: no I/O, the control",
	  .unit = "round",
	  .operations = 60,
	  .packages = "rt-tests",
	  .load = "exec hackbench -g 1 -l $OPERATIONS",
	  .published = { 0.292, 0.3606 },
	  .published_is_time = true,
	  .caveat = "it does no I/O: no cost of bouncing" },
	FIO_ROW("fio-4k-random", "random reads of 4 KiB from a file", 2000, "randread", "4"),
	FIO_ROW("fio-4k-sequential", "sequential reads of 4 KiB", 2000, "read", "4"),
	FIO_ROW("fio-64k-random", "random reads of 64 KiB", 500, "randread", "64"),
	FIO_ROW("fio-64k-sequential", "sequential reads of 64 KiB", 500, "read", "64"),
	FIO_ROW("fio-64k-write", "sequential writes of 64 KiB", 500, "write", "64"),
	{ .name = "http-download",
	  .what = "curl takes the file of --url",
	  .unit = "download",
	  .operations = 4,
	  .packages = "curl",
	  .url = true,
	  .load = "for i in 1 2 3 4; do curl -sSf -o /dev/null \"$URL\" || exit; done" },
	{ REDIS_ROW("redis-set", "redis-benchmark, SET", "set"), .published = { 827905, 866243 } },
	{ REDIS_ROW("redis-get", "redis-benchmark, GET", "get") },
	{ .name = "memcached",
	  .what = "memcaslap, nine reads for each write",
	  .unit = "request",
	  .operations = 3000,
	  .packages = "memcached",
	  .client = "libmemcached-tools",
	  .server = "exec memcached -u root -l 0.0.0.0 -p 11211 -t 1",
	  .port = 11211,
	  .load = "exec $CLIENT memcaslap -s $HOST:11211 -T 1 -c 8 -x $OPERATIONS",
	  .expect = "TPS:",
	  .published = { 109573, 86426.5 } },
	{ .name = "apache",
	  .what = "ab, a page of 16 KiB, a connection for each request",
	  .unit = "request",
	  .operations = 200,
	  .packages = "apache2-bin",
	  .client = "apache2-utils",
	  .setup = APACHE_SETUP,
	  .server = "exec apache2 -f \"$PWD/httpd.conf\" -DFOREGROUND",
	  .port = 8080,
	  .load = "exec $CLIENT ab -q -n $OPERATIONS -c 4 http://$HOST:8080/page",
	  .expect = "Failed requests:        0\n",
	  .published = { 9856.6, 6930.6 } },
	{ .name = "mariadb",
	  .what = "sysbench, oltp_read_write",
	  .unit = "transaction",
	  .operations = 20,
	  .packages = "mariadb-server-core",
	  .client = "sysbench",
	  .setup = "mkdir -p data/sbtest",
	  .server = MARIADB,
	  .port = 3306,
	  .prepare = SYSBENCH "prepare",
	  .load = SYSBENCH "--threads=2 --events=$OPERATIONS --time=0 run",
	  .expect = "transactions:",
	  .published = { 1390.2, 1276.0 },
	  .caveat = "of MySQL; the source repeats both numbers as MongoDB's" },
	{ 0 },
};

bool workload_is(const struct workload *w, const char *word)
{
	size_t len = strlen(word);

	return strcmp(word, "all") == 0 ||
	       (strncmp(w->name, word, len) == 0 && (!w->name[len] || w->name[len] == '-'));
}

void workload_list(FILE *out)
{
	fprintf(out, "\nWorkloads, with the Debian packages here and at the client:\n");
	for (const struct workload *w = workloads; w->name; w++)
		fprintf(out, "  %-19s %s (%s%s%s)\n", w->name, w->what, w->packages,
			w->client ? "; " : "", w->client ? w->client : "");
}
