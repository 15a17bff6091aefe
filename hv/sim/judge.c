/* SPDX-License-Identifier: MIT */
/* What vCPUs do on a line of a scenario, and whether it is what was expected. */
#include "hv/sim/cpu.h"
#include "hv/sim/run.h"
#include <string.h>

/* ---- doing --------------------------------------------------------------- */

static void load(struct run *run, const struct scn_line *line)
{
	struct sim_cpu *cpu = &run->sim.cpu[line->cpu];
	struct mmu_regs regs = cpu->regs;

	if (run_smm_line(run, line))
		return;
	switch (line->word) {
	case WORD_cr0:
		regs.cr0 = line->n[0];
		break;
	case WORD_cr3:
		regs.cr3 = line->n[0];
		break;
	case WORD_cr4:
		regs.cr4 = line->n[0];
		break;
	case WORD_efer:
		regs.efer = line->n[0];
		break;
	default:
		guest_change_bit(&regs, line->w[0], line->word == WORD_set);
	}
	sim_set_regs(cpu, &regs,
		     line->word != WORD_cr3 ? MMU_CR3_NONE :
		     line->nr_w ? MMU_CR3_LOAD_NOFLUSH : MMU_CR3_LOAD);
}

static void access_line(struct run *run, const struct scn_line *line)
{
	struct sim_access a = { .gva = line->n[0], .user = line->user, .ac = line->ac, .size = 4 };
	unsigned size_at = line->word == WORD_write ? 2 : 1;

	a.kind = line->word == WORD_write ? HW_WRITE : line->word == WORD_fetch ? HW_FETCH
										 : HW_READ;
	if (line->word == WORD_write)
		a.value = line->n[1];
	if (line->nr_n > size_at)
		a.size = line->n[size_at];
	sim_access(&run->sim.cpu[line->cpu], &a);
	run->last[line->cpu] = a;
	run->last_cpu = line->cpu;
	run_judge_access(run, line, &a);
}

/* What is filled with this was given back. */
static void look(struct run *run, const struct scn_line *line)
{
	struct mmu_host_step steps[5];
	unsigned nr;

	library_begin(&run->sim);
	nr = mmu_host_walk(run->sim.cpu[line->cpu].vcpu, line->n[0], steps);
	library_end(&run->sim);
	for (unsigned i = 0; i < nr; i++)
		if (steps[i].spte == SIM_MEM_FREED)
			run_fail(run, line, "it read a table that had been given back");
}

/* As the guest's own registers have it, or those of the line. */
static struct mmu_nested nested_of(const struct run *run, const struct scn_line *line)
{
	const struct mmu_regs *regs = &run->sim.cpu[line->cpu].regs;

	if (line->word == WORD_vmrun_on)
		return (struct mmu_nested){ .np = true, .ncr3 = line->n[0], .cr0 = line->n[1],
					    .cr4 = line->n[2], .efer = line->n[3] };
	return (struct mmu_nested){ .np = !line->nr_w && run->npt.sim, .ncr3 = run->npt.root,
				    .cr0 = regs->cr0, .cr4 = regs->cr4, .efer = regs->efer };
}

/* VMRUN does not leave SMM. */
static void vmrun(struct run *run, const struct scn_line *line)
{
	bool refused = line->word == WORD_vmrun_on && line->nr_w;
	struct sim_cpu *cpu = &run->sim.cpu[line->cpu];
	const struct mmu_nested nested = nested_of(run, line);
	struct mmu_regs regs = cpu->l2_regs;
	enum mmu_status status;

	regs.smm = cpu->regs.smm;
	status = sim_vmrun(cpu, &nested, &regs);
	if (status != MMU_OK && !refused)
		run_fail(run, line, "the guest may not run it: %s", mmu_status_text(status));
	else if (status == MMU_OK && refused)
		run_fail(run, line, "the guest may run it");
}

static void leave_inner(struct run *run, const struct scn_line *line)
{
	struct sim_cpu *cpu = &run->sim.cpu[line->cpu];

	if (line->word == WORD_vmflush)
		sim_nested_flush(cpu);
	else if ((line->word == WORD_vmexit) != cpu->inner)
		run_fail(run, line, cpu->inner ? "the guest's guest runs" :
						 "no guest of the guest runs");
	else if (line->word == WORD_vmexit)
		sim_vmexit(cpu);
	else
		sim_nested_free(cpu);
}

