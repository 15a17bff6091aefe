/* SPDX-License-Identifier: MIT */
/*
 * The virtual machine control block: how the hardware is told what a guest is,
 * what it may not do by itself, and how it says why it came back.
 *
 * source: APM2 appendix B "Layout of VMCB", 15.9 "Instruction Intercepts",
 *         appendix C "SVM Intercept Exit Codes"
 */
#ifndef HV_SVM_VMCB_H
#define HV_SVM_VMCB_H

#include "mmu/types.h"

struct vmcb_seg {
	u16 selector;
	u16 attrib; /* descriptor bits 47:40 in 7:0, bits 55:52 in 11:8 */
	u32 limit;  /* in bytes, expanded */
	u64 base;
};

struct vmcb_control {
	u16 intercept_cr_read, intercept_cr_write;
	u16 intercept_dr_read, intercept_dr_write;
	u32 intercept_exceptions;
	u32 intercept1; /* VMCB_I1_ */
	u32 intercept2; /* VMCB_I2_ */
	u8 reserved1[0x40 - 0x14];
	u64 iopm_hpa;  /* 12 KiB, 1 = exit */
	u64 msrpm_hpa; /* 8 KiB, 2 bits per MSR, 1 = exit */
	u64 tsc_offset;
	u32 asid;
	u32 tlb_control; /* VMCB_TLB_ */
	u64 int_ctl;     /* VMCB_INT_ */
	u64 int_shadow;  /* bit 0 */
	u64 exit_code;
	u64 exit_info1, exit_info2;
	u64 exit_int_info; /* VMCB_EV_ */
	u64 np_enable;     /* bit 0 */
	u8 reserved2[0xa8 - 0x98];
	u64 event_inj; /* VMCB_EV_ */
	u64 ncr3;
	u64 lbr_enable;
	u32 clean;
	u32 reserved3;
	u64 next_rip;
	u8 fetched;
	u8 fetched_bytes[15];
	u8 reserved4[0x400 - 0xe0];
};

struct vmcb_save {
	struct vmcb_seg es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8 reserved1[0xcb - 0xa0];
	u8 cpl;
	u32 reserved2;
	u64 efer;
	u8 reserved3[0x148 - 0xd8];
	u64 cr4, cr3, cr0, dr7, dr6, rflags, rip;
	u8 reserved4[0x1d8 - 0x180];
	u64 rsp;
	u8 reserved5[0x1f8 - 0x1e0];
	u64 rax;
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 cr2;
	u8 reserved6[0x268 - 0x248];
	u64 pat;
	u8 reserved7[0xc00 - 0x270];
};

struct vmcb {
	struct vmcb_control control;
	struct vmcb_save save;
};

