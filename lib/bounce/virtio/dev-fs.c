/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-fs (virtio 1.3 §5.11), the driver: queue 0 urgent requests, queue 1 the others. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/virtio/devices.h"
#include "lib/bounce/virtio/fuse-proto.h"

#define ID_FS 26
#define QUEUE 1

/*
 * One request: header, args and data out; the answer's body of at most `room` bytes
 * in.  Returns its size, or -errno (the host's own included).
 */
static int call(struct fs *fs, uint32_t opcode, uint64_t node, const void *args, size_t nargs,
		const void *data, size_t ndata, void *answer, size_t room, struct err *err)
{
	struct fuse_in_header in = { .len = sizeof(in) + nargs + ndata,
				     .opcode = opcode,
				     .unique = ++fs->unique,
				     .nodeid = node };
	struct fuse_out_header out = { 0 };
	size_t reply = sizeof(out) + room;
	uint64_t head = virtio_buffer(&fs->v, NULL, sizeof(in) + nargs);
	uint64_t body = virtio_buffer(&fs->v, data, ndata), back;
	struct virtq_buf bufs[3];
	unsigned int n = 0;
	uint32_t written;
	int ret;

	back = virtio_buffer(&fs->v, NULL, reply);
	if (head == REALM_NO_ADDR || back == REALM_NO_ADDR || (ndata && body == REALM_NO_ADDR))
		return err_set(err, ENOMEM, "no Realm memory for a FUSE request");
	memcpy(virtio_ptr(&fs->v, head, sizeof(in)), &in, sizeof(in));
	if (nargs)
		memcpy(virtio_ptr(&fs->v, head, sizeof(in) + nargs) + sizeof(in), args, nargs);
	bufs[n++] = (struct virtq_buf){ .ipa = head, .size = sizeof(in) + nargs };
	if (ndata)
		bufs[n++] = (struct virtq_buf){ .ipa = body, .size = ndata };
	bufs[n++] = (struct virtq_buf){ .ipa = back, .size = reply, .in = true };
	ret = virtio_request(&fs->v, QUEUE, bufs, n, &written, err);
	if (virtq_in_flight(&fs->v.queues[QUEUE]))
		return ret;
	if (ret == 0) {
		memcpy(&out, virtio_ptr(&fs->v, back, sizeof(out)), sizeof(out));
		if (written < sizeof(out) || out.len < sizeof(out) || out.len > written ||
		    out.len > reply || out.unique != in.unique)
			ret = err_set(err, EPROTO,
				      "the host's answer to FUSE request %u is malformed", opcode);
		else if (out.error)
			ret = err_set(err, out.error < 0 && out.error > -4096 ? -out.error : EPROTO,
				      "the host refuses FUSE request %u: %s", opcode,
				      strerror(out.error < 0 ? -out.error : EPROTO));
		else
			ret = out.len - sizeof(out);
		if (ret > 0)
			memcpy(answer, virtio_ptr(&fs->v, back, reply) + sizeof(out), ret);
	}
	virtio_buffer_free(&fs->v, head, sizeof(in) + nargs);
	virtio_buffer_free(&fs->v, body, ndata);
	virtio_buffer_free(&fs->v, back, reply);
	return ret;
}

int fs_start(struct fs *fs, struct transport *transport, struct dma_device *dma, uint64_t features,
	     struct err *err)
{
	struct fuse_init_in init = { .major = FUSE_KERNEL_VERSION,
				     .minor = FUSE_KERNEL_MINOR_VERSION };
	struct fuse_init_out out = { 0 };
	int ret;

	memset(fs, 0, sizeof(*fs));
	ret = virtio_start(&fs->v, transport, dma, ID_FS, features, 2, 16, err);
	if (ret < 0)
		return ret;
	ret = call(fs, FUSE_INIT, 0, &init, sizeof(init), NULL, 0, &out, sizeof(out), err);
	if (ret >= 0 && out.major != FUSE_KERNEL_VERSION)
		ret = err_set(err, EPROTO, "the host speaks FUSE %u, not %u", out.major,
			      FUSE_KERNEL_VERSION);
	if (ret < 0)
		virtio_stop(&fs->v);
	return ret < 0 ? ret : 0;
}

