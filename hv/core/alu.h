/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic with x86's flags: pure functions of operands and RFLAGS.
 */
#ifndef HV_CORE_ALU_H
#define HV_CORE_ALU_H

#include "hv/core/x86.h"

/* The order of the opcodes 00-3f and of /digit in 80-83. */
enum alu_op { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };

/*
 * a op b for operands of size bytes (1, 2, 4, 8); the result is cut to size
 * (CMP: the difference, which is not to be stored). *rflags: CF PF AF ZF SF OF
 * are replaced; AF is cleared where it is undefined.
 */
u64 alu(enum alu_op op, unsigned size, u64 a, u64 b, u64 *rflags);

/* INC and DEC: as ADD and SUB of 1, but CF stays. */
u64 alu_inc(bool dec, unsigned size, u64 a, u64 *rflags);

#endif
