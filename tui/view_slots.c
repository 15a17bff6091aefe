/* SPDX-License-Identifier: MIT */
/* Memory slots of both address spaces. */
#include "tui/ui.h"
#include <inttypes.h>
#include <stdlib.h>

static void prepare(struct ui *ui, int width)
{
	(void)ui;
	(void)width;
}

static void title(struct ui *ui, struct line *line)
{
	const struct model_vm *vm = ui_vm(ui);

	if (vm)
		line_add(line, INK_title, " generations %" PRIu64 " (as 0), %" PRIu64 " (as 1)",
			 vm->generation[0], vm->generation[1]);
}

static size_t count(struct ui *ui)
{
	const struct model_vm *vm = ui_vm(ui);

	return vm ? map_count(&vm->slots) : 0;
}

static void line_flags(struct line *line, u8 flags)
{
	static const struct {
		u8 bit;
		const char *words;
	} rows[] = {
#define SLOT_FLAG(name, bit, words, sentence) { bit, words },
#include "mmu/slot_flags.def"
	};
	const char *between = " ";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!(flags & rows[i].bit))
			continue;
		line_add(line, INK_plain, "%s%s", between, rows[i].words);
		between = ", ";
	}
}

static u64 count_dirty(const struct model_vm *vm, const struct model_slot *slot)
{
	const u64 *mask;
	u64 nr = 0;

	for (u64 i = 0; i < slot->npages; i += 64)
		if ((mask = map_get(&vm->dirty, model_frame_key(slot->as, slot->gfn + i))))
			nr += (u64)__builtin_popcountll(*mask);
	return nr;
}

static void line(struct ui *ui, size_t i, struct line *line)
{
	const struct model_vm *vm = ui_vm(ui);
	u32 n;
	u64 *keys = map_keys(&vm->slots, &n);
	const struct model_slot *slot = map_get(&vm->slots, keys[i]);

	free(keys);
	line_add(line, INK_plain, "slot %u as %u ", slot->slot, slot->as);
	line_add(line, INK_address, "gfn %" PRIx64 "-%" PRIx64 " → hpa %" PRIx64, slot->gfn,
		 slot->gfn + slot->npages - 1, slot->hpa);
	line_add(line, INK_plain, "  %" PRIu64 " pages, %" PRIu64 " KiB", slot->npages,
		 slot->npages * 4);
	line_flags(line, slot->flags);
	if (slot->flags & MMU_SLOT_LOG_DIRTY)
		line_add(line, INK_plain, ", %" PRIu64 " dirty", count_dirty(vm, slot));
}

const struct view_ops view_slots = {
	.name = "slots", .sentence = "guest frames and the memory behind them", .prepare = prepare,
	.title = title, .count = count, .line = line,
};
