/* SPDX-License-Identifier: MIT */
/*
 * Stops, steps, breaks, and the wait for a slow reader.
 */
#include "hv/core/control.h"

#include "hv/core/clock.h"
#include "hv/core/fmt.h"
#include "hv/core/vm.h"

#include <string.h>

/* Free slots an operation may need at most; fewer make us wait for the reader. */
#define CONTROL_RESERVE 8192u
#define CONTROL_WAIT_NS 2000000000ull

/* After a panic: how often a CPU that gets no doorbells looks for one; and how long
 * others are given to finish an event. */
#define CONTROL_LOOK_NS 10000000u
#define CONTROL_SPINS   100000u

/* A snapshot is no operation but of any size: in it, room for one event is enough. */
#define CONTROL_RESERVE_EVENT 64u

#define CONTROL_BELL(byte) (1u << ((byte) & 31))

static bool control_break_matches(const struct control_break *b, u16 id, const void *payload,
				  u16 len)
{
	u64 value = 0;

	if (!b->set || b->event != id)
		return false;
	if (b->offset < len)
		memcpy(&value, (const u8 *)payload + b->offset,
		       len - b->offset < 8 ? len - b->offset : 8);
	return (value & b->mask) == b->value;
}

static bool control_step_ends(const struct control *c, u16 id)
{
	switch (c->step) {
	case CH_STEP_EVENT: /* an event of the MMU */
		return id < 0x100;
	case CH_STEP_FAULT:
		return id == EV_fault;
	case CH_STEP_EXIT:
		return id == EV_exit;
	default: /* an instruction ends by its own exit */
		return false;
	}
}

/* A reader that is there but slow is given two seconds, once; when it has
 * caught up it is waited for again. */
static void control_wait_for_slots(struct vm *vm, u32 reserve)
{
	const struct platform *p = vm->p;
	struct control *c = &vm->control;
	u64 until;

	if (p->deterministic || !atomic_load(&p->em->header->reader) ||
	    ch_free_slots(p->em) >= reserve)
		return;
	until = p->clock() + clock_from_ns(p, CONTROL_WAIT_NS);
	while (!c->lossy && ch_free_slots(p->em) < reserve) {
		p->relax();
		if (p->clock() <= until)
			continue;
		c->lossy = true;
		c->lossy_seq = c->last_seq;
	}
	c->overran |= c->lossy && !ch_free_slots(p->em);
}

void control_seen(void *ctx, u64 seq, u8 vcpu, u16 id, const void *payload, u16 len)
{
	struct vm *vm = ctx;
	struct control *c = &vm->control;

	c->recent[c->nr_recent++ % CONTROL_NR_RECENT] = (struct control_recent){ seq, id, vcpu };
	c->last_seq = seq;
	if (vm->p->em->synthetic) {
		control_wait_for_slots(vm, CONTROL_RESERVE_EVENT);
		return;
	}
	if (c->stopped || c->asked)
		return;
	if (control_step_ends(c, id)) {
		c->asked = true;
		c->why = CH_STOP_STEP;
		c->seq = seq;
		return;
	}
	for (unsigned i = 0; i < CONTROL_MAX_BREAKS; i++) {
		if (!control_break_matches(&c->brk[i], id, payload, len))
			continue;
		c->asked = true;
		c->why = CH_STOP_BREAK;
		c->seq = seq;
		return;
	}
}

void control_ask(struct vm *vm, enum ch_stop why)
{
	struct control *c = &vm->control;

	if (c->stopped || c->asked)
		return;
	c->asked = true;
	c->why = why;
	c->seq = c->last_seq;
}

static void control_stop(struct vm *vm)
{
	struct control *c = &vm->control;

	if (!c->asked || c->stopped || vm->ended)
		return;
	c->asked = false;
	c->stopped = true;
	c->step = CH_STEP_NONE;
	console_flush(vm);
	hv_emit(vm->p->em, MMU_NO_VCPU, stop, (u8)c->why, c->seq);
	debug_step_done(vm);
	gdb_tell_stopped(vm);
}

void control_resume(struct vm *vm, enum ch_step step, u8 vcpu)
{
	struct control *c = &vm->control;
	struct vcpu *v;

	hv_emit(vm->p->em, MMU_NO_VCPU, resume, (u8)step);
	c->stopped = false; /* what asked for a stop since then still gets it */
	c->step = step;
	c->step_vcpu = vcpu;
	c->held = 0;
	/* One that has been shown at a breakpoint goes on behind it; another one comes to
	 * its own, and so does a halted one when it has woken. */
	v = &vm->vcpu[step == CH_STEP_INSN ? vcpu : vm->gdb.vcpu];
	if (!vm->debug.stepping_over && v->state == CH_RUNNING && debug_at_rip(v))
		debug_step_over(v);
	if (step == CH_STEP_INSN && !vm_can_go_on(&vm->vcpu[vcpu]))
		control_ask(vm, CH_STOP_STEP); /* there is no next instruction */
	cpus_kick_all(vm);
}

