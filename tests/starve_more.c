/* SPDX-License-Identifier: MIT */
/* Prefetch, slots that move, the change of the MMU, guests of the guest, and who only looks. */
#include "tests/starve.h"

#include "mmu/age.h"
#include "mmu/gfn_cache.h"
#include "mmu/mode.h"
#include "mmu/nested.h"
#include "mmu/slots.h"

/* ---- prefetch -------------------------------------------------------------------------- */

/* Neighbours of GVA that the guest has used, all of the same frame. */
static void used_neighbours(struct guest *g)
{
	ck_assert_int_eq(mmu_set_knob(g->m.vm, MMU_KNOB_prefetch, 1), MMU_OK);
	for (gva_t gva = GVA; gva <= GVA + 3 * PAGE_SIZE; gva += PAGE_SIZE)
		guest_map(g, gva, GPA, RW | GPTE_A | GPTE_D, 1);
	machine_enter(&g->m, 0);
}

/* They come along if there is memory. */
static bool fault_among_neighbours(struct guest *g)
{
	bool done = verdict_is(fault_at(g, GVA, USER), MMU_RETRY);
	unsigned level;

	if (done && g->m.fake.nr_allocs < g->m.fake.fail_at)
		ck_assert(machine_leaf(&g->m, 0, GVA + 3 * PAGE_SIZE, &level));
	return done;
}

static void neighbours_go(struct guest *g)
{
	for (gva_t gva = GVA; gva <= GVA + 3 * PAGE_SIZE; gva += PAGE_SIZE)
		goes_to(g, gva, GPA);
}

/* ---- slots that move --------------------------------------------------------------------- */

#define MOVED		(MORE + 0x1000)		/* where slot 5 goes, from MORE */
#define MOVED_GPA	((MOVED + 5) << PAGE_SHIFT)
#define MOVED_GVA	(GVA + 0x10000)

static void slot_to_move(struct guest *g)
{
	gpa_t gpa = (MORE + 5) << PAGE_SHIFT;

	ck_assert_int_eq(mmu_slot_create(g->m.vm, 0, 5, MORE, 600,
					 FAKE_RAM + (MORE << PAGE_SHIFT), MMU_SLOT_LOG_DIRTY),
			 MMU_OK);
	touched(g);
	if (guest_pages(g)) {
		guest_map(g, NEAR, gpa, RW | GPTE_D, 1);
		guest_map(g, MOVED_GVA, MOVED_GPA, RW | GPTE_D, 1);
	}
	goes_to(g, NEAR, gpa);
}

static bool move_slot(struct guest *g)
{
	return status_is(mmu_slot_move(g->m.vm, 0, 5, MOVED));
}

/* Its memory is what it was. */
static void slot_has_moved(struct guest *g)
{
	struct outcome out = cpu_access(g, 0, way_to(g, MOVED_GVA, MOVED_GPA), USER);

	ck_assert_int_eq(out.verdict, MMU_RETRY);
	ck_assert_uint_eq(out.hpa, FAKE_RAM + ((MORE + 5) << PAGE_SHIFT));
	expect_emulate(g, 0, way_to(g, NEAR, (MORE + 5) << PAGE_SHIFT), USER, false, true);
	it_goes(g);
}

/* ---- age, caches, zaps in parts ----------------------------------------------------------- */

static enum mmu_age_is test_age(struct guest *g)
{
	return mmu_test_age_gfn(g->m.vm, 0, GPA >> PAGE_SHIFT).is;
}

static bool ask_ages(struct guest *g)
{
	u64 young, known;
	const struct mmu_age_bitmap bitmap = { &young, &known };

	ck_assert_int_eq(test_age(g), MMU_AGE_YOUNG);
	ck_assert_int_eq(mmu_age_gfn(g->m.vm, 0, GPA >> PAGE_SHIFT).is, MMU_AGE_YOUNG);
	ck_assert_int_eq(test_age(g), MMU_AGE_OLD);
	ck_assert_int_eq(mmu_age_range(g->m.vm, 0, GPA >> PAGE_SHIFT, 9).is, MMU_AGE_YOUNG);
	ck_assert_int_eq(mmu_test_age_range(g->m.vm, 0, 0, 64).is, MMU_AGE_OLD);
	mmu_test_age_bitmap(g->m.vm, 0, 0, 64, &bitmap);
	ck_assert(!(young & BIT(5)));
	mmu_age_bitmap(g->m.vm, 0, 0, 64, &bitmap);
	ck_assert(known & BIT(5) && !(young & BIT(5)));
	return true;
}

