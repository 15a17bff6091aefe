/* SPDX-License-Identifier: MIT */
/* The core on a pretended machine while its MMU changes: entries, registers, the command. */
#include <string.h>
#include "hv/core/command.h"
#include "mmu/internal.h"
#include "mmu/mode.h"
#include "tests/fake_machine.h"

static enum mmu_status ask(u64 mode, const char *says)
{
	struct command c = { .arg = { mode }, .text = "" };
	enum mmu_status status = command_mmu(&vm, &c);

	ck_assert_msg(strstr(c.text, says), "it says: %s", c.text);
	return status;
}

/* ---- entries ---- */

static struct mmu_entry seen;

static void look(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	(void)v;
	(void)exit;
	seen = run->mmu;
}

START_TEST(the_next_entry_says_what_the_hardware_must_be_set_up_for)
{
	make(MMU_MODE_TDP, 1, true);
	script = look;
	for (unsigned i = 0; i < 3; i++) {
		vcpu_turn(&vm.vcpu[0]);
		ck_assert_int_eq(seen.mode, i % 2 ? MMU_MODE_SHADOW : MMU_MODE_TDP);
		ck_assert_int_eq(seen.flush, MMU_FLUSH_ALL);
		ck_assert_int_eq(ask(i % 2 ? MMU_MODE_TDP : MMU_MODE_SHADOW, ""), MMU_OK);
	}
	finish();
}
END_TEST

/* With nested paging the hardware loads CR3 by itself, and an interrupt tells nothing. */
static void load_cr3(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	look(v, run, exit);
	v->regs.cr3 = OTHER_GPA;
}

START_TEST(the_cr3_that_the_hardware_has_loaded_is_shadowed)
{
	struct vcpu *v = &vm.vcpu[0];

	make_paged();
	script = look;
	vcpu_turn(v);
	ck_assert_int_eq(ask(MMU_MODE_TDP, ""), MMU_OK);
	script = load_cr3;
	vcpu_turn(v);
	ck_assert_int_eq(seen.mode, MMU_MODE_TDP);
	ck_assert_int_eq(ask(MMU_MODE_SHADOW, ""), MMU_OK);
	script = look;
	vcpu_turn(v);
	ck_assert_int_eq(seen.mode, MMU_MODE_SHADOW);
	ck_assert_uint_eq(v->mmu->root_mmu.root.pgd, OTHER_GPA);
	finish();
}
END_TEST

static void inject(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	look(v, run, exit);
	exit->delivering = true;
	exit->interrupted = (struct vcpu_event){ .type = VCPU_EVENT_EXCEPTION, .vector = X86_PF,
						 .has_code = true, .code = 6 };
}

static void expect_event(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	look(v, run, exit);
	ck_assert_int_eq(run->event.type, VCPU_EVENT_EXCEPTION);
	ck_assert_uint_eq(run->event.vector, X86_PF);
	ck_assert_uint_eq(run->event.code, 6);
	ck_assert_uint_eq(v->regs.cr2, 0x1234);
	ck_assert(v->regs.int_shadow);
}

START_TEST(what_was_being_delivered_is_delivered_with_the_other_mmu)
{
	struct vcpu *v = &vm.vcpu[0];

	make_paged();
	for (unsigned i = 0; i < 2; i++) {
		script = inject;
		v->regs.cr2 = 0x1234;
		v->regs.int_shadow = true;
		vcpu_turn(v);
		ck_assert_int_eq(ask(seen.mode == MMU_MODE_TDP ? MMU_MODE_SHADOW : MMU_MODE_TDP, ""),
				 MMU_OK);
		script = expect_event;
		vcpu_turn(v);
		ck_assert_int_eq(seen.mode, mmu_get_mode(vm.mmu));
	}
	finish();
}
END_TEST

/* ---- the command ---- */

START_TEST(what_cannot_serve_is_refused_with_the_reason)
{
	make(MMU_MODE_SHADOW, 1, true);
	ck_assert_int_eq(ask(2, ""), MMU_INVAL);
	ck_assert_int_eq(ask(1ull << 32, ""), MMU_INVAL);
	ck_assert_int_eq(ask(MMU_MODE_SHADOW, ""), MMU_OK);
	vm.mmu->tdp = NULL; /* as where vm_create() found no nested paging */
	ck_assert_int_eq(ask(MMU_MODE_TDP, "no such MMU"), MMU_NOSUPP);
	platform.unpaged_escapes = true;
	ck_assert_int_eq(ask(MMU_MODE_TDP, "bypass nested paging"), MMU_NOSUPP);
	ck_assert_int_eq(mmu_get_mode(vm.mmu), MMU_MODE_SHADOW);
	finish();
}
END_TEST

TAP_MAIN("vm_mode",
	 the_next_entry_says_what_the_hardware_must_be_set_up_for,
	 the_cr3_that_the_hardware_has_loaded_is_shadowed,
	 what_was_being_delivered_is_delivered_with_the_other_mmu,
	 what_cannot_serve_is_refused_with_the_reason)
