/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/packets/packets.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "collectors/packets/packet-file.h"
#include "collectors/packets/packet-queue.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/traffic.h"
#include "lib/net/flow.h"

#define IFACES 64
/*
 * The kernel hands packets over in blocks of 256 KiB, one that is not full after BLOCK_MS.  Each
 * wakes the thread, beside the program that is measured; the end of a run waits for the last one.
 * While nobody reads, the ring holds BUFFER_BYTES of packets, and no longer than 192 blocks times
 * BLOCK_MS: see packets.h.
 */
#define BUFFER_BYTES (48ul << 20)
#define BUFFER_SHARE 16 /* of the machine's memory at most */
#define BUFFER_LEAST (8ul << 20)
#define BLOCK_MS 200
#define STOP_MS 1000 /* other traffic may never end */
#define SNAPLEN_ALL 262144
#define SNAPLEN_HEADERS 192 /* two VLAN tags, IPv6 with extensions, TCP with options */
#define QUEUE_BYTES (256 << 10)
#define BULK_BYTES 4096	     /* captured of one packet: what is longer is not copied to wait */
#define STEP_NS 1000000000ll /* more than any drift of the two clocks in a run */
#define NSEC 1000000000ll

struct iface {
	char name[IF_NAMESIZE];
	uint32_t index;
	uint16_t id;	  /* names id */
	bool down;	  /* as the window opened */
	uint64_t packets; /* in the window */
	/* by enum flow_dir, and [0] as the window opened, [1] as it closed */
	uint64_t bytes[2][2], counted[2][2];
	bool counters_known[2];
};

struct packets {
	struct packets_options options;
	struct packet_writer writer;
	struct iface ifaces[IFACES];
	size_t nifaces;
	pcap_t *pcap; /* of all of them */
	int fd;
	uint32_t read, due; /* packets: seen by the thread; counted by the kernel at the end */
	bool due_known;
	uint32_t dropped[2]; /* by the kernel, as the window opened and as it closed */
	struct names *names;
	struct traffic *traffic;
	struct packet_queue queue;
	int64_t offset_ns;		    /* CLOCK_REALTIME - CLOCK_MONOTONIC */
	_Atomic uint64_t open_ns, close_ns; /* the window, CLOCK_MONOTONIC */
	int stop_fd;
	pthread_t thread;
	bool running;
	int failed; /* errno */
	struct err why;
};

/* ---- which interfaces ---- */

static bool is_virtio(const char *iface)
{
	char *path = xasprintf("/sys/class/net/%s/device/subsystem", iface);
	char target[256];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	const char *base;

	free(path);
	if (n < 0)
		return false;
	target[n] = '\0';
	base = strrchr(target, '/');
	return strcmp(base ? base + 1 : target, "virtio") == 0;
}

static void add_iface(struct packets *p, const char *name)
{
	struct iface *i;

	if (p->nifaces == IFACES || strlen(name) >= IF_NAMESIZE)
		return;
	i = &p->ifaces[p->nifaces++];
	strcpy(i->name, name);
	i->index = if_nametoindex(name);
	i->id = names_intern(p->names, name, strlen(name));
}

static int find_ifaces(struct packets *p, struct err *err)
{
	struct dirent *entry;
	DIR *dir;

	for (size_t i = 0; i < p->options.nifaces; i++)
		add_iface(p, p->options.ifaces[i]);
	if (p->options.nifaces)
		return 0;
	dir = opendir("/sys/class/net");
	if (!dir)
		return err_sys(err, "cannot list the network interfaces in /sys/class/net");
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && is_virtio(entry->d_name))
			add_iface(p, entry->d_name);
	closedir(dir);
	return p->nifaces
		       ? 0
		       : err_set(err, ENODEV, "there is no network interface of a virtio device");
}

/* ---- the kernel's own counters ---- */

static bool read_counter(const char *iface, const char *what, uint64_t *value)
{
	char *path = xasprintf("/sys/class/net/%s/statistics/%s", iface, what);
	FILE *f = fopen(path, "re");
	bool ok = f && fscanf(f, "%lu", value) == 1;

	if (f)
		fclose(f);
	free(path);
	return ok;
}

static bool read_counters(const char *iface, uint64_t bytes[2], uint64_t packets[2])
{
	return read_counter(iface, "tx_bytes", &bytes[FLOW_OUT]) &&
	       read_counter(iface, "rx_bytes", &bytes[FLOW_IN]) &&
	       read_counter(iface, "tx_packets", &packets[FLOW_OUT]) &&
	       read_counter(iface, "rx_packets", &packets[FLOW_IN]);
}

