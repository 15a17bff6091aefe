/* SPDX-License-Identifier: MIT */
/*
 * One run of a guest: the guest's registers as the hardware must see them, the
 * world switch, and back.
 *
 * Which of the two is said by each entry, for it may change from one to the next.
 *
 *   guest state          TDP               SHADOW
 *   real mode            as is             PE=0 PG=1, PAE tables
 *   protected, unpaged   as is             PG=1, PAE tables
 *   2-level, PAE         as is             PAE tables, LME=0
 *   long                 as is             4-level tables, LME LMA
 *
 * source: APM2 15.5 "VMRUN Instruction", 15.20 "Event Injection", 15.21 "Interrupt and Local APIC
 *         Support", 15.25 "Nested Paging"
 */
#include "hv/svm/vcpu.h"

#include "hv/svm/dr.h"
#include "hv/svm/lapic.h"
#include "hv/svm/memory.h"
#include "hv/svm/svm.h"
#include "hv/svm/timer.h"
#include "hv/svm/trap.h"
#include "hv/svm/x86.h"

#include <string.h>

#define TSS_AVAILABLE 0x89u

#define MSRPM_LOW_BYTE  0u      /* 0 .. 1fff */
#define MSRPM_HIGH_BYTE 0x800u  /* c0000000 .. c0001fff */

static hpa_t svm_iopm_hpa, svm_msrpm_hpa;
static bool svm_flush_by_asid;

static void svm_allow_msr(u8 *map, u32 msr)
{
	u32 base = msr >= 0xc0000000 ? MSRPM_HIGH_BYTE : MSRPM_LOW_BYTE;
	u32 bit = (msr & 0x1fff) * 2;

	map[base + bit / 8] &= ~(3u << bit % 8);
}

void svm_maps_init(struct pages *pages, bool flush_by_asid)
{
	u8 *map;

	svm_flush_by_asid = flush_by_asid;
	svm_iopm_hpa = pages_get_block(pages, 3 * PAGE_SIZE, PAGE_SIZE);
	svm_msrpm_hpa = pages_get_block(pages, 2 * PAGE_SIZE, PAGE_SIZE);
	if (svm_iopm_hpa == HPA_INVALID || svm_msrpm_hpa == HPA_INVALID)
		panic("no memory for the permission maps");
	memset(memory_ptr(svm_iopm_hpa), 0xff, 3 * PAGE_SIZE);
	map = memory_ptr(svm_msrpm_hpa);
	memset(map, 0xff, 2 * PAGE_SIZE);
#define ALLOW(msr, name) svm_allow_msr(map, msr);
#include "hv/svm/msr.def"
}

bool svm_vcpu_init(struct vcpu *v)
{
	hpa_t own_hpa = pages_get(v->vm->p->pages);
	hpa_t vmcb_hpa = pages_get(v->vm->p->pages);
	struct svm_vcpu *s;

	if (own_hpa == HPA_INVALID || vmcb_hpa == HPA_INVALID)
		return false;
	s = memory_ptr(own_hpa);
	s->vmcb01_hpa = s->vmcb_hpa = vmcb_hpa;
	s->vmcb01 = s->vmcb = memory_ptr(vmcb_hpa);
	s->vmcb02_hpa = HPA_INVALID;
	fpu_reset(&s->fpu);
	svm_vmcb_init(s->vmcb01, svm_iopm_hpa, svm_msrpm_hpa);
	s->vmcb01->control.asid = v->id + 1u;
	v->machine = s;
	return true;
}

_Static_assert(offsetof(struct vcpu_segs, tr) == offsetof(struct vmcb_save, tr) &&
		       offsetof(struct vcpu_segs, seg[SEG_GS]) == offsetof(struct vmcb_save, gs),
	       "struct vcpu_segs is the VMCB's beginning");

struct vcpu_segs *svm_vcpu_segs(struct vcpu *v)
{
	struct svm_vcpu *s = v->machine;

	return (struct vcpu_segs *)&s->vmcb->save;
}

void svm_vcpu_xmm(struct vcpu *v, unsigned number, u8 bytes[16], bool write)
{
	struct svm_vcpu *s = v->machine;

	fpu_xmm(&s->fpu, number, bytes, write);
}

u64 svm_vcpu_kernel_gs_base(struct vcpu *v)
{
	struct svm_vcpu *s = v->machine;

	return s->vmcb->save.kernel_gs_base;
}

