/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's turn: entry, exit, and what all handlers share.
 */
#include "hv/core/vcpu.h"

#include "hv/core/clock.h"

#include <string.h>

/* A guest that is entered gets so long, whatever its timers say: else one whose timer
 * is faster than we are would never get to its next instruction. */
#define LEAST_RUN_NS 20000u

/* How long an interrupt is held back behind an interrupt shadow. */
#define SHADOW_HOLD_NS 20000u

static void (*const vcpu_handlers[])(struct vcpu *v) = {
#define EXIT(kind, handler) [CH_EXIT_##kind] = handler,
#include "hv/core/exit.def"
};

void vcpu_set_state(struct vcpu *v, enum ch_vstate state)
{
	if (v->state == state)
		return;
	v->state = state;
	vcpu_emit(v, vcpu_state, state);
}

enum insn_mode vcpu_mode(struct vcpu *v)
{
	const struct vcpu_seg *cs = &v->vm->p->segs(v)->seg[SEG_CS];

	if (v->regs.efer & EFER_LMA && cs->attrib & SEG_ATTRIB_L)
		return INSN_MODE64;
	if (!(v->regs.cr0 & CR0_PE) || v->regs.rflags & RFLAGS_VM || !(cs->attrib & SEG_ATTRIB_D))
		return INSN_MODE16;
	return INSN_MODE32;
}

void vcpu_tell_mmu(struct vcpu *v, enum mmu_cr3_load load)
{
	struct mmu_regs regs = {
		.cr0 = v->regs.cr0,
		.cr3 = v->regs.cr3,
		.cr4 = v->regs.cr4,
		.efer = v->regs.efer,
		.cpl = v->regs.cpl,
		.ac = v->regs.rflags & RFLAGS_AC,
		.smm = v->smm.active,
	};

	mmu_set_regs(v->walk_mmu, &regs, load);
}

void vcpu_sync_mmu(struct vcpu *v)
{
	const struct mmu_regs *told = mmu_get_regs(v->walk_mmu);

	if (told->cr3 != v->regs.cr3 || told->cpl != v->regs.cpl ||
	    told->ac != !!(v->regs.rflags & RFLAGS_AC))
		vcpu_tell_mmu(v, MMU_CR3_NONE);
}

u64 vcpu_access(const struct vcpu *v)
{
	return v->regs.cpl == 3 ? PFERR_USER : 0;
}

/* Walks without side effects: looking at an instruction is no access of the guest.
 * Where no memory is ones are read. */
static size_t vcpu_peek(struct vcpu *v, gva_t gva, u8 *bytes, size_t len)
{
	size_t left = PAGE_SIZE - (gva & ~PAGE_MASK), n = len < left ? len : left, got;
	struct mmu_walk walk;

	if (!mmu_walk(v->walk_mmu, gva, PFERR_FETCH | vcpu_access(v), &walk))
		return 0;
	got = mmu_vcpu_read(v->mmu, walk.gpa, bytes, n);
	memset(bytes + got, 0xff, n - got);
	return n;
}

gva_t vcpu_rip_gva(struct vcpu *v)
{
	const struct vcpu_seg *cs = &v->vm->p->segs(v)->seg[SEG_CS];

	return vcpu_mode(v) == INSN_MODE64 ? v->regs.rip : (u32)(cs->base + v->regs.rip);
}

size_t vcpu_fetch(struct vcpu *v, u8 bytes[INSN_MAX_LEN])
{
	gva_t gva = vcpu_rip_gva(v);
	size_t n;

	vcpu_sync_mmu(v);
	n = vcpu_peek(v, gva, bytes, INSN_MAX_LEN);
	if (n && n < INSN_MAX_LEN)
		n += vcpu_peek(v, vcpu_wrap(v, gva + n), bytes + n, INSN_MAX_LEN - n);
	return n;
}

bool vcpu_decode(struct vcpu *v, struct insn *i)
{
	u8 bytes[INSN_MAX_LEN];
	size_t n = vcpu_fetch(v, bytes);

	if (!n)
		return false;
	switch (insn_decode(bytes, n, vcpu_mode(v), i)) {
	case INSN_OK:
		return true;
	case INSN_UNKNOWN: /* it would exit again for ever */
		vcpu_inject_ud(v);
		return false;
	default: /* its rest is not mapped: that faults by itself */
		return false;
	}
}

void vcpu_advance(struct vcpu *v, unsigned len)
{
	v->regs.rip += len;
	switch (vcpu_mode(v)) {
	case INSN_MODE16:
		v->regs.rip &= 0xffff;
		break;
	case INSN_MODE32:
		v->regs.rip &= 0xffffffff;
		break;
	case INSN_MODE64:
		break;
	}
	v->regs.rflags &= ~RFLAGS_RF;
	v->regs.int_shadow = false;
}

void vcpu_skip(struct vcpu *v, unsigned len)
{
	vcpu_advance(v, len);
	if (v->regs.rflags & RFLAGS_TF)
		vcpu_trap(v);
}

/* What was being delivered when the guest was left goes first next time; an
 * interrupt is not lost either: its request is still there. */
static void vcpu_take_interrupted(struct vcpu *v)
{
	if (v->exit.interrupted.type != VCPU_EVENT_NONE)
		v->event = v->exit.interrupted;
}

