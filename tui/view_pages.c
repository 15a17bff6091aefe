/* SPDX-License-Identifier: MIT */
/* The paging trees: every shadow page under the entry that leads to it. */
#include "tui/ui.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "mmu/role.h"
#include "tui/format.h"
#include "tui/say.h"

#define MAX_ROWS  100000u	/* a damaged recording may link pages in circles */
#define MAX_DEPTH 5

static bool is_open(const struct ui *ui, u32 sp)
{
	return !map_get(&ui->folded, sp);
}

static void add_row(struct ui *ui, const struct ui_row *row)
{
	if (!(ui->nr_rows & (ui->nr_rows - 1)))
		ui->rows = xrealloc(ui->rows,
				    (ui->nr_rows ? ui->nr_rows * 2 : 1) * sizeof(*ui->rows));
	ui->rows[ui->nr_rows++] = *row;
}

static bool has_children(const struct model_vm *vm, const struct model_sp *sp)
{
	for (unsigned i = 0; sp->present && i < PT_ENTRIES; i++)
		if (sp->spte[i] && model_child(vm, sp->sp, i))
			return true;
	return false;
}

static void add_tree(struct ui *ui, const struct model_vm *vm, struct ui_row row)
{
	const struct model_sp *sp = model_sp(vm, row.sp);

	if (!sp || ui->nr_rows >= MAX_ROWS)
		return;
	row.has_children = has_children(vm, sp);
	row.open = is_open(ui, row.sp);
	add_row(ui, &row);
	if (!row.has_children || !row.open || row.depth == MAX_DEPTH)
		return;
	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		struct ui_row child = { .parent = row.sp, .index = i, .depth = row.depth + 1 };

		child.sp = sp->spte[i] ? model_child(vm, row.sp, i) : 0;
		if (child.sp)
			add_tree(ui, vm, child);
	}
}

static void prepare(struct ui *ui, int width)
{
	const struct model_vm *vm = ui_vm(ui);
	struct map linked;
	const u32 *child;
	u32 n, at = 0;
	u64 key, *sps;

	(void)width;
	ui->nr_rows = 0;
	if (!vm)
		return;
	map_init(&linked, sizeof(u8));
	while ((child = map_next(&vm->links, &at, &key)))
		map_put(&linked, *child);
	sps = map_keys(&vm->sps, &n);
	for (u32 i = 0; i < n; i++)
		if (!map_get(&linked, sps[i]))
			add_tree(ui, vm, (struct ui_row){ .sp = sps[i] });
	free(sps);
	map_fini(&linked);
}

static void title(struct ui *ui, struct line *line)
{
	const struct model_vm *vm = ui_vm(ui);

	if (!vm)
		return;
	line_add(line, INK_title, " %u", map_count(&vm->sps));
	if (vm->unknown)
		line_add(line, INK_bad, " UNKNOWN since event %" PRIu64, vm->unknown_since);
}

static size_t count(struct ui *ui)
{
	return ui->nr_rows;
}

/* Which vCPU has the page as its current root, -1: none. */
static int root_of(const struct model_vm *vm, u32 sp)
{
	for (int i = 0; i < MODEL_MAX_VCPUS; i++)
		if (model_hardware(&vm->vcpu[i])->root[0].sp == sp)
			return i;
	return -1;
}

static void add_role(struct line *line, u32 word)
{
	union mmu_role role = { .word = word };

	line_add(line, INK_role, " l%u%s", role.level, role.has_4_byte_gpte ? " 4b" : "");
	if (role.direct)
		line_add(line, INK_role, " d ");
	else if (role.has_4_byte_gpte)
		line_add(line, INK_role, " q%u", role.quadrant);
	else
		line_add(line, INK_role, "   ");
	line_add(line, INK_role, " %s", role_access_text(role.access));
	if (role.smm)
		line_add(line, INK_role, " smm");
}

static void add_marks(struct line *line, const struct model_vm *vm, const struct model_sp *sp,
		      const struct event *ev)
{
	int vcpu = root_of(vm, sp->sp);

	if (ev && sp->born == ev->seq)
		line_add(line, INK_changed, " new");
	else if (ev && sp->changed_at == ev->seq)
		line_add(line, INK_changed, " changed");
	if (sp->unsync)
		line_add(line, INK_changed, " ~unsync");
	if (sp->zapped)
		line_add(line, INK_bad, " zapped: %s", zapwhy_name(sp->why));
	if (vcpu >= 0)
		line_add(line, INK_title, " root vcpu%d", vcpu);
}

static void line(struct ui *ui, size_t i, struct line *line)
{
	const struct ui_row *row = &ui->rows[i];
	const struct model_vm *vm = ui_vm(ui);
	const struct model_sp *sp = model_sp(vm, row->sp);
	const struct event *ev = ui_event(ui);
	bool fresh;

	if (!sp)
		return;
	fresh = ev && (sp->born == ev->seq || sp->changed_at == ev->seq);
	line_add(line, INK_plain, "%*s%s", 2 * row->depth, "",
		 !row->has_children ? "  " : row->open ? "▾ " : "▸ ");
	line_add(line, fresh ? INK_changed : INK_plain, "%s%u", fresh ? "+" : "", sp->sp);
	line_add(line, INK_address, " gfn %" PRIx64, sp->gfn);
	add_role(line, sp->role);
	line_add(line, INK_plain, " %3u", sp->present);
	add_marks(line, vm, sp, ev);
}

static size_t current(struct ui *ui)
{
	for (size_t i = 0; i < ui->nr_rows; i++)
		if (ui->rows[i].sp == ui->at.sp)
			return i;
	return ui->nr_rows;
}

static void select_line(struct ui *ui, size_t i)
{
	ui_select_page(ui, ui->rows[i].sp);
}

static bool action(struct ui *ui, enum action action)
{
	if (action == ACTION_enter && ui->at.sp) {
		ui_open(ui, &view_page);
		return true;
	}
	if (action != ACTION_fold || !ui->at.sp)
		return false;
	if (is_open(ui, ui->at.sp))
		map_put(&ui->folded, ui->at.sp);
	else
		map_remove(&ui->folded, ui->at.sp);
	return true;
}

const struct view_ops view_pages = {
	.name = "pages", .sentence = "the trees the hardware walks", .prepare = prepare,
	.title = title, .count = count, .line = line, .current = current, .select = select_line,
	.action = action,
};
