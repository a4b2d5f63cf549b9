/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's own sums of what bouncing copies, by a BPF program. */
#include "collectors/tracefs/metering.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/tracefs/btf.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/evidence/meter.h"

#define COPY "swiotlb_bounce" /* (dev, tlb_addr, size, dir): copies size bytes */
#define MOST 1024	      /* devices and directions */
#define NOT_SUPPORTED 524     /* ENOTSUPP, which the kernel keeps to itself */

/* In the map. */
struct sum_key {
	uint64_t dev; /* its struct device */
	uint64_t dir; /* enum dma_data_direction */
};

struct sum {
	uint64_t copies, bytes;
	char name[64];
};

/* ---- the program ---- */

/* An instruction as Linux Documentation/bpf/standardization/instruction-set.rst has it. */
#define INSN(op, to, from, offset, value)                                                   \
	{                                                                                   \
		.code = (op), .dst_reg = (to), .src_reg = (from), .off = (int16_t)(offset), \
		.imm = (int32_t)(value)                                                     \
	}
#define MOV(to, from) INSN(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define MOV32(to, from) INSN(BPF_ALU | BPF_MOV | BPF_X, to, from, 0, 0)
#define SET(to, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value)
#define ADD(to, value) INSN(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value)
#define LOAD(to, from, offset) INSN(BPF_LDX | BPF_MEM | BPF_DW, to, from, offset, 0)
#define STORE(to, offset, from) INSN(BPF_STX | BPF_MEM | BPF_DW, to, from, offset, 0)
#define CLEAR(to, offset) INSN(BPF_ST | BPF_MEM | BPF_DW, to, 0, offset, 0)
#define ADD_AT(to, offset, from) INSN(BPF_STX | BPF_ATOMIC | BPF_DW, to, from, offset, BPF_ADD)
#define CALL(function) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, function)
#define IF(reg, is, value, skip) INSN(BPF_JMP | (is) | BPF_K, reg, 0, skip, value)
#define EXIT INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define MAP(to, fd)                                                    \
	INSN(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, fd), \
	{                                                              \
		0                                                      \
	}

#define R0 BPF_REG_0
#define R1 BPF_REG_1
#define R2 BPF_REG_2
#define R3 BPF_REG_3
#define R4 BPF_REG_4
#define CTX BPF_REG_6
#define FRAME BPF_REG_10
#define ARG(n) (8 * (n))
/* in the frame */
#define KEY (-(int)sizeof(struct sum_key))
#define NEW (KEY - (int)sizeof(struct sum))
#define NAME (NEW - 8)

/* name_at: of the pointer to its name in a struct device. */
static int load_program(int map, uint32_t function, long name_at)
{
	const struct bpf_insn insns[] = {
		MOV(CTX, R1),
		/* the device as a number: the argument itself is a pointer that cannot be a key */
		SET(R2, 0),
		MOV(R3, FRAME),
		ADD(R3, KEY),
		CALL(BPF_FUNC_get_func_arg),
		LOAD(R1, CTX, ARG(3)),
		MOV32(R1, R1),
		STORE(FRAME, KEY + 8, R1),
		MAP(R1, map),
		MOV(R2, FRAME),
		ADD(R2, KEY),
		CALL(BPF_FUNC_map_lookup_elem),
		IF(R0, BPF_JNE, 0, 35),
		/* its first copy: note its name */
		CLEAR(FRAME, NEW),
		CLEAR(FRAME, NEW + 8),
		CLEAR(FRAME, NEW + 16),
		CLEAR(FRAME, NEW + 24),
		CLEAR(FRAME, NEW + 32),
		CLEAR(FRAME, NEW + 40),
		CLEAR(FRAME, NEW + 48),
		CLEAR(FRAME, NEW + 56),
		CLEAR(FRAME, NEW + 64),
		CLEAR(FRAME, NEW + 72),
		LOAD(R3, FRAME, KEY),
		ADD(R3, name_at),
		SET(R2, 8),
		MOV(R1, FRAME),
		ADD(R1, NAME),
		CALL(BPF_FUNC_probe_read_kernel),
		LOAD(R3, FRAME, NAME),
		SET(R2, 64),
		MOV(R1, FRAME),
		ADD(R1, NEW + 16),
		CALL(BPF_FUNC_probe_read_kernel_str),
		MAP(R1, map),
		MOV(R2, FRAME),
		ADD(R2, KEY),
		MOV(R3, FRAME),
		ADD(R3, NEW),
		SET(R4, BPF_NOEXIST), /* another CPU may have been first */
		CALL(BPF_FUNC_map_update_elem),
		MAP(R1, map),
		MOV(R2, FRAME),
		ADD(R2, KEY),
		CALL(BPF_FUNC_map_lookup_elem),
		IF(R0, BPF_JEQ, 0, 4), /* there is no room: its copies are not counted */
		/* counted, here and there */
		SET(R1, 1),
		ADD_AT(R0, 0, R1),
		LOAD(R1, CTX, ARG(2)),
		ADD_AT(R0, 8, R1),
		SET(R0, 0),
		EXIT,
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FENTRY,
		    .attach_btf_id = function);

	return bpf_prog_load(BPF_PROG_TYPE_TRACING, "ccaio_meter", "GPL", insns,
			     sizeof(insns) / sizeof(insns[0]), &options);
}

