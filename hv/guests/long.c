/* SPDX-License-Identifier: MIT */
/*
 * long: 64-bit mode, four levels. Rights are combined over all four, leaves may
 * be of 4K, 2M and, if the CPU says so, 1G; addresses have a hole in the middle.
 *
 *   virtual                                   physical
 *   0000000000000000  2M pages, supervisor    000000, identity
 *   0000000001400000  the page of ring-3 code user_code
 *   00007f0000000000  LOW, user half          frame(...)
 *   ffff800000000000  HIGH, the first address beyond the hole
 *   ffffffff80000000  TOP, the last 2 GiB
 *   ffff900000000000  GIGA, a 1G page         000000
 */
#define PAGING_LEVELS 4
#include "hv/guests/cpu.h"
#include "hv/guests/fault.h"
#include "hv/guests/guest.h"
#include "hv/guests/paging.h"
#include "hv/guests/rights.h"
#include "hv/guests/space.h"

#define LOW 0x00007f0000000000ul
#define HIGH 0xffff800000000000ul
#define TOP 0xffffffff80000000ul
#define GIGA 0xffff900000000000ul
#define HOLE 0x0000800000000000ul /* not canonical */
#define PTE_RESERVED (1ull << 51) /* unless physical addresses have all 52 bits */

enum { USER_CODE = 0x01400000 };

static table_t root;

static void own_tables(void)
{
	map_page(root, USER_CODE, (unsigned long)user_code, PTE_U);
	user_code_at(USER_CODE);
	word_at(frame(0)) = 0x600dda7a;
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
	load_root(root);
	expect_eq(word_at(frame(0)), 0x600dda7a);
}

/* One page for every index at every level that differs in one bit only. */
static void every_index_bit(void)
{
	static const unsigned long bases[] = { LOW, HIGH, TOP };
	unsigned int n = 0;

	for (unsigned int b = 0; b < 3; b++) {
		for (unsigned int bit = 12; bit < 31; bit++, n++) {
			map_page(root, bases[b] ^ 1ul << bit, frame(n), PTE_W);
		}
	}
	for (unsigned int bit = 31; bit < 47; bit++, n++) {
		map_page(root, LOW ^ 1ul << bit, frame(n), PTE_W);
		map_page(root, HIGH ^ 1ul << bit, frame(n), PTE_W);
		expect_frame(HIGH ^ 1ul << bit, n);
	}
	n = 0;
	for (unsigned int b = 0; b < 3; b++) {
		for (unsigned int bit = 12; bit < 31; bit++, n++) {
			expect_frame(bases[b] ^ 1ul << bit, n);
		}
	}
	for (unsigned int bit = 31; bit < 47; bit++, n++) {
		expect_frame(LOW ^ 1ul << bit, n);
	}
}

static void large_pages(void)
{
	for (unsigned int i = 0; i < 6; i++) {
		unsigned long va = TOP + 0x20000000 + i * 0x200000, pa = FRAMES + i * 0x200000;

		map_leaf(root, va, pa, 2, PTE_W);
		for (unsigned long offset = 0; offset < 0x200000; offset += 0x7f000) {
			expect_alias(va + offset, pa + offset);
		}
	}
}

static void giant_page(void)
{
	uint32_t id[4];

	cpuid(CPUID_EXT, id);
	if (!(id[3] & CPUID_EXT_1G)) {
		return;
	}
	map_leaf(root, GIGA, 0, 3, PTE_W | PTE_U);
	for (unsigned long pa = FRAMES; pa < MEMORY_END; pa += 0x1ff000) {
		expect_alias(GIGA + pa, pa);
	}
	accessed_and_dirty(root, GIGA + FRAMES, 3);
	put_code(frame(0));
	rights_exhaust(root, GIGA + FRAMES, 3, 3);
	map_leaf(root, GIGA, 0, 3, PTE_NX);
	invlpg(GIGA + FRAMES + 0x300000);
	expect_eq(access(KERNEL_WRITE, GIGA + FRAMES), PF(PF_PRESENT | PF_WRITE));
}

static void ad_bits(void)
{
	map_page(root, HIGH + 0x12345000, frame(1), PTE_W);
	accessed_and_dirty(root, HIGH + 0x12345000, 1);
	map_leaf(root, LOW + 0x40000000, FRAMES, 2, PTE_W);
	accessed_and_dirty(root, LOW + 0x40123000, 2);
}

