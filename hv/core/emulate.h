/* SPDX-License-Identifier: MIT */
/*
 * Instructions carried out in software: writes to shadowed page tables, device
 * memory, and the operands of instructions that exit.
 *
 * Unlike hardware, segment limits and alignment are not checked, and a LOCKed
 * read-modify-write is two accesses.
 */
#ifndef HV_CORE_EMULATE_H
#define HV_CORE_EMULATE_H

#include "hv/core/decode.h"

struct vcpu;

/* The linear address of the instruction's memory operand (i->mem). */
gva_t vcpu_operand_gva(struct vcpu *v, const struct insn *i);

/*
 * The ModRM operand, size bytes (1, 2, 4, 8), zero-extended.
 *
 *   returns  false: a #PF was injected, nothing else changed
 */
bool emulate_read_operand(struct vcpu *v, const struct insn *i, unsigned size, u64 *value);
bool emulate_write_operand(struct vcpu *v, const struct insn *i, unsigned size, u64 value);

/*
 * Guest memory at a linear address by the vCPU itself, with its privilege. What
 * no slot backs reads as ones and swallows writes.
 *
 *   returns  false: a #PF was injected
 */
bool emulate_read_mem(struct vcpu *v, gva_t gva, void *buf, size_t len);
bool emulate_write_mem(struct vcpu *v, gva_t gva, const void *buf, size_t len);

/* A register operand by its number in the encoding. size 4 clears the upper half. */
u64 emulate_get_reg(const struct vcpu *v, const struct insn *i, u8 reg, unsigned size);
void emulate_set_reg(struct vcpu *v, const struct insn *i, u8 reg, unsigned size, u64 value);

/* Registers as addresses: masked to the address size. */
u64 emulate_addr_reg(const struct vcpu *v, const struct insn *i, u8 reg);
void emulate_set_addr_reg(struct vcpu *v, const struct insn *i, u8 reg, u64 value);

/* Base of a segment in this mode (64-bit mode: only FS and GS have one) plus offset. */
gva_t emulate_linear(struct vcpu *v, u8 seg, u64 offset);

/*
 * Carries out one data instruction, or one round of a repeated one: registers,
 * flags, memory, RIP.
 *
 *   returns  false: not one it knows; nothing was changed. (An exception for the
 *            guest counts as carried out.)
 */
bool emulate_insn(struct vcpu *v, const struct insn *i);

#endif
