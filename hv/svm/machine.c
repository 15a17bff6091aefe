/* SPDX-License-Identifier: MIT */
/*
 * The core's wishes as this machine's instructions.
 */
#include "hv/svm/machine.h"

#include "hv/svm/bell.h"
#include "hv/svm/cpu.h"
#include "hv/svm/exit.h"
#include "hv/svm/lapic.h"
#include "hv/svm/link.h"
#include "hv/svm/memory.h"
#include "hv/svm/timer.h"
#include "hv/svm/trap.h"
#include "hv/svm/vcpu.h"
#include "hv/svm/x86.h"

static u64 machine_clock(void)
{
	return rdtsc();
}

static void machine_wait(u64 deadline)
{
	irq_disable();
	timer_arm(deadline);
	if (!bell_pending() && rdtsc() < deadline)
		irq_wait();
	irq_enable();
}

static void machine_kick(unsigned cpu)
{
	lapic_kick(cpu_number(cpu)->apic_id);
}

static void machine_cpuid(u32 leaf, u32 sub, u32 out[4])
{
	struct cpuid_regs r = cpuid(leaf, sub);

	out[0] = r.eax;
	out[1] = r.ebx;
	out[2] = r.ecx;
	out[3] = r.edx;
}

void machine_init(struct platform *p, struct pages *pages, unsigned maxphyaddr, unsigned nr_cpus,
		  bool deterministic)
{
	*p = (struct platform){
		.machine = CH_MACHINE_SVM,
		.version = VITRINE_VERSION,
		.tsc_hz = timer_tsc_hz(),
		.maxphyaddr = maxphyaddr,
		.direct_map = memory_ptr(0),
		.pages = pages,
		.em = &link_emitter,
		.deterministic = deterministic,
		.nr_cpus = nr_cpus,
		.clock = machine_clock,
		.vcpu_init = svm_vcpu_init,
		.segs = svm_vcpu_segs,
		.xmm = svm_vcpu_xmm,
		.kernel_gs_base = svm_vcpu_kernel_gs_base,
		.run = svm_vcpu_run,
		.irq_disable = irq_disable,
		.irq_enable = irq_enable,
		.wait = machine_wait,
		.kick = machine_kick,
		.relax = cpu_relax,
		.bells = bell_take,
		.cpuid = machine_cpuid,
		.log = link_log,
		.end = image_exit,
		.panic = panic,
	};
}
