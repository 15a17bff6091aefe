/* SPDX-License-Identifier: MIT */
/* The help screen, made from the table of actions. */
#include "tui/ui.h"
#include <string.h>

static void prepare(struct ui *ui, int width)
{
	(void)ui;
	(void)width;
}

/* Keys, a heading, commands. */
static size_t count(struct ui *ui)
{
	const char *name, *arg, *sentence;
	size_t n = 0;

	(void)ui;
	while (ui_command_row(n, &name, &arg, &sentence))
		n++;
	return NR_ACTIONS + 1 + n;
}

static void command_line(size_t i, struct line *line)
{
	const char *name, *arg, *sentence;

	if (!ui_command_row(i, &name, &arg, &sentence))
		return;
	line_add(line, INK_changed, "       :%s", name);
	line_add(line, INK_address, " %-*s", (int)(24 - strlen(name)), arg);
	line_add(line, INK_plain, " %s", sentence);
}

static void line(struct ui *ui, size_t i, struct line *line)
{
	const struct action_info *info, *before;

	(void)ui;
	if (!i || i == NR_ACTIONS) {
		line_add(line, INK_title, "%s; q leads back",
			 i ? "Commands, for scripts and after :" : "Keys, and below them commands");
		return;
	}
	if (i > NR_ACTIONS) {
		command_line(i - NR_ACTIONS - 1, line);
		return;
	}
	info = action_info(i);
	before = action_info(i - 1);
	line_add(line, INK_title, "%-7s", strcmp(info->group, before->group) ? info->group : "");
	line_add(line, INK_changed, "%-17s", info->keys);
	line_add(line, INK_plain, " %s", info->sentence);
}

const struct view_ops view_help = {
	.name = "help", .sentence = "keys and commands", .prepare = prepare, .count = count, .line = line,
};
