/* SPDX-License-Identifier: MIT */
/*
 * pae: three levels, 8-byte entries, and no-execute. The top table has four
 * entries only, which the CPU reads when CR3 is loaded; they carry no rights.
 *
 *   virtual                                   physical
 *   00000000  2M pages, supervisor            000000, identity
 *   g*1GiB + 08000000  4K pages               frame(...)
 *   g*1GiB + 0c000000  2M pages               400000 ...
 *   01400000  the page of ring-3 code         user_code
 */
#define PAGING_LEVELS 3
#include "hv/guests/cpu.h"
#include "hv/guests/fault.h"
#include "hv/guests/guest.h"
#include "hv/guests/paging.h"
#include "hv/guests/rights.h"
#include "hv/guests/space.h"

#define GIB(g) ((unsigned long)(g) << 30)
#define PTE_RESERVED (1ull << 52) /* 62:52 are reserved without long mode */

enum {
	SMALL = 0x08000000,
	LARGE = 0x0c000000,
	USER_CODE = 0x01400000,
	NR_GIB = 4,
};

static table_t root;

static void enter_paging(void)
{
	/* Every directory must be there before CR3 is loaded. */
	for (unsigned int g = 0; g < NR_GIB; g++) {
		pte_at(root, GIB(g), 2);
	}
	map_page(root, USER_CODE, (unsigned long)user_code, PTE_U);
	user_code_at(USER_CODE);
	word_at(frame(0)) = 0x600dda7a;

	write_cr4(read_cr4() | CR4_PAE);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
	load_root(root);
	write_cr0(read_cr0() | CR0_PG | CR0_WP);
	expect_eq(word_at(frame(0)), 0x600dda7a);
}

static void four_directories(void)
{
	for (unsigned int i = 0; i < NR_ENTRIES; i += 73) {
		for (unsigned int g = 0; g < NR_GIB; g++) {
			map_page(root, GIB(g) + SMALL + i * PAGE_SIZE, frame(i * NR_GIB + g), PTE_W);
		}
		for (unsigned int g = 0; g < NR_GIB; g++) {
			expect_frame(GIB(g) + SMALL + i * PAGE_SIZE, i * NR_GIB + g);
		}
	}
	map_page(root, 0xfffff000, frame(7), PTE_W);
	expect_frame(0xfffff000, 7);
}

static void large_pages(void)
{
	for (unsigned int g = 0; g < NR_GIB; g++) {
		unsigned long va = GIB(g) + LARGE + g * 0x200000, pa = FRAMES + g * 0x200000;

		map_leaf(root, va, pa, 2, PTE_W);
		for (unsigned long offset = 0; offset < 0x200000; offset += 0x7f000) {
			expect_alias(va + offset, pa + offset);
		}
	}
}

/* Two entries of the top table change places; CR3 makes it true. */
static void directories_change_places(void)
{
	unsigned long va = SMALL + 3 * PAGE_SIZE;

	map_page(root, GIB(2) + va, frame(2), PTE_W);
	map_page(root, GIB(3) + va, frame(3), PTE_W);
	for (unsigned int round = 0; round < 8; round++) {
		pte_t two = root[2], three = root[3];

		pte_set(&root[2], three);
		pte_set(&root[3], two);
		load_root(root);
		expect_frame(GIB(2) + va, round & 1 ? 2 : 3);
		expect_frame(GIB(3) + va, round & 1 ? 3 : 2);
	}
	pte_set(&root[1], root[1] & ~(pte_t)PTE_P);
	load_root(root);
	expect_eq(access(KERNEL_READ, GIB(1) + SMALL), PF(0));
	expect_eq(access(USER_WRITE, GIB(1) + SMALL), PF(PF_USER | PF_WRITE));
	pte_set(&root[1], root[1] | PTE_P);
	load_root(root);
	expect_frame(GIB(1) + SMALL, 1);
}

