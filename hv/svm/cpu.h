/* SPDX-License-Identifier: MIT */
/*
 * One real CPU: its descriptor tables, its stacks for the exceptions that must
 * not trust the current one, and what the world switch needs. GS points to it.
 */
#ifndef HV_SVM_CPU_H
#define HV_SVM_CPU_H

#include "hv/core/platform.h"

#define CPU_MAX PLATFORM_MAX_CPUS

/* Selectors of our GDT. */
#define SEL_CODE 0x08
#define SEL_DATA 0x10
#define SEL_TSS  0x18

#define IST_STACK_SIZE 8192

/* source: APM2 12.2.5 "64-Bit Task State Segment" */
struct cpu_tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 iopb;
} __attribute__((packed));
_Static_assert(sizeof(struct cpu_tss) == 104, "64-bit TSS");

struct cpu {
	struct cpu *self; /* at GS:0 */
	unsigned index;
	u32 apic_id;
	u64 gdt[5];
	struct cpu_tss tss;

	u64 host_vmcb_hpa; /* our own FS GS TR LDTR and system call MSRs, by VMSAVE */
	bool has_tsc_aux;
	u64 tsc_aux;       /* what MSR TSC_AUX holds now, if there is one */
	struct svm_fpu *fpu; /* whose registers the FPU holds, NULL: nobody's */
	u64 timer_armed;   /* what the LAPIC's timer is armed for */
	u64 nr_irq;        /* host interrupts taken, for the log and the tests */

	/* #DF, NMI and #MC, in this order */
	u8 ist[3][IST_STACK_SIZE] __attribute__((aligned(16)));
};

/* The CPU this code runs on. */
static inline struct cpu *cpu_this(void)
{
	struct cpu *c;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(c));
	return c;
}

/* One that cpu_init() was called for, or not yet: then its apic_id is 0. */
struct cpu *cpu_number(unsigned index);

/*
 * Gives the running CPU its own GDT, TSS, GS base and the common IDT.
 *
 *   context   once per CPU, interrupts off, before any exception can be handled
 *   returns   its struct cpu
 */
struct cpu *cpu_init(unsigned index);

#endif
