/* SPDX-License-Identifier: MIT */
/*
 * Commands of the host. Their arguments are checked like a guest's input; each
 * is answered by exactly one reply, and what it shows are events it causes.
 */
#include "hv/core/command.h"

#include "hv/core/fmt.h"
#include "hv/core/vcpu.h"
#include "mmu/age.h"
#include "mmu/mode.h"

#include <string.h>

enum command_id {
#define COMMAND(id, name, sentence, a, b, c, d) COMMAND_##name = id,
#include "hv/channel/command.def"
};

struct vcpu *command_vcpu(struct vm *vm, u64 id)
{
	return id < vm->nr_vcpus ? &vm->vcpu[id] : NULL;
}

enum mmu_status command_hello(struct vm *vm, struct command *c)
{
	struct ch_emitter *em = vm->p->em;

	(void)c;
	em->synthetic = true;
	hv_emit_tail(em, MMU_NO_VCPU, boot, vm->p->version, fmt_length(vm->p->version),
		     (u8)vm->p->machine, em->level, (u8)vm->p->nr_cpus, vm->p->tsc_hz);
	ch_emit_sites(em);
	em->synthetic = false;
	vm_snapshot(vm);
	return MMU_OK;
}

enum mmu_status command_snapshot(struct vm *vm, struct command *c)
{
	(void)c;
	vm_snapshot(vm);
	return MMU_OK;
}

enum mmu_status command_pause(struct vm *vm, struct command *c)
{
	(void)c;
	control_ask(vm, CH_STOP_PAUSE);
	return MMU_OK;
}

enum mmu_status command_resume(struct vm *vm, struct command *c)
{
	(void)c;
	control_resume(vm, CH_STEP_NONE, 0);
	return MMU_OK;
}

enum mmu_status command_step(struct vm *vm, struct command *c)
{
	if (c->arg[0] > CH_STEP_EXIT || !command_vcpu(vm, c->arg[1]))
		return MMU_INVAL;
	control_resume(vm, (enum ch_step)c->arg[0], (u8)c->arg[1]);
	return MMU_OK;
}

enum mmu_status command_brk(struct vm *vm, struct command *c)
{
	for (unsigned i = 0; i < CONTROL_MAX_BREAKS; i++) {
		struct control_break *b = &vm->control.brk[i];

		if (b->set)
			continue;
		if (c->arg[0] > UINT16_MAX || !ev_info((u16)c->arg[0]) ||
		    c->arg[1] >= CH_MAX_PAYLOAD)
			return MMU_INVAL;
		*b = (struct control_break){ true, (u16)c->arg[0], (u16)c->arg[1], c->arg[2],
					     c->arg[3] };
		hv_emit(vm->p->em, MMU_NO_VCPU, break_set, (u8)i, b->event, b->mask, b->value,
			b->offset);
		return MMU_OK;
	}
	c->text = "all breaks are in use";
	return MMU_NOMEM;
}

enum mmu_status command_unbrk(struct vm *vm, struct command *c)
{
	bool all = c->arg[0] == CONTROL_ALL_BREAKS;
	enum mmu_status status = all ? MMU_OK : MMU_NOENT;

	for (unsigned i = 0; i < CONTROL_MAX_BREAKS; i++) {
		if (!vm->control.brk[i].set || !(all || c->arg[0] == i))
			continue;
		vm->control.brk[i].set = false;
		hv_emit(vm->p->em, MMU_NO_VCPU, break_clear, (u8)i);
		status = MMU_OK;
	}
	return status;
}

/* Findings are events already. */
static void command_finding(void *arg, const struct mmu_finding *finding)
{
	(void)arg;
	(void)finding;
}

enum mmu_status command_audit(struct vm *vm, struct command *c)
{
	if (mmu_audit(vm->mmu, command_finding, NULL))
		c->text = "rules are broken";
	return MMU_OK;
}

enum mmu_status command_zap(struct vm *vm, struct command *c)
{
	if (c->arg[0] >= MMU_NR_AS || (c->arg[2] && c->arg[1] >= c->arg[2]))
		return MMU_INVAL;
	if (c->arg[2])
		mmu_zap_range(vm->mmu, (unsigned)c->arg[0], c->arg[1], c->arg[2]);
	else
		mmu_zap_all(vm->mmu);
	return MMU_OK;
}

enum mmu_status command_age(struct vm *vm, struct command *c)
{
	gfn_t end = c->arg[2] ? c->arg[2] : MMU_AGE_END;

	if (c->arg[0] >= MMU_NR_AS || c->arg[1] >= end)
		return MMU_INVAL;
	if (c->arg[3])
		(void)mmu_age_range(vm->mmu, (unsigned)c->arg[0], c->arg[1], end);
	else
		(void)mmu_test_age_range(vm->mmu, (unsigned)c->arg[0], c->arg[1], end);
	return MMU_OK;
}

