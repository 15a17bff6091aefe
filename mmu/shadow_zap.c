/* SPDX-License-Identifier: MIT */
/*
 * What is done to the shadow MMU from outside a fault: frames taken away or
 * write-protected, guest tables written to, pages given up.
 */
#include "mmu/flush.h"
#include "mmu/memslot.h"
#include "mmu/page_track.h"
#include "mmu/rmap.h"
#include "mmu/shadow.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

/* Pages one fault may make, and how many are recycled at once. */
#define ROOM_LOW	(LEVEL_MAX + 1)
#define ROOM_BATCH	20

/* ---- ranges of guest frames ----------------------------------------------------- */

/* One level of one slot: every entry that overlaps [start, end). */
static u64 zap_level(struct mmu_op *op, struct memslot *slot, unsigned level, gfn_t start,
		     gfn_t end)
{
	u64 frames = level_frames(level), zapped = 0;

	for (gfn_t gfn = start; gfn < end; gfn = (gfn & ~(frames - 1)) + frames)
		zapped += shadow_zap_rmap(op, slot_rmap(op->vm, slot, gfn, level));
	return zapped;
}

static u64 zap_slot_range(struct mmu_op *op, struct memslot *slot, gfn_t start, gfn_t end)
{
	gfn_t slot_end = slot->base_gfn + slot->npages;
	u64 zapped = 0;

	if (start < slot->base_gfn)
		start = slot->base_gfn;
	if (end > slot_end)
		end = slot_end;
	for (unsigned level = LEVEL_4K; level <= LEVEL_1G; level++)
		zapped += zap_level(op, slot, level, start, end);
	return zapped;
}

u64 shadow_zap_range(struct mmu_op *op, unsigned as, gfn_t start, gfn_t end)
{
	u64 zapped = 0;

	if (!op->vm->shadow_used)
		return 0;
	for (unsigned id = 0; id < MMU_MAX_SLOTS; id++) {
		struct memslot *slot = slot_by_id(op->vm, as, id);

		if (slot)
			zapped += zap_slot_range(op, slot, start, end);
	}
	if (zapped)
		flush_need(op, FLUSH_zap, start, end - start);
	return zapped;
}

/* Takes W from every entry of the list; counts them, and says whether one could
 * be written through. */
static bool protect_rmap(struct mmu_op *op, struct rmap_head *head, u32 *count)
{
	bool was_writable = false;
	struct rmap_iter iter;
	unsigned index;
	spte_t *sptep;

	for_each_rmap(op->vm, head, &iter, sptep) {
		struct sp *sp = sp_of_entry(op->vm, sptep, &index);
		u64 spte = spte_get(sptep);

		if (!(spte & (SPTE_W | SPTE_MMU_W)))
			continue;
		was_writable |= spte & SPTE_MMU_W;
		spte_set(op, sp, index, sp_entry_gfn(op->vm, sp, index),
			 spte & ~(SPTE_W | SPTE_MMU_W));
		++*count;
	}
	return was_writable;
}

bool shadow_write_protect(struct mmu_op *op, struct memslot *slot, gfn_t gfn)
{
	bool was_writable = false;
	u32 count = 0;

	for (unsigned level = LEVEL_4K; level <= LEVEL_1G; level++)
		was_writable |= protect_rmap(op, slot_rmap(op->vm, slot, gfn, level), &count);
	if (count)
		vm_emit(op->vm, op_vcpu(op), wrprot, slot->as, gfn, count);
	return was_writable;
}

bool shadow_protect_frame(struct mmu_op *op, struct memslot *slot, gfn_t gfn)
{
	struct memslot *twin = slot_twin(op->vm, slot, gfn);
	bool was_writable = shadow_write_protect(op, slot, gfn);

	if (twin)
		was_writable |= shadow_write_protect(op, twin, gfn);
	if (tdp_active(op->vm))
		was_writable |= op->vm->tdp->write_protect(op, slot, gfn);
	if (tdp_active(op->vm) && twin)
		was_writable |= op->vm->tdp->write_protect(op, twin, gfn);
	return was_writable;
}

/* ---- whole pages -------------------------------------------------------------------- */

u32 shadow_obsolete_all(struct mmu_op *op)
{
	struct mmu_vm *vm = op->vm;
	u32 nr = vm->nr_hashed;

	vm->gen ^= 1;
	request_all(vm, MMU_REQ_RELOAD);
	flush_need(op, FLUSH_zap, 0, 0);
	return nr;
}

static bool special_is_obsolete(const struct mmu_vm *vm, const struct sp *sp, const void *arg)
{
	(void)arg;
	return sp_is_obsolete(vm, sp);
}

