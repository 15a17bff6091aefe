/* SPDX-License-Identifier: MIT */
/*
 * The machine instructions C has no words for, one inline function each, for
 * the bare-metal image only. What the bits mean is in hv/core/x86.h.
 */
#ifndef HV_SVM_X86_H
#define HV_SVM_X86_H

#include "mmu/types.h"

static inline void outb(u16 port, u8 v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline u8 inb(u16 port)
{
	u8 v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}

static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

static inline u64 rdtsc(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

struct cpuid_regs {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid_regs cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

#define X86_READ_REG(reg) \
	static inline u64 read_##reg(void) \
	{ \
		u64 v; \
		__asm__ volatile("mov %%" #reg ", %0" : "=r"(v)); \
		return v; \
	}
#define X86_WRITE_REG(reg) \
	static inline void write_##reg(u64 v) \
	{ \
		__asm__ volatile("mov %0, %%" #reg : : "r"(v) : "memory"); \
	}

X86_READ_REG(cr0)
X86_READ_REG(cr2)
X86_READ_REG(cr3)
X86_READ_REG(cr4)
X86_WRITE_REG(cr0)
X86_WRITE_REG(cr4)

static inline void cpu_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

static inline void irq_enable(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline void irq_disable(void)
{
	__asm__ volatile("cli" : : : "memory");
}

/* Sleeps until an interrupt; STI takes effect only after HLT has begun, so
 * that no wake-up is lost. Returns with interrupts off. */
static inline void irq_wait(void)
{
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

#endif
