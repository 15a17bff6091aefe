/* SPDX-License-Identifier: MIT */
/* The small lists: rmap of the selected frame, flush ledger, TLB, notes. */
#include "tui/ui.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "mmu/spte.h"
#include "tui/format.h"
#include "tui/say.h"

static void keep_keys(struct ui *ui, u64 *keys, u32 n)
{
	free(ui->keys);
	ui->keys = keys;
	ui->nr_keys = n;
}

static size_t count_keys(struct ui *ui)
{
	return ui->nr_keys;
}

static void nothing(struct ui *ui, int width)
{
	(void)ui;
	(void)width;
}

/* ---- rmap: who maps the selected frame ---------------------------------------- */

static void rmap_prepare(struct ui *ui, int width)
{
	const struct model_vm *vm = ui_vm(ui);
	const struct model_rmap *rmap;
	u32 n, kept = 0;
	u64 *keys = vm ? map_keys(&vm->rmaps, &n) : NULL;

	(void)width;
	for (u32 i = 0; keys && i < n; i++) {
		rmap = map_get(&vm->rmaps, keys[i]);
		if (!ui->at.gfn || (rmap->level >= 1 && rmap->level <= 3 &&
				    ui->at.gfn - rmap->gfn < level_frames(rmap->level)))
			keys[kept++] = keys[i];
	}
	keep_keys(ui, keys, kept);
}

static void rmap_title(struct ui *ui, struct line *line)
{
	const struct model_vm *vm = ui_vm(ui);
	const u16 *shadows = vm ? map_get(&vm->tracks, model_frame_key(0, ui->at.gfn)) : NULL;

	if (!ui->at.gfn)
		line_add(line, INK_title, " of all frames");
	else
		line_add(line, INK_title, " of gfn %" PRIx64, ui->at.gfn);
	if (ui->at.gfn && shadows)
		line_add(line, INK_changed, "  a page table with %u shadows", *shadows);
}

static void rmap_line(struct ui *ui, size_t i, struct line *line)
{
	const struct model_vm *vm = ui_vm(ui);
	const struct model_rmap *rmap = map_get(&vm->rmaps, ui->keys[i]);
	const struct model_sp *sp = model_sp(vm, ui->keys[i] >> 9);
	unsigned entry = ui->keys[i] & (PT_ENTRIES - 1);

	line_add(line, INK_address, "as %u gfn %-8" PRIx64, rmap->as, rmap->gfn);
	line_add(line, INK_plain, " page %" PRIu64 " entry %u level %u", ui->keys[i] >> 9, entry,
		 rmap->level);
	if (sp)
		line_add(line, INK_plain, "  spte 0x%" PRIx64 " %s", sp->spte[entry],
			 sp->spte[entry] & SPTE_W ? "writable" : "read-only");
}

static size_t rmap_current(struct ui *ui)
{
	for (u32 i = 0; i < ui->nr_keys; i++)
		if (ui->keys[i] == model_entry_key(ui->at.sp, ui->at.entry))
			return i;
	return ui->nr_keys;
}

static void rmap_select(struct ui *ui, size_t i)
{
	ui->at.sp = ui->keys[i] >> 9;
	ui->at.entry = ui->keys[i] & (PT_ENTRIES - 1);
}

static bool rmap_action(struct ui *ui, enum action action)
{
	if (action != ACTION_enter || !ui_sp(ui))
		return false;
	ui_open(ui, &view_page);
	return true;
}

const struct view_ops view_rmap = {
	.name = "rmap", .sentence = "every entry that maps the selected frame",
	.prepare = rmap_prepare, .title = rmap_title, .count = count_keys, .line = rmap_line,
	.current = rmap_current, .select = rmap_select, .action = rmap_action,
};

/* ---- the flush ledger --------------------------------------------------------- */

static size_t flushes_count(struct ui *ui)
{
	const struct model_vm *vm = ui_vm(ui);

	return !vm ? 0 : vm->nr_ledger < MODEL_LEDGER ? vm->nr_ledger : MODEL_LEDGER;
}

/* Only a host that flushes by root is told which there are. */
static void flushes_title(struct ui *ui, struct line *line)
{
	const struct model_vm *vm = ui_vm(ui);

	for (unsigned i = 0; vm && i < MODEL_MAX_VCPUS; i++)
		if (vm->vcpu[i].flush_root)
			line_add(line, INK_plain, " vcpu%u: page %u ", i, vm->vcpu[i].flush_root);
}

static void flushes_line(struct ui *ui, size_t i, struct line *line)
{
	const struct model_vm *vm = ui_vm(ui);
	u32 nr = vm->nr_ledger - flushes_count(ui) + i;
	const struct model_flush *f = &vm->ledger[nr % MODEL_LEDGER];

	line_add(line, INK_dim, "%" PRIu64 " ", f->seq);
	switch (f->id) {
	case EV_flush_request:
		line_add(line, INK_plain, "request  gfn %" PRIx64 " pages %" PRIu64 ": %s", f->gfn,
			 f->npages, why_sentence(f->why));
		break;
	case EV_flush_joined:
		line_add(line, INK_dim, "  joins  gfn %" PRIx64 " pages %" PRIu64 ": %s", f->gfn,
			 f->npages, why_sentence(f->why));
		break;
	case EV_flush_root:
		line_add(line, f->ok ? INK_good : INK_bad, "  %s root page %u",
			 f->ok ? "done  " : "REFUSED", f->sp);
		if (f->npages)
			line_add(line, INK_plain, " gfn %" PRIx64 " pages %" PRIu64, f->gfn,
				 f->npages);
		break;
	case EV_flush_vcpu:
		line_add(line, INK_plain, "  told   vcpu%u", f->target);
		break;
	default:
		line_add(line, INK_good, "  done   vcpu%u enters with an empty TLB", f->target);
		if (f->asked > 1)
			line_add(line, INK_good, ", asked %u times", f->asked);
	}
}

