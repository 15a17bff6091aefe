/* SPDX-License-Identifier: MIT */
/*
 * What GDB asks for, answered from vCPUs, page tables and breakpoints.
 */
#include "hv/core/gdb_target.h"

#include "hv/core/fmt.h"
#include "hv/core/look.h"
#include "hv/core/vcpu.h"

static struct vcpu *target_vcpu(struct vm *vm, struct gdb_tid t)
{
	return t.pid == 1 && t.tid >= 1 && t.tid <= vm->nr_vcpus ? &vm->vcpu[t.tid - 1] : NULL;
}

static bool target_thread(void *ctx, unsigned int index, struct gdb_tid *thread)
{
	struct vm *vm = ctx;

	if (index >= vm->nr_vcpus)
		return false;
	*thread = gdb_tid_of(index);
	return true;
}

static void target_thread_info(void *ctx, struct gdb_tid thread, struct gdb_thread_info *info)
{
	static const char *const modes[] = {
		[INSN_MODE16] = "16-bit", [INSN_MODE32] = "32-bit", [INSN_MODE64] = "64-bit"
	};
	struct vm *vm = ctx;
	struct vcpu *v = target_vcpu(vm, thread);

	if (!v)
		return;
	info->core = v->cpu;
	fmt_snprintf(info->name, sizeof(info->name), "vcpu %u", v->id);
	fmt_snprintf(info->extra, sizeof(info->extra), "%s, %s%s%s", modes[vcpu_mode(v)],
		     vcpu_paging(v) ? "paging" : "no paging", v->smm.active ? ", SMM" : "",
		     v->state == CH_HALTED  ? ", halted" :
		     v->state == CH_WAITING ? ", waits for its start" :
					      "");
}

static void target_get_general(const struct vcpu_regs *r, struct gdb_regs *g)
{
	g->rax = r->gpr[RAX];
	g->rbx = r->gpr[RBX];
	g->rcx = r->gpr[RCX];
	g->rdx = r->gpr[RDX];
	g->rsi = r->gpr[RSI];
	g->rdi = r->gpr[RDI];
	g->rbp = r->gpr[RBP];
	g->rsp = r->gpr[RSP];
	g->r8 = r->gpr[R8];
	g->r9 = r->gpr[R9];
	g->r10 = r->gpr[R10];
	g->r11 = r->gpr[R11];
	g->r12 = r->gpr[R12];
	g->r13 = r->gpr[R13];
	g->r14 = r->gpr[R14];
	g->r15 = r->gpr[R15];
	g->rip = r->rip;
	g->eflags = (u32)r->rflags;
}

static void target_set_general(struct vcpu_regs *r, const struct gdb_regs *g)
{
	r->gpr[RAX] = g->rax;
	r->gpr[RBX] = g->rbx;
	r->gpr[RCX] = g->rcx;
	r->gpr[RDX] = g->rdx;
	r->gpr[RSI] = g->rsi;
	r->gpr[RDI] = g->rdi;
	r->gpr[RBP] = g->rbp;
	r->gpr[RSP] = g->rsp;
	r->gpr[R8] = g->r8;
	r->gpr[R9] = g->r9;
	r->gpr[R10] = g->r10;
	r->gpr[R11] = g->r11;
	r->gpr[R12] = g->r12;
	r->gpr[R13] = g->r13;
	r->gpr[R14] = g->r14;
	r->gpr[R15] = g->r15;
	r->rip = g->rip;
	r->rflags = g->eflags | RFLAGS_FIXED;
}

static enum gdb_status target_read_regs(void *ctx, struct gdb_tid thread, struct gdb_regs *g)
{
	struct vcpu *v = target_vcpu(ctx, thread);
	const struct vcpu_segs *s;

	if (!v)
		return GDB_INVALID;
	s = v->vm->p->segs(v);
	g->known = GDB_GROUP_GENERAL | GDB_GROUP_SEGMENT | GDB_GROUP_CONTROL;
	target_get_general(&v->regs, g);
	g->cs = s->seg[SEG_CS].selector;
	g->ss = s->seg[SEG_SS].selector;
	g->ds = s->seg[SEG_DS].selector;
	g->es = s->seg[SEG_ES].selector;
	g->fs = s->seg[SEG_FS].selector;
	g->gs = s->seg[SEG_GS].selector;
	g->fs_base = s->seg[SEG_FS].base;
	g->gs_base = s->seg[SEG_GS].base;
	g->k_gs_base = v->vm->p->kernel_gs_base(v);
	g->cr0 = v->regs.cr0;
	g->cr2 = v->regs.cr2;
	g->cr3 = v->regs.cr3;
	g->cr4 = v->regs.cr4;
	g->cr8 = lapic_get_cr8(&v->vm->board.apics.cpu[v->id]);
	g->efer = v->regs.efer;
	return GDB_OK;
}

