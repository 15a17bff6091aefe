/* SPDX-License-Identifier: MIT */
/* Root slots: who serves, who is kept, who goes. */
#include "mmu/roots.h"
#include "mmu/backend.h"
#include "mmu/flush.h"
#include "mmu/mode.h"
#include "mmu/vcpu.h"

static void tell(struct mmu_op *op, const struct mmu_vcpu *vcpu, struct mmu *mmu, unsigned i)
{
	const struct mmu_root *root = mmu_root_slot(mmu, i);

	vm_emit(op->vm, vcpu->id, root_set, (u8)i, root->sp ? root->sp->id : 0,
		root->sp ? root->sp->table_hpa : 0, root->pgd, (u8)context_id(vcpu, mmu));
}

/* The slot names something else at once, and that is told. */
static void put_untold(struct mmu_op *op, struct mmu *mmu, unsigned i)
{
	struct mmu_root *root = mmu_root_slot(mmu, i);

	if (root->sp)
		mmu->backend->put_root(op, root);
}

static void put(struct mmu_op *op, const struct mmu_vcpu *vcpu, struct mmu *mmu, unsigned i)
{
	if (!mmu_root_slot(mmu, i)->sp)
		return;
	put_untold(op, mmu, i);
	tell(op, vcpu, mmu, i);
}

void roots_drop_context(struct mmu_op *op, const struct mmu_vcpu *vcpu, struct mmu *mmu)
{
	for (unsigned i = 0; i < MMU_ROOT_SLOTS; i++)
		put(op, vcpu, mmu, i);
}

void roots_drop(struct mmu_op *op, struct mmu_vcpu *vcpu)
{
	roots_drop_context(op, vcpu, &vcpu->root_mmu);
	roots_drop_context(op, vcpu, &vcpu->guest_mmu);
}

/* ---- what is kept ------------------------------------------------------------------ */

/* The current slot of the context in use is filled again at once. */
static void put_dead(struct mmu_op *op, const struct mmu_vcpu *vcpu, struct mmu *mmu)
{
	for (unsigned i = 0; i < MMU_ROOT_SLOTS; i++) {
		const struct sp *sp = mmu_root_slot(mmu, i)->sp;

		if (!sp || (!sp->role.invalid && !sp_is_obsolete(op->vm, sp)))
			continue;
		if (i == 0 && mmu == vcpu->mmu)
			put_untold(op, mmu, i);
		else
			put(op, vcpu, mmu, i);
	}
}

/* A direct root serves any CR3. */
static bool serves(struct mmu_op *op, const struct mmu *mmu, const struct mmu_root *root)
{
	const struct sp *sp = root->sp;

	if (!sp || sp_is_obsolete(op->vm, sp) || sp->role.word != mmu->root_role.word)
		return false;
	if (!sp->role.direct && root->pgd != context_pgd(op->vcpu, mmu))
		return false;
	return !mmu->backend->root_serves || mmu->backend->root_serves(op, mmu, sp);
}

/* The previous slot, from 1, of a root that serves; 0: none. */
static unsigned find_kept(struct mmu_op *op, struct mmu *mmu, unsigned nr_prev)
{
	for (unsigned i = 1; i <= nr_prev; i++)
		if (serves(op, mmu, mmu_root_slot(mmu, i)))
			return i;
	return 0;
}

/* The slot that the newest of the kept roots may push the others up to. */
static unsigned find_room(struct mmu *mmu, unsigned nr_prev)
{
	unsigned i = 1;

	while (i < nr_prev && mmu_root_slot(mmu, i)->sp)
		i++;
	return i;
}

/* The current root becomes the newest of the kept ones; which of them was in slot
 * `last` is current then, and those before it are one older. The current slot is
 * told when it is settled. */
static void rotate(struct mmu_op *op, struct mmu *mmu, unsigned last)
{
	struct mmu_root root = *mmu_root_slot(mmu, last);

	for (unsigned i = last; i > 0; i--) {
		*mmu_root_slot(mmu, i) = *mmu_root_slot(mmu, i - 1);
		tell(op, op->vcpu, mmu, i);
	}
	mmu->root = root;
}

/* Switches to a kept root, or makes the current slot empty. returns  whether
 * there was one */
static bool switch_root(struct mmu_op *op, struct mmu *mmu)
{
	unsigned nr_prev = mmu_get_knob(op->vm, MMU_KNOB_prevroots);
	unsigned hit = find_kept(op, mmu, nr_prev), last = hit;

	for (unsigned i = nr_prev + 1; i < MMU_ROOT_SLOTS; i++)
		put(op, op->vcpu, mmu, i);
	if (!hit && nr_prev && mmu->root.sp) {
		last = find_room(mmu, nr_prev);
		put_untold(op, mmu, last);
	}
	if (last)
		rotate(op, mmu, last);
	else
		put_untold(op, mmu, 0);
	return hit;
}

/* ---- getting ready ------------------------------------------------------------------- */

/* What the TLB may keep over a change of roots. Pages that guests mark global are
 * the same in all their address spaces, as long as these are read alike; what lies
 * below these in TDP mode is another matter. */
