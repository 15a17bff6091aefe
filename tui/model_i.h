/* SPDX-License-Identifier: MIT */
/* What the model's own files share: one step of it, and how events find the
 * function that applies them. */
#ifndef TUI_MODEL_I_H
#define TUI_MODEL_I_H

#include "tui/model.h"

/* One event being applied. vm is the machine it belongs to. */
struct step {
	struct model *model;
	struct model_vm *vm;
	const struct event *ev;
	bool synthetic;
};

typedef void (*step_fn)(struct step *step, const void *payload);

struct step_row {
	u16 id;
	u16 size;	/* bytes the payload has at least */
	step_fn apply;
};

/* A function for event `name`; its struct is *e. */
#define ON(name)                                                                                   \
	static void apply_##name(struct step *s, const struct ev_##name *e);                       \
	static void take_##name(struct step *s, const void *payload)                                 \
	{                                                                                          \
		apply_##name(s, payload);                                                          \
	}                                                                                          \
	static void apply_##name(struct step *s, const struct ev_##name *e)

#define ROW(name) { EV_##name, sizeof(struct ev_##name), take_##name }

/* Tables that end in id 0: what the MMU tells, what the machine tells. */
extern const struct step_row model_mmu_rows[];
extern const struct step_row model_slot_rows[];
extern const struct step_row model_machine_rows[];

/* Notes that the event contradicts the model. */
void model_damage(struct step *step, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The event's vCPU; NULL, and damage, if it has none in range. */
struct model_vcpu *model_step_vcpu(struct step *step);

/* Forgets the paging state of a machine: a snapshot follows. */
void model_vm_clear(struct model_vm *vm);

struct model_vm *model_vm_copy(const struct model_vm *from);
void model_vm_free(struct model_vm *vm);	/* NULL does nothing */

/* model_equal() for one machine. */
bool model_vm_equal(const struct model_vm *a, const struct model_vm *b, struct text *difference);

void model_add_site(struct model *model, u16 site, u32 line, const u8 *file, size_t len);
void model_add_console(struct model *model, const u8 *bytes, size_t len);

/* The page for writing, unshared; NULL if there is none. */
struct model_sp *model_sp_for_write(struct model_vm *vm, u32 sp);
void model_sp_put(struct model_sp *sp);

#endif
