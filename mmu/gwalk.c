/* SPDX-License-Identifier: MIT */
/*
 * The walk of the guest's own tables: one loop for every format, which
 * guest_pte.c knows.
 *
 * A and D are set when all the tables have allowed the access, each by comparing with
 * the value the walk used; whoever loses that race walks again. What an inner
 * hypervisor's tables say about the page is asked after that, as by the hardware.
 *
 * The tables of an inner guest lie where the inner hypervisor's tables put them.
 * A walk of them is a loop around walks of those, which know of no stage below:
 * nothing here calls itself.
 *
 *	walk_through()  entry of the inner guest's tables, nGPA
 *	  \-- outer()     walk_flat() of the inner hypervisor's tables -> gpa
 *	        \-- walk_entry() reads there
 */
#include "mmu/backend.h"
#include "mmu/dirty.h"
#include "mmu/flush.h"
#include "mmu/guest_pte.h"
#include "mmu/gwalk.h"
#include "mmu/memslot.h"

/* One walk under way. */
struct walker {
	struct mmu_op *op;
	struct mmu_vcpu *vcpu;
	const struct mmu *mmu;
	struct cpu_role role;
	struct gwalk *walk;
	gva_t gva;
	u64 access;
	bool set_ad, quiet;
	unsigned level;	/* of the table to read next */
	gpa_t entry_gpa; /* of the entry to read next, as the walked guest calls it */
	unsigned rights; /* of all entries so far */
};

enum step { STEP_DOWN, STEP_LEAF, STEP_FAULT, STEP_NO_TABLE, STEP_NESTED };

#define walk_emit(w, name, ...)                                                                    \
	do {                                                                                       \
		if (!(w)->quiet)                                                                   \
			vm_emit((w)->vcpu->vm, (w)->vcpu->id, name, __VA_ARGS__);                  \
	} while (0)

/* ---- entries in guest memory --------------------------------------------------------- */

