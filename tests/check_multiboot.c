/* SPDX-License-Identifier: MIT */
/*
 * Multiboot images: which files are such, where they go, what they are told.
 */
#include "hv/core/bundle.h"
#include "tests/fake_machine.h"

#include <string.h>

#define FILE_SIZE 0x3000u

static u8 file[FILE_SIZE + PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static struct load_image image;

static void put(unsigned at, u64 value, unsigned bytes)
{
	memcpy(file + at, &value, bytes);
}

static void put_header(unsigned at, u32 flags)
{
	put(at, 0x1badb002, 4);
	put(at + 4, flags, 4);
	put(at + 8, 0u - 0x1badb002 - flags, 4);
}

/* The addresses of the "a.out kludge". */
static void put_addresses(unsigned at, u32 header, u32 load, u32 end, u32 bss, u32 entry)
{
	put(at + 12, header, 4);
	put(at + 16, load, 4);
	put(at + 20, end, 4);
	put(at + 24, bss, 4);
	put(at + 28, entry, 4);
}

static void begin(void)
{
	make(MMU_MODE_TDP, 1, true);
	memset(file, 0, sizeof(file));
	image = (struct load_image){
		.image = file, .size = FILE_SIZE, .name = "kernel", .cmdline = "one two",
	};
}

/* An ELF of one segment: file offset 1000, 1000 bytes in it, 3000 in memory. */
static void put_elf(bool is64, u64 gva, u64 gpa, u64 entry)
{
	unsigned word = is64 ? 8 : 4, ph = 64;

	memcpy(file, "\177ELF\1\1\1", 7);
	file[4] = is64 ? 2 : 1;
	put(16, 2, 2);
	put(18, is64 ? 62 : 3, 2);
	put(24, entry, word);
	put(is64 ? 32 : 28, ph, word);
	put(is64 ? 54 : 42, is64 ? 56 : 32, 2);
	put(is64 ? 56 : 44, 1, 2);
	put(ph, 1, 4);
	put(ph + (is64 ? 8 : 4), 0x1000, word);
	put(ph + (is64 ? 16 : 8), gva, word);
	put(ph + (is64 ? 24 : 12), gpa, word);
	put(ph + (is64 ? 32 : 16), 0x1000, word);
	put(ph + (is64 ? 40 : 20), 0x3000, word);
	memset(file + 0x1000, 0xc5, 0x1000);
}

static const u32 *info(void)
{
	return vm_ram(&vm, vm.vcpu[0].regs.gpr[RBX], 120);
}

static const char *text(u32 gpa)
{
	return vm_ram(&vm, gpa, 1);
}

START_TEST(an_elf_is_entered_with_magic_and_information)
{
	const struct vcpu_regs *r = &vm.vcpu[0].regs;

	begin();
	put_elf(false, 0x200000, 0x200000, 0x200010);
	put_header(0x1000, 3);
	ck_assert_ptr_eq(load_guest(&vm, &image), NULL);
	ck_assert_uint_eq(r->gpr[RAX], 0x2badb002);
	ck_assert_uint_eq(r->rip, 0x200010);
	ck_assert_uint_eq(r->cr0, CR0_PE | CR0_ET);
	ck_assert_uint_eq(r->rflags & RFLAGS_IF, 0);
	ck_assert_uint_eq(*(u8 *)vm_ram(&vm, 0x200fff, 1), 0xc5);
	ck_assert_uint_eq(*(u8 *)vm_ram(&vm, 0x201000, 1), 0);
	ck_assert_uint_eq(info()[0], 0x24d); /* memory, command line, modules, map, loader */
	ck_assert_uint_eq(info()[1], 636);
	ck_assert_uint_eq(info()[2], (RAM >> 10) - 1024);
	ck_assert_str_eq(text(info()[4]), "kernel one two");
	ck_assert_uint_eq(info()[5], 0);
	ck_assert_str_eq(text(info()[16]), "vitrine");
	finish();
}
END_TEST

START_TEST(the_memory_map_has_all_ram_and_nothing_twice)
{
	u64 base, length, end = 0, ram = 0;
	const u8 *at;
	u32 type;

	begin();
	put_elf(false, 0x200000, 0x200000, 0x200010);
	put_header(0x1000, 0);
	ck_assert_ptr_eq(load_guest(&vm, &image), NULL);
	for (u32 done = 0; done < info()[11]; done += *(const u32 *)at + 4) {
		at = vm_ram(&vm, info()[12] + done, 24);
		memcpy(&base, at + 4, 8);
		memcpy(&length, at + 12, 8);
		memcpy(&type, at + 20, 4);
		ck_assert_uint_ge(base, end);
		end = base + length;
		ram += type == 1 ? length : 0;
	}
	ck_assert_uint_eq(end, RAM);
	ck_assert_uint_eq(ram, 0x9f000 + RAM - 0x100000);
	finish();
}
END_TEST

START_TEST(a_64_bit_elf_linked_high_is_entered_where_it_lies)
{
	begin();
	put_elf(true, 0xffffffff80000000, 0x300000, 0xffffffff80000123);
	put_header(0x1ffc - 12, 0);
	ck_assert_ptr_eq(load_guest(&vm, &image), NULL);
	ck_assert_uint_eq(vm.vcpu[0].regs.rip, 0x300123);
	ck_assert_uint_eq(vm.vcpu[0].regs.efer, 0);
	finish();
}
END_TEST

START_TEST(a_header_with_addresses_needs_no_elf)
{
	begin();
	memset(file + 0x100, 0x5c, 0x2000);
	put_header(0x800, BIT(16));
	put_addresses(0x800, 0x100900, 0x100200, 0x101200, 0x105000, 0x100a00);
	image.module[image.nr_modules++] = (struct load_module){ file, 1, "m" };
	ck_assert_ptr_eq(load_guest(&vm, &image), NULL);
	ck_assert_uint_eq(vm.vcpu[0].regs.rip, 0x100a00);
	ck_assert_mem_eq(vm_ram(&vm, 0x100200, 0x1000), file + 0x100, 0x1000);
	ck_assert_uint_eq(*(u8 *)vm_ram(&vm, 0x101200, 1), 0);
	ck_assert_uint_eq(*(u32 *)vm_ram(&vm, info()[6], 4), 0x105000); /* behind its bss */
	finish();
}
END_TEST

START_TEST(modules_lie_on_pages_of_their_own_behind_the_kernel)
{
	static const u8 first[5000] = { 1, 2, 3 }, second[] = { 9 };
	const u32 *row;

	begin();
	put_elf(false, 0x200000, 0x200000, 0x200010);
	put_header(0x1000, 1);
	image.module[0] = (struct load_module){ first, sizeof(first), "a/first x=1" };
	image.module[1] = (struct load_module){ second, sizeof(second), "" };
	image.nr_modules = 2;
	ck_assert_ptr_eq(load_guest(&vm, &image), NULL);
	ck_assert_uint_eq(info()[5], 2);
	row = vm_ram(&vm, info()[6], 32);
	ck_assert_uint_eq(row[0], 0x203000);
	ck_assert_uint_eq(row[1], 0x203000 + sizeof(first));
	ck_assert_str_eq(text(row[2]), "a/first x=1");
	ck_assert_uint_eq(row[4], 0x205000);
	ck_assert_uint_eq(row[5], 0x205001);
	ck_assert_str_eq(text(row[6]), "");
	ck_assert_mem_eq(vm_ram(&vm, row[0], sizeof(first)), first, sizeof(first));
	ck_assert_mem_eq(vm_ram(&vm, row[4], 1), second, 1);
	finish();
}
END_TEST

START_TEST(the_firmwares_clock_ticks_and_its_handler_ends_the_tick)
{
	static const u8 handler[] = { 0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf };
	u32 vector;

	begin();
	put_elf(false, 0x200000, 0x200000, 0x200010);
	put_header(0x1000, 0);
	ck_assert_ptr_eq(load_guest(&vm, &image), NULL);
	ck_assert_int_eq(pic_pending(&vm.board.pic), -1);
	now += 60000000;
	board_update(&vm.board);
	ck_assert_int_eq(pic_pending(&vm.board.pic), 8);
	vector = *(u32 *)vm_ram(&vm, 8 * 4, 4);
	ck_assert_mem_eq(vm_ram(&vm, (vector >> 16) * 16 + (u16)vector, 7), handler, 7);
	vector = *(u32 *)vm_ram(&vm, 0x11 * 4, 4);
	ck_assert_uint_eq(*(u8 *)vm_ram(&vm, (vector >> 16) * 16 + (u16)vector, 1), 0xcf);
	finish();
}
END_TEST

/* The table there, if its sum is 0. */
static const u8 *acpi_table(u32 gpa, const char *signature)
{
	const u8 *table = vm_ram(&vm, gpa, 36);
	u8 sum = 0;

	ck_assert_mem_eq(table, signature, 4);
	for (u32 k = 0; k < *(const u32 *)(table + 4); k++)
		sum += table[k];
	ck_assert_uint_eq(sum, 0);
	return table;
}

START_TEST(acpi_tells_where_its_timer_is)
{
	const u8 *rsdp = NULL, *fadt;
	u32 port, first;

	begin();
	put_elf(false, 0x200000, 0x200000, 0x200010);
	put_header(0x1000, 0);
	ck_assert_ptr_eq(load_guest(&vm, &image), NULL);
	for (u32 gpa = 0xe0000; gpa < 0x100000 && !rsdp; gpa += 16)
		rsdp = memcmp(vm_ram(&vm, gpa, 8), "RSD PTR ", 8) ? NULL : vm_ram(&vm, gpa, 20);
	ck_assert_ptr_nonnull(rsdp);
	fadt = acpi_table(*(const u32 *)(acpi_table(*(const u32 *)(rsdp + 16), "RSDT") + 36), "FACP");
	acpi_table(*(const u32 *)(fadt + 40), "DSDT");
	port = *(const u32 *)(fadt + 76);
	first = board_in(&vm.board, (u16)port, 4);
	now += 1000000000;
	ck_assert_uint_ge(board_in(&vm.board, (u16)port, 4) - first, 3579545);
	ck_assert_uint_lt(board_in(&vm.board, (u16)port, 4) - first, 3579545 + 1000);
	now += 4000000000; /* it wraps at 24 bits */
	ck_assert_uint_lt(board_in(&vm.board, (u16)port, 4), 0x1000000);
	finish();
}
END_TEST

static const char *refusal(u32 flags)
{
	const char *error;

	begin();
	put_elf(false, 0x200000, 0x200000, 0x200010);
	put_header(0x1000, flags);
	error = load_guest(&vm, &image);
	finish();
	return error ? error : "";
}

static const char *bad_addresses(u32 header, u32 load, u32 end, u32 bss)
{
	const char *error;

	begin();
	put_header(0x800, BIT(16));
	put_addresses(0x800, header, load, end, bss, load);
	error = load_guest(&vm, &image);
	finish();
	return error ? error : "";
}

START_TEST(what_cannot_be_had_is_refused_with_a_reason)
{
	ck_assert_str_eq(refusal(3), "");
	ck_assert_ptr_nonnull(strstr(refusal(4), "video"));
	ck_assert_ptr_nonnull(strstr(refusal(8), "does not know"));
	ck_assert_str_eq(bad_addresses(0x100800, 0x100000, 0, 0), "");
	ck_assert_ptr_nonnull(strstr(bad_addresses(0x0ff000, 0x100000, 0, 0), "no sense"));
	ck_assert_ptr_nonnull(strstr(bad_addresses(0x100801, 0x100000, 0, 0), "no sense"));
	ck_assert_ptr_nonnull(strstr(bad_addresses(0x100800, 0x100000, 0xff000, 0), "no sense"));
	ck_assert_ptr_nonnull(strstr(bad_addresses(0x100800, 0x100000, 0x103001, 0), "no sense"));
	ck_assert_ptr_nonnull(strstr(bad_addresses(0x100800, 0x100000, 0, 0x102fff), "no sense"));
	ck_assert_ptr_nonnull(strstr(bad_addresses(0x100800, 0x100000, 0, RAM + 1), "not fit"));
	ck_assert_ptr_nonnull(strstr(bad_addresses(0x08f800, 0x08f000, 0, 0), "loader needs"));
}
END_TEST

START_TEST(a_header_is_looked_for_where_it_may_be_and_summed_up)
{
	begin();
	put_header(8192, BIT(16));
	ck_assert(!load_is_multiboot(&image));
	put_header(8192 - 12, BIT(16));
	ck_assert(load_is_multiboot(&image));
	put(8192 - 12, 0x1badb003, 4);
	ck_assert(!load_is_multiboot(&image));
	put_header(2, 0);
	ck_assert(!load_is_multiboot(&image));
	put_header(12, 0);
	image.size = 23;
	ck_assert(!load_is_multiboot(&image));
	image.size = 24;
	ck_assert(load_is_multiboot(&image));
	finish();
}
END_TEST

START_TEST(modules_and_command_line_that_do_not_fit_are_refused)
{
	static char much[LOAD_CMDLINE_MAX];

	begin();
	put_elf(false, 0x200000, 0x200000, 0x200010);
	put_header(0x1000, 0);
	memset(much, 'x', sizeof(much) - 1);
	image.cmdline = much;
	ck_assert_ptr_nonnull(strstr(load_guest(&vm, &image), "too long"));
	image.cmdline = "";
	image.module[image.nr_modules++] = (struct load_module){ file, RAM, "" };
	ck_assert_ptr_nonnull(strstr(load_guest(&vm, &image), "module does not fit"));
	finish();
}
END_TEST

/* ---- bundles ---- */

static struct bundle_header *put_bundle(u64 nr)
{
	struct bundle_header *h = (void *)file;

	memset(file, 0, sizeof(file));
	memcpy(h->magic, BUNDLE_MAGIC, sizeof(h->magic));
	h->nr = nr;
	h->file[0].size = 5;
	h->file[1].size = 4096;
	memcpy(h->file[1].string, "second", 7);
	image = (struct load_image){ .image = file, .size = sizeof(file) };
	return h;
}

START_TEST(a_bundle_is_the_guest_and_its_modules)
{
	put_bundle(3);
	ck_assert_ptr_eq(bundle_open(&image), NULL);
	ck_assert_ptr_eq(image.image, file + 4096);
	ck_assert_uint_eq(image.size, 5);
	ck_assert_uint_eq(image.nr_modules, 2);
	ck_assert_ptr_eq(image.module[0].bytes, file + 8192);
	ck_assert_uint_eq(image.module[0].size, 4096);
	ck_assert_str_eq(image.module[0].string, "second");
	ck_assert_uint_eq(image.module[1].size, 0);
}
END_TEST

START_TEST(a_bundle_that_is_damaged_is_refused)
{
	put_bundle(0);
	ck_assert_ptr_nonnull(bundle_open(&image));
	put_bundle(BUNDLE_MAX + 1);
	ck_assert_ptr_nonnull(bundle_open(&image));
	put_bundle(2)->file[1].size = sizeof(file) - 8192 + 1;
	ck_assert_ptr_nonnull(bundle_open(&image));
	put_bundle(2)->file[0].size = ~0ull;
	ck_assert_ptr_nonnull(bundle_open(&image));
	memset(put_bundle(2)->file[1].string, 'x', LOAD_STRING_MAX);
	ck_assert_ptr_nonnull(bundle_open(&image));
	put_bundle(2)->magic[0] = 'v';
	ck_assert_ptr_eq(bundle_open(&image), NULL);
	ck_assert_uint_eq(image.nr_modules, 0);
}
END_TEST

TAP_MAIN("multiboot",
	 an_elf_is_entered_with_magic_and_information,
	 the_memory_map_has_all_ram_and_nothing_twice,
	 a_64_bit_elf_linked_high_is_entered_where_it_lies,
	 a_header_with_addresses_needs_no_elf,
	 modules_lie_on_pages_of_their_own_behind_the_kernel,
	 the_firmwares_clock_ticks_and_its_handler_ends_the_tick,
	 acpi_tells_where_its_timer_is,
	 what_cannot_be_had_is_refused_with_a_reason,
	 a_header_is_looked_for_where_it_may_be_and_summed_up,
	 modules_and_command_line_that_do_not_fit_are_refused,
	 a_bundle_is_the_guest_and_its_modules,
	 a_bundle_that_is_damaged_is_refused)
