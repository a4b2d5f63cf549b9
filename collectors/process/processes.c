/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/process/processes.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/exchange/exchange.h"

#define TASKS_MAX 4096

static const char *proc_dir(void)
{
	const char *dir = getenv("CCAIO_PROC_DIR");

	return dir ? dir : "/proc";
}

/* The next entry of a directory that is a number; -1 at the end. */
static int32_t next_number(DIR *dir)
{
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		char *end;
		unsigned long n = strtoul(entry->d_name, &end, 10);

		if (isdigit((unsigned char)entry->d_name[0]) && !*end && n <= INT32_MAX)
			return (int32_t)n;
	}
	return -1;
}

static bool read_comm(int32_t pid, char comm[16])
{
	char *path = xasprintf("%s/%d/comm", proc_dir(), pid);
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(comm, 16, f);

	if (f)
		fclose(f);
	free(path);
	if (ok)
		comm[strcspn(comm, "\n")] = '\0';
	return ok;
}

int processes_add_pid(struct processes *p, int32_t pid, struct err *err)
{
	char comm[16];

	if (pid <= 0 || !read_comm(pid, comm))
		return err_set(err, ESRCH, "there is no process %d", pid);
	if (p->npids == PROCESSES_MAX)
		return err_set(err, E2BIG, "more than %d processes to follow", PROCESSES_MAX);
	p->pids[p->npids++] = pid;
	return 0;
}

int processes_add_comm(struct processes *p, const char *wanted, struct err *err)
{
	DIR *dir = opendir(proc_dir());
	int32_t pid;
	char comm[16];
	size_t before = p->npids;
	int ret = 0;

	if (!dir)
		return err_sys(err, "cannot list %s", proc_dir());
	while (ret == 0 && (pid = next_number(dir)) >= 0)
		if (pid != getpid() && read_comm(pid, comm) && strcmp(comm, wanted) == 0)
			ret = processes_add_pid(p, pid, err);
	closedir(dir);
	if (ret == 0 && p->npids == before)
		ret = err_set(err, ESRCH, "there is no process called %s", wanted);
	return ret;
}

static bool has_task(const struct processes *p, int32_t task)
{
	for (size_t i = 0; i < p->ntasks; i++)
		if (p->tasks[i] == task)
			return true;
	return false;
}

static void add_tasks(struct processes *p, int32_t pid)
{
	char *path = xasprintf("%s/%d/task", proc_dir(), pid);
	DIR *dir = opendir(path);
	int32_t task;

	while (dir && p->ntasks < TASKS_MAX && (task = next_number(dir)) >= 0) {
		if (has_task(p, task))
			continue;
		XGROW(p->tasks, p->ntasks, p->cap_tasks);
		p->tasks[p->ntasks++] = task;
	}
	if (dir)
		closedir(dir);
	free(path);
}

/* The parent's number stands behind the name in parentheses, which may hold anything. */
static int32_t parent_of(int32_t pid)
{
	char *path = xasprintf("%s/%d/stat", proc_dir(), pid), text[512];
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	const char *close;
	int parent = -1;

	if (f)
		fclose(f);
	free(path);
	text[n] = '\0';
	close = strrchr(text, ')');
	if (!close || sscanf(close + 1, " %*c %d", &parent) != 1)
		return -1;
	return parent;
}

/* Children of known tasks, until there are no new ones. */
static void add_descendants(struct processes *p)
{
	size_t before;

	do {
		DIR *dir = opendir(proc_dir());
		int32_t pid;

		before = p->ntasks;
		while (dir && (pid = next_number(dir)) >= 0)
			if (!has_task(p, pid) && has_task(p, parent_of(pid)))
				add_tasks(p, pid);
		if (dir)
			closedir(dir);
	} while (p->ntasks != before && p->ntasks < TASKS_MAX);
}

