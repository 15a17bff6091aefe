/* SPDX-License-Identifier: MIT */
/*
 * SMIs by chance, and what they must leave as it was.
 */
#include "hv/core/smm_watch.h"

#include "hv/core/clock.h"
#include "hv/core/vcpu.h"

#include <stddef.h>

/* From an RSM to the next SMI, at most; doubled less than so often; and for a guest that
 * takes long so much more with each. */
#define WATCH_GAP_NS  64u
#define WATCH_DOUBLED 13u
#define WATCH_MORE_NS 8u
#define WATCH_RAM     256u /* every so many the guest's RAM is compared, too */

static u32 watch_random(struct smm_watch *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 17;
	w->random ^= w->random << 5;
	return w->random;
}

void smm_watch_start(struct vm *vm, u32 seed)
{
	vm->smm_watch.random = seed;
}

void smm_watch_turn(struct vcpu *v, struct vcpu_run *run)
{
	const struct platform *p = v->vm->p;
	struct smm_watch *w = &v->vm->smm_watch;
	u64 now;

	if (!w->random || v->smm.active)
		return;
	now = p->clock();
	if (now >= w->next) {
		w->next = PLATFORM_NEVER;
		smm_request(v);
		run->event_only = true;
		run->irq = -1;
	} else if (w->next < run->deadline) {
		run->deadline = w->next;
	}
}

/* All but SMRAM. */
static u64 watch_ram(const struct vm *vm)
{
	const u64 *word = (const u64 *)(vm->p->direct_map + vm->ram_hpa);
	u64 sum = 0;

	for (gpa_t gpa = 0; gpa < vm->ram_size; gpa += sizeof(*word), word++) {
		if (gpa - SMRAM_GPA >= SMRAM_SIZE)
			sum = (sum << 1 | sum >> 63) + *word;
	}
	return sum;
}

void smm_watch_smi(struct vcpu *v)
{
	struct smm_watch *w = &v->vm->smm_watch;

	if (!w->random)
		return;
	w->regs = v->regs;
	w->segs = *v->vm->p->segs(v);
	w->pat = v->msr_pat;
	w->tsc_aux = v->msr_tsc_aux;
	w->state = (u8)v->state;
	if (w->nr % WATCH_RAM == 0)
		w->ram = watch_ram(v->vm);
}

/* As if the handler used every register; the firmware's needs none. */
void smm_watch_handler(struct vcpu *v)
{
	struct smm_watch *w = &v->vm->smm_watch;
	struct vcpu_segs *segs = v->vm->p->segs(v);

	if (!w->random)
		return;
	for (unsigned i = 0; i < NR_GPRS; i++)
		v->regs.gpr[i] = (u64)watch_random(w) << 32 | watch_random(w);
	v->regs.cr3 = watch_random(w) & PAGE_MASK;
	v->regs.dr6 ^= 1;
	segs->gdtr.base = watch_random(w);
	segs->idtr.base = watch_random(w);
	segs->gdtr.limit = segs->idtr.limit = watch_random(w) & 0xffff;
	segs->ldtr.base = watch_random(w);
	segs->tr.base = watch_random(w);
	segs->ldtr.selector = segs->tr.selector = (u16)watch_random(w);
}

static void watch_compare(struct vcpu *v, const char *what, const void *then, const void *now,
			  size_t n)
{
	const u8 *a = then, *b = now;

	for (size_t i = 0; i < n; i++) {
		if (a[i] != b[i])
			v->vm->p->panic("an SMI changed the guest's %s: byte %lu was %#x, is %#x, rip %#lx",
					what, i, a[i], b[i], v->regs.rip);
	}
}

void smm_watch_rsm(struct vcpu *v)
{
	struct smm_watch *w = &v->vm->smm_watch;
	u64 ram = w->ram;
	u8 state = (u8)v->state;
	u64 gap;

	if (!w->random)
		return;
	if (w->nr % WATCH_RAM == 0)
		ram = watch_ram(v->vm);
	watch_compare(v, "registers", &w->regs, &v->regs,
		      offsetof(struct vcpu_regs, int_shadow) + 1);
	watch_compare(v, "segments", &w->segs, v->vm->p->segs(v), sizeof(w->segs));
	watch_compare(v, "PAT", &w->pat, &v->msr_pat, sizeof(w->pat));
	watch_compare(v, "TSC_AUX", &w->tsc_aux, &v->msr_tsc_aux, sizeof(w->tsc_aux));
	watch_compare(v, "state", &w->state, &state, 1);
	watch_compare(v, "memory", &w->ram, &ram, sizeof(ram));
	w->nr++;
	gap = (WATCH_GAP_NS << watch_random(w) % WATCH_DOUBLED) + w->nr * WATCH_MORE_NS;
	w->next = v->vm->p->clock() + clock_from_ns(v->vm->p, watch_random(w) % gap);
}

void smm_watch_end(struct vm *vm)
{
	if (vm->smm_watch.random)
		vm->p->log("%lu SMIs left the guest as it was", vm->smm_watch.nr);
}