static void svm_load_tdp(const struct vcpu *v, struct vmcb *b, const struct mmu_entry *mmu)
{
	b->control.np_enable = 1;
	b->control.ncr3 = mmu->root;
	b->control.intercept_cr_read = 1u << 8;
	b->control.intercept_cr_write &= ~(1u << 3);
	b->control.intercept1 &= ~VMCB_I1_INVLPG;
	b->save.cr0 = v->regs.cr0;
	b->save.cr3 = v->regs.cr3;
	b->save.cr4 = v->regs.cr4;
	b->save.efer = v->regs.efer | EFER_SVME;
	b->save.pat = v->msr_pat;
}

static void svm_load_shadow(const struct vcpu *v, struct vmcb *b, const struct mmu_entry *mmu)
{
	/* Not the guest's: how our tables look; and what would need them to be
	 * the guest's own. */
	u64 not_guests = CR4_PAE | CR4_PSE | CR4_LA57 | CR4_PCIDE;

	if (!(v->regs.cr0 & CR0_PG))
		not_guests |= CR4_SMEP | CR4_SMAP;
	b->control.np_enable = 0;
	b->control.intercept_cr_read = 0xffff;
	b->control.intercept_cr_write |= 1u << 3;
	b->control.intercept1 |= VMCB_I1_INVLPG;
	b->control.intercept_exceptions |= 1u << X86_PF;
	b->save.cr0 = (v->regs.cr0 & ~(CR0_CD | CR0_NW)) | CR0_PG | CR0_WP;
	b->save.cr3 = mmu->root;
	b->save.cr4 = (v->regs.cr4 & ~not_guests) | CR4_PAE;
	b->save.efer = EFER_SVME | EFER_NXE | (v->regs.efer & EFER_SCE);
	if (v->regs.efer & EFER_LMA)
		b->save.efer |= EFER_LME | EFER_LMA;
	b->save.pat = X86_PAT_RESET;
}

static u64 svm_event_inj(const struct vcpu_event *e)
{
	switch (e->type) {
	case VCPU_EVENT_NMI:
		return VMCB_EV_VALID | VMCB_EV_TYPE_NMI | X86_NMI;
	case VCPU_EVENT_EXCEPTION:
		return VMCB_EV_VALID | VMCB_EV_TYPE_EXC | e->vector |
		       (e->has_code ? VMCB_EV_HAS_CODE | VMCB_EV_CODE(e->code) : 0);
	case VCPU_EVENT_SOFT:
		return VMCB_EV_VALID | VMCB_EV_TYPE_SOFT | e->vector;
	default:
		return 0;
	}
}

static u64 svm_int_ctl(const struct vcpu *v, int irq)
{
	u64 ctl = VMCB_INT_MASKING | v->regs.cr8;

	if (irq >= 0)
		ctl |= VMCB_INT_IRQ | VMCB_INT_PRIORITY(15) | VMCB_INT_IGNORE_TPR |
		       VMCB_INT_VECTOR(irq);
	return ctl;
}

/* What would push RFLAGS with our TF in it: all faults. */
#define STEP_EXCEPTIONS \
	(1u << X86_DE | 1u << X86_BR | 1u << X86_UD | 1u << X86_NM | 1u << X86_TS | 1u << X86_NP | \
	 1u << X86_SS | 1u << X86_GP | 1u << X86_PF | 1u << X86_MF | 1u << X86_AC | 1u << X86_XM)

/* INT3 exits as a software interrupt here and as #BP elsewhere. */
static void svm_load_debug(struct vmcb *b, bool trap, bool breakpoints)
{
	struct vmcb_control *c = &b->control;

	c->intercept1 &= ~VMCB_I1_INTN;
	if (trap)
		c->intercept_exceptions |= 1u << X86_DB | STEP_EXCEPTIONS;
	if (trap || breakpoints) {
		c->intercept_exceptions |= 1u << X86_BP;
		c->intercept1 |= VMCB_I1_INTN;
	}
}

/* RDTSCP does not exit; what it returns besides the time is this MSR. */
static void svm_load_tsc_aux(const struct vcpu *v)
{
	struct cpu *c = cpu_this();

	if (!c->has_tsc_aux || c->tsc_aux == v->msr_tsc_aux)
		return;
	c->tsc_aux = v->msr_tsc_aux;
	wrmsr(MSR_TSC_AUX, c->tsc_aux);
}

