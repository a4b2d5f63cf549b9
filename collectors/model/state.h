/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_MODEL_STATE_H
#define CCAIO_COLLECTORS_MODEL_STATE_H

#include <netinet/in.h>
#include <pthread.h>

#include "collectors/model/model.h"
#include "collectors/model/tcp.h"
#include "lib/base/err.h"

/*
 * model-local - what model.c (sockets, loop) and model-wire.c (frames through the
 * device) share; nobody else.
 */
struct model_pipe {
	uint8_t *data;
	size_t used, cap;
	bool ending, ended; /* shut the direction down when empty; done */
	bool broken;
};

struct model_conn {
	int client, server; /* sockets; -1 none */
	struct model_tcp guest, host;
	bool established; /* the guest's end has seen SYN and ACK */
	bool client_done, server_done, reset;
	struct model_pipe to_client, to_server;
	uint64_t sock; /* the guest socket's "address" in events */
};

struct model {
	struct machine machine;
	struct model_stream *stream;
	bool stream_taken;
	int listener, wake;
	uint16_t port, server_port;
	struct sockaddr_storage server;
	socklen_t server_len;
	pthread_t thread;
	bool running;
	pid_t pid;
	uint16_t comm, iface;
	uint16_t next_port; /* guest's */
	uint64_t skbs;
	struct model_conn **conns;
	size_t nconns, conns_cap;
	struct model_pipe up, down; /* console: bytes of frames not complete yet */
	void (*packet)(void *ctx, const struct packet *packet);
	void *packet_ctx;
	struct model_totals totals;
	bool failed;
	struct err err;
};

uint64_t model_now(struct model *m);
void model_complain(struct model *m, const struct err *err);
void model_queue(struct model_pipe *p, const uint8_t *data, size_t size);
/* A SYN has reached the host's end: connect to the server and answer. */
void model_connect(struct model *m, struct model_conn *c);

/* Hang the two ends on the device's host half.  Before the machine starts. */
void model_wire(struct model *m);

/* The guest's end. */
void model_guest_open(struct model *m, struct model_conn *c);
void model_guest_send(struct model *m, struct model_conn *c, const uint8_t *data, size_t size);
void model_guest_close(struct model *m, struct model_conn *c);
void model_guest_forget(struct model *m, struct model_conn *c);
/* The host's end. */
void model_host_accept(struct model *m, struct model_conn *c);
void model_host_refuse(struct model *m, struct model_conn *c);
void model_host_send(struct model *m, struct model_conn *c, const uint8_t *data, size_t size);
void model_host_close(struct model *m, struct model_conn *c);

#endif
