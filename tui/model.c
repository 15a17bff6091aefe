/* SPDX-License-Identifier: MIT */
/* The model's life, its dispatch, and what is found by key. */
#include "tui/model_i.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tui/say.h"

/* Grows only, so that all copies of a model can share it: each knows how much
 * of the console it has seen. */
struct model_shared {
	u32 refs;
	u8 *console;
	size_t console_len, console_room;
	struct model_site site[0x10000];
};

struct model *model_new(void)
{
	struct model *model = xcalloc(1, sizeof(*model));

	model->shared = xcalloc(1, sizeof(*model->shared));
	model->shared->refs = 1;
	return model;
}

static void shared_put(struct model_shared *shared)
{
	if (--shared->refs)
		return;
	for (unsigned i = 0; i < 0x10000; i++)
		free(shared->site[i].file);
	free(shared->console);
	free(shared);
}

void model_sp_put(struct model_sp *sp)
{
	if (!--sp->refs)
		free(sp);
}

static void sps_put(struct map *sps)
{
	struct model_sp *const *sp;
	u32 at = 0;
	u64 key;

	while ((sp = map_next(sps, &at, &key)))
		model_sp_put(*sp);
	map_fini(sps);
}

/* The pointers in sps are counted per model, so its copies own their body. */
static void sps_copy(struct map *to, const struct map *from)
{
	struct model_sp *const *sp;
	u32 at = 0;
	u64 key;

	map_init(to, sizeof(struct model_sp *));
	while ((sp = map_next(from, &at, &key))) {
		(*sp)->refs++;
		*(struct model_sp **)map_put(to, key) = *sp;
	}
}

static struct model_vm *vm_new(u8 level, u8 nr)
{
	struct model_vm *vm = xcalloc(1, sizeof(*vm));

	vm->level = level;
	vm->vm = nr;
	map_init(&vm->slots, sizeof(struct model_slot));
	map_init(&vm->sps, sizeof(struct model_sp *));
	map_init(&vm->links, sizeof(u32));
	map_init(&vm->rmaps, sizeof(struct model_rmap));
	map_init(&vm->tracks, sizeof(u16));
	map_init(&vm->dirty, sizeof(u64));
	map_init(&vm->tlb, sizeof(struct model_tlb));
	return vm;
}

struct model_vm *model_vm_copy(const struct model_vm *from)
{
	struct model_vm *vm = xcalloc(1, sizeof(*vm));

	*vm = *from;
	map_copy(&vm->slots, &from->slots);
	sps_copy(&vm->sps, &from->sps);
	map_copy(&vm->links, &from->links);
	map_copy(&vm->rmaps, &from->rmaps);
	map_copy(&vm->tracks, &from->tracks);
	map_copy(&vm->dirty, &from->dirty);
	map_copy(&vm->tlb, &from->tlb);
	vm->before = from->before ? model_vm_copy(from->before) : NULL;
	return vm;
}

void model_vm_clear(struct model_vm *vm)
{
	map_fini(&vm->slots);
	sps_put(&vm->sps);
	map_fini(&vm->links);
	map_fini(&vm->rmaps);
	map_fini(&vm->tracks);
	map_fini(&vm->dirty);
	vm->configured = false;
	for (unsigned i = 0; i < MODEL_MAX_VCPUS; i++) {
		struct model_vcpu *vcpu = &vm->vcpu[i];

		vcpu->smm = vcpu->inner = vcpu->np = false;
		vcpu->ncr3 = 0;
		memset(vcpu->context, 0, sizeof(vcpu->context));
		vcpu->requests = 0;
		vcpu->flush_root = 0;
	}
}

void model_vm_free(struct model_vm *vm)
{
	if (!vm)
		return;
	model_vm_free(vm->before);
	model_vm_clear(vm);
	map_fini(&vm->tlb);
	free(vm);
}

struct model *model_copy(const struct model *from)
{
	struct model *model = xcalloc(1, sizeof(*model));

	*model = *from;
	model->shared->refs++;
	for (unsigned i = 0; i < model->nr_vms; i++)
		model->vm[i] = model_vm_copy(from->vm[i]);
	return model;
}

void model_free(struct model *model)
{
	if (!model)
		return;
	for (unsigned i = 0; i < model->nr_vms; i++)
		model_vm_free(model->vm[i]);
	shared_put(model->shared);
	free(model);
}

static struct model_vm *find_vm(const struct model *model, u8 level, u8 vm)
{
	for (unsigned i = 0; i < model->nr_vms; i++)
		if (model->vm[i]->level == level && model->vm[i]->vm == vm)
			return model->vm[i];
	return NULL;
}

static struct model_vm *step_vm(struct step *step)
{
	struct model *model = step->model;
	struct model_vm *vm = find_vm(model, step->ev->level, step->ev->vm);

	if (vm)
		return vm;
	if (model->nr_vms == MODEL_MAX_VMS) {
		model_damage(step, "more than %u machines", MODEL_MAX_VMS);
		return NULL;
	}
	vm = vm_new(step->ev->level, step->ev->vm);
	vm->unknown = model->lost != 0;
	return model->vm[model->nr_vms++] = vm;
}

void model_damage(struct step *step, const char *format, ...)
{
	struct model *model = step->model;
	struct model_damage *d;
	va_list args;

	if (step->vm && step->vm->unknown)	/* nothing else is to be expected */
		return;
	d = &model->damage[model->nr_damage++ % MODEL_DAMAGES];
	d->seq = step->ev->seq;
	va_start(args, format);
	vsnprintf(d->text, sizeof(d->text), format, args);
	va_end(args);
}

