/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's registers as GDB sees them, and the table that describes them.
 */
#ifndef HV_GDB_REGS_H
#define HV_GDB_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv/gdb/text.h"

/* What is known or written together; a mask of these. */
enum gdb_reg_group {
	GDB_GROUP_GENERAL = 1 << 0, /* rax..r15, rip, eflags */
	GDB_GROUP_SEGMENT = 1 << 1, /* selectors, fs_base, gs_base, k_gs_base */
	GDB_GROUP_CONTROL = 1 << 2, /* cr0, cr2, cr3, cr4, cr8, efer */
	GDB_GROUP_X87 = 1 << 3,	    /* st0..st7, fctrl..fop */
	GDB_GROUP_SSE = 1 << 4,	    /* xmm0..xmm15, mxcsr */
	GDB_GROUP_ALL = (1 << 5) - 1,
};

/*
 * All values little-endian, as the guest's memory. In modes below 64-bit the
 * wide registers are zero-extended: GDB is told one shape for the whole life of
 * the guest, so a change of mode never changes the size of a g packet.
 */
struct gdb_regs {
	unsigned int known; /* groups that hold values; others are unavailable */

	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip;
	uint32_t eflags;

	uint32_t cs, ss, ds, es, fs, gs;
	uint64_t fs_base, gs_base;
	uint64_t k_gs_base; /* MSR KernelGSBase */

	uint64_t cr0, cr2, cr3, cr4, cr8;
	uint64_t efer;

	uint8_t st[8][10]; /* from the top of the stack, as FXSAVE has them */
	uint32_t fctrl, fstat;
	uint32_t ftag; /* two bits each, as FSTENV has it, not FXSAVE */
	uint32_t fiseg, fioff, foseg, fooff, fop;

	uint8_t xmm[16][16];
	uint32_t mxcsr;
};

enum gdb_feature {
#define GDB_FEATURE(id, name) GDB_FEATURE_##id,
#include "hv/gdb/regs.def"
	GDB_NR_FEATURES,
};

enum gdb_reg {
#define GDB_REG(number, name, bits, type, feature, group, expedited, field) GDB_REG_##name,
#include "hv/gdb/regs.def"
	GDB_NR_REGS,
};

struct gdb_reg_row {
	const char *name;
	const char *type;
	uint16_t offset; /* of the field in struct gdb_regs */
	uint16_t bytes;
	enum gdb_feature feature;
	enum gdb_reg_group group;
	bool expedited;
};

extern const struct gdb_reg_row gdb_reg_rows[GDB_NR_REGS];

/* Writes register `reg` as hex digits, as 'x' digits if it is not known. */
void gdb_reg_put(struct gdb_buf *buf, const struct gdb_regs *regs, enum gdb_reg reg);

/*
 * Reads register `reg` from hex digits. Digits that are 'x' leave it as it is:
 * GDB sends back what it could not read.
 *
 *   returns   the group of the register if its value changed, 0 if not, -1 if
 *             the text is no value of its size or the register is not known:
 *             the rest of its group would be made up; then nothing changed
 */
int gdb_reg_scan(struct gdb_scan *scan, struct gdb_regs *regs, enum gdb_reg reg);

#endif
