/* SPDX-License-Identifier: MIT */
/* One entry bit by bit: what each says, where it leads, who changed it last. */
#include "tui/ui.h"
#include <inttypes.h>
#include "mmu/role.h"
#include "mmu/spte.h"

struct bit_row {
	u8 hi, lo;
	const char *name, *sentence;
};

static const struct bit_row bits[] = {
#define SPTE_BIT(hi, lo, name, letter, sentence) { hi, lo, #name, sentence },
#include "mmu/spte_bits.def"
};

#define NR_BITS	 (sizeof(bits) / sizeof(bits[0]))

/* In an entry of device memory the hardware looks no further than bit 51. */
static const struct bit_row mmio_bits[] = {
	{ 0, 0, "present", "the hardware looks at the entry" },
	{ 1, 1, "writable", "the guest's tables allow writing, and its D is set" },
	{ 2, 2, "user", "the guest's tables let user mode through" },
	{ 10, 3, "generation", "low bits of the slots' generation" },
	{ 11, 11, "mmu_present", "software: clear, so neither memory nor a table" },
	{ 50, 12, "gfn", "the guest frame" },
	{ 51, 51, "reserved", "a reserved address bit: every access faults" },
	{ 62, 52, "generation", "high bits of the slots' generation" },
	{ 63, 63, "nx", "the guest's tables let no instruction fetch through" },
};

#define NR_MMIO_BITS (sizeof(mmio_bits) / sizeof(mmio_bits[0]))
#define HEADINGS 5u

static u64 entry(struct ui *ui)
{
	const struct model_sp *sp = ui_sp(ui);

	return sp ? sp->spte[ui->at.entry] : 0;
}

static void prepare(struct ui *ui, int width)
{
	(void)ui;
	(void)width;
}

static void title(struct ui *ui, struct line *line)
{
	if (ui_sp(ui))
		line_add(line, INK_title, " page %u entry %u (0x%x)", ui->at.sp, ui->at.entry,
			 ui->at.entry);
}

static size_t count(struct ui *ui)
{
	if (!ui_sp(ui))
		return 1;
	return HEADINGS + (spte_is_mmio(entry(ui)) ? NR_MMIO_BITS : NR_BITS);
}

/* The last event up to the cursor that set this entry. */
static const struct event *last_change(struct ui *ui, struct ev_spte_set *set)
{
	for (size_t i = ui->cursor + 1; i-- > 0 && i < timeline_count(ui->tl);) {
		const struct event *ev = timeline_event(ui->tl, i);

		if (ev->id != EV_spte_set || ev->len < sizeof(*set) || ev->vm != ui->at.vm ||
		    ev->level != ui->at.level)
			continue;
		__builtin_memcpy(set, ev->payload, sizeof(*set));
		if (set->sp == ui->at.sp && set->index == ui->at.entry)
			return ev;
	}
	return NULL;
}

/* The guest frame the entry stands for, as far as anybody has said. */
static bool frame_of(struct ui *ui, u64 *gfn)
{
	const struct model_sp *sp = ui_sp(ui);
	const struct model_rmap *rmap = map_get(&ui_vm(ui)->rmaps,
						model_entry_key(ui->at.sp, ui->at.entry));
	union mmu_role role = { .word = sp->role };
	struct ev_spte_set set;

	if (rmap) {
		*gfn = rmap->gfn;
	} else if (role.direct && role.level >= 1 && role.level <= LEVEL_MAX) {
		*gfn = sp->gfn + ui->at.entry * level_frames(role.level);
	} else {
		if (!last_change(ui, &set))
			return false;
		*gfn = set.gfn;
	}
	return true;
}

static void line_place(struct ui *ui, struct line *line)
{
	union mmu_role role = { .word = ui_sp(ui)->role };
	u64 spte = entry(ui), gfn = 0;
	bool known = frame_of(ui, &gfn);
	u32 child = model_child(ui_vm(ui), ui->at.sp, ui->at.entry);

	if (known)
		line_add(line, INK_address, "gfn 0x%" PRIx64, gfn);
	else
		line_add(line, INK_dim, "gfn not recorded");
	if (child)
		line_add(line, INK_address, " → page %u, table at hpa 0x%" PRIx64, child,
			 (u64)(spte & SPTE_PFN));
	else if (spte_is_leaf(spte, role.level))
		line_add(line, INK_address, " → hpa 0x%" PRIx64 ", %" PRIu64 " KiB",
			 (u64)(spte & SPTE_PFN & ~(level_bytes(role.level) - 1)),
			 level_bytes(role.level) >> 10);
	else if (spte_is_present(spte))
		line_add(line, INK_address, " → table at hpa 0x%" PRIx64, (u64)(spte & SPTE_PFN));
	else if (spte_is_mmio(spte))
		line_add(line, INK_address, " → device memory");
	else
		line_add(line, INK_dim, " → nowhere");
}

