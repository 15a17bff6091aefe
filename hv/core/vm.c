/* SPDX-License-Identifier: MIT */
/*
 * Making a virtual machine, and what all of it is told.
 */
#include "hv/core/vm.h"

#include "hv/core/clock.h"
#include "hv/core/fmt.h"
#include "hv/core/vcpu.h"

#include <string.h>

/* ---- what the board and the MMU ask of us ---- */

static u64 vm_now_ns(void *ctx)
{
	struct vm *vm = ctx;

	return clock_to_ns(vm->p, vm->p->clock() - vm->clock_base);
}

static void vm_board_console(void *ctx, u8 byte)
{
	console_out_byte(ctx, byte);
}

static void vm_board_line(void *ctx, unsigned line, bool level)
{
	struct vm *vm = ctx;

	if (vm->env.events_on)
		hv_emit(vm->p->em, MMU_NO_VCPU, irq, (u8)line, level);
}

/* The vCPU at work wrote to the port. */
static void vm_board_smi(void *ctx)
{
	struct vm *vm = ctx;

	smm_request(&vm->vcpu[cpus_this(vm)->current]);
}

static u64 vm_board_tsc_ns(void *ctx, u64 tsc)
{
	struct vm *vm = ctx;

	return tsc <= vm->clock_base ? 0 : clock_to_ns(vm->p, tsc - vm->clock_base) + 1;
}

/* FIXED: who runs next asks board_irq(). */
static void vm_board_accept(void *ctx, unsigned cpu, enum apic_mode mode, u8 vector,
			    enum apic_source source)
{
	struct vm *vm = ctx;
	struct vcpu *v = &vm->vcpu[cpu];

	vcpu_emit(v, apic_accept, mode, vector, source);
	if (mode == APIC_NMI)
		v->nmi_pending = true;
	else if (mode == APIC_SMI)
		smm_request(v);
	else if (mode == APIC_INIT)
		vcpu_init_signal(v);
	else if (mode == APIC_SIPI)
		vcpu_sipi(v, vector);
}

static void vm_board_end(void *ctx, unsigned status, const char *reason)
{
	vm_end(ctx, status, reason);
}

/* As if the host had taken the page and given it back. */
static void vm_board_forget(void *ctx, gpa_t gpa)
{
	struct vm *vm = ctx;

	for (unsigned as = 0; as < MMU_NR_AS; as++)
		mmu_zap_range(vm->mmu, as, gpa >> PAGE_SHIFT, (gpa >> PAGE_SHIFT) + 1);
}

static hpa_t vm_page_alloc(void *ctx)
{
	struct vm *vm = ctx;

	return pages_get(vm->p->pages);
}

static void vm_page_free(void *ctx, hpa_t hpa)
{
	struct vm *vm = ctx;

	pages_put(vm->p->pages, hpa);
}

static void vm_mmu_emit(void *ctx, u8 vcpu, u16 id, const struct mmu_site *site,
			const void *payload, u16 len)
{
	struct vm *vm = ctx;

	ch_emit(vm->p->em, vcpu, id, site, payload, len, NULL, 0);
}

static void vm_mmu_kick(void *ctx, u8 vcpu)
{
	struct vm *vm = ctx;

	cpus_kick(vm, vm->vcpu[vcpu].cpu);
}

static void vm_mmu_relax(void *ctx)
{
	cpus_relax(ctx);
}

static __attribute__((noreturn)) void vm_mmu_panic(void *ctx, const char *file, u32 line,
						    const char *text, u64 a, u64 b)
{
	struct vm *vm = ctx;

	vm->p->panic("%s:%u: %s (%#lx, %#lx)", file, line, text, a, b);
}

/* ---- making ---- */

static void vm_fit_apics(struct vm *vm)
{
	for (unsigned i = 0; i < vm->nr_vcpus; i++) {
		struct lapic *l = &vm->board.apics.cpu[i];

		l->present = features_has(&vm->features, FEATURE_apic);
		l->offer_x2 = features_has(&vm->features, FEATURE_x2apic);
		l->offer_deadline = features_has(&vm->features, FEATURE_tsc_deadline);
	}
}

static void vm_wire(struct vm *vm)
{
	const struct board_owner owner = {
		.ctx = vm,
		.now_ns = vm_now_ns,
		.console = vm_board_console,
		.line = vm_board_line,
		.smi = vm_board_smi,
		.end = vm_board_end,
		.tsc_ns = vm_board_tsc_ns,
		.accept = vm_board_accept,
		.forget = vm_board_forget,
	};

	vm->env = (struct mmu_env){
		.ctx = vm,
		.direct_map = vm->p->direct_map,
		.events_on = true,
		.page_alloc = vm_page_alloc,
		.page_free = vm_page_free,
		.emit = vm_mmu_emit,
		.kick = vm_mmu_kick,
		.relax = vm_mmu_relax,
		.panic = vm_mmu_panic,
	};
	vm->clock_base = vm->p->clock();
	board_init(&vm->board, vm->nr_vcpus, &owner);
	vm_fit_apics(vm);
	fw_cfg_init(&vm->board.fw_cfg, vm->ram_size, vm->nr_vcpus);
	gdb_init(vm);
	vm->p->em->ctx = vm;
	vm->p->em->seen = control_seen;
}

