/* SPDX-License-Identifier: MIT */
/*
 * Two address spaces at once: vCPUs go in and out of system-management mode and use
 * the same gpas. What each reaches is what its own world has there.
 *
 *	frames from FROM on	address space 0		address space 1
 *	0 .. 7			memory A		SMRAM B
 *	8 .. 15			memory A		nothing: a device
 *	16 .. 23		nothing: a device	SMRAM B
 *	24 .. 31		memory C		the same memory C
 */
#include "mmu/memslot.h"
#include "mmu/sp.h"
#include "tests/guest_pt.h"

#include <stdlib.h>

#define FROM	0x8000ull
#define FRAMES	32u
#define RAM_A	(FAKE_RAM + (GUEST_FRAMES << PAGE_SHIFT))
#define RAM_B	(RAM_A + (1ull << 20))
#define RAM_C	(RAM_A + (2ull << 20))
#define STEPS	10000u

static struct guest g;

static const struct mmu_config tdp = { .mode = MMU_MODE_TDP, .nr_vcpus = 2, .tdp_level = 4,
				       .maxphyaddr = 48 };
static const struct mmu_config shadow = { .mode = MMU_MODE_SHADOW, .nr_vcpus = 2,
					  .maxphyaddr = 48 };

static void place(unsigned as, unsigned id, u64 frame, u64 nr, hpa_t hpa, u32 flags)
{
	ck_assert_int_eq(mmu_slot_create(g.m.vm, as, id, FROM + frame, nr, hpa, flags), MMU_OK);
}

static void make_worlds(const struct mmu_config *config)
{
	guest_init_small(&g, UNPAGED, config, 0x80);
	place(0, 1, 0, 16, RAM_A, 0);
	place(0, 2, 24, 8, RAM_C, 0);
	place(1, 1, 0, 8, RAM_B, MMU_SLOT_SMRAM);
	place(1, 2, 16, 8, RAM_B + (16 << PAGE_SHIFT), MMU_SLOT_SMRAM);
	place(1, 3, 24, 8, RAM_C, 0);
}

/* Where a frame is for who is in SMM or not; HPA_INVALID: a device. */
static hpa_t expected(bool smm, unsigned frame)
{
	hpa_t offset = (hpa_t)frame << PAGE_SHIFT;

	if (frame >= 24)
		return RAM_C + offset - (24ull << PAGE_SHIFT);
	if (smm)
		return frame < 8 || frame >= 16 ? RAM_B + offset : HPA_INVALID;
	return frame < 16 ? RAM_A + offset : HPA_INVALID;
}

static void set_smm(unsigned vcpu, bool smm)
{
	struct mmu_regs regs = g.regs;

	regs.smm = smm;
	mmu_set_regs(g.m.vcpu[vcpu], &regs, true);
}

/* As the hardware does it: by our tables, with a fault if they do not have it. */
static hpa_t reach(unsigned vcpu, unsigned frame, bool write)
{
	u64 addr = (FROM + frame) << PAGE_SHIFT, spte;
	struct mmu_fault fault;
	unsigned level;

	for (unsigned tries = 0; tries < 4; tries++) {
		machine_enter(&g.m, vcpu);
		spte = machine_leaf(&g.m, vcpu, addr, &level);
		if (spte_is_present(spte) && (!write || spte_is_writable(spte)))
			return spte_hpa(spte);
		if (machine_fault(&g.m, vcpu, addr,
				  (write ? PFERR_WRITE : 0) |
					  (spte_is_mmio(spte) ? PFERR_RSVD | PFERR_PRESENT : 0),
				  &fault) == MMU_EMULATE) {
			ck_assert(fault.mmio);
			return HPA_INVALID;
		}
	}
	ck_abort_msg("frame %u faults for ever", frame);
	return 0;
}

/* The host for the vCPU, and the host for itself. */
static void check_accessors(unsigned vcpu, bool smm, unsigned frame)
{
	gpa_t gpa = (FROM + frame) << PAGE_SHIFT;

	ck_assert_uint_eq(mmu_vcpu_gpa_to_hpa(g.m.vcpu[vcpu], gpa), expected(smm, frame));
	ck_assert_uint_eq(mmu_vm_gpa_to_hpa(g.m.vm, gpa), expected(false, frame));
}

static void run(const struct mmu_config *config, unsigned seed)
{
	bool smm[2] = { 0 };

	srand(seed);
	make_worlds(config);
	g.m.audit_every = 500;
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned vcpu = rand() & 1, frame = rand() % FRAMES, what = rand() % 16;

		if (what < 4) {
			smm[vcpu] = !smm[vcpu];
			set_smm(vcpu, smm[vcpu]);
		} else if (what == 4) {
			mmu_zap_range(g.m.vm, rand() & 1, FROM + frame, FROM + frame + 4);
		} else {
			ck_assert_uint_eq(reach(vcpu, frame, what & 1), expected(smm[vcpu], frame));
			check_accessors(vcpu, smm[vcpu], frame);
		}
	}
	g.m.audit_every = 0;
	machine_audit(&g.m);
	guest_fini(&g);
}

START_TEST(each_vcpu_sees_its_own_world_on_shadow_tables)
{
	run(&shadow, 1);
}
END_TEST

START_TEST(each_vcpu_sees_its_own_world_on_nested_tables)
{
	run(&tdp, 2);
}
END_TEST

/* S1.3 */
START_TEST(the_pages_of_both_worlds_differ_in_one_field_of_their_roles)
{
	const union mmu_role other = { .smm = 1 };

	make_worlds(&shadow);
	reach(0, 0, true);
	set_smm(1, true);
	reach(1, 0, true);
	ck_assert_uint_eq(g.m.vcpu[0]->mmu->root.sp->role.word ^ g.m.vcpu[1]->mmu->root.sp->role.word,
			  other.word);
	ck_assert_uint_eq(other.word, 1u << 24);
	ck_assert_ptr_ne(g.m.vcpu[0]->mmu->root.sp, g.m.vcpu[1]->mmu->root.sp);
	guest_fini(&g);
}
END_TEST

/* S1.8 */
START_TEST(no_root_of_the_other_world_is_switched_to)
{
	struct sp *normal;

	guest_init_small(&g, LONG4, &shadow, 0x80);
	place(1, 0, 0, 8, RAM_B, MMU_SLOT_SMRAM);
	machine_enter(&g.m, 0);
	normal = g.m.vcpu[0]->mmu->root.sp;
	for (unsigned i = 0; i < 4; i++) {
		set_smm(0, !(i & 1));
		machine_enter(&g.m, 0);
		ck_assert_uint_eq(g.m.vcpu[0]->mmu->root.sp->role.smm, !(i & 1));
		if (i & 1)
			ck_assert_ptr_eq(g.m.vcpu[0]->mmu->root.sp, normal);
	}
	guest_fini(&g);
}
END_TEST

TAP_MAIN("smram", each_vcpu_sees_its_own_world_on_shadow_tables,
	 each_vcpu_sees_its_own_world_on_nested_tables,
	 the_pages_of_both_worlds_differ_in_one_field_of_their_roles,
	 no_root_of_the_other_world_is_switched_to)
