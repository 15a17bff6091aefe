/* SPDX-License-Identifier: MIT */
/*
 * A machine's CPUs as its guest sees them: the MP table, CPUID, interrupts and MSRs of the
 * local APIC through the core.
 */
#include "hv/core/load.h"
#include "hv/core/mptable.h"
#include "hv/core/vcpu.h"
#include "tests/fake_machine.h"

#include <string.h>

#define CPUS 3

static u8 sum(const u8 *at, size_t size)
{
	u8 s = 0;

	while (size--)
		s += *at++;
	return s;
}

static void place(void)
{
	make(MMU_MODE_TDP, CPUS, true);
	mptable_place(&vm);
}

/* Where the table is; the pointer is searched for. */
static const u8 *find_table(void)
{
	const u8 *rom = vm_ram(&vm, 0xf0000, 0x10000);
	u32 at;

	for (unsigned i = 0; i < 0x10000; i += 16) {
		if (memcmp(rom + i, "_MP_", 4))
			continue;
		ck_assert_uint_eq(rom[i + 8], 1);
		ck_assert_uint_eq(rom[i + 9], 4);
		ck_assert_uint_eq(sum(rom + i, 16), 0);
		memcpy(&at, rom + i + 4, 4);
		return vm_ram(&vm, at, PAGE_SIZE);
	}
	return NULL;
}

START_TEST(the_table_names_cpus_the_bus_the_ioapic_and_the_lines)
{
	static const u8 sizes[] = { 20, 8, 8, 8, 8 };
	unsigned count[5] = { 0 }, pins = 0, last = 0;
	const u8 *t, *end;
	u16 length, entries;

	place();
	t = find_table();
	ck_assert_ptr_nonnull(t);
	ck_assert_int_eq(memcmp(t, "PCMP", 4), 0);
	memcpy(&length, t + 4, 2);
	memcpy(&entries, t + 34, 2);
	ck_assert_uint_eq(sum(t, length), 0);
	end = t + length;
	for (t += 44; t < end; t += sizes[*t]) {
		ck_assert_uint_lt(*t, 5);
		ck_assert_uint_ge(*t, last); /* sorted */
		last = *t;
		if (*t == 0) {
			ck_assert_uint_eq(t[1], count[0]);
			ck_assert_uint_eq(t[3], count[0] == 0 ? 3 : 1);
		}
		if (*t == 2)
			ck_assert_uint_eq(t[1], CPUS); /* no CPU has that ID */
		if (*t == 3) {
			ck_assert_uint_eq(t[6], CPUS);
			ck_assert_uint_eq(t[7], t[5] == 0 ? 2 : t[5]);
			pins |= 1u << t[7];
		}
		count[*t]++;
	}
	ck_assert_ptr_eq(t, end);
	ck_assert_uint_eq(count[0], CPUS);
	ck_assert_uint_eq(count[1], 1);
	ck_assert_uint_eq(count[2], 1);
	ck_assert_uint_eq(count[3], 15);
	ck_assert_uint_eq(count[4], 2);
	ck_assert_uint_eq(entries, CPUS + 1 + 1 + 15 + 2);
	ck_assert_uint_eq(pins, 0xfffe);
	finish();
}
END_TEST

START_TEST(cpus_without_an_apic_have_no_table)
{
	make(MMU_MODE_TDP, CPUS, true);
	ck_assert_ptr_null(features_init(&vm.features, &platform, "-apic"));
	mptable_place(&vm);
	ck_assert_ptr_null(find_table());
	ck_assert(!features_has(&vm.features, FEATURE_x2apic));
	ck_assert(!features_has(&vm.features, FEATURE_tsc_deadline));
	finish();
}
END_TEST

/* ---- features ---- */

enum { EAX, EBX, ECX, EDX };

static u32 cpuid_reg(unsigned vcpu, u32 leaf, unsigned reg)
{
	u32 out[4];

	vcpu_cpuid(&vm.vcpu[vcpu], leaf, 0, out);
	return out[reg];
}