static const char *vm_add_vcpu(struct vm *vm, unsigned id)
{
	struct vcpu *v = &vm->vcpu[id];

	v->vm = vm;
	v->id = (u8)id;
	v->cpu = (u8)(id % vm->p->nr_cpus);
	v->state = id == 0 ? CH_RUNNING : CH_WAITING;
	v->regs.rflags = RFLAGS_FIXED;
	v->regs.cr0 = CR0_ET;
	v->regs.dr6 = 0xffff0ff0;
	v->regs.dr7 = 0x400;
	v->msr_pat = X86_PAT_RESET;
	v->smm.base = SMM_BASE_RESET;
	if (mmu_vcpu_create(vm->mmu, id, &v->mmu) != MMU_OK)
		return "no memory for a vCPU";
	v->walk_mmu = v->mmu;
	if (!vm->p->vcpu_init(v))
		return "no memory for a vCPU";
	vcpu_emit(v, vcpu_state, v->state);
	return NULL;
}

static bool vm_make_slot(struct vm *vm, unsigned as, enum vm_slot slot, gpa_t start, gpa_t end,
			 u32 flags)
{
	return mmu_slot_create(vm->mmu, as, slot, start >> PAGE_SHIFT, (end - start) >> PAGE_SHIFT,
			       vm->ram_hpa + start, flags) == MMU_OK;
}

static bool vm_make_slots(struct vm *vm)
{
	for (unsigned as = 0; as < MMU_NR_AS; as++) {
		if (!vm_make_slot(vm, as, VM_SLOT_LOW, 0, SMRAM_GPA, 0) ||
		    !vm_make_slot(vm, as, VM_SLOT_HIGH, SMRAM_GPA + SMRAM_SIZE, vm->ram_size, 0))
			return false;
	}
	return vm_make_slot(vm, 1, VM_SLOT_SMRAM, SMRAM_GPA, SMRAM_GPA + SMRAM_SIZE,
			    MMU_SLOT_SMRAM);
}

const char *vm_create(struct vm *vm, const struct platform *p, const struct vm_config *config,
		      const char *guest)
{
	const struct mmu_config mmu = {
		.mode = config->mode,
		.nr_vcpus = config->nr_vcpus,
		.tdp_level = p->unpaged_escapes ? 0 : 4,
		.maxphyaddr = p->maxphyaddr,
	};
	const char *error = NULL;

	memset(vm, 0, sizeof(*vm));
	vm->p = p;
	vm->ram_size = config->ram_size;
	vm->nr_vcpus = config->nr_vcpus;
	error = features_init(&vm->features, p, config->cpu);
	if (!error && config->mode == MMU_MODE_SHADOW && features_has(&vm->features, FEATURE_la57))
		error = "cpu=+la57 needs mmu=tdp: shadow paging runs a guest on four levels at most";
	if (error)
		return error;
	cpus_init(vm);
	vm_wire(vm);
	hv_emit_tail(p->em, MMU_NO_VCPU, vm_new, guest, fmt_length(guest), (u8)vm->nr_vcpus,
		     vm->ram_size);
	vm->ram_hpa = pages_get_block(p->pages, vm->ram_size, level_bytes(LEVEL_2M));
	if (vm->ram_hpa == HPA_INVALID)
		return "the machine has not enough memory for the guest's RAM (mem=)";
	switch (mmu_vm_create(&vm->env, &mmu, &vm->mmu)) {
	case MMU_OK:
		break;
	case MMU_NOSUPP:
		return "this build has no such MMU back end (mmu=)";
	default:
		return "the MMU could not be made";
	}
	if (!vm_make_slots(vm))
		return "the memory slots could not be made";
	for (unsigned i = 0; i < vm->nr_vcpus && !error; i++)
		error = vm_add_vcpu(vm, i);
	return error;
}

void *vm_ram(struct vm *vm, gpa_t gpa, u64 len)
{
	if (gpa > vm->ram_size || len > vm->ram_size - gpa)
		return NULL;
	return vm->p->direct_map + vm->ram_hpa + gpa;
}


bool vm_may_complain(struct vm *vm)
{
	return vm->nr_complaints++ < VM_MAX_COMPLAINTS;
}

/* A guest that did not come to its own end is explained, also while events are off. */
static void vm_explain(struct vm *vm)
{
	bool were_on = vm->env.events_on;

	vm->env.events_on = true;
	for (unsigned i = 0; i < vm->nr_vcpus; i++) {
		if (vm->vcpu[i].nr_exits)
			last_tell(&vm->vcpu[i]);
	}
	vm->env.events_on = were_on;
}

void vm_end(struct vm *vm, unsigned status, const char *reason)
{
	if (vm->ended)
		return;
	console_flush(vm);
	if (status > BOARD_STATUS_MAX)
		vm_explain(vm);
	vm->ended = true;
	vm->status = status;
	for (unsigned i = 0; i < vm->nr_vcpus; i++)
		vcpu_set_state(&vm->vcpu[i], CH_ENDED);
	tally_log(vm);
	hv_emit_tail(vm->p->em, MMU_NO_VCPU, guest_end, reason, fmt_length(reason), (u8)status);
	gdb_tell_ended(vm);
	cpus_kick_all(vm);
}

void vm_snapshot(struct vm *vm)
{
	struct ch_emitter *em = vm->p->em;

	if (!vm->env.events_on)
		return;
	em->synthetic = true;
	hv_emit(em, MMU_NO_VCPU, snapshot_begin, em->vm);
	hv_emit_tail(em, MMU_NO_VCPU, vm_new, "", 0, (u8)vm->nr_vcpus, vm->ram_size);
	for (unsigned i = 0; i < vm->nr_vcpus; i++) {
		vcpu_emit(&vm->vcpu[i], vcpu_state, vm->vcpu[i].state);
		vcpu_emit_regs(&vm->vcpu[i]);
		smm_snapshot(&vm->vcpu[i]);
	}
	mmu_dump(vm->mmu);
	control_snapshot(vm);
	hv_emit(em, MMU_NO_VCPU, snapshot_end, em->vm);
	em->synthetic = false;
}