/* A step by the CPU's TF. One that begins with a delivery ends right behind it. */
static bool svm_is_trap(const struct vcpu_run *run)
{
	return run->step && run->event.type == VCPU_EVENT_NONE;
}

/* source: APM2 15.16.2 "TLB Flush" */
static u8 svm_tlb_control(enum mmu_flush flush)
{
	if (flush == MMU_FLUSH_NONE)
		return VMCB_TLB_KEEP;
	if (!svm_flush_by_asid)
		return VMCB_TLB_FLUSH_ALL;
	return flush == MMU_FLUSH_ALL ? VMCB_TLB_FLUSH_GUEST : VMCB_TLB_FLUSH_NONGLOBAL;
}

/* Bits whose change empties the TLB and that mean nothing to us: no page of ours is
 * global, 4M or a user's. */
#define CR4_FOLLOWED (CR4_PSE | CR4_PGE | CR4_SMEP | CR4_SMAP)

/* With the guest's own bits in our CR4, VMRUN and the exit change none of them: an
 * emulated machine empties its TLB two times less. */
static void svm_follow_cr4(const struct vmcb *b)
{
	u64 cr4 = read_cr4(), want = (cr4 & ~CR4_FOLLOWED) | (b->save.cr4 & CR4_FOLLOWED);

	if (cr4 != want)
		write_cr4(want);
}

/* QEMU lets a far jump load what a CPU refuses to, a code segment of 64 bits and of 32,
 * and runs 64-bit code then; but VMRUN does refuse it.
 *
 * source: APM2 4.8.1 "Code-Segment Descriptors", 15.5.1 "Basic Operation" */
static void svm_settle_cs(const struct vcpu *v, struct vmcb_seg *cs)
{
	if (v->regs.efer & EFER_LMA && cs->attrib & SEG_ATTRIB_L)
		cs->attrib &= ~SEG_ATTRIB_D;
}

/* QEMU aborts when it takes a stack from a TSS that is none, as RSM may load, or one that
 * is busy; its own LTR leaves that bit in memory. From one without room it raises #TS. */
static void svm_settle_tr(struct vmcb_seg *tr)
{
	if (!(tr->attrib & SEG_ATTRIB_P) || (tr->attrib & 5) != 1) {
		tr->attrib = TSS_AVAILABLE;
		tr->limit = 0;
	}
	tr->attrib &= ~2u;
}

static void svm_load(struct vcpu *v, struct vmcb *b, const struct vcpu_run *run)
{
	bool trap = svm_is_trap(run);

	/* #UD: this emulated CPU delivers it without RF in the flags. */
	b->control.intercept_exceptions = 1u << X86_MC | 1u << X86_UD;
	if (run->mmu.mode == MMU_MODE_TDP)
		svm_load_tdp(v, b, &run->mmu);
	else
		svm_load_shadow(v, b, &run->mmu);
	svm_follow_cr4(b);
	b->control.tlb_control = svm_tlb_control(run->mmu.flush);
	b->control.int_ctl = svm_int_ctl(v, run->irq);
	b->control.int_shadow = v->regs.int_shadow;
	b->control.tsc_offset = v->tsc.offset;
	b->control.event_inj = svm_event_inj(&run->event);
	b->save.rax = v->regs.gpr[RAX];
	b->save.rsp = v->regs.gpr[RSP];
	b->save.rip = v->regs.rip;
	b->save.rflags = v->regs.rflags | (trap ? RFLAGS_TF : 0);
	b->save.cr2 = v->regs.cr2;
	b->save.cpl = v->regs.cpl;
	b->save.dr6 = v->regs.dr6;
	svm_settle_cs(v, &b->save.cs);
	svm_settle_tr(&b->save.tr);
	svm_load_debug(b, trap, run->breakpoints);
	b->control.intercept1 &= ~(VMCB_I1_PAUSE | VMCB_I1_IRET);
	if (run->iret)
		b->control.intercept1 |= VMCB_I1_IRET;
	if (run->pause)
		b->control.intercept1 |= VMCB_I1_PAUSE;
	svm_load_tsc_aux(v);
	/* What is pending for us is taken before the handler's first instruction. */
	if (run->event_only || (run->step && !trap))
		lapic_kick_self();
}

