/* SPDX-License-Identifier: MIT */
/*
 * The shadow MMU in every paging mode: what the pretended CPU reaches through
 * our tables is what the guest's tables say. Every call is followed by an audit.
 */
#include "tests/guest_pt.h"

#include <string.h>
#include <sys/mman.h>

#include "mmu/sp.h"

static struct guest g;


#define RW	(GPTE_W | GPTE_U)
#define USER	PFERR_USER
#define WRITE	PFERR_WRITE
#define FETCH	PFERR_FETCH

/* How many live pages have this level and are indirect or direct. */
static unsigned pages_at(unsigned level, bool direct)
{
	unsigned n = 0;

	for (struct sp *sp = sp_next(g.m.vm, NULL); sp; sp = sp_next(g.m.vm, sp))
		n += sp->role.level == level && sp->role.direct == direct;
	return n;
}

/* Runs a test body in each paging mode that has tables. */
#define for_each_paging(mode) for (enum guest_mode mode = TWO_LEVEL; mode < NR_GUEST_MODES; mode++)

static gva_t high_gva(enum guest_mode mode)
{
	return mode == LONG5 ? 0xff12345678abc000 :
	       mode == LONG4 ? 0xffff812345678000 : 0xc0345000;
}

/* ---- mapping ------------------------------------------------------------------------- */

