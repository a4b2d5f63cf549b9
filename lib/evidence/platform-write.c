/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts into JSON text; what lib/evidence/platform-read.c reads. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"
#include "lib/json/json.h"

static void write_realm(struct jwriter *w, const struct platform *p)
{
	jwrite_object(w, "realm");
	jwrite_tri(w, "is_realm", p->realm.is_realm);
	jwrite_string(w, "kind", p->realm.kind);
	jwrite_string(w, "rsi_version", p->realm.rsi_version);
	jwrite_known(w, "ipa_bits", p->realm.ipa_bits ? p->realm.ipa_bits : PLATFORM_UNKNOWN);
	if (p->realm.shared_bit)
		jwrite_hex(w, "shared_bit", p->realm.shared_bit);
	else
		jwrite_null(w, "shared_bit");
	jwrite_string(w, "tsm_provider", p->realm.tsm_provider);
	jwrite_end_object(w);
}

static void write_range(struct jwriter *w, const struct range *range)
{
	jwrite_hex(w, "start", range->start);
	jwrite_hex(w, "end", range->end);
}

static void write_memory(struct jwriter *w, const struct platform *p)
{
	jwrite_array(w, "ram");
	for (size_t i = 0; i < p->nram; i++) {
		jwrite_object(w, NULL);
		write_range(w, &p->ram[i]);
		jwrite_end_object(w);
	}
	jwrite_end_array(w);
	jwrite_object(w, "swiotlb");
	jwrite_array(w, "pools");
	for (size_t i = 0; i < p->swiotlb.npools; i++) {
		jwrite_object(w, NULL);
		jwrite_string(w, "name", p->swiotlb.pools[i].name);
		write_range(w, &p->swiotlb.pools[i].range);
		if (p->swiotlb.pools[i].inferred)
			jwrite_bool(w, "inferred", true);
		jwrite_end_object(w);
	}
	jwrite_end_array(w);
	jwrite_known(w, "slots", p->swiotlb.slots);
	jwrite_tri(w, "force", p->swiotlb.force);
	jwrite_tri(w, "dynamic", p->swiotlb.dynamic);
	jwrite_known(w, "used_before", p->swiotlb.used_before);
	jwrite_known(w, "used_after", p->swiotlb.used_after);
	jwrite_known(w, "used_hiwater", p->swiotlb.used_hiwater);
	jwrite_end_object(w);
}

static void write_virtio(struct jwriter *w, const struct platform *p)
{
	jwrite_array(w, "virtio");
	for (size_t i = 0; i < p->nvirtio; i++) {
		const struct platform_virtio *dev = &p->virtio[i];

		jwrite_object(w, NULL);
		jwrite_string(w, "name", dev->name);
		jwrite_number(w, "device_id", dev->device_id);
		jwrite_string(w, "features", dev->features);
		if (dev->status == PLATFORM_NO_STATUS)
			jwrite_null(w, "status");
		else
			jwrite_hex(w, "status", dev->status);
		jwrite_string(w, "bus", dev->bus);
		jwrite_string(w, "parent", dev->parent);
		if (!dev->driver_untold)
			jwrite_string(w, "driver", dev->driver);
		jwrite_known(w, "activity_before", dev->activity_before);
		jwrite_known(w, "activity_after", dev->activity_after);
		jwrite_string(w, "iface", dev->iface);
		jwrite_end_object(w);
	}
	jwrite_end_array(w);
}

static void write_pci(struct jwriter *w, const struct platform *p)
{
	jwrite_array(w, "pci");
	for (size_t i = 0; i < p->npci; i++) {
		const struct platform_pci *dev = &p->pci[i];

		jwrite_object(w, NULL);
		jwrite_string(w, "name", dev->name);
		jwrite_string(w, "vendor", dev->vendor);
		jwrite_string(w, "device", dev->device);
		jwrite_string(w, "class", dev->class);
		if (!dev->driver_untold)
			jwrite_string(w, "driver", dev->driver);
		jwrite_string(w, "iommu_group", dev->iommu_group);
		jwrite_string(w, "iommu_type", dev->iommu_type);
		jwrite_string(w, "tsm", dev->tsm);
		jwrite_tri(w, "bus_master", dev->bus_master);
		jwrite_end_object(w);
	}
	jwrite_end_array(w);
}

static void write_other(struct jwriter *w, const struct platform *p)
{
	jwrite_array(w, "other");
	for (size_t i = 0; i < p->nother; i++) {
		jwrite_object(w, NULL);
		jwrite_string(w, "name", p->other[i].name);
		jwrite_string(w, "bus", p->other[i].bus);
		jwrite_string(w, "driver", p->other[i].driver);
		jwrite_end_object(w);
	}
	jwrite_end_array(w);
}

static void write_work(struct jwriter *w, const char *key, const struct platform_work *work)
{
	jwrite_object(w, key);
	jwrite_number(w, "reads", work->reads);
	jwrite_number(w, "read_sectors", work->read_sectors);
	jwrite_number(w, "writes", work->writes);
	jwrite_number(w, "written_sectors", work->written_sectors);
	jwrite_number(w, "discards", work->discards);
	jwrite_number(w, "discarded_sectors", work->discarded_sectors);
	jwrite_number(w, "in_flight", work->in_flight);
	jwrite_end_object(w);
}