/* "0F02000A:9C40": words of 4 bytes in the machine's own order, then the port. */
static bool read_addr(const char *text, struct flow_addr *addr)
{
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	unsigned int port;

	memset(addr, 0, sizeof(*addr));
	if ((len != 8 && len != 32) || sscanf(colon + 1, "%4x", &port) != 1)
		return false;
	for (size_t i = 0; i < len / 8; i++) {
		char word[9] = { 0 };
		uint32_t value;

		memcpy(word, text + 8 * i, 8);
		value = (uint32_t)strtoul(word, NULL, 16);
		memcpy(addr->ip + 4 * i, &value, 4);
	}
	addr->port = (uint16_t)port;
	addr->family = len == 32 ? 6 : 4;
	if (len == 32 && memcmp(addr->ip, mapped, sizeof(mapped)) == 0) {
		memmove(addr->ip, addr->ip + 12, 4);
		memset(addr->ip + 4, 0, 12);
		addr->family = 4;
	}
	return true;
}

/* Which of the tasks has the socket with this inode open? */
struct open_socket {
	unsigned long inode;
	int32_t pid;
};

static size_t open_sockets(const struct processes *p, struct open_socket *list, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < p->ntasks; i++) {
		char *path = xasprintf("%s/%d/fd", proc_dir(), p->tasks[i]);
		DIR *dir = opendir(path);
		int32_t fd;

		while (dir && count < max && (fd = next_number(dir)) >= 0) {
			char *link = xasprintf("%s/%d", path, fd), target[64];
			ssize_t n = readlink(link, target, sizeof(target) - 1);

			free(link);
			if (n < 0)
				continue;
			target[n] = '\0';
			if (sscanf(target, "socket:[%lu]", &list[count].inode) == 1)
				list[count++].pid = p->tasks[i];
		}
		if (dir)
			closedir(dir);
		free(path);
	}
	return count;
}

static void match_sockets(struct processes *p, const char *table, const struct open_socket *list,
			  size_t count)
{
	char *path = xasprintf("%s/net/%s", proc_dir(), table), line[512];
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f) && p->nsockets < PROCESSES_SOCKETS) {
		struct process_socket *s = &p->sockets[p->nsockets];
		char local[64], remote[64];
		unsigned long inode;

		if (sscanf(line, " %*d: %63s %63s %*x %*s %*s %*s %*u %*u %lu", local, remote,
			   &inode) != 3 ||
		    !read_addr(local, &s->local) || !read_addr(remote, &s->remote))
			continue;
		for (size_t i = 0; i < count; i++) {
			if (list[i].inode != inode)
				continue;
			s->pid = list[i].pid;
			if (!read_comm(s->pid, s->comm))
				s->comm[0] = '\0';
			p->nsockets++;
			break;
		}
	}
	if (f)
		fclose(f);
	free(path);
}

void processes_look(struct processes *p)
{
	const size_t max = 8192;
	struct open_socket *list = xcalloc(max, sizeof(*list));
	size_t count;

	for (size_t i = 0; i < p->npids; i++)
		add_tasks(p, p->pids[i]);
	add_descendants(p);
	count = open_sockets(p, list, max);
	match_sockets(p, "tcp", list, count);
	match_sockets(p, "tcp6", list, count);
	free(list);
}

void processes_describe(const struct processes *p, struct exchanges *x)
{
	for (size_t i = 0; i < p->ntasks && x->program.nroots < EXCHANGE_ROOTS; i++)
		x->program.roots[x->program.nroots++] = p->tasks[i];
	if (p->ntasks > EXCHANGE_ROOTS)
		exchanges_note(x, "only %d of the program's %zu threads are followed",
			       EXCHANGE_ROOTS, p->ntasks);
	for (size_t i = 0; i < x->nconns; i++) {
		struct exchange_conn *c = &x->conns[i];

		for (size_t j = 0; !c->from_start && j < p->nsockets; j++) {
			const struct process_socket *s = &p->sockets[j];

			if (!flow_addr_equal(&s->local, &c->local) ||
			    !flow_addr_equal(&s->remote, &c->remote))
				continue;
			c->preexisting = true;
			c->program = true;
			c->owner = GRADE_EXACT;
			c->pid = s->pid;
			free(c->comm);
			c->comm = xstrdup(s->comm);
			break;
		}
	}
}

void processes_release(struct processes *p)
{
	free(p->tasks);
	memset(p, 0, sizeof(*p));
}
