/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_DECODE_PROBE_NAMES_H
#define CCAIO_COLLECTORS_DECODE_PROBE_NAMES_H

/*
 * probes - names of ccaio's own dynamic events (kprobes, fprobes).
 *
 * Who arms them and who decodes them meet here.  A run's are in a group of its own,
 * "ccaio_<pid>"; a name may have a variant behind it, "vq_add__sgs".  Field names are those of
 * the decode table (collectors/decode/table.c):
 *
 *   swm      return of swiotlb_map: device (string), paddr, size, dir, ret
 *   list_failed  return of __dma_map_sg_attrs: device (string), nents, ret (less than 1: no
 *            entry stays mapped, and the others do not matter)
 *   decrypt  set_memory_decrypted: addr (linear-map address), numpages; base where
 *            known: addr - base is the physical address; ret where it is a return
 *            probe (not 0: the memory has not become shared)
 *   encrypt  set_memory_encrypted: the same
 *            (the bounce path's recordings also have device, for whom the state changed)
 *   tsm      device, state (enum event_tsm): only in recordings of the bounce path
 *   tcp_tx   __ip_queue_xmit: skb, sk, len; of an IPv4 socket family, sport, dport, saddr
 *            and daddr, too
 *   tcp_rx   tcp_rcv_established: skb, sk, len; the same
 *   tcp_rx2  tcp_v4_do_rcv: skb, sk, len
 *   tcp_rx__backlog  tcp_add_backlog: as tcp_rx
 *   gro      return of skb_gro_receive: into, skb, ret (0: skb has become a part of into)
 *   vq_add   virtqueue_add_*: vq, data (token), num; queue where known, its name; for
 *            sending sk, which is the packet's socket if data is an skb
 *   vq_get   return of virtqueue_get_buf_ctx: vq, ret (token)
 *   vq_kick  virtqueue_kick: vq
 *
 * For kernels without dma events; device is a string, dir and nents are 4 bytes.  Where there are
 * two, the second one is the return and has ret (collectors/decode/call.h):
 *
 *   dma_map_in, dma_map            dma_map_page_attrs: device, size, dir, attrs
 *   swm_in, swm_out                swiotlb_map: device, paddr, size, dir, attrs
 *   dma_unmap                      dma_unmap_page_attrs: device, addr, size, dir, attrs
 *   swiotlb_release                swiotlb_tbl_unmap_single: the same
 *   dma_map_sg_in, dma_map_sg      dma_direct_map_sg: device, nents, dir, attrs; ret is 4 bytes
 *   dma_unmap_sg_in, dma_unmap_sg  dma_unmap_sg_attrs: device, nents, dir, attrs
 *   dma_alloc_in, dma_alloc        dma_alloc_attrs: device, size
 *   dma_free                       dma_free_attrs: device, size, virt, addr
 *   dma_sync_cpu, dma_sync_device  dma_sync_single_for_cpu, …_device: device, addr, size, dir
 *   dma_blind                      whatever else maps or allocates, and cannot be followed: device
 */
#define PROBE_GROUP "ccaio"

#define PROBE_SWM "swm"
#define PROBE_LIST_FAILED "list_failed"
#define PROBE_DECRYPT "decrypt"
#define PROBE_ENCRYPT "encrypt"
#define PROBE_TSM "tsm"
#define PROBE_TCP_TX "tcp_tx"
#define PROBE_TCP_RX "tcp_rx"
#define PROBE_TCP_RX2 "tcp_rx2"
#define PROBE_GRO "gro"
#define PROBE_VQ_ADD "vq_add"
#define PROBE_VQ_GET "vq_get"
#define PROBE_VQ_KICK "vq_kick"

#define PROBE_MAP_IN "dma_map_in"
#define PROBE_MAP "dma_map"
#define PROBE_BOUNCE_IN "swm_in"
#define PROBE_BOUNCE "swm_out"
#define PROBE_UNMAP "dma_unmap"
#define PROBE_RELEASE "swiotlb_release"
#define PROBE_MAP_SG_IN "dma_map_sg_in"
#define PROBE_MAP_SG "dma_map_sg"
#define PROBE_UNMAP_SG_IN "dma_unmap_sg_in"
#define PROBE_UNMAP_SG "dma_unmap_sg"
#define PROBE_ALLOC_IN "dma_alloc_in"
#define PROBE_ALLOC "dma_alloc"
#define PROBE_FREE "dma_free"
#define PROBE_BLIND "dma_blind"
#define PROBE_SYNC_CPU "dma_sync_cpu"
#define PROBE_SYNC_DEVICE "dma_sync_device"

#endif
