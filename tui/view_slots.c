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
		line_add(line, INK_title, " generation %" PRIu64, vm->generation[0]);
}

static size_t count(struct ui *ui)
{
	const struct model_vm *vm = ui_vm(ui);

	return vm ? map_count(&vm->slots) : 0;
}

static const char *flags_text(u8 flags)
{
	static const char *const texts[] = { "", " read-only", " dirty log", " read-only, dirty log",
					     " SMRAM", " SMRAM, read-only", " SMRAM, dirty log",
					     " SMRAM, read-only, dirty log" };

	return texts[flags & 7];
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
	line_add(line, INK_plain, "  %" PRIu64 " pages, %" PRIu64 " KiB%s", slot->npages,
		 slot->npages * 4, flags_text(slot->flags));
}

const struct view_ops view_slots = {
	.name = "slots", .sentence = "guest frames and the memory behind them", .prepare = prepare,
	.title = title, .count = count, .line = line,
};
