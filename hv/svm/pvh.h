/* SPDX-License-Identifier: MIT */
/*
 * What the machine was started with: command line, modules, memory map, as
 * told by the PVH start info.
 *
 * source: Xen xen/include/public/arch-x86/hvm/start_info.h
 */
#ifndef HV_SVM_PVH_H
#define HV_SVM_PVH_H

#include "hv/core/pages.h"

#include "mmu/types.h"

#define PVH_MAX_MODULES  2
#define PVH_CMDLINE_SIZE 4096

struct pvh_module {
	u64 start, size; /* hpa, bytes */
};

struct pvh_info {
	char cmdline[PVH_CMDLINE_SIZE]; /* cut if longer */
	struct pvh_module module[PVH_MAX_MODULES];
	unsigned nr_modules;
};

/*
 * Reads the start info at hpa and gives all RAM between 1 MiB and
 * MEMORY_LIMIT, but for the image and the modules, to the page allocator.
 *
 *   context   boot CPU, once; panics if the structure is not one
 */
void pvh_read(u32 start_info, struct pvh_info *info, struct pages *pages);

#endif
