/* SPDX-License-Identifier: MIT */
/* Guest memory by gpa and gva, and both walks, as a host uses them. */
#include "tests/guest_pt.h"

#include <string.h>

static struct guest g;

#define RW (GPTE_W | GPTE_U)

/* ---- by gpa ---------------------------------------------------------------------- */

START_TEST(a_transfer_crosses_frames_and_slots_and_stops_at_a_hole)
{
	static u8 out[3 * PAGE_SIZE], in[3 * PAGE_SIZE];
	struct machine m;

	machine_init(&m, NULL);
	machine_ram(&m, 0, 0, 2, 0);
	machine_ram(&m, 1, 2, 2, 1 << 20);
	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = i * 7 + i / 256;
	ck_assert_uint_eq(mmu_vm_write(m.vm, 0x800, out, sizeof(out)), sizeof(out));
	ck_assert_uint_eq(mmu_vm_read(m.vm, 0x800, in, sizeof(in)), sizeof(in));
	ck_assert(!memcmp(in, out, sizeof(in)));
	/* The second slot's memory lies elsewhere. */
	ck_assert(!memcmp(fake_va(&m.fake, FAKE_RAM + (1 << 20)), out + 0x1800, 0x1000));
	ck_assert_uint_eq(mmu_vm_read(m.vm, 0x3800, in, sizeof(in)), 0x800);
	ck_assert_uint_eq(mmu_vm_write(m.vm, 0x4000, in, 1), 0);
	ck_assert_uint_eq(mmu_vm_read(m.vm, ~0ull, in, 1), 0);
	ck_assert_uint_eq(mmu_vm_read(m.vm, 0, in, 0), 0);
	machine_fini(&m);
}
END_TEST

START_TEST(read_only_memory_is_read_and_not_written)
{
	struct machine m;
	u64 value = 42;

	machine_init(&m, NULL);
	ck_assert_int_eq(mmu_slot_create(m.vm, 0, 0, 0, 4, FAKE_RAM, MMU_SLOT_READONLY), MMU_OK);
	ck_assert_uint_eq(mmu_vm_write(m.vm, 0, &value, 8), 0);
	ck_assert_uint_eq(mmu_vm_read(m.vm, 0, &value, 8), 8);
	ck_assert_uint_eq(value, 0);
	machine_fini(&m);
}
END_TEST

START_TEST(a_vcpu_sees_its_address_space_and_the_vm_always_the_first)
{
	const struct mmu_regs smm = { .smm = true };
	u64 normal = 1, hidden = 2, value;
	struct machine m;

	machine_init(&m, NULL);
	machine_ram(&m, 0, 0, 16, 0);
	ck_assert_int_eq(mmu_slot_create(m.vm, 1, 0, 8, 8, FAKE_RAM + (1 << 20), MMU_SLOT_SMRAM),
			 MMU_OK);
	mmu_set_regs(m.vcpu[1], &smm, false);
	ck_assert_uint_eq(mmu_vcpu_write(m.vcpu[0], 0x8000, &normal, 8), 8);
	ck_assert_uint_eq(mmu_vcpu_write(m.vcpu[1], 0x8000, &hidden, 8), 8);
	ck_assert_uint_eq(mmu_vcpu_write(m.vcpu[1], 0x1000, &hidden, 8), 0);
	ck_assert_uint_eq(mmu_vm_read(m.vm, 0x8000, &value, 8), 8);
	ck_assert_uint_eq(value, 1);
	ck_assert_uint_eq(mmu_vcpu_read(m.vcpu[1], 0x8000, &value, 8), 8);
	ck_assert_uint_eq(value, 2);
	ck_assert_uint_eq(mmu_vm_gpa_to_hpa(m.vm, 0x8123), FAKE_RAM + 0x8123);
	ck_assert_uint_eq(mmu_vcpu_gpa_to_hpa(m.vcpu[0], 0x8123), FAKE_RAM + 0x8123);
	ck_assert_uint_eq(mmu_vcpu_gpa_to_hpa(m.vcpu[1], 0x8123), FAKE_RAM + (1 << 20) + 0x123);
	ck_assert_uint_eq(mmu_vm_gpa_to_hpa(m.vm, 0x10000), HPA_INVALID);
	machine_fini(&m);
}
END_TEST

