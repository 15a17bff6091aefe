/* SPDX-License-Identifier: MIT */
/*
 * smp: several CPUs. The first one finds the others in the MP table and starts them;
 * then they interrupt each other, count together, and change tables that others are
 * using.
 *
 *   virtual = physical
 *   00000000  16M by large pages, supervisor
 *   00008000  the page of the SIPI (smp16.S)
 *   fee00000  the local APICs: each CPU sees its own
 *
 *   CLAIM     pages that no one has mapped when many want them; SHARED: one page that
 *             is moved from frame to frame
 *
 * Nothing here measures time: all waiting is for what another CPU does, and each loop
 * that waits has a PAUSE in it, but for one that has none on purpose.
 *
 * source: APM2 5.5.3 "TLB Management" (shootdown)
 */
#ifdef __x86_64__
#define PAGING_LEVELS 4
#define CLAIM 0x0000400000000000ul
#else
#define PAGING_LEVELS 2
#define CLAIM 0x80000000ul
#endif
#include "hv/guests/cpu.h"
#include "hv/guests/cpus.h"
#include "hv/guests/fault.h"
#include "hv/guests/guest.h"
#include "hv/guests/paging.h"

#define SHARED (CLAIM + 0x01000000ul)

enum {
	PIC_MASK = 0x21,
	PIC_SLAVE_MASK = 0xa1,

	LINE_TOKEN = 1, /* vectors are VECTOR_INTERRUPT + line */
	LINE_COUNT = 2,
	LINE_FLUSH = 3,

	NR_COUNTS = 3000,
	NR_LAPS = 50,
	NR_MOVES = 100,
	NR_CLAIMS = 64,
	NR_SWAPS = 200,
	CLAIM_FRAME = 100,
	POISON = 0xdead,
};

static table_t root;

static volatile uint32_t id_of[MAX_CPUS];

static void note_id(unsigned int self)
{
	id_of[self] = apic_read(APIC_ID) >> 24;
}

static void own_apic(void)
{
	on_all(note_id);
	for (unsigned int i = 0; i < nr_cpus; i++) {
		unsigned int found = 0;

		for (unsigned int j = 0; j < nr_cpus; j++) {
			found += id_of[j] == apic_ids[i];
		}
		expect_eq(found, 1);
	}
}

/* ---- counting ---- */

static volatile uint32_t count_atomic, count_locked;

static void count(unsigned int self)
{
	(void)self;
	for (unsigned int i = 0; i < NR_COUNTS; i++) {
		add(&count_atomic, 1);
		lock();
		count_locked = count_locked + 1;
		unlock();
	}
}

static void count_together(void)
{
	on_all(count);
	expect_eq(count_atomic, nr_cpus * NR_COUNTS);
	expect_eq(count_locked, nr_cpus * NR_COUNTS);
}

/* ---- registers that nobody saves unless somebody else wants them ---- */

static void swap(unsigned int self)
{
	uint32_t mine = 0x1000 + self, csr = 0x1f80 | (self & 3) << 13, seen;

	asm volatile("ldmxcsr %0" : : "m"(csr));
	for (unsigned int i = 0; i < NR_SWAPS; i++) {
		asm volatile("movd %0, %%xmm5" : : "r"(mine + i));
		for (unsigned int j = 0; j < 4; j++) {
			pause();
		}
		asm volatile("movd %%xmm5, %0" : "=r"(seen));
		expect_eq(seen, mine + i);
		asm volatile("stmxcsr %0" : "=m"(seen));
		expect_eq(seen, csr);
	}
}

static void own_registers(void)
{
	on_all(swap);
}

/* ---- interrupts from one to another ---- */

static volatile uint32_t token_left, token_laps[MAX_CPUS];
static volatile uint32_t counts[MAX_CPUS];
static volatile uint32_t flushes;
static unsigned long flush_va;

static void take_token(unsigned int self)
{
	token_laps[self]++;
	if (token_left) {
		token_left = token_left - 1;
		apic_send_line(id_of[(self + 1) % nr_cpus], 0, LINE_TOKEN);
	}
}

static void take_interrupt(unsigned int line)
{
	switch (line) {
	case LINE_TOKEN:
		take_token(cpu());
		break;
	case LINE_COUNT:
		counts[cpu()]++;
		break;
	case LINE_FLUSH:
		invlpg(flush_va);
		add(&flushes, 1);
		break;
	default:
		expect_eq(line, LINE_FLUSH);
	}
	apic_write(APIC_EOI, 0);
}

/* Asleep but for the token. */
static void sleep_for_token(unsigned int self)
{
	asm volatile("cli");
	while (token_laps[self] < NR_LAPS) {
		asm volatile("sti; hlt; cli");
	}
	asm volatile("sti");
}

static void begin_token(unsigned int self)
{
	if (self == 0) {
		apic_send_line(0, ICR_SELF, LINE_TOKEN);
	}
	sleep_for_token(self);
}

static void token_goes_round(void)
{
	token_left = nr_cpus * NR_LAPS - 1;
	on_all(begin_token);
	for (unsigned int i = 0; i < nr_cpus; i++) {
		expect_eq(token_laps[i], NR_LAPS);
	}
}

