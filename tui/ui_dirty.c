/* SPDX-License-Identifier: MIT */
/* ":dirty on": the writes to a slot are logged; ":dirty harvest": which were there? */
#include <stdlib.h>
#include <string.h>
#include "tui/ui.h"

enum {
#define COMMAND(id, name, sentence, a, b, c, d) DO_##name = id,
#include "hv/channel/command.def"
};

static const struct {
	const char *name;
	u8 what;
} words[] = {
	{ "off", CH_DIRTY_OFF },
	{ "on", CH_DIRTY_ON },
	{ "by-d", CH_DIRTY_BY_D },
	{ "harvest", CH_DIRTY_HARVEST },
};

#define NR_WORDS (sizeof(words) / sizeof(words[0]))

/* "on", "by-d 2", "harvest 2 1": the slot, then its address space; 0 if left out. */
static bool parse(const char *arg, size_t *word, u64 *slot, u64 *as)
{
	size_t n = strcspn(arg, " ");
	char *end;

	for (*word = 0; *word < NR_WORDS; ++*word)
		if (strlen(words[*word].name) == n && !memcmp(words[*word].name, arg, n))
			break;
	*slot = strtoull(arg + n, &end, 0);
	*as = strtoull(end, &end, 0);
	return *word < NR_WORDS && !end[strspn(end, " ")];
}

void ui_log_dirty(struct ui *ui, const char *arg)
{
	u64 slot, as;
	size_t word;

	ui->status = 1;
	if (!parse(arg, &word, &slot, &as)) {
		ui_say(ui, "dirty: on, by-d, off or harvest; then a slot and an address space, or 0");
	} else if (ui_listens(ui, "dirty")) {
		ui->status = 0;
		ui->machine.command(ui->machine.arg, DO_dirty, as, slot, words[word].what, 0);
	}
}
