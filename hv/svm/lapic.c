/* SPDX-License-Identifier: MIT */
/*
 * LAPIC registers through the direct map.
 *
 * source: APM2 16 "Advanced Programmable Interrupt Controller (APIC)"
 */
#include "hv/svm/lapic.h"

#include "hv/core/x86.h"
#include "hv/svm/memory.h"
#include "hv/svm/trap.h"
#include "hv/svm/x86.h"

#define LAPIC_HPA 0xfee00000u

enum lapic_reg {
	LAPIC_TPR = 0x80,
	LAPIC_EOI = 0xb0,
	LAPIC_SVR = 0xf0,
	LAPIC_ICR_LOW = 0x300,
	LAPIC_ICR_HIGH = 0x310,
	LAPIC_LVT_TIMER = 0x320,
	LAPIC_LVT_LINT0 = 0x350,
	LAPIC_LVT_LINT1 = 0x360,
	LAPIC_TIMER_INITIAL = 0x380,
	LAPIC_TIMER_CURRENT = 0x390,
	LAPIC_TIMER_DIVIDE = 0x3e0,
};

#define SVR_ENABLE    0x100u
#define LVT_MASKED    0x10000u
#define LVT_EXTINT    0x700u
#define LVT_NMI       0x400u
#define ICR_PENDING   0x1000u
#define ICR_SELF      0x40000u
#define ICR_ASSERT    0x4000u
#define ICR_INIT      0x500u
#define ICR_START     0x600u
#define DIVIDE_BY_ONE 0xbu

static volatile u32 *lapic_reg(enum lapic_reg r)
{
	return memory_ptr(LAPIC_HPA + r);
}

void lapic_start(bool with_pic)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0x800);
	*lapic_reg(LAPIC_SVR) = SVR_ENABLE | TRAP_SPURIOUS;
	*lapic_reg(LAPIC_TPR) = 0;
	*lapic_reg(LAPIC_LVT_LINT0) = with_pic ? LVT_EXTINT : LVT_MASKED;
	*lapic_reg(LAPIC_LVT_LINT1) = LVT_NMI;
	*lapic_reg(LAPIC_TIMER_DIVIDE) = DIVIDE_BY_ONE;
	*lapic_reg(LAPIC_LVT_TIMER) = TRAP_TIMER;
	*lapic_reg(LAPIC_TIMER_INITIAL) = 0;
}

void lapic_eoi(void)
{
	*lapic_reg(LAPIC_EOI) = 0;
}

void lapic_timer_arm(u32 ticks)
{
	*lapic_reg(LAPIC_TIMER_INITIAL) = ticks;
}

u32 lapic_timer_left(void)
{
	return *lapic_reg(LAPIC_TIMER_CURRENT);
}

static void lapic_send(u32 apic_id, u32 command)
{
	*lapic_reg(LAPIC_ICR_HIGH) = apic_id << 24;
	*lapic_reg(LAPIC_ICR_LOW) = command;
	while (*lapic_reg(LAPIC_ICR_LOW) & ICR_PENDING)
		cpu_relax();
}

void lapic_send_init(u32 apic_id)
{
	lapic_send(apic_id, ICR_ASSERT | ICR_INIT);
}

void lapic_send_start(u32 apic_id, u8 page)
{
	lapic_send(apic_id, ICR_ASSERT | ICR_START | page);
}

void lapic_kick_self(void)
{
	lapic_send(0, ICR_SELF | TRAP_KICK);
}

void lapic_kick(u32 apic_id)
{
	lapic_send(apic_id, TRAP_KICK);
}
