/* SPDX-License-Identifier: MIT */
/*
 * irq: the timer's interrupt, in every state in which it can meet the CPU. Each must
 * be taken once: not lost, not twice, not while it is held back.
 *
 * Under shadow paging the delivery of an interrupt may itself meet a page that is not
 * mapped yet: that of the IDT, or of the stack. What was being delivered must come
 * again, and once. For that these two have pages of their own here, and are made cold
 * by a store to their entry and INVLPG.
 *
 *   virtual           physical
 *   00000000          2M pages, supervisor, identity
 *   01400000          the page of ring-3 code
 *   IDT               the IDT
 *   STACK             the stack of what comes from ring 3: frame(0)
 *   APIC              the local APIC, if the CPU has one
 *   NOWHERE           nothing
 *
 * Nothing here measures time: the guest waits until the request is seen in the
 * controller, or was taken.
 *
 * source: Intel 8259A and 82C54 data sheets; APM2 8.2 "Vectors", 16.4 "Local
 *         Interrupts"
 */
#define PAGING_LEVELS 4
#include "hv/guests/cpu.h"
#include "hv/guests/fault.h"
#include "hv/guests/guest.h"
#include "hv/guests/paging.h"

#define IDT 0x0000400000000000ul
#define STACK 0x0000400000200000ul
#define NOWHERE 0x0000400000400000ul
#define APIC 0x0000400000600000ul

enum {
	PIC = 0x20,
	PIC_MASK = 0x21,
	PIC_SLAVE = 0xa0,
	PIC_SLAVE_MASK = 0xa1,
	PIC_EOI = 0x20,
	PIC_READ_REQUESTS = 0x0a,
	PIC_READ_SERVICE = 0x0b,
	PIT_CHANNEL_0 = 0x40,
	PIT_COMMAND = 0x43,
	PIT_ONE_SHOT = 0x30, /* channel 0, two bytes, mode 0 */
	PIT_TICKS = 500,     /* 0.4 ms */
	LINE_TIMER = 0,
	APIC_PA = 0xfee00000u,
	APIC_SPURIOUS = 0xf0,
	APIC_ENABLED = 0x1ff,
	APIC_LINT0 = 0x350,
	APIC_EXTINT = 0x700,
	USER_CODE = 0x01400000,
	PATIENCE = 2000000, /* polls; never needed but by who lost one */
	ROUNDS = 20,
};

static table_t root;
static volatile unsigned int taken;
static volatile bool nests; /* the handler asks for the next tick before its EOI */
static volatile unsigned int taken_inside;

static void enable_and_wait(void)
{
	asm volatile("sti");
	for (unsigned int i = 0; i < 1000; i++) {
		asm volatile("pause");
	}
	asm volatile("cli");
}

static void ask_for_a_tick(void)
{
	outb(PIT_COMMAND, PIT_ONE_SHOT);
	outb(PIT_CHANNEL_0, PIT_TICKS & 0xff);
	outb(PIT_CHANNEL_0, PIT_TICKS >> 8);
}

static bool is_requested(void)
{
	outb(PIC, PIC_READ_REQUESTS);
	return inb(PIC) & 1u << LINE_TIMER;
}

static bool is_in_service(void)
{
	outb(PIC, PIC_READ_SERVICE);
	return inb(PIC) & 1u << LINE_TIMER;
}

/* With interrupts off: the tick has come, and waits. */
static void await_the_request(void)
{
	for (unsigned int i = 0; i < PATIENCE; i++) {
		if (is_requested()) {
			return;
		}
	}
	expect(is_requested());
}

static void take_interrupt(unsigned int line)
{
	expect_eq(line, LINE_TIMER);
	taken++;
	if (nests) {
		nests = false;
		ask_for_a_tick();
		await_the_request();
		enable_and_wait();
		taken_inside = taken;
	}
	outb(PIC, PIC_EOI);
}

static void expect_taken(unsigned int times)
{
	enable_and_wait();
	expect_eq(taken, times);
	expect(!is_requested());
	expect(!is_in_service());
	taken = 0;
}

/* The next use of the page finds it as if it had never been used. */
static void chill(unsigned long va)
{
	table_t pte = pte_at(root, va, 1);

	pte_set(pte, *pte & ~(pte_t)PTE_A);
	invlpg(va);
}

static void chill_all(void)
{
	chill(IDT);
	chill(STACK);
}

