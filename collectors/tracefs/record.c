/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracefs/record.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <tracefs/tracefs.h>
#include <unistd.h>

#include "collectors/decode/probe-names.h"
#include "collectors/tracefs/boot-probes.h"
#include "collectors/tracefs/boot.h"
#include "collectors/tracefs/gaps.h"
#include "collectors/tracefs/pages.h"
#include "collectors/tracefs/probes.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"

/* Get an instance of one's own, armed with everything but not recording yet. */
static int open_own(struct recording *rec, const struct recording_options *options, struct err *err)
{
	char *name = xasprintf(STATE_INSTANCE "%d", (int)getpid());
	int ret = instance_create(&rec->instance, name, err);

	/* not before: it might be somebody else's; where this run is killed here, its name tells */
	if (rec->instance.own && state_note(&rec->state, "instance", name, NULL) < 0) {
		ret = err_sys(err, "cannot write %s", rec->state.path);
		/* no note says that it has to go; and the kernel keeps what is held */
		close(rec->instance.hold);
		rec->instance.hold = -1;
		tracefs_instance_destroy(rec->instance.files);
	}
	free(name);
	if (ret == 0)
		ret = instance_record(&rec->instance, false, err);
	if (ret == 0)
		ret = instance_set_clock(&rec->instance,
					 options->clock ? options->clock : RECORDING_CLOCK, err);
	if (ret == 0)
		ret = instance_set_buffer(&rec->instance,
					  options->buffer_bytes ? options->buffer_bytes
								: RECORDING_BUFFER_BYTES,
					  err);
	return ret;
}

static int open_boot(struct recording *rec, struct err *err)
{
	int ret = boot_claim(err);

	if (ret < 0)
		return ret;
	rec->from_boot = true;
	ret = instance_adopt(&rec->instance, BOOT_INSTANCE, err);
	if (ret == 0 && boot_probes_find(&rec->tracing, &rec->instance, &rec->probes_reason)) {
		ret = instance_adopt(&rec->top, NULL, err);
		rec->boot_probes = ret == 0 && rec->top.cpus == rec->instance.cpus;
	}
	return ret;
}

int recording_open(struct recording *rec, const struct recording_options *options, struct err *err)
{
	bool want_boot = !options->no_boot && !options->buffer_bytes && !options->clock;
	int ret;

	*rec = (struct recording)RECORDING_INIT;
	if (geteuid() != 0)
		return err_set(err, EPERM, "tracing needs root; run it with sudo");
	ret = tracing_open(&rec->tracing, err);
	if (ret < 0)
		return ret;
	state_clean(&rec->tracing);
	ret = state_open(&rec->state, err);
	if (ret < 0)
		return ret;
	if (getrandom(&rec->nonce, sizeof(rec->nonce), 0) != sizeof(rec->nonce) || rec->nonce == 0)
		return err_sys(err, "cannot get a random number");
	if (want_boot && boot_find(&rec->boot_reason))
		ret = open_boot(rec, err);
	else
		ret = open_own(rec, options, err);
	if (ret < 0)
		return ret;
	rec->clock = instance_clock(&rec->instance);
	rec->before = xcalloc(rec->instance.cpus, sizeof(*rec->before));
	rec->lost = xcalloc(rec->instance.cpus, sizeof(*rec->lost));
	rec->fds = xcalloc(rec->instance.cpus + 2, sizeof(*rec->fds));
	rec->group = xasprintf("%s_%d", PROBE_GROUP, (int)getpid());
	ret = state_note(&rec->state, "group", rec->group, err);
	if (ret < 0)
		return ret;
	rec->arming.state = &rec->state;
	arming_arm(&rec->arming, &rec->instance);
	probes_arm(&rec->tracing, &rec->instance, rec->group, options->types, &rec->arming);
	if (options->cost)
		metering_open(&rec->metering, options->types);
	return 0;
}

void recording_watch_maps(struct recording *rec, const struct platform *platform)
{
	stacks_arm(&rec->stacks, &rec->instance, platform, &rec->state);
}

int recording_start(struct recording *rec, const int *out, struct err *err)
{
	int ret = 0;

	/* from here on the probes of this run tell, which are in the instance */
	if (rec->boot_probes)
		rec->boot_probes = boot_probes_take(&rec->tracing, &rec->top,
						    out + rec->instance.cpus, &rec->probes_reason);
	rec->pages = pages_open(&rec->instance, out, err);
	if (!rec->pages)
		return -EIO;
	for (unsigned int cpu = 0; cpu < rec->instance.cpus && ret == 0; cpu++)
		ret = instance_stats(&rec->instance, cpu, &rec->before[cpu], err);
	if (ret == 0 && rec->instance.own)
		ret = instance_record(&rec->instance, true, err);
	/* before the state is looked at: what is written later is noticed */
	rec->gaps = gaps_open(&rec->instance, &rec->arming);
	metering_begin(&rec->metering);
	if (ret == 0)
		ret = instance_mark(&rec->instance, "start", rec->nonce, true, err);
	rec->started = ret == 0;
	return ret;
}

int recording_note(struct recording *rec, const char *what, struct err *err)
{
	return instance_mark(&rec->instance, what, rec->nonce, false, err);
}

int recording_note_all(struct recording *rec, const char *what, struct err *err)
{
	return instance_mark(&rec->instance, what, rec->nonce, true, err);
}