static void await_counts(uint32_t self, uint32_t others)
{
	for (unsigned int i = 0; i < nr_cpus; i++) {
		await(&counts[i], i ? others : self);
	}
}

static void shorthands(void)
{
	apic_send_line(0, ICR_SELF, LINE_COUNT);
	await_counts(1, 0);
	apic_send_line(0, ICR_OTHERS, LINE_COUNT);
	await_counts(1, 1);
	apic_send_line(0, ICR_ALL, LINE_COUNT);
	await_counts(2, 2);
}

/* ---- tables in use ---- */

/* Every CPU drops what it knows of va. */
static void shoot_down(unsigned long va)
{
	flush_va = va;
	flushes = 0;
	asm volatile("" : : : "memory");
	invlpg(va);
	apic_send_line(0, ICR_OTHERS, LINE_FLUSH);
	await(&flushes, nr_cpus - 1);
}

static volatile bool moved;

static void move_page(void)
{
	for (unsigned int i = 1; i <= NR_MOVES; i++) {
		unsigned long old = frame((i - 1) & 1), new = frame(i & 1);

		word_at(new) = i;
		map_page(root, SHARED, new, PTE_W);
		shoot_down(SHARED);
		word_at(old) = POISON; /* nobody must see that */
	}
	moved = true;
}

static void watch_page(void)
{
	uint32_t last = 0;

	while (!moved) {
		uint32_t now = word_at(SHARED);

		expect(now != POISON);
		expect(now >= last);
		last = now;
	}
}

static void move_or_watch(unsigned int self)
{
	if (self == 0) {
		move_page();
	} else {
		watch_page();
	}
}

static void moved_under_load(void)
{
	word_at(frame(0)) = 0;
	map_page(root, SHARED, frame(0), PTE_W);
	on_all(move_or_watch);
}

static volatile uint32_t claims;

/* The address is that of this CPU's own CR2: va may be another CPU's by now. */
static bool claim(unsigned long va, unsigned int error)
{
	unsigned long page = read_cr2() & ~(PAGE_SIZE - 1ul);
	table_t pte;

	(void)va;
	(void)error;
	lock();
	pte = pte_at(root, page, 1);
	if (!(*pte & PTE_P)) {
		pte_set(pte, frame(CLAIM_FRAME + claims) | PTE_W | PTE_P);
		claims = claims + 1;
	}
	unlock();
	return true;
}

static void want_pages(unsigned int self)
{
	for (unsigned int i = 0; i < NR_CLAIMS; i++) {
		add((volatile uint32_t *)(CLAIM + i * PAGE_SIZE + 4 * self), i + 1);
	}
}

static void claimed_once(void)
{
	for (unsigned int i = 0; i < NR_CLAIMS * PAGE_SIZE; i += 4) {
		word_at(frame(CLAIM_FRAME) + i) = 0;
	}
	on_page_fault(claim);
	on_all(want_pages);
	on_page_fault(NULL);
	expect_eq(claims, NR_CLAIMS);
	for (unsigned int i = 0; i < NR_CLAIMS; i++) {
		for (unsigned int self = 0; self < nr_cpus; self++) {
			expect_eq(word_at(CLAIM + i * PAGE_SIZE + 4 * self), i + 1);
		}
	}
}

/* ---- who does not wait ---- */

static volatile uint32_t free_to_go;

/* No PAUSE, no exit: the others come to work nevertheless. */
static void spin_or_free(unsigned int self)
{
	if (self == nr_cpus - 1) {
		free_to_go = 1;
	}
	while (!free_to_go) {
	}
}

static void nobody_starves(void)
{
	on_all(spin_or_free);
}

/* ---- INIT ---- */

static void stopped_and_started(void)
{
	for (unsigned int i = 1; i < nr_cpus; i++) {
		cpus_restart(i, id_of[i]);
	}
	own_apic();
}

void guest_main(void)
{
	title("smp", "several CPUs: started, interrupted, and at the same tables");
	fault_init();
	outb(PIC_MASK, 0xff); /* firmware's timer is of no use here */
	outb(PIC_SLAVE_MASK, 0xff);
	root = root_create();
	map_page(root, APIC, APIC, PTE_W);
	load_root(root);
#ifndef __x86_64__
	write_cr4(read_cr4() | CR4_PSE);
	write_cr0(read_cr0() | CR0_PG | CR0_WP);
#endif
	on_interrupt(take_interrupt);

	step("the MP table names the CPUs");
	cpus_find();
	step("INIT and SIPI start them");
	apic_on();
	cpus_start();
	asm volatile("sti");
	step("each has an APIC of its own");
	own_apic();
	step("what they count together is complete");
	count_together();
	step("none sees the SSE registers of another");
	own_registers();
	step("a token goes round among CPUs that sleep");
	token_goes_round();
	step("interrupts to itself, to the others, to all");
	shorthands();
	step("a page is moved while others read it");
	moved_under_load();
	step("a page that all want at once is mapped once");
	claimed_once();
	step("who spins without PAUSE keeps nobody from working");
	nobody_starves();
	step("INIT stops a CPU, and it starts again");
	stopped_and_started();
}
