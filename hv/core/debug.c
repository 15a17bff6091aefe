/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints. Guest memory is always written through the MMU library, so that
 * a table that lies in the same page stays in step.
 */
#include "hv/core/debug.h"

#include "hv/core/vcpu.h"

#define INT3 0xcc

static struct debug_break *debug_find_gpa(struct vm *vm, gpa_t gpa)
{
	for (unsigned i = 0; i < DEBUG_MAX_BREAKS; i++) {
		struct debug_break *b = &vm->debug.brk[i];

		if (b->set && b->gpa == gpa)
			return b;
	}
	return NULL;
}

static struct debug_break *debug_find_gva(struct vm *vm, gva_t gva)
{
	for (unsigned i = 0; i < DEBUG_MAX_BREAKS; i++) {
		struct debug_break *b = &vm->debug.brk[i];

		if (b->set && b->gva == gva)
			return b;
	}
	return NULL;
}

static struct debug_break *debug_free(struct vm *vm)
{
	for (unsigned i = 0; i < DEBUG_MAX_BREAKS; i++) {
		if (!vm->debug.brk[i].set)
			return &vm->debug.brk[i];
	}
	return NULL;
}

static bool debug_translate(struct vcpu *v, gva_t gva, gpa_t *gpa)
{
	struct mmu_walk walk;

	vcpu_sync_mmu(v);
	/* SMAP does not keep a tool from what the user can see. */
	if (!mmu_walk(v->walk_mmu, gva, 0, &walk) && !mmu_walk(v->walk_mmu, gva, PFERR_USER, &walk))
		return false;
	*gpa = walk.gpa;
	return true;
}

static void debug_poke(struct vm *vm, gpa_t gpa, u8 byte)
{
	mmu_vm_write(vm->mmu, gpa, &byte, 1);
}

/* Whether what we planted is still there; the guest may have overwritten it. */
static bool debug_is_planted(struct vm *vm, gpa_t gpa)
{
	u8 byte = 0;

	return mmu_vm_read(vm->mmu, gpa, &byte, 1) == 1 && byte == INT3;
}

/* Plants it (again) over what is there now. */
static void debug_plant(struct vm *vm, gpa_t gpa)
{
	u8 byte;

	if (mmu_vm_read(vm->mmu, gpa, &byte, 1) != 1)
		return;
	for (unsigned i = 0; i < DEBUG_MAX_BREAKS; i++) {
		struct debug_break *b = &vm->debug.brk[i];

		if (b->set && b->gpa == gpa)
			b->saved = byte;
	}
	debug_poke(vm, gpa, INT3);
}

enum debug_status debug_set(struct vcpu *v, gva_t gva)
{
	struct vm *vm = v->vm;
	struct debug_break *b, *same;
	gpa_t gpa;
	u8 byte;

	if (debug_find_gva(vm, gva))
		return DEBUG_OK;
	b = debug_free(vm);
	if (!b)
		return DEBUG_FULL;
	if (!debug_translate(v, gva, &gpa) || mmu_vm_read(vm->mmu, gpa, &byte, 1) != 1)
		return DEBUG_FAULT;
	same = debug_find_gpa(vm, gpa);
	*b = (struct debug_break){ true, gva, gpa, same ? same->saved : byte };
	vm->debug.nr++;
	debug_poke(vm, gpa, INT3);
	return DEBUG_OK;
}

static void debug_remove(struct vm *vm, struct debug_break *b)
{
	b->set = false;
	vm->debug.nr--;
	if (!debug_find_gpa(vm, b->gpa) && debug_is_planted(vm, b->gpa))
		debug_poke(vm, b->gpa, b->saved);
}

void debug_clear(struct vm *vm, gva_t gva)
{
	struct debug_break *b = debug_find_gva(vm, gva);

	if (b)
		debug_remove(vm, b);
}

void debug_clear_all(struct vm *vm)
{
	for (unsigned i = 0; i < DEBUG_MAX_BREAKS; i++) {
		if (vm->debug.brk[i].set)
			debug_remove(vm, &vm->debug.brk[i]);
	}
}

bool debug_at_rip(struct vcpu *v)
{
	const struct debug *d = &v->vm->debug;
	gpa_t gpa;

	if (!d->nr || !debug_translate(v, vcpu_rip_gva(v), &gpa))
		return false;
	/* While it is stepped over, what stands there is the guest's own. */
	return debug_find_gpa(v->vm, gpa) && !(d->stepping_over && d->over_gpa == gpa);
}

void debug_step_over(struct vcpu *v)
{
	struct debug *d = &v->vm->debug;
	struct debug_break *b;
	gpa_t gpa;

	if (!debug_translate(v, vcpu_rip_gva(v), &gpa))
		return;
	b = debug_find_gpa(v->vm, gpa);
	if (!b)
		return;
	if (debug_is_planted(v->vm, gpa))
		debug_poke(v->vm, gpa, b->saved);
	d->stepping_over = true;
	d->over_gpa = gpa;
	d->over_vcpu = v->id;
}

void debug_step_done(struct vm *vm)
{
	struct debug *d = &vm->debug;

	if (!d->stepping_over)
		return;
	d->stepping_over = false;
	if (debug_find_gpa(vm, d->over_gpa))
		debug_plant(vm, d->over_gpa);
	cpus_kick_all(vm); /* they stood meanwhile */
}

void debug_hide(struct vm *vm, gpa_t gpa, u8 *buf, size_t len)
{
	for (unsigned i = 0; i < DEBUG_MAX_BREAKS; i++) {
		const struct debug_break *b = &vm->debug.brk[i];

		if (b->set && b->gpa - gpa < len && buf[b->gpa - gpa] == INT3)
			buf[b->gpa - gpa] = b->saved;
	}
}

void debug_keep(struct vm *vm, gpa_t gpa, u8 *buf, size_t len)
{
	for (unsigned i = 0; i < DEBUG_MAX_BREAKS; i++) {
		struct debug_break *b = &vm->debug.brk[i];

		if (!b->set || b->gpa - gpa >= len)
			continue;
		b->saved = buf[b->gpa - gpa];
	}
	for (unsigned i = 0; i < DEBUG_MAX_BREAKS; i++) {
		const struct debug_break *b = &vm->debug.brk[i];

		if (b->set && b->gpa - gpa < len)
			buf[b->gpa - gpa] = INT3;
	}
}
