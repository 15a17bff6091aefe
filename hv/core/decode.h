/* SPDX-License-Identifier: MIT */
/*
 * x86 instructions taken apart, as far as exits need it (insn.def). Pure:
 * bytes in, struct out; registers and memory are emulate.h's concern.
 */
#ifndef HV_CORE_DECODE_H
#define HV_CORE_DECODE_H

#include "hv/core/regs.h"

#define INSN_MAX_LEN 15

enum insn_op {
	INSN_ALU, INSN_ALU_IMM, INSN_TEST, INSN_XCHG, INSN_MOV, INSN_MOV_IMM, INSN_MOVS, INSN_STOS,
	INSN_NOT, INSN_NEG, INSN_INC, INSN_DEC, INSN_PUSH, INSN_PUSH_IMM,
	INSN_BT, INSN_BTS, INSN_BTR, INSN_BTC, INSN_CMPXCHG, INSN_CMPXCHG8B, INSN_XADD,
	INSN_IN, INSN_OUT, INSN_INS, INSN_OUTS,
	INSN_INT3, INSN_INTN, INSN_INTO, INSN_ICEBP, INSN_HLT,
	INSN_SMSW, INSN_LMSW, INSN_INVLPG, INSN_CLTS, INSN_INVD, INSN_WBINVD,
	INSN_MOV_FROM_CR, INSN_MOV_TO_CR, INSN_MOV_FROM_DR, INSN_MOV_TO_DR,
	INSN_WRMSR, INSN_RDMSR, INSN_RDTSC, INSN_RDTSCP, INSN_RDPMC, INSN_CPUID, INSN_RSM,
	INSN_MONITOR, INSN_MWAIT, INSN_XSETBV,
	INSN_VMRUN, INSN_VMMCALL, INSN_VMLOAD, INSN_VMSAVE, INSN_STGI, INSN_CLGI, INSN_SKINIT,
	INSN_INVLPGA,
	INSN_IMUL, INSN_CMPS, INSN_SCAS, INSN_LTR, INSN_MOV_XMM, INSN_SHLD, INSN_SHRD,
	INSN_BSF, INSN_BSR, INSN_MOVZX, INSN_MOVSX,
};

/* The mode that decides about default sizes; the value is the address size in bytes. */
enum insn_mode { INSN_MODE16 = 2, INSN_MODE32 = 4, INSN_MODE64 = 8 };

#define INSN_NO_REG  0xff
#define INSN_REG_RIP 0xfe

struct insn {
	enum insn_op op;
	u8 len;        /* bytes of the whole instruction */
	u8 opcode;     /* the last opcode byte */
	bool opsize;   /* a prefix 66 is there */
	u8 size;       /* of the operand, in bytes: 1, 2, 4, 8; 16 of an XMM register */
	u8 addr_size;  /* 2, 4, 8 */
	u8 reg;        /* ModRM.reg with REX.R; /digit without */
	bool rex;      /* a REX byte is there: byte registers 4-7 are SPL.. */
	bool to_reg;   /* the destination is reg, not the ModRM operand */
	bool lock, rep, repne;

	/* The ModRM (or moffs) operand: memory if mem, else register rm. */
	bool mem;
	u8 rm;
	u8 seg;         /* enum vcpu_seg_id, override applied (also for strings) */
	u8 base, index; /* enum vcpu_gpr, INSN_NO_REG, or base INSN_REG_RIP */
	u8 scale;       /* 1, 2, 4, 8 */
	u64 disp;       /* sign-extended; moffs: the address */

	u64 imm; /* sign-extended; U8: zero-extended */
};

enum insn_status {
	INSN_OK,
	INSN_SHORT,   /* more bytes would be needed */
	INSN_UNKNOWN, /* not in insn.def, or longer than 15 bytes */
};

/*
 * Takes the instruction at bytes[0..n) apart.
 *
 *   returns  INSN_OK: *i is filled
 *            INSN_SHORT, INSN_UNKNOWN: *i is undefined
 *   source   APM3 1 "Instruction Encoding", appendix A "Opcode and Operand Encodings"
 */
enum insn_status insn_decode(const u8 *bytes, size_t n, enum insn_mode mode, struct insn *i);

#endif