/* The controllers' output is a pin of the local APIC, which firmware lets through. */
static void let_the_pic_through(void)
{
	uint32_t id[4];

	cpuid(1, id);
	if (!(id[3] & CPUID_APIC)) {
		return;
	}
	map_page(root, APIC, APIC_PA, PTE_W);
	word_at(APIC + APIC_SPURIOUS) = APIC_ENABLED;
	word_at(APIC + APIC_LINT0) = APIC_EXTINT;
}

static void set_up(void)
{
	map_page(root, USER_CODE, (unsigned long)user_code, PTE_U);
	user_code_at(USER_CODE);
	map_page(root, IDT, idt_address(), PTE_W);
	map_page(root, STACK, frame(0), PTE_W);
	load_root(root);
	idt_at(IDT);
	trap_stack_at(STACK + PAGE_SIZE);
	on_interrupt(take_interrupt);
	let_the_pic_through();
	outb(PIC, 0x11);
	outb(PIC_MASK, VECTOR_INTERRUPT);
	outb(PIC_MASK, 4);
	outb(PIC_MASK, 1);
	outb(PIC_SLAVE, 0x11);
	outb(PIC_SLAVE_MASK, VECTOR_INTERRUPT + 8);
	outb(PIC_SLAVE_MASK, 2);
	outb(PIC_SLAVE_MASK, 1);
	outb(PIC_SLAVE_MASK, 0xff);
	outb(PIC_MASK, (uint8_t)~(1u << LINE_TIMER));
}

static void awaited(bool cold)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		ask_for_a_tick();
		await_the_request();
		expect_eq(taken, 0);
		if (cold) {
			chill_all();
		}
		expect_taken(1);
	}
}

static void in_a_halt(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		if (i & 1) {
			chill_all();
		}
		ask_for_a_tick();
		while (!taken) {
			asm volatile("sti; hlt; cli" : : : "memory");
		}
		expect_taken(1);
	}
}

/* It waits already when ring 3 is entered; or comes meanwhile. */
static void in_ring_3(bool waits)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		ask_for_a_tick();
		if (waits) {
			await_the_request();
		}
		for (unsigned int n = 0; n < PATIENCE / 100 && !taken; n++) {
			chill_all();
			expect_eq(user_waits(20000), NO_FAULT);
		}
		expect_taken(1);
	}
}

static void masked(void)
{
	outb(PIC_MASK, 0xff);
	ask_for_a_tick();
	await_the_request();
	enable_and_wait();
	expect_eq(taken, 0);
	expect(is_requested());
	outb(PIC_MASK, (uint8_t)~(1u << LINE_TIMER));
	expect_taken(1);
}

static void before_the_end_of_another(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		nests = true;
		ask_for_a_tick();
		await_the_request();
		chill_all();
		expect_taken(2);
		expect_eq(taken_inside, 1);
	}
}

/* The exception comes with its own error code and address, and the ring-3 code's
 * INT n is carried out once. */
static void exceptions(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		chill_all();
		expect_eq(access(KERNEL_READ, NOWHERE + i), PF(0));
		chill_all();
		expect_eq(access(KERNEL_WRITE, NOWHERE + i), PF(PF_WRITE));
		chill_all();
		expect_eq(access(USER_READ, NOWHERE + i), PF(PF_USER));
		chill_all();
		expect_eq(access(USER_WRITE, IDT + i), PF(PF_USER | PF_WRITE | PF_PRESENT));
		chill_all();
		expect_eq(user_waits(10), NO_FAULT);
	}
}

/* A fault that is forgotten comes again by itself; a trap does not. */
static void traps(void)
{
	static unsigned long steps;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		steps = 0;
		chill_all();
		expect_eq(attempt("pushf; orl $0x100, (%%rsp); popf; incq %0; incq %0; incq %0",
				  "m"(steps)),
			  EXCEPTION(VECTOR_DB, 0));
		expect_eq(steps, 1);
	}
}

void guest_main(void)
{
	title("irq", "interrupts of the timer, taken once each");
	fault_init();
	root = root_create();

	step("a page for the IDT, one for the stack, and the interrupt controllers");
	set_up();
	step("an interrupt that waits is taken once");
	awaited(false);
	step("... when IDT and stack are cold");
	awaited(true);
	step("... when ring 3 is entered with it");
	in_ring_3(true);
	step("... in the middle of ring 3");
	in_ring_3(false);
	step("... in a halt");
	in_a_halt();
	step("one that is masked waits");
	masked();
	step("one that comes before the end of another waits, too");
	before_the_end_of_another();
	step("exceptions that find IDT and stack cold");
	exceptions();
	step("single steps that find them cold");
	traps();
}
