/* SPDX-License-Identifier: MIT */
/*
 * Device memory remembered in entries: when a fault on one is answered at once,
 * and when it is not believed.
 */
#include "mmu/memslot.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "tests/guest_pt.h"

#define DEVICE	0xfee00000ull
#define GVA	0x400000ull
#define USER_RW	(GPTE_W | GPTE_U)

static struct guest g;

/* Entry and outcome of one access to the device. */
static u64 mmio_spte(unsigned vcpu, gva_t gva)
{
	struct mmu_host_step steps[5];
	unsigned nr = mmu_host_walk(g.m.vcpu[vcpu], gva, steps);

	return nr && spte_is_mmio(steps[nr - 1].spte) ? steps[nr - 1].spte : 0;
}

static void expect_device(unsigned vcpu, gva_t gva, u64 access, gpa_t gpa)
{
	struct outcome out = cpu_access(&g, vcpu, gva, access);

	ck_assert_int_eq(out.verdict, MMU_EMULATE);
	ck_assert(out.fault.mmio);
	ck_assert_uint_eq(out.fault.gpa, gpa);
}

/* How the last fault on an MMIO entry went: 1 answered, 0 not, -1: there was none. */
static int last_hit(void)
{
	const struct fake_event *event = fake_last(&g.m.fake, EV_mmio_fault);
	int hit = event ? event->mmio_fault.hit : -1;

	fake_forget(&g.m.fake);
	return hit;
}

static void make_guest(enum guest_mode mode, u64 flags)
{
	guest_init(&g, mode, NULL);
	guest_map(&g, GVA, DEVICE, flags, 1);
	fake_forget(&g.m.fake);
}

