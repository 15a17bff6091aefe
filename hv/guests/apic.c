/* SPDX-License-Identifier: MIT */
/*
 * apic: the local APIC and the IO-APIC. Interrupts that the CPU sends to itself, of the
 * timer in its modes, and of two devices by the pins of the IO-APIC: an edge is one
 * interrupt, a level is one for each end while it lasts.
 *
 *   virtual           physical
 *   00000000          2M pages, supervisor, identity
 *   APIC              fee00000, the local APIC
 *   IOAPIC            fec00000, the IO-APIC
 *
 * Vectors 20 to 2f are the stubs of fault.h; 30 to 3f, a class of higher priority, lead to
 * the same ones: the handler is told the low digit.
 *
 * source: APM2 16 "Advanced Programmable Interrupt Controller (APIC)"; Intel 82093AA
 *         data sheet
 */
#define PAGING_LEVELS 4
#include "hv/guests/cpu.h"
#include "hv/guests/fault.h"
#include "hv/guests/guest.h"
#include "hv/guests/paging.h"

#define APIC 0x0000400000000000ul
#define IOAPIC 0x0000400000200000ul
#define APIC_PA 0xfee00000u
#define IOAPIC_PA 0xfec00000u

enum { /* registers; as MSRs X2_FIRST + offset / 16 */
	ID = 0x20,
	VERSION = 0x30,
	TPR = 0x80,
	EOI = 0xb0,
	SPURIOUS = 0xf0,
	IN_SERVICE = 0x110, /* vectors 20 to 3f */
	REQUESTS = 0x210,
	COMMAND = 0x300,
	DESTINATION = 0x310,
	TIMER = 0x320,
	LINT0 = 0x350,
	INITIAL = 0x380,
	CURRENT = 0x390,
	DIVIDE = 0x3e0,
	SELF = 0x3f0,
	X2_FIRST = 0x800,
};

enum {
	ENABLED = 0x1ff,
	MASKED = 0x10000,
	LEVEL = 0x8000,
	REMOTE_IRR = 0x4000,
	TO_SELF = 0x40000,
	PERIODIC = 0x20000,
	DEADLINE = 0x40000,
	DIVIDE_BY_16 = 3,
	COUNT = 100000,

	MSR_BASE = 0x1b,
	BASE_X2 = 1 << 10,
	BASE_ON = 1 << 11,
	MSR_DEADLINE = 0x6e0,
	CPUID_X2 = 1 << 21, /* leaf 1, ECX */
	CPUID_DEADLINE = 1 << 24,

	PIN_PIT = 2,
	PIN_UART = 4,
	PIC_MASK = 0x21,
	PIC_SLAVE_MASK = 0xa1,
	PIT_CHANNEL_0 = 0x40,
	PIT_COMMAND = 0x43,
	PIT_ONE_SHOT = 0x30, /* channel 0, two bytes, mode 0 */
	PIT_TICKS = 500,     /* 0.4 ms */
	UART_IER = 0x3f9,
	UART_IIR = 0x3fa,
	UART_MCR = 0x3fc,
	IER_EMPTY = 2,
	MCR_OUT2 = 8,

	NMI = 0x400,
	NMI_LINE = 15, /* the stub that vector 2 leads to */
	NMI_STUB = VECTOR_INTERRUPT + NMI_LINE,

	LOW = 0x21, /* vectors */
	HIGH = 0x32,
	PATIENCE = 20000000, /* turns; never needed but by who lost one */
};

static volatile unsigned int taken, order[8];
static volatile unsigned int wanted; /* the handler leaves the cause until then */
static volatile unsigned int nmis, nmis_inside;
static volatile bool repeats; /* the next request may be there before this is served */
static volatile bool x2;

static uint32_t get(unsigned int reg)
{
	return x2 ? (uint32_t)rdmsr(X2_FIRST + reg / 16) : word_at(APIC + reg);
}

static void set(unsigned int reg, uint32_t value)
{
	if (x2) {
		wrmsr(X2_FIRST + reg / 16, value);
	} else {
		word_at(APIC + reg) = value;
	}
}

static void enable_and_wait(void)
{
	asm volatile("sti");
	for (unsigned int i = 0; i < 1000; i++) {
		asm volatile("pause");
	}
	asm volatile("cli");
}

static void send_nmi(void)
{
	set(DESTINATION, get(ID));
	set(COMMAND, NMI);
}

/* Of three that come in the middle of the first one is kept. */
static void take_nmi(void)
{
	if (nmis++) {
		return;
	}
	for (unsigned int i = 0; i < 3; i++) {
		send_nmi();
	}
	for (unsigned int i = 0; i < 1000; i++) {
		asm volatile("pause");
	}
	nmis_inside = nmis;
}

