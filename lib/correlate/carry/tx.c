/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * carry-tx - from a socket's skb to the maps of its transmission.
 */
#include <string.h>

#include "lib/base/names.h"
#include "lib/correlate/carry/state.h"
#include "lib/exchange/owners.h"

#define SHORTEST 60	      /* frame on an Ethernet, without its checksum */
#define DESCRIPTOR 16	      /* bytes of a table's entry, of split and packed rings */
#define COMMAND_NS 1000000000 /* who has not rung by then does not give that command */

const char carry_command[] = "commands of the driver's control queue";

static struct carry_skb *skb_slot(struct carry *c, uint64_t skb)
{
	return &c->skbs[(skb >> 6) * 0x9e3779b97f4a7c15ull >> 52 & (CARRY_SKBS - 1)];
}

void carry_tcp_tx(struct carry *c, const struct event *e)
{
	struct carry_cpu *cpu = carry_cpu(c, e->cpu);
	struct carry_skb *s = skb_slot(c, e->link);

	if (!e->link || e->size > UINT32_MAX)
		return;
	*s = (struct carry_skb){ e->link, e->sock_of, (uint32_t)e->size };
	if (!cpu)
		return;
	cpu->segmented_socket = e->sock_of;
	cpu->segmented_pid = e->pid;
	cpu->segmented_left = (uint32_t)e->size;
}

/* IPv4 or IPv6 without options, an Ethernet header with or without a VLAN tag. */
static bool fits(uint32_t frame, uint32_t tcp)
{
	uint32_t over = frame - tcp;

	return frame > tcp && (over == 34 || over == 38 || over == 54 || over == 58);
}

/* Which socket is this skb of? */
static void find_socket(struct carry *c, struct carry_cpu *cpu, const struct event *e)
{
	struct carry_skb *s = skb_slot(c, e->link);
	uint32_t least = 54; /* of a segment's frame: headers */

	if (s->skb == e->link && fits(cpu->out.frame, s->len)) {
		carry_set_socket(c, &cpu->out, s->socket, GRADE_EXACT);
		s->skb = 0;
		cpu->segmented_socket = 0;
		return;
	}
	/* a piece of the skb that TCP handed down just before, here, for the same task */
	if (cpu->segmented_socket && cpu->segmented_pid == e->pid && cpu->out.frame > least &&
	    cpu->out.frame - least <= cpu->segmented_left) {
		carry_set_socket(c, &cpu->out, cpu->segmented_socket, GRADE_NESTED);
		/* options make headers longer than the least: 40 bytes of them at most */
		cpu->segmented_left -=
			cpu->out.frame > least + 40 ? cpu->out.frame - least - 40 : 0;
		return;
	}
	cpu->segmented_socket = 0;
}

/* The open transmission came to nothing, or its end was lost: its maps are nobody's. */
static void abandon(struct carry *c, struct carry_cpu *cpu, const char *why)
{
	if (cpu->sending && cpu->map_bytes)
		c->ops.unattributed(c->ctx, cpu->maps[0].ts_ns, cpu->out.device, FLOW_OUT,
				    cpu->map_bytes, why);
	cpu->sending = false;
}

void carry_xmit_start(struct carry *c, const struct event *e)
{
	struct carry_cpu *cpu = carry_cpu(c, e->cpu);
	struct carry_device *d = carry_iface(c, e->dev);

	if (!cpu || !d || e->size > UINT32_MAX)
		return;
	abandon(c, cpu, "of a transmission whose end no event shows");
	cpu->sending = true;
	cpu->skb = e->link;
	cpu->vq = 0;
	cpu->nmaps = 0;
	cpu->map_bytes = 0;
	cpu->lone_bounces = 0;
	cpu->bounced = false;
	cpu->out = (struct packet_dma){ .ts_ns = e->ts_ns, .dir = FLOW_OUT, .iface = e->dev };
	cpu->out.frame = (uint32_t)e->size;
	cpu->out.device = d->device;
	cpu->out.conn = OWNERS_NO_CONN;
	find_socket(c, cpu, e);
}

