/* SPDX-License-Identifier: MIT */
/*
 * What a guest is given arrives: its page faults with address and error, exceptions
 * that the CPU could not deliver at once, and interrupts, once each.
 */
#include "tests/fake_machine.h"

#define NOWHERE 0x800123u /* beyond the 4 MiB that the paged guest maps */

static void script_page_fault(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	if (run->event.type == VCPU_EVENT_NONE) {
		ck_assert_uint_eq(rounds, 1);
		exit->kind = CH_EXIT_fault;
		exit->addr = NOWHERE;
		exit->error = PFERR_WRITE | PFERR_USER;
		return;
	}
	ck_assert_int_eq(run->event.type, VCPU_EVENT_EXCEPTION);
	ck_assert_uint_eq(run->event.vector, X86_PF);
	ck_assert(run->event.has_code);
	ck_assert_uint_eq(run->event.code, PFERR_WRITE | PFERR_USER);
	ck_assert_uint_eq(v->regs.cr2, NOWHERE);
	vm_end(v->vm, 3, "given");
}

START_TEST(a_page_fault_of_the_guest_comes_with_its_address_and_its_error)
{
	make_paged();
	vm.vcpu[0].regs.cpl = 3;
	vm.vcpu[0].regs.cr2 = 0x1234;
	rounds = 0;
	script = script_page_fault;
	ck_assert_uint_eq(vm_run(&vm), 3);
	finish();
}
END_TEST

static struct vcpu_event interrupted;

/* The delivery needs a page that the shadow has not got. */
static void script_interrupted(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	if (rounds == 1) {
		exit->kind = CH_EXIT_fault;
		exit->addr = DATA_GPA + PAGE_SIZE;
		exit->error = PFERR_WRITE;
		exit->delivering = true;
		exit->interrupted = interrupted;
		return;
	}
	ck_assert_int_eq(run->event.type, interrupted.type);
	ck_assert_uint_eq(run->event.vector, interrupted.vector);
	ck_assert_uint_eq(run->event.has_code, interrupted.has_code);
	ck_assert_uint_eq(run->event.code, interrupted.code);
	ck_assert_uint_eq(v->regs.cr2, 0x1234);
	vm_end(v->vm, 3, "given again");
}

START_TEST(what_was_being_delivered_is_given_again)
{
	static const struct vcpu_event events[] = {
		{ VCPU_EVENT_EXCEPTION, X86_DB, false, 0 },
		{ VCPU_EVENT_EXCEPTION, X86_PF, true, 6 },
		{ VCPU_EVENT_NMI, X86_NMI, false, 0 },
		{ VCPU_EVENT_SOFT, 0x80, false, 0 },
	};

	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		make_paged();
		interrupted = events[i];
		vm.vcpu[0].regs.cr2 = 0x1234;
		rounds = 0;
		script = script_interrupted;
		ck_assert_uint_eq(vm_run(&vm), 3);
		finish();
	}
}
END_TEST

enum { BASE = 0x30, LINE_TIMER = 0 };

static void out(u16 port, u8 value)
{
	board_out(&vm.board, port, 1, value);
}

/* The timer's line is up, and the controllers let it through. */
static void make_request(void)
{
	out(0x20, 0x11);
	out(0x21, BASE);
	out(0x21, 4);
	out(0x21, 1);
	out(0x21, 0xfe);
	pic_set_line(&vm.board.pic, LINE_TIMER, true);
	vm.vcpu[0].regs.rflags |= RFLAGS_IF;
}

/* The guest does not take it at once: it is requested again at the exit. While the guest
 * runs it counts as taken, so that another one like it is not the same. */
static void script_irq(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	const struct pic_chip *chip = &v->vm->board.pic.chip[0];

	switch (rounds) {
	case 1:
	case 2:
	case 3:
		ck_assert_int_eq(run->irq, BASE + LINE_TIMER);
		ck_assert_uint_eq(chip->irr & 1, 0);
		ck_assert_uint_eq(chip->isr & 1, 1);
		exit->irq_delivered = rounds == 3;
		return;
	case 4:
		ck_assert_int_eq(run->irq, -1);
		ck_assert_int_eq(run->event.type, VCPU_EVENT_NONE);
		ck_assert_uint_eq(chip->irr & 1, 0);
		ck_assert_uint_eq(chip->isr & 1, 1);
		vm_end(v->vm, 3, "taken");
	}
}

START_TEST(an_interrupt_is_requested_until_the_guest_takes_it)
{
	make_paged();
	make_request();
	rounds = 0;
	script = script_irq;
	ck_assert_uint_eq(vm_run(&vm), 3);
	finish();
}
END_TEST

TAP_MAIN("delivery",
	 a_page_fault_of_the_guest_comes_with_its_address_and_its_error,
	 what_was_being_delivered_is_given_again,
	 an_interrupt_is_requested_until_the_guest_takes_it)