START_TEST(the_second_access_needs_no_walk)
{
	static const enum guest_mode modes[] = { TWO_LEVEL, PAE, LONG4, LONG5 };

	for (unsigned i = 0; i < 4; i++) {
		make_guest(modes[i], USER_RW);
		expect_device(0, GVA + 0x30, PFERR_WRITE, DEVICE + 0x30);
		ck_assert_int_eq(last_hit(), -1);
		ck_assert(mmio_spte(0, GVA));
		expect_device(0, GVA + 0x80, PFERR_USER, DEVICE + 0x80);
		ck_assert_uint_eq(fake_count(&g.m.fake, EV_walk), 0);
		ck_assert_int_eq(last_hit(), 1);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(rights_are_the_guests)
{
	make_guest(LONG4, GPTE_W);
	expect_device(0, GVA, PFERR_WRITE, DEVICE);
	expect_inject(&g, 0, GVA, PFERR_USER, PFERR_PRESENT | PFERR_USER);
	ck_assert_int_eq(last_hit(), 0);
	guest_fini(&g);
	make_guest(LONG4, GPTE_U | GPTE_NX);
	expect_device(0, GVA, 0, DEVICE);
	expect_inject(&g, 0, GVA, PFERR_WRITE, PFERR_PRESENT | PFERR_WRITE);
	expect_inject(&g, 0, GVA, PFERR_FETCH, PFERR_PRESENT | PFERR_FETCH);
	guest_fini(&g);
}
END_TEST

START_TEST(the_first_write_sets_the_guests_dirty_bit)
{
	gpa_t gpte;

	guest_init(&g, LONG4, NULL);
	gpte = guest_map(&g, GVA, DEVICE, USER_RW, 1);
	expect_device(0, GVA, 0, DEVICE);
	ck_assert(!(guest_peek(&g, gpte, 8) & GPTE_D));
	fake_forget(&g.m.fake);
	expect_device(0, GVA, PFERR_WRITE, DEVICE);
	ck_assert_int_eq(last_hit(), 0);
	ck_assert(guest_peek(&g, gpte, 8) & GPTE_D);
	expect_device(0, GVA, PFERR_WRITE, DEVICE);
	ck_assert_int_eq(last_hit(), 1);
	guest_fini(&g);
}
END_TEST

START_TEST(without_wp_the_dirty_bit_is_set_as_well)
{
	gpa_t gpte;

	guest_init(&g, LONG4, NULL);
	gpte = guest_map(&g, GVA, DEVICE, GPTE_U, 1);
	g.regs.cr0 &= ~(u64)CR0_WP;
	guest_set_regs(&g, 0, false);
	expect_device(0, GVA, 0, DEVICE);
	expect_device(0, GVA, PFERR_WRITE, DEVICE);
	ck_assert(guest_peek(&g, gpte, 8) & GPTE_D);
	/* No conversion of U to W: the user still gets in. */
	expect_device(0, GVA, PFERR_USER, DEVICE);
	guest_fini(&g);
}
END_TEST

START_TEST(memory_that_comes_is_seen_at_once)
{
	make_guest(LONG4, USER_RW);
	expect_device(0, GVA, PFERR_WRITE, DEVICE);
	machine_ram(&g.m, 5, DEVICE >> PAGE_SHIFT, 1, 0x3000000);
	fake_forget(&g.m.fake);
	expect_mapped(&g, 0, GVA, PFERR_WRITE, 0x3000000);
	ck_assert_int_eq(last_hit(), 0);
	ck_assert_int_eq(mmu_slot_delete(g.m.vm, 0, 5), MMU_OK);
	expect_device(0, GVA, PFERR_WRITE, DEVICE);
	guest_fini(&g);
}
END_TEST

START_TEST(any_change_of_slots_makes_entries_old)
{
	make_guest(LONG4, USER_RW);
	expect_device(0, GVA, PFERR_WRITE, DEVICE);
	machine_ram(&g.m, 5, 0x100000, 1, 0x3000000);
	fake_forget(&g.m.fake);
	expect_device(0, GVA, PFERR_WRITE, DEVICE);
	ck_assert_int_eq(last_hit(), 0);
	expect_device(0, GVA, PFERR_WRITE, DEVICE);
	ck_assert_int_eq(last_hit(), 1);
	guest_fini(&g);
}
END_TEST

START_TEST(no_entry_is_believed_while_slots_change)
{
	struct mmu_fault out;

	make_guest(LONG4, USER_RW);
	expect_device(0, GVA, PFERR_WRITE, DEVICE);
	g.m.vm->slots[0].generation |= SLOTS_UPDATING;
	ck_assert_int_eq(mmu_fault(g.m.vcpu[0], GVA, PFERR_PRESENT | PFERR_RSVD, &out),
			 MMU_EMULATE);
	ck_assert_int_eq(last_hit(), 0);
	g.m.vm->slots[0].generation &= ~SLOTS_UPDATING;
	guest_fini(&g);
}
END_TEST

/* 2^19 updates later the same number comes again. */
START_TEST(generations_that_begin_again_drop_every_entry)
{
	make_guest(LONG4, USER_RW);
	g.m.vm->slots[0].generation = MMIO_GENERATIONS - 2;
	expect_device(0, GVA, PFERR_WRITE, DEVICE);
	ck_assert_uint_eq(spte_mmio_generation(mmio_spte(0, GVA)), MMIO_GENERATIONS - 2);
	machine_ram(&g.m, 5, 0x100000, 1, 0x3000000);
	ck_assert_uint_eq(mmio_spte(0, GVA), 0);
	guest_fini(&g);
}
END_TEST

START_TEST(a_store_to_the_guests_entry_drops_ours)
{
	gpa_t gpte;

	guest_init(&g, LONG4, NULL);
	gpte = guest_map(&g, GVA, DEVICE, USER_RW, 1);
	expect_device(0, GVA, PFERR_WRITE, DEVICE);
	guest_store(&g, gpte, 0x5000 | GPTE_P | USER_RW);
	ck_assert_uint_eq(mmio_spte(0, GVA), 0);
	expect_mapped(&g, 0, GVA, PFERR_WRITE, 0x5000);
	guest_store(&g, gpte, DEVICE | GPTE_P | USER_RW);
	expect_device(0, GVA, PFERR_WRITE, DEVICE);
	ck_assert(mmio_spte(0, GVA));
	guest_fini(&g);
}
END_TEST

START_TEST(an_entry_of_a_device_is_in_no_rmap_and_no_gauge)
{
	make_guest(LONG4, USER_RW);
	expect_device(0, GVA, PFERR_WRITE, DEVICE);
	ck_assert(mmio_spte(0, GVA));
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_rmap_add), 0);
	ck_assert_uint_eq(g.m.vm->stats.sptes_4k, 0);
	guest_fini(&g);
}
END_TEST

START_TEST(a_large_guest_page_over_a_device_is_remembered_by_frame)
{
	guest_init(&g, LONG4, NULL);
	guest_map(&g, GVA, DEVICE, USER_RW, 2);
	expect_device(0, GVA + 0x12345, PFERR_WRITE, DEVICE + 0x12345);
	expect_device(0, GVA + 0x13000, PFERR_WRITE, DEVICE + 0x13000);
	fake_forget(&g.m.fake);
	expect_device(0, GVA + 0x12004, PFERR_WRITE, DEVICE + 0x12004);
	ck_assert_int_eq(last_hit(), 1);
	guest_fini(&g);
}
END_TEST

START_TEST(hardware_without_a_reserved_bit_remembers_nothing)
{
	static const struct mmu_config wide = { .mode = MMU_MODE_SHADOW, .nr_vcpus = 1,
						.maxphyaddr = 52 };

	guest_init(&g, LONG4, &wide);
	guest_map(&g, GVA, DEVICE, USER_RW, 1);
	expect_device(0, GVA, PFERR_WRITE, DEVICE);
	ck_assert_uint_eq(mmio_spte(0, GVA), 0);
	guest_fini(&g);
}
END_TEST

