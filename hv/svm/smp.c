/* SPDX-License-Identifier: MIT */
/* Starting another CPU: INIT, then a start-up IPI with the page of smp16.S. */
#include "hv/svm/smp.h"

#include "hv/svm/cpu.h"
#include "hv/svm/lapic.h"
#include "hv/svm/memory.h"
#include "hv/svm/timer.h"
#include "hv/svm/x86.h"

#include <stdatomic.h>
#include <string.h>

#define INIT_WAIT_MS 10u

/* boot.S: what the CPU that starts next does when it is in long mode. */
extern u64 boot_stack, boot_main;
extern const char smp16[], smp16_end[];

static unsigned smp_index;
static void (*smp_work)(unsigned index);
static _Atomic unsigned smp_came;	/* index of the CPU that came last */

static _Noreturn void smp_main(void)
{
	unsigned index = smp_index;
	void (*work)(unsigned index) = smp_work;

	cpu_init(index);
	lapic_start(false);
	atomic_store(&smp_came, index);
	work(index);
	for (;;)
		irq_wait();
}

/* returns  false: ms milliseconds are over, and it did not come */
static bool smp_wait(unsigned index, unsigned ms)
{
	u64 end = rdtsc() + timer_tsc_hz() / 1000 * ms;

	while (rdtsc() < end) {
		if (atomic_load(&smp_came) == index)
			return true;
		cpu_relax();
	}
	return false;
}

bool smp_start(unsigned index, u32 apic_id, struct pages *pages, void (*work)(unsigned index))
{
	hpa_t stack_hpa = pages_get_block(pages, SMP_STACK, PAGE_SIZE);

	if (stack_hpa == HPA_INVALID || index == 0 || index >= CPU_MAX)
		return false;
	memcpy(memory_ptr(SMP_START_PAGE), smp16, smp16_end - smp16);
	boot_stack = (u64)memory_ptr(stack_hpa) + SMP_STACK;
	boot_main = (u64)smp_main;
	smp_index = index;
	smp_work = work;
	atomic_thread_fence(memory_order_seq_cst);
	lapic_send_init(apic_id);
	smp_wait(index, INIT_WAIT_MS);
	lapic_send_start(apic_id, SMP_START_PAGE >> PAGE_SHIFT);
	return smp_wait(index, SMP_WAIT_MS);
}
