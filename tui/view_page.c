/* SPDX-License-Identifier: MIT */
/* One shadow page: what its role says, who leads to it, and its 512 entries. */
#include "tui/ui.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "mmu/role.h"
#include "mmu/spte.h"
#include "tui/say.h"

#define PER_LINE 32u

static struct line *new_line(struct ui *ui)
{
	ui->page_lines = xrealloc(ui->page_lines,
				  (ui->nr_page_lines + 1) * sizeof(*ui->page_lines));
	memset(&ui->page_lines[ui->nr_page_lines], 0, sizeof(struct line));
	return &ui->page_lines[ui->nr_page_lines++];
}

/* Words separated by commas, broken into lines of the width. */
static void add_wrapped(struct ui *ui, const char *text, int width, enum ink ink)
{
	const char *indent = "";

	while (*text) {
		int room = width - (int)strlen(indent), n = (int)strlen(text), cut = n;

		if (n > room)
			for (cut = room; cut > 1 && text[cut - 1] != ' ';)
				cut--;
		if (cut <= 1)
			cut = n;
		line_add(new_line(ui), ink, "%s%.*s", indent, cut, text);
		text += cut;
		indent = "  ";
	}
}

static void describe_role(struct ui *ui, const struct model_sp *sp, int width)
{
	union mmu_role role = { .word = sp->role };
	struct text text = { 0 };

	text_add(&text, "role 0x%08x: level %u, ", sp->role, role.level);
	text_add(&text, "%s, ", role.has_4_byte_gpte ? "4-byte gptes" : "8-byte gptes");
	if (role.has_4_byte_gpte)
		text_add(&text, "quadrant %u, ", role.quadrant);
	text_add(&text, "%s, access %s, %s%s%s%s%s%s%s", role.direct ? "direct" : "indirect",
		 role_access_text(role.access), role.efer_nx ? "nx" : "no nx",
		 role.cr0_wp ? ", wp" : ", no wp", role.smep_andnot_wp ? ", smep without wp" : "",
		 role.smap_andnot_wp ? ", smap without wp" : "", role.ad_disabled ? ", no A/D" : "",
		 role.guest_mode ? ", for L2" : "", role.smm ? ", smm" : "");
	if (role.invalid)
		text_add(&text, ", invalid");
	add_wrapped(ui, text_str(&text), width, INK_role);
	text_free(&text);
}

static void describe_place(struct ui *ui, const struct model_vm *vm, const struct model_sp *sp,
			   int width)
{
	struct text text = { 0 };
	const u32 *child;
	unsigned parents = 0;
	u32 at = 0;
	u64 key;

	text_add(&text, "parents:");
	while ((child = map_next(&vm->links, &at, &key)))
		if (*child == sp->sp && ++parents <= 4)
			text_add(&text, " page %" PRIu64 " entry %" PRIu64 ",", key >> 9,
				 key & (PT_ENTRIES - 1));
	text_add(&text, "%s", !parents ? " none, " : parents > 4 ? " and more, " : " ");
	text_add(&text, "unsync: %s, ", sp->unsync ? "yes" : "no");
	if (sp->root_count)
		text_add(&text, "root of %u, ", sp->root_count);
	text_add(&text, "table at hpa 0x%" PRIx64 ", made at event %" PRIu64, sp->hpa, sp->born);
	add_wrapped(ui, text_str(&text), width, INK_plain);
	text_free(&text);
}

/* The mark of an entry in the map: a letter says what it is. */
static char mark(const struct model_vm *vm, const struct model_sp *sp, unsigned i, enum ink *ink)
{
	union mmu_role role = { .word = sp->role };
	u64 spte = sp->spte[i];

	*ink = INK_plain;
	if (!spte) {
		*ink = INK_dim;
		return '.';
	}
	if (spte_is_mmio(spte))
		return 'm';
	if (!spte_is_present(spte)) {
		*ink = INK_bad;
		return '!';
	}
	if (model_child(vm, sp->sp, i) || spte_is_table(spte, role.level)) {
		*ink = INK_role;
		return '>';
	}
	*ink = INK_good;
	if (spte & SPTE_LARGE && role.level > LEVEL_4K)
		return spte & SPTE_W ? 'H' : 'h';
	if (!(spte & SPTE_W))
		return 'r';
	return spte & SPTE_D ? 'd' : 'w';
}

static void add_map_line(struct ui *ui, const struct model_vm *vm, const struct model_sp *sp,
			 unsigned first)
{
	struct line *line = new_line(ui);
	const struct event *ev = ui_event(ui);

	for (unsigned i = first; i < first + PER_LINE; i++) {
		enum ink ink;
		char c = mark(vm, sp, i, &ink);

		if (ev && sp->changed_at == ev->seq && sp->changed == i)
			ink = INK_changed;
		if (i == ui->at.entry)
			ink = INK_cursor;
		line_add(line, ink, "%c", c);
	}
	line_add(line, INK_dim, " %u", first);
}

static bool is_empty(const struct model_sp *sp, unsigned first)
{
	for (unsigned i = first; i < first + PER_LINE; i++)
		if (sp->spte[i])
			return false;
	return true;
}