/* ---- opening ---- */

static int pcap_errno(int ret)
{
	switch (ret) {
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		return EPERM;
	case PCAP_ERROR_NO_SUCH_DEVICE:
	case PCAP_ERROR_IFACE_NOT_UP:
		return ENODEV;
	default:
		return EIO;
	}
}

/* What the kernel sorts out: other interfaces, above all loopback, and what the user does not want.
 */
static int set_filter(struct packets *p, struct err *err)
{
	const char *wanted = p->options.filter;
	struct bpf_program program;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int ret = 0;

	if (!out)
		return err_sys(err, "no memory for the packet filter");
	for (size_t i = 0; i < p->nifaces; i++)
		fprintf(out, "%sifindex %u", i ? " or " : "(", p->ifaces[i].index);
	/* on lines of their own: a comment cannot hide the parenthesis */
	fprintf(out, wanted ? ") and (\n%s\n)" : ")", wanted);
	fclose(out);
	if (pcap_compile(p->pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) < 0) {
		ret = err_set(err, EINVAL, "bad packet filter '%s': %s", wanted ? wanted : text,
			      pcap_geterr(p->pcap));
		free(text);
		return ret;
	}
	free(text);
	if (pcap_setfilter(p->pcap, &program) < 0)
		ret = err_set(err, EIO, "cannot set the packet filter: %s", pcap_geterr(p->pcap));
	pcap_freecode(&program);
	return ret;
}

/* How much of the machine's memory the ring takes. */
static size_t buffer_bytes(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	size_t share = pages > 0 && page > 0 ? (size_t)pages / BUFFER_SHARE * (size_t)page : 0;

	if (share < BUFFER_LEAST)
		return BUFFER_LEAST;
	return share < BUFFER_BYTES ? share : BUFFER_BYTES;
}

/*
 * One ring for all interfaces ("any"): it says of each packet whether it was sent or received,
 * which no address tells behind a bridge, and an interface that is down only sends nothing.
 */
static int open_ring(struct packets *p, struct err *err)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	uint32_t snaplen = p->options.snaplen;
	int ret;

	if (!snaplen)
		snaplen = p->options.payload == PACKETS_IGNORE ? SNAPLEN_HEADERS : SNAPLEN_ALL;
	p->pcap = pcap_create("any", why);
	if (!p->pcap)
		return err_set(err, ENODEV, "cannot capture packets: %s", why);
	pcap_set_snaplen(p->pcap, (int)snaplen);
	pcap_set_buffer_size(p->pcap, (int)buffer_bytes());
	pcap_set_timeout(p->pcap, BLOCK_MS);
	pcap_set_tstamp_precision(p->pcap, PCAP_TSTAMP_PRECISION_NANO);
	ret = pcap_activate(p->pcap);
	if (ret < 0)
		return err_set(err, pcap_errno(ret), "cannot capture packets: %s",
			       pcap_geterr(p->pcap)[0] ? pcap_geterr(p->pcap)
						       : pcap_statustostr(ret));
	if (pcap_set_datalink(p->pcap, DLT_LINUX_SLL2) < 0)
		return err_set(err, ENOTSUP, "cannot capture packets: %s", pcap_geterr(p->pcap));
	if (pcap_setnonblock(p->pcap, 1, why) < 0)
		return err_set(err, EIO, "cannot capture packets: %s", why);
	p->fd = pcap_get_selectable_fd(p->pcap);
	if (p->fd < 0)
		return err_set(err, EIO, "cannot wait for packets");
	return set_filter(p, err);
}

/* ---- the thread ---- */

/* What the packet says, and what is kept of it. */
static void handle(struct packets *p, const struct packet *packet)
{
	uint32_t index = 0;

	traffic_packet(p->traffic, packet);
	if (!p->writer.out)
		return;
	for (size_t n = 0; n < p->nifaces; n++)
		if (p->ifaces[n].id == packet->iface)
			index = p->ifaces[n].index;
	packet_writer_add(&p->writer, packet, index);
}

static void handle_queue(struct packets *p)
{
	struct packet packet;

	while (packet_queue_next(&p->queue, &packet))
		handle(p, &packet);
}

