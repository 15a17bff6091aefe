/* SPDX-License-Identifier: MIT */
/* What the guest has written so far to its console. */
#include "tui/ui.h"
#include <string.h>
#include "tui/say.h"

static void add_start(struct ui *ui, size_t at)
{
	if (ui->nr_console == ui->console_room) {
		ui->console_room = ui->console_room ? ui->console_room * 2 : 256;
		ui->console_line = xrealloc(ui->console_line,
					    ui->console_room * sizeof(*ui->console_line));
	}
	ui->console_line[ui->nr_console++] = at;
}

static void prepare(struct ui *ui, int width)
{
	size_t len;
	const u8 *bytes = model_console(ui_model(ui), &len);

	(void)width;
	ui->nr_console = 0;
	if (len)
		add_start(ui, 0);
	for (size_t i = 0; i + 1 < len; i++)
		if (bytes[i] == '\n')
			add_start(ui, i + 1);
}

static size_t count(struct ui *ui)
{
	return ui->nr_console;
}

static void line(struct ui *ui, size_t i, struct line *line)
{
	size_t len;
	const u8 *bytes = model_console(ui_model(ui), &len);
	size_t at = ui->console_line[i];

	line_add(line, INK_plain, "%s", "");
	for (; at < len && bytes[at] != '\n'; at++)
		if (bytes[at] != '\r')
			line_add(line, INK_plain, "%c",
				 bytes[at] >= 0x20 && bytes[at] < 0x7f ? bytes[at] : '.');
}

const struct view_ops view_console = {
	.name = "console", .sentence = "what the guest wrote", .prepare = prepare, .count = count,
	.line = line, .tail = true,
};
