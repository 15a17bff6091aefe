/* SPDX-License-Identifier: MIT */
/*
 * From boot.S to the guest's end. The command line's words (hv/core/cmdline.h):
 *
 *   mmu=tdp|shadow  how the guest's memory is mapped; default tdp
 *   mem=SIZE        the guest's RAM, default 256M
 *   vcpus=N         vCPUs of the guest, default 1
 *   cpus=N          real CPUs to use, default 1; the machine must have them
 *   cpu=+F,-F       features of the guest's CPU (hv/core/cpuid.def), shown or not
 *   KNOB=N          a knob of the MMU (mmu/knob.def): huge=0 maps 4 KiB pages only,
 *                   budget=N allows so many shadow pages, 64 or more
 *   guest=NAME      what the run is called in the event stream
 *   events=0        start with events off
 *   entry=32        enter a Linux kernel by its 32-bit entry, even if it has a 64-bit one
 *   wait=1          stop before the first instruction, until a command says go
 *   icount=1        the machine counts instructions: read nothing but doorbells
 *   smi=N           SMIs at moments by this seed; the guest, of one vCPU, must see
 *                   nothing of them (for tests)
 *   audit=N         every rule of the MMU is checked at the guest's end and every N
 *                   exits; a broken one is a panic
 *   crash=1         panic when the guest is ready to run (for tests)
 *   -- TEXT         the guest's own command line
 *
 * Module 0 is the guest's image, module 1 its initrd. Many hosts can pass one
 * module only: then module 0 may be a bundle (hv/core/bundle.h) of all files.
 */
#include "hv/core/bundle.h"
#include "hv/core/cmdline.h"
#include "hv/core/load.h"
#include "hv/core/vcpu.h"
#include "hv/svm/bell.h"
#include "hv/svm/console.h"
#include "hv/svm/cpu.h"
#include "hv/svm/exit.h"
#include "hv/svm/lapic.h"
#include "hv/svm/link.h"
#include "hv/svm/machine.h"
#include "hv/svm/memory.h"
#include "hv/svm/pvh.h"
#include "hv/svm/selftest.h"
#include "hv/svm/smp.h"
#include "hv/svm/svm.h"
#include "hv/svm/timer.h"
#include "hv/svm/trap.h"
#include "hv/svm/vcpu.h"
#include "hv/svm/x86.h"

#define DEFAULT_RAM (256ull << 20)

static struct pages hv_pages;
static struct pvh_info hv_boot;
static struct platform hv_platform;
static struct vm hv_vm;
static char hv_cpu[128]; /* cpu= */

_Noreturn void hv_main(u32 start_info);