static void keep_map(struct carry_cpu *cpu, const struct carried_dma *dma)
{
	if (cpu->nmaps < CARRY_MAPS)
		cpu->maps[cpu->nmaps] = *dma;
	cpu->nmaps++;
	cpu->map_bytes += dma->size;
}

void carry_bounce(struct carry *c, const struct event *e)
{
	struct carry_cpu *cpu = carry_cpu(c, e->cpu);

	if (!cpu)
		return;
	cpu->bounced = true;
	cpu->bounce_orig = e->orig;
	cpu->bounce_size = e->size;
	cpu->bounce_device = e->dev;
	cpu->bounce_ts = e->ts_ns;
	if (!c->maps_seen && cpu->sending && (!cpu->out.device || cpu->out.device == e->dev)) {
		/* a kernel without map events: the bounce is all that tells of the transfer */
		struct carried_dma dma = { e->ts_ns, EVENT_NO_ADDR, e->size, true };

		cpu->out.device = e->dev;
		cpu->lone_bounces++;
		keep_map(cpu, &dma);
	}
}

/* The command that the task is giving a network device, or a free place for one (pid 0). */
static struct carry_command *command_of(struct carry *c, int32_t pid)
{
	for (size_t i = 0; i < CARRY_COMMANDS; i++)
		if (c->commands[i].pid == pid)
			return &c->commands[i];
	return NULL;
}

static bool is_command(struct carry *c, const struct event *e)
{
	struct carry_command *command = e->pid > 0 ? command_of(c, e->pid) : NULL;

	return command && e->ts_ns - command->since_ns < COMMAND_NS && carry_is_net(c, e->dev);
}

void carry_tx_map(struct carry *c, const struct event *e)
{
	struct carry_cpu *cpu = carry_cpu(c, e->cpu);
	struct carried_dma dma = { e->ts_ns, e->dma, e->size, false };

	c->maps_seen = true;
	if (!cpu)
		return;
	if (cpu->lone_bounces) {
		/* there are map events after all: this is the first */
		cpu->lone_bounces = 0;
		cpu->nmaps = 0;
		cpu->map_bytes = 0;
	}
	dma.bounced = cpu->bounced && cpu->bounce_orig == e->orig && cpu->bounce_device == e->dev &&
		      cpu->bounce_size == e->size;
	cpu->bounced = false;
	/* an interrupt may map for another device while a packet is on its way */
	if (cpu->sending && (!cpu->out.device || cpu->out.device == e->dev)) {
		cpu->out.device = e->dev;
		keep_map(cpu, &dma);
	} else {
		c->ops.unattributed(c->ctx, e->ts_ns, e->dev, FLOW_OUT, e->size,
				    !is_command(c, e) ? "mapped outside any packet's transmission"
				    : owners_is_program(c->owners, e->pid)
					    ? "commands that the program gave by the control queue"
					    : carry_command);
	}
}

/* A command of the task pid begins, where there is room to remember it. */
static void command_begins(struct carry *c, const struct event *e)
{
	struct carry_command *command = e->pid > 0 ? command_of(c, e->pid) : NULL;

	if (e->pid > 0 && !command)
		command = command_of(c, 0);
	if (command)
		*command = (struct carry_command){ e->pid, e->vq, e->ts_ns };
}

static void command_ends(struct carry *c, const struct event *e)
{
	struct carry_command *command = e->pid > 0 ? command_of(c, e->pid) : NULL;

	if (command && command->vq == e->vq)
		command->pid = 0;
}

/*
 * The socket that the skb carries along.  A segment has its own from the skb that was cut,
 * whoever sends it, and wherever.
 */
static void told_socket(struct carry *c, struct packet_dma *out, uint64_t socket)
{
	const struct owner_socket *s;

	if (!socket || socket == EVENT_NO_ADDR)
		return;
	s = owners_socket(c->owners, socket);
	if (s && s->key_known)
		carry_set_socket(c, out, socket, GRADE_EXACT);
	else if (out->socket_grade != GRADE_EXACT)
		carry_set_socket(c, out, 0, GRADE_NONE);
}