int recording_wait(struct recording *rec, int fd, int timeout_ms, struct err *err)
{
	unsigned int cpus = rec->instance.cpus;

	for (;;) {
		int ready, ret, pause = timeout_ms < 0 ? stacks_pause(&rec->stacks) : timeout_ms;

		stacks_go_on(&rec->stacks, &rec->instance, rec->gaps);

		pages_pollfds(rec->pages, rec->fds);
		rec->fds[cpus] = (struct pollfd){ fd, POLLIN, 0 };
		rec->fds[cpus + 1] = (struct pollfd){ gaps_fd(rec->gaps), POLLIN, 0 };
		ready = poll(rec->fds, cpus + 2, pause);
		if ((ready < 0 && errno == EINTR) || (ready == 0 && timeout_ms < 0))
			continue;
		if (ready < 0)
			return err_sys(err, "cannot wait for recorded events");
		if (ready == 0)
			return 0;
		if (rec->fds[cpus + 1].revents)
			gaps_look(rec->gaps);
		ret = pages_move(rec->pages, rec->fds, err);
		if (ret < 0)
			return ret;
		if (rec->fds[cpus].revents)
			return 1;
	}
}

/* A counter that went back has begun anew (trace-cmd reset): what it says now is the least. */
static uint64_t counted(uint64_t before, uint64_t now)
{
	return now >= before ? now - before : now;
}

static int read_losses(struct recording *rec, struct err *err)
{
	for (unsigned int cpu = 0; cpu < rec->instance.cpus; cpu++) {
		const struct instance_stats *before = &rec->before[cpu];
		struct instance_stats now;
		int ret = instance_stats(&rec->instance, cpu, &now, err);

		if (ret < 0)
			return ret;
		rec->lost[cpu] = (struct platform_lost){
			.cpu = cpu,
			.overrun = counted(before->overrun, now.overrun),
			.commit_overrun = counted(before->commit_overrun, now.commit_overrun),
			.dropped = counted(before->dropped, now.dropped),
		};
	}
	return 0;
}

int recording_stop(struct recording *rec, struct err *err)
{
	struct err more = { "" };
	int ret = instance_mark(&rec->instance, "stop", rec->nonce, true, err), next;

	metering_end(&rec->metering);
	gaps_look(rec->gaps);
	gaps_stop(rec->gaps);
	stacks_disarm(&rec->stacks, &rec->instance);

	/* An instance armed at boot goes on: a gap would end what it can prove later. */
	if (rec->instance.own) {
		next = instance_record(&rec->instance, false, &more);
		ret = ret == 0 && next < 0 ? (*err = more, next) : ret;
	}
	/* whatever failed, what is in the buffers is evidence */
	next = pages_flush(rec->pages, &more);
	if (next == 0)
		next = read_losses(rec, &more);
	rec->lost_known = next == 0;
	if (ret == 0 && next < 0) {
		*err = more;
		ret = next;
	}
	/* which CPU it was is not reported; what matters is that something is missing */
	rec->lost[0].dropped += probes_missed(&rec->tracing);
	arming_look_again(&rec->arming, &rec->instance);
	return ret;
}

int recording_close(struct recording *rec, struct err *err)
{
	int ret;

	pages_close(rec->pages);
	gaps_free(rec->gaps);
	stacks_disarm(&rec->stacks, &rec->instance);
	instance_release(&rec->instance);
	instance_release(&rec->top);
	metering_close(&rec->metering);
	/* no file of the instance is open any more */
	ret = state_undo(&rec->state, &rec->tracing, err);
	arming_release(&rec->arming);
	tracing_release(&rec->tracing);
	free(rec->fds);
	free(rec->group);
	free(rec->clock);
	free(rec->before);
	free(rec->lost);
	free(rec->boot_reason);
	free(rec->probes_reason);
	*rec = (struct recording)RECORDING_INIT;
	return ret;
}

static void describe_events(const struct arming *arming, struct platform *platform)
{
	platform->trace.events = xcalloc(arming->nevents, sizeof(*platform->trace.events));
	platform->trace.altered = xcalloc(arming->nevents, sizeof(*platform->trace.altered));
	for (size_t i = 0; i < arming->nevents; i++) {
		char *event = xstrdup(arming->events[i]);

		if (arming->altered && arming->altered[i])
			platform->trace.altered[platform->trace.naltered++] = event;
		else
			platform->trace.events[platform->trace.nevents++] = event;
	}
	platform->trace.events_known = true;
}

void recording_describe(struct recording *rec, struct platform *platform)
{
	platform->trace.recorder = xstrdup("ccaio " VERSION);
	platform->trace.nonce = rec->nonce;
	platform->trace.from_boot = rec->from_boot ? TRI_YES : TRI_NO;
	platform->trace.lost = rec->lost;
	platform->trace.nlost = rec->lost_known ? rec->instance.cpus : 0;
	platform->trace.lost_known = rec->lost_known;
	rec->lost = NULL;
	describe_events(&rec->arming, platform);
	if (rec->gaps)
		gaps_describe(rec->gaps, platform);
	platform->meter = metering_describe(&rec->metering);
	platform->trace.failed = rec->arming.failed;
	platform->trace.nfailed = rec->arming.nfailed;
	rec->arming.failed = NULL;
	rec->arming.nfailed = rec->arming.cap_failed = 0;
}