static void rights_of_every_level(void)
{
	unsigned long small = HIGH + 0x0000123456789000 - 0x100000000000;
	unsigned long large = LOW + 0x80000000;

	map_page(root, small, frame(3), PTE_W | PTE_U);
	put_code(frame(3));
	for (unsigned int level = PAGING_LEVELS; level > 1; level--) {
		rights_exhaust(root, small, level, 1);
	}
	map_leaf(root, large, FRAMES, 2, PTE_W | PTE_U);
	put_code(frame(0));
	rights_exhaust(root, large, 3, 2);
}

/*
 * Reserved bits fault whatever the rights. Whether the error code also says
 * "present" is left open: QEMU's own walk of these tables does not say it.
 */
static void reserved_bits(void)
{
	unsigned long va = LOW + 0x0000001234567000;
	uint32_t id[4];

	cpuid(CPUID_SIZES, id);
	if ((id[0] & 0xff) > 51) {
		return;
	}
	map_page(root, va, frame(5), PTE_W | PTE_U);
	for (unsigned int level = 1; level <= PAGING_LEVELS; level++) {
		table_t entry = pte_at(root, va, level);

		expect_frame(va, 5);
		*entry |= PTE_RESERVED;
		invlpg(va);
		expect_eq(access(KERNEL_READ, va) & ~PF_PRESENT, PF(PF_RESERVED));
		expect_eq(access(USER_WRITE, va) & ~PF_PRESENT,
			  PF(PF_RESERVED | PF_USER | PF_WRITE));
		*entry &= ~PTE_RESERVED;
		invlpg(va);
	}
	expect_frame(va, 5);
}

static void the_hole(void)
{
	expect_eq(access(KERNEL_READ, HOLE), EXCEPTION(VECTOR_GP, 0));
	expect_eq(access(KERNEL_WRITE, HIGH - 4), EXCEPTION(VECTOR_GP, 0));
	expect_eq(access(KERNEL_READ, HOLE - 4), PF(0));
	expect_eq(access(USER_READ, HIGH - PAGE_SIZE), EXCEPTION(VECTOR_GP, 0));
}

/* An entry of every level leads elsewhere; one INVLPG makes it true. */
static void every_level_changes_its_table(void)
{
	unsigned long a = LOW - (1ul << 41), b = LOW - (1ul << 40);

	for (unsigned int level = 2; level <= PAGING_LEVELS; level++) {
		table_t entry, other;

		map_page(root, a, frame(20), PTE_W);
		map_page(root, b, frame(21), PTE_W);
		invlpg(a);
		invlpg(b);
		entry = pte_at(root, a, level);
		other = pte_at(root, b, level);
		for (unsigned int round = 0; round < 8; round++) {
			pte_t was = *entry;

			*entry = *other;
			*other = was;
			invlpg(a);
			invlpg(b);
			expect_frame(a, round & 1 ? 20 : 21);
			expect_frame(b, round & 1 ? 21 : 20);
		}
	}
}

void guest_main(void)
{
	title("long", "64-bit mode, four-level page tables");
	fault_init();
	root = root_create();

	step("tables of its own, the first 16 MiB mapped to themselves");
	own_tables();
	step("every bit of an address counts");
	every_index_bit();
	step("2M pages");
	large_pages();
	step("a 1G page, if the CPU has them");
	giant_page();
	step("INVLPG drops a 2M page");
	invlpg_drops_a_large_page(root, TOP + 0x30000000);
	step("a 2M page becomes a table and back");
	large_page_becomes_table(root, TOP + 0x30800000);
	step("accessed and dirty bits");
	ad_bits();
	step("remapping, by INVLPG and by CR3");
	remap_and_flush(root, LOW + 0x10000000, 1ul << 39);
	step("two address spaces");
	two_address_spaces(root, HIGH + 0x20000000);
	step("rights and no-execute of all four levels");
	rights_of_every_level();
	step("reserved bits");
	reserved_bits();
	step("addresses that are not canonical");
	the_hole();
	step("entries of every level change places");
	every_level_changes_its_table();
	step("global pages and CR4.PGE");
	global_entries(root, TOP + 0x8000, LOW + 0x1c0000000);
	step("64 pages on demand, 64 faults");
	demand_paging(root, HIGH + 0x60000000);
}