/* Interrupts are off in here, but for the wait before the end of the first of two. */
static void take_interrupt(unsigned int line)
{
	unsigned int vector = line == (HIGH & 0xf) ? HIGH : VECTOR_INTERRUPT + line;

	if (line == NMI_LINE) {
		take_nmi();
		return;
	}
	expect(get(IN_SERVICE) & 1u << (vector & 31));
	expect(repeats || !(get(REQUESTS) & 1u << (vector & 31)));
	order[taken++ % 8] = vector;
	if (vector == HIGH) {
		enable_and_wait();
	}
	if (line == PIN_UART && taken == wanted) {
		inb(UART_IIR); /* which ends the cause */
	}
	set(EOI, 0);
}

/* Takes what waits: so many, this the last. */
static void expect_taken(unsigned int times, unsigned int vector)
{
	enable_and_wait();
	expect_eq(taken, times);
	if (times) {
		expect_eq(order[(times - 1) % 8], vector);
	}
	expect_eq(get(IN_SERVICE), 0);
	expect_eq(get(REQUESTS), 0);
	taken = 0;
}

static void halt_until_taken(unsigned int times)
{
	while (taken < times) {
		asm volatile("sti; hlt; cli" : : : "memory");
	}
}

/* With interrupts off: it has been requested. */
static void await(unsigned int vector)
{
	unsigned int i = 0;

	while (!(get(REQUESTS) & 1u << (vector & 31)) && i < PATIENCE) {
		i++;
	}
	expect_eq(taken, 0);
	expect(get(REQUESTS) & 1u << (vector & 31));
}

static void set_up(void)
{
	table_t root = root_create();
	uint32_t id[4];

	map_page(root, APIC, APIC_PA, PTE_W);
	map_page(root, IOAPIC, IOAPIC_PA, PTE_W);
	load_root(root);
	__builtin_memcpy((void *)(idt_address() + 16 * 0x30), (void *)(idt_address() + 16 * 0x20),
			 16 * 16);
	on_interrupt(take_interrupt);
	outb(PIC_MASK, 0xff);
	outb(PIC_SLAVE_MASK, 0xff);
	set(SPURIOUS, ENABLED);
	set(LINT0, MASKED);
	set(TIMER, MASKED);
	set(DIVIDE, DIVIDE_BY_16);
	cpuid(1, id);
	expect_eq(get(ID) >> 24, id[1] >> 24);
	expect_eq(get(VERSION) & 0xf0, 0x10);
}

/* ---- the local APIC ---- */

static unsigned long read_cr8(void)
{
	unsigned long value;

	asm volatile("mov %%cr8, %0" : "=r"(value));
	return value;
}

static void write_cr8(unsigned long value)
{
	asm volatile("mov %0, %%cr8" : : "r"(value) : "memory");
}

static void to_itself(void)
{
	set(COMMAND, TO_SELF | LOW);
	expect_taken(1, LOW);
	set(DESTINATION, get(ID));
	set(COMMAND, LOW);
	expect_taken(1, LOW);
	set(COMMAND, TO_SELF | LOW);
	set(COMMAND, TO_SELF | LOW); /* a second request is the first */
	expect_taken(1, LOW);
}

static void two_at_once(void)
{
	set(COMMAND, TO_SELF | LOW);
	set(COMMAND, TO_SELF | HIGH);
	expect_taken(2, LOW);
	expect_eq(order[0], HIGH);
}

static void task_priority(void)
{
	set(TPR, 0x20);
	expect_eq(read_cr8(), 2);
	set(COMMAND, TO_SELF | LOW);
	enable_and_wait();
	expect_eq(taken, 0);
	set(COMMAND, TO_SELF | HIGH);
	enable_and_wait();
	expect_eq(taken, 1);
	write_cr8(3);
	expect_eq(get(TPR), 0x30);
	set(COMMAND, TO_SELF | HIGH);
	enable_and_wait();
	expect_eq(taken, 1);
	write_cr8(0);
	expect_taken(3, LOW);
}

static void one_shot(void)
{
	set(TIMER, LOW);
	set(INITIAL, COUNT);
	await(LOW);
	expect_taken(1, LOW);
	expect_eq(get(CURRENT), 0);
	set(INITIAL, COUNT);
	halt_until_taken(1);
	expect_taken(1, LOW);
	set(TIMER, MASKED | LOW);
	set(INITIAL, COUNT);
	while (get(CURRENT)) {
		asm volatile("pause");
	}
	expect_taken(0, 0);
}

static void periodic(void)
{
	repeats = true;
	set(TIMER, PERIODIC | LOW);
	set(INITIAL, COUNT);
	halt_until_taken(5);
	set(INITIAL, 0);
	enable_and_wait();
	repeats = false;
	taken = 0;
	expect_taken(0, 0);
}

/* A time of the TSC, ahead or already over. */
static void deadline(uint32_t features)
{
	uint32_t low, high;

	if (!(features & CPUID_DEADLINE)) {
		return;
	}
	set(TIMER, DEADLINE | LOW);
	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	wrmsr(MSR_DEADLINE, ((uint64_t)high << 32 | low) + COUNT);
	await(LOW);
	expect_eq(rdmsr(MSR_DEADLINE), 0);
	expect_taken(1, LOW);
	wrmsr(MSR_DEADLINE, 1);
	await(LOW);
	expect_taken(1, LOW);
	set(TIMER, MASKED);
}

