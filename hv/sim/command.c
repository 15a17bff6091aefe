/* SPDX-License-Identifier: MIT */
/* Commands of the host program, carried out between two lines. Their arguments
 * are as little to be trusted as a guest's. */
#include "hv/sim/control.h"
#include "mmu/age.h"
#include "mmu/mode.h"
#include <string.h>

#define MAX_BYTES	4096u
#define CHUNK		512u
#define ALL_BREAKS	0xff

enum {
#define COMMAND(id, name, sentence, a, b, c, d) CMD_##name = id,
#include "hv/channel/command.def"
};

/* A command as taken out of the mailbox. */
struct order {
	u16 command, len;
	u32 ticket;
	u64 arg[4];
	u8 data[MAX_BYTES];
	char said[80];		/* the reply's text; "": the status in words */
};

static enum mmu_status hello(struct sim *sim)
{
	sim_emit(sim, MMU_NO_VCPU, boot, CH_MACHINE_SIM, 0, 1, 0);
	ch_emit_sites(&sim->em);
	sim_snapshot(sim);
	return MMU_OK;
}

static enum mmu_status go_on(struct control *c, u64 step)
{
	if (step > CH_STEP_EXIT)
		return MMU_INVAL;
	sim_emit(&c->run->sim, MMU_NO_VCPU, resume, step);
	c->stopped = c->asked = false;
	c->step = step;
	return MMU_OK;
}

static enum mmu_status set_break(struct control *c, const struct order *o)
{
	for (unsigned i = 0; i < CONTROL_BREAKS; i++)
		if (!c->brk[i].set) {
			c->brk[i] = (struct control_break){ true, o->arg[0], o->arg[1], o->arg[2],
							    o->arg[3] };
			sim_emit(&c->run->sim, MMU_NO_VCPU, break_set, i, o->arg[0], o->arg[2],
				 o->arg[3], o->arg[1]);
			return MMU_OK;
		}
	return MMU_NOMEM;
}

static enum mmu_status clear_break(struct control *c, u64 nr)
{
	if (nr != ALL_BREAKS && (nr >= CONTROL_BREAKS || !c->brk[nr].set))
		return MMU_NOENT;
	for (unsigned i = 0; i < CONTROL_BREAKS; i++) {
		if (!c->brk[i].set || (nr != ALL_BREAKS && nr != i))
			continue;
		c->brk[i].set = false;
		sim_emit(&c->run->sim, MMU_NO_VCPU, break_clear, i);
	}
	return MMU_OK;
}

static struct sim_cpu *cpu_of(struct sim *sim, u64 id)
{
	return id < sim->config.vcpus ? &sim->cpu[id] : NULL;
}

static enum mmu_status walk(struct sim *sim, const struct order *o)
{
	struct sim_cpu *cpu = cpu_of(sim, o->arg[0]);
	struct mmu_host_step step[5];
	struct mmu_walk w;
	unsigned nr;
	bool ok;

	if (!cpu)
		return MMU_INVAL;
	ok = mmu_walk(cpu->vcpu, o->arg[1], o->arg[2], &w);
	for (unsigned i = 0; i < w.nr; i++)
		sim_emit(sim, cpu->id, walk_step, w.step[i].level, w.step[i].gpa, w.step[i].pte);
	sim_emit(sim, cpu->id, walk_result, o->arg[1], ok, w.gpa, w.level, w.access, w.error);
	if (mmu_vcpu_mode(cpu->vcpu) == MMU_MODE_TDP && !ok)
		return MMU_OK;
	nr = mmu_host_walk(cpu->vcpu, mmu_vcpu_mode(cpu->vcpu) == MMU_MODE_TDP ? w.gpa : o->arg[1],
			   step);
	for (unsigned i = 0; i < nr; i++)
		sim_emit(sim, cpu->id, host_step, step[i].level, step[i].sp, step[i].index,
			 step[i].hpa, step[i].spte);
	return MMU_OK;
}

/* Part of the machine's memory; NULL if it is not all there. */
static u8 *machine_memory(struct sim *sim, u64 hpa, u64 len)
{
	return hpa < sim->mem.size && len <= sim->mem.size - hpa ? sim->mem.base + hpa : NULL;
}

static size_t read_space(struct sim *sim, const struct order *o, u8 *to, size_t len)
{
	struct sim_cpu *cpu = cpu_of(sim, o->arg[0]);
	const u8 *from;

	switch (o->arg[1]) {
	case CH_GVA:
		return cpu ? mmu_read_gva(cpu->vcpu, o->arg[2], to, len, MMU_PEEK, NULL) : 0;
	case CH_GPA:
		return cpu ? mmu_vcpu_read(cpu->vcpu, o->arg[2], to, len) : 0;
	case CH_HPA:
		from = machine_memory(sim, o->arg[2], len);
		if (from)
			memcpy(to, from, len);
		return from ? len : 0;
	}
	return 0;
}

static enum mmu_status read_memory(struct sim *sim, const struct order *o)
{
	u8 bytes[MAX_BYTES];
	size_t len;

	if (o->arg[3] > MAX_BYTES)
		return MMU_INVAL;
	len = read_space(sim, o, bytes, o->arg[3]);
	for (size_t at = 0; at < len; at += CHUNK)
		hv_emit_tail(&sim->em, MMU_NO_VCPU, mem, bytes + at,
			     len - at < CHUNK ? len - at : CHUNK, o->arg[1], o->arg[2] + at);
	return len == o->arg[3] ? MMU_OK : MMU_NOENT;
}