static void write_disks(struct jwriter *w, const struct platform *p)
{
	jwrite_array(w, "disks");
	for (size_t i = 0; i < p->ndisks; i++) {
		jwrite_object(w, NULL);
		jwrite_string(w, "name", p->disks[i].name);
		jwrite_string(w, "number", p->disks[i].number);
		if (p->disks[i].virtio)
			jwrite_string(w, "virtio", p->disks[i].virtio);
		if (p->disks[i].npartitions)
			jwrite_strings(w, "partitions", p->disks[i].partitions,
				       p->disks[i].npartitions);
		if (p->disks[i].counted) {
			write_work(w, "before", &p->disks[i].before);
			write_work(w, "after", &p->disks[i].after);
		}
		jwrite_end_object(w);
	}
	jwrite_end_array(w);
}

static void write_frames(struct jwriter *w, const char *key, const struct platform_frames *f)
{
	jwrite_object(w, key);
	jwrite_number(w, "rx_packets", f->rx_packets);
	jwrite_number(w, "rx_bytes", f->rx_bytes);
	jwrite_number(w, "rx_dropped", f->rx_dropped);
	jwrite_number(w, "rx_errors", f->rx_errors);
	jwrite_number(w, "tx_packets", f->tx_packets);
	jwrite_number(w, "tx_bytes", f->tx_bytes);
	jwrite_number(w, "tx_dropped", f->tx_dropped);
	jwrite_number(w, "tx_errors", f->tx_errors);
	jwrite_known(w, "interrupts", f->interrupts);
	jwrite_end_object(w);
}

static void write_net(struct jwriter *w, const struct platform *p)
{
	jwrite_array(w, "net");
	for (size_t i = 0; i < p->nnet; i++) {
		const struct platform_net *net = &p->net[i];

		jwrite_object(w, NULL);
		jwrite_string(w, "name", net->name);
		jwrite_number(w, "index", net->index);
		jwrite_string(w, "virtio", net->virtio);
		if (net->looked)
			jwrite_bool(w, "counted", net->counted);
		if (net->counted) {
			write_frames(w, "before", &net->before);
			write_frames(w, "after", &net->after);
			jwrite_array(w, "counters");
			for (size_t k = 0; k < net->ncounters; k++) {
				jwrite_object(w, NULL);
				jwrite_string(w, "name", net->counters[k].name);
				jwrite_number(w, "before", net->counters[k].before);
				jwrite_number(w, "after", net->counters[k].after);
				jwrite_end_object(w);
			}
			jwrite_end_array(w);
		}
		jwrite_end_object(w);
	}
	jwrite_end_array(w);
}

static void write_window(struct jwriter *w, const struct platform *p)
{
	jwrite_object(w, "window");
	jwrite_tri(w, "devices_changed", p->window.devices_changed);
	jwrite_tri(w, "cpus_changed", p->window.cpus_changed);
	jwrite_tri(w, "tsm_changed", p->window.tsm_changed);
	jwrite_strings(w, "kernel_log", p->window.kernel_log, p->window.nkernel_log);
	jwrite_bool(w, "log_known", p->window.log_known);
	jwrite_end_object(w);
}

static void write_trace(struct jwriter *w, const struct platform *p)
{
	jwrite_object(w, "trace");
	if (p->trace.lost_known) {
		jwrite_array(w, "lost");
		for (size_t i = 0; i < p->trace.nlost; i++) {
			jwrite_object(w, NULL);
			jwrite_number(w, "cpu", p->trace.lost[i].cpu);
			jwrite_number(w, "overrun", p->trace.lost[i].overrun);
			jwrite_number(w, "commit_overrun", p->trace.lost[i].commit_overrun);
			jwrite_number(w, "dropped", p->trace.lost[i].dropped);
			jwrite_end_object(w);
		}
		jwrite_end_array(w);
	}
	jwrite_tri(w, "from_boot", p->trace.from_boot);
	if (p->trace.events_known)
		jwrite_strings(w, "events", p->trace.events, p->trace.nevents);
	jwrite_strings(w, "failed", p->trace.failed, p->trace.nfailed);
	if (p->trace.events_known || p->trace.nspoilt)
		jwrite_strings(w, "spoilt", p->trace.spoilt, p->trace.nspoilt);
	jwrite_string(w, "recorder", p->trace.recorder);
	if (p->trace.nonce)
		jwrite_hex(w, "nonce", p->trace.nonce);
	jwrite_array(w, "canaries");
	for (size_t i = 0; i < p->trace.ncanaries; i++) {
		jwrite_object(w, NULL);
		jwrite_string(w, "device", p->trace.canaries[i].device);
		jwrite_string(w, "kind", p->trace.canaries[i].kind);
		jwrite_number(w, "size", p->trace.canaries[i].size);
		jwrite_string(w, "reason", p->trace.canaries[i].reason);
		jwrite_end_object(w);
	}
	jwrite_end_array(w);
	jwrite_end_object(w);
}

char *platform_format(const struct platform *p)
{
	struct jwriter w;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	jwriter_init(&w, out);
	jwrite_object(&w, NULL);
	jwrite_string(&w, "schema", "ccaio.platform/1");
	jwrite_object(&w, "kernel");
	jwrite_string(&w, "release", p->kernel.release);
	jwrite_string(&w, "machine", p->kernel.machine);
	jwrite_string(&w, "cmdline", p->kernel.cmdline);
	jwrite_end_object(&w);
	write_realm(&w, p);
	write_memory(&w, p);
	if (p->virtio_listed)
		write_virtio(&w, p);
	if (p->pci_listed)
		write_pci(&w, p);
	write_other(&w, p);
	write_disks(&w, p);
	write_net(&w, p);
	write_window(&w, p);
	write_trace(&w, p);
	jwrite_end_object(&w);
	fclose(out);
	return text;
}
