/* SPDX-License-Identifier: MIT */
/*
 * The walk of the guest's own tables: one loop for every format, which
 * guest_pte.c knows.
 *
 * A and D are set when the whole walk has been allowed, each by comparing with
 * the value the walk used; whoever loses that race walks again.
 */
#include "mmu/guest_pte.h"
#include "mmu/gwalk.h"
#include "mmu/memslot.h"

/* One walk under way. */
struct walker {
	struct mmu_vcpu *vcpu;
	const struct mmu *mmu;
	struct cpu_role role;
	struct gwalk *walk;
	gva_t gva;
	u64 access;
	bool quiet;
	unsigned level;	/* of the table to read next */
	gpa_t table_gpa;
	unsigned rights; /* of all entries so far */
};

enum step { STEP_DOWN, STEP_LEAF, STEP_FAULT, STEP_NO_TABLE };

#define walk_emit(w, name, ...)                                                                    \
	do {                                                                                       \
		if (!(w)->quiet)                                                                   \
			vm_emit((w)->vcpu->vm, (w)->vcpu->id, name, __VA_ARGS__);                  \
	} while (0)

/* ---- entries in guest memory --------------------------------------------------------- */

/* NULL where no slot is. *writable: the walk may set bits there. */
static void *entry_va(struct mmu_vcpu *vcpu, gpa_t gpa, bool *writable)
{
	const struct memslot *slot = vcpu_slot(vcpu, gpa >> PAGE_SHIFT);

	if (!slot)
		return NULL;
	*writable = slot_is_writable(slot);
	return mmu_va(vcpu->vm->env,
		      (slot_pfn(slot, gpa >> PAGE_SHIFT) << PAGE_SHIFT) + (gpa & ~PAGE_MASK));
}

static bool entry_read(struct mmu_vcpu *vcpu, gpa_t gpa, bool four_byte, u64 *pte)
{
	bool writable;
	void *va = entry_va(vcpu, gpa, &writable);

	if (!va)
		return false;
	if (four_byte)
		*pte = atomic_load_explicit((_Atomic u32 *)va, memory_order_acquire);
	else
		*pte = atomic_load_explicit((_Atomic u64 *)va, memory_order_acquire);
	return true;
}

static bool entry_cas(void *va, bool four_byte, u64 old_pte, u64 pte)
{
	u32 old_word = (u32)old_pte;

	if (four_byte)
		return atomic_compare_exchange_strong((_Atomic u32 *)va, &old_word, (u32)pte);
	return atomic_compare_exchange_strong((_Atomic u64 *)va, &old_pte, pte);
}

/* Sets bits in the entry read at this level; false if it has changed since. A
 * table in read-only memory is left as it is. */
static bool set_bits(struct walker *w, unsigned level, u64 bits)
{
	struct gwalk *walk = w->walk;
	u64 pte = walk->pte[level] | bits;
	bool writable = false;
	void *va;

	if (pte == walk->pte[level])
		return true;
	mmu_point(w->vcpu->vm, walk_ad);
	va = entry_va(w->vcpu, walk->pte_gpa[level], &writable);
	if (!va || !writable)
		return true;
	if (!entry_cas(va, w->role.base.has_4_byte_gpte, walk->pte[level], pte))
		return false;
	if (~walk->pte[level] & bits & GPTE_A)
		walk_emit(w, guest_accessed, walk->pte_gpa[level], pte);
	if (~walk->pte[level] & bits & GPTE_D)
		walk_emit(w, guest_dirty, walk->pte_gpa[level], pte);
	walk->pte[level] = pte;
	return true;
}

static bool set_accessed_and_dirty(struct walker *w)
{
	struct gwalk *walk = w->walk;

	for (unsigned level = walk->top; level >= walk->leaf_level; level--) {
		u64 bits = gpte_is_pdpte(w->role, level) ? 0 : GPTE_A;

		if (level == walk->leaf_level && w->access & PFERR_WRITE)
			bits |= GPTE_D;
		if (!set_bits(w, level, bits))
			return false;
	}
	return true;
}

/* ---- the walk --------------------------------------------------------------------------- */

static u64 error_code(const struct walker *w, u64 bits)
{
	u64 error = (w->access & (PFERR_WRITE | PFERR_USER)) | bits;

	if (w->access & PFERR_FETCH && (w->role.base.efer_nx || w->role.ext.cr4_smep))
		error |= PFERR_FETCH;
	return error;
}

static enum step fault(struct walker *w, u64 bits)
{
	w->walk->error = error_code(w, bits);
	return STEP_FAULT;
}

static bool is_canonical(const struct walker *w)
{
	unsigned shift = 64 - (PAGE_SHIFT + 9 * w->level);

	return w->level <= LEVEL_1G || (u64)((s64)(w->gva << shift) >> shift) == w->gva;
}

/*
 * Unlike hardware, bit 5 of a PDPTE is not reserved under nested paging: QEMU's
 * walker sets A there when it walks such a guest's tables by itself.
 */