START_TEST(turned_off_nothing_is_remembered)
{
	make_guest(LONG4, USER_RW);
	machine_knob(&g.m, MMU_KNOB_mmio, 0);
	expect_device(0, GVA, PFERR_WRITE, DEVICE);
	ck_assert_uint_eq(mmio_spte(0, GVA), 0);
	guest_fini(&g);
}
END_TEST

#ifndef MMU_NO_TDP
START_TEST(nested_paging_remembers_devices_and_does_not_want_the_present_bit)
{
	static const u64 errors[] = { PFERR_RSVD | PFERR_PRESENT, PFERR_RSVD };
	struct mmu_fault out;
	struct machine m;

	machine_init(&m, NULL);
	machine_ram(&m, 0, 0, 256, 0);
	machine_enter(&m, 0);
	ck_assert_int_eq(machine_fault(&m, 0, DEVICE + 8, PFERR_WRITE | PFERR_USER, &out),
			 MMU_EMULATE);
	for (unsigned i = 0; i < 2; i++) {
		fake_forget(&m.fake);
		ck_assert_int_eq(machine_fault(&m, 0, DEVICE + 8, errors[i] | PFERR_USER, &out),
				 MMU_EMULATE);
		ck_assert_uint_eq(fake_last(&m.fake, EV_mmio_fault)->mmio_fault.hit, 1);
		ck_assert_uint_eq(out.gpa, DEVICE + 8);
		ck_assert(out.mmio);
	}
	machine_ram(&m, 1, DEVICE >> PAGE_SHIFT, 1, 0x3000000);
	ck_assert_int_eq(machine_fault(&m, 0, DEVICE, PFERR_RSVD | PFERR_USER, &out), MMU_RETRY);
	ck_assert_uint_eq(spte_hpa(machine_leaf(&m, 0, DEVICE, NULL)), FAKE_RAM + 0x3000000);
	machine_fini(&m);
}
END_TEST

START_TEST(generations_that_begin_again_empty_nested_tables_too)
{
	struct mmu_host_step steps[5];
	struct machine m;
	unsigned nr;

	machine_init(&m, NULL);
	machine_ram(&m, 0, 0, 256, 0);
	m.vm->slots[0].generation = MMIO_GENERATIONS - 2;
	machine_enter(&m, 0);
	ck_assert_int_eq(machine_fault(&m, 0, DEVICE, PFERR_USER, NULL), MMU_EMULATE);
	nr = mmu_host_walk(m.vcpu[0], DEVICE, steps);
	ck_assert(nr && spte_is_mmio(steps[nr - 1].spte));
	machine_ram(&m, 5, 0x100000, 1, 0x3000000);
	machine_enter(&m, 0);
	nr = mmu_host_walk(m.vcpu[0], DEVICE, steps);
	ck_assert(nr && !steps[nr - 1].spte);
	machine_fini(&m);
}
END_TEST
#endif

START_TEST(reserved_bits_in_an_entry_of_memory_are_our_bug)
{
	struct mmu_host_step steps[5];
	struct mmu_fault out;
	unsigned nr;

	make_guest(LONG4, USER_RW);
	guest_map(&g, GVA + 0x1000, 0x5000, USER_RW, 1);
	expect_mapped(&g, 0, GVA + 0x1000, 0, 0x5000);
	nr = mmu_host_walk(g.m.vcpu[0], GVA + 0x1000, steps);
	((spte_t *)fake_va(&g.m.fake, steps[nr - 1].hpa))->raw |= BIT(50);
	ck_assert_panics(&g.m.fake, "D-3",
			 mmu_fault(g.m.vcpu[0], GVA + 0x1000, PFERR_PRESENT | PFERR_RSVD, &out));
	fake_abandon(&g.m.fake);
}
END_TEST

TAP_MAIN("mmio", the_second_access_needs_no_walk, rights_are_the_guests,
	 the_first_write_sets_the_guests_dirty_bit, without_wp_the_dirty_bit_is_set_as_well,
	 memory_that_comes_is_seen_at_once, any_change_of_slots_makes_entries_old,
	 no_entry_is_believed_while_slots_change, generations_that_begin_again_drop_every_entry,
	 a_store_to_the_guests_entry_drops_ours, an_entry_of_a_device_is_in_no_rmap_and_no_gauge,
	 a_large_guest_page_over_a_device_is_remembered_by_frame,
	 hardware_without_a_reserved_bit_remembers_nothing, turned_off_nothing_is_remembered,
#ifndef MMU_NO_TDP
	 nested_paging_remembers_devices_and_does_not_want_the_present_bit,
	 generations_that_begin_again_empty_nested_tables_too,
#endif
	 reserved_bits_in_an_entry_of_memory_are_our_bug)