static enum mmu_status write_memory(struct sim *sim, const struct order *o)
{
	struct sim_cpu *cpu = cpu_of(sim, o->arg[0]);
	size_t done = 0;

	if (!cpu || o->arg[3] > o->len)
		return MMU_INVAL;
	if (o->arg[1] == CH_GVA)
		done = mmu_write_gva(cpu->vcpu, o->arg[2], o->data, o->arg[3], PFERR_WRITE, NULL);
	else if (o->arg[1] == CH_GPA)
		done = mmu_vcpu_write(cpu->vcpu, o->arg[2], o->data, o->arg[3]);
	else
		return MMU_NOSUPP; /* the library's own tables are not for writing */
	return done == o->arg[3] ? MMU_OK : MMU_NOENT;
}

static enum mmu_status tell_regs(struct sim *sim, u64 id)
{
	struct sim_cpu *cpu = cpu_of(sim, id);

	if (!cpu)
		return MMU_INVAL;
	hv_emit(&sim->em, cpu->id, regs, .rip = cpu->rip, .cr0 = cpu->regs.cr0, .cr2 = cpu->cr2,
		.cr3 = cpu->regs.cr3, .cr4 = cpu->regs.cr4, .efer = cpu->regs.efer,
		.cpl = cpu->regs.cpl);
	return MMU_OK;
}

static enum mmu_status zap(struct sim *sim, const struct order *o)
{
	if (o->arg[0] >= MMU_NR_AS || o->arg[1] > o->arg[2])
		return MMU_INVAL;
	if (o->arg[2])
		mmu_zap_range(sim->vm, o->arg[0], o->arg[1], o->arg[2]);
	else
		mmu_zap_all(sim->vm);
	return MMU_OK;
}

static enum mmu_status age(struct sim *sim, const struct order *o)
{
	gfn_t end = o->arg[2] ? o->arg[2] : MMU_AGE_END;

	if (o->arg[0] >= MMU_NR_AS || o->arg[1] >= end)
		return MMU_INVAL;
	if (o->arg[3])
		(void)mmu_age_range(sim->vm, o->arg[0], o->arg[1], end);
	else
		(void)mmu_test_age_range(sim->vm, o->arg[0], o->arg[1], end);
	return MMU_OK;
}

static enum mmu_status knob(struct sim *sim, const struct order *o)
{
	return o->arg[0] < MMU_NR_KNOBS ? mmu_set_knob(sim->vm, o->arg[0], o->arg[1]) : MMU_INVAL;
}

static enum mmu_status mode(struct sim *sim, const struct order *o)
{
	return o->arg[0] <= MMU_MODE_TDP ? mmu_set_mode(sim->vm, o->arg[0]) : MMU_INVAL;
}

static enum mmu_status carry_out(struct control *c, struct order *o)
{
	struct sim *sim = &c->run->sim;

	switch (o->command) {
	case CMD_hello:
		return hello(sim);
	case CMD_snapshot:
		sim_snapshot(sim);
		return MMU_OK;
	case CMD_pause:
		c->asked = !c->stopped;
		c->why = CH_STOP_PAUSE;
		c->why_seq = 0;
		return MMU_OK;
	case CMD_resume:
		return go_on(c, CH_STEP_NONE);
	case CMD_step:
		return go_on(c, o->arg[0]);
	case CMD_brk:
		return set_break(c, o);
	case CMD_unbrk:
		return clear_break(c, o->arg[0]);
	case CMD_walk:
		return walk(sim, o);
	case CMD_read:
		return read_memory(sim, o);
	case CMD_write:
		return write_memory(sim, o);
	case CMD_regs:
		return tell_regs(sim, o->arg[0]);
	case CMD_audit:
		mmu_audit(sim->vm, NULL, NULL);
		return MMU_OK;
	case CMD_zap:
		return zap(sim, o);
	case CMD_age:
		return age(sim, o);
	case CMD_knob:
		return knob(sim, o);
	case CMD_mmu:
		return mode(sim, o);
	case CMD_dirty:
		return log_command(sim, o->arg, o->said, sizeof(o->said));
	case CMD_events:
		sim->env.events_on = o->arg[0];
		if (sim->env.events_on)
			sim_snapshot(sim);
		return MMU_OK;
	case CMD_quit:
		c->quit = true;
		return MMU_OK;
	default:
		return MMU_NOSUPP;
	}
}

void command_serve(struct control *c)
{
	struct ch_mail *mail = &c->run->sim.em.header->mail;
	struct sim *sim = &c->run->sim;
	enum mmu_status status;
	const char *text;
	struct order o;

	if (atomic_load_explicit(&mail->state, memory_order_acquire) != CH_MAIL_POSTED)
		return;
	o.command = mail->command;
	o.ticket = mail->ticket;
	o.len = mail->len < MAX_BYTES ? mail->len : MAX_BYTES;
	memcpy(o.arg, mail->arg, sizeof(o.arg));
	memcpy(o.data, mail->data, o.len);
	atomic_store_explicit(&mail->state, CH_MAIL_FREE, memory_order_release);
	ch_set_cause(&sim->em, 0);
	ch_set_cause(&sim->em, sim_emit(sim, MMU_NO_VCPU, command, o.command, o.ticket, o.arg[0],
					o.arg[1], o.arg[2], o.arg[3]));
	o.said[0] = 0;
	status = carry_out(c, &o);
	text = o.said[0] ? o.said : mmu_status_text(status);
	hv_emit_tail(&sim->em, MMU_NO_VCPU, reply, text, strlen(text), o.ticket, status);
	ch_set_cause(&sim->em, 0);
}
