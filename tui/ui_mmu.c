/* SPDX-License-Identifier: MIT */
/* ":mmu shadow": another MMU serves the guest, which goes on. */
#include <string.h>
#include "tui/format.h"
#include "tui/ui.h"

enum {
#define COMMAND(id, name, sentence, a, b, c, d) DO_##name = id,
#include "hv/channel/command.def"
};

#define NR_MODES 2	/* shadow, tdp */

void ui_set_mmu(struct ui *ui, const char *arg)
{
	unsigned mode = 0;

	while (mode < NR_MODES && strcmp(arg, mode_name(mode)))
		mode++;
	ui->status = 1;
	if (mode == NR_MODES) {
		ui_say(ui, "mmu: it is shadow or tdp");
	} else if (ui_listens(ui, "mmu")) {
		ui->status = 0;
		ui->machine.command(ui->machine.arg, DO_mmu, mode, 0, 0, 0);
	}
}