#define VMCB_AT(part, field, offset) \
	_Static_assert(offsetof(struct vmcb_##part, field) == (offset), #part "." #field)

VMCB_AT(control, intercept1, 0x0c);
VMCB_AT(control, iopm_hpa, 0x40);
VMCB_AT(control, msrpm_hpa, 0x48);
VMCB_AT(control, tsc_offset, 0x50);
VMCB_AT(control, asid, 0x58);
VMCB_AT(control, int_ctl, 0x60);
VMCB_AT(control, exit_code, 0x70);
VMCB_AT(control, exit_int_info, 0x88);
VMCB_AT(control, np_enable, 0x90);
VMCB_AT(control, event_inj, 0xa8);
VMCB_AT(control, ncr3, 0xb0);
VMCB_AT(control, next_rip, 0xc8);
VMCB_AT(control, fetched, 0xd0);
VMCB_AT(save, tr, 0x90);
VMCB_AT(save, cpl, 0xcb);
VMCB_AT(save, efer, 0xd0);
VMCB_AT(save, cr4, 0x148);
VMCB_AT(save, rip, 0x178);
VMCB_AT(save, rsp, 0x1d8);
VMCB_AT(save, rax, 0x1f8);
VMCB_AT(save, star, 0x200);
VMCB_AT(save, cr2, 0x240);
VMCB_AT(save, pat, 0x268);
_Static_assert(sizeof(struct vmcb_control) == 0x400, "control area");
_Static_assert(sizeof(struct vmcb) == 4096, "VMCB");

/* intercept1 */
#define VMCB_I1_INTR     (1u << 0)
#define VMCB_I1_NMI      (1u << 1)
#define VMCB_I1_SMI      (1u << 2)
#define VMCB_I1_VINTR    (1u << 4)
#define VMCB_I1_LTR      (1u << 13)
#define VMCB_I1_RDPMC    (1u << 15)
#define VMCB_I1_CPUID    (1u << 18)
#define VMCB_I1_RSM      (1u << 19)
#define VMCB_I1_IRET     (1u << 20)
#define VMCB_I1_INTN     (1u << 21)
#define VMCB_I1_INVD     (1u << 22)
#define VMCB_I1_PAUSE    (1u << 23)
#define VMCB_I1_HLT      (1u << 24)
#define VMCB_I1_INVLPG   (1u << 25)
#define VMCB_I1_INVLPGA  (1u << 26)
#define VMCB_I1_IOIO     (1u << 27)
#define VMCB_I1_MSR      (1u << 28)
#define VMCB_I1_TASK     (1u << 29)
#define VMCB_I1_SHUTDOWN (1u << 31)

/* intercept2 */
#define VMCB_I2_VMRUN   (1u << 0)
#define VMCB_I2_VMMCALL (1u << 1)
#define VMCB_I2_VMLOAD  (1u << 2)
#define VMCB_I2_VMSAVE  (1u << 3)
#define VMCB_I2_STGI    (1u << 4)
#define VMCB_I2_CLGI    (1u << 5)
#define VMCB_I2_SKINIT  (1u << 6)
#define VMCB_I2_ICEBP   (1u << 8)
#define VMCB_I2_WBINVD  (1u << 9)
#define VMCB_I2_MONITOR (1u << 10)
#define VMCB_I2_MWAIT   (1u << 11)
#define VMCB_I2_XSETBV  (1u << 13)

#define VMCB_TLB_KEEP      0
#define VMCB_TLB_FLUSH_ALL 1
/* Only where CPUID has FlushByAsid: this guest's entries; but for its global ones. */
#define VMCB_TLB_FLUSH_GUEST 3
#define VMCB_TLB_FLUSH_NONGLOBAL 7

/* int_ctl */
#define VMCB_INT_IRQ          BIT(8)
#define VMCB_INT_PRIORITY(n)  ((u64)(n) << 16)
#define VMCB_INT_IGNORE_TPR   BIT(20)
#define VMCB_INT_MASKING      BIT(24)
#define VMCB_INT_VECTOR(v)    ((u64)(v) << 32)
#define VMCB_INT_VECTOR_OF(c) ((u8)((c) >> 32))

/* event_inj and exit_int_info */
#define VMCB_EV_VECTOR(e)   ((u8)(e))
#define VMCB_EV_TYPE(e)     ((unsigned)((e) >> 8) & 7)
#define VMCB_EV_TYPE_INTR   (0ull << 8)
#define VMCB_EV_TYPE_NMI    (2ull << 8)
#define VMCB_EV_TYPE_EXC    (3ull << 8)
#define VMCB_EV_TYPE_SOFT   (4ull << 8)
#define VMCB_EV_HAS_CODE    BIT(11)
#define VMCB_EV_VALID       BIT(31)
#define VMCB_EV_CODE(code)  ((u64)(u32)(code) << 32)

/* exit_code */
enum vmcb_exit {
	VMCB_EXIT_CR_READ = 0x00,  /* + number */
	VMCB_EXIT_CR_WRITE = 0x10, /* + number */
	VMCB_EXIT_DR_READ = 0x20,
	VMCB_EXIT_DR_WRITE = 0x30,
	VMCB_EXIT_EXCEPTION = 0x40, /* + vector */
	VMCB_EXIT_INTR = 0x60,
	VMCB_EXIT_NMI = 0x61,
	VMCB_EXIT_SMI = 0x62,
	VMCB_EXIT_VINTR = 0x64,
	VMCB_EXIT_LTR = 0x6d,
	VMCB_EXIT_RDPMC = 0x6f,
	VMCB_EXIT_CPUID = 0x72,
	VMCB_EXIT_RSM = 0x73,
	VMCB_EXIT_IRET = 0x74,
	VMCB_EXIT_SWINT = 0x75,
	VMCB_EXIT_INVD = 0x76,
	VMCB_EXIT_PAUSE = 0x77,
	VMCB_EXIT_HLT = 0x78,
	VMCB_EXIT_INVLPG = 0x79,
	VMCB_EXIT_INVLPGA = 0x7a,
	VMCB_EXIT_IOIO = 0x7b,
	VMCB_EXIT_MSR = 0x7c,
	VMCB_EXIT_TASK = 0x7d,
	VMCB_EXIT_SHUTDOWN = 0x7f,
	VMCB_EXIT_VMRUN = 0x80,
	VMCB_EXIT_VMMCALL = 0x81,
	VMCB_EXIT_SKINIT = 0x86,
	VMCB_EXIT_ICEBP = 0x88,
	VMCB_EXIT_WBINVD = 0x89,
	VMCB_EXIT_MONITOR = 0x8a,
	VMCB_EXIT_MWAIT = 0x8b,
	VMCB_EXIT_XSETBV = 0x8d,
	VMCB_EXIT_NPF = 0x400,
};

/* "Invalid VMCB": -1, of which some machines store only the lower half. */
static inline bool vmcb_exit_invalid(u64 exit_code)
{
	return (u32)exit_code == 0xffffffffu;
}

#endif
