/* SPDX-License-Identifier: MIT */
/* What the MMU's events do to the model: pages, entries, rmaps, roots. */
#include "tui/model_i.h"
#include <inttypes.h>
#include <string.h>
#include "tui/say.h"

ON(mmu_config)
{
	s->vm->config = *e;
	s->vm->configured = true;
}

ON(mmu_mode)
{
	s->vm->config.mode = e->mode;
}

ON(knob)
{
	if (e->knob < MODEL_MAX_KNOBS)
		s->vm->knob[e->knob] = e->value;
}

static struct model_context *context_of(struct step *s, u8 context)
{
	struct model_vcpu *vcpu = model_step_vcpu(s);

	if (!vcpu)
		return NULL;
	if (context < MODEL_CONTEXTS)
		return &vcpu->context[context];
	model_damage(s, "context %u", context);
	return NULL;
}

ON(mmu_role)
{
	struct model_context *context = context_of(s, e->context);

	if (!context)
		return;
	context->cpu_role = e->cpu_role;
	context->cpu_ext = e->cpu_ext;
	context->root_role = e->root_role;
}

ON(nested_enter)
{
	struct model_vcpu *vcpu = model_step_vcpu(s);

	if (!vcpu)
		return;
	vcpu->inner = true;
	vcpu->np = e->np;
	vcpu->ncr3 = e->ncr3;
}

ON(nested_leave)
{
	struct model_vcpu *vcpu = model_step_vcpu(s);

	(void)e;
	if (!vcpu)
		return;
	vcpu->inner = vcpu->np = false;
	vcpu->ncr3 = 0;
}

ON(guest_cr3)
{
	struct model_vcpu *vcpu = model_step_vcpu(s);

	if (vcpu)
		vcpu->cr3 = e->cr3;
}

ON(sp_new)
{
	struct model_sp *sp = xcalloc(1, sizeof(*sp));
	struct model_sp **place;

	sp->refs = 1;
	sp->sp = e->sp;
	sp->gfn = e->gfn;
	sp->role = e->role;
	sp->hpa = e->hpa;
	sp->flags = e->flags;
	sp->born = s->ev->seq;
	place = map_put(&s->vm->sps, e->sp);
	if (*place) {
		model_damage(s, "page %u was there already", e->sp);
		model_sp_put(*place);
	}
	*place = sp;
}

ON(sp_zap)
{
	struct model_sp *sp = model_sp_for_write(s->vm, e->sp);

	if (!sp) {
		model_damage(s, "no page %u to zap", e->sp);
		return;
	}
	sp->zapped = true;
	sp->unsync = false;
	sp->role = e->role;
	sp->root_count = e->root_count;
	sp->why = e->why;
}

ON(sp_free)
{
	struct model_sp *const *sp = map_get(&s->vm->sps, e->sp);

	if (!sp) {
		model_damage(s, "no page %u to free", e->sp);
		return;
	}
	model_sp_put(*sp);
	map_remove(&s->vm->sps, e->sp);
}

ON(sp_link)
{
	if (e->index >= PT_ENTRIES)
		model_damage(s, "link at entry %u", e->index);
	else
		*(u32 *)map_put(&s->vm->links, model_entry_key(e->parent, e->index)) = e->child;
}

ON(sp_unlink)
{
	u32 child = e->index < PT_ENTRIES ? model_child(s->vm, e->parent, e->index) : 0;

	if (child != e->child)
		model_damage(s, "page %u entry %u leads to page %u, not %u", e->parent, e->index,
			     child, e->child);
	if (child)
		map_remove(&s->vm->links, model_entry_key(e->parent, e->index));
}

static void set_unsync(struct step *s, u32 nr, bool unsync)
{
	struct model_sp *sp = model_sp_for_write(s->vm, nr);

	if (sp)
		sp->unsync = unsync;
	else
		model_damage(s, "no page %u", nr);
}

ON(sp_unsync)
{
	set_unsync(s, e->sp, true);
}

ON(sp_sync)
{
	set_unsync(s, e->sp, false);
}

/* The hardware sets A and D behind the library's back. */
static bool same_but_ad(u64 a, u64 b)
{
	return !((a ^ b) & ~(BIT(5) | BIT(6)));
}

ON(spte_set)
{
	struct model_sp *sp = model_sp_for_write(s->vm, e->sp);
	u64 old;

	if (!sp || e->index >= PT_ENTRIES) {
		model_damage(s, "no page %u entry %u", e->sp, e->index);
		return;
	}
	old = sp->spte[e->index];
	if (!s->synthetic && !s->vm->unknown && !same_but_ad(old, e->old))
		model_damage(s, "page %u entry %u was 0x%" PRIx64 ", the event says 0x%" PRIx64,
			     e->sp, e->index, old, (u64)e->old);
	sp->present += (e->new != 0) - (old != 0);
	sp->spte[e->index] = e->new;
	sp->changed = e->index;
	sp->changed_at = s->synthetic ? 0 : s->ev->seq;
}

ON(rmap_add)
{
	struct model_rmap *rmap;

	if (e->index >= PT_ENTRIES) {
		model_damage(s, "rmap of entry %u", e->index);
		return;
	}
	rmap = map_put(&s->vm->rmaps, model_entry_key(e->sp, e->index));
	if (rmap->level)
		model_damage(s, "page %u entry %u is in an rmap already", e->sp, e->index);
	rmap->gfn = e->gfn;
	rmap->as = e->as;
	rmap->level = e->level;
}