static void line_rights(u64 spte, struct line *line)
{
	if (!spte) {
		line_add(line, INK_dim, "empty: an access faults");
		return;
	}
	line_add(line, INK_plain, "%s, %s%s%s",
		 spte_is_mmio(spte)    ? "device memory" :
		 spte_is_present(spte) ? "present" :
					 "not present",
		 spte & SPTE_W ? "writable" : "read-only", spte & SPTE_U ? ", user" : "",
		 spte & SPTE_NX ? ", no execute" : "");
	if (!(spte & SPTE_W) && spte_is_present(spte))
		line_add(line, INK_plain, " (%s)",
			 !(spte & SPTE_HOST_W)	? "the slot or the host forbids writing" :
			 !(spte & SPTE_MMU_W)	? "its frame is a shadowed page table" :
						  "held back until a write, to see it");
}

static void line_change(struct ui *ui, struct line *line)
{
	struct ev_spte_set set;
	const struct event *ev = last_change(ui, &set);

	if (!ev) {
		line_add(line, INK_dim, "not changed by any event up to here");
		return;
	}
	line_add(line, INK_plain, "last changed at event %" PRIu64 ": 0x%" PRIx64 " → 0x%" PRIx64,
		 ev->seq, (u64)set.old, (u64)set.new);
	if (ev->cause)
		line_add(line, INK_plain, ", because of event %" PRIu64, ev->cause);
}

static void line_bit(const struct bit_row *bit, u64 spte, struct line *line)
{
	u64 value = spte >> bit->lo & BITS(bit->hi - bit->lo, 0);
	enum ink ink = value ? INK_good : INK_dim;

	if (bit->hi == bit->lo)
		line_add(line, ink, "   %2u %-12s %u  ", bit->hi, bit->name, (unsigned)value);
	else
		line_add(line, ink, "%2u:%2u %-12s 0x%" PRIx64 "  ", bit->hi, bit->lo, bit->name,
			 value);
	line_add(line, value ? INK_plain : INK_dim, "%s", bit->sentence);
}

static void line(struct ui *ui, size_t i, struct line *line)
{
	u64 spte = entry(ui);

	if (!ui_sp(ui)) {
		line_add(line, INK_dim, "no page is selected");
		return;
	}
	switch (i) {
	case 0:
		line_add(line, INK_plain, "value 0x%016" PRIx64 " at hpa 0x%" PRIx64, spte,
			 ui_sp(ui)->hpa + 8 * ui->at.entry);
		break;
	case 1:
		line_place(ui, line);
		break;
	case 2:
		line_rights(spte, line);
		break;
	case 3:
		line_change(ui, line);
		break;
	case 4:
		if (spte_is_mmio(spte))
			line_add(line, INK_dim, "true as long as the slots have generation %u",
				 spte_mmio_generation(spte));
		else
			line_add(line, INK_dim, "A and D are set by the hardware: as last seen by software");
		break;
	default:
		line_bit(&(spte_is_mmio(spte) ? mmio_bits : bits)[i - HEADINGS], spte, line);
	}
}

static bool action(struct ui *ui, enum action action)
{
	if (action == ACTION_left || action == ACTION_right) {
		ui->at.entry = (ui->at.entry + (action == ACTION_left ? PT_ENTRIES - 1 : 1)) %
			       PT_ENTRIES;
		return true;
	}
	if (action == ACTION_enter && ui_sp(ui) && frame_of(ui, &ui->at.gfn)) {
		ui_open(ui, &view_rmap);
		return true;
	}
	return false;
}

const struct view_ops view_spte = {
	.name = "spte", .sentence = "one entry bit by bit", .prepare = prepare, .title = title,
	.count = count, .line = line, .action = action,
};
