/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine: memory, the MMU library at work in it, and vCPUs that
 * execute one memory operation at a time the way hardware would: look into the
 * TLB, walk the tables, set A and D, or leave the guest with a fault.
 *
 *	struct sim -- mem, env (what the library asks for), em (events go out)
 *	    \-------- cpu[] -- registers, TLB, what mmu_enter() gave last
 *
 * All is single-threaded; several vCPUs run interleaved when a scheduler does.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <setjmp.h>
#include "hv/channel/emit.h"
#include "hv/sim/hwwalk.h"
#include "hv/sim/mem.h"
#include "hv/sim/sched.h"
#include "hv/sim/tlb.h"
#include "mmu/nested.h"

struct sim;

struct sim_cpu {
	struct sim *sim;
	u8 id;
	struct mmu_vcpu *vcpu;
	struct mmu_regs regs;
	struct tlb tlb;
	struct mmu_entry entry;	/* of the last mmu_enter */
	bool in_guest;
	bool kicked;		/* must leave the guest at once */
	bool executes;		/* is amid an instruction of the guest's */
	unsigned lose_flush;	/* so many flushes that mmu_enter asks for are lost: sabotage */
	bool inner;		/* the guest's own guest runs; regs are its */
	struct mmu_regs l1_regs;	/* inner: the guest's, to come back to */
	struct mmu_regs l2_regs;	/* not inner: of its guest, when it last ran */
	u64 rip;		/* counts operations; there are no instructions */
	u64 cr2;
};

struct sim_config {
	enum mmu_mode mode;	/* at first */
	unsigned vcpus;
	unsigned maxphyaddr;	/* 0: 48 */
	unsigned tdp_level;	/* 0: 4 */
	bool ad_disabled;	/* the hardware sets no A and D in the library's tables */
	u64 memory;		/* bytes for pages of library and guest */
	bool flushes_roots;	/* the library may ask for flushes by root */
	const char *shared;	/* file the host program attaches to; NULL: none */
	u64 seed;
};

struct sim {
	struct sim_mem mem;
	struct mmu_env env;
	struct ch_emitter em;
	struct mmu_vm *vm;
	struct sim_config config;
	struct sched *sched;
	struct sim_cpu cpu[MMU_MAX_VCPUS];
	u64 clock;		/* operations so far */
	unsigned busy;		/* calls of the library that are under way */
	u64 promises_broken;	/* entries found stale at an entry, after all flushes */
	u64 ghosts_used;	/* stale entries used where a flush had been promised */
	u64 faults;		/* exits taken */
	unsigned refuse_flushes; /* so many flushes by root will be refused */
	bool wrecked;		/* the audit is red: nothing is taken down in order */
	const char *panic;	/* the broken rule, NULL: none; then the machine is dead */
	u64 panic_a, panic_b;
	const char *panic_file;
	u32 panic_line;
	jmp_buf *on_panic;	/* where to go on; NULL: the program ends with status 1 */
	/* Told of every event after it was stored; must not emit. */
	void (*seen)(void *arg, u64 seq, u8 vcpu, u16 id, const void *payload, u16 len);
	void *seen_arg;
};

/*
 * Makes the machine with its vCPUs, in the state after reset, without memory
 * slots.
 *
 *   returns  NULL: done; else what failed, and nothing is left
 *   events   boot, the sites, vm_new, those of the library
 */
const char *sim_create(struct sim *sim, const struct sim_config *config);
void sim_destroy(struct sim *sim);

/* A slot backed by fresh memory.
 *   returns  as mmu_slot_create; NOMEM also if the machine has no more memory */
enum mmu_status __must_check sim_slot(struct sim *sim, unsigned as, unsigned slot, gfn_t gfn,
				      u64 npages, u32 flags);

/* ---- what a vCPU does ---------------------------------------------------- */

enum sim_outcome {
	SIM_OK,
	SIM_FAULT,	/* the guest got a #PF: error, cr2 */
	SIM_MMIO,	/* device memory: nothing is there */
	SIM_READONLY,	/* a write to read-only memory: dropped */
	SIM_NOMEM,	/* the host has no page left */
	SIM_STUCK,	/* the same access faulted again and again: a bug of ours */
	SIM_DEAD,	/* the machine has panicked */
	SIM_REFLECT,	/* the inner hypervisor got a nested page fault: error, ngpa; it runs */
};

struct sim_access {
	gva_t gva;
	enum hw_kind kind;
	bool user, ac;
	u8 size;		/* 1, 2, 4 or 8; not across a page */
	u64 value;		/* written, or as read */
	enum sim_outcome outcome;
	u64 error;		/* SIM_FAULT, SIM_REFLECT */
	gpa_t ngpa;		/* SIM_REFLECT */
	unsigned exits;		/* faults that left the guest */
	bool tlb_hit;		/* it was done by an entry that was there before */
	bool emulated;
	bool ghost_used;
};

/* Carries out one access, faults and all; fills the outcome. */
void sim_access(struct sim_cpu *cpu, struct sim_access *access);

/* Loads registers; load: what was done to CR3. */
void sim_set_regs(struct sim_cpu *cpu, const struct mmu_regs *regs, enum mmu_cr3_load load);

void sim_invlpg(struct sim_cpu *cpu, gva_t gva);
/* returns  false: #GP */
bool sim_invpcid(struct sim_cpu *cpu, enum mmu_invpcid type, u64 pcid, gva_t gva);

/* Enters and leaves the guest: what the library owes the vCPU is done. */
enum mmu_status sim_visit(struct sim_cpu *cpu);

/* Enters the guest and stays there until it is kicked, or all other tasks of the
 * scheduler have come to their ends. */
enum mmu_status sim_stay(struct sim_cpu *cpu);

/*
 * The vCPU's guest executes VMRUN: its own guest runs from now on, with these
 * registers. Then it is left for good (#VMEXIT); the guest flushes its guest's
 * translations; the guest ceases to be a hypervisor.
 *
 *   nested   as of mmu_nested_enter()
 *   returns  as mmu_nested_enter(): the guest runs on unless OK
 *   context  vmrun and free: no inner guest runs on the vCPU; vmexit: one does
 */
enum mmu_status __must_check sim_vmrun(struct sim_cpu *cpu, const struct mmu_nested *nested,
				       const struct mmu_regs *regs);
void sim_vmexit(struct sim_cpu *cpu);
void sim_nested_flush(struct sim_cpu *cpu);
void sim_nested_free(struct sim_cpu *cpu);

/* ---- looking ------------------------------------------------------------- */

/* The stages the hardware would walk for this vCPU now: stage[0] first. */
void sim_stages(struct sim_cpu *cpu, struct hw_stage stage[2]);

/* Reports entries of all TLBs that have become ghosts since last time; returns
 * the number of ghosts there are. events tlb_ghost */
unsigned sim_find_ghosts(struct sim *sim);

/* Emits the whole state as synthetic events. */
void sim_snapshot(struct sim *sim);

const char *sim_outcome_name(enum sim_outcome outcome);

#define sim_emit(sim, vcpu_id, name, ...) hv_emit(&(sim)->em, vcpu_id, name, __VA_ARGS__)

/* Something to say, as an event. */
void sim_log(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