enum mmu_status command_knob(struct vm *vm, struct command *c)
{
	if (c->arg[0] >= MMU_NR_KNOBS)
		return MMU_INVAL;
	if (c->arg[0] == MMU_KNOB_budget && c->arg[1] && c->arg[1] < VM_MIN_BUDGET) {
		c->text = "a guest needs 64 pages or more";
		return MMU_INVAL;
	}
	return mmu_set_knob(vm->mmu, (enum mmu_knob)c->arg[0], c->arg[1]);
}

enum mmu_status command_mmu(struct vm *vm, struct command *c)
{
	enum mmu_status status = MMU_INVAL;

	if (c->arg[0] == MMU_MODE_SHADOW && features_has(&vm->features, FEATURE_la57)) {
		c->text = "this guest was offered five levels (cpu=+la57): only tdp has them";
		return MMU_NOSUPP;
	}
	if (c->arg[0] == MMU_MODE_SHADOW || c->arg[0] == MMU_MODE_TDP)
		status = mmu_set_mode(vm->mmu, (enum mmu_mode)c->arg[0]);
	if (status == MMU_NOSUPP)
		c->text = vm->p->unpaged_escapes ?
				  "this QEMU lets guests without paging bypass nested paging" :
				  "this build has no such MMU";
	return status;
}

enum mmu_status command_smi(struct vm *vm, struct command *c)
{
	struct vcpu *v = command_vcpu(vm, c->arg[0]);

	if (!v)
		return MMU_INVAL;
	smm_request(v);
	return MMU_OK;
}

enum mmu_status command_events(struct vm *vm, struct command *c)
{
	bool on = c->arg[0];

	if (on && !vm->env.events_on) {
		vm->env.events_on = true;
		vm_snapshot(vm);
	}
	vm->env.events_on = on;
	return MMU_OK;
}

enum mmu_status command_quit(struct vm *vm, struct command *c)
{
	(void)c;
	vm_end(vm, 121, "ended by the user");
	return MMU_OK;
}

typedef enum mmu_status (*command_fn_t)(struct vm *vm, struct command *c);

static const command_fn_t command_fns[] = {
#define COMMAND(id, name, sentence, a, b, c, d) [id] = command_##name,
#include "hv/channel/command.def"
};

/* After a panic a lock may be held for ever: only what takes none. */
static bool command_is_safe(const struct command *c)
{
	switch (c->id) {
	case COMMAND_regs:
	case COMMAND_quit:
		return true;
	case COMMAND_read:
		return c->arg[1] == CH_HPA;
	default:
		return false;
	}
}

/* Commands whose answers are events are answered also while events are off. */
static bool command_asks(const struct command *c)
{
	switch (c->id) {
	case COMMAND_hello:
	case COMMAND_snapshot:
	case COMMAND_walk:
	case COMMAND_regs:
	case COMMAND_setreg:
	case COMMAND_audit:
		return true;
	default:
		return false;
	}
}

static enum mmu_status command_call(struct vm *vm, struct command *c)
{
	bool was_on = vm->env.events_on;
	enum mmu_status status;

	if (!command_asks(c))
		return command_fns[c->id](vm, c);
	vm->env.events_on = true;
	status = command_fns[c->id](vm, c);
	vm->env.events_on = was_on;
	return status;
}

static void command_do(struct vm *vm, struct command *c)
{
	struct ch_emitter *em = vm->p->em;
	enum mmu_status status = MMU_NOSUPP;

	ch_set_cause(em, hv_emit(em, MMU_NO_VCPU, command, c->id, c->ticket, c->arg[0], c->arg[1],
				 c->arg[2], c->arg[3]));
	c->text = "";
	if (vm->control.panicked && !command_is_safe(c))
		c->text = "the hypervisor has panicked: only regs, read of hpa and quit";
	else if (c->id < sizeof(command_fns) / sizeof(*command_fns) && command_fns[c->id])
		status = command_call(vm, c);
	hv_emit_tail(em, MMU_NO_VCPU, reply, c->text, fmt_length(c->text), c->ticket, (u8)status);
	ch_set_cause(em, 0);
}

void command_serve(struct vm *vm)
{
	struct ch_mail *mail = &vm->p->em->header->mail;
	struct command c = { 0 };

	if (atomic_load_explicit(&mail->state, memory_order_acquire) != CH_MAIL_POSTED)
		return;
	c.id = mail->command;
	c.len = mail->len;
	c.ticket = mail->ticket;
	memcpy(c.arg, mail->arg, sizeof(c.arg));
	command_do(vm, &c);
	atomic_store_explicit(&mail->state, CH_MAIL_FREE, memory_order_release);
}