/* New pages are put at the list's head, so the obsolete ones are at its end. */
u32 shadow_zap_obsolete(struct mmu_op *op, u32 max)
{
	struct mmu_vm *vm = op->vm;
	u32 zapped = 0;

	for (; zapped < max && !list_is_empty(&vm->active); zapped++) {
		struct sp *oldest = list_entry(vm->active.prev, struct sp, active);

		if (!sp_is_obsolete(vm, oldest))
			break;
		shadow_zap_page(op, oldest, ZAP_obsolete);
	}
	if (zapped < max)
		zapped += shadow_zap_specials(op, special_is_obsolete, NULL, ZAP_obsolete);
	return zapped;
}

/* Guest frames [start, end) of an address space. */
struct frame_range {
	unsigned as;
	gfn_t start, end;
};

/* A page that mirrors a guest table there, or the root that stands over one. */
static bool is_of_table_in(const struct sp *sp, const struct frame_range *range)
{
	return !sp->role.direct && sp->role.smm == range->as && sp->gfn >= range->start &&
	       sp->gfn < range->end;
}

static bool special_is_in(const struct mmu_vm *vm, const struct sp *sp, const void *arg)
{
	(void)vm;
	return is_of_table_in(sp, arg);
}

static struct sp *active_from(struct mmu_vm *vm, struct list *node, const struct frame_range *range)
{
	for (; node != &vm->active; node = node->next) {
		struct sp *sp = list_entry(node, struct sp, active);

		if (is_of_table_in(sp, range))
			return sp;
	}
	return NULL;
}

u32 shadow_zap_tables(struct mmu_op *op, unsigned as, gfn_t start, gfn_t end)
{
	const struct frame_range range = { .as = as, .start = start, .end = end };
	struct mmu_vm *vm = op->vm;
	struct list *next;
	u32 zapped = 0;
	struct sp *sp;

	for (sp = active_from(vm, vm->active.next, &range); sp; zapped++) {
		next = sp->active.next;
		shadow_zap_page(op, sp, ZAP_slot);
		/* Did the next one go with it? Then from the beginning. */
		if (next != &vm->active && list_entry(next, struct sp, active)->role.invalid)
			next = vm->active.next;
		sp = active_from(vm, next, &range);
	}
	return zapped + shadow_zap_specials(op, special_is_in, &range, ZAP_slot);
}

static bool special_is_inner(const struct mmu_vm *vm, const struct sp *sp, const void *arg)
{
	(void)vm;
	(void)arg;
	return sp->role.guest_mode;
}

/* Zapping one may zap others: all are taken aside first. */
void shadow_zap_inner(struct mmu_op *op)
{
	struct mmu_vm *vm = op->vm;
	struct list inner, *next;

	list_init(&inner);
	for (struct list *node = vm->active.next; node != &vm->active; node = next) {
		next = node->next;
		if (!list_entry(node, struct sp, active)->role.guest_mode)
			continue;
		list_remove(node);
		list_add(node, &inner);
	}
	while (!list_is_empty(&inner))
		shadow_zap_page(op, list_entry(inner.next, struct sp, active), ZAP_inner);
	shadow_zap_specials(op, special_is_inner, NULL, ZAP_inner);
}

bool shadow_unprotect(struct mmu_op *op, unsigned as, gfn_t gfn)
{
	struct sp *sp;
	bool any = false;

	while ((sp = sp_find_shadow(sp_hash_chain(op->vm, gfn), gfn, as, false))) {
		shadow_zap_page(op, sp, ZAP_unprotect);
		any = true;
	}
	return any;
}

static struct sp *oldest_but_roots(struct mmu_vm *vm)
{
	for (struct list *node = vm->active.prev; node != &vm->active; node = node->prev) {
		struct sp *sp = list_entry(node, struct sp, active);

		if (!sp->root_count)
			return sp;
	}
	return NULL;
}

static u32 zap_oldest(struct mmu_op *op, u32 n, enum zap_why why)
{
	struct sp *sp;
	u32 zapped = 0;

	for (; zapped < n && (sp = oldest_but_roots(op->vm)); zapped++)
		shadow_zap_page(op, sp, why);
	return zapped;
}

u32 shadow_shrink(struct mmu_op *op, u32 n)
{
	return zap_oldest(op, n, ZAP_shrink);
}