START_TEST(a_page_is_mapped_in_every_mode)
{
	for_each_paging(mode) {
		guest_init(&g, mode, NULL);
		guest_map(&g, 0x1000, 0x5000, RW, 1);
		guest_map(&g, high_gva(mode), 0x6000, RW, 1);
		expect_mapped(&g, 0, 0x1234, USER, 0x5234);
		expect_mapped(&g, 0, high_gva(mode) + 8, USER | WRITE, 0x6008);
		expect_mapped(&g, 0, 0x1000, WRITE, 0x5000);
		expect_inject(&g, 0, 0x2000, USER, USER);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(without_paging_memory_is_where_it_is)
{
	struct mmu_entry entry;

	guest_init(&g, UNPAGED, NULL);
	expect_mapped(&g, 0, 0x1234, WRITE, 0x1234);
	expect_mapped(&g, 0, 0x3ffffff, FETCH, 0x3ffffff);
	expect_emulate(&g, 0, 0xfee00000, WRITE, false, true);
	entry = machine_enter(&g.m, 0);
	ck_assert_uint_eq(entry.root_level, 3);
	/* Two pages of memory in the first GiB, a device in the last. */
	ck_assert_uint_eq(pages_at(2, true), 2);
	ck_assert_uint_eq(pages_at(1, true), 3);
	guest_fini(&g);
}
END_TEST

START_TEST(without_paging_huge_pages_serve_if_allowed)
{
	unsigned level;

	guest_init(&g, UNPAGED, NULL);
	machine_knob(&g.m, MMU_KNOB_huge, 1);
	expect_mapped(&g, 0, 0x234567, WRITE, 0x234567);
	ck_assert(machine_leaf(&g.m, 0, 0x234567, &level));
	ck_assert_uint_eq(level, 2);
	guest_fini(&g);
}
END_TEST

START_TEST(the_guests_rights_are_obeyed)
{
	for_each_paging(mode) {
		u64 nx = mode == TWO_LEVEL ? 0 : GPTE_NX, fetch = nx ? FETCH : 0;

		guest_init(&g, mode, NULL);
		guest_map(&g, 0x1000, 0x5000, 0, 1);
		guest_map(&g, 0x2000, 0x6000, GPTE_U, 1);
		guest_map(&g, 0x3000, 0x7000, GPTE_W | nx, 1);
		expect_mapped(&g, 0, 0x1000, 0, 0x5000);
		expect_mapped(&g, 0, 0x1000, FETCH, 0x5000);
		expect_inject(&g, 0, 0x1000, USER, PFERR_PRESENT | USER);
		expect_inject(&g, 0, 0x1000, WRITE, PFERR_PRESENT | WRITE);
		expect_mapped(&g, 0, 0x2000, USER | FETCH, 0x6000);
		expect_inject(&g, 0, 0x2000, USER | WRITE, PFERR_PRESENT | USER | WRITE);
		expect_mapped(&g, 0, 0x3000, WRITE, 0x7000);
		if (nx)
			expect_inject(&g, 0, 0x3000, FETCH, PFERR_PRESENT | fetch);
		guest_fini(&g);
	}
}
END_TEST

/* ---- two-level guests ------------------------------------------------------------------- */

START_TEST(four_gigabytes_and_both_halves_of_a_table_are_kept_apart)
{
	guest_init(&g, TWO_LEVEL, NULL);
	for (u64 gib = 0; gib < 4; gib++)
		for (u64 half = 0; half < 2; half++)
			guest_map(&g, gib << 30 | half << 21 | 0x1000,
				  0x10000 + (gib * 2 + half) * 0x1000, RW, 1);
	for (unsigned again = 0; again < 2; again++)
		for (u64 gib = 0; gib < 4; gib++)
			for (u64 half = 0; half < 2; half++)
				expect_mapped(&g, 0, gib << 30 | half << 21 | 0x1010, USER | WRITE,
					      0x10010 + (gib * 2 + half) * 0x1000);
	ck_assert_uint_eq(pages_at(2, false), 4);
	ck_assert_uint_eq(pages_at(1, false), 8);
	guest_fini(&g);
}
END_TEST

START_TEST(page_directories_come_at_the_first_touch_of_their_gigabyte)
{
	struct sp *sp;

	guest_init(&g, TWO_LEVEL, NULL);
	guest_map(&g, 0x80001000, 0x5000, RW, 1);
	ck_assert_uint_eq(machine_enter(&g.m, 0).root_level, 3);
	ck_assert_uint_eq(pages_at(2, false), 0);
	expect_mapped(&g, 0, 0x80001000, USER, 0x5000);
	ck_assert_uint_eq(pages_at(2, false), 1);
	for (sp = sp_next(g.m.vm, NULL); sp->role.level != 2; sp = sp_next(g.m.vm, sp))
		;
	ck_assert_uint_eq(sp->role.quadrant, 2);
	ck_assert_uint_eq(sp->gfn, g.regs.cr3 >> PAGE_SHIFT);
	guest_fini(&g);
}
END_TEST

START_TEST(a_4m_page_is_mapped_by_small_or_huge_pages)
{
	for (unsigned allow = 0; allow < 2; allow++) {
		unsigned level;

		guest_init(&g, TWO_LEVEL, NULL);
		machine_knob(&g.m, MMU_KNOB_huge, allow);
		guest_map(&g, 0xc0400000, 0x00c00000, RW, 2);
		expect_mapped(&g, 0, 0xc0412345, USER | WRITE, 0x00c12345);
		expect_mapped(&g, 0, 0xc0612345, USER | WRITE, 0x00e12345);
		expect_mapped(&g, 0, 0xc07fffff, USER, 0x00ffffff);
		ck_assert(machine_leaf(&g.m, 0, 0xc0612345, &level));
		ck_assert_uint_eq(level, allow ? 2 : 1);
		ck_assert_uint_eq(pages_at(1, true), allow ? 0 : 2);
		ck_assert_uint_eq(pages_at(1, false), 0);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_store_to_a_4m_entry_drops_both_halves)
{
	gpa_t pde;

	guest_init(&g, TWO_LEVEL, NULL);
	machine_knob(&g.m, MMU_KNOB_huge, 1);
	pde = guest_map(&g, 0xc0400000, 0x00c00000, RW, 2);
	expect_mapped(&g, 0, 0xc0412345, USER, 0x00c12345);
	expect_mapped(&g, 0, 0xc0612345, USER, 0x00e12345);
	guest_store(&g, pde, 0x01000000 | GPTE_P | RW | GPTE_PS);
	ck_assert_uint_eq(machine_leaf(&g.m, 0, 0xc0412345, NULL), 0);
	ck_assert_uint_eq(machine_leaf(&g.m, 0, 0xc0612345, NULL), 0);
	expect_mapped(&g, 0, 0xc0612345, USER, 0x01212345);
	guest_fini(&g);
}
END_TEST

/* ---- PAE ---------------------------------------------------------------------------------- */

START_TEST(pae_directories_with_the_same_low_bits_are_kept_apart)
{
	guest_init(&g, PAE, NULL);
	for (u64 gib = 0; gib < 4; gib++)
		guest_map(&g, gib << 30 | 0x1000, 0x10000 + gib * 0x1000, RW, 1);
	for (u64 gib = 0; gib < 4; gib++)
		expect_mapped(&g, 0, gib << 30 | 0x1010, USER | WRITE, 0x10010 + gib * 0x1000);
	ck_assert_uint_eq(pages_at(2, false), 4);
	guest_fini(&g);
}
END_TEST

START_TEST(pdptes_are_read_when_cr3_is_loaded)
{
	gpa_t pdpte;

	guest_init(&g, PAE, NULL);
	guest_map(&g, 0x1000, 0x5000, RW, 1);
	guest_map(&g, 0x40001000, 0x6000, RW, 1);
	pdpte = g.regs.cr3;
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	/* The table of PDPTEs is not watched. */
	guest_store(&g, pdpte, guest_peek(&g, pdpte + 8, 8));
	ck_assert(machine_leaf(&g.m, 0, 0x1000, NULL));
	guest_set_regs(&g, 0, true);
	machine_enter(&g.m, 0);
	ck_assert_uint_eq(machine_leaf(&g.m, 0, 0x1000, NULL), 0);
	expect_mapped(&g, 0, 0x1000, USER, 0x6000);
	guest_fini(&g);
}
END_TEST

START_TEST(two_tables_of_pdptes_in_one_frame_are_two)
{
	guest_init(&g, PAE, NULL);
	guest_map(&g, 0x1000, 0x5000, RW, 1);
	g.regs.cr3 += 0x20;
	guest_map(&g, 0x1000, 0x6000, RW, 1);
	/* Once as MOV to CR3 does it, once as an RSM does. */
	for (unsigned mov = 0; mov < 2; mov++) {
		g.regs.cr3 ^= 0x20;
		guest_set_regs(&g, 0, mov);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000);
		g.regs.cr3 ^= 0x20;
		guest_set_regs(&g, 0, mov);
		expect_mapped(&g, 0, 0x1000, USER, 0x6000);
	}
	guest_fini(&g);
}
END_TEST

/* ---- long mode ------------------------------------------------------------------------------ */

START_TEST(huge_guest_pages_are_mapped_by_what_the_slot_allows)
{
	static const struct {
		bool allow;
		unsigned guest_level, want;
	} cases[] = { { false, 2, 1 }, { true, 2, 2 }, { false, 3, 1 }, { true, 3, 2 } };

	for (unsigned i = 0; i < 4; i++) {
		gva_t base = 0xffff800000000000, offset = cases[i].guest_level == 2 ? 0x800000 : 0;
		unsigned level;

		guest_init(&g, LONG4, NULL);
		machine_knob(&g.m, MMU_KNOB_huge, cases[i].allow);
		guest_map(&g, base + offset, offset, RW, cases[i].guest_level);
		expect_mapped(&g, 0, base + 0x812345, USER | WRITE, 0x812345);
		ck_assert(machine_leaf(&g.m, 0, base + 0x812345, &level));
		ck_assert_uint_eq(level, cases[i].want);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(the_entries_of_a_special_root_are_told_with_the_frame_they_were_made_for)
{
	const struct fake_event *event;

	for (enum guest_mode mode = TWO_LEVEL; mode <= PAE; mode++) {
		gfn_t gfn = GFN_INVALID;

		guest_init(&g, mode, NULL);
		guest_map(&g, 0x40001000, 0x5000, RW, 1);
		expect_mapped(&g, 0, 0x40001000, USER, 0x5000);
		for (size_t i = 0; i < g.m.fake.nr_events; i++) {
			event = &g.m.fake.events[i];
			if (event->id == EV_spte_set && event->spte_set.level == 3)
				gfn = event->spte_set.gfn;
		}
		ck_assert_uint_ne(gfn, GFN_INVALID);
		fake_forget(&g.m.fake);
		mmu_zap_all(g.m.vm);
		for (size_t i = 0; i < g.m.fake.nr_events; i++) {
			event = &g.m.fake.events[i];
			if (event->id == EV_spte_set && event->spte_set.level == 3)
				ck_assert_uint_eq(event->spte_set.gfn, gfn);
		}
		guest_fini(&g);
	}
}
END_TEST

/* ---- entries that change unseen, hardware that remembers ------------------------------------- */

START_TEST(an_entry_that_leads_elsewhere_since_is_replaced_with_a_flush)
{
	for_each_paging(mode) {
		gpa_t pte;

		guest_init(&g, mode, NULL);
		pte = guest_map(&g, 0x1000, 0x5000, GPTE_U, 1);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000);
		/* Who wrote to the table told nobody. */
		g.m.unseen_writes = true;
		guest_poke(&g, pte, 0x6000 | GPTE_P | RW, 4);
		ck_assert(!machine_enter(&g.m, 0).flush);
		ck_assert_int_eq(machine_fault(&g.m, 0, 0x1000, USER | WRITE | PFERR_PRESENT, NULL),
				 MMU_RETRY);
		ck_assert(machine_enter(&g.m, 0).flush);
		expect_mapped(&g, 0, 0x1000, USER | WRITE, 0x6000);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_directory_entry_that_leads_to_another_table_since_is_followed)
{
	for_each_paging(mode) {
		gpa_t pde, first, second, pte;
		u64 other;

		guest_init(&g, mode, NULL);
		g.m.unseen_writes = true;
		first = guest_map(&g, 0x1000, 0x5000, RW, 1);
		second = guest_map(&g, 0x40001000, 0x6000, RW, 1);
		pte = guest_map(&g, 0x40002000, 0x7000, RW, 1);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000);
		for (pde = GUEST_TABLES << PAGE_SHIFT;
		     (guest_peek(&g, pde, 4) & PAGE_MASK) != (first & PAGE_MASK); pde += 4)
			;
		other = guest_peek(&g, pde, 4) & ~PAGE_MASK;
		guest_poke(&g, pde, (second & PAGE_MASK) | other, 4);
		expect_mapped(&g, 0, 0x2000, USER, 0x7000);
		guest_store(&g, pte, 0x8000 | GPTE_P | RW);
		expect_mapped(&g, 0, 0x2000, USER, 0x8000);
		expect_mapped(&g, 0, 0x1000, USER, 0x6000);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(one_memory_under_two_frame_numbers_is_listed_under_the_right_one)
{
	gpa_t alias = GUEST_FRAMES << PAGE_SHIFT, pte;

	guest_init(&g, LONG4, NULL);
	machine_ram(&g.m, 1, GUEST_FRAMES, 16, 0);
	pte = guest_map(&g, 0x1000, 0x5000, GPTE_U, 1);
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	guest_poke(&g, pte, (alias + 0x5000) | GPTE_P | RW, 8);
	ck_assert_int_eq(machine_fault(&g.m, 0, 0x1000, USER | WRITE | PFERR_PRESENT, NULL),
			 MMU_RETRY);
	ck_assert_uint_eq(mmu_zap_range(g.m.vm, 0, 5, 6), 0);
	ck_assert_uint_eq(mmu_zap_range(g.m.vm, 0, GUEST_FRAMES + 5, GUEST_FRAMES + 6), 1);
	guest_fini(&g);
}
END_TEST

START_TEST(an_entry_that_loses_rights_is_flushed_and_one_that_gains_is_not)
{
	gpa_t pte;

	guest_init(&g, LONG4, NULL);
	pte = guest_map(&g, 0x1000, 0x5000, RW, 1);
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	machine_enter(&g.m, 0);
	ck_assert_int_eq(machine_fault(&g.m, 0, 0x1000, USER | WRITE | PFERR_PRESENT, NULL),
			 MMU_RETRY);
	ck_assert(!machine_enter(&g.m, 0).flush);
	g.m.unseen_writes = true;
	guest_poke(&g, pte, 0x5000 | GPTE_P | GPTE_U, 8);
	ck_assert_int_eq(machine_fault(&g.m, 0, 0x1000, USER, NULL), MMU_RETRY);
	ck_assert(machine_enter(&g.m, 0).flush);
	ck_assert_int_eq(machine_fault(&g.m, 0, 0x1000, USER, NULL), MMU_SPURIOUS);
	guest_fini(&g);
}
END_TEST

START_TEST(what_the_guest_asks_to_forget_the_hardware_forgets)
{
	for_each_paging(mode) {
		guest_init(&g, mode, NULL);
		machine_enter(&g.m, 0);
		machine_enter(&g.m, 1);
		mmu_invlpg(g.m.vcpu[0], 0x1000);
		ck_assert(machine_enter(&g.m, 0).flush);
		ck_assert(!machine_enter(&g.m, 0).flush);
		guest_set_regs(&g, 0, true);
		ck_assert(machine_enter(&g.m, 0).flush);
		ck_assert(!machine_enter(&g.m, 1).flush);
		guest_fini(&g);
	}
}
END_TEST

static hpa_t high_page = 8ull << 30;

static hpa_t alloc_high(void *ctx)
{
	hpa_t hpa = high_page;
	struct fake *fake = ctx;
	void *va = mmap(fake_va(fake, hpa), PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	ck_assert_ptr_eq(va, fake_va(fake, hpa));
	high_page += PAGE_SIZE;
	return hpa;
}

static void free_high(void *ctx, hpa_t hpa)
{
	ck_assert_uint_ge(hpa, 8ull << 30);
	high_page -= PAGE_SIZE;
	munmap(fake_va(ctx, hpa), PAGE_SIZE);
}

START_TEST(a_root_of_three_levels_is_not_put_above_four_gigabytes)
{
	hpa_t (*alloc)(void *ctx);
	void (*give_back)(void *ctx, hpa_t hpa);
	struct mmu_entry entry;

	guest_init(&g, UNPAGED, NULL);
	/* What is allocated once, and the number of the table's frame. */
	machine_enter(&g.m, 0);
	alloc = g.m.fake.env.page_alloc;
	give_back = g.m.fake.env.page_free;
	g.m.fake.env.page_alloc = alloc_high;
	g.m.fake.env.page_free = free_high;
	ck_assert_int_eq(mmu_enter(g.m.vcpu[1], &entry), MMU_NOMEM);
	ck_assert_int_eq(g.m.vcpu[1]->in_guest, 0);
	g.m.fake.env.page_alloc = alloc;
	g.m.fake.env.page_free = give_back;
	machine_audit(&g.m);
	ck_assert_uint_lt(machine_enter(&g.m, 1).root, 1ull << 32);
}
END_TEST

TAP_MAIN("shadow",
	 a_page_is_mapped_in_every_mode,
	 without_paging_memory_is_where_it_is,
	 without_paging_huge_pages_serve_if_allowed,
	 the_guests_rights_are_obeyed,
	 four_gigabytes_and_both_halves_of_a_table_are_kept_apart,
	 page_directories_come_at_the_first_touch_of_their_gigabyte,
	 a_4m_page_is_mapped_by_small_or_huge_pages,
	 a_store_to_a_4m_entry_drops_both_halves,
	 pae_directories_with_the_same_low_bits_are_kept_apart,
	 pdptes_are_read_when_cr3_is_loaded,
	 two_tables_of_pdptes_in_one_frame_are_two,
	 huge_guest_pages_are_mapped_by_what_the_slot_allows,
	 the_entries_of_a_special_root_are_told_with_the_frame_they_were_made_for,
	 an_entry_that_leads_elsewhere_since_is_replaced_with_a_flush,
	 a_directory_entry_that_leads_to_another_table_since_is_followed,
	 one_memory_under_two_frame_numbers_is_listed_under_the_right_one,
	 an_entry_that_loses_rights_is_flushed_and_one_that_gains_is_not,
	 what_the_guest_asks_to_forget_the_hardware_forgets,
	 a_root_of_three_levels_is_not_put_above_four_gigabytes)
