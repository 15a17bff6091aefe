/* SPDX-License-Identifier: MIT */
/* A machine whose memory is asked which of it was used. */
#include "tests/age_machine.h"

struct machine m;

void setup(bool no_ad, bool huge)
{
	const struct mmu_config config = { .mode = MMU_MODE_TDP, .nr_vcpus = 2, .tdp_level = 4,
					   .maxphyaddr = 48, .ad_disabled = no_ad };

	machine_init(&m, &config);
	machine_knob(&m, MMU_KNOB_huge, huge);
	machine_ram(&m, 0, 0, FRAMES, 0);
	machine_enter(&m, 0);
}

spte_t *leaf(gpa_t gpa, unsigned *level)
{
	struct mmu_host_step steps[5];
	unsigned nr = mmu_host_walk(m.vcpu[0], gpa, steps);

	if (!nr || !spte_is_leaf(steps[nr - 1].spte, steps[nr - 1].level))
		return NULL;
	*level = steps[nr - 1].level;
	return fake_va(&m.fake, steps[nr - 1].hpa);
}

void touch(gfn_t gfn, u64 access)
{
	unsigned level;
	spte_t *sptep;

	for (unsigned i = 0; i < 4; i++) {
		sptep = leaf(gfn << PAGE_SHIFT, &level);
		if (sptep && sptep->raw & SPTE_P &&
		    (!(access & PFERR_WRITE) || sptep->raw & SPTE_W)) {
			if (!m.vm->config.ad_disabled)
				sptep->raw |= SPTE_A | (access & PFERR_WRITE ? SPTE_D : 0);
			return;
		}
		ck_assert_int_eq(machine_fault(&m, 0, gfn << PAGE_SHIFT, access, NULL), MMU_RETRY);
	}
	ck_abort_msg("gfn 0x%llx faults for ever", (unsigned long long)gfn);
}

void expect_age(gfn_t gfn, enum mmu_age_is want)
{
	struct mmu_age age = mmu_test_age_gfn(m.vm, 0, gfn);

	ck_assert_msg(age.is == want, "gfn 0x%llx is %s", (unsigned long long)gfn,
		      mmu_age_name(age));
}
