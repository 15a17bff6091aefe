/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's registers as the guest sees them.
 */
#ifndef HV_CORE_REGS_H
#define HV_CORE_REGS_H

#include "hv/core/x86.h"

/* The order of x86's encoding. */
enum vcpu_gpr {
	RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI,
	R8, R9, R10, R11, R12, R13, R14, R15,
	NR_GPRS
};

struct vcpu_regs {
	u64 gpr[NR_GPRS];
	u64 rip, rflags;
	u64 cr0, cr2, cr3, cr4, cr8; /* the guest's own values, not the hardware's */
	u64 efer;
	u64 dr[4], dr6, dr7;
	u8 cpl;
	bool int_shadow; /* the next instruction is not interrupted (STI, MOV SS) */
};

struct vcpu_seg {
	u16 selector;
	u16 attrib; /* descriptor bits 47:40 in 7:0, bits 55:52 in 11:8 */
	u32 limit;  /* in bytes, expanded */
	u64 base;
};

/* Segment numbers in instructions; also the order in struct vcpu_segs. */
enum vcpu_seg_id { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS };

struct vcpu_segs {
	struct vcpu_seg seg[6];
	struct vcpu_seg gdtr, ldtr, idtr, tr; /* of gdtr and idtr only base and limit */
};

#define SEG_ATTRIB_CODE64 0xa9b /* present, code, readable, accessed, L, G */
#define SEG_ATTRIB_CODE32 0xc9b /* D, G */
#define SEG_ATTRIB_DATA32 0xc93
#define SEG_ATTRIB_RW     0x002 /* data: writable; code: readable */
#define SEG_ATTRIB_DOWN   0x004 /* data: expands down */
#define SEG_ATTRIB_CODE   0x008
#define SEG_ATTRIB_P      0x080
#define SEG_ATTRIB_L      0x200
#define SEG_ATTRIB_D      0x400

#endif