ON(rmap_remove)
{
	const struct model_rmap *rmap =
		e->index < PT_ENTRIES ? map_get(&s->vm->rmaps, model_entry_key(e->sp, e->index)) :
					NULL;

	if (!rmap || rmap->gfn != e->gfn || rmap->as != e->as) {
		model_damage(s, "page %u entry %u is not in the rmap of gfn 0x%" PRIx64, e->sp,
			     e->index, (u64)e->gfn);
		return;
	}
	map_remove(&s->vm->rmaps, model_entry_key(e->sp, e->index));
}

static void set_track(struct step *s, u8 as, u64 gfn, u16 count)
{
	if (count)
		*(u16 *)map_put(&s->vm->tracks, model_frame_key(as, gfn)) = count;
	else
		map_remove(&s->vm->tracks, model_frame_key(as, gfn));
}

ON(track_add)
{
	set_track(s, e->as, e->gfn, e->count);
}

ON(track_remove)
{
	set_track(s, e->as, e->gfn, e->count);
}

ON(root_set)
{
	struct model_context *context = context_of(s, e->context);

	if (!context)
		return;
	if (e->slot >= MODEL_ROOTS)
		model_damage(s, "root slot %u", e->slot);
	else
		context->root[e->slot] = (struct model_root){ .sp = e->sp, .hpa = e->hpa,
							      .pgd = e->pgd };
}

ON(root_count)
{
	struct model_sp *sp = model_sp_for_write(s->vm, e->sp);

	if (sp)
		sp->root_count = e->count;
	else
		model_damage(s, "no page %u", e->sp);
}

static struct model_flush *ledger_line(struct step *s)
{
	struct model_flush *line = &s->vm->ledger[s->vm->nr_ledger++ % MODEL_LEDGER];

	*line = (struct model_flush){ .seq = s->ev->seq, .id = s->ev->id };
	return line;
}

ON(flush_request)
{
	struct model_flush *line = ledger_line(s);

	line->why = e->why;
	line->gfn = e->gfn;
	line->npages = e->npages;
}

ON(flush_joined)
{
	struct model_flush *line = ledger_line(s);

	line->why = e->why;
	line->gfn = e->gfn;
	line->npages = e->npages;
}

ON(flush_vcpu)
{
	ledger_line(s)->target = e->target;
	if (e->target < MODEL_MAX_VCPUS)
		s->vm->vcpu[e->target].flush_asked++;
}

ON(flush_root)
{
	struct model_flush *line = ledger_line(s);

	line->sp = e->sp;
	line->gfn = e->gfn;
	line->npages = e->npages;
	line->ok = e->ok;
	if (!model_sp(s->vm, e->sp))
		model_damage(s, "no page %u to flush", e->sp);
}

ON(root_load)
{
	if (e->target >= MODEL_MAX_VCPUS)
		model_damage(s, "vCPU %u", e->target);
	else if (e->sp && !model_sp(s->vm, e->sp))
		model_damage(s, "no page %u", e->sp);
	else
		s->vm->vcpu[e->target].flush_root = e->sp;
}

ON(flush_done)
{
	struct model_flush *line = ledger_line(s);
	struct model_vcpu *vcpu;

	line->target = e->target;
	if (e->target >= MODEL_MAX_VCPUS)
		return;
	vcpu = &s->vm->vcpu[e->target];
	vcpu->flushed_seq = s->ev->seq;
	line->asked = vcpu->flush_asked;
	vcpu->flush_asked = 0;
}

static void set_request(struct step *s, u8 target, u8 what, bool pending)
{
	if (target >= MODEL_MAX_VCPUS || what >= 32)
		model_damage(s, "request %u to vCPU %u", what, target);
	else if (pending)
		s->vm->vcpu[target].requests |= 1u << what;
	else
		s->vm->vcpu[target].requests &= ~(1u << what);
}

ON(request)
{
	set_request(s, e->target, e->what, true);
}

ON(request_done)
{
	set_request(s, e->target, e->what, false);
}

ON(audit_begin)
{
	s->vm->audit_seq = s->ev->seq;
	s->vm->audit_rules = e->rules;
	s->vm->audit_broken = 0;
	s->vm->audit_done = false;
	s->vm->nr_findings = 0;
}

ON(audit_rule)
{
	s->vm->audit_broken++;
	if (s->vm->nr_findings < MODEL_FINDINGS)
		s->vm->finding[s->vm->nr_findings++] =
			(struct model_finding){ .rule = e->rule, .index = e->index, .sp = e->sp,
						.have = e->have, .want = e->want };
}

ON(audit_end)
{
	s->vm->audit_broken = e->broken;
	s->vm->audit_done = true;
}

const struct step_row model_mmu_rows[] = {
	ROW(spte_set), ROW(sp_new), ROW(sp_zap), ROW(sp_free), ROW(sp_link), ROW(sp_unlink),
	ROW(sp_unsync), ROW(sp_sync), ROW(rmap_add), ROW(rmap_remove), ROW(track_add),
	ROW(track_remove), ROW(root_set), ROW(root_count), ROW(mmu_role), ROW(guest_cr3),
	ROW(nested_enter), ROW(nested_leave),
	ROW(flush_request), ROW(flush_joined), ROW(flush_vcpu), ROW(flush_done),
	ROW(flush_root), ROW(root_load), ROW(request), ROW(request_done),
	ROW(mmu_config), ROW(mmu_mode), ROW(knob),
	ROW(audit_begin), ROW(audit_rule), ROW(audit_end),
	{ 0 }
};