static _Noreturn void hv_refuse(const char *what)
{
	if (link_up())
		link_log("%s", what);
	else
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

/* The machine: all that does not depend on the guest. */
static void hv_start(const struct cmdline *cmdline, unsigned nr_cpus)
{
	bool deterministic = cmdline_is(cmdline, "icount", "1");
	struct svm_features f = hv_require_svm();
	struct cpu *cpu = cpu_this();
	struct selftest_result tests;

	lapic_start(true);
	timer_init();
	link_init(&hv_pages, nr_cpus, deterministic);
	if (!svm_enable(cpu, &hv_pages))
		hv_refuse("SVM is locked off by the firmware");
	svm_maps_init(&hv_pages, f.flush_by_asid);
	machine_init(&hv_platform, &hv_pages, f.maxphyaddr, nr_cpus, deterministic);
	hv_emit_tail(&link_emitter, MMU_NO_VCPU, boot, VITRINE_VERSION,
		     sizeof(VITRINE_VERSION) - 1, CH_MACHINE_SVM, 0, (u8)nr_cpus,
		     hv_platform.tsc_hz);
	ch_emit_sites(&link_emitter);
	tests = selftest_run(cpu, &hv_pages);
	link_log("SVM revision %u, %u ASIDs, %u-bit physical addresses, TSC %lu MHz, %lu MiB free, "
		 "%u of %u self-tests passed",
		 f.revision, f.nr_asids, f.maxphyaddr, hv_platform.tsc_hz / 1000000,
		 pages_nr_free(&hv_pages) >> 8, tests.run - tests.failed, tests.run);
	if (tests.unpaged_escapes)
		link_log("this QEMU lets guests without paging bypass nested paging; tdp guests run "
			 "on shadow paging (mended in QEMU 7.2.15 and 9.2)");
	hv_platform.unpaged_escapes = tests.unpaged_escapes;
	bell_init();
	irq_enable();
}

/* A number of the command line from min to max; otherwise, if not given. */
static u64 hv_number(const struct cmdline *cmdline, const char *key, u64 otherwise, u64 min,
		     u64 max, const char *takes)
{
	u64 n = otherwise;

	if (cmdline_number(cmdline, key, &n) == CMDLINE_BAD || n < min || n > max)
		hv_refuse(takes);
	return n;
}

static struct vm_config hv_config(const struct cmdline *cmdline)
{
	const char *mem = "mem= takes a multiple of 2M, at most 3G";
	struct vm_config c = { .mode = MMU_MODE_TDP };

	if (cmdline_is(cmdline, "mmu", "shadow"))
		c.mode = MMU_MODE_SHADOW;
	else if (cmdline_value(cmdline, "mmu", (char[8]){ 0 }, 8) && !cmdline_is(cmdline, "mmu", "tdp"))
		hv_refuse("mmu= takes tdp or shadow");
	if (hv_platform.unpaged_escapes)
		c.mode = MMU_MODE_SHADOW;
	c.ram_size = hv_number(cmdline, "mem", DEFAULT_RAM, level_bytes(LEVEL_2M), VM_MAX_RAM, mem);
	if (c.ram_size % level_bytes(LEVEL_2M))
		hv_refuse(mem);
	c.nr_vcpus = (unsigned)hv_number(cmdline, "vcpus", 1, 1, VM_MAX_VCPUS,
					 "vcpus= takes 1 to 16");
	if (cmdline_value(cmdline, "cpu", hv_cpu, sizeof(hv_cpu)))
		c.cpu = hv_cpu;
	return c;
}

/* "budget=100": each knob of the MMU is a word. */
static void hv_turn_knobs(const struct cmdline *cmdline)
{
	for (unsigned i = 0; i < MMU_NR_KNOBS; i++) {
		u64 n = mmu_knobs[i].initial;

		if (cmdline_number(cmdline, mmu_knobs[i].name, &n) == CMDLINE_BAD ||
		    mmu_set_knob(hv_vm.mmu, i, n) != MMU_OK)
			hv_refuse("a knob of the MMU was given a value that it does not take");
		if (i == MMU_KNOB_budget && n && n < VM_MIN_BUDGET)
			hv_refuse("budget= takes a number of pages, 64 or more; 0: no bound");
	}
}

static void hv_load(const struct cmdline *cmdline, const char *name)
{
	struct load_image l = { .name = name, .cmdline = cmdline_guest(cmdline),
				.entry_32 = cmdline_is(cmdline, "entry", "32") };
	const char *error;

	if (!hv_boot.nr_modules)
		hv_refuse("no guest: pass its image as a module (-initrd)");
	l.image = memory_ptr(hv_boot.module[0].start);
	l.size = hv_boot.module[0].size;
	if (hv_boot.nr_modules > 1) {
		l.module[0] = (struct load_module){ memory_ptr(hv_boot.module[1].start),
						    hv_boot.module[1].size, "" };
		l.nr_modules = 1;
	}
	error = bundle_open(&l);
	if (!error)
		error = load_guest(&hv_vm, &l);
	if (error)
		hv_refuse(error);
}

/* What the other CPUs do. */
static void hv_work(unsigned index)
{
	if (!svm_enable(cpu_this(), &hv_pages))
		panic("CPU %u has no SVM", index);
	irq_enable();
	vm_run_other(&hv_vm);
}

static void hv_start_cpus(void)
{
	for (unsigned i = 1; i < hv_platform.nr_cpus; i++) {
		if (!smp_start(i, i, &hv_pages, hv_work))
			hv_refuse("a CPU did not start; the machine needs as many as cpus= says "
				  "(-smp)");
	}
}

static void hv_panicked(const char *text)
{
	control_panic(&hv_vm, text);
}

_Noreturn void hv_main(u32 start_info)
{
	struct cmdline cmdline = { hv_boot.cmdline };
	char name[64] = "guest";
	struct vm_config config;
	const char *error;
	unsigned status;

	console_init();
	cpu_init(0);
	pages_init(&hv_pages, memory_ptr(0));
	pvh_read(start_info, &hv_boot, &hv_pages);
	hv_start(&cmdline, (unsigned)hv_number(&cmdline, "cpus", 1, 1, CPU_MAX,
					       "cpus= takes 1 to 8"));
	config = hv_config(&cmdline);
	cmdline_value(&cmdline, "guest", name, sizeof(name));
	error = vm_create(&hv_vm, &hv_platform, &config, name);
	if (error)
		hv_refuse(error);
	hv_turn_knobs(&cmdline);
	hv_load(&cmdline, name);
	hv_vm.env.events_on = !cmdline_is(&cmdline, "events", "0");
	vcpu_tell_mmu(&hv_vm.vcpu[0], MMU_CR3_LOAD);
	if (cmdline_is(&cmdline, "wait", "1"))
		control_ask(&hv_vm, CH_STOP_START);
	panic_set_hook(hv_panicked);
	if (cmdline_is(&cmdline, "crash", "1"))
		panic("crash=1 was asked for");
	hv_vm.audit_every = (unsigned)hv_number(&cmdline, "audit", 0, 0, UINT32_MAX,
						"audit= takes a number of exits");
	smm_watch_start(&hv_vm, (u32)hv_number(&cmdline, "smi", 0, 0, UINT32_MAX,
					       "smi= takes a number of 32 bits"));
	if (hv_vm.smm_watch.random && hv_vm.nr_vcpus > 1)
		hv_refuse("smi= is for a guest with one vCPU");
	hv_start_cpus();
	status = vm_run(&hv_vm);
	smm_watch_end(&hv_vm);
	image_exit(status);
}
