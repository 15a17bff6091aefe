/* SPDX-License-Identifier: MIT */
/* ":age", ":young": which memory was used. The machine answers by events. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "tui/ui.h"

enum {
#define COMMAND(id, name, sentence, a, b, c, d) DO_##name = id,
#include "hv/channel/command.def"
};

/* "GFN [FRAMES [AS]]"; nothing: all memory of address space 0. */
static bool parse(const char *arg, u64 *as, u64 *start, u64 *end)
{
	long long n[3] = { 0, 1, 0 };
	char rest;
	int nr = sscanf(arg, "%lli %lli %lli %c", &n[0], &n[1], &n[2], &rest);

	*as = (u64)n[2];
	*start = (u64)n[0];
	*end = nr > 0 ? (u64)n[0] + (u64)n[1] : 0;
	return nr < 4 && (nr > 0 || !*arg) && n[0] >= 0 && n[1] > 0 && n[2] >= 0;
}

void ui_age(struct ui *ui, const char *arg, bool clear)
{
	u64 as, start, end;

	ui->status = 1;
	if (!parse(arg, &as, &start, &end)) {
		ui_say(ui, "%s: it is GFN [FRAMES [ADDRESS SPACE]], or nothing for all memory",
		       clear ? "age" : "young");
	} else if (ui_listens(ui, clear ? "age" : "young")) {
		ui->status = 0;
		ui->age_asked = true;
		ui->age_from = timeline_count(ui->tl);
		ui->machine.command(ui->machine.arg, DO_age, as, start, end, clear);
	}
}

static void tell(struct ui *ui, const struct ev_aged *e)
{
	u64 kib = e->young * (PAGE_SIZE / 1024);

	if (!e->young && !e->old) {
		ui_say(ui, "no memory is there, or nothing is known of it");
		return;
	}
	ui_say(ui, "%" PRIu64 " frames young (%" PRIu64 " KiB), %" PRIu64 " old%s", e->young, kib,
	       e->old, e->cleared ? "; counted anew from now on" : "");
}

void ui_note_age(struct ui *ui)
{
	struct ev_aged e;

	for (; ui->age_asked && ui->age_from < timeline_count(ui->tl); ui->age_from++) {
		const struct event *ev = timeline_event(ui->tl, ui->age_from);

		if (ev->id != EV_aged || ev->len < sizeof(e))
			continue;
		memcpy(&e, ev->payload, sizeof(e));
		tell(ui, &e);
		ui->age_asked = false;
	}
}
