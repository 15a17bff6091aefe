/* SPDX-License-Identifier: MIT */
/*
 * The session with GDB, as far as it is not protocol.
 */
#include "hv/core/gdb.h"

#include "hv/core/clock.h"
#include "hv/core/gdb_target.h"
#include "hv/core/vm.h"

/* GDB is waited for this long if it does not take its bytes. */
#define GDB_WAIT_NS 2000000000ull

static void gdb_out(void *ctx, const void *bytes, size_t n)
{
	struct vm *vm = ctx;
	const struct platform *p = vm->p;
	u64 until = p->clock() + clock_from_ns(p, GDB_WAIT_NS);
	size_t sent;

	if (!vm->gdb.stub.connected) /* given up: what is said now nobody hears */
		return;
	sent = ch_pipe_write(p->em, CH_GDB_OUT, bytes, n);
	while (sent < n && p->clock() < until) {
		p->relax();
		sent += ch_pipe_write(p->em, CH_GDB_OUT, (const u8 *)bytes + sent, n - sent);
	}
	if (sent < n) /* half a packet helps nobody */
		gdb_stub_disconnected(&vm->gdb.stub);
}

void gdb_init(struct vm *vm)
{
	struct gdb_session *g = &vm->gdb;

	gdb_target_init(&g->target, vm);
	gdb_stub_init(&g->stub, &g->target, gdb_out, vm);
}

void gdb_serve(struct vm *vm)
{
	struct gdb_session *g = &vm->gdb;
	u32 open = atomic_load(&vm->p->em->header->pipe[CH_GDB_IN].open);
	bool changed = open != g->open;
	u8 bytes[256];
	size_t n;

	g->open = open;
	if (changed && open & 1)
		gdb_stub_connected(&g->stub);
	while ((n = ch_pipe_read(vm->p->em, CH_GDB_IN, bytes, sizeof(bytes))) != 0)
		gdb_stub_input(&g->stub, bytes, n);
	if (changed && !(open & 1))
		gdb_stub_disconnected(&g->stub);
}

void gdb_hit_breakpoint(struct vm *vm, u8 vcpu)
{
	vm->gdb.reason = GDB_STOP_SOFT;
	vm->gdb.vcpu = vcpu;
	control_ask(vm, CH_STOP_GDB);
}

static enum gdb_stop_reason gdb_reason(struct vm *vm)
{
	struct vcpu *v = &vm->vcpu[vm->gdb.vcpu];

	switch (vm->control.why) {
	case CH_STOP_GDB:
		return vm->gdb.reason;
	case CH_STOP_STEP: /* one that ends at a breakpoint has come to it */
		return debug_at_rip(v) ? GDB_STOP_SOFT : GDB_STOP_STEP;
	default:
		return GDB_STOP_PAUSED;
	}
}

void gdb_tell_stopped(struct vm *vm)
{
	struct gdb_session *g = &vm->gdb;
	struct gdb_stop stop = { .reason = gdb_reason(vm), .thread = gdb_tid_of(g->vcpu) };

	gdb_stub_stopped(&g->stub, &stop);
}

void gdb_tell_ended(struct vm *vm)
{
	struct gdb_stop stop = {
		.reason = GDB_STOP_EXITED,
		.thread = gdb_tid_of(0),
		.code = (u8)vm->status,
	};

	gdb_stub_stopped(&vm->gdb.stub, &stop);
}
