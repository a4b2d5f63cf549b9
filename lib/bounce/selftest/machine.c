/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/selftest/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/bounce/memory/random.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/msg/backend.h"
#include "lib/bounce/msg/ffa.h"
#include "lib/bounce/selftest/machine-state.h"

#define DISK_SECTORS 256u
#define NONCE_SALT 0x6d6f64656cu

static const char *const device_names[MACHINE_DEVICES] = {
	"net", "blk", "console", "rng", "balloon", "fs",
};

static const struct machine_transport_kind kinds[MACHINE_TRANSPORTS] = {
	[MACHINE_PCI] = { "pci", &transport_pci, "0000:00:01.0", 0, false },
	[MACHINE_MMIO] = { "mmio", &transport_mmio, "a000000.virtio_mmio", 0, false },
	[MACHINE_MSG1_STATIC] = { "msg1-static", &transport_msg, "virtio-msg-ffa.0", 1, false },
	[MACHINE_MSG1_DYNAMIC] = { "msg1-dynamic", &transport_msg, "virtio-msg-ffa.0", 1, true },
	[MACHINE_MSG2_STATIC] = { "msg2-static", &transport_msg, "virtio-msg-ffa.0", 2, false },
	[MACHINE_MSG2_DYNAMIC] = { "msg2-dynamic", &transport_msg, "virtio-msg-ffa.0", 2, true },
};

static const struct host_ops *const host_ops[MACHINE_DEVICES] = {
	&net_host_ops, &blk_host_ops,	  &console_host_ops,
	&rng_host_ops, &balloon_host_ops, &fs_host_ops,
};

const char *machine_device_name(enum machine_device device)
{
	return device < MACHINE_DEVICES ? device_names[device] : "?";
}

const char *machine_transport_name(enum machine_transport transport)
{
	return transport < MACHINE_TRANSPORTS ? kinds[transport].name : "?";
}

const struct machine_transport_kind *machine_kind(const struct machine *m)
{
	return &kinds[m->config.transport];
}

static void record(void *ctx, const struct event *event)
{
	struct machine *m = ctx;

	if (!m->config.unrecorded) {
		XGROW(m->events, m->nevents, m->events_cap);
		m->events[m->nevents++] = *event;
	}
	if (m->config.sink)
		m->config.sink(m->config.sink_ctx, event);
}

static void observe(void *ctx, const struct guard_access *access)
{
	struct machine *m = ctx;

	if (m->config.unrecorded)
		return;
	XGROW(m->accesses, m->naccesses, m->accesses_cap);
	m->accesses[m->naccesses++] = (struct machine_access){ *access, m->nevents };
}

