/* SPDX-License-Identifier: MIT */
/* Audit of shadow page records: roles, lookups, roots. */
#include "mmu/audit.h"
#include "mmu/guest_pte.h"
#include "mmu/memslot.h"
#include "mmu/rmap.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

static bool wp_is_plausible(union mmu_role role)
{
	return !(role.cr0_wp && (role.smep_andnot_wp || role.smap_andnot_wp));
}

static void audit_role(struct audit *audit, const struct sp *sp)
{
	union mmu_role role = sp->role;

	if (!audit_check(audit, RULE_B_2, wp_is_plausible(role), AT(sp->id, 0), role.word, 0))
		return;
	role.invalid = 0;
	audit_check(audit, RULE_B_1, role_is_sane(role, sp->flags & SP_SPECIAL), AT(sp->id, 0),
		    role.word, 0);
}

static bool lies_in_slot(const struct mmu_vm *vm, const struct sp *sp)
{
	if (sp->role.invalid || sp->role.direct || sp->flags & (SP_TDP | SP_DUMMY))
		return true;
	return sp_slot((struct mmu_vm *)vm, sp, sp->gfn);
}

static void audit_special(struct audit *audit, const struct sp *sp)
{
	unsigned used = sp->role.level > LEVEL_1G ? 1 : 4;

	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		u64 spte = spte_get(sp_entry(audit->vm, sp, i));

		audit_check(audit, RULE_Q_4, !(sp->flags & SP_DUMMY) || !spte, AT(sp->id, i), spte,
			    0);
		audit_check(audit, RULE_Q_3, i < used || !spte, AT(sp->id, i), spte, 0);
	}
}

static void audit_record(struct audit *audit, const struct sp *sp)
{
	audit_check(audit, RULE_C_3, lies_in_slot(audit->vm, sp), AT(sp->id, 0), sp->gfn,
		    sp->role.smm);
	audit_check(audit, RULE_N_1, sp->role.invalid || !sp_is_obsolete(audit->vm, sp),
		    AT(sp->id, 0), sp->gen, audit->vm->gen);
	audit_check(audit, RULE_H_1, !sp->unsync || sp->role.level == LEVEL_4K, AT(sp->id, 0),
		    sp->unsync, sp->role.level);
	audit_check(audit, RULE_E_8, !sp->role.direct || (!sp->unsync && !sp->shadowed_hpa),
		    AT(sp->id, 0), sp->unsync, sp->shadowed_hpa);
}

/* Is another page with the same key further down the chain? */
static bool is_alone(const struct sp *sp)
{
	for (const struct sp *other = sp->hash_next; other; other = other->hash_next)
		if (other->gfn == sp->gfn && other->role.word == sp->role.word &&
		    other->config == sp->config)
			return false;
	return true;
}

static bool is_usable(const struct mmu_vm *vm, const struct sp *sp)
{
	return !sp->role.invalid && sp_by_id(vm, sp->id) == sp;
}

/* Every chain by itself: what is found there need not be on vm->active.
 * returns  how many pages lie where they are looked for */
static u64 audit_buckets(struct audit *audit)
{
	const struct mmu_vm *vm = audit->vm;
	u64 nr = 0;

	for (u64 bucket = 0; bucket < vm->nr_buckets; bucket++) {
		struct sp **head = parray_get(vm->env, &vm->hash, bucket);

		for (struct sp *sp = head ? *head : NULL; sp; sp = sp->hash_next) {
			nr += sp_hash_chain(vm, sp->gfn) == *head;
			audit_check(audit, RULE_B_5, is_alone(sp), AT(sp->id, 0), sp->gfn,
				    sp->role.word);
			audit_check(audit, RULE_E_11, is_usable(vm, sp), AT(sp->id, 0),
				    sp->role.word, 0);
		}
	}
	return nr;
}

static u64 audit_active(struct audit *audit)
{
	const struct mmu_vm *vm = audit->vm;
	u64 nr = 0, newer = 0;

	for (struct list *node = vm->active.next; node != &vm->active; node = node->next, nr++) {
		struct sp *sp = list_entry(node, struct sp, active);

		audit_check(audit, RULE_E_11, is_usable(vm, sp), AT(sp->id, 0), sp->role.word, 0);
		if (!nr)
			newer = sp->born + 1;
		audit_check(audit, RULE_N_2, sp->born < newer, AT(sp->id, 0), sp->born, newer);
		newer = sp->born;
	}
	return nr;
}

/* The hash, the list and the valid pages are the same pages. */
static void audit_hash(struct audit *audit)
{
	u64 hashed = audit_buckets(audit), active = audit_active(audit), want = 0;

	for (struct sp *sp = sp_next(audit->vm, NULL); sp; sp = sp_next(audit->vm, sp))
		want += !sp->role.invalid && !(sp->flags & (SP_TDP | SP_SPECIAL));
	audit_check(audit, RULE_E_5, hashed == want, AT(0, 0), hashed, want);
	audit_check(audit, RULE_E_5, active == want, AT(0, 0), active, want);
	audit_check(audit, RULE_E_5, audit->vm->nr_hashed == want, AT(0, 0), audit->vm->nr_hashed,
		    want);
}