/* NULL where no slot is, or an invalid one. *writable: the walk may set bits there. */
static void *entry_va(struct mmu_vcpu *vcpu, gpa_t gpa, bool *writable)
{
	const struct memslot *slot = vcpu_slot(vcpu, gpa >> PAGE_SHIFT);

	if (!slot_is_usable(slot))
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

static void mark_dirty(struct mmu_vcpu *vcpu, gfn_t gfn)
{
	dirty_mark(vcpu->vm, vcpu, vcpu_slot(vcpu, gfn), gfn);
}

/*
 * One frame can be a table of 4-byte entries to this walk and one of 8-byte entries
 * to another. Where every other of the former has A and D, the latter have bits of an
 * address: their shadow has to follow, as after any store.
 *
 *   returns  false: the store must wait for the write lock
 */
static bool others_follow(struct walker *w, gpa_t gpa)
{
	struct mmu_vm *vm = w->vcpu->vm;
	unsigned as = w->vcpu->regs.smm;

	if (!w->role.base.has_4_byte_gpte || !(gpa & 4) || !shadow_maybe_present(vm) ||
	    !vm->shadow->reads_8_bytes(vm, as, gpa >> PAGE_SHIFT))
		return true;
	if (w->op->locked != OP_WRITE)
		return false;
	vm->shadow->guest_wrote(w->op, as, gpa, 4);
	flush_pay(w->op);
	return true;
}

/* Sets bits in the entry read at this level; false if it has changed since, or
 * exclusive is set. A table in read-only memory is left as it is. */
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
	walk->exclusive = !others_follow(w, walk->pte_gpa[level]);
	if (walk->exclusive)
		return false;
	if (!entry_cas(va, w->role.base.has_4_byte_gpte, walk->pte[level], pte))
		return false;
	mark_dirty(w->vcpu, walk->pte_gpa[level] >> PAGE_SHIFT);
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

/* What a nested table translates is physical: its high bits are no sign. */
static bool is_canonical(const struct walker *w)
{
	unsigned bits = w->level > LEVEL_1G ? PAGE_SHIFT + 9 * w->level : 32;

	if (w->mmu == &w->vcpu->guest_mmu)
		return !(w->gva >> bits);
	return bits == 32 || (u64)((s64)(w->gva << (64 - bits)) >> (64 - bits)) == w->gva;
}

u64 gwalk_reserved(const struct mmu_vm *vm, struct cpu_role role, unsigned level, bool leaf)
{
	u64 reserved = gpte_reserved(role, level, leaf, vm->maxphyaddr);

	if (vm->tdp_used && gpte_is_pdpte(role, level))
		reserved &= ~(u64)GPTE_A;
	return reserved;
}

static void aim(struct walker *w, gpa_t table_gpa)
{
	w->entry_gpa = gpte_gpa(w->role, w->level, table_gpa, w->gva);
}

/* Reads the entry at w->level, which lies at gpa, and looks where it leads. */
static enum step walk_entry(struct walker *w, gpa_t gpa)
{
	struct gwalk *walk = w->walk;
	bool leaf;
	u64 pte;

	mmu_point(w->vcpu->vm, walk_entry);
	walk->table_gfn[w->level] = gpa >> PAGE_SHIFT;
	walk->table_access[w->level] = w->rights;
	walk->pte_gpa[w->level] = gpa;
	walk->pte_ngpa[w->level] = w->entry_gpa;
	if (!entry_read(w->vcpu, gpa, w->role.base.has_4_byte_gpte, &pte)) {
		walk->changing = vcpu_slot(w->vcpu, gpa >> PAGE_SHIFT);
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
	if (pte & gwalk_reserved(w->vcpu->vm, w->role, w->level, leaf))
		return fault(w, PFERR_PRESENT | PFERR_RSVD);
	if (leaf)
		return STEP_LEAF;
	w->level--;
	aim(w, gpte_table(w->role, pte));
	return STEP_DOWN;
}

/* AC lifts SMAP for what the supervisor's own instructions do; what user mode's do
 * as supervisor, a look at a descriptor table, it does not. */
static bool ac_counts(const struct mmu_regs *regs)
{
	return regs->ac && regs->cpl < 3;
}

static enum step walk_begin(struct walker *w)
{
	const struct mmu_vcpu *vcpu = w->vcpu;

	w->level = w->walk->top;
	w->rights = ACC_ALL;
	if (!is_canonical(w))
		return fault(w, 0);
	aim(w, gpte_first_table(w->role, context_pgd(vcpu, w->mmu), vcpu->vm->maxphyaddr));
	return STEP_DOWN;
}

/* At the leaf: may the access go on, and where to. */
static enum step arrive(struct walker *w)
{
	struct gwalk *walk = w->walk;
	u64 pte = walk->pte[w->level];

	if (!gwalk_permits(w->mmu, w->rights, w->access, ac_counts(&w->vcpu->regs)))
		return fault(w, PFERR_PRESENT);
	walk->access = w->rights;
	walk->gfn = gpte_leaf_gfn(w->role, w->level, pte, w->gva);
	walk->leaf_dirty = pte & GPTE_D || w->access & PFERR_WRITE;
	return STEP_LEAF;
}

static enum step walk_unpaged(struct walker *w)
{
	struct gwalk *walk = w->walk;

	walk->leaf_level = LEVEL_4K;
	walk->access = ACC_ALL;
	walk->leaf_dirty = true;
	walk->gfn = w->gva >> PAGE_SHIFT;
	return STEP_LEAF;
}

/* ---- tables that lie in the memory of the guest itself ------------------------------------ */

static enum step walk_tables(struct walker *w)
{
	enum step step = walk_begin(w);

	while (step == STEP_DOWN)
		step = walk_entry(w, w->entry_gpa);
	w->walk->leaf_level = w->level;
	return step == STEP_LEAF ? arrive(w) : step;
}

/* A and D are set; or else somebody changed an entry meanwhile. */
static bool is_overtaken(struct walker *w, enum step step)
{
	return step == STEP_LEAF && w->walk->top && w->set_ad && !set_accessed_and_dirty(w) &&
	       !w->walk->exclusive;
}

static enum step walk_flat(struct walker *w)
{
	enum step step;

	if (!w->walk->top)
		return walk_unpaged(w);
	do {
		step = walk_tables(w);
	} while (is_overtaken(w, step));
	return w->walk->exclusive ? STEP_NO_TABLE : step;
}

static void walker_init(struct walker *w, const struct mmu *mmu, gva_t gva, u64 access)
{
	memset(w->walk, 0, sizeof(*w->walk));
	w->mmu = mmu;
	w->role = mmu->cpu_role;
	w->access = mmu == &w->vcpu->guest_mmu ? access | PFERR_USER : access;
	w->gva = gva;
	w->walk->top = w->role.base.level;
	if (w->walk->top <= LEVEL_1G && mmu != &w->vcpu->guest_mmu)
		w->gva &= BITS(31, 0);
	if (w->walk->top)
		walk_emit(w, walk, gva, (u32)w->access, (u8)context_id(w->vcpu, mmu));
}

static void tell_end(struct walker *w, gva_t gva, enum step step)
{
	const struct gwalk *walk = w->walk;

	if (!walk->top || walk->exclusive)
		return;
	if (step == STEP_LEAF)
		walk_emit(w, walk_done, gva, walk->gfn << PAGE_SHIFT | (gva & ~PAGE_MASK),
			  (u8)walk->leaf_level, walk->access);
	else
		walk_emit(w, walk_error, gva, walk->error);
}

/* ---- tables of an inner guest -------------------------------------------------------------- */

/* Where the inner hypervisor's tables put an nGPA; why: what the access is for.
 * returns  LEAF, or NESTED with its error for the inner hypervisor */
static enum step outer(struct walker *w, gpa_t ngpa, u64 access, u64 why, gpa_t *gpa)
{
	struct gwalk walk;
	struct walker o = { .op = w->op, .vcpu = w->vcpu, .walk = &walk, .set_ad = w->set_ad,
			    .quiet = w->quiet };
	enum step step;

	walker_init(&o, &w->vcpu->guest_mmu, ngpa, access);
	step = walk_flat(&o);
	tell_end(&o, ngpa, step);
	if (step == STEP_LEAF) {
		*gpa = walk.gfn << PAGE_SHIFT | (ngpa & ~PAGE_MASK);
		w->walk->access &= walk.access;
		return STEP_LEAF;
	}
	w->walk->changing = walk.changing;
	w->walk->exclusive = walk.exclusive;
	w->walk->error = walk.error | why;
	w->walk->fault_ngpa = ngpa;
	return STEP_NESTED;
}

/* The hardware may set A or D in any of them, so each is written to as far as the
 * tables of the inner hypervisor are concerned. */
static enum step walk_inner_tables(struct walker *w)
{
	enum step step = walk_begin(w);
	gpa_t gpa = 0;

	while (step == STEP_DOWN) {
		step = outer(w, w->entry_gpa, PFERR_WRITE, PFERR_GUEST_PAGE, &gpa);
		if (step == STEP_LEAF)
			step = walk_entry(w, gpa);
	}
	w->walk->leaf_level = w->level;
	return step == STEP_LEAF ? arrive(w) : step;
}

/* The frame the inner guest's tables lead to is one of its own. */
static enum step arrive_below(struct walker *w)
{
	struct gwalk *walk = w->walk;
	gpa_t ngpa = walk->gfn << PAGE_SHIFT | (w->gva & ~PAGE_MASK), gpa = 0;
	enum step step = outer(w, ngpa, w->access & (PFERR_WRITE | PFERR_FETCH), PFERR_GUEST_FINAL,
			       &gpa);

	walk->ngfn = walk->gfn;
	walk->gfn = gpa >> PAGE_SHIFT;
	return step;
}

static enum step walk_through(struct walker *w)
{
	enum step step;

	do {
		step = w->walk->top ? walk_inner_tables(w) : walk_unpaged(w);
	} while (is_overtaken(w, step));
	if (w->walk->exclusive)
		return STEP_NO_TABLE;
	return step == STEP_LEAF ? arrive_below(w) : step;
}

/* ---- the walk ------------------------------------------------------------------------------ */

enum gwalk_result gwalk(struct mmu_op *op, const struct mmu *mmu, gva_t gva, u64 access,
			bool set_ad, bool quiet, struct gwalk *walk)
{
	static const enum gwalk_result results[] = {
		[STEP_LEAF] = GWALK_OK,
		[STEP_FAULT] = GWALK_FAULT,
		[STEP_NO_TABLE] = GWALK_NO_TABLE,
		[STEP_NESTED] = GWALK_NESTED,
	};
	struct walker w = { .op = op, .vcpu = op->vcpu, .walk = walk, .set_ad = set_ad, .quiet = quiet };
	enum step step;

	walker_init(&w, mmu, gva, access);
	step = mmu == &op->vcpu->nested_mmu ? walk_through(&w) : walk_flat(&w);
	if (mmu != &op->vcpu->nested_mmu)
		walk->ngfn = walk->gfn;
	tell_end(&w, gva, step);
	return results[step];
}

bool gwalk_still_true(struct mmu_vcpu *vcpu, const struct mmu *mmu, const struct gwalk *walk,
		      unsigned level)
{
	bool four_byte = mmu->cpu_role.base.has_4_byte_gpte;
	u64 pte;

	mmu_point(vcpu->vm, revalidate);
	return entry_read(vcpu, walk->pte_gpa[level], four_byte, &pte) && pte == walk->pte[level];
}
