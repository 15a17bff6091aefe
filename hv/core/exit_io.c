/* SPDX-License-Identifier: MIT */
/*
 * Port accesses. A string instruction is carried out one element at a time;
 * while more are to come RIP stays and the guest exits again.
 */
#include "hv/core/emulate.h"
#include "hv/core/vcpu.h"

static u32 io_in(struct vcpu *v, u16 port, unsigned size)
{
	u32 value = board_in(&v->vm->board, port, size);

	vcpu_emit(v, io, 0, port, (u8)size, value);
	return value;
}

static void io_out(struct vcpu *v, u16 port, unsigned size, u32 value)
{
	vcpu_emit(v, io, 1, port, (u8)size, value);
	board_out(&v->vm->board, port, size, value);
}

/* One element; false if memory faulted. */
static bool io_string_element(struct vcpu *v, const struct insn *i, unsigned size)
{
	u64 step = v->regs.rflags & RFLAGS_DF ? 0 - (u64)size : size;
	u8 reg = v->exit.io_in ? RDI : RSI;
	u64 at = emulate_addr_reg(v, i, reg);
	u32 value = 0;
	gva_t gva;

	if (!emulate_address(v, v->exit.io_in ? SEG_ES : i->seg, at, size, v->exit.io_in, &gva))
		return false;
	if (v->exit.io_in) {
		/* Write memory first, so that a faulting INS has no effect on the device. */
		if (!emulate_read_mem(v, gva, &value, size, PFERR_WRITE) ||
		    !emulate_write_mem(v, gva, &value, size))
			return false;
		value = io_in(v, v->exit.port, size);
		if (!emulate_write_mem(v, gva, &value, size))
			return false;
	} else {
		if (!emulate_read_mem(v, gva, &value, size, 0))
			return false;
		io_out(v, v->exit.port, size, value);
	}
	emulate_set_addr_reg(v, i, reg, at + step);
	return true;
}

static void io_string(struct vcpu *v, const struct insn *i)
{
	u64 rcx = emulate_addr_reg(v, i, RCX);
	bool rep = i->rep || i->repne;

	if (rep && !rcx) {
		vcpu_skip(v, i->len);
		return;
	}
	if (!io_string_element(v, i, v->exit.io_size))
		return;
	if (rep)
		emulate_set_addr_reg(v, i, RCX, rcx - 1);
	if (!rep || rcx == 1)
		vcpu_skip(v, i->len);
}

void exit_io(struct vcpu *v)
{
	const struct vcpu_exit *e = &v->exit;
	struct insn i;
	u32 mask = e->io_size == 4 ? ~0u : (1u << (8 * e->io_size)) - 1;

	if (!vcpu_decode(v, &i))
		return;
	if (e->io_string) {
		io_string(v, &i);
		return;
	}
	if (e->io_in)
		emulate_set_reg(v, &i, RAX, e->io_size, io_in(v, e->port, e->io_size));
	else
		io_out(v, e->port, e->io_size, (u32)v->regs.gpr[RAX] & mask);
	vcpu_skip(v, i.len);
}
