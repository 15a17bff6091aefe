/* SPDX-License-Identifier: MIT */
/*
 * Down our tree along a walk of the guest's tables, linking what is missing,
 * to the leaf.
 *
 *	guest      PML4 -> PDPT -> PD (2 MiB leaf)
 *	ours       root -> page -> page -> direct page -> leaf, if the host's is 4 KiB
 *
 * The walk was done before the lock was taken. Each guest entry it used is read
 * again once its table is write-protected, which it is as long as its shadow
 * page lives; if it has changed, the guest just faults again.
 */
#include "mmu/dirty.h"
#include "mmu/flush.h"
#include "mmu/guest_pte.h"
#include "mmu/memslot.h"
#include "mmu/page_track.h"
#include "mmu/shadow.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/unsync.h"

struct fetch {
	struct mmu_op *op;
	const struct gwalk *walk;
	struct memslot *slot;	/* of walk->gfn; NULL: device memory */
	gva_t gva;
	unsigned access;	/* the leaf's rights */
	bool write;		/* the fault is one */
	struct sp *sp;		/* where we are */
};

/*
 * The leaf's rights. W is withheld while the guest's D is clear, so that the
 * first write faults and sets it. With CR0.WP clear the guest's kernel writes
 * where W is clear, but the hardware always runs with WP set: the entry is made
 * writable for the kernel alone, which must not execute from a user page then
 * if SMEP is on. The next access by user mode turns it back. SMAP cannot see
 * such a page till then; as in KVM, that is let pass. An entry of device memory
 * only notes what the guest's tables say.
 */
static unsigned leaf_access(const struct fetch *f, const struct mmu *mmu, u64 error)
{
	const struct gwalk *walk = f->walk;
	unsigned access = walk->access;

	if (!walk->leaf_dirty)
		return access & ~ACC_WRITE;
	if (!(error & PFERR_WRITE) || access & ACC_WRITE || !f->slot)
		return access;
	if (access & ACC_USER && mmu->cpu_role.ext.cr4_smep)
		access &= ~ACC_EXEC;
	return (access & ~ACC_USER) | ACC_WRITE;
}

/* Nothing of the guest's stands below its leaf, or anywhere if it does not page. */
static bool is_direct(const struct fetch *f, unsigned level)
{
	return !f->walk->top || level < f->walk->leaf_level;
}

/* What hangs at the entry, if it is the page with this key. Another page or a
 * huge leaf makes way: the same gfn is not enough, for a table and the first
 * frame of a huge page may have it in common. */
static struct sp *linked_child(struct fetch *f, unsigned index, gfn_t gfn, union mmu_role role)
{
	u8 config = gpte_config(f->op->vcpu->mmu->cpu_role, role);
	struct sp *parent = f->sp, *child = NULL;
	u64 spte = spte_get(sp_entry(f->op->vm, parent, index));

	if (!spte_is_present(spte))
		return NULL;
	if (spte_is_table(spte, parent->role.level))
		child = sp_by_table(f->op->vm, spte_hpa(spte));
	if (child && child->gfn == gfn && child->role.word == role.word &&
	    child->config == config)
		return child;
	shadow_drop_entry(f->op, parent, index);
	flush_need(f->op, FLUSH_changed, gfn, level_frames(parent->role.level));
	return NULL;
}

/* The hardware walks more levels than the nested tables have. */
static bool is_special(const struct fetch *f, unsigned level)
{
	return f->sp->flags & SP_SPECIAL && level >= LEVEL_1G;
}

/* The page for the next level. A special record has one parent, and being linked to
 * the first takes no memory: it does not get lost. */
static struct sp *get_child(struct fetch *f, gfn_t gfn, union mmu_role role)
{
	if (is_special(f, role.level))
		return shadow_special_make(f->op, gfn, role, 0);
	return shadow_get_page(f->op, gfn, role);
}

static gfn_t child_gfn(const struct fetch *f, unsigned level)
{
	if (is_special(f, level))
		return f->sp->gfn;
	return is_direct(f, level) ? f->walk->gfn & ~(level_frames(level + 1) - 1) :
				     f->walk->table_gfn[level];
}

static unsigned child_access(const struct fetch *f, unsigned level)
{
	if (is_special(f, level))
		return ACC_ALL;
	return is_direct(f, level) ? f->access : f->walk->table_access[level];
}

/* Is the entry that the walk used at this level what it was? */
static bool still_leads_on(const struct fetch *f, unsigned level)
{
	return is_direct(f, level) || is_special(f, level) ||
	       gwalk_still_true(f->op->vcpu, f->op->vcpu->mmu, f->walk, level);
}

/* The walk read a table there, if one is needed, but slots may have changed since. */
static bool has_table(struct fetch *f, unsigned level, gfn_t gfn)
{
	const struct memslot *slot = sp_slot(f->op->vm, f->sp, gfn);

	if (is_direct(f, level) || is_special(f, level))
		return true;
	f->op->awaits_slots = slot && !slot_is_usable(slot);
	return slot_is_usable(slot);
}