static struct iface *iface_of(struct packets *p, uint32_t index)
{
	for (size_t n = 0; n < p->nifaces; n++)
		if (p->ifaces[n].index == index)
			return &p->ifaces[n];
	return NULL;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

/* The difference of the clocks, taken where the two readings lie closest together. */
static int64_t clock_offset(void)
{
	int64_t best = 0, closest = INT64_MAX;

	for (int i = 0; i < 5; i++) {
		struct timespec a, real, b;
		int64_t from, to;

		clock_gettime(CLOCK_MONOTONIC, &a);
		clock_gettime(CLOCK_REALTIME, &real);
		clock_gettime(CLOCK_MONOTONIC, &b);
		from = a.tv_sec * NSEC + a.tv_nsec;
		to = b.tv_sec * NSEC + b.tv_nsec;
		if (to - from >= closest)
			continue;
		closest = to - from;
		best = real.tv_sec * NSEC + real.tv_nsec - (from + (to - from) / 2);
	}
	return best;
}

/*
 * A packet's time in the events' clock.  It was read from CLOCK_REALTIME, which may be set while
 * the capture runs: then that of the two offsets holds by which the packet came just now.
 */
static uint64_t monotonic(const struct packets *p, int64_t real)
{
	int64_t now_offset = clock_offset(), now = (int64_t)now_ns();
	int64_t then = real - p->offset_ns, changed = real - now_offset;

	if (llabs(now_offset - p->offset_ns) > STEP_NS && llabs(now - changed) < llabs(now - then))
		then = changed;
	return then > 0 ? (uint64_t)then : 0;
}

/* Small packets wait while there is room: the program that exchanges them waits for each. */
static void take(u_char *user, const struct pcap_pkthdr *head, const u_char *data)
{
	struct packets *p = (struct packets *)user;
	struct packet packet = { 0 };
	struct iface *iface;
	uint32_t index = 0;

	p->read++;
	if (!packet_from_cooked(&packet, data, head->caplen, head->len, true, &index))
		return;
	/* what came before the filter was set may be of any other */
	iface = iface_of(p, index);
	if (!iface)
		return;
	packet.iface = iface->id;
	packet.ts_ns = monotonic(p, (int64_t)head->ts.tv_sec * NSEC + head->ts.tv_usec);
	if (packet.ts_ns < p->open_ns || packet.ts_ns > p->close_ns)
		return;
	iface->packets++;
	if (!p->options.over && packet.cap <= BULK_BYTES && packet_queue_put(&p->queue, &packet))
		return;
	handle_queue(p);
	handle(p, &packet);
}

static int64_t now_ms(void)
{
	return (int64_t)(now_ns() / 1000000);
}

/* The end: how many packets there are to read, those of the block in use included. */
static void count_due(struct packets *p)
{
	struct pcap_stat stat;

	p->due_known = pcap_stats(p->pcap, &stat) == 0;
	p->due = p->due_known ? stat.ps_recv - stat.ps_drop : 0;
}

/* Is there nothing to wait for?  The kernel's counters have 32 bits. */
static bool all_read(const struct packets *p)
{
	return p->due_known && (int32_t)(p->read - p->due) >= 0;
}

static void *capture(void *arg)
{
	struct packets *p = arg;
	struct pollfd fds[2] = { { .fd = p->fd, .events = POLLIN },
				 { .fd = p->stop_fd, .events = POLLIN } };
	bool stopping = false;
	int64_t deadline_ms = INT64_MAX;
	int n;

	do {
		/* a filter may hide packets that were counted: then n is 0 in the end */
		n = poll(fds, 1 + !stopping, stopping ? 2 * BLOCK_MS : -1);
		if (n < 0 && errno != EINTR) {
			p->failed = errno;
			err_set(&p->why, errno, "cannot wait for packets: %s", strerror(errno));
			break;
		}
		if (n > 0 && fds[0].revents && pcap_dispatch(p->pcap, -1, take, (u_char *)p) < 0) {
			p->failed = EIO;
			err_set(&p->why, EIO, "cannot read packets: %s", pcap_geterr(p->pcap));
			break;
		}
		if (!stopping && n > 0 && fds[1].revents) {
			stopping = true;
			deadline_ms = now_ms() + STOP_MS;
			count_due(p);
			n = 1;
		}
	} while (n != 0 && !(stopping && all_read(p)) && now_ms() < deadline_ms);
	handle_queue(p);
	return NULL;
}

static int start_thread(struct packets *p, struct err *err)
{
	sigset_t all, old;
	int ret;

	p->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (p->stop_fd < 0)
		return err_sys(err, "cannot prepare the capture");
	/* signals are the main thread's */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	ret = pthread_create(&p->thread, NULL, capture, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		return err_set(err, ret, "cannot start the capture: %s", strerror(ret));
	p->running = true;
	return 0;
}

static void release(struct packets *p)
{
	if (p->pcap)
		pcap_close(p->pcap);
	if (p->stop_fd >= 0)
		close(p->stop_fd);
	if (p->traffic)
		exchanges_free(traffic_finish(p->traffic));
	packet_queue_release(&p->queue);
	names_free(p->names);
	free(p);
}

struct packets *packets_start(const struct packets_options *options, struct err *err)
{
	struct packets *p = xcalloc(1, sizeof(*p));
	struct traffic_options traffic = { .headers_only = options->payload == PACKETS_IGNORE,
					   .over = options->over,
					   .ctx = options->ctx };

	p->options = *options;
	p->stop_fd = -1;
	p->names = names_new();
	p->offset_ns = clock_offset();
	p->open_ns = p->close_ns = UINT64_MAX;
	p->traffic = traffic_new(p->names, &traffic);
	packet_queue_init(&p->queue, QUEUE_BYTES);
	if (find_ifaces(p, err) < 0 || open_ring(p, err) < 0)
		goto fail;
	if (options->out) {
		p->writer = (struct packet_writer){ options->out, options->payload == PACKETS_KEEP,
						    p->offset_ns };
		packet_writer_begin(&p->writer);
	}
	if (start_thread(p, err) < 0)
		goto fail;
	return p;
fail:
	release(p);
	return NULL;
}

static void describe(const struct packets *p, struct exchanges *x)
{
	x->capture.realtime_offset_ns = p->offset_ns;
	x->capture.dropped = p->dropped[1] - p->dropped[0];
	for (size_t n = 0; n < p->nifaces; n++) {
		const struct iface *i = &p->ifaces[n];
		struct exchange_iface *to = exchanges_iface(x, i->name);

		if (!to)
			continue;
		to->index = i->index;
		to->packets = i->packets;
		to->broken = if_nametoindex(i->name) != i->index;
		if (i->down)
			exchanges_note(x,
				       "%s was down as the window opened: until it is up nothing "
				       "leaves through it",
				       i->name);
		/* another interface of this name would have begun to count anew */
		if (to->broken || !i->counters_known[0] || !i->counters_known[1])
			continue;
		to->counters_known = true;
		/* nor does one that began to count anew (after a resume) say anything */
		for (int dir = 0; dir < 2; dir++)
			if (i->bytes[1][dir] < i->bytes[0][dir] ||
			    i->counted[1][dir] < i->counted[0][dir])
				to->counters_known = false;
		for (int dir = 0; to->counters_known && dir < 2; dir++) {
			to->counter_bytes[dir] = i->bytes[1][dir] - i->bytes[0][dir];
			to->counter_packets[dir] = i->counted[1][dir] - i->counted[0][dir];
		}
	}
}

/* How many packets found no room so far. */
static uint32_t dropped(struct packets *p)
{
	struct pcap_stat stat;

	return pcap_stats(p->pcap, &stat) == 0 ? stat.ps_drop : 0;
}

static bool is_down(const char *iface)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool down;

	strncpy(request.ifr_name, iface, sizeof(request.ifr_name) - 1);
	down = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 && !(request.ifr_flags & IFF_UP);
	if (fd >= 0)
		close(fd);
	return down;
}

void packets_window(struct packets *p, bool open)
{
	/* what is sent between its end and that of the recorded events would be nobody's */
	if (open) {
		p->dropped[0] = dropped(p);
		p->open_ns = now_ns();
	}
	for (size_t n = 0; n < p->nifaces; n++) {
		struct iface *i = &p->ifaces[n];

		i->counters_known[!open] =
			read_counters(i->name, i->bytes[!open], i->counted[!open]);
		if (open)
			i->down = is_down(i->name);
	}
	if (!open) {
		p->close_ns = now_ns();
		p->dropped[1] = dropped(p);
	}
}

struct exchanges *packets_stop(struct packets *p, struct err *err)
{
	struct exchanges *x = NULL;
	uint64_t one = 1;

	if (write(p->stop_fd, &one, sizeof(one)) != sizeof(one)) {
		err_sys(err, "cannot stop the capture");
		pthread_cancel(p->thread);
	}
	pthread_join(p->thread, NULL);
	x = traffic_finish(p->traffic);
	p->traffic = NULL;
	describe(p, x);
	if (p->failed) {
		if (err)
			*err = p->why;
	} else if (p->writer.out && (fflush(p->writer.out) == EOF || ferror(p->writer.out))) {
		p->failed = EIO;
		err_set(err, EIO, "cannot write the packets: %s", strerror(errno));
	}
	if (p->failed) {
		exchanges_free(x);
		x = NULL;
	}
	release(p);
	return x;
}
