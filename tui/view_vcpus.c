/* SPDX-License-Identifier: MIT */
/* vCPUs: what they do, their roots and roles, the last exit and registers. */
#include "tui/ui.h"
#include <inttypes.h>
#include "mmu/role.h"
#include "tui/format.h"

#define REGS_LINES 6u

static void prepare(struct ui *ui, int width)
{
	(void)ui;
	(void)width;
}

/* Where the machine stands still its registers are asked for; the answer comes
 * after the event it stopped at, and is shown there. */
static const struct model_vm *vm_of(struct ui *ui)
{
	const struct model *live = timeline_live(ui->tl);
	const struct event *ev = ui_event(ui);

	if (live->stopped && ev && ev->seq >= live->stop_seq)
		return model_vm(live, ui->at.level, ui->at.vm);
	return ui_vm(ui);
}

static size_t lines_of(const struct model_vcpu *vcpu)
{
	return !vcpu->known ? 0 : vcpu->regs_seq ? 4 + REGS_LINES : 4;
}

static size_t count(struct ui *ui)
{
	const struct model_vm *vm = vm_of(ui);
	size_t n = 0;

	for (unsigned i = 0; vm && i < MODEL_MAX_VCPUS; i++)
		n += lines_of(&vm->vcpu[i]);
	return n;
}

/* The vCPU that line *i is about; *i becomes the line within it. */
static const struct model_vcpu *owner(const struct model_vm *vm, size_t *i, unsigned *id)
{
	for (*id = 0; *i >= lines_of(&vm->vcpu[*id]); (*id)++)
		*i -= lines_of(&vm->vcpu[*id]);
	return &vm->vcpu[*id];
}

static void line_state(const struct model_vcpu *vcpu, unsigned id, struct line *line)
{
	union mmu_role role = { .word = vcpu->cpu_role };

	line_add(line, INK_title, "vcpu%u %s", id, vstate_name(vcpu->state));
	if (!role.level)
		line_add(line, INK_plain, "  no paging");
	else
		line_add(line, INK_plain, "  %s, %u levels", role.has_4_byte_gpte ? "4-byte gptes" :
			 "8-byte gptes", role.level);
	line_add(line, INK_role, "  cpu role 0x%x.%x  root role 0x%x", vcpu->cpu_role,
		 vcpu->cpu_ext, vcpu->root_role);
}

static void line_roots(const struct model_vcpu *vcpu, struct line *line)
{
	line_add(line, INK_plain, "  roots");
	for (unsigned i = 0; i < MODEL_ROOTS; i++) {
		const struct model_root *root = &vcpu->root[i];

		if (root->sp)
			line_add(line, INK_plain, "  %s page %u for cr3 %" PRIx64,
				 i ? "before:" : "now:", root->sp, root->pgd);
	}
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

static void line_regs(const struct model_vcpu *vcpu, size_t row, struct line *line)
{
	const struct ev_regs *r = &vcpu->regs;

#define FOUR(a, b, c, d)                                                                           \
	line_add(line, INK_plain,                                                                  \
		 "  %-6s %016" PRIx64 " %-6s %016" PRIx64 " %-6s %016" PRIx64 " %-6s %016" PRIx64, \
		 #a, (u64)r->a, #b, (u64)r->b, #c, (u64)r->c, #d, (u64)r->d)
	switch (row) {
	case 0:
		FOUR(rax, rbx, rcx, rdx);
		break;
	case 1:
		FOUR(rsi, rdi, rbp, rsp);
		break;
	case 2:
		FOUR(r8, r9, r10, r11);
		break;
	case 3:
		FOUR(r12, r13, r14, r15);
		break;
	case 4:
		FOUR(rip, rflags, cr0, cr2);
		break;
	default:
		FOUR(cr3, cr4, efer, cs_base);
	}
#undef FOUR
}

static void line(struct ui *ui, size_t i, struct line *line)
{
	unsigned id;
	const struct model_vcpu *vcpu = owner(vm_of(ui), &i, &id);

	switch (i) {
	case 0:
		line_state(vcpu, id, line);
		break;
	case 1:
		line_roots(vcpu, line);
		break;
	case 2:
		line_exit(vcpu, line);
		break;
	case 3:
		if (vcpu->regs_seq)
			line_add(line, INK_dim, "  registers as last seen at event %" PRIu64,
				 vcpu->regs_seq);
		else
			line_add(line, INK_dim, "  registers not recorded");
		break;
	default:
		line_regs(vcpu, i - 4, line);
	}
}

const struct view_ops view_vcpus = {
	.name = "vcpus", .sentence = "roots, last exit, registers", .prepare = prepare,
	.count = count, .line = line,
};
