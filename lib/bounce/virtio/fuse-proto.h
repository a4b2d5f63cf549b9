/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_VIRTIO_FUSE_PROTO_H
#define CCAIO_LIB_BOUNCE_VIRTIO_FUSE_PROTO_H

#include <linux/fuse.h>

/*
 * fuse-proto - the FUSE requests that dev-fs speaks (Linux include/uapi/linux/fuse.h),
 * and their limits.  FUSE structures travel in the guest's byte order (virtio 1.3
 * §5.11.6): both sides here run on the same machine.
 */
#define FS_MAX_WRITE 4096u
#define FS_MAX_NAME 255u
#define FS_ROOT 1u

#endif
