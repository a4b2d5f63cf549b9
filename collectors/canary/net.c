/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collectors/canary/canary.h"
#include "lib/base/xalloc.h"
#include "lib/net/flow.h"

#define ETHER_TYPE FLOW_ETHERTYPE_CANARY /* nobody listens to it */
#define ETHER_HEADER 14
#define SHORTEST 64 /* frame bytes */
#define SPREAD 1337

/* What the interface is: its index, hardware address and MTU.  Returns a reason, or NULL. */
static char *look_at(int fd, const char *iface, struct sockaddr_ll *to, int *mtu)
{
	struct ifreq req = { 0 };

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", iface);
	if (ioctl(fd, SIOCGIFFLAGS, &req) < 0)
		return xasprintf("cannot look at %s: %s", iface, strerror(errno));
	if (!(req.ifr_flags & IFF_UP) || !(req.ifr_flags & IFF_RUNNING))
		return xasprintf("%s is down", iface);
	if (ioctl(fd, SIOCGIFMTU, &req) < 0)
		return xasprintf("cannot learn the MTU of %s: %s", iface, strerror(errno));
	*mtu = req.ifr_mtu;
	if (ioctl(fd, SIOCGIFHWADDR, &req) < 0)
		return xasprintf("cannot learn the address of %s: %s", iface, strerror(errno));
	memcpy(to->sll_addr, req.ifr_hwaddr.sa_data, 6);
	if (ioctl(fd, SIOCGIFINDEX, &req) < 0)
		return xasprintf("cannot learn the index of %s: %s", iface, strerror(errno));
	to->sll_ifindex = req.ifr_ifindex;
	return NULL;
}

/*
 * A frame from the interface to its own hardware address: it needs no IP address
 * and no neighbour, reaches the device, and is dropped by the first switch behind it.
 */
uint64_t canary_send_frame(const char *iface, uint32_t header_size, uint64_t nonce, char **reason)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_halen = 6,
				  .sll_protocol = htons(ETHER_TYPE) };
	unsigned char frame[SHORTEST + SPREAD] = { 0 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), mtu = 0;
	size_t length = SHORTEST + nonce % SPREAD;
	uint64_t size = 0;

	if (fd < 0) {
		*reason = xasprintf("cannot open a packet socket: %s", strerror(errno));
		return 0;
	}
	*reason = look_at(fd, iface, &to, &mtu);
	if (*reason)
		goto out;
	if (mtu < SHORTEST) {
		*reason = xasprintf("the MTU of %s is %d", iface, mtu);
		goto out;
	}
	if (length > (size_t)mtu + ETHER_HEADER)
		length = SHORTEST + nonce % (mtu + ETHER_HEADER - SHORTEST + 1);
	memcpy(frame, to.sll_addr, 6);
	memcpy(frame + 6, to.sll_addr, 6);
	frame[12] = ETHER_TYPE >> 8;
	frame[13] = ETHER_TYPE & 0xff;
	if (sendto(fd, frame, length, 0, (struct sockaddr *)&to, sizeof(to)) == (ssize_t)length)
		size = header_size + length;
	else
		*reason = xasprintf("cannot send on %s: %s", iface, strerror(errno));
out:
	close(fd);
	return size;
}
