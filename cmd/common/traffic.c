/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd/common/traffic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/bundle.h"
#include "collectors/packets/packet-file.h"
#include "lib/base/xalloc.h"
#include "lib/correlate/correlate.h"
#include "lib/evidence/event.h"
#include "lib/evidence/manifest.h"
#include "lib/evidence/text/redact.h"
#include "lib/exchange/clear.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/json.h"
#include "lib/judge/judge.h"
#include "lib/net/flow.h"

/* A run without packets still has exchanges: none, and why. */
static void go_without(struct exchanging *e, const char *why)
{
	e->x = exchanges_new();
	exchanges_note(e->x, "no packets were captured: %s", why);
}

int exchanging_start(struct exchanging *e, struct bundle *bundle, struct err *err)
{
	struct packets_options options = {
		.payload = e->payload,
		.snaplen = e->snaplen,
		.filter = e->filter,
		.over = e->over,
		.ctx = e->ctx,
	};
	struct err why = { "" };
	int fd;

	e->bundle = bundle;
	if (e->off) {
		go_without(e, "not wanted");
		return 0;
	}
	fd = bundle_new_file(bundle, BUNDLE_PACKETS, err);
	if (fd < 0)
		return fd;
	e->out = fdopen(fd, "w");
	if (!e->out) {
		close(fd);
		return err_sys(err, "cannot write " BUNDLE_PACKETS);
	}
	options.out = e->out;
	e->packets = packets_start(&options, &why);
	if (e->packets)
		return 0;
	fclose(e->out);
	e->out = NULL;
	if (e->filter)
		return err_set(err, EINVAL, "%s", why.text);
	go_without(e, why.text);
	return 0;
}

void exchanging_window(struct exchanging *e, bool open)
{
	if (e->packets)
		packets_window(e->packets, open);
}

int exchanging_stop(struct exchanging *e, pid_t root, bool follow, struct err *err)
{
	int ret = 0;

	if (e->packets) {
		e->x = packets_stop(e->packets, err);
		e->packets = NULL;
		if (!e->x)
			ret = -EIO;
	}
	if (e->out && fclose(e->out) != 0 && ret == 0)
		ret = err_sys(err, "cannot write " BUNDLE_PACKETS);
	e->out = NULL;
	if (e->x && root) {
		e->x->program.roots[e->x->program.nroots++] = root;
		e->x->program.launched = true;
	}
	if (e->x)
		e->x->program.no_follow = !follow;
	return ret;
}

static FILE *open_exchanges(void *ctx, struct err *err)
{
	return bundle_stream(ctx, BUNDLE_EXCHANGES, err);
}

int bundle_exchanges(struct bundle *bundle, bool derived, struct exchanges **x, struct err *err)
{
	*x = NULL;
	if (!manifest_find(bundle_manifest(bundle), BUNDLE_EXCHANGES))
		return 0;
	*x = exchanges_load(open_exchanges, bundle, BUNDLE_EXCHANGES, derived, err);
	return *x ? 0 : -EINVAL;
}

int exchanging_load(struct exchanging *e, struct bundle *bundle, struct err *err)
{
	e->bundle = bundle;
	return bundle_exchanges(bundle, false, &e->x, err);
}

/* The packets of this run or bundle; 0 also where there are none. */
static int open_packets(struct exchanging *e, struct names *names, struct err *err)
{
	char *path;
	FILE *in;

	if (!e->x->capture.on)
		return 0;
	in = bundle_stream(e->bundle, BUNDLE_PACKETS, err);
	if (!in)
		return -EINVAL;
	path = xasprintf("%s/" BUNDLE_PACKETS, bundle_path(e->bundle));
	e->reader = packet_reader_open(in, path, e->x, names, err);
	free(path);
	return e->reader ? 0 : -EINVAL;
}

int exchanging_begin(struct exchanging *e, struct names *names, const struct platform *platform,
		     struct err *err)
{
	if (!e->x)
		return 0;
	if (open_packets(e, names, err) < 0)
		return -EINVAL;
	e->correlate = correlate_new(e->x, names, platform);
	return 0;
}

/* Hand over the packets up to a time. */
static int feed_packets(struct exchanging *e, uint64_t upto_ns, struct err *err)
{
	struct packet packet;
	int ret;

	/* a packet that was read too early is read again: its bytes are gone by then */
	while (e->reader && (!e->pending || e->next_ns <= upto_ns)) {
		ret = packet_reader_next(e->reader, &packet, err);
		if (ret < 0)
			return ret;
		if (ret == 0) {
			packet_reader_close(e->reader);
			e->reader = NULL;
			break;
		}
		correlate_packet(e->correlate, &packet);
		e->pending = true;
		e->next_ns = packet.ts_ns;
	}
	return 0;
}

int exchanging_feed(struct exchanging *e, const struct event *events, size_t count, struct err *err)
{
	if (!e->correlate || count == 0)
		return 0;
	/* packets lead; where the clocks differ they may all come before the events, or after */
	if (feed_packets(e, events[count - 1].ts_ns + CORRELATE_AHEAD_NS, err) < 0)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		correlate_event(e->correlate, &events[i]);
	return 0;
}

int exchanging_finish(struct exchanging *e, struct judge *judge, struct err *err)
{
	struct judge_traffic traffic = { 0 };
	char *why = NULL, *broken;
	int ret;

	if (!e->correlate)
		return 0;
	ret = feed_packets(e, UINT64_MAX, err);
	correlate_finish(e->correlate);
	e->correlate = NULL;
	if (ret < 0)
		return ret;
	traffic.clear_payload = exchanges_clear_payload(e->x, &why);
	traffic.clear_reason = why;
	broken = sums_broken(&e->x->sums);
	traffic.conserved = !broken;
	traffic.broken = broken;
	traffic.dropped = e->x->capture.dropped;
	judge_set_traffic(judge, &traffic);
	free(why);
	free(broken);
	return 0;
}

void traffic_redact(struct exchanges *x, uint64_t nonce)
{
	for (size_t i = 0; x && i < x->nrows; i++) {
		char *target = x->rows[i].target;

		if (!target)
			continue;
		x->rows[i].target = redact(target, NULL, nonce);
		free(target);
	}
}

int exchanging_write(struct exchanging *e, struct bundle *bundle, struct err *err)
{
	FILE *out;
	int fd, ret = 0;

	if (!e->x)
		return 0;
	fd = bundle_new_file(bundle, BUNDLE_EXCHANGES, err);
	if (fd < 0)
		return fd;
	out = fdopen(fd, "w");
	if (!out) {
		close(fd);
		return err_sys(err, "cannot write " BUNDLE_EXCHANGES);
	}
	exchanges_write(out, e->x);
	if (ferror(out) || fflush(out) != 0 || fsync(fd) < 0)
		ret = err_sys(err, "cannot write " BUNDLE_EXCHANGES);
	if (fclose(out) != 0 && ret == 0)
		ret = err_sys(err, "cannot write " BUNDLE_EXCHANGES);
	return ret;
}

void exchanging_release(struct exchanging *e)
{
	if (e->packets)
		exchanges_free(packets_stop(e->packets, NULL));
	if (e->out)
		fclose(e->out);
	packet_reader_close(e->reader);
	if (e->correlate)
		correlate_finish(e->correlate);
	exchanges_free(e->x);
	memset(e, 0, sizeof(*e));
}