bool vcpu_is_stepping(const struct vcpu *v)
{
	const struct vm *vm = v->vm;

	return (vm->control.step == CH_STEP_INSN && vm->control.step_vcpu == v->id) ||
	       (vm->debug.stepping_over && vm->debug.over_vcpu == v->id);
}

/* When the guest has to be left for its devices, which want to at due. */
static u64 vcpu_deadline(struct vm *vm, u64 due)
{
	u64 least = vm->p->clock() + clock_from_ns(vm->p, LEAST_RUN_NS);

	return due > least ? due : least;
}

static void vcpu_prepare(struct vcpu *v, struct vcpu_run *run)
{
	struct vm *vm = v->vm;
	struct cpus_one *one = cpus_this(vm);
	u64 due = vm_deadline(vm, v->cpu);

	nmi_choose(v);
	run->event = v->event;
	run->deadline = vcpu_deadline(vm, due);
	run->pause = vm_others_wait(v);
	if (run->pause && one->slice_end < run->deadline)
		run->deadline = one->slice_end;
	v->irq = board_irq(&vm->board, v->id);
	v->regs.cr8 = lapic_get_cr8(vcpu_lapic(v));
	run->irq = v->irq.vector;
	run->breakpoints = vm->debug.nr;
	run->step = nmi_begin_step(v) || vcpu_is_stepping(v);
	if (run->step) {
		run->irq = -1;
		step_begin(v);
	}
	run->smm = v->smm.active;
	run->iret = v->nmi.blocked && !v->smm.active;
	run->event_only = smm_waits(v);
	if (run->event_only)
		run->irq = -1;
	smm_watch_turn(v, run);
	if (run->irq >= 0 && v->regs.int_shadow) {
		/* Some machines forget the shadow at entry: the interrupt waits. */
		u64 soon = vm->p->clock() + clock_from_ns(vm->p, SHADOW_HOLD_NS);

		run->irq = -1;
		if (soon < run->deadline)
			run->deadline = soon;
	}
	one->deadline = due < run->deadline ? due : run->deadline;
}

/* Returns false if the guest cannot be entered; it has been ended then. */
static bool vcpu_enter(struct vcpu *v)
{
	const struct platform *p = v->vm->p;
	struct vcpu_run run = { 0 };

	vcpu_prepare(v, &run);
	vcpu_sync_mmu(v); /* with nested paging CR3 may be another one, and the mode, too */
	p->irq_disable();
	if (mmu_enter(v->mmu, &run.mmu) != MMU_OK) {
		p->irq_enable();
		vm_end(v->vm, 125, "out of memory for page tables");
		return false;
	}
	vcpu_emit(v, enter, v->regs.rip, run.mmu.root, run.mmu.flush != MMU_FLUSH_NONE);
	v->event.type = VCPU_EVENT_NONE;
	if (run.irq >= 0)
		board_ack(&v->vm->board, v->id, v->irq);
	cpus_leave(v->vm);
	p->run(v, &run, &v->exit);
	mmu_leave(v->mmu); /* others may wait for that, holding the lock */
	p->irq_enable();
	cpus_return(v->vm);
	if (v->exit.irq_delivered)
		vcpu_emit(v, inject, (u8)run.irq, 0, 0, 0);
	else if (run.irq >= 0)
		board_unack(&v->vm->board, v->id, v->irq);
	return true;
}

/* The exit's event becomes the cause of all that follows. */
static void vcpu_announce(struct vcpu *v)
{
	const struct vcpu_exit *e = &v->exit;
	u8 bytes[INSN_MAX_LEN];
	size_t n = 0;

	if (!v->vm->env.events_on)
		return;
	if (e->kind != CH_EXIT_intr && e->kind != CH_EXIT_invalid && e->kind != CH_EXIT_shutdown)
		n = vcpu_fetch(v, bytes);
	ch_set_cause(v->vm->p->em,
		     hv_emit_tail(v->vm->p->em, v->id, exit, bytes, n, e->kind, e->code, e->info1,
				  e->info2, v->regs.rip));
}

void vcpu_step_done(struct vcpu *v)
{
	struct control *c = &v->vm->control;

	debug_step_done(v->vm);
	if (c->step == CH_STEP_INSN && c->step_vcpu == v->id)
		control_ask(v->vm, CH_STOP_STEP);
}

/* An instruction we carried out, or an exception's delivery, ends a step too. An
 * INT n is done when it is delivered. */
static void vcpu_check_step(struct vcpu *v, u64 rip)
{
	if (v->regs.rip != rip && v->event.type != VCPU_EVENT_SOFT && vcpu_is_stepping(v))
		vcpu_step_done(v);
}

void vcpu_turn(struct vcpu *v)
{
	u64 rip = v->regs.rip, exit_rip;

	if (smm_deliver(v)) {
		vcpu_check_step(v, rip);
		return;
	}
	if (!vcpu_enter(v))
		return;
	exit_rip = v->regs.rip;
	v->nr_exits++;
	last_note(v);
	tally_exit(&v->tally, v->exit.kind);
	vcpu_announce(v);
	vcpu_take_interrupted(v);
	if (v->exit.escaped) {
		vm_end(v->vm, 125, "a task switch by a TSS, which shadow paging cannot follow: use "
				   "mmu=tdp");
		return;
	}
	vcpu_handlers[v->exit.kind](v);
	vcpu_check_step(v, rip);
	livelock_guard(v, exit_rip);
	board_update(&v->vm->board);
}
