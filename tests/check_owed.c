/* SPDX-License-Identifier: MIT */
/* A flush that is owed is paid before a guest's table is read: what another vCPU
 * stores there by a translation that it still remembers would never be followed. */
#include "mmu/guest_pte.h"
#include "tests/guest_pt.h"

#define RW	(GPTE_W | GPTE_U | GPTE_A | GPTE_D)
#define WRITE	PFERR_WRITE
#define ALIAS	0x40000000ull
#define HUGE_GPA 0x800000ull
#define TABLES	17	/* one more than are synced at once */

static struct guest g;
static hpa_t writable_hpa;	/* who maps it is looked at */
static bool owed;		/* its mapping went, and nobody has been told to flush */
static unsigned nr_looks;	/* how often the table was looked at since it went */
static gfn_t table_gfn;

static void look(bool at_table)
{
	if (!at_table)
		return;
	ck_assert_msg(!owed, "a table is read that another vCPU may still write to");
	nr_looks++;
}

static void watch_event(struct fake *fake, const struct fake_event *event)
{
	u64 old_spte = event->spte_set.old;

	(void)fake;
	if (event->id == EV_spte_set && !event->spte_set.new && old_spte & SPTE_MMU_W &&
	    spte_hpa(old_spte) == writable_hpa)
		owed = true;
	else if (event->id == EV_flush_vcpu)
		owed = false;
	else if (event->id == EV_sp_sync)
		look(event->sp_sync.gfn == table_gfn);
}

static void watch_point(struct fake *fake, unsigned point)
{
	(void)fake;
	look(point == MMU_POINT_revalidate);
}

static void watch(hpa_t hpa, gfn_t gfn)
{
	writable_hpa = hpa;
	table_gfn = gfn;
	owed = false;
	nr_looks = 0;
	g.m.fake.on_emit = watch_event;
}

static void unwatch(void)
{
	g.m.fake.on_emit = NULL;
	g.m.fake.on_point = NULL;
}

static void touch(gva_t gva, u64 access, gpa_t gpa)
{
	expect_mapped(&g, 0, gva, access, gpa);
}

START_TEST(a_sync_pays_for_an_entry_before_it_reads_the_table_that_it_mapped)
{
	gpa_t table[TABLES];

	guest_init(&g, LONG4, NULL);
	machine_knob(&g.m, MMU_KNOB_unsync, 1);
	for (u64 i = 0; i < TABLES; i++)
		table[i] = guest_map(&g, i << 21, HUGE_GPA + (i << 12), RW, 1) & PAGE_MASK;
	/* The last is written to by the first one's entry, the others by the alias. */
	guest_map(&g, 0x2000, table[TABLES - 1], RW, 1);
	for (u64 i = 0; i < TABLES - 1; i++)
		guest_map(&g, ALIAS + (i << 12), table[i], RW, 1);
	for (u64 i = 0; i < TABLES; i++)
		touch(i << 21, WRITE, HUGE_GPA + (i << 12));
	for (u64 i = 0; i < TABLES - 1; i++)
		touch(ALIAS + (i << 12), WRITE, table[i]);
	touch(0x2000, WRITE, table[TABLES - 1]);
	ck_assert_uint_eq(g.m.vm->stats.unsync, TABLES);
	guest_poke(&g, table[0] + 2 * 8, 0, 8);
	watch(FAKE_RAM + table[TABLES - 1], table[TABLES - 1] >> PAGE_SHIFT);
	guest_set_regs(&g, 0, true);
	machine_enter(&g.m, 0);
	unwatch();
	ck_assert_uint_eq(nr_looks, 1);
	ck_assert_uint_eq(g.m.vm->stats.unsync, 0);
	guest_fini(&g);
}
END_TEST

START_TEST(a_fault_pays_for_a_large_leaf_before_it_reads_a_table_in_it)
{
	gpa_t pde, table = HUGE_GPA + 0x3000;

	guest_init(&g, LONG4, NULL);
	machine_knob(&g.m, MMU_KNOB_huge, 1);
	pde = guest_map(&g, ALIAS, HUGE_GPA, RW & ~GPTE_U, 2);
	touch(ALIAS, WRITE, HUGE_GPA);
	guest_poke(&g, table, 0x5000 | GPTE_P | RW, 8);
	/* A store that the library has not followed yet; the kernel's leaf is still there. */
	g.m.unseen_writes = true;
	guest_poke(&g, pde, table | GPTE_P | RW, 8);
	watch(FAKE_RAM + HUGE_GPA, 0);
	g.m.fake.on_point = watch_point;
	touch(ALIAS, PFERR_USER, 0x5000);
	unwatch();
	ck_assert_uint_gt(nr_looks, 0);
	guest_fini(&g);
}
END_TEST

TAP_MAIN("owed", a_sync_pays_for_an_entry_before_it_reads_the_table_that_it_mapped,
	 a_fault_pays_for_a_large_leaf_before_it_reads_a_table_in_it)