void carry_vq_add(struct carry *c, const struct event *e)
{
	struct carry_cpu *cpu = carry_cpu(c, e->cpu);

	if (cpu && cpu->sending && e->link == cpu->skb) {
		cpu->vq = e->vq;
		cpu->out.descriptors += e->aux;
		cpu->out.queue = e->dev;
		told_socket(c, &cpu->out, e->sock);
	} else if (e->dev && strcmp(names_get(c->names, e->dev), "control") == 0) {
		command_begins(c, e);
	}
}

void carry_vq_kick(struct carry *c, const struct event *e)
{
	struct carry_cpu *cpu = carry_cpu(c, e->cpu);

	command_ends(c, e);
	if (cpu && cpu->sending && cpu->vq && cpu->vq == e->vq)
		cpu->out.kicks++;
}

/* A virtio-net header; in a byte stream whatever is short. */
static bool can_be_header(const struct carry *c, const struct carry_device *d, uint64_t over)
{
	if (carry_in_bytes(c, d->device))
		return over <= 24;
	return over == 0 || over == 10 || over == 12 || over == 20 || over == 24;
}

/* Do so many bytes make up the frame and a header?  The first packet teaches which header. */
static bool sums_up(const struct carry *c, struct carry_device *d, uint64_t bytes, uint64_t frame)
{
	uint64_t over = bytes - frame;

	if (bytes < frame)
		return false;
	/* a short frame is filled up to what Ethernet takes */
	if (carry_is_foreign(c, d->device))
		return over == 0 || bytes == SHORTEST;
	if (d->header)
		return over == d->header;
	if (!can_be_header(c, d, over))
		return false;
	if (over)
		d->header = (unsigned int)over;
	return true;
}

/*
 * The size of the indirect table that the last map may be: an entry for each map before it, two at
 * least.  0: it is none.
 */
static uint64_t table_of(const struct carry *c, const struct carry_cpu *cpu)
{
	uint64_t size;

	if (carry_is_foreign(c, cpu->out.device) || cpu->nmaps < 3 || cpu->nmaps > CARRY_MAPS)
		return 0;
	size = cpu->maps[cpu->nmaps - 1].size;
	return size == DESCRIPTOR * (cpu->nmaps - 1) ? size : 0;
}

/*
 * The maps make up the frame, or all but a table do.  No header is as long as the least table, so
 * that never both hold.
 */
static enum grade grade_maps(const struct carry *c, struct carry_device *d, struct carry_cpu *cpu)
{
	uint64_t table = table_of(c, cpu);

	if (!cpu->nmaps)
		return GRADE_NONE;
	if (sums_up(c, d, cpu->map_bytes, cpu->out.frame))
		return GRADE_NESTED;
	if (!table || !sums_up(c, d, cpu->map_bytes - table, cpu->out.frame))
		return GRADE_SIZED;
	cpu->out.table_bytes = table;
	return GRADE_NESTED;
}

void carry_xmit(struct carry *c, const struct event *e)
{
	struct carry_cpu *cpu = carry_cpu(c, e->cpu);
	struct carry_device *d = carry_iface(c, e->dev);

	if (!cpu || !cpu->sending)
		return;
	if (cpu->skb != e->link || cpu->out.iface != e->dev || !d) {
		abandon(c, cpu, "of a transmission whose end no event shows");
		return;
	}
	if (e->aux != 0) {
		abandon(c, cpu, "of a packet that the driver refused");
		return;
	}
	cpu->sending = false;
	if (cpu->nmaps && !d->device)
		d->device = cpu->out.device;
	cpu->out.dma = cpu->maps;
	cpu->out.ndma = cpu->nmaps < CARRY_MAPS ? cpu->nmaps : CARRY_MAPS;
	cpu->out.dma_bytes = cpu->map_bytes;
	cpu->out.wire = 1;
	cpu->out.dma_grade = (uint8_t)grade_maps(c, d, cpu);
	c->ops.carried(c->ctx, &cpu->out);
}
