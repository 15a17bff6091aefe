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
#include "hv/svm/link.h"
#include "hv/svm/memory.h"
#include "hv/svm/pvh.h"
#include "hv/svm/selftest.h"
#include "hv/svm/svm.h"
#include "hv/svm/trap.h"

static struct pages hv_pages;
static struct pvh_info hv_boot;

_Noreturn void hv_main(u32 start_info);

static void hv_refuse(const char *what)
{
	console_printf("vitrine-hv: %s\n", what);
	image_exit(IMAGE_EXIT_CANNOT);
}

/* SVM and nested paging, or the end: without them there is no hypervisor. */
static struct svm_features hv_require_svm(void)
{
	struct svm_features f = svm_detect();

	if (!f.svm)
		hv_refuse("this machine has no SVM; QEMU needs -cpu max,+svm,+npt");
	if (!f.npt)
		hv_refuse("this machine's SVM has no nested paging; QEMU needs -cpu max,+svm,+npt");
	return f;
}

_Noreturn void hv_main(u32 start_info)
{
	struct cmdline cmdline = { hv_boot.cmdline };
	struct selftest_result tests;
	struct svm_features f;
	struct cpu *cpu;

	console_init();
	cpu = cpu_init(0);
	pages_init(&hv_pages, memory_ptr(0));
	pvh_read(start_info, &hv_boot, &hv_pages);
	f = hv_require_svm();
	lapic_init(true);
	link_init(&hv_pages, 1, cmdline_is(&cmdline, "icount", "1"));
	if (!svm_enable(cpu, &hv_pages))
		hv_refuse("SVM is locked off by the firmware");
	tests = selftest_run(cpu, &hv_pages);
	link_log("SVM revision %u, %u ASIDs, %u-bit physical addresses, %lu MiB free, "
		 "%u of %u self-tests passed",
		 f.revision, f.nr_asids, f.maxphyaddr, pages_nr_free(&hv_pages) >> 8,
		 tests.run - tests.failed, tests.run);
	image_exit(IMAGE_EXIT_OK);
}