static void x2_mode(uint32_t features)
{
	uint64_t base = rdmsr(MSR_BASE);
	uint32_t id[4];

	if (!(features & CPUID_X2)) {
		return;
	}
	expect_eq(attempt("rdmsr", "c"(X2_FIRST + ID / 16), "a"(0)), EXCEPTION(VECTOR_GP, 0));
	wrmsr(MSR_BASE, base | BASE_X2);
	x2 = true;
	cpuid(1, id);
	expect_eq(get(ID), id[1] >> 24);
	wrmsr(X2_FIRST + SELF / 16, LOW);
	expect_taken(1, LOW);
	wrmsr(X2_FIRST + COMMAND / 16, (uint64_t)get(ID) << 32 | HIGH);
	expect_taken(1, HIGH);
	/* The way back is by switching off. */
	expect_eq(attempt("xor %%edx, %%edx; wrmsr", "c"(MSR_BASE), "a"((uint32_t)base)),
		  EXCEPTION(VECTOR_GP, 0));
	x2 = false;
	wrmsr(MSR_BASE, base & ~(uint64_t)BASE_ON);
	cpuid(1, id);
	expect(!(id[3] & CPUID_APIC));
	wrmsr(MSR_BASE, base);
	set(SPURIOUS, ENABLED);
	set(DIVIDE, DIVIDE_BY_16);
	/* Switched off, it may have kept its registers (QEMU 10) or not. */
	set(TIMER, MASKED);
	expect_eq(get(TIMER), MASKED);
}

static void nmi(void)
{
	__builtin_memcpy((void *)(idt_address() + 16 * 2), (void *)(idt_address() + 16 * NMI_STUB),
			 16);
	for (unsigned int i = 0; i < 20; i++) {
		nmis = 0;
		send_nmi();
		enable_and_wait();
		expect_eq(nmis_inside, 1);
		expect_eq(nmis, 2);
	}
}

/* ---- the IO-APIC ---- */

static uint32_t entry(unsigned int pin)
{
	word_at(IOAPIC) = 0x10 + 2 * pin;
	return word_at(IOAPIC + 0x10);
}

static void set_entry(unsigned int pin, uint32_t value)
{
	word_at(IOAPIC) = 0x11 + 2 * pin;
	word_at(IOAPIC + 0x10) = get(ID);
	word_at(IOAPIC) = 0x10 + 2 * pin;
	word_at(IOAPIC + 0x10) = value;
}

static void ask_for_a_tick(void)
{
	outb(PIT_COMMAND, PIT_ONE_SHOT);
	outb(PIT_CHANNEL_0, PIT_TICKS & 0xff);
	outb(PIT_CHANNEL_0, PIT_TICKS >> 8);
}

static void edge(void)
{
	set_entry(PIN_PIT, VECTOR_INTERRUPT + PIN_PIT + 1);
	for (unsigned int i = 0; i < 10; i++) {
		ask_for_a_tick();
		if (i & 1) {
			await(VECTOR_INTERRUPT + PIN_PIT + 1);
		} else {
			halt_until_taken(1);
		}
		expect_taken(1, VECTOR_INTERRUPT + PIN_PIT + 1);
	}
	set_entry(PIN_PIT, MASKED);
}

/* The serial port has nothing to send, and says so until it is asked. */
static void level(void)
{
	uint32_t low = LEVEL | (VECTOR_INTERRUPT + PIN_UART);

	set_entry(PIN_UART, low | MASKED);
	outb(UART_MCR, MCR_OUT2);
	outb(UART_IER, IER_EMPTY);
	expect_taken(0, 0);
	set_entry(PIN_UART, low);
	await(VECTOR_INTERRUPT + PIN_UART);
	expect_eq(entry(PIN_UART), low | REMOTE_IRR);
	wanted = 3;
	expect_taken(3, VECTOR_INTERRUPT + PIN_UART);
	expect_eq(entry(PIN_UART), low);
	outb(UART_IER, 0);
	set_entry(PIN_UART, MASKED);
}

void guest_main(void)
{
	uint32_t id[4];

	title("apic", "interrupts of the local APIC and of the IO-APIC");
	cpuid(1, id);
	if (!(id[3] & CPUID_APIC)) {
		print("this CPU has no APIC\n");
		guest_exit(GUEST_CPU_TOO_SMALL);
	}
	fault_init();

	step("pages for the registers of both");
	set_up();
	step("an interrupt to itself is taken once");
	to_itself();
	step("of two the higher comes first, and the lower when that has ended");
	two_at_once();
	step("the task priority, which is CR8, holds back");
	task_priority();
	step("the timer interrupts once, and a masked one only counts");
	one_shot();
	step("... again and again");
	periodic();
	step("... at a time of the TSC, if the CPU can do that");
	deadline(id[2]);
	step("x2APIC mode, if the CPU has it");
	x2_mode(id[2]);
	step("an NMI waits for the end of the one before");
	nmi();
	step("the PIT's edge is one interrupt by the IO-APIC");
	edge();
	step("the serial port's level is one for each end while it lasts");
	level();
}
