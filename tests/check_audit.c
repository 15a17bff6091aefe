/* SPDX-License-Identifier: MIT */
/* The auditor finds what is broken, all of it, and nothing else. */
#include "mmu/audit.h"
#include "mmu/sp.h"
#include "tests/audit_breaks.h"

#include <string.h>

struct seen {
	const char *wanted;
	unsigned findings, others;
	char other[64];
};

static void note(void *arg, const struct mmu_finding *finding)
{
	struct seen *seen = arg;

	seen->findings++;
	if (strcmp(finding->rule, seen->wanted)) {
		seen->others++;
		strncpy(seen->other, finding->rule, sizeof(seen->other) - 1);
	}
	ck_assert_uint_gt(strlen(finding->sentence), 10);
}

/* The machine is not destroyed: it is broken. */
static void expect_rule(struct machine *m, const char *name, enum audit_rule rule)
{
	struct seen seen = { .wanted = name };
	unsigned findings;

	fake_forget(&m->fake);
	findings = mmu_audit(m->vm, note, &seen);
	ck_assert_uint_gt(findings, 0);
	ck_assert_uint_eq(findings, seen.findings);
	ck_assert_msg(!seen.others, "%s is reported, too", seen.other);
	ck_assert_uint_eq(fake_count(&m->fake, EV_audit_rule), findings);
	ck_assert_uint_eq(fake_last(&m->fake, EV_audit_rule)->audit_rule.rule, rule);
	ck_assert_uint_eq(fake_last(&m->fake, EV_audit_end)->audit_end.broken, findings);
}

#define INVARIANT(id, name, sentence)                                                              \
	START_TEST(breaking_##id##_is_found_and_nothing_else)                                      \
	{                                                                                          \
		expect_rule(break_##id(), name, RULE_##id);                                        \
	}                                                                                          \
	END_TEST
#include "mmu/invariants.def"

START_TEST(a_sound_machine_passes_and_the_checks_are_counted)
{
	struct machine m;

	machine_init(&m, NULL);
	machine_ram(&m, 0, 0, 16, 0);
	machine_enter(&m, 0);
	machine_fault(&m, 0, 0x1000, 0, NULL);
	fake_forget(&m.fake);
	ck_assert_uint_eq(mmu_audit(m.vm, NULL, NULL), 0);
	ck_assert_uint_eq(fake_count(&m.fake, EV_audit_rule), 0);
	ck_assert_uint_eq(fake_last(&m.fake, EV_audit_begin)->audit_begin.rules, NR_RULES);
	ck_assert_uint_gt(fake_last(&m.fake, EV_audit_end)->audit_end.checked, 100);
	machine_fini(&m);
}
END_TEST

/* Under a sanitizer also: nothing is counted or shifted by a level that is none. */
START_TEST(a_page_of_no_level_is_reported_and_its_entries_left_alone)
{
	struct seen seen = { .wanted = "B-1" };
	struct mmu_host_step steps[5];
	struct machine m;

	machine_init(&m, NULL);
	machine_ram(&m, 0, 0, 16, 0);
	machine_enter(&m, 0);
	machine_fault(&m, 0, 0x1000, 0, NULL);
	ck_assert_uint_eq(mmu_host_walk(m.vcpu[0], 0x1000, steps), 4);
	((spte_t *)fake_va(&m.fake, steps[3].hpa))->raw |= SPTE_LARGE;
	sp_by_id(m.vm, steps[3].sp)->role.level = 15;
	mmu_audit(m.vm, note, &seen);
	ck_assert_uint_gt(seen.findings, seen.others);
	for (size_t i = 0; i < m.fake.nr_events; i++)
		if (m.fake.events[i].id == EV_audit_rule)
			ck_assert_uint_ne(m.fake.events[i].audit_rule.rule, RULE_D_3);
	fake_abandon(&m.fake);
}
END_TEST

/* These may break other rules, too. */
START_TEST(every_other_way_to_break_a_rule_is_found)
{
	for (unsigned i = 0; i < nr_shadow_variants; i++) {
		const struct variant *variant = &shadow_variants[i];
		struct machine *m = variant->break_it();
		unsigned found = 0;

		fake_forget(&m->fake);
		mmu_audit(m->vm, NULL, NULL);
		for (size_t n = 0; n < m->fake.nr_events; n++)
			found += m->fake.events[n].id == EV_audit_rule &&
				 m->fake.events[n].audit_rule.rule == variant->rule;
		ck_assert_msg(found, "%s goes unnoticed", variant->name);
		fake_abandon(&m->fake);
	}
}
END_TEST

START_TEST(every_broken_place_is_reported)
{
	struct machine *m = break_D_1();
	struct seen seen = { .wanted = "D-1" };
	unsigned before = mmu_audit(m->vm, NULL, NULL);

	m->vm->nr_sps++;
	ck_assert_uint_eq(mmu_audit(m->vm, note, &seen), before + 1);
	ck_assert_uint_eq(seen.others, 1);
	ck_assert_str_eq(seen.other, "E-5");
}
END_TEST

int main(int argc, char **argv)
{
	const TTest *const tests[] = {
		a_sound_machine_passes_and_the_checks_are_counted,
		a_page_of_no_level_is_reported_and_its_entries_left_alone,
		every_other_way_to_break_a_rule_is_found,
		every_broken_place_is_reported,
#define INVARIANT(id, name, sentence) breaking_##id##_is_found_and_nothing_else,
#include "mmu/invariants.def"
	};

	return tap_main(argc, argv, "audit", tests, sizeof(tests) / sizeof(tests[0]));
}
