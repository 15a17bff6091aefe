/* SPDX-License-Identifier: MIT */
/* The simulated machine as the library's host: memory, events, panics. */
#include "hv/sim/cpu.h"
#include "hv/sim/root_flush.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hpa_t env_page_alloc(void *ctx)
{
	return sim_mem_page(&((struct sim *)ctx)->mem);
}

static void env_page_free(void *ctx, hpa_t page_hpa)
{
	sim_mem_page_free(&((struct sim *)ctx)->mem, page_hpa);
}

static void env_emit(void *ctx, u8 vcpu, u16 id, const struct mmu_site *site,
		     const void *payload, u16 len)
{
	ch_emit(&((struct sim *)ctx)->em, vcpu, id, site, payload, len, NULL, 0);
}

static void env_kick(void *ctx, u8 vcpu)
{
	((struct sim *)ctx)->cpu[vcpu].kicked = true;
}

static bool env_flush_root(void *ctx, hpa_t root_hpa, gfn_t gfn, u64 npages)
{
	return sim_flush_root(ctx, root_hpa, gfn, npages);
}

static void env_point(void *ctx, unsigned point)
{
	struct sim *sim = ctx;

	if (point == POINT_flush_paid)
		library_flushed(sim);
	sched_point(sim->sched, point);
}

static void __attribute__((noreturn)) dead(struct sim *sim)
{
	sched_stop(sim->sched);
	if (sim->on_panic)
		longjmp(*sim->on_panic, 1);
	fprintf(stderr, "vitrine-sim: %s:%u: rule broken: %s (0x%llx, 0x%llx)\n", sim->panic_file,
		sim->panic_line, sim->panic, (unsigned long long)sim->panic_a,
		(unsigned long long)sim->panic_b);
	exit(1);
}

static void __attribute__((noreturn)) env_panic(void *ctx, const char *file, u32 line,
						const char *text, u64 a, u64 b)
{
	struct sim *sim = ctx;

	if (!sim->panic) {
		sim->panic = text;
		sim->panic_a = a;
		sim->panic_b = b;
		sim->panic_file = file;
		sim->panic_line = line;
		atomic_fetch_or(&sim->em.header->flags, CH_FLAG_PANIC);
		hv_emit_tail(&sim->em, MMU_NO_VCPU, panic, text, strlen(text), a, b);
	}
	dead(sim);
}

static void env_relax(void *ctx)
{
	struct sim *sim = ctx;

	if (!sched_wait(sim->sched))
		env_panic(ctx, __FILE__, __LINE__, "waits for a vCPU while none can run", 0, 0);
}

static u64 em_clock(void *ctx)
{
	return ((struct sim *)ctx)->clock;
}

static void em_seen(void *ctx, u64 seq, u8 vcpu, u16 id, const void *payload, u16 len)
{
	struct sim *sim = ctx;

	if (sim->seen)
		sim->seen(sim->seen_arg, seq, vcpu, id, payload, len);
}

static void open_channel(struct sim *sim)
{
	struct sim_mem *mem = &sim->mem;

	sim->em = (struct ch_emitter){ .direct_map = mem->base, .clock = em_clock,
				       .seen = em_seen, .ctx = sim, .level = 1 };
	ch_init(&sim->em, (struct ch_header *)mem->base, 0, 0);
	ch_add_ring(&sim->em, mem->ring_hpa, mem->ring_slots);
	for (unsigned i = 0; i < CH_NR_PIPES; i++)
		ch_add_pipe(&sim->em, i, mem->pipe_hpa[i], mem->pipe_size);
	sim->em.header->image_end_hpa = mem->first;
	sim->env = (struct mmu_env){ .ctx = sim, .direct_map = mem->base, .events_on = true,
				     .page_alloc = env_page_alloc, .page_free = env_page_free,
				     .emit = env_emit, .kick = env_kick, .relax = env_relax,
				     .point = env_point, .panic = env_panic,
				     .flush_root = sim->config.flushes_roots ? env_flush_root
									     : NULL };
}

