/* SPDX-License-Identifier: MIT */
/*
 * Multiboot 1 images. The kernel is an ELF, of 32 or 64 bits, or says itself in its
 * header where it goes ("a.out kludge"); either is entered in 32-bit protected
 * mode without paging, EAX = the loader's magic, EBX = the information.
 *
 *   LOAD_INFO_GPA     struct mb_page: information, memory map, modules, strings
 *   LOAD_CMDLINE_GPA  the name of the image, a space, the guest's command line
 *   after the kernel  the modules, each from a page of its own on
 *
 * source: Multiboot Specification 0.6.96, 3.1 "OS image format", 3.2 "Machine state",
 *         3.3 "Boot information format"
 */
#include "hv/core/load.h"

#include "hv/core/acpi.h"
#include "hv/core/firmware.h"
#include "hv/core/fmt.h"

#include <string.h>

#define MB_HEADER_MAGIC 0x1badb002u
#define MB_LOADER_MAGIC 0x2badb002u
#define MB_SEARCH       8192u /* bytes of the file that may hold the header */
#define MB_HEADER_MIN   12u   /* bytes up to the checksum */

#define MB_PAGE_ALIGN   BIT(0) /* modules on pages of their own: they always are */
#define MB_MEMORY       BIT(1) /* mem_ and mmap_ are wanted: they are always there */
#define MB_VIDEO        BIT(2)
#define MB_ADDRESSES    BIT(16) /* the header's addresses are valid */
#define MB_MUST         0xffffu /* who does not know one of these must not boot it */

struct mb_header {
	u32 magic, flags, checksum;
	u32 header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr;
};

#define MB_INFO_MEM     BIT(0)
#define MB_INFO_CMDLINE BIT(2)
#define MB_INFO_MODULES BIT(3)
#define MB_INFO_MMAP    BIT(6)
#define MB_INFO_LOADER  BIT(9)

struct mb_info {
	u32 flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
	u32 mmap_length, mmap_addr, drives_length, drives_addr, config_table, boot_loader_name;
	u32 apm_table, vbe[4], framebuffer[7];
};

#define MB_RAM      1u
#define MB_RESERVED 2u

struct mb_mmap {
	u32 size; /* of what follows */
	u64 base, length;
	u32 type;
} __attribute__((packed));

struct mb_module {
	u32 start, end, string, reserved;
};

struct mb_page {
	struct mb_info info;
	struct mb_mmap map[3];
	char loader[8];
	struct mb_module module[LOAD_MAX_MODULES];
	char string[LOAD_MAX_MODULES][LOAD_STRING_MAX];
};
_Static_assert(sizeof(struct mb_page) <= PAGE_SIZE, "information and strings are one page");

#define MB_GPA(field) ((u32)(LOAD_INFO_GPA + offsetof(struct mb_page, field)))

/* The header and where in the file it is. Words behind the file's end are 0. */
static bool mb_find(const struct load_image *l, struct mb_header *h, u64 *offset)
{
	u64 end = l->size < MB_SEARCH ? l->size : MB_SEARCH;

	for (u64 at = 0; at + MB_HEADER_MIN <= end; at += 4) {
		memset(h, 0, sizeof(*h));
		memcpy(h, l->image + at, end - at < sizeof(*h) ? end - at : sizeof(*h));
		if (h->magic == MB_HEADER_MAGIC && !(h->magic + h->flags + h->checksum)) {
			*offset = at;
			return true;
		}
	}
	return false;
}

bool load_is_multiboot(const struct load_image *l)
{
	struct mb_header h;
	u64 offset;

	return mb_find(l, &h, &offset);
}

/* What the header's addresses say. *end is behind what the kernel takes. */
static const char *mb_load_addresses(struct vm *vm, const struct load_image *l,
				     const struct mb_header *h, u64 offset, gpa_t *end)
{
	u64 before = h->header_addr - h->load_addr, from = offset - before, size;
	const char *wrong = "the addresses in the guest's Multiboot header make no sense";

	if (h->header_addr < h->load_addr || before > offset)
		return wrong;
	size = h->load_end_addr ? h->load_end_addr - h->load_addr : l->size - from;
	if (h->load_end_addr < h->load_addr && h->load_end_addr)
		return wrong;
	if (size > l->size - from)
		return wrong;
	*end = h->load_addr + size;
	if (h->bss_end_addr && h->bss_end_addr < *end)
		return wrong;
	if (h->bss_end_addr)
		*end = h->bss_end_addr;
	if (!vm_ram(vm, h->load_addr, *end - h->load_addr))
		return "the guest's Multiboot image does not fit into its RAM (mem=)";
	if (h->load_addr < LOAD_LOW_END && *end > LOAD_INFO_GPA)
		return "the guest's Multiboot image lies in 90000-9efff, which the loader needs";
	load_copy(vm, h->load_addr, l->image + from, size);
	return NULL;
}