void run_cpu_line(struct run *run, const struct scn_line *line)
{
	struct sim_cpu *cpu = &run->sim.cpu[line->cpu];

	switch (line->word) {
	case WORD_read:
	case WORD_write:
	case WORD_fetch:
		access_line(run, line);
		break;
	case WORD_invlpg:
		sim_invlpg(cpu, line->n[0]);
		break;
	case WORD_invpcid:
		if (!sim_invpcid(cpu, line->n[0], line->nr_n > 1 ? line->n[1] : 0,
				 line->nr_n > 2 ? line->n[2] : 0))
			run_fail(run, line, "it ended in #GP");
		break;
	case WORD_enter:
		run_judge_access(run, line, &(struct sim_access){
						     .outcome = sim_visit(cpu) == MMU_OK
									? SIM_OK
									: SIM_NOMEM });
		break;
	case WORD_stay:
		if (sim_stay(cpu) != MMU_OK)
			run_fail(run, line, "the host has no page left");
		break;
	case WORD_look:
		look(run, line);
		break;
	case WORD_put:
		run_put(run, line);
		break;
	case WORD_tool_read:
	case WORD_tool_write:
		run_tool(run, line);
		break;
	case WORD_regs:
		run_regs(run, line);
		break;
	case WORD_l2regs:
		cpu->l2_regs = (struct mmu_regs){ .cr0 = line->n[0], .cr3 = line->n[1],
						  .cr4 = line->n[2], .efer = line->n[3] };
		break;
	case WORD_vmrun:
	case WORD_vmrun_on:
		vmrun(run, line);
		break;
	case WORD_vmexit:
	case WORD_vmflush:
	case WORD_vmoff:
		leave_inner(run, line);
		break;
	case WORD_drop_flush:
		cpu->lose_flush += line->nr_n ? line->n[0] : 1;
		break;
	default:
		load(run, line);
	}
}

/* ---- judging ------------------------------------------------------------- */

static void say(struct run *run, const struct scn_line *line, bool ok)
{
	run->held += ok;
	hv_emit_tail(&run->sim.em, MMU_NO_VCPU, expect, line->text, strlen(line->text),
		     line->number, ok);
}

static bool ended_as(const struct sim_access *a, enum scn_result result, u64 value)
{
	switch (result) {
	case RESULT_NONE:
		return a->outcome == SIM_OK;
	case RESULT_VALUE:
		return a->outcome == SIM_OK && a->value == value;
	case RESULT_FAULT:
		return a->outcome == SIM_FAULT && a->error == value;
	case RESULT_REFLECT:
		return a->outcome == SIM_REFLECT && a->error == value;
	case RESULT_MMIO:
		return a->outcome == SIM_MMIO;
	case RESULT_READONLY:
		return a->outcome == SIM_READONLY;
	case RESULT_NOMEM:
		return a->outcome == SIM_NOMEM;
	case RESULT_LATER:
		return true;
	}
	return false;
}

/* How an access ended, in words. Addresses and bits are read in hex, counts in
 * decimal: a value may be either, so it stands there as both. */
static void ending_text(const struct sim_access *a, char *text, size_t size)
{
	unsigned long long value = a->value, error = a->error;

	if (a->outcome == SIM_FAULT)
		snprintf(text, size, "it ended in a page fault, error 0x%llx", error);
	else if (a->outcome == SIM_REFLECT)
		snprintf(text, size, "it ended in a nested page fault, error 0x%llx", error);
	else if (a->outcome != SIM_OK)
		snprintf(text, size, "it ended in: %s", sim_outcome_name(a->outcome));
	else if (value < 10)
		snprintf(text, size, "it was done, value %llu", value);
	else
		snprintf(text, size, "it was done, value %llu (0x%llx)", value, value);
}

void run_judge_access(struct run *run, const struct scn_line *line, const struct sim_access *a)
{
	char text[80];

	bool ok = ended_as(a, line->result, line->result_value);

	if (line->result != RESULT_NONE && line->result != RESULT_LATER)
		say(run, line, ok);
	if (ok)
		return;
	ending_text(a, text, sizeof(text));
	run_fail(run, line, "%s", text);
}

static void finding(void *arg, const struct mmu_finding *f)
{
	struct run *run = arg;

	fprintf(run->options->messages,
		"vitrine-sim: %s: rule %s: %s (page %u entry %u: 0x%llx, should be 0x%llx)\n",
		run->scn->name, f->rule, f->sentence, f->sp, f->index, (unsigned long long)f->have,
		(unsigned long long)f->want);
}

bool run_audit(struct run *run, const struct scn_line *line)
{
	unsigned broken = mmu_audit(run->sim.vm, finding, run);

	run->sim.wrecked |= broken;
	if (broken && !line)
		run_fail(run, line, "the audit found %u broken rules", broken);
	return !broken;
}