static enum mmu_flush scope_of(const struct mmu_vcpu *vcpu, const struct sp *old,
			       const struct sp *root)
{
	if (mmu_vcpu_mode(vcpu) == MMU_MODE_TDP)
		return MMU_FLUSH_ALL;
	return old && old->role.word == root->role.word && old->config == root->config ?
		       MMU_FLUSH_NONGLOBAL : MMU_FLUSH_ALL;
}

/* What is found in the hash is synced there. */
static enum mmu_status find_root(struct mmu_op *op, struct mmu *mmu)
{
	enum mmu_status status;

	if (serves(op, mmu, &mmu->root))
		return MMU_OK;
	if (switch_root(op, mmu)) {
		tell(op, op->vcpu, mmu, 0);
		return MMU_OK;
	}
	status = mmu->backend->load_root(op, mmu);
	if (status != MMU_OK)
		tell(op, op->vcpu, mmu, 0);
	return status;
}

/* Whatever asked for a look comes after its change, so the request is taken back
 * before a new root is made. */
static enum mmu_status prepare_locked(struct mmu_op *op, struct mmu *mmu, const struct sp **changed,
				      enum mmu_flush *scope)
{
	u32 asked = vcpu_take(op->vcpu, MMU_REQ_RELOAD | MMU_REQ_SYNC);
	enum mmu_status status;
	const struct sp *old;

	vcpu_adopt_mode(op, op->vcpu);
	put_dead(op, op->vcpu, &op->vcpu->root_mmu);
	put_dead(op, op->vcpu, &op->vcpu->guest_mmu);
	/* Not a dead one: its record may be that of the next root already. */
	old = mmu->root.sp;
	status = find_root(op, mmu);
	if (status != MMU_OK) {
		vcpu_ask(op->vcpu, asked);
		return status;
	}
	if (asked & MMU_REQ_SYNC && mmu->backend->sync_root)
		mmu->backend->sync_root(op, &mmu->root);
	*changed = mmu->root.sp != old ? mmu->root.sp : NULL;
	*scope = scope_of(op->vcpu, old, mmu->root.sp);
	return MMU_OK;
}

static bool may_be_behind(const struct mmu *mmu, const struct mmu_root *root)
{
	return root->sp && mmu->backend->may_be_behind && mmu->backend->may_be_behind(root);
}

enum mmu_status roots_prepare(struct mmu_vcpu *vcpu)
{
	enum mmu_flush scope = MMU_FLUSH_NONE;
	const struct sp *changed = NULL;
	enum mmu_status status;
	struct mmu_op op;

	if (vcpu_has_root(vcpu) && !may_be_behind(vcpu->mmu, &vcpu->mmu->root)) {
		vcpu_take(vcpu, MMU_REQ_SYNC);
		return MMU_OK;
	}
	if (op_begin_stocked(&op, vcpu, true) != MMU_OK)
		return MMU_NOMEM;
	status = prepare_locked(&op, vcpu->mmu, &changed, &scope);
	op_end(&op);
	if (changed)
		flush_vcpu(vcpu, FLUSH_root, scope);
	return status;
}

/* ---- from outside ---------------------------------------------------------------------- */

static bool names(struct mmu *mmu, const struct sp *root)
{
	for (unsigned i = 0; i < MMU_ROOT_SLOTS; i++)
		if (mmu_root_slot(mmu, i)->sp == root)
			return true;
	return false;
}

void roots_ask_users(struct mmu_vm *vm, const struct sp *root)
{
	for (unsigned i = 0; i < MMU_MAX_VCPUS; i++) {
		struct mmu_vcpu *vcpu = vm->vcpu[i];

		if (vcpu && (names(&vcpu->root_mmu, root) || names(&vcpu->guest_mmu, root)))
			vcpu_ask(vcpu, MMU_REQ_RELOAD);
	}
}

static bool has_pcid(const struct mmu_vcpu *vcpu, const struct mmu_root *root, unsigned pcid)
{
	return root->sp && (pcid == ROOTS_ANY_PCID || regs_pcid(&vcpu->regs, root->pgd) == pcid);
}

void roots_forget(struct mmu_vcpu *vcpu, unsigned pcid)
{
	struct mmu_op op;

	op_begin(&op, vcpu->vm, vcpu, true);
	for (unsigned i = 0; i < MMU_ROOT_SLOTS; i++) {
		const struct mmu_root *root = mmu_root_slot(vcpu->mmu, i);

		/* The current one is synced; but if CR3 has changed it is previous soon. */
		if (has_pcid(vcpu, root, pcid) && (i || root->pgd != context_pgd(vcpu, vcpu->mmu)))
			put(&op, vcpu, vcpu->mmu, i);
	}
	op_end(&op);
}

void roots_sync_gva(struct mmu_vcpu *vcpu, unsigned pcid, gva_t gva)
{
	struct mmu *mmu = vcpu->mmu;
	bool behind = false;
	struct mmu_op op;

	for (unsigned i = 0; i < MMU_ROOT_SLOTS; i++)
		behind |= may_be_behind(mmu, mmu_root_slot(mmu, i));
	if (!behind)
		return;
	op_begin(&op, vcpu->vm, vcpu, true);
	for (unsigned i = 0; i < MMU_ROOT_SLOTS; i++) {
		const struct mmu_root *root = mmu_root_slot(mmu, i);

		if (has_pcid(vcpu, root, pcid) && !root->sp->role.invalid)
			mmu->backend->sync_gva(&op, root, gva);
	}
	op_end(&op);
}
