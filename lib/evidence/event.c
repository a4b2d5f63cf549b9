/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/evidence/event.h"

static const char *const kind_names[EVENT_KINDS] = {
	[EVENT_NONE] = "none",
	[EVENT_BOUNCE] = "bounce",
	[EVENT_MAP] = "map",
	[EVENT_UNMAP] = "unmap",
	[EVENT_SYNC_CPU] = "sync-for-cpu",
	[EVENT_SYNC_DEVICE] = "sync-for-device",
	[EVENT_ALLOC] = "alloc",
	[EVENT_FREE] = "free",
	[EVENT_MAP_FAILED] = "map-failed",
	[EVENT_SG_TRUNCATED] = "sg-truncated",
	[EVENT_DECRYPT] = "decrypt",
	[EVENT_ENCRYPT] = "encrypt",
	[EVENT_TSM] = "tsm",
	[EVENT_LOST] = "lost",
	[EVENT_MARK] = "mark",
	[EVENT_UNDECODED] = "undecoded",
	[EVENT_SOCK_STATE] = "sock-state",
	[EVENT_SOCK_SEND] = "sock-send",
	[EVENT_SOCK_RECV] = "sock-recv",
	[EVENT_TCP_TX] = "tcp-tx",
	[EVENT_TCP_RX] = "tcp-rx",
	[EVENT_NET_XMIT_START] = "net-xmit-start",
	[EVENT_NET_XMIT] = "net-xmit",
	[EVENT_NET_RX] = "net-rx",
	[EVENT_NET_ENTER] = "net-enter",
	[EVENT_NET_MERGE] = "net-merge",
	[EVENT_VQ_ADD] = "vq-add",
	[EVENT_VQ_GET] = "vq-get",
	[EVENT_VQ_KICK] = "vq-kick",
	[EVENT_BLK_QUEUE] = "blk-queue",
	[EVENT_BLK_ISSUE] = "blk-issue",
	[EVENT_BLK_COMPLETE] = "blk-complete",
	[EVENT_PAGE_IN] = "page-in",
	[EVENT_PAGE_OUT] = "page-out",
	[EVENT_FORK] = "fork",
	[EVENT_EXEC] = "exec",
	[EVENT_EXIT] = "exit",
};

const char *event_kind_name(unsigned int kind)
{
	return kind < EVENT_KINDS ? kind_names[kind] : "?";
}

const char *event_dir_name(unsigned int dir)
{
	static const char *const names[] = { "BIDIRECTIONAL", "TO_DEVICE", "FROM_DEVICE", "NONE" };

	return dir < 4 ? names[dir] : "?";
}