START_TEST(a_write_to_a_shadowed_table_is_followed_by_its_shadow)
{
	gpa_t gpte_gpa;
	u64 gpte = 0;

	guest_init(&g, LONG4, NULL);
	gpte_gpa = guest_map(&g, 0x1000, 0x5000, RW, 1);
	expect_mapped(&g, 0, 0x1000, PFERR_WRITE, 0x5000);
	fake_forget(&g.m.fake);
	ck_assert_uint_eq(mmu_vm_write(g.m.vm, 0x5000, &gpte, 8), 8);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_guest_write), 0);
	ck_assert_uint_eq(mmu_vm_write(g.m.vm, gpte_gpa, &gpte, 8), 8);
	ck_assert_uint_eq(fake_last(&g.m.fake, EV_guest_write)->guest_write.gpa, gpte_gpa);
	ck_assert_uint_eq(fake_last(&g.m.fake, EV_guest_write)->guest_write.bytes, 8);
	ck_assert_uint_eq(g.m.vm->stats.guest_writes, 1);
	machine_audit(&g.m);
	ck_assert_uint_eq(machine_leaf(&g.m, 0, 0x1000, NULL), 0);
	ck_assert(machine_enter(&g.m, 0).flush);
	expect_inject(&g, 0, 0x1000, PFERR_USER, PFERR_USER);
	guest_fini(&g);
}
END_TEST

START_TEST(giving_up_the_shadows_of_a_frame_makes_it_writable)
{
	gpa_t gpte_gpa;

	guest_init(&g, LONG4, NULL);
	gpte_gpa = guest_map(&g, 0x1000, 0x5000, RW, 1);
	guest_map(&g, 0x2000, gpte_gpa & PAGE_MASK, RW, 1);
	expect_mapped(&g, 0, 0x1000, PFERR_WRITE, 0x5000);
	expect_emulate(&g, 0, 0x2000, PFERR_WRITE, true, false);
	ck_assert(mmu_unprotect(g.m.vm, gpte_gpa >> PAGE_SHIFT));
	machine_audit(&g.m);
	ck_assert(!mmu_unprotect(g.m.vm, gpte_gpa >> PAGE_SHIFT));
	ck_assert(!mmu_unprotect(g.m.vm, 0x123456789));
	guest_fini(&g);
}
END_TEST

START_TEST(another_cr3_is_another_root_and_the_old_one_is_found_again)
{
	gpa_t first_cr3;
	hpa_t root;

	guest_init(&g, LONG4, NULL);
	first_cr3 = g.regs.cr3;
	guest_map(&g, 0x1000, 0x5000, RW, 1);
	expect_mapped(&g, 0, 0x1000, 0, 0x5000);
	root = machine_enter(&g.m, 0).root;
	g.regs.cr3 = guest_table(&g);
	guest_map(&g, 0x1000, 0x6000, RW, 1);
	guest_set_regs(&g, 0, true);
	expect_mapped(&g, 0, 0x1000, 0, 0x6000);
	ck_assert_uint_ne(machine_enter(&g.m, 0).root, root);
	g.regs.cr3 = first_cr3;
	guest_set_regs(&g, 0, true);
	ck_assert_uint_eq(machine_enter(&g.m, 0).root, root);
	expect_mapped(&g, 0, 0x1000, 0, 0x5000);
	guest_fini(&g);
}
END_TEST

/* ---- by gva ---------------------------------------------------------------------- */