struct model_vcpu *model_step_vcpu(struct step *step)
{
	if (step->ev->vcpu >= MODEL_MAX_VCPUS) {
		model_damage(step, "no such vCPU: %u", step->ev->vcpu);
		return NULL;
	}
	step->vm->vcpu[step->ev->vcpu].known = true;
	return &step->vm->vcpu[step->ev->vcpu];
}

static const struct step_row *find_row(const struct step_row *rows, u16 id)
{
	for (; rows->id; rows++)
		if (rows->id == id)
			return rows;
	return NULL;
}

/* Every machine is unknown after a loss: nobody can tell whose events it was. */
static void lose(struct model *model, u64 count, u64 seq)
{
	model->lost += count;
	for (unsigned i = 0; i < model->nr_vms; i++) {
		if (!model->vm[i]->unknown)
			model->vm[i]->unknown_since = seq;
		model->vm[i]->unknown = true;
		model->vm[i]->in_snapshot = false;
	}
}

/* Looks for holes in the numbers. A first event other than 1 means that we
 * came late. */
static void check_seq(struct step *step)
{
	struct model *model = step->model;
	u64 seq = step->ev->seq;

	if (seq <= model->seq) {
		model_damage(step, "event %" PRIu64 " comes after event %" PRIu64, seq, model->seq);
		return;
	}
	if (seq != model->seq + 1 && step->ev->id != EV_gap)
		lose(model, seq - model->seq - 1, seq);
	model->seq = seq;
}

void model_apply(struct model *model, const struct event *ev)
{
	struct step step = { .model = model, .ev = ev, .synthetic = ev->flags & CH_EV_SYNTHETIC };
	const struct step_row *row = find_row(model_mmu_rows, ev->id);

	check_seq(&step);
	model->clock = ev->clock;
	if (ev->id == EV_gap) {
		struct ev_gap gap = { 0 };

		memcpy(&gap, ev->payload, ev->len < sizeof(gap) ? ev->len : sizeof(gap));
		lose(model, gap.lost, ev->seq);
		return;
	}
	if (!row)
		row = find_row(model_slot_rows, ev->id);
	if (!row)
		row = find_row(model_machine_rows, ev->id);
	if (!row)
		return;
	if (ev->len < row->size) {
		model_damage(&step, "event 0x%x has %u bytes, not %u", ev->id, ev->len, row->size);
		return;
	}
	step.vm = step_vm(&step);
	if (step.vm)
		row->apply(&step, ev->payload);
}

/* ---- looking -------------------------------------------------------------- */

const struct model_vm *model_vm(const struct model *model, u8 level, u8 vm)
{
	return find_vm(model, level, vm);
}

const struct model_context *model_hardware(const struct model_vcpu *vcpu)
{
	return &vcpu->context[vcpu->np ? MMU_CONTEXT_guest : MMU_CONTEXT_root];
}

const struct model_context *model_walked(const struct model_vcpu *vcpu)
{
	return &vcpu->context[vcpu->np ? MMU_CONTEXT_nested : MMU_CONTEXT_root];
}

const struct model_sp *model_sp(const struct model_vm *vm, u32 sp)
{
	struct model_sp *const *p = vm ? map_get(&vm->sps, sp) : NULL;

	return p ? *p : NULL;
}

struct model_sp *model_sp_for_write(struct model_vm *vm, u32 sp)
{
	struct model_sp *const *p = map_get(&vm->sps, sp);
	struct model_sp *copy;

	if (!p || (*p)->refs == 1)
		return p ? *p : NULL;
	copy = xcalloc(1, sizeof(*copy));
	*copy = **p;
	copy->refs = 1;
	model_sp_put(*p);
	return *(struct model_sp **)map_put(&vm->sps, sp) = copy;
}

u32 model_child(const struct model_vm *vm, u32 sp, unsigned index)
{
	const u32 *child = vm ? map_get(&vm->links, model_entry_key(sp, index)) : NULL;

	return child ? *child : 0;
}

u32 model_parent(const struct model_vm *vm, u32 sp, unsigned *index)
{
	u64 key, best = MAP_NO_KEY;
	const u32 *child;
	u32 at = 0;

	while (vm && (child = map_next(&vm->links, &at, &key)))
		if (*child == sp && key < best)
			best = key;
	*index = best & (PT_ENTRIES - 1);
	return best == MAP_NO_KEY ? 0 : (u32)(best >> 9);
}

u32 model_ghosts(const struct model_vm *vm)
{
	const struct model_tlb *tlb;
	u32 at = 0, ghosts = 0;
	u64 key;

	while (vm && (tlb = map_next(&vm->tlb, &at, &key)))
		ghosts += tlb->ghost;
	return ghosts;
}

const struct model_site *model_site(const struct model *model, u16 site)
{
	const struct model_site *s = &model->shared->site[site];

	return s->file ? s : NULL;
}

const u8 *model_console(const struct model *model, size_t *len)
{
	*len = model->console_len;
	return model->shared->console;
}

void model_add_site(struct model *model, u16 site, u32 line, const u8 *file, size_t len)
{
	struct model_site *s = &model->shared->site[site];

	if (s->file)
		return;
	s->file = xcalloc(len + 1, 1);
	if (len)
		memcpy(s->file, file, len);
	s->line = line;
}

/* Bytes that another copy has added already are only counted. */
void model_add_console(struct model *model, const u8 *bytes, size_t len)
{
	struct model_shared *shared = model->shared;
	size_t end = model->console_len + len;

	if (end > shared->console_room) {
		shared->console_room = end * 2;
		shared->console = xrealloc(shared->console, shared->console_room);
	}
	if (end > shared->console_len) {
		memcpy(shared->console + model->console_len, bytes, len);
		shared->console_len = end;
	}
	model->console_len = end;
}