/* With trap, TF and DR6.BS are ours. In shadow mode CR3 is, too. */
static void svm_store(struct vcpu *v, const struct vmcb *b, const struct vcpu_run *run)
{
	bool trap = svm_is_trap(run);
	u64 keep = trap ? v->regs.rflags & RFLAGS_TF : b->save.rflags & RFLAGS_TF;

	v->regs.gpr[RAX] = b->save.rax;
	v->regs.gpr[RSP] = b->save.rsp;
	v->regs.rip = b->save.rip;
	v->regs.rflags = (b->save.rflags & ~RFLAGS_TF) | keep;
	v->regs.cr2 = b->save.cr2;
	v->regs.cpl = b->save.cpl;
	if (!trap)
		v->regs.dr6 = b->save.dr6;
	v->regs.int_shadow = b->control.int_shadow & 1;
	/* Of CR0 a task switch changes this bit, without telling. */
	v->regs.cr0 = (v->regs.cr0 & ~CR0_TS) | (b->save.cr0 & CR0_TS);
	if (run->mmu.mode == MMU_MODE_TDP)
		v->regs.cr3 = b->save.cr3;
}

/* Whether it was the external interrupt of V_IRQ, which is still requested.
 * Vectors below 32 are the PIC's before a guest has set it up, or in real mode. */
static bool svm_was_irq(const struct vmcb_control *c, u8 vector,
			const struct vcpu_event *injected)
{
	if (vector >= 32)
		return true;
	return c->int_ctl & VMCB_INT_IRQ && VMCB_INT_VECTOR_OF(c->int_ctl) == vector &&
	       !(injected->type == VCPU_EVENT_EXCEPTION && injected->vector == vector);
}

/*
 * What the CPU was delivering when it left. It calls what it delivered by
 * itself an exception, too: an external interrupt is still requested by V_IRQ,
 * an INT n will be executed again; both are dropped. Only an INT n that we
 * injected has to be injected again: RIP is behind it.
 */
static struct vcpu_event svm_interrupted(const struct vmcb_control *c,
					 const struct vcpu_event *injected)
{
	u64 info = c->exit_int_info;
	struct vcpu_event e = { 0 };
	u8 vector = VMCB_EV_VECTOR(info);

	if (!(info & VMCB_EV_VALID))
		return e;
	switch (info & 7ull << 8) {
	case VMCB_EV_TYPE_NMI:
		e.type = VCPU_EVENT_NMI;
		break;
	case VMCB_EV_TYPE_EXC:
		if (svm_was_irq(c, vector, injected))
			return e;
		e.type = vector == X86_NMI ? VCPU_EVENT_NMI : VCPU_EVENT_EXCEPTION;
		break;
	case VMCB_EV_TYPE_SOFT:
		if (injected->type != VCPU_EVENT_SOFT)
			return e;
		e.type = VCPU_EVENT_SOFT;
		break;
	default:
		return e;
	}
	e.vector = vector;
	e.has_code = info & VMCB_EV_HAS_CODE;
	e.code = (u32)(info >> 32);
	return e;
}

/* Under TDP a #PF is the guest's own; it is seen in steps only. */
static void svm_guest_pf(struct vcpu *v, struct vcpu_exit *exit)
{
	exit->kind = CH_EXIT_exception;
	exit->vector = X86_PF;
	exit->vector_code = (u32)exit->info1;
	v->regs.cr2 = exit->info2;
}

void svm_vcpu_run(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	struct svm_vcpu *s = v->machine;
	struct vmcb *b = s->vmcb;

	svm_load(v, b, run);
	fpu_use(&s->fpu);
	timer_arm(run->deadline);
	dr_arm(v, b);
	svm_world_switch(v->regs.gpr, s->vmcb_hpa, cpu_this()->host_vmcb_hpa);
	dr_disarm(b);
	memset(exit, 0, sizeof(*exit));
	svm_translate_exit(b, exit);
	if (exit->kind == CH_EXIT_invalid) /* the save area is not the guest's any more */
		return;
	svm_store(v, b, run);
	exit->tf = b->save.rflags & RFLAGS_TF;
	if (run->mmu.mode == MMU_MODE_SHADOW && b->save.cr3 != run->mmu.root)
		exit->escaped = true;
	if (run->mmu.mode == MMU_MODE_TDP && exit->code == VMCB_EXIT_EXCEPTION + X86_PF)
		svm_guest_pf(v, exit);
	exit->delivering = b->control.exit_int_info & VMCB_EV_VALID;
	exit->interrupted = svm_interrupted(&b->control, &run->event);
	exit->irq_delivered = run->irq >= 0 && !(b->control.int_ctl & VMCB_INT_IRQ);
}
