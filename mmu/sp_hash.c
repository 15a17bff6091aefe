/* SPDX-License-Identifier: MIT */
/*
 * The hash of shadow pages by guest frame. It grows with the number of pages, to four
 * buckets for each, one at a time, so that chains stay short and no operation pays
 * for a move of all of them (linear hashing): bucket number n, when it is added,
 * takes its share from bucket n - half, where half is the largest power of two up
 * to n.
 *
 *	half          n
 *	0 1 2 3       4 5          of 6 buckets: 0 and 1 were split into 4 and 5,
 *	                           2 and 3 still hold what 6 and 7 will get
 *
 * A bucket that cannot be had for want of memory is no failure: the chains are a
 * little longer till the next page comes.
 */
#include "mmu/sp.h"

#define BUCKETS_MIN	512u
#define BUCKETS_MAX	(1u << 24)
#define PER_PAGE	4u

/* Spreads frames that differ in high bits only, as those of direct pages do: 2^64
 * divided by the golden ratio. */
static u32 hash_gfn(gfn_t gfn)
{
	return gfn * 0x9e3779b97f4a7c15ull >> 32;
}

static u32 buckets_half(u32 nr)
{
	return 1u << (31 - __builtin_clz(nr));
}

static u32 bucket_of(const struct mmu_vm *vm, gfn_t gfn)
{
	u32 half = buckets_half(vm->nr_buckets), bucket = hash_gfn(gfn) & (2 * half - 1);

	return bucket < vm->nr_buckets ? bucket : bucket - half;
}

enum mmu_status sp_hash_init(struct mmu_vm *vm)
{
	enum mmu_status status;

	if (vm->nr_buckets)
		return MMU_OK;
	if (!parray_init(&vm->hash, BUCKETS_MAX, sizeof(struct sp *)))
		return MMU_INVAL;
	status = parray_make_range(vm->env, &vm->hash, 0, BUCKETS_MIN);
	if (status == MMU_OK)
		vm->nr_buckets = BUCKETS_MIN;
	return status;
}

/* The head of the chain in which pages of gfn are; NULL if nothing is hashed. */
static struct sp **hash_head(const struct mmu_vm *vm, gfn_t gfn)
{
	return vm->nr_buckets ? parray_get(vm->env, &vm->hash, bucket_of(vm, gfn)) : NULL;
}

/* returns  false: no memory for it */
static bool add_bucket(struct mmu_op *op)
{
	struct mmu_vm *vm = op->vm;
	u32 nr = vm->nr_buckets;
	struct sp **link, **end, *sp;

	end = parray_make(vm->env, &vm->hash, nr, op->reserve);
	if (!end)
		return false;
	link = parray_get(vm->env, &vm->hash, nr - buckets_half(nr));
	vm->nr_buckets = nr + 1;
	while ((sp = *link)) {
		if (bucket_of(vm, sp->gfn) != nr) {
			link = &sp->hash_next;
			continue;
		}
		*link = sp->hash_next;
		*end = sp;
		end = &sp->hash_next;
	}
	*end = NULL;
	return true;
}

static void hash_grow(struct mmu_op *op, u32 want)
{
	for (unsigned i = 0; i < PER_PAGE && op->vm->nr_buckets < want; i++)
		if (!add_bucket(op))
			break;
}

void sp_hash_add(struct mmu_op *op, struct sp *sp)
{
	struct sp **head;

	hash_grow(op, ++op->vm->nr_hashed * PER_PAGE);
	head = hash_head(op->vm, sp->gfn);
	sp->hash_next = *head;
	*head = sp;
	list_add(&sp->active, &op->vm->active);
}

void sp_hash_remove(struct mmu_vm *vm, struct sp *sp)
{
	struct sp **link = hash_head(vm, sp->gfn);

	while (*link && *link != sp)
		link = &(*link)->hash_next;
	mmu_check(vm, *link, "E-11: a page that is not hashed leaves the hash", sp->id, sp->gfn);
	*link = sp->hash_next;
	sp->hash_next = NULL;
	list_remove(&sp->active);
	vm->nr_hashed--;
}

struct sp *sp_hash_chain(const struct mmu_vm *vm, gfn_t gfn)
{
	struct sp **head = hash_head(vm, gfn);

	return head ? *head : NULL;
}

struct sp *sp_hash_lookup(const struct mmu_vm *vm, gfn_t gfn, union mmu_role role, u8 config)
{
	for (struct sp *sp = sp_hash_chain(vm, gfn); sp; sp = sp->hash_next)
		if (sp->gfn == gfn && sp->role.word == role.word && sp->config == config &&
		    !sp_is_obsolete(vm, sp))
			return sp;
	return NULL;
}

struct sp *sp_find_shadow(struct sp *sp, gfn_t gfn, unsigned as, bool twin)
{
	while (sp && (sp->gfn != gfn || (sp->role.smm != as && !twin) || !sp_has_gptes(sp)))
		sp = sp->hash_next;
	return sp;
}