/* One level down. returns  OK; AGAIN: the guest's entry has changed; NOMEM */
static enum mmu_status step_down(struct fetch *f)
{
	unsigned level = f->sp->role.level - 1, index = level_index(f->gva, level + 1);
	gfn_t gfn = child_gfn(f, level);
	union mmu_role role = role_child(f->sp->role, index, is_direct(f, level),
					 child_access(f, level));
	struct sp *linked, *child;

	if (!has_table(f, level, gfn))
		return MMU_AGAIN;
	linked = linked_child(f, index, gfn, role);
	child = linked ? linked : get_child(f, gfn, role);
	if (!child)
		return MMU_NOMEM;
	if (!still_leads_on(f, level))
		return MMU_AGAIN;
	if (!linked && shadow_link(f->op, f->sp, index, child) != MMU_OK)
		return MMU_NOMEM;
	child->write_flooding = 0;
	f->sp = child;
	return MMU_OK;
}

static enum mmu_status descend(struct fetch *f, unsigned level)
{
	enum mmu_status status = MMU_OK;

	while (status == MMU_OK && f->sp->role.level > level)
		status = step_down(f);
	return status;
}

/* The largest level at which guest, slot and write tracking allow a leaf. Asked
 * when the walk's tables are tracked, so that a page that maps one of its own
 * tables stays small. */
static unsigned goal_level(const struct fetch *f)
{
	unsigned level = f->walk->top ? f->walk->leaf_level : LEVEL_2M;
	struct mmu_vm *vm = f->op->vm;

	if (!f->slot || !mmu_get_knob(vm, MMU_KNOB_huge))
		return LEVEL_4K;
	if (level > slot_max_level(f->slot, f->walk->gfn))
		level = slot_max_level(f->slot, f->walk->gfn);
	while (level > LEVEL_4K && !track_allows_level(vm, f->slot, f->walk->gfn, level))
		level--;
	return level;
}

/* The same in all address spaces of the guest, as its tables have it. Those of an
 * inner hypervisor have no such bit. A direct page may stand below two of the guest's
 * entries, one global and one not, and the TLB would keep its leaves for both. */
static bool is_global(const struct fetch *f)
{
	const struct mmu_vcpu *vcpu = f->op->vcpu;
	const struct gwalk *walk = f->walk;

	return !f->sp->role.direct && walk->pte[walk->leaf_level] & GPTE_G &&
	       vcpu->mmu == &vcpu->root_mmu && mmu_get_knob(f->op->vm, MMU_KNOB_global);
}

static enum mmu_status set_leaf(struct fetch *f)
{
	unsigned level = f->sp->role.level, index = level_index(f->gva, level);
	gfn_t gfn = f->walk->gfn & ~(level_frames(level) - 1);
	const struct spte_leaf leaf = {
		.pfn = slot_pfn(f->slot, gfn),
		.level = level,
		.access = f->access,
		.host_writable = slot_is_writable(f->slot),
		.mmu_writable = unsync_try(f->op, f->slot, gfn, f->write),
		.global = is_global(f),
		.dirty = f->write || !slot_logs_by_d(f->slot),
		.held = slot_holds_w(f->slot) && !f->write,
		.ad_disabled = f->sp->role.ad_disabled,
	};

	return shadow_set_leaf(f->op, f->sp, index, f->slot, gfn, &leaf);
}

/* The root mirrors the table the walk began with, whose entry is still true. */
static bool root_is_right(const struct fetch *f)
{
	const struct gwalk *walk = f->walk;

	if (!walk->top)
		return true;
	return f->sp->gfn == walk->table_gfn[walk->top] &&
	       gwalk_still_true(f->op->vcpu, f->op->vcpu->mmu, walk, walk->top);
}

/* Changed under our hands: the guest looks again. */
static enum mmu_verdict verdict_of(enum mmu_status status)
{
	return status == MMU_NOMEM ? MMU_NO_MEMORY : MMU_RETRY;
}

static enum mmu_verdict fetch(struct fetch *f)
{
	enum mmu_status status = MMU_OK;

	if (!root_is_right(f))
		return MMU_RETRY;
	f->sp->write_flooding = 0;
	if (f->walk->top)
		status = descend(f, f->walk->leaf_level);
	if (status == MMU_OK)
		status = descend(f, goal_level(f));
	if (status != MMU_OK)
		return verdict_of(status);
	if (!f->slot) {
		shadow_set_mmio(f->op, f->sp, level_index(f->gva, LEVEL_4K), f->walk->gfn,
				f->access);
		return MMU_RETRY;
	}
	status = set_leaf(f);
	if (status == MMU_OK)
		shadow_prefetch(f->op, f->sp, level_index(f->gva, f->sp->role.level));
	return status == MMU_AGAIN ? MMU_SPURIOUS : verdict_of(status);
}

enum mmu_verdict shadow_fetch(struct mmu_op *op, gva_t gva, u64 error, const struct gwalk *walk,
			      struct memslot *slot)
{
	const struct mmu *mmu = op->vcpu->mmu;
	struct fetch f = { .op = op, .walk = walk, .slot = slot, .gva = gva, .sp = mmu->root.sp,
			   .write = error & PFERR_WRITE };

	f.access = leaf_access(&f, mmu, error);
	if (mmu->root_role.level == LEVEL_1G)
		f.gva &= BITS(31, 0);
	return fetch(&f);
}
