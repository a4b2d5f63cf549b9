/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The BPF program that counts copies: instructions as in Linux Documentation/bpf/standardization.
 */
#include "collectors/kernel/copy-program.h"

#include <bpf/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#define INSN(op, to, from, offset, value)                                                   \
	{                                                                                   \
		.code = (op), .dst_reg = (to), .src_reg = (from), .off = (int16_t)(offset), \
		.imm = (int32_t)(value)                                                     \
	}
#define MOV(to, from) INSN(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define SET(to, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value)
#define ADD(to, value) INSN(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value)
#define AND(to, value) INSN(BPF_ALU64 | BPF_AND | BPF_K, to, 0, 0, value)
#define ADD_REG(to, from) INSN(BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0)
#define SUB_REG(to, from) INSN(BPF_ALU64 | BPF_SUB | BPF_X, to, from, 0, 0)
#define MOV32(to, from) INSN(BPF_ALU | BPF_MOV | BPF_X, to, from, 0, 0)
#define MUL32(to, value) INSN(BPF_ALU | BPF_MUL | BPF_K, to, 0, 0, value)
#define SHR32(to, value) INSN(BPF_ALU | BPF_RSH | BPF_K, to, 0, 0, value)
#define LOAD(to, from, offset) INSN(BPF_LDX | BPF_MEM | BPF_DW, to, from, offset, 0)
#define ADD_AT(to, offset, from) INSN(BPF_STX | BPF_ATOMIC | BPF_DW, to, from, offset, BPF_ADD)
/* If R0 is there, put from there; R0 becomes what was there. */
#define SWAP_AT(to, offset, from) INSN(BPF_STX | BPF_ATOMIC | BPF_DW, to, from, offset, BPF_CMPXCHG)
#define CALL(function) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, function)
#define IF(reg, is, value, label) INSN(BPF_JMP | (is) | BPF_K, reg, 0, label, value)
#define IF_REG(reg, is, other, label) INSN(BPF_JMP | (is) | BPF_X, reg, other, label, 0)
#define EXIT INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define LABEL 0xff
#define IS(label) INSN(LABEL, 0, 0, 0, label)
/* The address of a byte in the map's first value. */
#define IN_MAP(to, fd, offset) \
	INSN(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_VALUE, 0, fd), INSN(0, 0, 0, 0, offset)

#define R0 BPF_REG_0
#define CTX BPF_REG_1
#define PLACE BPF_REG_2
#define KEY BPF_REG_3
#define R4 BPF_REG_4
#define TRIES BPF_REG_5
#define ARG(n) (8 * (n))

#define AT(member) offsetof(struct copy_place, member)
#define NAME_MOST (sizeof(((struct copy_place *)0)->name))
#define PLACE_BITS 7 /* a place is so large */
_Static_assert(sizeof(struct copy_place) == 1u << PLACE_BITS, "places are found by a mask");

#define HASH 0x9e3779b1 /* Knuth, The Art of Computer Programming 3, 6.4 */
#define MASK ((COPY_PLACES - 1) << PLACE_BITS)
#define HASH_SHIFT (32 - 8 - PLACE_BITS)
_Static_assert(COPY_PLACES == 1 << 8, "HASH_SHIFT leaves eight bits");

#define ADD_COPY                                                         \
	LOAD(R4, CTX, ARG(2)), ADD_AT(PLACE, AT(bytes), R4), SET(R4, 1), \
		ADD_AT(PLACE, AT(copies), R4)

enum label { AGAIN, COUNT, OTHERS, NEXT, FIRST, LABELS };

/* Take the labels out; a jump's offset is one until now. */
static size_t resolve(struct bpf_insn *insns, size_t count)
{
	size_t at[LABELS] = { 0 }, kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (insns[i].code == LABEL)
			at[insns[i].imm] = kept;
		else
			insns[kept++] = insns[i];
	}
	for (size_t i = 0; i < kept; i++)
		if (BPF_CLASS(insns[i].code) == BPF_JMP && BPF_OP(insns[i].code) != BPF_CALL &&
		    BPF_OP(insns[i].code) != BPF_EXIT)
			insns[i].off = (int16_t)(at[insns[i].off] - i - 1);
	return kept;
}

int copy_program_load(int map, uint32_t function, long name_at)
{
	const struct bpf_insn name = LOAD(BPF_REG_3, BPF_REG_3, name_at),
			      difference = SUB_REG(KEY, PLACE), none = SET(BPF_REG_3, 0),
			      same = MOV(KEY, KEY);
	bool device = name_at != COPY_NO_DEVICE;
	struct bpf_insn insns[] = {
		/* the difference of two addresses is a number, and one of them is always the same
		 */
		LOAD(KEY, CTX, ARG(0)),
		IN_MAP(PLACE, map, 0),
		device ? difference : same,
		LOAD(R4, CTX, ARG(3)),
		AND(R4, COPY_DIRS),
		ADD_REG(KEY, R4),
		MOV32(R4, KEY),
		MUL32(R4, HASH),
		SHR32(R4, HASH_SHIFT),
		AND(R4, MASK),
		ADD_REG(PLACE, R4),
		SET(TRIES, COPY_TRIES),
		IS(AGAIN),
		LOAD(R0, PLACE, AT(key)),
		IF_REG(R0, BPF_JNE, KEY, OTHERS),
		IS(COUNT),
		ADD_COPY,
		SET(R0, 0),
		EXIT,
		IS(OTHERS),
		IF(R0, BPF_JNE, 0, NEXT),
		SWAP_AT(PLACE, AT(key), KEY),
		IF(R0, BPF_JEQ, 0, FIRST),
		IF_REG(R0, BPF_JEQ, KEY, COUNT), /* another CPU was faster */
		IS(NEXT),
		ADD(PLACE, sizeof(struct copy_place)),
		ADD(TRIES, -1),
		IF(TRIES, BPF_JNE, 0, AGAIN),
		IN_MAP(PLACE, map, offsetof(struct copy_table, full)),
		SET(R4, 1),
		ADD_AT(PLACE, 0, R4),
		SET(R0, 0),
		EXIT,
		IS(FIRST),
		ADD_COPY,
		LOAD(BPF_REG_3, CTX, ARG(0)),
		device ? name : none,
		MOV(BPF_REG_1, PLACE),
		ADD(BPF_REG_1, AT(name)),
		SET(BPF_REG_2, NAME_MOST),
		CALL(BPF_FUNC_probe_read_kernel_str),
		SET(R0, 0),
		EXIT,
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FENTRY,
		    .attach_btf_id = function);

	return bpf_prog_load(BPF_PROG_TYPE_TRACING, "ccaio_meter", "GPL", insns,
			     resolve(insns, sizeof(insns) / sizeof(insns[0])), &options);
}