static bool root_is_alone(const struct mmu_vm *vm, const struct sp *root)
{
	for (const struct list *node = root->active.next; node != &vm->tdp_roots;
	     node = node->next)
		if (list_entry(node, struct sp, active)->role.word == root->role.word)
			return false;
	return true;
}

static void audit_tdp_roots(struct audit *audit)
{
	struct list *node;

	for (node = audit->vm->tdp_roots.next; node != &audit->vm->tdp_roots; node = node->next) {
		struct sp *root = list_entry(node, struct sp, active);

		audit_check(audit, RULE_I_5, root_is_alone(audit->vm, root), AT(root->id, 0),
			    root->role.word, 0);
		audit_check(audit, RULE_E_11, !root->role.invalid, AT(root->id, 0),
			    root->role.word, 0);
	}
}

static bool is_tdp_root(const struct mmu_vm *vm, const struct sp *sp)
{
	return sp_is_tdp(sp) && sp->role.level == vm->config.tdp_level;
}

static bool aging_finds(const struct mmu_vm *vm, const struct sp *root)
{
	const struct sp *tree = vm->tdp_trees;

	while (tree && tree != root)
		tree = tree->hash_next;
	return tree;
}

static void audit_tdp_root(struct audit *audit, const struct sp *root)
{
	audit_check(audit, RULE_I_4, root->pins == !root->role.invalid, AT(root->id, 0),
		    root->pins, !root->role.invalid);
	audit_check(audit, RULE_K_1, !root->pins || aging_finds(audit->vm, root),
		    AT(root->id, 0), 0, root->pins);
}

void audit_sps(struct audit *audit)
{
	for (struct sp *sp = sp_next(audit->vm, NULL); sp; sp = sp_next(audit->vm, sp)) {
		audit->sps++;
		audit->indirect += sp_has_gptes(sp) && !sp->role.invalid;
		audit_role(audit, sp);
		audit_record(audit, sp);
		if (sp->flags & SP_SPECIAL)
			audit_special(audit, sp);
		if (is_tdp_root(audit->vm, sp))
			audit_tdp_root(audit, sp);
	}
	audit_hash(audit);
	audit_tdp_roots(audit);
}

/* ---- roots ----------------------------------------------------------------------- */

static unsigned slots_naming(const struct mmu *mmu, const struct sp *sp)
{
	unsigned nr = mmu->root.sp == sp;

	for (unsigned i = 0; i < MMU_PREV_ROOTS; i++)
		nr += mmu->prev[i].sp == sp;
	return nr;
}

/* No root, but the way to one of the same vCPU. */
static bool hangs_below_special(const struct mmu_vm *vm, const struct sp *sp)
{
	struct rmap_iter iter;
	const struct sp *parent;
	unsigned index;
	spte_t *sptep = rmap_first(vm, &sp->parents, &iter);

	if (sp->root_count || rmap_count(vm, &sp->parents) != 1)
		return false;
	parent = sp_of_entry(vm, sptep, &index);
	return parent->flags & SP_SPECIAL && parent->vcpu == sp->vcpu && parent->gfn == sp->gfn;
}

static void audit_root_count(struct audit *audit, const struct sp *sp)
{
	const struct mmu_vcpu *own;
	unsigned nr = 0, owned;

	for (unsigned i = 0; i < MMU_MAX_VCPUS; i++) {
		const struct mmu_vcpu *vcpu = audit->vm->vcpu[i];

		if (vcpu)
			nr += slots_naming(&vcpu->root_mmu, sp) + slots_naming(&vcpu->guest_mmu, sp);
	}
	audit_check(audit, RULE_E_4, sp->root_count == nr, AT(sp->id, 0), sp->root_count, nr);
	if (!(sp->flags & SP_SPECIAL) || sp->role.invalid)
		return;
	own = audit->vm->vcpu[sp->vcpu];
	owned = own ? slots_naming(&own->root_mmu, sp) + slots_naming(&own->guest_mmu, sp) : 0;
	audit_check(audit, RULE_Q_8, (owned && owned == nr) || hangs_below_special(audit->vm, sp),
		    AT(sp->id, 0), owned, nr);
}

/* A root made for the guest's tables is the one for CR3, a dummy if that leads to
 * no memory. */
static bool mirrors_cr3(const struct mmu_vm *vm, const struct mmu_vcpu *vcpu)
{
	const struct mmu *mmu = vcpu->mmu;
	const struct sp *sp = mmu->root.sp;
	gfn_t gfn;

	if (sp->role.direct)
		return true;
	gfn = gpte_first_table(mmu->cpu_role, context_pgd(vcpu, mmu), vm->maxphyaddr) >> PAGE_SHIFT;
	return mmu->root.pgd == context_pgd(vcpu, mmu) && sp->gfn == gfn &&
	       sp->config == gpte_config(mmu->cpu_role, sp->role) &&
	       !(sp->flags & SP_DUMMY) == !!sp_slot((struct mmu_vm *)vm, sp, gfn);
}