const struct view_ops view_flushes = {
	.name = "flushes", .sentence = "TLB flushes: asked for, told, done", .prepare = nothing,
	.title = flushes_title, .count = flushes_count, .line = flushes_line, .tail = true,
};

/* ---- the simulated TLB --------------------------------------------------------- */

static void tlb_prepare(struct ui *ui, int width)
{
	const struct model_vm *vm = ui_vm(ui);
	u32 n = 0;
	u64 *keys = vm ? map_keys(&vm->tlb, &n) : NULL;

	(void)width;
	keep_keys(ui, keys, n);
}

static void tlb_title(struct ui *ui, struct line *line)
{
	const struct model_vm *vm = ui_vm(ui);

	if (vm && !ui->nr_keys)
		line_add(line, INK_dim, " no entry (only the simulated machine shows its TLB)");
	else if (model_ghosts(vm))
		line_add(line, INK_bad, " %u ghosts", model_ghosts(vm));
}

static void tlb_line(struct ui *ui, size_t i, struct line *line)
{
	const struct model_tlb *tlb = map_get(&ui_vm(ui)->tlb, ui->keys[i]);

	line_add(line, INK_plain, "vcpu%u ", tlb->vcpu);
	line_add(line, INK_address, "gva %" PRIx64 " → hpa %" PRIx64, tlb->gva, tlb->hpa);
	line_add(line, INK_plain, " level %u %s%s", tlb->level, access_name(tlb->access),
		 tlb->global ? " global" : "");
	if (tlb->ghost)
		line_add(line, INK_bad, "  GHOST: the tables say otherwise");
}

const struct view_ops view_tlb = {
	.name = "tlb", .sentence = "TLB entries of the simulated machine, with ghosts",
	.prepare = tlb_prepare, .title = tlb_title, .count = count_keys, .line = tlb_line,
};

/* ---- the rules ------------------------------------------------------------------ */

static const struct {
	const char *name, *sentence;
} rules[] = {
#define INVARIANT(id, name, sentence) { name, sentence },
#include "mmu/invariants.def"
};

static size_t rules_count(struct ui *ui)
{
	const struct model_vm *vm = ui_vm(ui);

	return vm ? vm->nr_findings + 1 : 0;
}

static void rules_line(struct ui *ui, size_t i, struct line *line)
{
	const struct model_vm *vm = ui_vm(ui);
	const struct model_finding *f;

	if (!i) {
		if (!vm->audit_seq)
			line_add(line, INK_dim, "never audited; A checks every rule");
		else
			line_add(line, vm->audit_broken ? INK_bad : INK_good,
				 "audit at event %" PRIu64 ": %u rules, %u broken%s", vm->audit_seq,
				 vm->audit_rules, vm->audit_broken,
				 vm->audit_done ? "" : " (not finished)");
		return;
	}
	f = &vm->finding[i - 1];
	if (f->rule < sizeof(rules) / sizeof(rules[0]))
		line_add(line, INK_bad, "✗ %s", rules[f->rule].name);
	else
		line_add(line, INK_bad, "✗ rule %u", f->rule);
	line_add(line, INK_bad, " page %u entry %u: have 0x%" PRIx64 ", want 0x%" PRIx64, f->sp,
		 f->index, f->have, f->want);
	if (f->rule < sizeof(rules) / sizeof(rules[0]))
		line_add(line, INK_plain, "  %s", rules[f->rule].sentence);
}

const struct view_ops view_rules = {
	.name = "rules", .sentence = "what the last audit found", .prepare = nothing,
	.count = rules_count, .line = rules_line,
};

/* ---- notes: damage and losses ---------------------------------------------------- */

static size_t model_notes(struct ui *ui)
{
	u32 n = ui_model(ui)->nr_damage;

	return n < MODEL_DAMAGES ? n : MODEL_DAMAGES;
}

static size_t file_notes(struct ui *ui)
{
	size_t n = 0;

	for (const char *p = timeline_notes(ui->tl); (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

static size_t notes_count(struct ui *ui)
{
	return 1 + file_notes(ui) + model_notes(ui);
}

static void notes_line(struct ui *ui, size_t i, struct line *line)
{
	const struct model *m = ui_model(ui);
	const struct model_damage *d;
	const char *p = timeline_notes(ui->tl);
	size_t in_file = file_notes(ui);

	if (!i) {
		line_add(line, m->lost ? INK_bad : INK_plain, "%" PRIu64 " events lost, %u contradictions",
			 m->lost, m->nr_damage);
		return;
	}
	if (--i < in_file) {
		while (i--)
			p = strchr(p, '\n') + 1;
		line_add(line, INK_bad, "%.*s", (int)strcspn(p, "\n"), p);
		return;
	}
	i -= in_file;
	d = &m->damage[(m->nr_damage - model_notes(ui) + i) % MODEL_DAMAGES];
	line_add(line, INK_bad, "event %" PRIu64 ": %s", d->seq, d->text);
}

const struct view_ops view_notes = {
	.name = "notes", .sentence = "losses, damage, contradictions", .prepare = nothing,
	.count = notes_count, .line = notes_line,
};