static bool use_cache(struct guest *g)
{
	u64 value = guest_peek(g, g->regs.cr3, 8);
	struct mmu_gfn_cache cache;

	ck_assert_int_eq(mmu_gfn_cache_init(g->m.vm, &cache, g->regs.cr3, 8), MMU_OK);
	ck_assert_uint_eq(mmu_cached_write(g->m.vm, &cache, 0, &value, 8), 8);
	ck_assert_uint_eq(mmu_cached_read(g->m.vm, &cache, 0, &value, 8), 8);
	ck_assert_uint_eq(cache.fills, 1);
	return true;
}

#define PARTS		12u
#define PARTS_GFN	0x1000ull
#define PARTS_GVA	0x10000000ull

/* Tables enough that no zap takes them at once. */
static void many_tables(struct guest *g)
{
	ck_assert_int_eq(mmu_slot_create(g->m.vm, 0, 5, PARTS_GFN, 0x10000,
					 FAKE_RAM + (PARTS_GFN << PAGE_SHIFT), 0), MMU_OK);
	touched(g);
	for (u64 i = 0; i < PARTS; i++) {
		gpa_t gpa = (PARTS_GFN << PAGE_SHIFT) + (i << 22);

		if (guest_pages(g))
			guest_map(g, PARTS_GVA + (i << 22), gpa, RW | GPTE_D, 1);
		goes_to(g, PARTS_GVA + (i << 22), gpa);
	}
	g->m.fake.points[MMU_POINT_yield] = 0;
}

static bool zap_range_in_parts(struct guest *g)
{
	ck_assert_uint_eq(mmu_zap_range(g->m.vm, 0, 0, PARTS_GFN + 0x10000), PARTS + 1);
	ck_assert_uint_ge(g->m.fake.points[MMU_POINT_yield], 1);
	return true;
}

static bool zap_all_in_parts(struct guest *g)
{
	mmu_zap_all(g->m.vm);
	ck_assert_uint_ge(g->m.fake.points[MMU_POINT_yield], 1);
	return true;
}

static bool shrink(struct guest *g)
{
	ck_assert_uint_ge(mmu_shrink(g->m.vm, 2), 1);
	return true;
}

#if !defined(MMU_NO_SHADOW) && !defined(MMU_NO_TDP)
/* ---- another MMU ---------------------------------------------------------------------------- */

static bool to_shadow(struct guest *g)
{
	return status_is(mmu_set_mode(g->m.vm, MMU_MODE_SHADOW));
}

static bool to_tdp(struct guest *g)
{
	return status_is(mmu_set_mode(g->m.vm, MMU_MODE_TDP));
}

static void shadow_comes(struct guest *g)
{
	touched(g);
	ck_assert(to_shadow(g));
	map_all(g);
}

static void in_shadow(struct guest *g)
{
	shadow_comes(g);
	goes_to(g, FAR, 0x8000);
}

static void tdp_comes_back(struct guest *g)
{
	in_shadow(g);
	ck_assert(to_tdp(g));
}

static void shadow_goes(struct guest *g)
{
	map_all(g);
	ck_assert_int_eq(machine_enter(&g->m, 0).mode, MMU_MODE_SHADOW);
	all_go(g);
}

static void tdp_goes(struct guest *g)
{
	ck_assert_int_eq(machine_enter(&g->m, 0).mode, MMU_MODE_TDP);
	all_go(g);
}

/* ---- guests of the guest ---------------------------------------------------------------------- */

#define NGPA	0x3000u

static const struct mmu_regs inner_regs = { .cr0 = CR0_PE };
static struct mmu_nested inner;

/* L1's nested tables of this format, which put NGPA to GPA. */
static void make_nested(struct guest *g, enum guest_mode format)
{
	const struct mmu_regs regs = g->regs;
	enum guest_mode mode = g->mode;

	g->mode = format;
	g->regs.cr3 = guest_table(g);
	guest_map(g, NGPA, GPA, RW, 1);
	inner = (struct mmu_nested){
		.np = true,
		.ncr3 = g->regs.cr3,
		.cr0 = CR0_PE | CR0_PG,
		.cr4 = format == TWO_LEVEL ? CR4_PSE : CR4_PAE,
		.efer = EFER_SVME | (format == LONG4 ? EFER_LME | EFER_LMA : 0),
	};
	g->mode = mode;
	g->regs = regs;
}

static bool enter_inner(struct guest *g)
{
	ck_assert_int_eq(mmu_nested_enter(g->m.vcpu[0], &inner, &inner_regs), MMU_OK);
	return true;
}

static void inner_comes(struct guest *g, enum guest_mode format)
{
	make_nested(g, format);
	touched(g);
	enter_inner(g);
}

static void on_4_levels(struct guest *g)
{
	inner_comes(g, LONG4);
}

static void on_pae(struct guest *g)
{
	inner_comes(g, PAE);
}

static void on_2_levels(struct guest *g)
{
	inner_comes(g, TWO_LEVEL);
}

static void on_ours(struct guest *g)
{
	inner = (struct mmu_nested){ .np = false };
	touched(g);
	enter_inner(g);
}