/* A previous one may be of any role and CR3, and of no use. */
static bool prev_is_good(const struct mmu_vm *vm, struct mmu_vcpu *vcpu, const struct sp *sp)
{
	return !sp || (sp_by_id(vm, sp->id) == sp &&
		       (!sp->role.invalid || atomic_load(&vcpu->requests) & MMU_REQ_RELOAD));
}

static bool root_is_good(const struct mmu_vm *vm, struct mmu_vcpu *vcpu)
{
	const struct sp *sp = vcpu->mmu->root.sp;

	if (!sp)
		return true;
	if (sp_by_id(vm, sp->id) != sp)
		return false;
	if (atomic_load(&vcpu->requests) & MMU_REQ_RELOAD)
		return true;
	return sp->role.word == vcpu->mmu->root_role.word && mirrors_cr3(vm, vcpu);
}

static bool contexts_are_right(const struct mmu_vcpu *vcpu)
{
	bool nested = vcpu->inner && vcpu->nested.np;

	if (vcpu->mmu != (nested ? &vcpu->guest_mmu : &vcpu->root_mmu) ||
	    vcpu->walk_mmu != (nested ? &vcpu->nested_mmu : &vcpu->root_mmu))
		return false;
	return !vcpu->nested_mmu.root.sp && !(nested ? &vcpu->root_mmu : &vcpu->guest_mmu)->root.sp;
}

static bool anybody_nests(const struct mmu_vm *vm)
{
	for (unsigned i = 0; i < MMU_MAX_VCPUS; i++)
		if (vm->vcpu[i] && vm->vcpu[i]->nests)
			return true;
	return false;
}

static void audit_vcpu(struct audit *audit, struct mmu_vcpu *vcpu)
{
	audit_check(audit, RULE_A_4, contexts_are_right(vcpu), AT(0, 0), vcpu->id, 0);
	audit_check(audit, RULE_B_9, vcpu->mmu->root_role.guest_mode == vcpu->inner, AT(0, 0),
		    vcpu->mmu->root_role.word, vcpu->inner);
	audit_check(audit, RULE_S_3, vcpu->mmu->root_role.smm == vcpu->regs.smm, AT(0, 0),
		    vcpu->mmu->root_role.smm, vcpu->regs.smm);
	audit_check(audit, RULE_Q_1, root_is_good(audit->vm, vcpu),
		    AT(vcpu->mmu->root.sp ? vcpu->mmu->root.sp->id : 0, 0),
		    vcpu->mmu->root.sp ? vcpu->mmu->root.sp->role.word : 0,
		    vcpu->mmu->root_role.word);
	for (unsigned i = 0; i < MMU_PREV_ROOTS; i++) {
		const struct sp *sp = vcpu->mmu->prev[i].sp;

		audit_check(audit, RULE_Q_1, prev_is_good(audit->vm, vcpu, sp),
			    AT(sp ? sp->id : 0, i + 1), sp ? sp->role.word : 0, 0);
	}
}

static void audit_flush_roots(struct audit *audit)
{
	const struct flush_roots *f = &audit->vm->flush_roots;

	for (unsigned i = 0; i < MMU_MAX_VCPUS; i++) {
		const struct sp *sp = f->root[i];

		if (!sp)
			continue;
		audit_check(audit, RULE_U_7, sp_by_id(audit->vm, sp->id) == sp, AT(sp->id, 0), i, 0);
		audit_check(audit, RULE_U_6, !f->common || f->common == sp, AT(sp->id, 0), i,
			    f->common ? f->common->id : 0);
	}
	audit_check(audit, RULE_U_7, !f->common || sp_by_id(audit->vm, f->common->id) == f->common,
		    AT(f->common ? f->common->id : 0, 0), 0, 0);
}

void audit_roots(struct audit *audit)
{
	bool nests = anybody_nests(audit->vm);
	u32 unused = 0;

	for (struct sp *sp = sp_next(audit->vm, NULL); sp; sp = sp_next(audit->vm, sp)) {
		audit_root_count(audit, sp);
		audit_check(audit, RULE_R_3, !sp->role.guest_mode || sp->role.invalid || nests,
			    AT(sp->id, 0), sp->role.word, 0);
		unused += sp->role.invalid && !sp->root_count;
	}
	audit_check(audit, RULE_N_3, unused == audit->vm->nr_deferred, AT(0, 0), unused,
		    audit->vm->nr_deferred);
	for (unsigned i = 0; i < MMU_MAX_VCPUS; i++)
		if (audit->vm->vcpu[i])
			audit_vcpu(audit, audit->vm->vcpu[i]);
	audit_flush_roots(audit);
}
