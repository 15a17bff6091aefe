/* SPDX-License-Identifier: MIT */
/* The help screen, made from the table of actions. */
#include "tui/ui.h"
#include <string.h>

static void prepare(struct ui *ui, int width)
{
	(void)ui;
	(void)width;
}

static size_t count(struct ui *ui)
{
	(void)ui;
	return NR_ACTIONS;
}

static void line(struct ui *ui, size_t i, struct line *line)
{
	const struct action_info *info, *before;

	(void)ui;
	if (!i) {
		line_add(line, INK_title, "Keys; q leads back");
		return;
	}
	info = action_info(i);
	before = action_info(i - 1);
	line_add(line, INK_title, "%-7s", strcmp(info->group, before->group) ? info->group : "");
	line_add(line, INK_changed, "%-17s", info->keys);
	line_add(line, INK_plain, " %s", info->sentence);
}

const struct view_ops view_help = {
	.name = "help", .sentence = "keys", .prepare = prepare, .count = count, .line = line,
};