static enum gdb_status target_write_regs(void *ctx, struct gdb_tid thread,
					 const struct gdb_regs *g, unsigned int groups)
{
	struct vcpu *v = target_vcpu(ctx, thread);

	if (!v)
		return GDB_INVALID;
	if (groups & ~(unsigned)GDB_GROUP_GENERAL)
		return GDB_UNSUPPORTED;
	target_set_general(&v->regs, g);
	return GDB_OK;
}

static enum ch_space target_space(enum gdb_space space)
{
	return space == GDB_SPACE_GPA ? CH_GPA : CH_GVA;
}

static size_t target_read_mem(void *ctx, struct gdb_tid thread, enum gdb_space space,
			      uint64_t addr, void *bytes, size_t len)
{
	struct vcpu *v = target_vcpu(ctx, thread);

	return v ? look_read(v, target_space(space), addr, bytes, len) : 0;
}

static size_t target_write_mem(void *ctx, struct gdb_tid thread, enum gdb_space space,
			       uint64_t addr, const void *bytes, size_t len)
{
	struct vcpu *v = target_vcpu(ctx, thread);

	return v ? look_write(v, target_space(space), addr, bytes, len) : 0;
}

static enum gdb_status target_set_break(void *ctx, struct gdb_tid thread,
					const struct gdb_break *brk)
{
	struct vcpu *v = target_vcpu(ctx, thread);

	if (brk->type != GDB_BREAK_SOFT)
		return GDB_UNSUPPORTED;
	if (!v)
		return GDB_INVALID;
	switch (debug_set(v, brk->gva)) {
	case DEBUG_OK:
		return GDB_OK;
	case DEBUG_FULL:
		return GDB_FULL;
	default:
		return GDB_FAULT;
	}
}

static enum gdb_status target_clear_break(void *ctx, struct gdb_tid thread,
					  const struct gdb_break *brk)
{
	(void)thread;
	if (brk->type != GDB_BREAK_SOFT)
		return GDB_UNSUPPORTED;
	debug_clear(ctx, brk->gva);
	return GDB_OK;
}

static void target_plan(void *ctx, struct gdb_tid thread, enum gdb_action action)
{
	struct vm *vm = ctx;
	struct vcpu *v = target_vcpu(vm, thread);

	if (!v)
		return;
	vm->gdb.planned |= 1u << v->id;
	if (action != GDB_ACTION_STEP)
		return;
	vm->gdb.step_planned = true;
	vm->gdb.step_vcpu = v->id;
}

static void target_run(void *ctx)
{
	struct vm *vm = ctx;
	bool step = vm->gdb.step_planned;

	u32 held = ~vm->gdb.planned;

	vm->gdb.step_planned = false;
	vm->gdb.planned = 0;
	control_resume(vm, step ? CH_STEP_INSN : CH_STEP_NONE, vm->gdb.step_vcpu);
	if (step)
		vm->gdb.vcpu = vm->gdb.step_vcpu;
	vm->control.held = held;
}

static void target_interrupt(void *ctx)
{
	struct vm *vm = ctx;

	if (vm->control.stopped) {
		gdb_tell_stopped(vm);
		return;
	}
	vm->gdb.reason = GDB_STOP_INTERRUPT;
	control_ask(vm, CH_STOP_GDB);
}

static void target_detach(void *ctx, uint32_t pid)
{
	struct vm *vm = ctx;

	(void)pid;
	debug_clear_all(vm);
	if (vm->control.asked &&
	    (vm->control.why == CH_STOP_GDB || vm->control.why == CH_STOP_STEP))
		vm->control.asked = false; /* nobody is left to see it */
	if (vm->control.stopped)
		control_resume(vm, CH_STEP_NONE, 0);
}

static void target_kill(void *ctx, uint32_t pid)
{
	(void)pid;
	vm_end(ctx, 121, "ended by GDB");
}

void gdb_target_init(struct gdb_target *t, struct vm *vm)
{
	*t = (struct gdb_target){
		.ctx = vm,
		.thread = target_thread,
		.thread_info = target_thread_info,
		.read_regs = target_read_regs,
		.write_regs = target_write_regs,
		.read_mem = target_read_mem,
		.write_mem = target_write_mem,
		.set_break = target_set_break,
		.clear_break = target_clear_break,
		.plan = target_plan,
		.run = target_run,
		.interrupt = target_interrupt,
		.detach = target_detach,
		.kill = target_kill,
	};
}
