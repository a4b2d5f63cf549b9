/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-fs, the host's half: one folder, no subfolders, links are not followed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/xalloc.h"
#include "lib/bounce/virtio/devices.h"
#include "lib/bounce/virtio/fuse-proto.h"

#define FIRST_NODE 2u /* node id of names[0]; 1 is the folder */

/* A request as the host holds it, and its answer. */
struct request {
	struct fuse_in_header in;
	uint8_t args[FS_MAX_WRITE + 512];
	size_t nargs;
	uint8_t out[FS_MAX_WRITE + 512];
	size_t nout;
};

void fs_host_init(struct fs_host *host, int dir)
{
	memset(host, 0, sizeof(*host));
	host->dir = dir;
	for (unsigned int i = 0; i < FS_MAX_NODES; i++)
		host->files[i] = -1;
}

void fs_host_release(struct fs_host *host)
{
	for (unsigned int i = 0; i < FS_MAX_NODES; i++) {
		free(host->names[i]);
		if (host->files[i] >= 0)
			close(host->files[i]);
	}
	fs_host_init(host, -1);
}

static int answer(struct request *r, const void *body, size_t size)
{
	memcpy(r->out, body, size);
	r->nout = size;
	return 0;
}

static int do_init(struct request *r)
{
	struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION,
				     .minor = FUSE_KERNEL_MINOR_VERSION,
				     .max_write = FS_MAX_WRITE };

	return answer(r, &out, sizeof(out));
}

