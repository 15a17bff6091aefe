/* SPDX-License-Identifier: MIT */
/*
 * From boot.S to the first guest: the order in which the machine is set up.
 */
#include "hv/core/cmdline.h"
#include "hv/core/pages.h"
#include "hv/svm/console.h"
#include "hv/svm/cpu.h"
#include "hv/svm/exit.h"
#include "hv/svm/lapic.h"
#include "hv/svm/memory.h"
#include "hv/svm/pvh.h"
#include "hv/svm/trap.h"

static struct pages hv_pages;
static struct pvh_info hv_boot;

_Noreturn void hv_main(u32 start_info);

_Noreturn void hv_main(u32 start_info)
{
	struct cmdline cmdline = { hv_boot.cmdline };

	console_init();
	cpu_init(0);
	pages_init(&hv_pages, memory_ptr(0));
	pvh_read(start_info, &hv_boot, &hv_pages);
	lapic_init(true);
	console_printf("vitrine-hv: %lu MiB free, %u modules, command line: %s\n",
		       pages_nr_free(&hv_pages) >> 8, hv_boot.nr_modules, cmdline.text);
	image_exit(IMAGE_EXIT_OK);
}