START_TEST(what_is_modelled_is_shown_and_can_be_hidden)
{
	make(MMU_MODE_TDP, CPUS, true);
	ck_assert(cpuid_reg(0, 1, EDX) & 1u << 9);
	ck_assert(cpuid_reg(0, 1, ECX) & 1u << 21);
	ck_assert(cpuid_reg(0, 1, ECX) & 1u << 24);
	ck_assert_uint_eq(cpuid_reg(2, 1, EBX) >> 24, 2);
	ck_assert_uint_eq(cpuid_reg(2, 0xb, EDX), 2);
	ck_assert(cpuid_reg(0, 0x80000001, EDX) & 1u << 20);
	ck_assert_ptr_null(features_init(&vm.features, &platform, "-x2apic,-nx,-lm,-pge"));
	ck_assert(!(cpuid_reg(0, 1, ECX) & 1u << 21));
	ck_assert(cpuid_reg(0, 1, ECX) & 1u << 24);
	ck_assert(!(cpuid_reg(0, 0x80000001, EDX) & (1u << 20 | 1u << 29 | 1u << 13)));
	ck_assert(!(cpuid_reg(0, 1, EDX) & 1u << 13));
	ck_assert(!(vcpu_cr4_offered(&vm.vcpu[0]) & CR4_PGE));
	ck_assert_ptr_null(features_init(&vm.features, &platform, "-nx,+nx"));
	ck_assert(cpuid_reg(0, 0x80000001, EDX) & 1u << 20);
	finish();
}
END_TEST

START_TEST(what_is_not_there_cannot_be_asked_for)
{
	static const char *const bad[] = {
		"+avx", "+smep", "+nothing", "-nothing", "apic", "+", "-apic,,-nx", "+apic,nx",
	};

	make(MMU_MODE_TDP, 1, true);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(features_init(&vm.features, &platform, bad[i]), "%s", bad[i]);
	finish();
}
END_TEST

START_TEST(an_apic_switched_off_is_not_shown)
{
	make(MMU_MODE_TDP, 1, true);
	ck_assert(lapic_write_base(vcpu_lapic(&vm.vcpu[0]), LAPIC_GPA | LAPIC_BASE_BSP, 40));
	ck_assert(!(cpuid_reg(0, 1, EDX) & 1u << 9));
	finish();
}
END_TEST

static void every_bit(u32 leaf, u32 sub, u32 out[4])
{
	(void)leaf;
	(void)sub;
	for (unsigned i = 0; i < 4; i++)
		out[i] = ~0u;
}

START_TEST(what_a_cpu_to_come_may_have_is_not_shown)
{
	static const u32 leaves[] = { 0x5, 0xa, 0xd, 0x14, 0x1f, 0x24, 0x40000000, 0x8000000a,
				      0x8000001e, 0x8000001f, 0x80000026 };

	make(MMU_MODE_TDP, 1, true);
	platform.cpuid = every_bit;
	ck_assert_ptr_null(features_init(&vm.features, &platform, NULL));
	for (unsigned i = 0; i < sizeof(leaves) / sizeof(*leaves); i++) {
		for (unsigned reg = EAX; reg <= EDX; reg++)
			ck_assert_uint_eq(cpuid_reg(0, leaves[i], reg), 0);
	}
	ck_assert_uint_eq(cpuid_reg(0, 1, ECX) & (1u << 26 | 1u << 3 | 1u << 5 | 1u << 31), 0);
	ck_assert_uint_eq(cpuid_reg(0, 1, EDX) & (1u << 7 | 1u << 12 | 1u << 14 | 1u << 22), 0);
	ck_assert_uint_eq(cpuid_reg(0, 7, EBX) & (1u << 5 | 1u << 10 | 1u << 16), 0);
	ck_assert_uint_eq(cpuid_reg(0, 7, ECX) & (1u << 3 | 1u << 16), 0);
	ck_assert_uint_eq(cpuid_reg(0, 0x80000001, ECX) & (1u << 2 | 1u << 12 | 1u << 22), 0);
	ck_assert_uint_eq(cpuid_reg(0, 0x80000007, EDX), 0x100);
	ck_assert_uint_eq(cpuid_reg(0, 0x80000002, EBX), ~0u); /* a name is a name */
	ck_assert_uint_eq(cpuid_reg(0, 4, EAX) >> 14, 0);
	ck_assert_ptr_null(features_init(&vm.features, &platform, "+la57"));
	ck_assert(cpuid_reg(0, 7, ECX) & 1u << 16);
	finish();
}
END_TEST