START_TEST(a_transfer_by_gva_goes_through_the_guests_tables_page_by_page)
{
	char out[] = "across two pages", in[sizeof(out)];
	struct mmu_fault fault;

	for (enum guest_mode mode = TWO_LEVEL; mode < NR_GUEST_MODES; mode++) {
		guest_init(&g, mode, NULL);
		guest_map(&g, 0x1000, 0x9000, RW, 1);
		guest_map(&g, 0x2000, 0x5000, RW, 1);
		ck_assert_uint_eq(mmu_write_gva(g.m.vcpu[0], 0x1ff8, out, sizeof(out), PFERR_USER,
						&fault), sizeof(out));
		ck_assert_uint_eq(mmu_read_gva(g.m.vcpu[0], 0x1ff8, in, sizeof(in), 0, NULL),
				  sizeof(in));
		ck_assert_str_eq(in, out);
		ck_assert(!memcmp(fake_va(&g.m.fake, FAKE_RAM + 0x9ff8), out, 8));
		ck_assert(!memcmp(fake_va(&g.m.fake, FAKE_RAM + 0x5000), out + 8, 8));
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_transfer_by_gva_stops_with_the_guests_fault)
{
	struct mmu_fault fault;
	u8 buf[0x2000] = { 0 };

	guest_init(&g, LONG4, NULL);
	guest_map(&g, 0x1000, 0x9000, GPTE_U, 1);
	guest_map(&g, 0x3000, 0xfee00000, RW, 1);
	ck_assert_uint_eq(mmu_read_gva(g.m.vcpu[0], 0x1800, buf, sizeof(buf), 0, &fault), 0x800);
	ck_assert_uint_eq(fault.gva, 0x2000);
	ck_assert_uint_eq(fault.error, 0);
	ck_assert(!fault.mmio);
	ck_assert_uint_eq(mmu_write_gva(g.m.vcpu[0], 0x1800, buf, 8, PFERR_USER, &fault), 0);
	ck_assert_uint_eq(fault.error, PFERR_PRESENT | PFERR_WRITE | PFERR_USER);
	ck_assert_uint_eq(mmu_read_gva(g.m.vcpu[0], 0x3010, buf, 8, 0, &fault), 0);
	ck_assert(fault.mmio);
	ck_assert_uint_eq(fault.gpa, 0xfee00010);
	guest_fini(&g);
}
END_TEST

START_TEST(a_peek_leaves_no_trace_and_an_access_sets_a_and_d)
{
	gpa_t gpte_gpa;
	u64 value = 7;

	guest_init(&g, LONG4, NULL);
	gpte_gpa = guest_map(&g, 0x1000, 0x9000, RW, 1);
	fake_forget(&g.m.fake);
	ck_assert_uint_eq(mmu_read_gva(g.m.vcpu[0], 0x1000, &value, 8, MMU_PEEK, NULL), 8);
	ck_assert_uint_eq(mmu_write_gva(g.m.vcpu[0], 0x1000, &value, 8, MMU_PEEK, NULL), 8);
	ck_assert_uint_eq(g.m.fake.nr_events, 0);
	ck_assert(!(guest_peek(&g, gpte_gpa, 8) & (GPTE_A | GPTE_D)));
	mmu_read_gva(g.m.vcpu[0], 0x1000, &value, 8, 0, NULL);
	ck_assert_uint_eq(guest_peek(&g, gpte_gpa, 8) & (GPTE_A | GPTE_D), GPTE_A);
	mmu_write_gva(g.m.vcpu[0], 0x1000, &value, 8, 0, NULL);
	ck_assert_uint_eq(guest_peek(&g, gpte_gpa, 8) & (GPTE_A | GPTE_D), GPTE_A | GPTE_D);
	ck_assert_uint_ge(fake_count(&g.m.fake, EV_walk_entry), 8);
	guest_fini(&g);
}
END_TEST

/* ---- walks ------------------------------------------------------------------------ */

START_TEST(a_walk_lists_every_entry_it_read)
{
	struct mmu_walk walk;
	gpa_t gpte_gpa;

	for (enum guest_mode mode = UNPAGED; mode < NR_GUEST_MODES; mode++) {
		guest_init(&g, mode, NULL);
		gpte_gpa = mode == UNPAGED ? 0 : guest_map(&g, 0x5000, 0x5000, RW, 1);
		fake_forget(&g.m.fake);
		ck_assert(mmu_walk(g.m.vcpu[0], 0x5123, PFERR_WRITE, &walk));
		ck_assert_uint_eq(walk.gpa, 0x5123);
		ck_assert_uint_eq(walk.level, 1);
		ck_assert_uint_eq(walk.nr, guest_levels(&g));
		for (unsigned i = 0; i < walk.nr; i++)
			ck_assert_uint_eq(walk.step[i].level, walk.nr - i);
		if (walk.nr) {
			ck_assert_uint_eq(walk.step[walk.nr - 1].gpa, gpte_gpa);
			ck_assert_uint_eq(walk.step[walk.nr - 1].pte & PAGE_MASK & BITS(51, 12),
					  0x5000);
			ck_assert(!mmu_walk(g.m.vcpu[0], 0x7000, PFERR_USER, &walk));
			ck_assert_uint_eq(walk.error, PFERR_USER);
			ck_assert_uint_eq(walk.nr, guest_levels(&g));
		}
		ck_assert_uint_eq(g.m.fake.nr_events, 0);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_walk_lists_no_entry_it_did_not_read)
{
	struct mmu_walk walk;

	guest_init(&g, LONG4, NULL);
	ck_assert(!mmu_walk(g.m.vcpu[0], 0x800000000000, 0, &walk));
	ck_assert_uint_eq(walk.nr, 0);
	/* A directory where no memory is. */
	guest_map(&g, 0x40000000, GUEST_FRAMES << PAGE_SHIFT, RW, 2);
	ck_assert(mmu_walk(g.m.vcpu[0], 0x40000000, 0, &walk));
	ck_assert_uint_eq(walk.nr, 3);
	guest_poke(&g, walk.step[2].gpa, GUEST_FRAMES << PAGE_SHIFT | RW | GPTE_P, 8);
	ck_assert(!mmu_walk(g.m.vcpu[0], 0x40000000, 0, &walk));
	ck_assert_uint_eq(walk.nr, 3);
	ck_assert_uint_eq(walk.step[2].level, 2);
	guest_fini(&g);
}
END_TEST

START_TEST(of_an_address_a_three_level_root_sees_32_bits)
{
	struct mmu_host_step steps[5];

	guest_init(&g, PAE, NULL);
	guest_map(&g, 0x40001000, 0x5000, RW, 1);
	machine_enter(&g.m, 0);
	machine_fault(&g.m, 0, 0x40001000, 0, NULL);
	ck_assert_uint_eq(mmu_host_walk(g.m.vcpu[0], 0xffffffff40001000, steps), 3);
	ck_assert_uint_eq(steps[0].index, 1);
	ck_assert_uint_eq(spte_hpa(steps[2].spte), FAKE_RAM + 0x5000);
	guest_fini(&g);
}
END_TEST

START_TEST(a_write_to_a_table_is_told_as_the_vcpus_who_did_it)
{
	u64 gpte = 0x6000 | GPTE_P | RW;
	gpa_t pte;

	guest_init(&g, LONG4, NULL);
	pte = guest_map(&g, 0x1000, 0x5000, RW, 1);
	guest_map(&g, 0x2000, pte & PAGE_MASK, RW | GPTE_D, 1);
	for (unsigned way = 0; way < 3; way++) {
		u8 vcpu = way < 2 ? 1 : MMU_NO_VCPU;

		machine_enter(&g.m, 0);
		expect_mapped(&g, 0, 0x1000, 0, way ? 0x6000 : 0x5000);
		fake_forget(&g.m.fake);
		if (way == 0)
			mmu_vcpu_write(g.m.vcpu[1], pte, &gpte, 8);
		else if (way == 1)
			mmu_write_gva(g.m.vcpu[1], 0x2000 | (pte & ~PAGE_MASK), &gpte, 8, 0, NULL);
		else
			mmu_vm_write(g.m.vm, pte, &gpte, 8);
		ck_assert_uint_eq(fake_last(&g.m.fake, EV_guest_write)->vcpu, vcpu);
		ck_assert_uint_eq(fake_last(&g.m.fake, EV_spte_set)->vcpu, vcpu);
	}
	guest_fini(&g);
}
END_TEST

START_TEST(the_host_walk_shows_the_tables_the_hardware_has)
{
	struct mmu_host_step steps[5];
	struct machine m;
	unsigned levels;

	machine_init(&m, NULL);
	machine_ram(&m, 0, 0, 16, 0);
	ck_assert_uint_eq(mmu_host_walk(m.vcpu[0], 0x3000, steps), 0);
	levels = machine_enter(&m, 0).root_level;
	ck_assert_uint_eq(mmu_host_walk(m.vcpu[0], 0x3000, steps), 1);
	ck_assert_uint_eq(steps[0].spte, 0);
	machine_fault(&m, 0, 0x3000, 0, NULL);
	ck_assert_uint_eq(mmu_host_walk(m.vcpu[0], 0x3000, steps), levels);
	ck_assert_uint_eq(steps[0].hpa & PAGE_MASK, machine_enter(&m, 0).root);
	for (unsigned i = 0; i < levels; i++) {
		ck_assert_uint_eq(steps[i].level, levels - i);
		ck_assert_uint_eq(*(u64 *)fake_va(&m.fake, steps[i].hpa), steps[i].spte);
		if (i)
			ck_assert_uint_eq(spte_hpa(steps[i - 1].spte), steps[i].hpa & PAGE_MASK);
	}
	ck_assert_uint_eq(steps[levels - 1].index, 3);
	mmu_zap_all(m.vm);
	ck_assert_uint_eq(mmu_host_walk(m.vcpu[0], 0x3000, steps), 0);
	machine_fini(&m);
}
END_TEST

/* ---- a store and who sees it ------------------------------------------------------- */

static gpa_t stored_gpa;
static unsigned nr_looks;

/* The other vCPU reads the entry; if it is new, a flush must be enough to have it. */
static void look_while_storing(struct fake *fake, unsigned point)
{
	static bool looking;
	struct outcome out;
	u64 error;

	(void)fake;
	(void)point;
	if (looking)
		return;
	looking = true;
	nr_looks++;
	if ((guest_peek(&g, stored_gpa, 4) & 0xff000) == 0x6000) {
		mmu_invlpg(g.m.vcpu[1], 0x1000);
		ck_assert_msg(!cpu_translate(&g, 1, 0x1000, PFERR_USER, &out, &error) ||
				      out.hpa == FAKE_RAM + 0x6000,
			      "an entry is used that was flushed after the store");
	}
	looking = false;
}

START_TEST(who_sees_a_store_to_a_table_finds_nothing_older)
{
	for (enum guest_mode mode = TWO_LEVEL; mode < NR_GUEST_MODES; mode++) {
		guest_init(&g, mode, NULL);
		stored_gpa = guest_map(&g, 0x1000, 0x5000, RW, 1);
		expect_mapped(&g, 0, 0x1000, PFERR_USER, 0x5000);
		expect_mapped(&g, 1, 0x1000, PFERR_USER, 0x5000);
		/* Looked at in the middle of an operation. */
		g.m.unseen_writes = true;
		nr_looks = 0;
		g.m.fake.on_point = look_while_storing;
		guest_store(&g, stored_gpa, 0x6000 | RW | GPTE_P);
		g.m.fake.on_point = NULL;
		ck_assert_uint_gt(nr_looks, 0);
		g.m.unseen_writes = false;
		expect_mapped(&g, 1, 0x1000, PFERR_USER, 0x6000);
		guest_fini(&g);
	}
}
END_TEST

TAP_MAIN("access",
	 a_transfer_crosses_frames_and_slots_and_stops_at_a_hole,
	 read_only_memory_is_read_and_not_written,
	 a_vcpu_sees_its_address_space_and_the_vm_always_the_first,
	 a_write_to_a_shadowed_table_is_followed_by_its_shadow,
	 giving_up_the_shadows_of_a_frame_makes_it_writable,
	 another_cr3_is_another_root_and_the_old_one_is_found_again,
	 a_transfer_by_gva_goes_through_the_guests_tables_page_by_page,
	 a_transfer_by_gva_stops_with_the_guests_fault,
	 a_peek_leaves_no_trace_and_an_access_sets_a_and_d,
	 a_walk_lists_every_entry_it_read,
	 a_walk_lists_no_entry_it_did_not_read,
	 of_an_address_a_three_level_root_sees_32_bits,
	 a_write_to_a_table_is_told_as_the_vcpus_who_did_it,
	 the_host_walk_shows_the_tables_the_hardware_has,
	 who_sees_a_store_to_a_table_finds_nothing_older)
