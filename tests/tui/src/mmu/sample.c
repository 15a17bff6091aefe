/* SPDX-License-Identifier: MIT */
/* No code: lines for the source view of the golden screens to point at. */
static void fetch(struct op *op)
{
	sp = hash_find(op->mmu, gfn, role);
	if (!sp) {
		sp = sp_new(op, gfn, role);
		hash_add(op->mmu, sp);
	}
	track_add(op, gfn);
	link_child(op, parent, index, sp);
	spte_set(op, sp, index, value);
	flush_request(op, WHY_wrprot, gfn, 1);
	return verdict(op, RETRY);
}
