/* SPDX-License-Identifier: MIT */
/*
 * One function per row of invariants.def: it makes a machine, has it audited
 * green, and then breaks exactly that rule by hand. A row without its function
 * does not link.
 */
#ifndef TESTS_AUDIT_BREAKS_H
#define TESTS_AUDIT_BREAKS_H

#include "tests/fake_env.h"

#define INVARIANT(id, name, sentence) struct machine *break_##id(void);
#include "mmu/invariants.def"

/* More than one way to break a rule. */
struct variant {
	const char *name;
	unsigned rule;
	struct machine *(*break_it)(void);
};

extern const struct variant shadow_variants[];
extern const unsigned nr_shadow_variants;
struct machine *special_above_with_a_second_way(void);
struct machine *special_below_another_vcpus(void);
struct machine *special_below_one_of_another_table(void);

#endif
