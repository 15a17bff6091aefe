/* SPDX-License-Identifier: MIT */
/*
 * The oracle: the guest's tables read by the letter of the manual (AMD64 volume
 * 2, 5.2 to 5.6), mode by mode and without anything of the library's walker.
 */
#include "tests/guest_pt.h"

#define PHYS_BITS 48	/* of the machine in guest_init() */

enum { E_P = 1, E_W = 2, E_U = 4, E_A = 0x20, E_D = 0x40, E_PS = 0x80 };

/* One level of one mode: which address bits, and what an entry may be. */
struct row {
	unsigned shift, bits, size;
	bool no_rights;		/* a PDPTE of PAE */
	bool may_be_leaf, must_be_leaf;
	u64 zero;		/* must be 0 in any entry */
	u64 zero_leaf;		/* and in a leaf */
};

#define HIGH_PHYS	(0xfffffffffffffull & ~((1ull << PHYS_BITS) - 1))
#define BITS_62_52	0x7ff0000000000000ull
#define BIT_63		0x8000000000000000ull

static const struct row two_level[] = {
	{ .shift = 22, .bits = 10, .size = 4, .may_be_leaf = true, .zero_leaf = 0x200000 },
	{ .shift = 12, .bits = 10, .size = 4, .may_be_leaf = true, .must_be_leaf = true },
	{ 0 },
};

static const struct row pae[] = {
	{ .shift = 30, .bits = 2, .size = 8, .no_rights = true,
	  .zero = HIGH_PHYS | BITS_62_52 | BIT_63 | 0x1e6 },
	{ .shift = 21, .bits = 9, .size = 8, .may_be_leaf = true,
	  .zero = HIGH_PHYS | BITS_62_52, .zero_leaf = 0x1fe000 },
	{ .shift = 12, .bits = 9, .size = 8, .may_be_leaf = true, .must_be_leaf = true,
	  .zero = HIGH_PHYS | BITS_62_52 },
	{ 0 },
};

/* With LA57 from the first row on, else from the second. */
static const struct row long_mode[] = {
	{ .shift = 48, .bits = 9, .size = 8, .zero = HIGH_PHYS | E_PS },
	{ .shift = 39, .bits = 9, .size = 8, .zero = HIGH_PHYS | E_PS },
	{ .shift = 30, .bits = 9, .size = 8, .may_be_leaf = true, .zero = HIGH_PHYS,
	  .zero_leaf = 0x3fffe000 },
	{ .shift = 21, .bits = 9, .size = 8, .may_be_leaf = true, .zero = HIGH_PHYS,
	  .zero_leaf = 0x1fe000 },
	{ .shift = 12, .bits = 9, .size = 8, .may_be_leaf = true, .must_be_leaf = true,
	  .zero = HIGH_PHYS },
	{ 0 },
};

static bool long_active(const struct mmu_regs *regs)
{
	return regs->efer & EFER_LMA;
}

static bool nx_active(const struct mmu_regs *regs)
{
	return regs->efer & EFER_NXE && regs->cr4 & CR4_PAE;
}

static u64 error_of(const struct mmu_regs *regs, u64 access, u64 more)
{
	u64 error = more;

	if (access & PFERR_WRITE)
		error |= 2;
	if (access & PFERR_USER)
		error |= 4;
	if (access & PFERR_FETCH && (nx_active(regs) || regs->cr4 & CR4_SMEP))
		error |= 16;
	return error;
}

static bool allowed(const struct mmu_regs *regs, unsigned rights, u64 access)
{
	bool user_page = rights & ACC_USER, user = access & PFERR_USER;

	if (user && !user_page)
		return false;
	if (access & PFERR_WRITE && !(rights & ACC_WRITE) && (user || regs->cr0 & CR0_WP))
		return false;
	if (access & PFERR_FETCH)
		return rights & ACC_EXEC && !(!user && user_page && regs->cr4 & CR4_SMEP);
	return !(!user && user_page && regs->cr4 & CR4_SMAP && !(regs->ac && regs->cpl < 3));
}

static const struct row *first_row(const struct mmu_regs *regs)
{
	if (long_active(regs))
		return regs->cr4 & CR4_LA57 ? long_mode : long_mode + 1;
	return regs->cr4 & CR4_PAE ? pae : two_level;
}