/* All 16 lines, or, where there is little room, empty ones counted only. */
static void add_map(struct ui *ui, const struct model_vm *vm, const struct model_sp *sp,
		    bool narrow)
{
	unsigned empty = 0;

	for (unsigned i = 0; i < PT_ENTRIES; i += PER_LINE) {
		bool here = ui->at.entry / PER_LINE == i / PER_LINE;

		if (narrow && !here && is_empty(sp, i)) {
			empty += PER_LINE;
			continue;
		}
		if (empty)
			line_add(new_line(ui), INK_dim, "(%u empty)", empty);
		empty = 0;
		if (here)
			ui->page_map = ui->nr_page_lines;
		add_map_line(ui, vm, sp, i);
	}
	if (empty)
		line_add(new_line(ui), INK_dim, "(%u empty)", empty);
}

static void describe_entry(struct ui *ui, const struct model_vm *vm, const struct model_sp *sp)
{
	u32 child = model_child(vm, sp->sp, ui->at.entry);
	struct line *line = new_line(ui);

	line_add(line, INK_plain, "entry %u: 0x%" PRIx64, ui->at.entry, sp->spte[ui->at.entry]);
	if (child)
		line_add(line, INK_plain, " page %u", child);
}

/* The same in two lines, for a pane of the tour. */
static void describe_short(struct ui *ui, const struct model_vm *vm, const struct model_sp *sp)
{
	struct line *line = new_line(ui);
	char role[64];
	unsigned index;
	u32 parent = model_parent(vm, sp->sp, &index);

	role_text((union mmu_role){ .word = sp->role }, role, sizeof(role));
	line_add(line, INK_role, "role %x: %s", sp->role, role);
	line = new_line(ui);
	if (parent)
		line_add(line, INK_plain, "parent: page %u entry %u", parent, index);
	else
		line_add(line, INK_plain, "parent: none");
	line_add(line, INK_plain, "  unsync: %s", sp->unsync ? "yes" : "no");
}

static void prepare(struct ui *ui, int width)
{
	const struct model_vm *vm = ui_vm(ui);
	const struct model_sp *sp = ui_sp(ui);

	for (size_t i = 0; i < ui->nr_page_lines; i++)
		text_free(&ui->page_lines[i].text);
	ui->nr_page_lines = 0;
	if (!sp) {
		if (ui->at.sp)
			line_add(new_line(ui), INK_dim, "no page %u at this event", ui->at.sp);
		else
			line_add(new_line(ui), INK_dim, "no page is selected");
		return;
	}
	if (width < 2 * (int)PER_LINE) {
		describe_short(ui, vm, sp);
	} else {
		describe_role(ui, sp, width);
		describe_place(ui, vm, sp, width);
	}
	add_map(ui, vm, sp, width < 2 * (int)PER_LINE);
	describe_entry(ui, vm, sp);
	add_wrapped(ui, ". none r ro w writable d dirty m mmio H huge > table ! not present", width,
		    INK_dim);
}

static void title(struct ui *ui, struct line *line)
{
	const struct model_sp *sp = ui_sp(ui);
	union mmu_role role = { .word = sp ? sp->role : 0 };

	if (sp)
		line_add(line, INK_title, " %u  gfn %" PRIx64 "  level %u  %u present", sp->sp,
			 sp->gfn, role.level, sp->present);
}

static size_t count(struct ui *ui)
{
	return ui->nr_page_lines;
}

static void line(struct ui *ui, size_t i, struct line *line)
{
	const struct line *from = &ui->page_lines[i];
	size_t at = 0;

	for (unsigned r = 0; r < from->nr_runs; r++) {
		line_add(line, from->run[r].ink, "%.*s", (int)(from->run[r].end - at),
			 text_str(&from->text) + at);
		at = from->run[r].end;
	}
}

/* The map's line with the selected entry stays in sight. */
static size_t current(struct ui *ui)
{
	return ui_sp(ui) ? ui->page_map : 0;
}

static void move(struct ui *ui, int by)
{
	ui->at.entry = (ui->at.entry + PT_ENTRIES + by) % PT_ENTRIES;
}

static bool action(struct ui *ui, enum action action)
{
	u32 child;

	switch (action) {
	case ACTION_up:
		move(ui, -(int)PER_LINE);
		return true;
	case ACTION_down:
		move(ui, PER_LINE);
		return true;
	case ACTION_left:
		move(ui, -1);
		return true;
	case ACTION_right:
		move(ui, 1);
		return true;
	case ACTION_enter:
		child = ui_sp(ui) ? model_child(ui_vm(ui), ui->at.sp, ui->at.entry) : 0;
		ui_open(ui, child ? &view_page : &view_spte);
		if (child)
			ui_select_page(ui, child);
		return true;
	default:
		return false;
	}
}

const struct view_ops view_page = {
	.name = "page", .sentence = "one table, its role and its 512 entries", .prepare = prepare,
	.title = title, .count = count, .line = line, .current = current, .action = action,
};
