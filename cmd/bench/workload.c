/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs one workload: its server, its load, and what they took. */
#include "cmd/bench/workload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd/bench/instructions.h"
#include "collectors/kernel/btf.h"
#include "collectors/kernel/metering.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/meter.h"

#define LOG_MAX ((size_t)1 << 20) /* bytes of output that a load may write */
#define START_S 300		  /* a server must listen after so many seconds */
#define END_S 30		  /* … and end */
#define STEP_NS 20000000	  /* between two looks at it */

/* A workload that runs. */
struct bench {
	const struct workload *w;
	char *folder;
	pid_t server; /* 0: none */
	struct instructions instructions;
	struct types *types; /* the kernel's, for the meter; NULL: none */
};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

/*
 * Time that CPUs were busy since boot.  The kernel measures idle time exactly, busy time by ticks
 * (proc_stat(5), kernel/time/tick-sched.c): so it is all time but the idle one.
 */
static int busy_ns(uint64_t *ns, struct err *err)
{
	unsigned long long user, nice, system, idle, iowait;
	FILE *f = fopen("/proc/stat", "re");
	uint64_t all, tick = 1000000000 / sysconf(_SC_CLK_TCK);
	int n;

	if (!f)
		return err_sys(err, "cannot open /proc/stat");
	n = fscanf(f, "cpu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &iowait);
	all = clock_ns(CLOCK_BOOTTIME) * sysconf(_SC_NPROCESSORS_ONLN);
	fclose(f);
	if (n != 5)
		return err_set(err, EIO, "/proc/stat does not have the time that CPUs were idle");
	*ns = all - (idle + iowait) * tick;
	return 0;
}

/* Start sh with this command in the folder, its output in file. */
static pid_t start(const struct bench *b, const char *command, const char *file, struct err *err)
{
	pid_t parent = getpid(), pid = fork();
	int log, null;

	if (pid < 0)
		err_sys(err, "cannot start a process");
	if (pid != 0)
		return pid;
	/* in a group of its own, all of which is ended; nothing of it outlives ccaio */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || chdir(b->folder) < 0)
		_exit(126);
	null = open("/dev/null", O_RDONLY);
	log = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
		_exit(126);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/* What a command wrote; never NULL. */
static char *output_of(const struct bench *b, const char *file)
{
	char *path = xasprintf("%s/%s", b->folder, file),
	     *text = file_read(path, LOG_MAX, NULL, NULL);

	free(path);
	return text ? text : xstrdup("");
}

/* The last line of a text that has something in it. */
static const char *last_line(char *text)
{
	char *end = text + strlen(text), *line;

	while (end > text && (end[-1] == '\n' || end[-1] == '\r' || end[-1] == ' '))
		*--end = '\0';
	line = strrchr(text, '\n');
	return line ? line + 1 : end > text ? text : "it wrote nothing";
}

/* Run a command to its end.  expect: what its output must have; NULL: anything. */
static int run_command(const struct bench *b, const char *what, const char *command,
		       const char *expect, struct err *err)
{
	pid_t pid = start(b, command, "log", err);
	char *text;
	int status, ret = 0;

	if (pid < 0)
		return -EAGAIN;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	text = output_of(b, "log");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || (expect && !strstr(text, expect)))
		ret = err_set(err, EIO, "%s: %s failed: %s", b->w->name, what, last_line(text));
	free(text);
	return ret;
}

static bool listens(unsigned int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool can = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;

	if (fd >= 0)
		close(fd);
	return can;
}

static void step(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = STEP_NS }, NULL);
}

static int start_server(struct bench *b, struct err *err)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + START_S * UINT64_C(1000000000);
	char *text;
	int ret;

	if (listens(b->w->port))
		return err_set(err, EADDRINUSE, "%s: another program listens on port %u: end it",
			       b->w->name, b->w->port);
	b->server = start(b, b->w->server, "server.log", err);
	if (b->server < 0) {
		b->server = 0;
		return -EAGAIN;
	}
	while (!listens(b->w->port)) {
		if (waitpid(b->server, NULL, WNOHANG) == b->server) {
			b->server = 0;
			text = output_of(b, "server.log");
			ret = err_set(err, EIO, "%s: the server ended: %s", b->w->name,
				      last_line(text));
			free(text);
			return ret;
		}
		if (clock_ns(CLOCK_MONOTONIC) > end)
			return err_set(err, ETIMEDOUT,
				       "%s: the server does not listen on port %u after %d s",
				       b->w->name, b->w->port, START_S);
		step();
	}
	return 0;
}

static void end_server(struct bench *b)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + END_S * UINT64_C(1000000000);

	if (b->server <= 0)
		return;
	kill(-b->server, SIGTERM);
	while (waitpid(b->server, NULL, WNOHANG) == 0) {
		if (clock_ns(CLOCK_MONOTONIC) > end)
			kill(-b->server, SIGKILL);
		step();
	}
	kill(-b->server, SIGKILL);
	b->server = 0;
}

/* An address of this machine that is no loopback's. */
static int find_address(char text[INET_ADDRSTRLEN], struct err *err)
{
	struct ifaddrs *list = NULL, *a;

	if (getifaddrs(&list) < 0)
		return err_sys(err, "cannot list this machine's addresses");
	for (a = list; a; a = a->ifa_next)
		if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET &&
		    !(a->ifa_flags & IFF_LOOPBACK)) {
			inet_ntop(AF_INET, &((struct sockaddr_in *)a->ifa_addr)->sin_addr, text,
				  INET_ADDRSTRLEN);
			break;
		}
	freeifaddrs(list);
	return a ? 0 : err_set(err, ENODEV, "this machine has no address: give --address");
}

