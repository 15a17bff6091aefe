/* SPDX-License-Identifier: MIT */
/* Knobs of the MMU: their values at this event, and turning one. */
#include "tui/ui.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
#define COMMAND(id, name, sentence, a, b, c, d) DO_##name = id,
#include "hv/channel/command.def"
};

static const struct knob {
	const char *name;
	u64 initial, min, max;
	const char *sentence;
} knobs[] = {
#define KNOB(name, initial, min, max, sentence) { #name, initial, min, max, sentence },
#include "mmu/knob.def"
};

#define NR_KNOBS	(sizeof(knobs) / sizeof(knobs[0]))
#define SENTENCE_INDENT	6

_Static_assert(NR_KNOBS <= MODEL_MAX_KNOBS, "the model keeps every knob");

/* "unsync=0"; the range is looked at here, so that the message can name it. */
static bool parse(struct ui *ui, const char *arg, size_t *nr, u64 *value)
{
	size_t n = strcspn(arg, "= ");
	char *end;

	for (*nr = 0; *nr < NR_KNOBS; ++*nr)
		if (strlen(knobs[*nr].name) == n && !memcmp(knobs[*nr].name, arg, n))
			break;
	if (*nr == NR_KNOBS) {
		ui_say(ui, "set: no knob has this name; :view knobs lists them");
		return false;
	}
	arg += n + strspn(arg + n, "= ");
	*value = strtoull(arg, &end, 0);
	if (*arg >= '0' && *arg <= '9' && !*end && *value >= knobs[*nr].min &&
	    *value <= knobs[*nr].max)
		return true;
	ui_say(ui, "set: %s takes a number from %" PRIu64 " to %" PRIu64, knobs[*nr].name,
	       knobs[*nr].min, knobs[*nr].max);
	return false;
}

void ui_set_knob(struct ui *ui, const char *arg)
{
	size_t nr;
	u64 value;

	if (!*arg) {
		ui_open(ui, &view_knobs);
		return;
	}
	ui->status = 1;
	if (!parse(ui, arg, &nr, &value))
		return;
	if (!ui_listens(ui, "set"))
		return;
	ui->status = 0;
	ui->machine.command(ui->machine.arg, DO_knob, nr, value, 0, 0);
}

static void prepare(struct ui *ui, int width)
{
	(void)ui;
	(void)width;
}

static void title(struct ui *ui, struct line *line)
{
	(void)ui;
	line_add(line, INK_dim, "  :set NAME=VALUE turns one");
}

/* Two lines each. */
static size_t count(struct ui *ui)
{
	const struct model_vm *vm = ui_vm(ui);

	return vm && vm->configured ? 2 * NR_KNOBS : 0;
}

static void line(struct ui *ui, size_t i, struct line *line)
{
	const struct knob *knob = &knobs[i / 2];
	u64 value = ui_vm(ui)->knob[i / 2];

	if (i % 2) {
		line_add(line, INK_dim, "%*s%s", SENTENCE_INDENT, "", knob->sentence);
		return;
	}
	line_add(line, value == knob->initial ? INK_plain : INK_title, "%-10s %" PRIu64 "%s",
		 knob->name, value, value == knob->initial ? "" : "  turned");
	line_add(line, INK_dim, "   %" PRIu64 " to %" PRIu64 ", at first %" PRIu64, knob->min,
		 knob->max, knob->initial);
}

const struct view_ops view_knobs = {
	.name = "knobs", .sentence = "mechanisms that can be turned while a guest runs",
	.prepare = prepare, .title = title, .count = count, .line = line,
};
