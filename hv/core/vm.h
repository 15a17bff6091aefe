/* SPDX-License-Identifier: MIT */
/*
 * A virtual machine and its vCPUs.
 */
#ifndef HV_CORE_VM_H
#define HV_CORE_VM_H

#include "hv/core/console.h"
#include "hv/core/control.h"
#include "hv/core/cpus.h"
#include "hv/core/debug.h"
#include "hv/core/feature.h"
#include "hv/core/gdb.h"
#include "hv/core/last.h"
#include "hv/core/livelock.h"
#include "hv/core/nmi.h"
#include "hv/core/platform.h"
#include "hv/core/smm.h"
#include "hv/core/smm_watch.h"
#include "hv/core/start.h"
#include "hv/core/step.h"
#include "hv/core/tally.h"
#include "hv/core/tsc.h"
#include "hv/dev/board.h"

#define VM_MAX_VCPUS 16
/* Fewer shadow pages may not hold what one instruction needs at once: it would
 * fault for ever. KVM's least, too. */
#define VM_MIN_BUDGET	64
#define VM_MAX_RAM   (3ull << 30) /* below the PCI hole */
#define VM_MAX_COMPLAINTS 32u

struct vcpu {
	struct vm *vm;
	u8 id, cpu; /* cpu: the real one it runs on */
	enum ch_vstate state;

	struct vcpu_regs regs;
	struct vcpu_event event; /* waits for the next entry */
	struct vcpu_exit exit;   /* the last one */
	struct board_irq irq;    /* offered to the guest when it was entered last */
	bool nmi_pending;        /* asked for, not yet an event */
	struct vcpu_nmi nmi;
	struct vcpu_start start; /* INIT and SIPI that wait */
	struct smm smm;
	struct step step;        /* the instruction that is stepped */

	/*
	 * mmu is the view of this VM's own memory. walk_mmu is the one whose
	 * tables translate the vCPU's gvas now; it differs only while a guest of
	 * the guest runs.
	 */
	struct mmu_vcpu *mmu, *walk_mmu;

	/* MSRs the core keeps itself. */
	u64 msr_pat, msr_tsc_aux;
	struct tsc tsc;

	struct livelock livelock;

	u64 nr_exits;
	struct last_exits last;
	struct tally tally;
	void *machine; /* the machine's own: VMCB01, VMCB02, the current one */
};

struct vm {
	const struct platform *p;
	struct mmu_env env;
	struct mmu_vm *mmu;
	u64 ram_size; /* bytes, from gpa 0 */
	hpa_t ram_hpa;

	struct vcpu vcpu[VM_MAX_VCPUS];
	unsigned nr_vcpus;
	struct cpus cpus;

	struct features features;
	struct board board;
	struct console console;
	u64 clock_base; /* the guest's time 0 */
	struct control control;
	struct debug debug;
	struct gdb_session gdb;
	struct smm_watch smm_watch;

	unsigned nr_complaints; /* lines in the log that a guest can bring about at will */
	unsigned audit_every; /* so many exits, and at the end, every rule is checked; 0: never */
	bool ended;
	unsigned status; /* of the run, once ended */
};

struct vm_config {
	enum mmu_mode mode; /* at first */
	u64 ram_size;      /* a multiple of 2 MiB, at most VM_MAX_RAM */
	unsigned nr_vcpus; /* 1..VM_MAX_VCPUS */
	const char *cpu;   /* features_init(); NULL: as the machine has them */
};

/*
 * The slots, by number. Address space 1 is what a vCPU in SMM sees.
 *
 *   0  RAM below the window of the VGA, in both
 *   1  RAM above it, in both
 *   2  SMRAM, the RAM behind it, in 1 only
 */
enum vm_slot { VM_SLOT_LOW, VM_SLOT_HIGH, VM_SLOT_SMRAM };

/*
 * Makes the machine: memory, MMU, devices, vCPUs in the state after reset, all but
 * the first waiting for their start.
 *
 *   context  the first CPU; it holds the lock of the core from now on (cpus.h)
 *   returns  NULL: done; else why not, as a text
 *   events   vm_new, those of the MMU, vcpu_state
 */
const char *vm_create(struct vm *vm, const struct platform *p, const struct vm_config *config,
		      const char *guest);

/*
 * Runs the vCPUs of this CPU until the guest is at its end. The first CPU calls
 * vm_run() after vm_create(), the others vm_run_other() at any time then; on them it
 * does not return.
 *
 *   returns  the exit status of the run; no other CPU does anything any more
 */
unsigned vm_run(struct vm *vm);
void vm_run_other(struct vm *vm) __attribute__((noreturn));

/* The guest is at its end; the first reason counts. events: guest_end */
void vm_end(struct vm *vm, unsigned status, const char *reason);

/*
 * Whether one more line about what this guest does may go to the log; a guest
 * must not be able to drown it.
 */
bool vm_may_complain(struct vm *vm);

/* Whether v runs, or is halted and something can end that. */
bool vm_can_go_on(const struct vcpu *v);

/* When the CPU has something to do by time, on the machine's clock; PLATFORM_NEVER. */
u64 vm_deadline(struct vm *vm, unsigned cpu);

/* Whether another vCPU of v's CPU could run now. */
bool vm_others_wait(struct vcpu *v);

/* A pointer to guest RAM [gpa, gpa + len), NULL if it is not all RAM. For loaders:
 * what it is used to write is not seen by the MMU. */
void *vm_ram(struct vm *vm, gpa_t gpa, u64 len);

/* Emits the whole state as synthetic events. No vCPU may be in the guest. */
void vm_snapshot(struct vm *vm);

/* An event of a vCPU, if events are on. */
#define vcpu_emit(v, name, ...) \
	do { \
		if ((v)->vm->env.events_on) \
			hv_emit((v)->vm->p->em, (v)->id, name, __VA_ARGS__); \
	} while (0)

/* Emits the vCPU's registers. events: regs */
void vcpu_emit_regs(struct vcpu *v);

#endif
