/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_PROBES_H
#define CCAIO_COLLECTORS_PROBES_H

/*
 * probes - names of ccaio's own dynamic events (kprobes, fprobes).
 *
 * Who arms them and who decodes them meet here.  A run's are in a group of its own,
 * "ccaio_<pid>"; a name may have a variant behind it, "vq_add__sgs".  Field names are those of
 * the decode table (collectors/decode-table.c):
 *
 *   swm      return of swiotlb_map: device (string), paddr, size, dir, ret
 *   decrypt  set_memory_decrypted: addr (linear-map address), numpages; base where
 *            known: addr - base is the physical address; ret where it is a return
 *            probe (not 0: the memory has not become shared)
 *   encrypt  set_memory_encrypted: the same
 *   tcp_tx   __ip_queue_xmit: skb, sk, len
 *   tcp_rx   tcp_rcv_established: skb, sk, len
 *   tcp_rx2  tcp_v4_do_rcv: the same
 *   tcp_rx__backlog  tcp_add_backlog: the same
 *   vq_add   virtqueue_add_*: vq, data (token), num
 *   vq_get   return of virtqueue_get_buf_ctx: vq, ret (token)
 *   vq_kick  virtqueue_kick: vq
 */
#define PROBE_GROUP "ccaio"

#define PROBE_SWM "swm"
#define PROBE_DECRYPT "decrypt"
#define PROBE_ENCRYPT "encrypt"
#define PROBE_TCP_TX "tcp_tx"
#define PROBE_TCP_RX "tcp_rx"
#define PROBE_TCP_RX2 "tcp_rx2"
#define PROBE_VQ_ADD "vq_add"
#define PROBE_VQ_GET "vq_get"
#define PROBE_VQ_KICK "vq_kick"

#endif
