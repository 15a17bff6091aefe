/* SPDX-License-Identifier: MIT */
/*
 * The PVH start info. The command line is copied, the memory map is used at
 * once; of what it points to only the modules live on.
 */
#include "hv/svm/pvh.h"

#include "hv/svm/memory.h"
#include "hv/svm/trap.h"

#include <stddef.h>

#define PVH_MAGIC    0x336ec578u
#define PVH_TYPE_RAM 1u
#define ONE_MIB      0x100000u

struct pvh_start_info {
	u32 magic, version, flags, nr_modules;
	u64 modules, cmdline, rsdp;
	u64 memmap; /* version 1 and later */
	u32 nr_memmap, reserved;
};
_Static_assert(offsetof(struct pvh_start_info, memmap) == 40, "PVH start info");

struct pvh_modlist_entry {
	u64 start, size, cmdline, reserved;
};

struct pvh_memmap_entry {
	u64 start, size;
	u32 type, reserved;
};
_Static_assert(sizeof(struct pvh_memmap_entry) == 24, "PVH memory map");

extern char image_start[], image_end[];

static void pvh_copy_cmdline(struct pvh_info *info, u64 hpa)
{
	const char *s = memory_ptr(hpa);
	size_t n = 0;

	for (; hpa && s[n] && n < PVH_CMDLINE_SIZE - 1; n++)
		info->cmdline[n] = s[n];
	info->cmdline[n] = '\0';
}

static void pvh_add_ram(struct pages *pages, const struct pvh_start_info *si)
{
	const struct pvh_memmap_entry *e = memory_ptr(si->memmap);

	for (u32 i = 0; i < si->nr_memmap; i++) {
		u64 start = e[i].start, end = e[i].start + e[i].size;

		if (e[i].type != PVH_TYPE_RAM)
			continue;
		if (start < ONE_MIB)
			start = ONE_MIB;
		if (end > MEMORY_LIMIT)
			end = MEMORY_LIMIT;
		if (start < end && !pages_add(pages, start, end))
			panic("memory map: more than %u ranges of RAM", PAGES_MAX_RANGES);
	}
}

static void pvh_take_modules(struct pvh_info *info, const struct pvh_start_info *si,
			     struct pages *pages)
{
	const struct pvh_modlist_entry *m = memory_ptr(si->modules);

	for (u32 i = 0; i < si->nr_modules && i < PVH_MAX_MODULES; i++) {
		info->module[i] = (struct pvh_module){ m[i].start, m[i].size };
		info->nr_modules++;
		if (!pages_reserve(pages, m[i].start, m[i].start + m[i].size))
			panic("memory map: no room to reserve module %u", i);
	}
}

void pvh_read(u32 start_info, struct pvh_info *info, struct pages *pages)
{
	const struct pvh_start_info *si = memory_ptr(start_info);

	if (si->magic != PVH_MAGIC)
		panic("start info at %#x: magic %#x, expected %#x", start_info, si->magic,
		      PVH_MAGIC);
	if (si->version < 1 || !si->nr_memmap)
		panic("start info version %u: no memory map", si->version);
	pvh_copy_cmdline(info, si->cmdline);
	pvh_add_ram(pages, si);
	if (!pages_reserve(pages, memory_hpa(image_start), memory_hpa(image_end)))
		panic("memory map: no room to reserve the image");
	pvh_take_modules(info, si, pages);
}
