/* SPDX-License-Identifier: MIT */
/*
 * Guests that fault for ever: what ends them, and what the user is told.
 */
#include "hv/core/livelock.h"
#include "tests/fake_machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NOWHERE 0x800123u /* beyond the 4 MiB that the paged guest maps */

static char said[4096];
static unsigned lines;

__attribute__((format(printf, 1, 2))) static void listen(const char *f, ...)
{
	char line[sizeof(said)];
	va_list ap;

	va_start(ap, f);
	vsnprintf(line, sizeof(line), f, ap);
	va_end(ap);
	if (strstr(line, " ticks, ")) /* what the run cost: any guest's end */
		return;
	strcpy(said, line);
	lines++;
}

static void begin(void)
{
	make_paged();
	platform.log = listen;
	said[0] = 0;
	lines = 0;
	rounds = 0;
}

/* The tables map it, and the CPU says that it does not. */
static void script_never_mapped(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	(void)v;
	(void)run;
	ck_assert_uint_lt(rounds, 20000);
	exit->kind = CH_EXIT_fault;
	exit->addr = DATA_GPA + 8;
}

START_TEST(a_fault_that_stays_though_all_is_mapped_ends_the_guest_and_says_where)
{
	begin();
	script = script_never_mapped;
	ck_assert_uint_eq(vm_run(&vm), 125);
	ck_assert_uint_eq(lines, 1);
	ck_assert_msg(strstr(said, "rip 0x1000:") && strstr(said, "address 0x3008") &&
			      strstr(said, "error 0"), "%s", said);
	finish();
}
END_TEST

/* The error differs from time to time, and so nothing but the place is the same. */
static void script_to_and_fro(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	(void)v;
	(void)run;
	ck_assert_uint_lt(rounds, 30000);
	exit->kind = CH_EXIT_fault;
	exit->addr = DATA_GPA + 8;
	exit->error = rounds & 1 ? PFERR_USER : 0;
}

START_TEST(a_fault_that_changes_to_and_fro_ends_the_guest_and_says_where)
{
	begin();
	script = script_to_and_fro;
	ck_assert_uint_eq(vm_run(&vm), 125);
	ck_assert_uint_ge(rounds, LIVELOCK_TIMES);
	ck_assert_uint_eq(lines, 1);
	ck_assert_msg(strstr(said, "10000 times the same fault at rip 0x1000, address 0x3008"),
		      "%s", said);
	finish();
}
END_TEST

/* Another exit every now and then: the guest does get on. */
static unsigned other_every;

/* The guest's handler comes back to the same instruction each time. */
static void script_in_vain(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	if (rounds == 25000) {
		vm_end(v->vm, 3, "enough");
		return;
	}
	if (rounds > 1 && run->event.type == VCPU_EVENT_EXCEPTION) {
		ck_assert_uint_eq(run->event.vector, X86_PF);
		ck_assert_uint_eq(run->event.code, PFERR_WRITE);
	}
	v->regs.rip = CODE_GPA;
	if (other_every && rounds % other_every == 0)
		return;
	exit->kind = CH_EXIT_fault;
	exit->addr = NOWHERE;
	exit->error = PFERR_WRITE;
}

START_TEST(a_page_fault_given_in_vain_is_told_once_and_ends_nobody)
{
	begin();
	other_every = 0;
	script = script_in_vain;
	ck_assert_uint_eq(vm_run(&vm), 3);
	ck_assert_uint_eq(lines, 1);
	ck_assert_msg(strstr(said, "10000 times") && strstr(said, "rip 0x1000") &&
			      strstr(said, "address 0x800123") && strstr(said, "error 0x2"),
		      "%s", said);
	finish();
}
END_TEST

START_TEST(interrupts_of_ours_are_no_sign_of_life)
{
	begin();
	other_every = 7;
	script = script_in_vain;
	ck_assert_uint_eq(vm_run(&vm), 3);
	ck_assert_uint_eq(lines, 1);
	finish();
}
END_TEST

/* A guest that looks at other addresses, too. */
static void script_other_faults(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	script_in_vain(v, run, exit);
	if (rounds % 5000 == 0)
		exit->addr = NOWHERE + 0x1000;
}

START_TEST(faults_at_other_addresses_are_a_sign_of_life)
{
	begin();
	other_every = 0;
	script = script_other_faults;
	ck_assert_uint_eq(vm_run(&vm), 3);
	ck_assert_uint_eq(lines, 0);
	finish();
}
END_TEST

TAP_MAIN("livelock",
	 a_fault_that_stays_though_all_is_mapped_ends_the_guest_and_says_where,
	 a_fault_that_changes_to_and_fro_ends_the_guest_and_says_where,
	 a_page_fault_given_in_vain_is_told_once_and_ends_nobody,
	 interrupts_of_ours_are_no_sign_of_life,
	 faults_at_other_addresses_are_a_sign_of_life)