static gpa_t first_base(const struct mmu_regs *regs)
{
	if (long_active(regs))
		return regs->cr3 & ((1ull << PHYS_BITS) - 4096);
	return regs->cr4 & CR4_PAE ? regs->cr3 & 0xffffffe0 : regs->cr3 & 0xfffff000;
}

static bool is_big(const struct mmu_regs *regs, const struct row *row, u64 e)
{
	if (row->must_be_leaf)
		return true;
	if (!row->may_be_leaf || !(e & E_PS))
		return false;
	return row->size == 8 || regs->cr4 & CR4_PSE;
}

static bool has_reserved(const struct mmu_regs *regs, const struct row *row, u64 e, bool big)
{
	u64 zero = row->zero;

	if (big)
		zero |= row->zero_leaf;
	if (row->size == 8 && !nx_active(regs))
		zero |= BIT_63;
	return e & zero;
}

static unsigned rights_of(const struct row *row, u64 e)
{
	unsigned rights = 0;

	if (row->no_rights)
		return 7;
	if (e & E_W)
		rights |= ACC_WRITE;
	if (e & E_U)
		rights |= ACC_USER;
	if (row->size == 4 || !(e >> 63))
		rights |= ACC_EXEC;
	return rights;
}

static gpa_t target(const struct row *row, u64 e, gva_t gva)
{
	u64 inside = (1ull << row->shift) - 1;
	u64 base = e & 0xffffffffff000;

	if (row->size == 4 && row->shift == 22)
		base = (e & 0xffc00000) | (e >> 13 & 0xff) << 32;
	return (base & ~inside) | (gva & inside);
}

static void note(struct oracle *o, const struct row *row, gpa_t gpa, u64 e, bool dirty)
{
	o->entry[o->nr].gpa = gpa;
	o->entry[o->nr].old = e;
	o->entry[o->nr].size = row->size;
	o->entry[o->nr].with_ad = row->no_rights ? e : e | E_A | (dirty ? E_D : 0);
	o->nr++;
}

static bool is_canonical(const struct mmu_regs *regs, gva_t gva)
{
	unsigned top = regs->cr4 & CR4_LA57 ? 56 : 47;
	u64 high = gva >> top;

	return !long_active(regs) || high == 0 || high == ~0ull >> top;
}

struct oracle oracle_walk(struct guest *g, const struct mmu_regs *regs, gva_t gva, u64 access)
{
	return oracle_walk_through(g, regs, gva, access, NULL);
}

struct oracle oracle_walk_through(struct guest *g, const struct mmu_regs *regs, gva_t gva,
				  u64 access, bool (*place)(gpa_t at, gpa_t *gpa))
{
	const struct row *row = first_row(regs);
	gpa_t base = first_base(regs), gpa;
	struct oracle o = { .rights = 7 };
	u64 e;

	if (!(regs->cr0 & CR0_PG))
		return (struct oracle){ .ok = true, .rights = 7, .gpa = gva & 0xffffffff, .level = 1 };
	o.error = error_of(regs, access, 0);
	if (!is_canonical(regs, gva))
		return o;
	if (!long_active(regs))
		gva &= 0xffffffff;
	for (;; row++) {
		gpa = base + (gva >> row->shift & ((1u << row->bits) - 1)) * row->size;
		if ((place && !place(gpa, &gpa)) || gpa >> 12 >= GUEST_FRAMES) {
			o.no_table = true;
			return o;
		}
		e = guest_peek(g, gpa, row->size);
		if (!(e & E_P))
			return o;
		o.rights &= rights_of(row, e);
		o.level = (row->shift - 12) / 9 + 1;
		if (is_big(regs, row, e))
			break;
		if (has_reserved(regs, row, e, false))
			goto reserved;
		note(&o, row, gpa, e, false);
		base = e & (row->size == 4 ? 0xfffff000 : 0xffffffffff000);
	}
	if (has_reserved(regs, row, e, true))
		goto reserved;
	note(&o, row, gpa, e, access & PFERR_WRITE);
	o.error = error_of(regs, access, 1);
	o.gpa = target(row, e, gva);
	o.ok = allowed(regs, o.rights, access);
	return o;
reserved:
	o.error = error_of(regs, access, 9);
	return o;
}