static const char *create_vm(struct sim *sim)
{
	const struct mmu_config config = {
		.mode = sim->config.mode,
		.nr_vcpus = sim->config.vcpus,
		.tdp_level = sim->config.tdp_level,
		.maxphyaddr = sim->config.maxphyaddr,
		.ad_disabled = sim->config.ad_disabled,
	};
	enum mmu_status status = mmu_vm_create(&sim->env, &config, &sim->vm);

	if (status != MMU_OK)
		return mmu_status_text(status);
	for (unsigned i = 0; i < config.nr_vcpus; i++) {
		struct sim_cpu *cpu = &sim->cpu[i];

		cpu->sim = sim;
		cpu->id = i;
		status = mmu_vcpu_create(sim->vm, i, &cpu->vcpu);
		if (status != MMU_OK)
			return mmu_status_text(status);
		cpu->regs = *mmu_get_regs(cpu->vcpu);
		cpu->entry.mode = config.mode;
	}
	return NULL;
}

const char *sim_create(struct sim *sim, const struct sim_config *config)
{
	const char *failed;

	memset(sim, 0, sizeof(*sim));
	sim->config = *config;
	if (!sim->config.maxphyaddr)
		sim->config.maxphyaddr = 48;
	if (!sim->config.tdp_level)
		sim->config.tdp_level = 4;
	failed = sim_mem_open(&sim->mem, config->shared, config->memory);
	if (failed)
		return failed;
	sim->sched = sched_create(config->seed);
	open_channel(sim);
	sim_emit(sim, MMU_NO_VCPU, boot, CH_MACHINE_SIM, 0, 1, 0);
	ch_emit_sites(&sim->em);
	sim_emit(sim, MMU_NO_VCPU, vm_new, config->vcpus, config->memory);
	failed = sim->sched ? create_vm(sim) : "no memory";
	if (failed)
		sim_destroy(sim);
	return failed;
}

void sim_destroy(struct sim *sim)
{
	if (sim->vm && !sim->panic && !sim->wrecked)
		mmu_vm_destroy(sim->vm);
	sched_destroy(sim->sched);
	sim_mem_close(&sim->mem);
	sim->vm = NULL;
	sim->sched = NULL;
}

enum mmu_status sim_slot(struct sim *sim, unsigned as, unsigned slot, gfn_t gfn, u64 npages,
			 u32 flags)
{
	u64 align = npages >= level_frames(LEVEL_2M) ? level_bytes(LEVEL_2M) : PAGE_SIZE;
	hpa_t hpa = sim_mem_block(&sim->mem, npages << PAGE_SHIFT, align);

	if (hpa == HPA_INVALID)
		return MMU_NOMEM;
	return mmu_slot_create(sim->vm, as, slot, gfn, npages, hpa, flags);
}

static void snapshot_tlb(struct sim_cpu *cpu)
{
	for (unsigned i = 0; i < TLB_ENTRIES; i++) {
		const struct tlb_entry *e = &cpu->tlb.entry[i];

		if (e->used)
			sim_emit(cpu->sim, cpu->id, tlb_insert, e->gva, e->hpa, e->level,
				 e->access & e->below_access, e->global);
	}
}

void sim_snapshot(struct sim *sim)
{
	sim->em.synthetic = true;
	sim_emit(sim, MMU_NO_VCPU, snapshot_begin, 0);
	sim_emit(sim, MMU_NO_VCPU, vm_new, sim->config.vcpus, sim->config.memory);
	mmu_dump(sim->vm);
	for (unsigned i = 0; i < sim->config.vcpus; i++)
		snapshot_tlb(&sim->cpu[i]);
	sim_emit(sim, MMU_NO_VCPU, snapshot_end, 0);
	sim->em.synthetic = false;
}

void sim_log(struct sim *sim, const char *format, ...)
{
	char text[200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	hv_emit_tail(&sim->em, MMU_NO_VCPU, log, text, strlen(text));
}
