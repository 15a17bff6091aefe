/* SPDX-License-Identifier: MIT */
/*
 * Commands that look at a vCPU and its memory, or put something there.
 */
#include "hv/core/command.h"

#include "hv/core/look.h"
#include "hv/core/vcpu.h"
#include "mmu/mode.h"

#include <string.h>

#define COMMAND_MAX_BYTES 4096u

void vcpu_emit_regs(struct vcpu *v)
{
	const struct vcpu_segs *s = v->vm->p->segs(v);
	const struct vcpu_regs *r = &v->regs;

	vcpu_emit(v, regs, r->gpr[RAX], r->gpr[RBX], r->gpr[RCX], r->gpr[RDX], r->gpr[RSI],
		  r->gpr[RDI], r->gpr[RBP], r->gpr[RSP], r->gpr[R8], r->gpr[R9], r->gpr[R10],
		  r->gpr[R11], r->gpr[R12], r->gpr[R13], r->gpr[R14], r->gpr[R15], r->rip,
		  r->rflags, r->cr0, r->cr2, r->cr3, r->cr4, r->efer, s->seg[SEG_CS].selector,
		  s->seg[SEG_SS].selector, r->cpl, s->seg[SEG_CS].base);
}

enum mmu_status command_walk(struct vm *vm, struct command *c)
{
	struct vcpu *v = command_vcpu(vm, c->arg[0]);
	struct mmu_host_step host[5];
	struct mmu_walk walk;
	unsigned n;
	u64 addr;
	bool tdp;

	if (!v)
		return MMU_INVAL;
	vcpu_sync_mmu(v);
	mmu_walk(v->walk_mmu, c->arg[1], c->arg[2], &walk);
	for (unsigned i = 0; i < walk.nr; i++)
		vcpu_emit(v, walk_step, walk.step[i].level, walk.step[i].gpa, walk.step[i].pte);
	vcpu_emit(v, walk_result, c->arg[1], walk.ok, walk.gpa, walk.level, walk.access,
		  (u32)walk.error);
	tdp = mmu_vcpu_mode(v->mmu) == MMU_MODE_TDP;
	addr = tdp ? walk.gpa : c->arg[1];
	if (tdp && !walk.ok)
		return MMU_OK;
	n = mmu_host_walk(v->mmu, addr, host);
	for (unsigned i = 0; i < n; i++)
		vcpu_emit(v, host_step, host[i].level, host[i].sp, host[i].index, host[i].hpa,
			  host[i].spte);
	return MMU_OK;
}

static bool command_hpa_ok(const struct vm *vm, u64 hpa, u64 len)
{
	return hpa >= vm->ram_hpa && len <= vm->ram_size && hpa - vm->ram_hpa <= vm->ram_size - len;
}

static size_t command_read_some(struct vcpu *v, u64 space, u64 addr, u8 *buf, size_t len)
{
	if (space != CH_HPA)
		return look_read(v, space, addr, buf, len);
	if (!command_hpa_ok(v->vm, addr, len))
		return 0;
	memcpy(buf, v->vm->p->direct_map + addr, len);
	debug_hide(v->vm, addr - v->vm->ram_hpa, buf, len);
	return len;
}

enum mmu_status command_read(struct vm *vm, struct command *c)
{
	struct vcpu *v = command_vcpu(vm, c->arg[0]);
	u64 space = c->arg[1], addr = c->arg[2], left = c->arg[3];
	u8 bytes[256];

	if (!v || space > CH_HPA || left > COMMAND_MAX_BYTES)
		return MMU_INVAL;
	while (left) {
		size_t n = left < sizeof(bytes) ? left : sizeof(bytes);
		size_t got = command_read_some(v, space, addr, bytes, n);

		if (got)
			hv_emit_tail(vm->p->em, v->id, mem, bytes, got, (u8)space, addr);
		if (got < n) {
			c->text = "nothing is mapped there";
			return MMU_NOENT;
		}
		addr += n;
		left -= n;
	}
	return MMU_OK;
}

enum mmu_status command_write(struct vm *vm, struct command *c)
{
	struct vcpu *v = command_vcpu(vm, c->arg[0]);
	const u8 *data = vm->p->em->header->mail.data;
	size_t n = c->arg[3], done;

	if (!v || c->arg[1] > CH_GPA || n > COMMAND_MAX_BYTES || n > c->len)
		return MMU_INVAL;
	done = look_write(v, c->arg[1], c->arg[2], data, n);
	if (done == n)
		return MMU_OK;
	c->text = "nothing is mapped there";
	return MMU_NOENT;
}

enum mmu_status command_regs(struct vm *vm, struct command *c)
{
	struct vcpu *v = command_vcpu(vm, c->arg[0]);

	if (!v)
		return MMU_INVAL;
	vcpu_emit_regs(v);
	return MMU_OK;
}

/* The registers of the `regs` event that a tool may set, in its order. */
static u64 *command_find_reg(struct vcpu *v, u64 index)
{
	static const u8 gprs[] = { RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP,
				   R8,	R9,  R10, R11, R12, R13, R14, R15 };

	if (index < sizeof(gprs))
		return &v->regs.gpr[gprs[index]];
	if (index == 16)
		return &v->regs.rip;
	if (index == 17)
		return &v->regs.rflags;
	return NULL;
}

enum mmu_status command_setreg(struct vm *vm, struct command *c)
{
	struct vcpu *v = command_vcpu(vm, c->arg[0]);
	u64 *reg = v ? command_find_reg(v, c->arg[1]) : NULL;

	if (!reg) {
		c->text = "only the general registers, rip and rflags can be set";
		return MMU_INVAL;
	}
	*reg = c->arg[2];
	v->regs.rflags |= RFLAGS_FIXED;
	vcpu_emit_regs(v);
	return MMU_OK;
}
