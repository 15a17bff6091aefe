/* SPDX-License-Identifier: MIT */
/*
 * Instructions carried out in software: writes to shadowed page tables, device
 * memory, and the operands of instructions that exit.
 *
 * Segments, canonical addresses and alignment are checked as the hardware does.
 */
#ifndef HV_CORE_EMULATE_H
#define HV_CORE_EMULATE_H

#include "hv/core/decode.h"

struct vcpu;

/* What became of an instruction. */
enum emulate_result {
	EMULATE_DONE,     /* carried out: RIP moves on */
	EMULATE_AGAIN,    /* one round of a repeated one is: RIP stays */
	EMULATE_FAULT,    /* an exception is queued, nothing else has changed */
	EMULATE_NOT_OURS, /* nothing has changed */
};

/* ---- addresses ---- */

/* The linear address of the instruction's memory operand (i->mem). */
gva_t vcpu_operand_gva(struct vcpu *v, const struct insn *i);

/* Base of a segment in this mode (64-bit mode: only FS and GS have one) plus offset. */
gva_t emulate_linear(struct vcpu *v, u8 seg, u64 offset);

/*
 * An access to size bytes at offset of a segment: its linear address.
 *
 *   returns  false: #GP, #SS or #AC is queued
 *   source   APM2 4.12 "Limit Checks", 5.3.1 "Canonical Address Form"
 */
bool emulate_address(struct vcpu *v, u8 seg, u64 offset, unsigned size, bool write, gva_t *gva);

/* The same for the instruction's memory operand. */
bool emulate_operand(struct vcpu *v, const struct insn *i, unsigned size, bool write, gva_t *gva);

/* ---- memory ---- */

/*
 * The ModRM operand, size bytes (1, 2, 4, 8), zero-extended.
 *
 *   returns  false: an exception is queued, nothing else changed
 */
bool emulate_read_operand(struct vcpu *v, const struct insn *i, unsigned size, u64 *value);
bool emulate_write_operand(struct vcpu *v, const struct insn *i, unsigned size, u64 value);

/*
 * Guest memory at a linear address by the vCPU itself, with its privilege. What
 * no slot backs is the board's: a device, or nothing (ones, writes are lost). A write into two pages is done
 * whole or not at all.
 *
 *   access   PFERR_WRITE in a read: what is read will be written
 *   returns  false: a #PF is queued
 */
bool emulate_read_mem(struct vcpu *v, gva_t gva, void *buf, size_t len, u64 access);
bool emulate_write_mem(struct vcpu *v, gva_t gva, const void *buf, size_t len);

/*
 * The end of a read-modify-write: new[] goes to where old[] was read, size bytes
 * (1, 2, 4, 8; or 16, aligned).
 *
 *   locked   in one step towards the other vCPUs. Across two pages that cannot be.
 *   returns  DONE
 *            AGAIN  somebody else wrote there meanwhile, nothing was stored
 *            FAULT, NOT_OURS
 */
enum emulate_result emulate_exchange(struct vcpu *v, gva_t gva, const void *old, const void *new,
				     size_t size, bool locked);

/* ---- registers ---- */

/* A register operand by its number in the encoding. size 4 clears the upper half. */
u64 emulate_get_reg(const struct vcpu *v, const struct insn *i, u8 reg, unsigned size);
void emulate_set_reg(struct vcpu *v, const struct insn *i, u8 reg, unsigned size, u64 value);

/* Registers as addresses: masked to the address size. */
u64 emulate_addr_reg(const struct vcpu *v, const struct insn *i, u8 reg);
void emulate_set_addr_reg(struct vcpu *v, const struct insn *i, u8 reg, u64 value);

/* ---- instructions ---- */

/* BT and its kin: the operand as far away as the bit number in the register says. */
void emulate_move_operand(const struct vcpu *v, struct insn *i);

/*
 * One that reads memory, computes, and writes it again (ALU but CMP, NOT, NEG,
 * INC, DEC, XCHG, XADD, CMPXCHG, CMPXCHG8B and 16B, BTS, BTR, BTC, SHLD, SHRD), its operand
 * being memory. With LOCK, and XCHG always, one step; across two pages: NOT_OURS.
 */
enum emulate_result emulate_rmw(struct vcpu *v, const struct insn *i);

/* Those of emulate_device.c: CMPS and SCAS, IMUL, MOVZX and MOVSX, BSF and BSR, moves
 * of XMM registers, SMSW; and of exit_ltr.c: LTR. */
enum emulate_result emulate_compare_string(struct vcpu *v, const struct insn *i);
enum emulate_result emulate_imul(struct vcpu *v, const struct insn *i);
enum emulate_result emulate_extend(struct vcpu *v, const struct insn *i);
enum emulate_result emulate_bit_scan(struct vcpu *v, const struct insn *i);
enum emulate_result emulate_mov_xmm(struct vcpu *v, const struct insn *i);
enum emulate_result emulate_smsw(struct vcpu *v, const struct insn *i);
enum emulate_result emulate_ltr(struct vcpu *v, const struct insn *i);

/*
 * Carries out one data instruction, or one round of a repeated one: registers,
 * flags, memory, RIP.
 *
 *   returns  false: not one it knows, or one that it cannot do exactly; nothing was
 *            changed. (An exception for the guest counts as carried out.)
 */
bool emulate_insn(struct vcpu *v, const struct insn *i);

#endif