/* ---- through the core ---- */

static int offered;

/* The interrupt is taken in the third round. */
static void script_irq(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	offered = run->irq;
	if (rounds == 3 && run->irq >= 0)
		exit->irq_delivered = true;
	if (rounds == 4)
		vm_end(v->vm, 0, "enough");
}

START_TEST(an_interrupt_of_the_apic_is_in_service_when_it_is_delivered)
{
	struct vcpu *v = &vm.vcpu[0];
	struct lapic *l;

	make(MMU_MODE_TDP, 1, true);
	l = vcpu_lapic(v);
	lapic_write(l, 0x320, 4, 0x41);
	lapic_write(l, 0x3e0, 4, 0xb);
	lapic_write(l, 0x380, 4, 1000);
	script = script_irq;
	rounds = 0;
	while (rounds < 2)
		vcpu_turn(v);
	ck_assert_int_eq(offered, 0x41);
	ck_assert_int_eq(lapic_pending(l), 0x41); /* seen set: not delivered yet */
	vcpu_turn(v);
	ck_assert_int_eq(offered, 0x41);
	ck_assert_int_eq(lapic_pending(l), -1);
	ck_assert_uint_eq(lapic_read(l, 0x120, 4), 2);
	vcpu_turn(v);
	ck_assert_int_eq(offered, -1);
	finish();
}
END_TEST

START_TEST(an_nmi_between_cpus_waits_for_its_target)
{
	make(MMU_MODE_TDP, 2, true);
	lapic_write(vcpu_lapic(&vm.vcpu[0]), 0x310, 4, 1u << 24);
	lapic_write(vcpu_lapic(&vm.vcpu[0]), 0x300, 4, 0x4400);
	ck_assert(vm.vcpu[1].nmi_pending);
	ck_assert(!vm.vcpu[0].nmi_pending);
	lapic_write(vcpu_lapic(&vm.vcpu[0]), 0x300, 4, 0x4200);
	ck_assert(smm_waits(&vm.vcpu[1]));
	finish();
}
END_TEST

/* ---- NMIs ---- */

static struct vcpu_run seen;
static enum ch_exit exit_as;
static u64 exit_rip;

static void script_nmi(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	seen = *run;
	exit->kind = exit_as;
	v->regs.rip = exit_rip;
}

/* One turn, which ends so. returns what was injected at its beginning */
static enum vcpu_event_type turn(enum ch_exit kind, u64 rip)
{
	exit_as = kind;
	exit_rip = rip;
	vcpu_turn(&vm.vcpu[0]);
	return seen.event.type;
}

START_TEST(an_nmi_waits_for_the_iret_of_the_one_before)
{
	struct vcpu *v = &vm.vcpu[0];

	make(MMU_MODE_TDP, 1, true);
	script = script_nmi;
	ck_assert_int_eq(turn(CH_EXIT_intr, 0x1000), VCPU_EVENT_NONE);
	ck_assert(!seen.iret);
	v->nmi_pending = true;
	ck_assert_int_eq(turn(CH_EXIT_intr, 0x2000), VCPU_EVENT_NMI);
	ck_assert(seen.iret);
	v->nmi_pending = true;
	ck_assert_int_eq(turn(CH_EXIT_intr, 0x2002), VCPU_EVENT_NONE);
	ck_assert(seen.iret);
	ck_assert_int_eq(turn(CH_EXIT_iret, 0x2010), VCPU_EVENT_NONE);
	ck_assert_int_eq(turn(CH_EXIT_intr, 0x2010), VCPU_EVENT_NONE); /* not executed yet */
	ck_assert(!seen.iret && seen.step);
	ck_assert_int_eq(turn(CH_EXIT_debug, 0x1000), VCPU_EVENT_NONE);
	ck_assert(seen.step);
	ck_assert_int_eq(turn(CH_EXIT_intr, 0x2000), VCPU_EVENT_NMI); /* and no #DB */
	ck_assert(!seen.step);
	ck_assert(!v->nmi_pending);
	finish();
}
END_TEST