static void ad_bits(void)
{
	map_page(root, GIB(3) + SMALL + 0x201000, frame(1), PTE_W);
	accessed_and_dirty(root, GIB(3) + SMALL + 0x201000, 1);
	map_leaf(root, GIB(1) + LARGE, FRAMES, 2, PTE_W);
	accessed_and_dirty(root, GIB(1) + LARGE + 0x123000, 2);
}

static void rights(void)
{
	unsigned long small = GIB(2) + SMALL + 0x1400000 + 300 * PAGE_SIZE;
	unsigned long large = GIB(3) + LARGE + 0xc00000;

	map_page(root, small, frame(3), PTE_W | PTE_U);
	put_code(frame(3));
	rights_exhaust(root, small, 2, 1);
	map_leaf(root, large, FRAMES, 2, PTE_W | PTE_U);
	put_code(frame(0));
	rights_exhaust(root, large, 2, 2);
}

/*
 * Reserved bits fault whatever the rights. Whether the error code also says
 * "present" is left open: QEMU's own walk of these tables does not say it.
 */
static void reserved_bits(void)
{
	unsigned long va = GIB(1) + SMALL + 0x600000;
	table_t pte = pte_at(root, va, 1), pde = pte_at(root, va, 2);

	pte_set(pte, frame(5) | PTE_P | PTE_W | PTE_U);
	for (unsigned int level = 1; level <= 2; level++) {
		table_t entry = level == 1 ? pte : pde;

		expect_frame(va, 5);
		pte_set(entry, *entry | PTE_RESERVED);
		invlpg(va);
		expect_eq(access(KERNEL_READ, va) & ~PF_PRESENT, PF(PF_RESERVED));
		expect_eq(access(USER_WRITE, va) & ~PF_PRESENT,
			  PF(PF_RESERVED | PF_USER | PF_WRITE));
		pte_set(entry, *entry & ~PTE_RESERVED);
		invlpg(va);
	}
	expect_frame(va, 5);
}

static void leave_paging(void)
{
	for (unsigned int round = 0; round < 4; round++) {
		write_cr0(read_cr0() & ~(unsigned long)CR0_PG);
		word_at(frame(0)) = round;
		map_page(root, GIB(3) + SMALL, frame(round), PTE_W);
		write_cr0(read_cr0() | CR0_PG);
		expect_eq(word_at(frame(0)), round);
		expect_frame(GIB(3) + SMALL, round);
	}
}

void guest_main(void)
{
	uint32_t id[4];

	title("pae", "three-level page tables, no-execute");
	cpuid(CPUID_EXT, id);
	if (!(id[3] & CPUID_EXT_NX)) {
		print("this CPU has no no-execute bit\n");
		guest_exit(GUEST_CPU_TOO_SMALL);
	}
	fault_init();
	root = root_create();

	step("paging on, the first 16 MiB mapped to themselves");
	enter_paging();
	step("four directories, the same low 30 bits, different frames");
	four_directories();
	step("2M pages in every GiB");
	large_pages();
	step("directories change places, one disappears");
	directories_change_places();
	step("INVLPG drops a 2M page");
	invlpg_drops_a_large_page(root, GIB(2) + LARGE + 0x600000);
	step("a 2M page becomes a table and back");
	large_page_becomes_table(root, GIB(1) + LARGE + 0x800000);
	step("accessed and dirty bits");
	ad_bits();
	step("remapping, by INVLPG and by CR3");
	remap_and_flush(root, SMALL + 0xc00000 + 500 * PAGE_SIZE, GIB(2));
	step("two address spaces");
	two_address_spaces(root, GIB(1) + SMALL + 0x1000000);
	step("rights and no-execute of directory, table and 2M page");
	rights();
	step("reserved bits");
	reserved_bits();
	step("global pages and CR4.PGE");
	global_entries(root, GIB(2) + SMALL + 0x800000, GIB(2) + LARGE + 0xa00000);
	step("64 pages on demand, 64 faults");
	demand_paging(root, GIB(1) + SMALL + 0x1ff0000);
	step("paging off and on again");
	leave_paging();
}
