/* SPDX-License-Identifier: MIT */
/* Pages that may be stale: marking them and the way to them, and finding them. */
#include "mmu/unsync.h"
#include "mmu/memslot.h"
#include "mmu/page_track.h"
#include "mmu/rmap.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

/* ---- the bits of the pages above ------------------------------------------------- */

static void set_bit(struct mmu_vm *vm, struct sp *parent, unsigned index);
static void clear_bit(struct mmu_vm *vm, struct sp *parent, unsigned index);

/* For every entry that leads to sp. */
static void each_parent(struct mmu_vm *vm, const struct sp *sp,
			void (*change)(struct mmu_vm *vm, struct sp *parent, unsigned index))
{
	struct rmap_iter iter;
	unsigned index;
	spte_t *sptep;

	for_each_rmap (vm, &sp->parents, &iter, sptep) {
		struct sp *parent = sp_of_entry(vm, sptep, &index);

		change(vm, parent, index);
	}
}

/* Only the first child makes a difference further up. The tree is no deeper than
 * LEVEL_MAX, nor is this. */
static void set_bit(struct mmu_vm *vm, struct sp *parent, unsigned index)
{
	if (sp_is_unsync_child(parent, index))
		return;
	parent->unsync_child[index / 64] |= BIT(index % 64);
	__atomic_store_n(&parent->unsync_children, parent->unsync_children + 1, __ATOMIC_RELEASE);
	if (parent->unsync_children == 1)
		each_parent(vm, parent, set_bit);
}

static void clear_bit(struct mmu_vm *vm, struct sp *parent, unsigned index)
{
	if (!sp_is_unsync_child(parent, index))
		return;
	parent->unsync_child[index / 64] &= ~BIT(index % 64);
	__atomic_store_n(&parent->unsync_children, parent->unsync_children - 1, __ATOMIC_RELEASE);
	if (!parent->unsync_children)
		each_parent(vm, parent, clear_bit);
}

void unsync_linked(struct mmu_vm *vm, struct sp *parent, unsigned index, const struct sp *child)
{
	if (child->unsync || child->unsync_children)
		set_bit(vm, parent, index);
}

void unsync_unlinked(struct mmu_vm *vm, struct sp *parent, unsigned index)
{
	clear_bit(vm, parent, index);
}

/* ---- becoming unsync, and the end of it ---------------------------------------------- */

static void mark(struct mmu_op *op, struct sp *sp)
{
	struct mmu_vm *vm = op->vm;

	if (sp->unsync)
		return;
	mmu_check(vm, sp->role.level == LEVEL_4K, "H-1: an upper table becomes unsync", sp->id,
		  sp->role.word);
	each_parent(vm, sp, set_bit);
	__atomic_store_n(&sp->unsync, true, __ATOMIC_RELEASE);
	if (sp->unsyncs < UINT8_MAX)
		sp->unsyncs++;
	stat_add(vm, unsync, 1);
	stat_add(vm, unsyncs, 1);
	vm_emit(vm, op_vcpu(op), sp_unsync, sp->id, sp->gfn);
}

static bool all_unsync(struct mmu_op *op, struct memslot *slot, gfn_t gfn)
{
	bool twin = slot_twin(op->vm, slot, gfn);
	struct sp *sp, *next;

	for_each_shadow (op->vm, sp, next, gfn, slot->as, twin)
		if (!sp_is_unsync(sp))
			return false;
	return true;
}

static void mark_all(struct mmu_op *op, struct memslot *slot, gfn_t gfn)
{
	bool twin = slot_twin(op->vm, slot, gfn);
	struct sp *sp, *next;

	spin_lock(op->vm->env, &op->vm->unsync_lock);
	for_each_shadow (op->vm, sp, next, gfn, slot->as, twin)
		mark(op, sp);
	spin_unlock(&op->vm->unsync_lock);
	mmu_point(op->vm, unsync);
}

bool unsync_try(struct mmu_op *op, struct memslot *slot, gfn_t gfn, bool write)
{
	struct mmu_vm *vm = op->vm;

	if (!track_is_shadowed(vm, slot, gfn))
		return true;
	if (track_upper_count(vm, slot, gfn))
		return false;
	if (all_unsync(op, slot, gfn))
		return true;
	if (!write || !mmu_get_knob(vm, MMU_KNOB_unsync))
		return false;
	mark_all(op, slot, gfn);
	return true;
}

void unsync_clear(struct mmu_op *op, struct sp *sp)
{
	if (!sp->unsync)
		return;
	sp->unsync = false;
	stat_add(op->vm, unsync, -1);
	each_parent(op->vm, sp, clear_bit);
}

/* ---- finding them ---------------------------------------------------------------------- */

void unsync_walk_begin(struct unsync_walk *walk, struct mmu_vm *vm, struct sp *top)
{
	unsigned level = top->role.level;

	*walk = (struct unsync_walk){ .vm = vm, .level = level, .top = level };
	walk->sp[level] = top;
}

/* The next entry with its bit set, from `from` on. */
static unsigned next_bit(const struct sp *sp, unsigned from)
{
	u64 word;

	while (from < PT_ENTRIES) {
		word = sp->unsync_child[from / 64] >> from % 64;
		if (word)
			return from + __builtin_ctzll(word);
		from = (from | 63) + 1;
	}
	return from;
}

static struct sp *child_at(struct mmu_vm *vm, const struct sp *sp, unsigned index)
{
	u64 spte = spte_get(sp_entry(vm, sp, index));
	struct sp *child = spte_is_table(spte, sp->role.level) ? sp_by_table(vm, spte_hpa(spte)) : NULL;

	mmu_check(vm, child, "H-2: what shall be unsync is no page", sp->id, index);
	return child;
}

static struct sp *walk_one(struct unsync_walk *walk)
{
	while (walk->level <= walk->top) {
		struct sp *sp = walk->sp[walk->level], *child;
		unsigned index = next_bit(sp, walk->next[walk->level]);

		if (index == PT_ENTRIES) {
			walk->level++;
			continue;
		}
		walk->next[walk->level] = index + 1;
		child = child_at(walk->vm, sp, index);
		if (child->role.level == LEVEL_4K)
			return child;
		walk->level = child->role.level;
		walk->sp[walk->level] = child;
		walk->next[walk->level] = 0;
	}
	return NULL;
}

unsigned unsync_walk_next(struct unsync_walk *walk, struct sp *batch[UNSYNC_BATCH])
{
	unsigned nr = 0;

	while (nr < UNSYNC_BATCH && (batch[nr] = walk_one(walk)))
		nr++;
	return nr;
}