void shadow_make_room(struct mmu_vcpu *vcpu)
{
	struct mmu_vm *vm = vcpu->vm;
	u64 budget = mmu_get_knob(vm, MMU_KNOB_budget);
	struct mmu_op op;
	u32 zapped;

	if (!budget || atomic_load(&vm->nr_hashed) + ROOM_LOW <= budget)
		return;
	op_begin(&op, vm, vcpu, true);
	zapped = zap_oldest(&op, ROOM_BATCH, ZAP_recycled);
	stat_add(vm, sp_recycled, zapped);
	op_end(&op);
}

/* ---- guest tables written to ----------------------------------------------------------- */

/*
 * Empties what mirrors the guest entry number gpte. In a 2-level guest a page
 * mirrors half a table (level 1: one entry each) or a quarter of a directory
 * (level 2: two entries each, 2 MiB apart).
 */
static bool drop_gpte(struct mmu_op *op, struct sp *sp, unsigned gpte)
{
	unsigned per_gpte, per_page, index;
	bool any = false;

	if (!sp->role.has_4_byte_gpte)
		return shadow_drop_entry(op, sp, gpte);
	per_gpte = sp->role.level == LEVEL_4K ? 1 : 2;
	per_page = PT_ENTRIES / per_gpte;
	if (gpte / per_page != sp->role.quadrant)
		return false;
	index = gpte % per_page * per_gpte;
	for (unsigned i = 0; i < per_gpte; i++)
		any |= shadow_drop_entry(op, sp, index + i);
	return any;
}

/* Bytes [start, end) of the table were written. */
static bool drop_gptes(struct mmu_op *op, struct sp *sp, unsigned start, unsigned end)
{
	unsigned size = sp->role.has_4_byte_gpte ? 4 : 8;
	bool any = false;

	for (unsigned gpte = start / size; gpte <= (end - 1) / size; gpte++)
		any |= drop_gpte(op, sp, gpte);
	return any;
}

/* So many writes without a use, and the frame is taken for something else now. A
 * table of level 1 can be left to the guest instead. */
static bool is_flooded(const struct mmu_vm *vm, const struct sp *sp)
{
	u64 flood = mmu_get_knob(vm, MMU_KNOB_flood);

	if (sp->role.level == LEVEL_4K && mmu_get_knob(vm, MMU_KNOB_unsync))
		return false;
	return sp->write_flooding >= flood && flood;
}

static struct sp *flooded_shadow(struct mmu_vm *vm, unsigned as, gfn_t gfn)
{
	struct sp *sp, *next;

	for_each_shadow (vm, sp, next, gfn, as, false)
		if (is_flooded(vm, sp))
			return sp;
	return NULL;
}

static void drop_shadows(struct mmu_op *op, unsigned as, gfn_t gfn, unsigned start, unsigned end)
{
	bool any = false, flooded = false;
	struct sp *sp, *next;

	for_each_shadow (op->vm, sp, next, gfn, as, false) {
		sp->write_flooding++;
		if (is_flooded(op->vm, sp))
			flooded = true;
		else
			any |= drop_gptes(op, sp, start, end);
	}
	/* Zapping one may zap others, out of the chain. */
	while (flooded && (sp = flooded_shadow(op->vm, as, gfn)))
		shadow_zap_page(op, sp, ZAP_flood);
	if (any)
		flush_need(op, FLUSH_zap, gfn, 1);
}

static void frame_wrote(struct mmu_op *op, unsigned as, gfn_t gfn, unsigned start, unsigned end)
{
	const struct memslot *slot = slot_lookup(op->vm, as, gfn);

	drop_shadows(op, as, gfn, start, end);
	if (slot && slot_twin(op->vm, slot, gfn))
		drop_shadows(op, !as, gfn, start, end);
}

static bool any_of_8_bytes(struct mmu_vm *vm, unsigned as, gfn_t gfn)
{
	struct sp *sp, *next;

	for_each_shadow (vm, sp, next, gfn, as, false)
		if (!sp->role.has_4_byte_gpte)
			return true;
	return false;
}

bool shadow_reads_8_bytes(struct mmu_vm *vm, unsigned as, gfn_t gfn)
{
	const struct memslot *slot = slot_lookup(vm, as, gfn);

	return slot && track_is_shadowed(vm, slot, gfn) &&
	       (any_of_8_bytes(vm, as, gfn) ||
		(slot_twin(vm, slot, gfn) && any_of_8_bytes(vm, !as, gfn)));
}

void shadow_guest_wrote(struct mmu_op *op, unsigned as, gpa_t gpa, unsigned bytes)
{
	while (bytes) {
		unsigned start = gpa & ~PAGE_MASK, room = PAGE_SIZE - start;
		unsigned here = bytes < room ? bytes : room;

		frame_wrote(op, as, gpa >> PAGE_SHIFT, start, start + here);
		gpa += here;
		bytes -= here;
	}
}