/* A plain name of this folder, or NULL. */
static const char *plain_name(struct request *r)
{
	const char *name = (const char *)r->args;

	if (!r->nargs || !memchr(name, '\0', r->nargs) || !*name || strlen(name) > FS_MAX_NAME ||
	    strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return NULL;
	return name;
}

static int do_lookup(struct fs_host *host, struct request *r)
{
	struct fuse_entry_out out = { 0 };
	const char *name = plain_name(r);
	struct stat st;
	unsigned int i;

	if (!name)
		return -EINVAL;
	if (fstatat(host->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	for (i = 0; i < FS_MAX_NODES && host->names[i]; i++) {
		if (strcmp(host->names[i], name) == 0)
			break;
	}
	if (i == FS_MAX_NODES)
		return -ENFILE;
	if (!host->names[i])
		host->names[i] = xstrdup(name);
	out.nodeid = FIRST_NODE + i;
	out.attr.size = st.st_size;
	out.attr.mode = st.st_mode;
	return answer(r, &out, sizeof(out));
}

static int do_open(struct fs_host *host, struct request *r)
{
	struct fuse_open_in in;
	struct fuse_open_out out = { 0 };
	uint64_t node = r->in.nodeid - FIRST_NODE;
	unsigned int fh;

	if (r->nargs < sizeof(in) || node >= FS_MAX_NODES || !host->names[node])
		return -EINVAL;
	memcpy(&in, r->args, sizeof(in));
	for (fh = 0; fh < FS_MAX_NODES && host->files[fh] >= 0; fh++)
		;
	if (fh == FS_MAX_NODES)
		return -ENFILE;
	host->files[fh] = openat(host->dir, host->names[node],
				 (in.flags & O_ACCMODE) | O_NOFOLLOW | O_CLOEXEC);
	if (host->files[fh] < 0)
		return -errno;
	out.fh = fh;
	return answer(r, &out, sizeof(out));
}

static int file_of(struct fs_host *host, uint64_t fh)
{
	return fh < FS_MAX_NODES ? host->files[fh] : -1;
}

static int do_read(struct fs_host *host, struct request *r)
{
	struct fuse_read_in in;
	ssize_t n;

	if (r->nargs < sizeof(in))
		return -EINVAL;
	memcpy(&in, r->args, sizeof(in));
	if (in.size > FS_MAX_WRITE)
		return -EINVAL;
	n = pread(file_of(host, in.fh), r->out, in.size, (off_t)in.offset);
	if (n < 0)
		return -errno;
	r->nout = n;
	return 0;
}

static int do_write(struct fs_host *host, struct request *r)
{
	struct fuse_write_in in;
	struct fuse_write_out out = { 0 };
	ssize_t n;

	if (r->nargs < sizeof(in))
		return -EINVAL;
	memcpy(&in, r->args, sizeof(in));
	if (in.size > r->nargs - sizeof(in))
		return -EINVAL;
	n = pwrite(file_of(host, in.fh), r->args + sizeof(in), in.size, (off_t)in.offset);
	if (n < 0)
		return -errno;
	out.size = n;
	return answer(r, &out, sizeof(out));
}

static int do_release(struct fs_host *host, struct request *r)
{
	struct fuse_release_in in;
	int fd;

	if (r->nargs < sizeof(in))
		return -EINVAL;
	memcpy(&in, r->args, sizeof(in));
	fd = file_of(host, in.fh);
	if (fd < 0)
		return -EBADF;
	close(fd);
	host->files[in.fh] = -1;
	return 0;
}

/* Regular files from the offset-th entry on, as many as fit. */
static int do_readdir(struct fs_host *host, struct request *r)
{
	struct fuse_read_in in;
	struct dirent *e;
	uint64_t at = 0;
	DIR *dir;
	int fd;

	if (r->nargs < sizeof(in))
		return -EINVAL;
	memcpy(&in, r->args, sizeof(in));
	fd = openat(host->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return -errno;
	while ((e = readdir(dir))) {
		struct fuse_dirent d = { .ino = e->d_ino,
					 .off = ++at,
					 .namelen = strlen(e->d_name),
					 .type = e->d_type };
		size_t size = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + d.namelen);

		if (at <= in.offset || e->d_type != DT_REG)
			continue;
		if (r->nout + size > FS_MAX_WRITE || r->nout + size > in.size)
			break;
		memset(r->out + r->nout, 0, size);
		memcpy(r->out + r->nout, &d, FUSE_NAME_OFFSET);
		memcpy(r->out + r->nout + FUSE_NAME_OFFSET, e->d_name, d.namelen);
		r->nout += size;
	}
	closedir(dir);
	return 0;
}

static int dispatch(struct fs_host *host, struct request *r)
{
	switch (r->in.opcode) {
	case FUSE_INIT:
		return do_init(r);
	case FUSE_LOOKUP:
		return do_lookup(host, r);
	case FUSE_OPEN:
		return do_open(host, r);
	case FUSE_READ:
		return do_read(host, r);
	case FUSE_WRITE:
		return do_write(host, r);
	case FUSE_RELEASE:
		return do_release(host, r);
	case FUSE_READDIR:
		return do_readdir(host, r);
	default:
		return -ENOSYS;
	}
}

static void handle(struct host_device *dev, unsigned int i)
{
	struct fs_host *host = dev->priv;
	struct hostq *q = &dev->queues[i];
	struct hostq_chain c;
	struct request *r = xcalloc(1, sizeof(*r));

	while (host_device_pop(dev, i, &c)) {
		struct fuse_out_header out = { 0 };
		size_t n = hostq_read(q, &c, 0, &r->in, sizeof(r->in));

		r->nout = 0;
		r->nargs = hostq_read(q, &c, sizeof(r->in), r->args, sizeof(r->args));
		if (n < sizeof(r->in) || r->in.len != n + r->nargs) {
			dev->malformed++;
			out.error = -EINVAL;
		} else {
			out.error = dispatch(host, r);
		}
		if (out.error)
			r->nout = 0;
		out.unique = r->in.unique;
		out.len = sizeof(out) + r->nout;
		hostq_write(q, &c, 0, &out, sizeof(out));
		hostq_write(q, &c, sizeof(out), r->out, r->nout);
		host_device_push(dev, i, &c, out.len);
	}
	free(r);
}

const struct host_ops fs_host_ops = {
	.name = "fs",
	.device_id = 26,
	.nqueues = 2,
	.config_size = 44,
	.handle = handle,
};
