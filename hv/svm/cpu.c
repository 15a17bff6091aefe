/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables. The GDT and the TSS are per CPU, the IDT is common.
 *
 * source: APM2 4.8 "Long-Mode Segment Descriptors", 8.9.3 "Interrupt Stack Frame"
 */
#include "hv/svm/cpu.h"

#include "hv/core/x86.h"
#include "hv/svm/x86.h"

#define CPUID_RDTSCP BIT(27)

#define GATE_SIZE 16 /* bytes of code per gate in gates.S */

struct idt_gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_mid;
	u32 offset_high, reserved;
};
_Static_assert(sizeof(struct idt_gate) == 16, "64-bit gate");

struct table_pointer {
	u16 limit;
	u64 base;
} __attribute__((packed));

extern const char gates[];

static struct idt_gate cpu_idt[256] __attribute__((aligned(16)));
static struct cpu cpus[CPU_MAX];

static unsigned cpu_vector_ist(unsigned vector)
{
	switch (vector) {
	case X86_DF:
		return 1;
	case X86_NMI:
		return 2;
	case X86_MC:
		return 3;
	default:
		return 0;
	}
}

static void cpu_fill_idt(void)
{
	for (unsigned v = 0; v < 256; v++) {
		u64 offset = (u64)gates + v * GATE_SIZE;

		cpu_idt[v] = (struct idt_gate){
			.offset_low = (u16)offset,
			.selector = SEL_CODE,
			.ist = (u8)cpu_vector_ist(v),
			.type = 0x8e, /* present, interrupt gate: IF is clear inside */
			.offset_mid = (u16)(offset >> 16),
			.offset_high = (u32)(offset >> 32),
		};
	}
}

static void cpu_fill_gdt(struct cpu *c)
{
	u64 base = (u64)&c->tss;

	c->gdt[SEL_CODE / 8] = 0x00af9b000000ffff;
	c->gdt[SEL_DATA / 8] = 0x00cf93000000ffff;
	c->gdt[SEL_TSS / 8] = (sizeof(c->tss) - 1) | (base & 0xffffff) << 16 |
			      0x89ULL << 40 | (base >> 24 & 0xff) << 56;
	c->gdt[SEL_TSS / 8 + 1] = base >> 32;
	for (unsigned i = 0; i < 3; i++)
		c->tss.ist[i] = (u64)(c->ist[i] + IST_STACK_SIZE);
	c->tss.iopb = sizeof(c->tss);
}

static void cpu_load_tables(const struct cpu *c)
{
	struct table_pointer gdt = { sizeof(c->gdt) - 1, (u64)c->gdt };
	struct table_pointer idt = { sizeof(cpu_idt) - 1, (u64)cpu_idt };

	__asm__ volatile("lgdt %0" : : "m"(gdt));
	__asm__ volatile("pushq %0\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\tmovl %1, %%eax\n\t"
			 "movl %%eax, %%ds\n\t"
			 "movl %%eax, %%es\n\t"
			 "movl %%eax, %%ss\n\t"
			 : : "i"(SEL_CODE), "i"(SEL_DATA) : "rax", "memory");
	__asm__ volatile("lidt %0" : : "m"(idt));
	__asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
}

struct cpu *cpu_number(unsigned index)
{
	return &cpus[index];
}

struct cpu *cpu_init(unsigned index)
{
	struct cpu *c = &cpus[index];

	c->self = c;
	c->index = index;
	c->timer_armed = PLATFORM_NEVER;
	if (index == 0)
		cpu_fill_idt();
	cpu_fill_gdt(c);
	cpu_load_tables(c);
	wrmsr(MSR_GS_BASE, (u64)c);
	wrmsr(MSR_KGS_BASE, 0);
	c->has_tsc_aux = cpuid(0x80000001, 0).edx & CPUID_RDTSCP;
	if (c->has_tsc_aux)
		wrmsr(MSR_TSC_AUX, 0);
	c->apic_id = cpuid(1, 0).ebx >> 24;
	return c;
}