START_TEST(in_smm_an_iret_ends_no_nmi)
{
	struct vcpu *v = &vm.vcpu[0];

	make(MMU_MODE_TDP, 1, true);
	script = script_nmi;
	v->nmi_pending = true;
	ck_assert_int_eq(turn(CH_EXIT_intr, 0x2000), VCPU_EVENT_NMI);
	v->smm.active = true;
	turn(CH_EXIT_intr, 0x3000);
	ck_assert(!seen.iret);
	v->smm.active = false;
	turn(CH_EXIT_intr, 0x2000);
	ck_assert(seen.iret);
	finish();
}
END_TEST

static void run_code(const u8 *code, size_t n, void (*handler)(struct vcpu *v))
{
	struct vcpu *v = &vm.vcpu[0];

	put_code(code, n);
	v->event.type = VCPU_EVENT_NONE;
	handler(v);
}

START_TEST(cr8_and_the_task_priority_are_one)
{
	static const u8 to_cr8[] = { 0xf0, 0x0f, 0x22, 0xc0 }, from_cr8[] = { 0xf0, 0x0f, 0x20, 0xc0 };
	struct vcpu *v = &vm.vcpu[0];

	make(MMU_MODE_TDP, 1, true);
	v->regs.gpr[RAX] = 9;
	run_code(to_cr8, sizeof(to_cr8), exit_cr);
	ck_assert_uint_eq(lapic_read(vcpu_lapic(v), 0x80, 4), 0x90);
	lapic_write(vcpu_lapic(v), 0x80, 4, 0x35);
	run_code(from_cr8, sizeof(from_cr8), exit_cr);
	ck_assert_uint_eq(v->regs.gpr[RAX], 3);
	v->regs.gpr[RAX] = 16;
	run_code(to_cr8, sizeof(to_cr8), exit_cr);
	ck_assert_uint_eq(v->event.vector, X86_GP);
	finish();
}
END_TEST

START_TEST(msrs_of_the_apic_are_there_in_x2apic_mode_only)
{
	static const u8 rdmsr[] = { 0x0f, 0x32 }, wrmsr[] = { 0x0f, 0x30 };
	struct vcpu *v = &vm.vcpu[0];

	make(MMU_MODE_TDP, 1, true);
	v->exit.msr_write = false;
	v->regs.gpr[RCX] = 0x802;
	run_code(rdmsr, sizeof(rdmsr), exit_msr);
	ck_assert_uint_eq(v->event.vector, X86_GP);
	v->regs.gpr[RCX] = 0x1b;
	run_code(rdmsr, sizeof(rdmsr), exit_msr);
	ck_assert_int_eq(v->event.type, VCPU_EVENT_NONE);
	ck_assert_uint_eq(v->regs.gpr[RAX], 0xfee00900);
	v->regs.gpr[RAX] = 0xfee00d00;
	v->exit.msr_write = true;
	run_code(wrmsr, sizeof(wrmsr), exit_msr);
	ck_assert_int_eq(v->event.type, VCPU_EVENT_NONE);
	v->exit.msr_write = false;
	v->regs.gpr[RCX] = 0x803;
	run_code(rdmsr, sizeof(rdmsr), exit_msr);
	ck_assert_int_eq(v->event.type, VCPU_EVENT_NONE);
	ck_assert_uint_eq(v->regs.gpr[RAX], 0x50014);
	finish();
}
END_TEST

TAP_MAIN("cpus",
	 the_table_names_cpus_the_bus_the_ioapic_and_the_lines,
	 cpus_without_an_apic_have_no_table,
	 what_is_modelled_is_shown_and_can_be_hidden,
	 what_is_not_there_cannot_be_asked_for,
	 an_apic_switched_off_is_not_shown,
	 what_a_cpu_to_come_may_have_is_not_shown,
	 an_interrupt_of_the_apic_is_in_service_when_it_is_delivered,
	 an_nmi_between_cpus_waits_for_its_target,
	 an_nmi_waits_for_the_iret_of_the_one_before,
	 in_smm_an_iret_ends_no_nmi,
	 cr8_and_the_task_priority_are_one,
	 msrs_of_the_apic_are_there_in_x2apic_mode_only)
