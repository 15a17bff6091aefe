/* SPDX-License-Identifier: MIT */
/*
 * Linux bzImages: the protected-mode part goes to 1 MiB, the kernel's own
 * header into a zero page with memory map, command line and initrd.
 *
 * source: Linux Documentation/arch/x86/boot.rst, zero-page.rst
 */
#include "hv/core/load.h"

#include <string.h>

enum linux_field {
	LINUX_E820_COUNT = 0x1e8,
	LINUX_SETUP_SECTS = 0x1f1,
	LINUX_BOOT_FLAG = 0x1fe,
	LINUX_JUMP_LENGTH = 0x201,
	LINUX_MAGIC = 0x202,
	LINUX_VERSION = 0x206,
	LINUX_LOADER = 0x210,
	LINUX_LOADFLAGS = 0x211,
	LINUX_CODE32 = 0x214,
	LINUX_RAMDISK = 0x218,
	LINUX_RAMDISK_SIZE = 0x21c,
	LINUX_CMDLINE = 0x228,
	LINUX_INITRD_MAX = 0x22c,
	LINUX_XLOADFLAGS = 0x236,
	LINUX_PREF_ADDRESS = 0x258,
	LINUX_INIT_SIZE = 0x260,
	LINUX_E820 = 0x2d0,
};

#define LINUX_ENTRY_64    0x200u
#define LINUX_LOADED_HIGH 1u
#define LINUX_XLF_64      1u
#define LINUX_VERSION_MIN 0x20cu
#define LINUX_RAM         1u

struct linux_e820 {
	u64 start, size;
	u32 type;
} __attribute__((packed));

static u64 linux_get(const struct load_image *l, unsigned offset, unsigned size)
{
	u64 v = 0;

	memcpy(&v, l->image + offset, size);
	return v;
}

static void linux_put(u8 *zero_page, unsigned offset, u32 value, unsigned size)
{
	memcpy(zero_page + offset, &value, size);
}

bool load_is_linux(const struct load_image *l)
{
	return l->size > 0x400 && linux_get(l, LINUX_BOOT_FLAG, 2) == 0xaa55 &&
	       !memcmp(l->image + LINUX_MAGIC, "HdrS", 4);
}

static void linux_memory_map(struct vm *vm, u8 *zero_page)
{
	const struct linux_e820 map[] = {
		{ 0, LOAD_LOW_END, LINUX_RAM },
		{ LOAD_HIGH_START, vm->ram_size - LOAD_HIGH_START, LINUX_RAM },
	};

	memcpy(zero_page + LINUX_E820, map, sizeof(map));
	linux_put(zero_page, LINUX_E820_COUNT, 2, 1);
}

static const char *linux_place_initrd(struct vm *vm, const struct load_image *l, u8 *zero_page,
				      gpa_t floor)
{
	gpa_t gpa;

	if (l->nr_modules > 1)
		return "Linux takes one module, its initrd";
	if (!l->nr_modules)
		return NULL;
	gpa = load_module_high(vm, &l->module[0], floor, linux_get(l, LINUX_INITRD_MAX, 4) + 1);
	if (!gpa)
		return "kernel and initrd do not fit into the guest's RAM (mem=)";
	linux_put(zero_page, LINUX_RAMDISK, (u32)gpa, 4);
	linux_put(zero_page, LINUX_RAMDISK_SIZE, (u32)l->module[0].size, 4);
	return NULL;
}

static void linux_header(const struct load_image *l, u8 *zero_page)
{
	u64 end = LINUX_MAGIC + linux_get(l, LINUX_JUMP_LENGTH, 1);

	memcpy(zero_page + LINUX_SETUP_SECTS, l->image + LINUX_SETUP_SECTS,
	       end - LINUX_SETUP_SECTS);
	linux_put(zero_page, LINUX_LOADER, 0xff, 1); /* no number assigned */
	linux_put(zero_page, LINUX_LOADFLAGS,
		  (u32)linux_get(l, LINUX_LOADFLAGS, 1) | LINUX_LOADED_HIGH, 1);
	linux_put(zero_page, LINUX_CODE32, LOAD_HIGH_START, 4);
	linux_put(zero_page, LINUX_CMDLINE, LOAD_CMDLINE_GPA, 4);
}

const char *load_linux(struct vm *vm, const struct load_image *l)
{
	u64 sects = linux_get(l, LINUX_SETUP_SECTS, 1), setup = ((sects ? sects : 4) + 1) * 512;
	gpa_t start = linux_get(l, LINUX_PREF_ADDRESS, 8);
	gpa_t end = start + linux_get(l, LINUX_INIT_SIZE, 4);
	u8 *zero_page = vm_ram(vm, LOAD_INFO_GPA, PAGE_SIZE);
	const char *error;

	if (linux_get(l, LINUX_VERSION, 2) < LINUX_VERSION_MIN || setup >= l->size)
		return "the kernel's boot protocol is older than 2.12, or the file is damaged";
	if (!zero_page || start > vm->ram_size || end > vm->ram_size ||
	    !load_copy(vm, LOAD_HIGH_START, l->image + setup, l->size - setup))
		return "the kernel does not fit into the guest's RAM (mem=)";
	if (!load_cmdline(vm, l->cmdline))
		return "the guest's command line is too long";
	linux_header(l, zero_page);
	linux_memory_map(vm, zero_page);
	error = linux_place_initrd(vm, l, zero_page, end);
	if (error)
		return error;
	if (linux_get(l, LINUX_XLOADFLAGS, 2) & LINUX_XLF_64 && !l->entry_32)
		load_state_64(vm, LOAD_HIGH_START + LINUX_ENTRY_64);
	else
		load_state_32(vm, LOAD_HIGH_START);
	vm->vcpu[0].regs.gpr[RSI] = LOAD_INFO_GPA;
	return NULL;
}