static int set_environment(const struct workload *w, const struct workload_options *o,
			   struct err *err)
{
	char address[INET_ADDRSTRLEN] = "", operations[24];

	if (w->client && !o->client)
		return err_set(err, EINVAL,
			       "%s: its client must run on another machine: give --client='ssh "
			       "MACHINE'",
			       w->name);
	if (w->url && !o->url)
		return err_set(err, EINVAL, "%s: give --url of a file of another machine", w->name);
	if (w->client && !o->address && find_address(address, err) < 0)
		return -EINVAL;
	snprintf(operations, sizeof(operations), "%llu", (unsigned long long)w->operations);
	setenv("OPERATIONS", operations, 1);
	setenv("HOST", o->address ? o->address : address, 1);
	setenv("CLIENT", o->client ? o->client : "", 1);
	setenv("URL", o->url ? o->url : "", 1);
	return 0;
}

static int measure_run(const struct bench *b, struct bench_run *run, struct err *err)
{
	uint64_t busy, busy_before, start, before = instructions_read(&b->instructions), after;
	int ret = busy_ns(&busy_before, err);

	start = clock_ns(CLOCK_MONOTONIC);
	if (ret == 0)
		ret = run_command(b, "its load", b->w->load, b->w->expect, err);
	run->ns = clock_ns(CLOCK_MONOTONIC) - start;
	if (ret == 0)
		ret = busy_ns(&busy, err);
	if (ret == 0)
		run->busy_ns = busy - busy_before;
	after = instructions_read(&b->instructions);
	run->instructions = after > before ? after - before : 0;
	return ret;
}

static void add_copies(struct bench_meter *to, const struct meter *from)
{
	for (size_t i = 0; i < from->ncopies; i++) {
		const struct meter_copies *c = &from->copies[i];

		*(c->way == METER_IN ? &to->in_copies : &to->out_copies) += c->copies;
		*(c->way == METER_IN ? &to->in_bytes : &to->out_bytes) += c->bytes;
	}
	to->missed += from->missed;
}

/* The same with the kernel's meter of copies. */
static int measure_metered(const struct bench *b, struct bench_meter *to, struct err *err)
{
	struct metering metering;
	struct meter *meter;
	int ret = 0;

	metering_open(&metering, b->types);
	metering_begin(&metering);
	if (metering.trouble)
		ret = err_set(err, ENOTSUP, "%s: %s", b->w->name, metering.trouble);
	else
		ret = measure_run(b, &to->runs[to->nruns], err);
	metering_end(&metering);
	meter = metering_describe(&metering);
	if (ret == 0 && meter) {
		to->nruns++;
		add_copies(to, meter);
	}
	meter_free(meter);
	metering_close(&metering);
	return ret;
}

/* Runs with and without the meter in turn, so that both meet the same machine. */
static int measure(const struct bench *b, struct bench_load *load,
		   const struct workload_options *options, struct err *err)
{
	int ret = run_command(b, "its load", b->w->load, b->w->expect, err);

	load->runs = xcalloc(options->runs, sizeof(*load->runs));
	if (options->cost) {
		load->meter = xcalloc(1, sizeof(*load->meter));
		load->meter->runs = xcalloc(options->runs, sizeof(*load->meter->runs));
	}
	for (uint64_t i = 0; i < options->runs && ret == 0; i++) {
		ret = measure_run(b, &load->runs[i], err);
		if (ret == 0)
			load->nruns++;
		if (ret == 0 && load->meter)
			ret = measure_metered(b, load->meter, err);
	}
	return ret;
}

static void remove_folder(struct bench *b)
{
	struct bench here = { .folder = (char *)"." };
	pid_t pid;

	setenv("FOLDER", b->folder, 1);
	pid = start(&here, "exec rm -rf -- \"$FOLDER\"", "/dev/null", NULL);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int workload_run(const struct workload *w, const struct workload_options *options,
		 struct bench_load *load, struct err *err)
{
	struct bench b = { .w = w };
	int ret = set_environment(w, options, err);

	if (ret < 0)
		return ret;
	load->name = xstrdup(w->name);
	load->operations = w->operations;
	b.folder = xasprintf("%s/ccaio-bench.XXXXXX",
			     options->directory ? options->directory : "/var/tmp");
	if (!mkdtemp(b.folder)) {
		ret = err_sys(err, "cannot make a folder in %s",
			      options->directory ? options->directory : "/var/tmp");
		free(b.folder);
		return ret;
	}
	instructions_open(&b.instructions);
	if (options->cost)
		b.types = btf_load(BTF_KERNEL, NULL);
	if (w->setup)
		ret = run_command(&b, "its preparation", w->setup, NULL, err);
	if (ret == 0 && w->server)
		ret = start_server(&b, err);
	if (ret == 0 && w->prepare)
		ret = run_command(&b, "its preparation", w->prepare, NULL, err);
	if (ret == 0)
		ret = measure(&b, load, options, err);
	end_server(&b);
	remove_folder(&b);
	instructions_close(&b.instructions);
	btf_free(b.types);
	free(b.folder);
	return ret;
}
