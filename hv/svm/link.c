/* SPDX-License-Identifier: MIT */
/*
 * The header's place is fixed by the linker script; all else is allocated.
 */
#include "hv/svm/link.h"

#include "hv/core/fmt.h"
#include "hv/svm/console.h"
#include "hv/svm/cpu.h"
#include "hv/svm/memory.h"
#include "hv/svm/trap.h"
#include "hv/svm/x86.h"

struct ch_emitter link_emitter;

static struct ch_header link_header __attribute__((section(".channel"), aligned(4096)));
static bool link_is_up;

extern char image_end[];

static u64 link_clock(void *ctx)
{
	(void)ctx;
	return rdtsc();
}

static unsigned link_cpu(void *ctx)
{
	(void)ctx;
	return cpu_this()->index;
}

static hpa_t link_block(struct pages *pages, u64 size)
{
	hpa_t hpa = pages_get_block(pages, size, PAGE_SIZE);

	if (hpa == HPA_INVALID)
		panic("channel: no memory for %lu KiB", size >> 10);
	return hpa;
}

void link_init(struct pages *pages, unsigned nr_cpus, bool deterministic)
{
	struct ch_emitter *em = &link_emitter;

	em->direct_map = memory_ptr(0);
	em->clock = link_clock;
	em->cpu = link_cpu;
	em->level = 1;	/* our guest is L1; we are L0 */
	link_header.image_end_hpa = memory_hpa(image_end);
	ch_init(em, &link_header, memory_hpa(&link_header),
		deterministic ? CH_FLAG_DETERMINISTIC : 0);
	for (unsigned i = 0; i < nr_cpus; i++)
		ch_add_ring(em, link_block(pages, (u64)LINK_RING_SLOTS * CH_SLOT_SIZE),
			    LINK_RING_SLOTS);
	for (unsigned i = 0; i < CH_NR_PIPES; i++)
		ch_add_pipe(em, i, link_block(pages, LINK_PIPE_SIZE), LINK_PIPE_SIZE);
	link_is_up = true;
}

bool link_up(void)
{
	return link_is_up;
}

void link_log(const char *f, ...)
{
	char line[256];
	va_list ap;
	size_t n;

	va_start(ap, f);
	n = fmt_vsnprintf(line, sizeof(line), f, ap);
	va_end(ap);
	if (n >= sizeof(line))
		n = sizeof(line) - 1;
	console_printf("vitrine-hv: %s\n", line);
	if (link_is_up)
		hv_emit_tail(&link_emitter, MMU_NO_VCPU, log, line, n);
}