void fs_stop(struct fs *fs)
{
	virtio_stop(&fs->v);
}

int fs_list(struct fs *fs, void (*entry)(void *ctx, const char *name), void *ctx, struct err *err)
{
	struct fuse_read_in args = { .size = 4096 };
	uint8_t page[4096];
	int n;

	while ((n = call(fs, FUSE_READDIR, FS_ROOT, &args, sizeof(args), NULL, 0, page,
			 sizeof(page), err)) > 0) {
		for (int off = 0; off + (int)FUSE_NAME_OFFSET <= n;) {
			struct fuse_dirent d;
			char name[FS_MAX_NAME + 1];

			memcpy(&d, page + off, FUSE_NAME_OFFSET);
			if (d.namelen > FS_MAX_NAME ||
			    d.namelen > (uint32_t)n - off - FUSE_NAME_OFFSET)
				return err_set(err, EPROTO,
					       "the host's list of files is malformed");
			memcpy(name, page + off + FUSE_NAME_OFFSET, d.namelen);
			name[d.namelen] = '\0';
			entry(ctx, name);
			args.offset = d.off;
			off += FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + d.namelen);
		}
	}
	return n;
}

int fs_open(struct fs *fs, const char *name, bool writable, uint64_t *handle, struct err *err)
{
	struct fuse_open_in args = { .flags = writable ? O_RDWR : O_RDONLY };
	struct fuse_entry_out entry = { 0 };
	struct fuse_open_out out = { 0 };
	int ret = call(fs, FUSE_LOOKUP, FS_ROOT, name, strlen(name) + 1, NULL, 0, &entry,
		       sizeof(entry), err);

	if (ret < 0)
		return ret;
	ret = call(fs, FUSE_OPEN, entry.nodeid, &args, sizeof(args), NULL, 0, &out, sizeof(out),
		   err);
	*handle = out.fh;
	return ret < 0 ? ret : 0;
}

int fs_read(struct fs *fs, uint64_t handle, uint64_t off, void *data, size_t size, struct err *err)
{
	size_t done = 0;

	while (done < size) {
		size_t want = size - done < FS_MAX_WRITE ? size - done : FS_MAX_WRITE;
		struct fuse_read_in args = { .fh = handle, .offset = off + done, .size = want };
		int n = call(fs, FUSE_READ, FS_ROOT, &args, sizeof(args), NULL, 0,
			     (uint8_t *)data + done, want, err);

		if (n < 0)
			return n;
		done += n;
		if ((size_t)n < want)
			break;
	}
	return done;
}

int fs_write(struct fs *fs, uint64_t handle, uint64_t off, const void *data, size_t size,
	     struct err *err)
{
	size_t done = 0;

	while (done < size) {
		size_t want = size - done < FS_MAX_WRITE ? size - done : FS_MAX_WRITE;
		struct fuse_write_in args = { .fh = handle, .offset = off + done, .size = want };
		struct fuse_write_out out = { 0 };
		int n = call(fs, FUSE_WRITE, FS_ROOT, &args, sizeof(args),
			     (const uint8_t *)data + done, want, &out, sizeof(out), err);

		if (n < 0)
			return n;
		if (!out.size || out.size > want)
			return err_set(err, EPROTO, "the host says it wrote %u of %zu bytes",
				       out.size, want);
		done += out.size;
	}
	return done;
}

int fs_close(struct fs *fs, uint64_t handle, struct err *err)
{
	struct fuse_release_in args = { .fh = handle };

	return call(fs, FUSE_RELEASE, FS_ROOT, &args, sizeof(args), NULL, 0, NULL, 0, err);
}
