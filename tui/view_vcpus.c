/* SPDX-License-Identifier: MIT */
/* vCPUs: what they do, their roots and roles, the last exit and registers. */
#include "tui/ui.h"
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include "mmu/role.h"
#include "tui/format.h"

static const struct reg {
	const char *name;
	size_t offset;		/* in struct ev_regs; 8 bytes */
} regs[] = {
#define REG(name) { #name, offsetof(struct ev_regs, name) }
	REG(rax), REG(rbx), REG(rcx), REG(rdx), REG(rsi), REG(rdi), REG(rbp), REG(rsp),
	REG(r8),  REG(r9),  REG(r10), REG(r11), REG(r12), REG(r13), REG(r14), REG(r15),
	REG(rip), REG(rflags), REG(cr0), REG(cr2), REG(cr3), REG(cr4), REG(efer), REG(cs_base),
#undef REG
};

#define NR_REGS	  (sizeof(regs) / sizeof(regs[0]))
#define REG_WIDTH 25	/* " rflags  0123456789abcdef" */

/* As many columns as fit and divide the registers evenly. */
static void prepare(struct ui *ui, int width)
{
	ui->reg_columns = width >= 4 * REG_WIDTH ? 4 : width >= 3 * REG_WIDTH ? 3 :
			  width >= 2 * REG_WIDTH ? 2 : 1;
}

static bool stands_still(struct ui *ui)
{
	const struct model *live = timeline_live(ui->tl);
	const struct event *ev = ui_event(ui);

	return live->stopped && ev && ev->seq >= live->stop_seq;
}

/* Where the machine stands still its registers are asked for; the answer comes
 * after the event it stopped at, and is shown there. */
static const struct model_vm *vm_of(struct ui *ui)
{
	return stands_still(ui) ? model_vm(timeline_live(ui->tl), ui->at.level, ui->at.vm) :
				  ui_vm(ui);
}

static size_t lines_of(const struct ui *ui, const struct model_vcpu *vcpu)
{
	if (!vcpu->known)
		return 0;
	return vcpu->regs_seq ? 4 + NR_REGS / ui->reg_columns : 4;
}

static size_t count(struct ui *ui)
{
	const struct model_vm *vm = vm_of(ui);
	size_t n = 0;

	for (unsigned i = 0; vm && i < MODEL_MAX_VCPUS; i++)
		n += lines_of(ui, &vm->vcpu[i]);
	return n;
}

/* The vCPU that line *i is about; *i becomes the line within it. */
static const struct model_vcpu *owner(struct ui *ui, size_t *i, unsigned *id)
{
	const struct model_vm *vm = vm_of(ui);

	for (*id = 0; *i >= lines_of(ui, &vm->vcpu[*id]); (*id)++)
		*i -= lines_of(ui, &vm->vcpu[*id]);
	return &vm->vcpu[*id];
}

static void line_state(struct ui *ui, const struct model_vcpu *vcpu, unsigned id,
		       struct line *line)
{
	const struct model_context *walked = model_walked(vcpu);
	union mmu_role role = { .word = walked->cpu_role };
	bool held = stands_still(ui) && vcpu->state == CH_RUNNING;

	line_add(line, INK_title, "vcpu%u %s", id,
		 vstate_name(held ? CH_STOPPED : vcpu->state));
	if (!role.level)
		line_add(line, INK_plain, "  no paging");
	else
		line_add(line, INK_plain, "  %s, %u levels", role.has_4_byte_gpte ? "4-byte gptes" :
			 "8-byte gptes", role.level);
	line_add(line, INK_role, "  cpu role 0x%x.%x  root role 0x%x", walked->cpu_role,
		 walked->cpu_ext, model_hardware(vcpu)->root_role);
	if (vcpu->smm)
		line_add(line, INK_title, "  SMM");
	if (vcpu->inner)
		line_add(line, INK_title, "  inner guest");
	if (vcpu->np)
		line_add(line, INK_address, ", nested tables at %" PRIx64, vcpu->ncr3);
}

static void line_roots(const struct model_vcpu *vcpu, struct line *line)
{
	line_add(line, INK_plain, "  roots");
	for (unsigned i = 0; i < MODEL_ROOTS; i++) {
		const struct model_root *root = &model_hardware(vcpu)->root[i];

		if (root->sp)
			line_add(line, INK_plain, "  %s page %u for %s %" PRIx64,
				 i ? "before:" : "now:", root->sp, vcpu->np ? "ncr3" : "cr3",
				 root->pgd);
	}
	for (unsigned i = 0; i < 32; i++)
		if (vcpu->requests & 1u << i)
			line_add(line, INK_bad, "  to do: %s", request_name(i));
}

static void line_exit(const struct model_vcpu *vcpu, struct line *line)
{
	if (!vcpu->exit_seq) {
		line_add(line, INK_dim, "  no exit seen");
		return;
	}
	line_add(line, INK_plain, "  last exit at event %" PRIu64 ": %s (0x%x) info %" PRIx64
		 " %" PRIx64, vcpu->exit_seq, ch_exit_name(vcpu->exit.kind), vcpu->exit.code,
		 (u64)vcpu->exit.info1, (u64)vcpu->exit.info2);
	line_add(line, INK_address, "  rip %" PRIx64, (u64)vcpu->exit.rip);
	for (unsigned i = 0; i < vcpu->exit_len; i++)
		line_add(line, INK_dim, " %02x", vcpu->exit_bytes[i]);
}

static void line_regs(const struct model_vcpu *vcpu, size_t row, unsigned columns,
		      struct line *line)
{
	size_t first = row * columns;
	u64 value;

	for (size_t i = first; i < first + columns && i < NR_REGS; i++) {
		memcpy(&value, (const u8 *)&vcpu->regs + regs[i].offset, sizeof(value));
		line_add(line, INK_plain, "%s%-7s %016" PRIx64, i == first ? "" : " ",
			 regs[i].name, value);
	}
}

static void line_regs_when(struct ui *ui, const struct model_vcpu *vcpu, struct line *line)
{
	const struct event *ev = ui_event(ui);
	bool later = ev && vcpu->regs_seq > ev->seq;

	if (vcpu->regs_seq)
		line_add(line, INK_dim, "  registers as %s at event %" PRIu64 "%s",
			 later ? "read" : "last seen", vcpu->regs_seq,
			 later ? ", after this one" : "");
	else
		line_add(line, INK_dim, "  registers not recorded");
}

static void line(struct ui *ui, size_t i, struct line *line)
{
	unsigned id;
	const struct model_vcpu *vcpu = owner(ui, &i, &id);

	switch (i) {
	case 0:
		line_state(ui, vcpu, id, line);
		break;
	case 1:
		line_roots(vcpu, line);
		break;
	case 2:
		line_exit(vcpu, line);
		break;
	case 3:
		line_regs_when(ui, vcpu, line);
		break;
	default:
		line_regs(vcpu, i - 4, ui->reg_columns, line);
	}
}

const struct view_ops view_vcpus = {
	.name = "vcpus", .sentence = "roots, last exit, registers", .prepare = prepare,
	.count = count, .line = line,
};