/* Disk, folder, generator: what stands behind the host's half. */
static int open_host(struct machine *m, struct err *err)
{
	uint64_t features = host_ops[m->config.device]->features | F_VERSION_1 | F_ACCESS_PLATFORM;

	if (m->config.packed)
		features |= F_PACKED;
	if (m->config.indirect)
		features |= F_INDIRECT;
	if (m->config.event_idx)
		features |= F_EVENT_IDX;
	host_device_init(&m->host, host_ops[m->config.device], features, &m->hst);
	m->host.guard.realm = m->realm;
	m->host.guard.dev = m->dma.name;
	m->host.guard.observe = observe;
	m->host.guard.observe_ctx = m;
	m->host.hostile =
		(struct hostile){ .trick = m->config.trick, .skip = m->config.trick_skip };
	m->host.transitional = m->config.fault == FAULT_WRONG_REVISION;
	m->transport = (struct transport){ .ops = machine_kind(m)->ops, .host = &m->host };

	switch (m->config.device) {
	case MACHINE_NET:
		m->hst.net.dev = &m->host;
		break;
	case MACHINE_CONSOLE:
		m->hst.console.dev = &m->host;
		break;
	case MACHINE_RNG:
		m->hst.rng.state = m->config.seed;
		break;
	case MACHINE_BLK:
		m->disk = memfd_create("ccaio-disk", MFD_CLOEXEC);
		if (m->disk < 0 || ftruncate(m->disk, DISK_SECTORS * BLK_SECTOR) < 0)
			return err_sys(err, "cannot make a disk of %u sectors in memory",
				       DISK_SECTORS);
		m->hst.blk = (struct blk_host){ .fd = m->disk, .sectors = DISK_SECTORS };
		blk_host_config(&m->host);
		break;
	case MACHINE_FS:
		strcpy(m->folder, "/tmp/ccaio-model-XXXXXX");
		if (!mkdtemp(m->folder)) {
			m->folder[0] = '\0';
			return err_sys(err, "cannot make a folder in /tmp");
		}
		m->disk = open(m->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (m->disk < 0)
			return err_sys(err, "cannot open %s", m->folder);
		fs_host_init(&m->hst.fs, m->disk);
		break;
	default:
		break;
	}
	return 0;
}

/* The FF-A side: relayer, backend, and the bus that finds it. */
static int open_bus(struct machine *m, struct err *err)
{
	const struct machine_transport_kind *kind = machine_kind(m);
	enum msg_revision rev = kind->revision;
	bool direct = m->config.seed & 1;

	m->ffa = ffa_new(m->realm);
	m->backend = xcalloc(1, sizeof(*m->backend));
	msg_backend_init(m->backend, m->ffa, &m->host, rev, 2, direct, realm_shared_bit(m->realm));
	if (m->config.fault == FAULT_WRONG_REVISION)
		m->backend->info_rev = rev == MSG_REVISION_1 ? MSG_REVISION_2 : MSG_REVISION_1;
	if (!kind->dynamic) /* private until it is shared, once, below */
		realm_set_state(m->realm, swiotlb_pool_start(m->pools[1]), MACHINE_RESTRICTED_SIZE,
				REALM_PROTECTED);
	m->bus = msg_bus_open(m->ffa, 1, rev, &m->dma, kind->dynamic, err);
	if (!m->bus)
		return -ENODEV;
	m->transport.bus = m->bus;
	return kind->dynamic ? 0 : msg_bus_share_pool(m->bus, m->pools[1], err);
}

static struct dma_device device_of(struct machine *m, const char *name)
{
	return (struct dma_device){ .realm = m->realm,
				    .trace = m->trace,
				    .name = bounce_trace_name(m->trace, name),
				    .mask = UINT64_MAX,
				    .pools = &m->pools[0],
				    .npools = 1,
				    .forced = !m->config.alias };
}

/* The bystander: allocates and maps like any other device, and then keeps still. */
static int open_bystander(struct machine *m, struct err *err)
{
	m->bystander = device_of(m, MACHINE_BYSTANDER);
	m->bystander_buffer = realm_alloc(m->realm, MACHINE_BYSTANDER_SIZE, 64);
	if (dma_alloc(&m->bystander, 600, &m->bystander_ring) < 0 ||
	    m->bystander_buffer == REALM_NO_ADDR)
		return err_set(err, ENOMEM, "no memory for the second device");
	m->bystander_dma = dma_map(&m->bystander, m->bystander_buffer, MACHINE_BYSTANDER_SIZE,
				   EVENT_FROM_DEVICE, 0);
	return 0;
}

int machine_open(struct machine *m, const struct machine_config *config, struct err *err)
{
	const struct machine_transport_kind *kind = &kinds[config->transport];
	int ret;

	memset(m, 0, sizeof(*m));
	m->config = *config;
	m->disk = -1;
	m->random = config->seed ^ NONCE_SALT;
	m->names = config->names ? config->names : names_new();
	m->realm = realm_new(MACHINE_BASE, MACHINE_RAM, config->alias ? MACHINE_SHARED_BIT : 0,
			     config->seed);
	m->pools[m->npools++] = swiotlb_pool_new(m->realm, "default", MACHINE_POOL,
						 MACHINE_POOL_SIZE, 2, &m->fault);
	if (kind->revision && !kind->dynamic)
		m->pools[m->npools++] = swiotlb_pool_new(m->realm, "vmsgffa", MACHINE_RESTRICTED,
							 MACHINE_RESTRICTED_SIZE, 1, &m->fault);
	m->trace = bounce_trace_new(m->names, config->seed, record, m, &m->fault);
	bounce_trace_advance(m->trace, config->start_ns);
	ret = open_bystander(m, err);
	/* only now, so that the defect strikes the device under test */
	m->fault = (struct fault_plan){ .id = config->fault,
					.skip = config->fault_skip,
					.dry = config->fault_dry };
	m->dma = device_of(m, kind->dma_name);
	m->dma.fault = &m->fault;
	m->dma.foreign = m->bystander_dma;
	if (m->npools == 2) {
		m->dma.pools = &m->pools[1];
		m->dma.restricted = true;
	}
	if (ret == 0)
		ret = open_host(m, err);
	if (ret == 0 && kind->revision)
		ret = open_bus(m, err);
	if (ret < 0)
		machine_close(m);
	return ret;
}

int machine_start(struct machine *m, struct err *err)
{
	struct transport *t = &m->transport;
	uint64_t want = F_PACKED | F_INDIRECT | F_EVENT_IDX;
	int ret;

	switch (m->config.device) {
	case MACHINE_NET:
		ret = net_start(&m->drv.net, t, &m->dma, want, m->config.alias, err);
		break;
	case MACHINE_BLK:
		ret = blk_start(&m->drv.blk, t, &m->dma, want, err);
		break;
	case MACHINE_CONSOLE:
		ret = console_start(&m->drv.console, t, &m->dma, want, err);
		break;
	case MACHINE_RNG:
		ret = rng_start(&m->drv.rng, t, &m->dma, want, err);
		break;
	case MACHINE_BALLOON:
		ret = balloon_start(&m->drv.balloon, t, &m->dma, want, err);
		break;
	default:
		ret = fs_start(&m->drv.fs, t, &m->dma, want, err);
		break;
	}
	if (ret < 0)
		return ret;
	m->started = true;
	return 0;
}

void machine_stop(struct machine *m)
{
	struct swiotlb_counters c;

	if (m->started) {
		switch (m->config.device) {
		case MACHINE_NET:
			net_stop(&m->drv.net);
			break;
		case MACHINE_BLK:
			blk_stop(&m->drv.blk);
			break;
		case MACHINE_CONSOLE:
			console_stop(&m->drv.console);
			break;
		case MACHINE_RNG:
			rng_stop(&m->drv.rng);
			break;
		case MACHINE_BALLOON:
			balloon_stop(&m->drv.balloon);
			break;
		default:
			fs_stop(&m->drv.fs);
			break;
		}
		m->started = false;
	}
	if (!m->stopped) {
		for (size_t i = 0; i < m->npools; i++) {
			swiotlb_counters(m->pools[i], &c);
			m->used_hiwater += c.hiwater;
		}
	}
	m->stopped = true;
}

void machine_close(struct machine *m)
{
	if (!m->names)
		return;
	machine_stop(m);
	m->dma.trace = m->bystander.trace = NULL; /* tearing down is no part of the run */
	if (m->config.device == MACHINE_FS && m->folder[0]) {
		char path[128];

		if (m->disk >= 0)
			fs_host_release(&m->hst.fs);
		snprintf(path, sizeof(path), "%s/%s", m->folder, MACHINE_FILE);
		unlink(path);
		rmdir(m->folder);
	}
	if (m->disk >= 0)
		close(m->disk);
	if (m->bystander_dma != EVENT_NO_ADDR && m->bystander_dma)
		dma_unmap(&m->bystander, m->bystander_dma, MACHINE_BYSTANDER_SIZE,
			  EVENT_FROM_DEVICE, 0);
	dma_free(&m->bystander, &m->bystander_ring);
	msg_bus_close(m->bus);
	free(m->backend);
	ffa_free(m->ffa);
	bounce_trace_free(m->trace);
	for (size_t i = 0; i < m->npools; i++)
		swiotlb_pool_free(m->pools[i]);
	realm_free(m->realm);
	if (!m->config.names)
		names_free(m->names);
	free(m->events);
	free(m->accesses);
	memset(m, 0, sizeof(*m));
}
