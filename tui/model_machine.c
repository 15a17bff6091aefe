/* SPDX-License-Identifier: MIT */
/* What the hypervisor's events do to the model: boot, stops, exits, console,
 * registers, the simulated TLB. */
#include "tui/model_i.h"
#include <stdlib.h>
#include <string.h>

/* The text or bytes after the fixed fields. */
static const u8 *tail(struct step *s, size_t fixed, size_t *len)
{
	*len = s->ev->len - fixed;
	return s->ev->payload + fixed;
}

static void tail_string(struct step *s, size_t fixed, char *to, size_t room)
{
	size_t len;
	const u8 *text = tail(s, fixed, &len);

	if (len >= room)
		len = room - 1;
	memcpy(to, text, len);
	to[len] = '\0';
}

ON(boot)
{
	if (s->model->booted && s->ev->level > s->model->boot.level)
		return;
	s->model->booted = true;
	s->model->boot = *e;
	tail_string(s, sizeof(*e), s->model->version, sizeof(s->model->version));
}

ON(panic)
{
	(void)e;
	s->model->panicked = true;
	s->model->stopped = true;
	s->model->stop_why = CH_STOP_PANIC;
	s->model->stop_seq = s->ev->seq;
}

ON(site)
{
	size_t len;
	const u8 *file = tail(s, sizeof(*e), &len);

	model_add_site(s->model, e->site, e->line, file, len);
}

ON(snapshot_begin)
{
	(void)e;
	model_vm_free(s->vm->before);
	s->vm->before = NULL;
	if (!s->vm->unknown && s->vm->configured)
		s->vm->before = model_vm_copy(s->vm);
	model_vm_clear(s->vm);
	s->vm->in_snapshot = true;
}

/* What was known before must be what is told now. */
static void compare(struct step *s)
{
	struct text difference = { 0 };

	if (!model_vm_equal(s->vm->before, s->vm, &difference))
		model_damage(s, "events and snapshot differ: %s", text_str(&difference));
	text_free(&difference);
}

ON(snapshot_end)
{
	(void)e;
	if (!s->vm->in_snapshot) {
		model_damage(s, "the end of a snapshot without its beginning");
		return;
	}
	s->vm->in_snapshot = s->vm->unknown = false;
	if (s->vm->before)
		compare(s);
	model_vm_free(s->vm->before);
	s->vm->before = NULL;
}

ON(vm_new)
{
	(void)e;
	tail_string(s, sizeof(*e), s->model->guest, sizeof(s->model->guest));
}

ON(vcpu_state)
{
	struct model_vcpu *vcpu = model_step_vcpu(s);

	if (vcpu)
		vcpu->state = e->state;
}

ON(smi)
{
	struct model_vcpu *vcpu = model_step_vcpu(s);

	(void)e;
	if (vcpu)
		vcpu->smm = true;
}

ON(rsm)
{
	struct model_vcpu *vcpu = model_step_vcpu(s);

	(void)e;
	if (vcpu)
		vcpu->smm = false;
}

ON(guest_end)
{
	s->model->ended = true;
	s->model->end_status = e->status;
	tail_string(s, sizeof(*e), s->model->end_reason, sizeof(s->model->end_reason));
}

ON(stop)
{
	s->model->stopped = true;
	s->model->stop_why = e->why;
	s->model->stop_seq = e->seq ? e->seq : s->ev->seq;
}

ON(resume)
{
	(void)e;
	s->model->stopped = false;
}

ON(regs)
{
	struct model_vcpu *vcpu = model_step_vcpu(s);

	if (!vcpu)
		return;
	vcpu->regs = *e;
	vcpu->regs_seq = s->ev->seq;
}

ON(exit)
{
	struct model_vcpu *vcpu = model_step_vcpu(s);
	const u8 *bytes;
	size_t len;

	if (!vcpu)
		return;
	vcpu->exit = *e;
	vcpu->exit_seq = s->ev->seq;
	bytes = tail(s, sizeof(*e), &len);
	vcpu->exit_len = len < sizeof(vcpu->exit_bytes) ? len : sizeof(vcpu->exit_bytes);
	memcpy(vcpu->exit_bytes, bytes, vcpu->exit_len);
}

ON(console)
{
	size_t len;
	const u8 *bytes = tail(s, 0, &len);

	(void)e;
	model_add_console(s->model, bytes, len);
}

ON(tlb_insert)
{
	struct model_tlb *tlb;

	if (!model_step_vcpu(s))
		return;
	tlb = map_put(&s->vm->tlb, model_tlb_key(s->ev->vcpu, e->gva));
	*tlb = (struct model_tlb){ .gva = e->gva, .hpa = e->hpa, .level = e->level,
				   .access = e->access, .global = e->global,
				   .vcpu = s->ev->vcpu };
}

ON(tlb_drop)
{
	if (model_step_vcpu(s))
		map_remove(&s->vm->tlb, model_tlb_key(s->ev->vcpu, e->gva));
}

ON(tlb_empty)
{
	const struct model_tlb *tlb;
	u32 n;
	u64 *keys = map_keys(&s->vm->tlb, &n);

	for (u32 i = 0; i < n; i++) {
		tlb = map_get(&s->vm->tlb, keys[i]);
		if (tlb->vcpu == s->ev->vcpu && !(e->keep_global && tlb->global))
			map_remove(&s->vm->tlb, keys[i]);
	}
	free(keys);
}

ON(tlb_ghost)
{
	u64 key = model_tlb_key(s->ev->vcpu, e->gva);

	if (!map_get(&s->vm->tlb, key))
		return;
	((struct model_tlb *)map_put(&s->vm->tlb, key))->ghost = true;
}

const struct step_row model_machine_rows[] = {
	ROW(exit), ROW(console), ROW(boot), ROW(panic), ROW(site), ROW(snapshot_begin),
	ROW(snapshot_end), ROW(vm_new), ROW(vcpu_state), ROW(guest_end), ROW(stop), ROW(resume),
	ROW(regs), ROW(smi), ROW(rsm), ROW(tlb_insert), ROW(tlb_drop), ROW(tlb_empty), ROW(tlb_ghost), { 0 }
};
