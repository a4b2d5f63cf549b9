/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For the static build: libpcap's capture from D-Bus and from RDMA devices, which ccaio does not
 * use and which need libraries that exist only as shared ones.  These stand in front of libpcap's
 * own, so that the linker leaves those out.  None of the devices that pcap_create is asked for
 * is theirs.
 */
#ifdef CCAIO_STATIC

#include <pcap/pcap.h>
#include <stddef.h>

pcap_t *dbus_create(const char *device, char *errbuf, int *is_ours);
pcap_t *rdmasniff_create(const char *device, char *errbuf, int *is_ours);
int dbus_findalldevs(void *list, char *errbuf);
int rdmasniff_findalldevs(void *list, char *errbuf);

pcap_t *dbus_create(const char *device, char *errbuf, int *is_ours)
{
	(void)device, (void)errbuf;
	*is_ours = 0;
	return NULL;
}

pcap_t *rdmasniff_create(const char *device, char *errbuf, int *is_ours)
{
	return dbus_create(device, errbuf, is_ours);
}

int dbus_findalldevs(void *list, char *errbuf)
{
	(void)list, (void)errbuf;
	return 0;
}

int rdmasniff_findalldevs(void *list, char *errbuf)
{
	return dbus_findalldevs(list, errbuf);
}

#else

typedef int not_the_static_build;

#endif
