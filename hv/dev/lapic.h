/* SPDX-License-Identifier: MIT */
/*
 * The local APIC of one vCPU: what it holds of requested and served interrupts,
 * its own interrupts (timer, LINT0, LINT1, error), and its registers as a page of
 * memory (xAPIC) or as MSRs (x2APIC).
 *
 * The APIC's bus clock is 1 GHz: with divisor 1 the timer counts nanoseconds of the
 * guest's clock. As in pit.h no counter runs; counts are computed from times.
 *
 * Nothing here blocks or allocates. Accesses of several vCPUs are serialized by the
 * owner.
 *
 * source: APM2 16 "Advanced Programmable Interrupt Controller (APIC)"; the timer's
 *         deadline mode: Intel SDM 3, "TSC-Deadline Mode"
 */
#ifndef HV_DEV_LAPIC_H
#define HV_DEV_LAPIC_H

#include "mmu/types.h"

#define LAPIC_GPA   0xfee00000ull /* after reset */
#define LAPIC_NEVER (~0ull)

/* Of the timer when it repeats: a shorter period would leave the guest no time. */
#define LAPIC_MIN_PERIOD_NS 50000u

#define LAPIC_MSR_FIRST    0x800u
#define LAPIC_MSR_LAST     0x8ffu
#define LAPIC_MSR_DEADLINE 0x6e0u

#define LAPIC_BASE_BSP BIT(8)
#define LAPIC_BASE_X2  BIT(10)
#define LAPIC_BASE_ON  BIT(11)

/* How a message is delivered; the encoding of ICR, LVTs and the IO-APIC. */
enum apic_mode {
	APIC_FIXED = 0,
	APIC_LOWEST = 1,
	APIC_SMI = 2,
	APIC_NMI = 4,
	APIC_INIT = 5,
	APIC_SIPI = 6, /* vector: the page to start at */
	APIC_EXTINT = 7,
};

/* Where an interrupt comes from. */
enum apic_source { APIC_FROM_SELF, APIC_FROM_CPU, APIC_FROM_IOAPIC };

struct apic_message {
	u32 dest;
	u8 vector, mode; /* enum apic_mode */
	bool logical;    /* dest is a set by LDR, else an ID */
	bool wide;       /* dest has 32 bits: from an x2APIC */
	bool level;      /* trigger mode: the EOI is told to the IO-APICs */
	u8 source;       /* enum apic_source */
};

enum apic_shorthand { APIC_TO_DEST, APIC_TO_SELF, APIC_TO_ALL, APIC_TO_OTHERS };

struct lapic_owner {
	void *ctx;
	u64 (*now_ns)(void *ctx);

	/* When the guest's TSC will have reached this, on its clock; rounded up. */
	u64 (*tsc_ns)(void *ctx, u64 tsc);

	/* An IPI leaves. */
	void (*send)(void *ctx, unsigned cpu, const struct apic_message *m,
		     enum apic_shorthand shorthand);

	/*
	 * CPU cpu has to react. FIXED: a vector is new in its IRR. NMI, SMI, INIT,
	 * SIPI: the message itself, kept nowhere here.
	 */
	void (*accept)(void *ctx, unsigned cpu, enum apic_mode mode, u8 vector,
		       enum apic_source source);

	/* The guest is done with a level-triggered interrupt. */
	void (*eoi)(void *ctx, u8 vector);
};

enum lapic_lvt {
	LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR,
	LAPIC_NR_LVTS
};

struct lapic {
	const struct lapic_owner *owner;
	u32 id;          /* and number of the CPU */
	bool present;    /* else the CPU has none: no page, no MSRs, the PIC's line direct */
	bool offer_x2, offer_deadline; /* what CPUID shows */
	u64 base;        /* MSR APIC_BASE */
	u32 tpr, ldr, dfr, svr;
	u32 esr, esr_new; /* as read, and since it was last written */
	u64 icr;
	u32 lvt[LAPIC_NR_LVTS];
	u32 irr[8], isr[8], tmr[8];
	bool lint0;      /* its level */

	u32 divide;      /* as written */
	u32 initial;     /* count */
	u64 expires_ns;  /* when the count is 0; LAPIC_NEVER: it stands at 0 */
	u64 deadline;    /* MSR: TSC; 0 none */
};

/*
 * As after power-up, and with the wiring that firmware leaves for systems that know
 * the PIC only: on vCPU 0 LINT0 lets the PIC through.
 */
void lapic_init(struct lapic *l, unsigned id, const struct lapic_owner *owner);