static void tables_of_4_levels(struct guest *g)
{
	make_nested(g, LONG4);
	touched(g);
}

static void in_4_levels(struct guest *g)
{
	on_4_levels(g);
	machine_enter(&g->m, 0);
}

static void in_pae(struct guest *g)
{
	on_pae(g);
	machine_enter(&g->m, 0);
}

static void in_2_levels(struct guest *g)
{
	on_2_levels(g);
	machine_enter(&g->m, 0);
}

static void in_ours(struct guest *g)
{
	on_ours(g);
	machine_enter(&g->m, 0);
}

static bool inner_fault(struct guest *g)
{
	u64 addr = inner.np ? NGPA : GPA;

	return verdict_is(fault_at(g, addr, USER | WRITE | PFERR_GUEST_FINAL), MMU_RETRY);
}

static void inner_goes(struct guest *g)
{
	expect_mapped(g, 0, inner.np ? NGPA : GPA, USER | WRITE, GPA);
}

static void inner_is_used(struct guest *g)
{
	on_4_levels(g);
	inner_goes(g);
}

static bool leave_inner(struct guest *g)
{
	mmu_nested_flush(g->m.vcpu[0]);
	mmu_nested_leave(g->m.vcpu[0], &g->regs);
	for (unsigned i = 0; i < g->m.nr_vcpus; i++)
		mmu_nested_free(g->m.vcpu[i]);
	return true;
}

static void both_go(struct guest *g)
{
	all_go(g);
	enter_inner(g);
	inner_goes(g);
}
#endif

const struct starve_row starve_more_rows[] = {
	{ "mmu_fault", "with neighbours", SHADOW_PAGED, SAME, used_neighbours,
	  fault_among_neighbours, neighbours_go },
	{ "mmu_slot_move", "mapped and logged", EVERYWHERE, SAME, slot_to_move, move_slot,
	  slot_has_moved },
	{ "mmu_age_gfn", "and all who ask for age", EVERYWHERE, NEVER, touched_twice, ask_ages,
	  all_go },
	{ "mmu_gfn_cache_init", "and its use, on a table", EVERYWHERE, NEVER, touched_twice,
	  use_cache, all_go },
	{ "mmu_zap_range", "in parts", EVERYWHERE, NEVER, many_tables, zap_range_in_parts, all_go },
	{ "mmu_zap_all", "in parts", EVERYWHERE, NEVER, many_tables, zap_all_in_parts, all_go },
	{ "mmu_shrink", "two pages", SHADOW_ONLY, NEVER, many_tables, shrink, all_go },
#if !defined(MMU_NO_SHADOW) && !defined(MMU_NO_TDP)
	{ "mmu_set_mode", "to shadow", TDP_ONLY, SAME, touched, to_shadow, shadow_goes },
	{ "mmu_set_mode", "to TDP", TDP_ONLY, NEVER, in_shadow, to_tdp, tdp_goes },
	{ "mmu_enter", "the shadow MMU serves now", TDP_ONLY, NO_ROOT, shadow_comes, enter,
	  shadow_goes },
	{ "mmu_enter", "the TDP MMU serves now", TDP_ONLY, NO_ROOT, tdp_comes_back, enter,
	  tdp_goes },
	{ "mmu_nested_enter", "nested tables", TDP_ONLY, NEVER, tables_of_4_levels, enter_inner,
	  inner_goes },
	{ "mmu_nested_leave", "and all is given up", TDP_ONLY, NEVER, inner_is_used, leave_inner,
	  both_go },
	{ "mmu_enter", "nested tables of 4 levels", TDP_ONLY, NO_ROOT, on_4_levels, enter,
	  inner_goes },
	{ "mmu_enter", "nested tables of PAE", TDP_ONLY, NO_ROOT, on_pae, enter, inner_goes },
	{ "mmu_enter", "nested tables of 2 levels", TDP_ONLY, NO_ROOT, on_2_levels, enter,
	  inner_goes },
	{ "mmu_enter", "an inner guest on our tables", TDP_ONLY, NO_ROOT, on_ours, enter,
	  inner_goes },
	{ "mmu_fault", "nested tables of 4 levels", TDP_ONLY, SAME, in_4_levels, inner_fault,
	  inner_goes },
	{ "mmu_fault", "nested tables of PAE", TDP_ONLY, SAME, in_pae, inner_fault, inner_goes },
	{ "mmu_fault", "nested tables of 2 levels", TDP_ONLY, SAME, in_2_levels, inner_fault,
	  inner_goes },
	{ "mmu_fault", "an inner guest on our tables", TDP_ONLY, SAME, in_ours, inner_fault,
	  inner_goes },
#endif
};
const unsigned nr_starve_more_rows = sizeof(starve_more_rows) / sizeof(starve_more_rows[0]);
