/* SPDX-License-Identifier: MIT */
/*
 * What the core asks of the machine it runs on. The machine fills one struct;
 * the core never names a machine.
 *
 * Time is counted in the machine's clock ticks, tsc_hz of them a second; that
 * is also the clock of the events.
 */
#ifndef HV_CORE_PLATFORM_H
#define HV_CORE_PLATFORM_H

#include "hv/channel/emit.h"
#include "hv/core/pages.h"
#include "hv/core/regs.h"
#include "mmu/mmu.h"

struct vcpu;

#define PLATFORM_NEVER    (~0ull) /* a deadline that does not come */
#define PLATFORM_MAX_CPUS 8u

/* Events of the guest's CPU that wait for delivery or were interrupted in it. */
enum vcpu_event_type {
	VCPU_EVENT_NONE,
	VCPU_EVENT_NMI,
	VCPU_EVENT_EXCEPTION,
	VCPU_EVENT_SOFT, /* INT n, INT3, INTO; RIP is behind it already */
};

struct vcpu_event {
	enum vcpu_event_type type;
	u8 vector;
	bool has_code;
	u32 code;
};

/*
 * Why the guest was left. kind decides what else is valid; code, info1 and
 * info2 are the hardware's own words, for the event stream.
 */
struct vcpu_exit {
	enum ch_exit kind;
	u32 code;
	u64 info1, info2;

	u64 addr, error;            /* FAULT: gva (shadow) or gpa (tdp), error code */
	u16 port;                   /* IO */
	u8 io_size;                 /* IO: bytes */
	bool io_in, io_string, io_rep;
	bool msr_write;             /* MSR */
	bool tf;                    /* RFLAGS.TF as the CPU left it; the guest's or the step's */
	bool soft;                  /* DEBUG: INT3, INTO or INT n, RIP at it; else a step */
	u8 vector;                  /* EXCEPTION */
	u32 vector_code;            /* EXCEPTION: its error code */

	bool delivering;            /* the CPU was delivering an event when it left: the access
				     * is the delivery's, not the instruction's at RIP */
	struct vcpu_event interrupted; /* that event, if it must be given again */
	bool escaped;               /* the guest runs on tables that are not ours: the end */
	bool irq_delivered;         /* the interrupt of run->irq reached the guest */
};

/* What the core wants of one run of the guest. */
struct vcpu_run {
	struct mmu_entry mmu;
	int irq;             /* vector of an external interrupt to deliver when the guest
			      * takes it; -1 none */
	struct vcpu_event event; /* delivered before the first instruction */
	u64 deadline;        /* leave the guest at this clock, PLATFORM_NEVER: not for a clock */
	bool event_only;     /* leave (INTR) right behind the delivery of event */
	bool smm;            /* leave also at what the CPU calls an invalid opcode: it may
			      * be RSM, as the CPU is not in SMM */
	bool iret;           /* leave at IRET */
	bool breakpoints;    /* leave (DEBUG, soft) at INT3 and INT n */
	bool pause;          /* leave at PAUSE: others wait for this CPU */
	bool step;           /* leave (DEBUG) after one instruction, or right behind the
			      * delivery of event; leave also at what would be an
			      * exception, and at INT n */
};

struct platform {
	enum ch_machine machine;
	const char *version; /* of vitrine */
	u64 tsc_hz;
	unsigned maxphyaddr; /* bits */
	u8 *direct_map;
	struct pages *pages;
	struct ch_emitter *em;
	bool deterministic;  /* nothing of the host may be read but doorbells */
	unsigned nr_cpus;    /* 1..PLATFORM_MAX_CPUS */
	bool unpaged_escapes; /* nested paging does not hold guests without paging */

	/* The clock. Any context. */
	u64 (*clock)(void);

	/*
	 * Makes the machine's part of a vCPU: registers as after a reset.
	 *   returns  false: no memory
	 */
	bool (*vcpu_init)(struct vcpu *v);

	/* MSR KernelGSBase, which the guest changes without an exit. */
	u64 (*kernel_gs_base)(struct vcpu *v);

	/* Reads or writes a register of SSE. NULL: the machine has none. */
	void (*xmm)(struct vcpu *v, unsigned number, u8 bytes[16], bool write);

	/* The segment registers, in place; valid while the vCPU is not in the guest. */
	struct vcpu_segs *(*segs)(struct vcpu *v);

	/*
	 * Runs the guest until it exits. v->regs are loaded before and stored
	 * after. Called between mmu_enter() and mmu_leave() with interrupts off,
	 * without the core's lock; always on the same CPU for the same vCPU.
	 */
	void (*run)(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit);

	/* Interrupts of this CPU off and on; between them a kick stays pending. */
	void (*irq_disable)(void);
	void (*irq_enable)(void);

	/* Sleeps until an interrupt or the deadline, whichever is first. With interrupts
	 * off before, none that came since is missed; they are on after it. */
	void (*wait)(u64 deadline);

	/* An interrupt for a real CPU: it leaves the guest or wait() soon. Any context. */
	void (*kick)(unsigned cpu);

	/* One turn of a waiting loop. */
	void (*relax)(void);

	/* Doorbell bytes (CH_BELL_) since the last call as a set of 1 << (byte & 31). */
	u32 (*bells)(void);

	/* CPUID of the machine. out: eax ebx ecx edx */
	void (*cpuid)(u32 leaf, u32 sub, u32 out[4]);

	/* One line to the boot log and as event. */
	void (*log)(const char *f, ...) __attribute__((format(printf, 1, 2)));

	/* The end of the run, with its exit status. */
	void (*end)(unsigned status) __attribute__((noreturn));

	/* Our own bug. */
	void (*panic)(const char *f, ...) __attribute__((noreturn, format(printf, 1, 2)));
};

#endif