static const char *mb_place_modules(struct vm *vm, const struct load_image *l,
				    struct mb_page *page, gpa_t end)
{
	for (unsigned i = 0; i < l->nr_modules; i++) {
		const struct load_module *m = &l->module[i];

		end = (end + PAGE_SIZE - 1) & PAGE_MASK;
		if (!load_copy(vm, end, m->bytes, m->size))
			return "a module does not fit into the guest's RAM (mem=)";
		page->module[i].start = (u32)end;
		end += m->size;
		page->module[i].end = (u32)end;
		page->module[i].string = MB_GPA(string[i]);
		memcpy(page->string[i], m->string, fmt_length(m->string));
	}
	page->info.mods_count = l->nr_modules;
	page->info.mods_addr = MB_GPA(module);
	return NULL;
}

static void mb_memory(const struct vm *vm, struct mb_page *page)
{
	const struct mb_mmap map[] = {
		{ 20, 0, LOAD_LOW_END, MB_RAM },
		{ 20, LOAD_LOW_END, LOAD_HIGH_START - LOAD_LOW_END, MB_RESERVED },
		{ 20, LOAD_HIGH_START, vm->ram_size - LOAD_HIGH_START, MB_RAM },
	};

	memcpy(page->map, map, sizeof(map));
	page->info.mmap_length = sizeof(map);
	page->info.mmap_addr = MB_GPA(map);
	page->info.mem_lower = LOAD_LOW_END >> 10;
	page->info.mem_upper = (u32)((vm->ram_size - LOAD_HIGH_START) >> 10);
}

/* The first word is the image's name, as a shell's is a program's. */
static bool mb_cmdline(struct vm *vm, const struct load_image *l, struct mb_page *page)
{
	size_t name = fmt_length(l->name), text = fmt_length(l->cmdline);
	size_t gap = text ? 1 : 0;
	char *to = vm_ram(vm, LOAD_CMDLINE_GPA, LOAD_CMDLINE_MAX);

	if (name + gap + text >= LOAD_CMDLINE_MAX)
		return false;
	memcpy(to, l->name, name);
	if (gap)
		to[name] = ' ';
	memcpy(to + name + gap, l->cmdline, text + 1);
	page->info.cmdline = LOAD_CMDLINE_GPA;
	return true;
}

static const char *mb_information(struct vm *vm, const struct load_image *l, gpa_t end)
{
	struct mb_page *page = vm_ram(vm, LOAD_INFO_GPA, sizeof(*page));
	const char *error;

	memset(page, 0, sizeof(*page));
	page->info.flags = MB_INFO_MEM | MB_INFO_CMDLINE | MB_INFO_MODULES | MB_INFO_MMAP |
			   MB_INFO_LOADER;
	memcpy(page->loader, "vitrine", sizeof("vitrine"));
	page->info.boot_loader_name = MB_GPA(loader);
	mb_memory(vm, page);
	error = mb_place_modules(vm, l, page, end);
	if (!error && !mb_cmdline(vm, l, page))
		error = "the guest's command line is too long";
	return error;
}

/* Puts the kernel into memory. *entry and *end are physical. */
static const char *mb_load_kernel(struct vm *vm, const struct load_image *l, gpa_t *entry,
				  gpa_t *end)
{
	struct load_elf_info elf;
	struct mb_header h;
	const char *error;
	u64 offset;

	if (!mb_find(l, &h, &offset))
		return "the guest has no Multiboot header";
	if (h.flags & MB_VIDEO)
		return "the guest's Multiboot header asks for a video mode, and there is no screen";
	if (h.flags & MB_MUST & ~(MB_PAGE_ALIGN | MB_MEMORY))
		return "the guest's Multiboot header asks for what this loader does not know";
	if (h.flags & MB_ADDRESSES) {
		*entry = h.entry_addr;
		return mb_load_addresses(vm, l, &h, offset, end);
	}
	if (!load_is_elf(l))
		return "the guest's Multiboot image is no ELF, and its header has no addresses";
	error = load_elf_segments(vm, l, &elf);
	*entry = elf.entry;
	*end = elf.end;
	return error;
}

const char *load_multiboot(struct vm *vm, const struct load_image *l)
{
	gpa_t entry, end;
	const char *error;

	if (vm->ram_size <= LOAD_HIGH_START)
		return "the guest's RAM is too small";
	acpi_place(vm);
	firmware_leave(vm); /* first: the image may be anywhere */
	error = mb_load_kernel(vm, l, &entry, &end);
	if (!error && entry >> 32)
		error = "the guest's Multiboot image has no entry below 4 GiB";
	if (!error)
		error = mb_information(vm, l, end);
	if (error)
		return error;
	load_state_32(vm, entry);
	vm->vcpu[0].regs.gpr[RAX] = MB_LOADER_MAGIC;
	vm->vcpu[0].regs.gpr[RBX] = LOAD_INFO_GPA;
	return NULL;
}