static bool role_is(struct run *run, const struct scn_line *line)
{
	char text[80];

	role_text(watch_root_role(&run->watch, line->n[0]), text, sizeof(text));
	return !strcmp(text, line->rest);
}

static struct mmu_stats stats_of(struct run *run)
{
	struct mmu_stats stats;

	mmu_get_stats(run->sim.vm, &stats);
	return stats;
}

/* What has been counted since it was last asked for. */
static u64 since(u64 *known, u64 now)
{
	u64 before = *known;

	*known = now;
	return now - before;
}

static bool ended_as_wished(const struct sim_access *last, const struct scn_line *line)
{
	switch (line->wish) {
	case WISH_fault:
		return ended_as(last, RESULT_FAULT, line->n[0]);
	case WISH_reflect:
		return ended_as(last, RESULT_REFLECT, line->n[0]);
	case WISH_value:
		return ended_as(last, RESULT_VALUE, line->n[0]);
	case WISH_mmio:
		return ended_as(last, RESULT_MMIO, 0);
	case WISH_readonly:
		return ended_as(last, RESULT_READONLY, 0);
	default:
		return ended_as(last, RESULT_NOMEM, 0);
	}
}

/* Is it so? *have gets what was counted, if something was. */
static bool holds(struct run *run, const struct scn_line *line, u64 *have)
{
	const struct sim_access *last = &run->last[run->last_cpu];

	*have = 0;
	switch (line->wish) {
	case WISH_fault:
	case WISH_reflect:
	case WISH_value:
	case WISH_mmio:
	case WISH_readonly:
	case WISH_nomem:
		return ended_as_wished(last, line);
	case WISH_exits:
		return (*have = last->exits) == line->n[0];
	case WISH_hit:
		return last->tlb_hit;
	case WISH_ghost:
		*have = line->nr_w ? run->sim.ghosts_used - run->ghosts_known
				   : sim_find_ghosts(&run->sim);
		if (line->nr_w)
			run->ghosts_known = run->sim.ghosts_used;
		return *have;
	case WISH_tlb:
		*have = tlb_count(&run->sim.cpu[line->n[0] % MMU_MAX_VCPUS].tlb);
		return *have == line->n[1];
	case WISH_sps:
		return (*have = stats_of(run).sps) == line->n[0];
	case WISH_sp:
		*have = watch_count(&run->watch, line->key);
		return line->key[KEY_count] == SCN_ANY ? *have : *have == line->key[KEY_count];
	case WISH_rmap:
		return (*have = watch_rmap(&run->watch, line->n[0], line->n[1] >> PAGE_SHIFT)) ==
		       line->n[2];
	case WISH_root:
		return (*have = watch_root(&run->watch, line->n[0], line->n[1])) == line->n[2];
	case WISH_roots:
		return (*have = watch_roots(&run->watch, line->n[0])) == line->n[1];
	case WISH_dirty:
		return run_is_dirty(run, line);
	case WISH_harvested:
		return run_was_harvested(run, line);
	case WISH_role:
		return role_is(run, line);
	case WISH_audit:
		return run_audit(run, line);
	case WISH_flushes:
		return (*have = since(&run->flushes_known, stats_of(run).flushes)) == line->n[0];
	case WISH_root_flushes:
		*have = since(&run->root_flushes_known, stats_of(run).root_flushes);
		return *have == line->n[0];
	case WISH_young:
	case WISH_old:
	case WISH_unknown:
		return run_is_of_age(run, line);
	case NR_WISHES:
		break;
	}
	return false;
}

/* What there is instead of what was expected. */
static void say_instead(struct run *run, const struct scn_line *line, u64 have)
{
	char text[80];

	switch (line->wish) {
	case WISH_fault:
	case WISH_reflect:
	case WISH_value:
	case WISH_mmio:
	case WISH_readonly:
	case WISH_nomem:
		ending_text(&run->last[run->last_cpu], text, sizeof(text));
		run_fail(run, line, "it is not so; of the last access: %s", text);
		break;
	case WISH_role:
		role_text(watch_root_role(&run->watch, line->n[0]), text, sizeof(text));
		run_fail(run, line, "it is %s", text);
		break;
	case WISH_hit:
	case WISH_audit:
	case WISH_dirty:
	case WISH_harvested:
	case WISH_young:
	case WISH_old:
	case WISH_unknown:
		run_fail(run, line, "it is not so");
		break;
	default:
		run_fail(run, line, "it is not so; the number is %llu", (unsigned long long)have);
	}
}

void run_expect(struct run *run, const struct scn_line *line)
{
	u64 have;
	bool ok = holds(run, line, &have) != line->no;

	say(run, line, ok);
	if (!ok)
		say_instead(run, line, have);
}