/* As after INIT: ID and MSR APIC_BASE stay. */
void lapic_reset(struct lapic *l);

static inline bool lapic_is_on(const struct lapic *l)
{
	return l->present && l->base & LAPIC_BASE_ON;
}

static inline bool lapic_is_x2(const struct lapic *l)
{
	return lapic_is_on(l) && l->base & LAPIC_BASE_X2;
}

/* ---- registers ---- */

/* Whether the page of registers is at gpa now. */
bool lapic_covers(const struct lapic *l, gpa_t gpa);

/* One access to the page, within 4 aligned bytes. Only accesses of 4 bytes write. */
u32 lapic_read(struct lapic *l, u32 offset, unsigned size);
void lapic_write(struct lapic *l, u32 offset, unsigned size, u32 value);

/*
 * MSRs: APIC_BASE, LAPIC_MSR_DEADLINE, and LAPIC_MSR_FIRST to _LAST.
 *
 *   maxphyaddr  bits of a physical address, for APIC_BASE
 *   returns     false: #GP, nothing changed
 */
bool lapic_read_base(const struct lapic *l, u64 *value);
bool lapic_write_base(struct lapic *l, u64 value, unsigned maxphyaddr);
bool lapic_read_msr(struct lapic *l, u32 msr, u64 *value);
bool lapic_write_msr(struct lapic *l, u32 msr, u64 value);

/* CR8 is bits 7..4 of TPR. */
static inline u8 lapic_get_cr8(const struct lapic *l)
{
	return (u8)(l->tpr >> 4);
}

static inline void lapic_set_cr8(struct lapic *l, u8 cr8)
{
	l->tpr = (u32)cr8 << 4;
}

/* ---- interrupts (lapic_irq.c) ---- */

/* The vector in IRR to deliver now, -1 if there is none above PPR. */
int lapic_pending(const struct lapic *l);

/* The CPU took it: from IRR to ISR. */
void lapic_ack(struct lapic *l, u8 vector);

/* It did not take what was acknowledged last: back to IRR. */
void lapic_unack(struct lapic *l, u8 vector);

/* Whether what the PIC requests reaches the CPU: ExtINT by LINT0, or no APIC in
 * between. */
bool lapic_lets_pic(const struct lapic *l);

/* LINT0's level: the PIC's request. Of use where LINT0 is not ExtINT. */
void lapic_set_lint0(struct lapic *l, bool level);

/* Whether m, sent without shorthand, is for this one. */
bool lapic_matches(const struct lapic *l, const struct apic_message *m);

/* Processor priority: what is in service or set by TPR, 0..255. */
u8 lapic_ppr(const struct lapic *l);

/* A message arrives, whose destination has been resolved. calls: accept */
void lapic_deliver(struct lapic *l, const struct apic_message *m);

/* ---- for the lapic_*.c ---- */

bool lapic_get_bit(const u32 *bits, u8 vector);
void lapic_end_of_interrupt(struct lapic *l);
void lapic_raise(struct lapic *l, enum lapic_lvt lvt);

enum lapic_error {
	LAPIC_SENT_ILLEGAL = 5, LAPIC_RECEIVED_ILLEGAL = 6, LAPIC_ILLEGAL_REGISTER = 7
};
void lapic_error(struct lapic *l, enum lapic_error bit);

#define LAPIC_SVR_ENABLE  BIT(8)
#define LAPIC_LVT_MASKED  BIT(16)
#define LAPIC_LVT_LEVEL   BIT(15)
#define LAPIC_LVT_MODE(v) ((v) >> 8 & 7)

static inline bool lapic_is_enabled(const struct lapic *l)
{
	return lapic_is_on(l) && l->svr & LAPIC_SVR_ENABLE;
}

/* ---- timer (lapic_timer.c) ---- */

/* Raises what has expired. Periods that were missed count once. */
void lapic_update(struct lapic *l);

/* When lapic_update() has an interrupt to raise, in ns; LAPIC_NEVER. */
u64 lapic_deadline(const struct lapic *l);

void lapic_timer_start(struct lapic *l, u32 initial);
void lapic_timer_set_divide(struct lapic *l, u32 divide);
void lapic_timer_set_deadline(struct lapic *l, u64 tsc);
u32 lapic_timer_count(const struct lapic *l);

/* The LVT changed: another mode may stop the timer. */
void lapic_timer_set_lvt(struct lapic *l, u32 lvt);

/* TSC_DEADLINE: the time written, 0 once it is over or in another mode. */
u64 lapic_timer_get_deadline(const struct lapic *l);

#endif
