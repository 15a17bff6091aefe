/* SPDX-License-Identifier: MIT */
/*
 * One-instruction inlines and the bits of the registers they reach.
 *
 * source: APM2 3.1 "System Registers", APM3 "General-Purpose and System
 * Instructions"
 */
#ifndef HV_GUESTS_CPU_H
#define HV_GUESTS_CPU_H

#include <stdint.h>

enum {
	CR0_PE = 1u << 0,
	CR0_WP = 1u << 16,
	CR0_PG = 1u << 31,

	CR4_PSE = 1u << 4,
	CR4_PAE = 1u << 5,
	CR4_PGE = 1u << 7,
	CR4_OSFXSR = 1u << 9,
	CR4_SMEP = 1u << 20,
	CR4_SMAP = 1u << 21,

	MSR_EFER = 0xc0000080,
	EFER_NXE = 1u << 11,

	CPUID_APIC = 1u << 9, /* leaf 1, EDX */
	CPUID_EXT = 0x80000001, /* EDX: */
	CPUID_EXT_NX = 1u << 20,
	CPUID_EXT_1G = 1u << 26,
	CPUID_FEATURES = 7, /* EBX: */
	CPUID_FEATURES_SMEP = 1u << 7,
	CPUID_FEATURES_SMAP = 1u << 20,
	CPUID_SIZES = 0x80000008, /* EAX 7:0: bits of a physical address */
};

static inline void outb(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void cpuid(uint32_t leaf, uint32_t out[4])
{
	asm volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
		     : "a"(leaf), "c"(0));
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
		     : "memory");
}

#define CPU_REGISTER(reg)                                                   \
	static inline unsigned long read_##reg(void)                        \
	{                                                                   \
		unsigned long value;                                        \
		asm volatile("mov %%" #reg ", %0" : "=r"(value) : : "memory"); \
		return value;                                               \
	}                                                                   \
	static inline void write_##reg(unsigned long value)                 \
	{                                                                   \
		asm volatile("mov %0, %%" #reg : : "r"(value) : "memory");  \
	}
CPU_REGISTER(cr0)
CPU_REGISTER(cr2)
CPU_REGISTER(cr3)
CPU_REGISTER(cr4)
#undef CPU_REGISTER

static inline void invlpg(unsigned long va)
{
	asm volatile("invlpg (%0)" : : "r"(va) : "memory");
}

#endif