void control_snapshot(struct vm *vm)
{
	struct control *c = &vm->control;

	for (unsigned i = 0; i < CONTROL_MAX_BREAKS; i++) {
		const struct control_break *b = &c->brk[i];

		if (b->set)
			hv_emit(vm->p->em, MMU_NO_VCPU, break_set, (u8)i, b->event, b->mask,
				b->value, b->offset);
	}
	if (c->stopped)
		hv_emit(vm->p->em, MMU_NO_VCPU, stop, (u8)c->why, c->seq);
}

/* The reader has caught up, or is gone. What it may have missed is told once. */
static void control_end_lossy(struct vm *vm)
{
	struct control *c = &vm->control;

	if (!c->lossy)
		return;
	c->lossy = false;
	if (c->overran)
		hv_emit(vm->p->em, MMU_NO_VCPU, gap, c->last_seq - c->lossy_seq);
	c->overran = false;
}

static void control_wait_for_reader(struct vm *vm)
{
	if (vm->p->deterministic || !atomic_load(&vm->p->em->header->reader) ||
	    ch_free_slots(vm->p->em) >= CONTROL_RESERVE)
		control_end_lossy(vm);
	else
		control_wait_for_slots(vm, CONTROL_RESERVE);
}

/* The doorbell is the first CPU's. */
static void control_serve(struct vm *vm)
{
	u32 bells = cpus_self(vm) ? 0 : vm->p->bells();

	if (bells & (CONTROL_BELL(CH_BELL_MAIL) | CONTROL_BELL(CH_BELL_GDB))) {
		cpus_gather(vm);
		control_wait_for_reader(vm); /* it may be a snapshot that is asked for */
		if (bells & CONTROL_BELL(CH_BELL_MAIL))
			command_serve(vm);
		if (bells & CONTROL_BELL(CH_BELL_GDB))
			gdb_serve(vm);
		cpus_release(vm);
	}
	if (bells & CONTROL_BELL(CH_BELL_CONSOLE))
		vm->control.console_waiting = true;
	if (vm->control.console_waiting)
		vm->control.console_waiting = !console_feed(vm);
}

void control_safe_point(struct vm *vm)
{
	struct control *c = &vm->control;

	ch_set_cause(vm->p->em, 0);
	cpus_stand(vm);
	control_serve(vm);
	console_age(vm);
	control_wait_for_reader(vm);
	if (c->asked && !c->stopped && !vm->ended) {
		cpus_gather(vm);
		control_stop(vm);
		cpus_release(vm);
	}
	while (c->stopped && !vm->ended) {
		cpus_wait(vm, PLATFORM_NEVER);
		cpus_stand(vm);
		control_serve(vm);
	}
}

static void control_last_words(struct vm *vm)
{
	const struct control *c = &vm->control;
	unsigned n = c->nr_recent < CONTROL_NR_RECENT ? c->nr_recent : CONTROL_NR_RECENT;
	struct control_recent recent[CONTROL_NR_RECENT];

	memcpy(recent, c->recent, sizeof(recent)); /* what is logged is an event, too */
	for (unsigned last = c->nr_recent, i = last - n; i != last; i++) {
		const struct control_recent *r = &recent[i % CONTROL_NR_RECENT];
		const struct ev_info *info = ev_info(r->id);

		vm->p->log("event %lu %s vcpu %u", r->seq, info ? info->name : "?", r->vcpu);
	}
}

/* Doorbells interrupt the first CPU only; another one has to look. */
static void control_panic_wait(struct vm *vm)
{
	const struct platform *p = vm->p;
	u64 until = p->clock() + clock_from_ns(p, CONTROL_LOOK_NS);

	p->wait(cpus_self(vm) ? until : PLATFORM_NEVER);
}

/* Another CPU gives it back. We may have held it ourselves. */
static void control_free_emitter(struct vm *vm)
{
	for (unsigned i = 0; i < CONTROL_SPINS && atomic_load(&vm->p->em->lock); i++)
		vm->p->relax();
	atomic_store(&vm->p->em->lock, 0);
}

void control_panic(struct vm *vm, const char *text)
{
	struct ch_emitter *em = vm->p->em;

	cpus_end(vm);
	control_free_emitter(vm);
	vm->control.panicked = true;
	vm->control.stopped = true;
	control_last_words(vm);
	hv_emit_tail(em, MMU_NO_VCPU, panic, text, fmt_length(text), 0, 0);
	hv_emit(em, MMU_NO_VCPU, stop, CH_STOP_PANIC, vm->control.last_seq);
	atomic_fetch_or(&em->header->flags, CH_FLAG_PANIC);
	while (atomic_load(&em->header->reader) && !vm->ended) {
		control_panic_wait(vm);
		if (vm->p->bells() & CONTROL_BELL(CH_BELL_MAIL))
			command_serve(vm);
	}
}
