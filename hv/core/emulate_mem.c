/* SPDX-License-Identifier: MIT */
/*
 * Guest memory as the emulator reads and writes it: where no slot is the board is
 * asked, all else is memory or a #PF.
 */
#include "hv/core/emulate.h"
#include "hv/core/vcpu.h"

#include <string.h>

static size_t emulate_in_page(gva_t gva, size_t len)
{
	size_t left = PAGE_SIZE - (gva & ~PAGE_MASK);

	return len < left ? len : left;
}

bool emulate_read_mem(struct vcpu *v, gva_t gva, void *buf, size_t len, u64 access)
{
	struct mmu_fault fault = { 0 };
	size_t done, part;

	vcpu_sync_mmu(v);
	for (done = 0; done < len; done += part) {
		u8 *to = (u8 *)buf + done;

		part = emulate_in_page(gva + done, len - done);
		if (mmu_read_gva(v->walk_mmu, vcpu_wrap(v, gva + done), to, part,
				 access | vcpu_access(v), &fault) == part)
			continue;
		if (!fault.mmio) {
			vcpu_inject_pf(v, fault.error, fault.gva);
			return false;
		}
		board_read_mem(&v->vm->board, v->id, fault.gpa, to, part);
	}
	return true;
}

/* Whether the second of two pages refuses what the first allows. */
static bool emulate_splits(struct vcpu *v, gva_t gva, size_t len, struct mmu_fault *fault)
{
	u64 access = PFERR_WRITE | vcpu_access(v);
	gva_t second = vcpu_wrap(v, gva + len - 1) & PAGE_MASK;
	struct mmu_walk walk;

	if ((gva & PAGE_MASK) == second || !mmu_walk(v->walk_mmu, gva, access, &walk) ||
	    mmu_walk(v->walk_mmu, second, access, &walk))
		return false;
	fault->error = walk.error;
	fault->gva = second;
	return true;
}

/* What is memory, but not to be written to, is no device. */
static void emulate_write_device(struct vcpu *v, gpa_t gpa, const void *from, size_t len)
{
	if (gpa >= v->vm->ram_size)
		board_write_mem(&v->vm->board, v->id, gpa, from, len);
}

bool emulate_write_mem(struct vcpu *v, gva_t gva, const void *buf, size_t len)
{
	struct mmu_fault fault = { 0 };
	size_t done, part;

	vcpu_sync_mmu(v);
	if (emulate_splits(v, gva, len, &fault)) {
		vcpu_inject_pf(v, fault.error, fault.gva);
		return false;
	}
	for (done = 0; done < len; done += part) {
		part = emulate_in_page(gva + done, len - done);
		if (mmu_write_gva(v->walk_mmu, vcpu_wrap(v, gva + done), (const u8 *)buf + done,
				  part, PFERR_WRITE | vcpu_access(v), &fault) == part)
			continue;
		if (!fault.mmio) {
			vcpu_inject_pf(v, fault.error, fault.gva);
			return false;
		}
		emulate_write_device(v, fault.gpa, (const u8 *)buf + done, part);
	}
	return true;
}

enum emulate_result emulate_exchange(struct vcpu *v, gva_t gva, const void *old, const void *new,
				     size_t size, bool locked)
{
	u8 expected[16];
	struct mmu_fault fault = { 0 };

	if (!locked && gva & (size - 1))
		return emulate_write_mem(v, gva, new, size) ? EMULATE_DONE : EMULATE_FAULT;
	if (emulate_in_page(gva, size) < size)
		return EMULATE_NOT_OURS;
	memcpy(expected, old, size);
	vcpu_sync_mmu(v);
	switch (mmu_cmpxchg_gva(v->walk_mmu, gva, expected, new, size, vcpu_access(v), &fault)) {
	case MMU_EXCHANGED:
		return EMULATE_DONE;
	case MMU_DIFFERS:
		return EMULATE_AGAIN;
	case MMU_REFUSED:
		break;
	}
	if (fault.mmio) {
		emulate_write_device(v, fault.gpa, new, size);
		return EMULATE_DONE;
	}
	vcpu_inject_pf(v, fault.error, fault.gva);
	return EMULATE_FAULT;
}

bool emulate_read_operand(struct vcpu *v, const struct insn *i, unsigned size, u64 *value)
{
	gva_t gva;

	*value = 0;
	if (i->mem)
		return emulate_operand(v, i, size, false, &gva) &&
		       emulate_read_mem(v, gva, value, size, 0);
	*value = emulate_get_reg(v, i, i->rm, size);
	return true;
}

bool emulate_write_operand(struct vcpu *v, const struct insn *i, unsigned size, u64 value)
{
	gva_t gva;

	if (i->mem)
		return emulate_operand(v, i, size, true, &gva) &&
		       emulate_write_mem(v, gva, &value, size);
	emulate_set_reg(v, i, i->rm, size, value);
	return true;
}