static u64 reserved_bits(const struct walker *w, bool leaf)
{
	const struct mmu_vm *vm = w->vcpu->vm;
	u64 reserved = gpte_reserved(w->role, w->level, leaf, vm->maxphyaddr);

	if (vm->config.mode == MMU_MODE_TDP && gpte_is_pdpte(w->role, w->level))
		reserved &= ~(u64)GPTE_A;
	return reserved;
}

/* Reads the entry at w->level and looks where it leads. */
static enum step walk_step(struct walker *w)
{
	struct gwalk *walk = w->walk;
	gpa_t gpa = gpte_gpa(w->role, w->level, w->table_gpa, w->gva);
	bool leaf;
	u64 pte;

	mmu_point(w->vcpu->vm, walk_entry);
	walk->table_gfn[w->level] = gpa >> PAGE_SHIFT;
	walk->table_access[w->level] = w->rights;
	walk->pte_gpa[w->level] = gpa;
	walk->leaf_level = w->level;
	if (!entry_read(w->vcpu, gpa, w->role.base.has_4_byte_gpte, &pte)) {
		fault(w, 0);
		return STEP_NO_TABLE;
	}
	walk->pte[w->level] = pte;
	walk->read_level = w->level;
	if (pte & GPTE_P)
		w->rights &= gpte_rights(w->role, w->level, pte);
	walk_emit(w, walk_entry, (u8)w->level, gpa, pte, (u8)w->rights);
	if (!(pte & GPTE_P))
		return fault(w, 0);
	leaf = gpte_is_leaf(w->role, w->level, pte);
	if (pte & reserved_bits(w, leaf))
		return fault(w, PFERR_PRESENT | PFERR_RSVD);
	if (leaf)
		return STEP_LEAF;
	w->table_gpa = gpte_table(w->role, pte);
	w->level--;
	return STEP_DOWN;
}

static void arrive(struct walker *w)
{
	struct gwalk *walk = w->walk;
	u64 pte = walk->pte[walk->leaf_level];

	walk->access = w->rights;
	walk->gfn = gpte_leaf_gfn(w->role, walk->leaf_level, pte, w->gva);
	walk->leaf_dirty = pte & GPTE_D || w->access & PFERR_WRITE;
}

/* AC lifts SMAP for what the supervisor's own instructions do; what user mode's do
 * as supervisor, a look at a descriptor table, it does not. */
static bool ac_counts(const struct mmu_regs *regs)
{
	return regs->ac && regs->cpl < 3;
}

static enum step walk_tables(struct walker *w)
{
	enum step step = STEP_DOWN;

	w->level = w->walk->top;
	w->table_gpa = gpte_first_table(w->role, w->vcpu->regs.cr3, w->vcpu->vm->maxphyaddr);
	w->rights = ACC_ALL;
	if (!is_canonical(w))
		return fault(w, 0);
	while (step == STEP_DOWN)
		step = walk_step(w);
	if (step != STEP_LEAF)
		return step;
	if (!gwalk_permits(w->mmu, w->rights, w->access, ac_counts(&w->vcpu->regs)))
		return fault(w, PFERR_PRESENT);
	arrive(w);
	return STEP_LEAF;
}

static enum gwalk_result walk_unpaged(struct walker *w)
{
	struct gwalk *walk = w->walk;

	walk->leaf_level = LEVEL_4K;
	walk->access = ACC_ALL;
	walk->leaf_dirty = true;
	walk->gfn = w->gva >> PAGE_SHIFT;
	return GWALK_OK;
}

enum gwalk_result gwalk(struct mmu_vcpu *vcpu, gva_t gva, u64 access, bool set_ad, bool quiet,
			struct gwalk *walk)
{
	struct walker w = { .vcpu = vcpu, .mmu = vcpu->walk_mmu,
			    .role = vcpu->walk_mmu->cpu_role, .walk = walk, .gva = gva,
			    .access = access, .quiet = quiet };
	enum step step;

	memset(walk, 0, sizeof(*walk));
	walk->top = w.role.base.level;
	if (walk->top <= LEVEL_1G)
		w.gva &= BITS(31, 0);
	if (!walk->top)
		return walk_unpaged(&w);
	walk_emit(&w, walk, gva, (u32)access);
	do {
		step = walk_tables(&w);
	} while (step == STEP_LEAF && set_ad && !set_accessed_and_dirty(&w));

	if (step == STEP_LEAF) {
		walk_emit(&w, walk_done, gva, walk->gfn << PAGE_SHIFT | (gva & ~PAGE_MASK),
			  (u8)walk->leaf_level, walk->access);
		return GWALK_OK;
	}
	walk_emit(&w, walk_error, gva, (u32)walk->error);
	return step == STEP_FAULT ? GWALK_FAULT : GWALK_NO_TABLE;
}

bool gwalk_still_true(struct mmu_vcpu *vcpu, const struct gwalk *walk, unsigned level)
{
	bool four_byte = vcpu->walk_mmu->cpu_role.base.has_4_byte_gpte;
	u64 pte;

	mmu_point(vcpu->vm, revalidate);
	return entry_read(vcpu, walk->pte_gpa[level], four_byte, &pte) && pte == walk->pte[level];
}