static void cannot(struct metering *m, const char *why)
{
	free(m->trouble);
	m->trouble = xasprintf("copies (" COPY "): %s", why);
}

void metering_open(struct metering *m, const struct types *types)
{
	int function = types ? btf_function(types, COPY) : -1;
	long name_at = types ? btf_offset(types, "device", "kobj.name") : -1;

	*m = (struct metering)METERING_INIT;
	if (function < 0 || name_at < 0)
		return cannot(m, types ? "this kernel has no such function"
				       : "this kernel does not describe its types "
					 "(CONFIG_DEBUG_INFO_BTF)");
	m->map = bpf_map_create(BPF_MAP_TYPE_HASH, "ccaio_meter", sizeof(struct sum_key),
				sizeof(struct sum), MOST, NULL);
	if (m->map < 0)
		return cannot(m, strerror(errno));
	m->program = load_program(m->map, (uint32_t)function, name_at);
	if (m->program < 0)
		return cannot(m, errno == EINVAL ? "this kernel does not know such BPF programs"
						 : strerror(errno));
	m->at = bpf_raw_tracepoint_open(NULL, m->program);
	if (m->at < 0)
		return cannot(m, errno == NOT_SUPPORTED || errno == EINVAL
					 ? "this kernel cannot call BPF programs from functions"
					 : strerror(errno));
	m->counts = true;
}

uint64_t metering_busy_ns(const char *stat, long ticks)
{
	uint64_t user, nice, system, irq, softirq;

	if (!stat || ticks <= 0 ||
	    sscanf(stat, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %*u %*u %" SCNu64 " %" SCNu64,
		   &user, &nice, &system, &irq, &softirq) != 5)
		return 0;
	return (user + nice + system + irq + softirq) * (UINT64_C(1000000000) / (uint64_t)ticks);
}

static uint64_t busy_ns(void)
{
	char *text = file_read("/proc/stat", 1u << 20, NULL, NULL);
	uint64_t ns = metering_busy_ns(text, sysconf(_SC_CLK_TCK));

	free(text);
	return ns;
}

/* Calls in which the program did not run, since it ran already on that CPU. */
static uint64_t missed(const struct metering *m)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(m->program, &info, &len) == 0 ? info.recursion_misses : 0;
}

static struct meter *read_sums(const struct metering *m)
{
	struct meter *meter = xcalloc(1, sizeof(*meter));
	struct sum_key key, *before = NULL;

	for (int i = 0; i < MOST && bpf_map_get_next_key(m->map, before, &key) == 0; i++) {
		struct meter_copies *c;
		struct sum sum;

		before = &key;
		if (bpf_map_lookup_elem(m->map, &key, &sum) < 0)
			continue;
		sum.name[sizeof(sum.name) - 1] = '\0';
		c = meter_copies_of(meter, sum.name,
				    key.dir == EVENT_FROM_DEVICE ? METER_IN : METER_OUT);
		c->copies += sum.copies;
		c->bytes += sum.bytes;
	}
	return meter;
}

void metering_begin(struct metering *m)
{
	if (!m->counts)
		return;
	m->busy_ns = busy_ns();
	m->missed = missed(m);
	m->before = read_sums(m);
}

void metering_end(struct metering *m)
{
	uint64_t busy;

	if (!m->counts || !m->before)
		return;
	m->meter = read_sums(m);
	busy = busy_ns();
	meter_subtract(m->meter, m->before);
	m->meter->missed = missed(m) - m->missed;
	m->meter->busy_ns = busy > m->busy_ns && m->busy_ns ? busy - m->busy_ns : 0;
}

struct meter *metering_describe(struct metering *m)
{
	struct meter *meter = m->meter;

	if (!meter && m->trouble)
		meter = xcalloc(1, sizeof(*meter));
	if (meter && m->trouble)
		meter->trouble = xstrdup(m->trouble);
	m->meter = NULL;
	return meter;
}

void metering_close(struct metering *m)
{
	if (m->counts || m->trouble) {
		const int fds[] = { m->at, m->program, m->map };

		for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
			if (fds[i] >= 0)
				close(fds[i]);
	}
	meter_free(m->before);
	meter_free(m->meter);
	free(m->trouble);
	*m = (struct metering)METERING_INIT;
}
